"""The settings page, with a module for the forms of each section."""
