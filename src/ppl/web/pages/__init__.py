"""The pages for people; each works without JavaScript, except for the viewer."""
