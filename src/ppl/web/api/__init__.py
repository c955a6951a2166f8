"""The HTTP API for programs, and the viewer's own requests."""
