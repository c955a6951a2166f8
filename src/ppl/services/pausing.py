"""Pauses that belong to one piece of work, which a stop may cut short, and how long to pause between two tries.

Each piece of work that waits owns its :class:`Rest`: shared by two, the second to wait would leave the first asleep.
"""

from __future__ import annotations

import random
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater


class Rest:
    """A pause, one at a time."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._pause: Deferred[None] | None = None

    async def take(self, seconds: float) -> bool:
        """Wait; ``False`` if :meth:`end` cut it short.

        Raises:
            RuntimeError: a pause is being taken already.
        """
        if self._pause is not None:
            raise RuntimeError("Two pieces of work share one Rest.")
        self._pause = deferLater(self._reactor, max(0.0, seconds), lambda: None)
        try:
            await self._pause
        except CancelledError:
            return False
        finally:
            self._pause = None
        return True

    def end(self) -> None:
        """Cut the present pause short, if there is one."""
        if self._pause is not None:
            self._pause.cancel()


class Backoff:
    """Pauses between tries in seconds: each twice the one before, up to a bound, spread by half either way.

    Args:
        first: the first pause, before it is spread.
        longest: the bound.
    """

    def __init__(self, first: float, longest: float) -> None:
        self._next, self._longest = first, longest

    def next(self) -> float:
        """The next pause, in seconds."""
        pause = self._next * random.uniform(0.5, 1.5)  # noqa: S311 - spreads load, keeps no secret
        self._next = min(self._next * 2, self._longest)
        return pause
