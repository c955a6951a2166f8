"""How long to pause between two tries: twice as long each time, and spread, so that many do not return at once."""

from __future__ import annotations

import random

from twisted.application.internet import backoffPolicy


class Backoff:
    """Pauses between tries.

    Args:
        first: seconds of the first pause, before it is spread.
        longest: seconds of the longest, before it is spread.
    """

    def __init__(self, first: float, longest: float) -> None:
        self._pause_before = backoffPolicy(first, longest, factor=2.0, jitter=lambda: 0.0)
        self._tries = 0

    def next(self) -> float:
        """The next pause in seconds, spread by half either way."""
        pause = self._pause_before(self._tries)
        self._tries += 1
        return pause * random.uniform(0.5, 1.5)  # noqa: S311 - spreads load, keeps no secret

    def reset(self) -> None:
        """Begin with the first pause again: a try succeeded."""
        self._tries = 0
