"""The viewers of one destination that take live events in the same form: all are told at the same ticks.

A :class:`~ppl.live.gathering.Gathering` hands in what is announced; each :class:`Member` gets the very same batches,
so that what is made of one serves all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from twisted.internet.interfaces import IDelayedCall

from ppl.live.batch import PART_EVENTS, Batch
from ppl.live.portion import PAGE_BYTES, size_of
from ppl.model import Event

#: Of each viewer to be told a tick is this long, so that a crowd leaves about half of the time to everything else.
SECONDS_EACH = 0.0001

#: A shorter tick is not waited for.
_LEAST_SECONDS = 0.001


class Member(Protocol):
    """A viewer's connection, which is told of live events."""

    def live(self, batch: Batch) -> None:
        """Committed events; must not raise."""

    def catch_up(self, seen: int) -> None:
        """Some may have been missed; what was announced up to id ``seen`` was looked at and told."""

    def close(self, code: int, reason: str) -> None:
        """Tell no more: the socket closes with ``code``."""


class Audience:
    """Tells its ``members``: what comes after a silence at once, then what has come together once a tick.

    Args:
        reactor: the clock.
        least_seconds: of a tick, however few are told.

    Attributes:
        members: the viewers to tell; they come and go between two calls.
    """

    def __init__(self, reactor: Any, least_seconds: float) -> None:
        self.members: set[Member] = set()
        self._reactor = reactor
        self._least_seconds = least_seconds
        self._events: list[Event] = []
        self._size = 0
        self._tick: IDelayedCall | None = None

    def announce(self, events: Sequence[Event]) -> None:
        """Committed events (at least one), ascending."""
        if self._events and events[0].id <= self._events[-1].id:
            self.tell()
        self._events += events
        self._size += sum(map(size_of, events))
        # What fills a frame gains nothing by waiting.
        if self._tick is None or len(self._events) >= PART_EVENTS or self._size >= PAGE_BYTES:
            self.tell()

    def tell(self) -> None:
        """Tell what waits, if anything does, without waiting for the tick."""
        if not self._events:
            return
        batch = Batch(self._events)
        self._events, self._size = [], 0
        for member in tuple(self.members):
            member.live(batch)
        if self._tick is None and self.members:
            seconds = max(self._least_seconds, len(self.members) * SECONDS_EACH)
            if seconds >= _LEAST_SECONDS:
                self._tick = self._reactor.callLater(seconds, self._ticked)

    def close(self) -> None:
        """Nobody is left."""
        self._events, self._size = [], 0
        if self._tick is not None:
            self._tick.cancel()
            self._tick = None

    def _ticked(self) -> None:
        self._tick = None
        self.tell()
