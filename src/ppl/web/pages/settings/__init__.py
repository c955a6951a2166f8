"""The settings page: each section's forms."""
