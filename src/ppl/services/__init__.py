"""Lifetimes, clocks and turns: what every package needs to start, stop, wait and share the reactor."""
