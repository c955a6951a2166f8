"""Exponential backoff: pauses between retries double each time, with jitter, so that clients do not return together."""

from __future__ import annotations

import random

from twisted.application.internet import backoffPolicy


class Backoff:
    """Pauses between retries.

    Args:
        first: seconds of the first pause, before jitter.
        longest: seconds of the longest pause, before jitter.
    """

    def __init__(self, first: float, longest: float) -> None:
        self._pause_before = backoffPolicy(first, longest, factor=2.0, jitter=lambda: 0.0)
        self._tries = 0

    def next(self) -> float:
        """The next pause in seconds, with jitter of up to half of it either way."""
        pause = self._pause_before(self._tries)
        self._tries += 1
        return pause * random.uniform(0.5, 1.5)  # noqa: S311 - spreads load, keeps no secret

    def reset(self) -> None:
        """Start again with the first pause, after a try has succeeded."""
        self._tries = 0
