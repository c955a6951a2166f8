"""Lifetimes, clocks and turns: what every room needs to start, stop, wait and share the reactor."""
