"""Limits of the listener: which connections are admitted, how much may wait, which lines are refused and counted."""
