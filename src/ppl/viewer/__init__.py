"""Viewers: the browser's (or a program's) WebSocket, watching one destination."""
