"""Shares the reactor's turns among the uploads that are being read: whatever their bodies hold, others get their turn.

One upload after the other works on its body, for a few milliseconds of each turn of the reactor in all. Between them
the reactor reads its sockets.
"""

from __future__ import annotations

from collections import deque
from time import perf_counter
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall

#: Seconds of one turn of the reactor that all uploads together may use. One piece of work may take as long again.
WORK_SECONDS = 0.004


class WorkTurns:
    """The turns of uploads.

    Args:
        reactor: gives turns.
    """

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._waiting: deque[Deferred[None]] = deque()
        self._next: IDelayedCall | None = None
        self._ends = 0.0

    @property
    def is_over(self) -> bool:
        """Whether the upload that works must now wait for :meth:`turn`."""
        return perf_counter() >= self._ends

    async def turn(self) -> None:
        """Return in a later turn of the reactor, when it is the caller's to work."""
        mine: Deferred[None] = Deferred()
        self._waiting.append(mine)
        self._wake()
        await mine

    def _wake(self) -> None:
        if self._next is None and self._waiting:
            self._next = self._reactor.callLater(0, self._begin)

    def _begin(self) -> None:
        self._next = None
        self._ends = perf_counter() + WORK_SECONDS
        # Those that ask again meanwhile are served in the next turn.
        for _ in range(len(self._waiting)):
            self._waiting.popleft().callback(None)
            if self.is_over:
                break
        self._wake()
