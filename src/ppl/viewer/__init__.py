"""Viewers: the WebSockets of browsers and programs, each of which watches one destination."""
