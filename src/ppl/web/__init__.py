"""The web site: accounts, the viewer page and its assets."""
