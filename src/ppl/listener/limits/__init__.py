"""Limits of the listener: who may connect, how much may wait, what is refused and counted."""
