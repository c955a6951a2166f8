"""The viewers of one destination that take live events in the same form, all of them at the same ticks.

A :class:`~ppl.live.gathering.Gathering` hands in announced events; each :class:`Member` gets the very same batches, so
that frames made for one serve all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from twisted.internet.interfaces import IDelayedCall

from ppl.live.batch import PART_EVENTS, Batch
from ppl.live.portion import PAGE_BYTES, size_of
from ppl.model import Event

#: A tick lasts this long for each viewer, so that a crowd leaves about half of the time to everything else.
SECONDS_EACH = 0.0001

#: Ticks shorter than this are not waited for.
_LEAST_SECONDS = 0.001


class Member(Protocol):
    """A viewer's connection, which gets live events."""

    def live(self, batch: Batch) -> None:
        """Take committed events; must not raise."""

    def catch_up(self, seen: int) -> None:
        """Events may have been missed. Those announced up to id ``seen`` were filtered, and matching ones passed on."""

    def close(self, code: int, reason: str) -> None:
        """Close the socket with ``code``; no more events come."""


class Audience:
    """Passes events to its ``members``: the first after a pause at once, then those that have gathered once per tick.

    Args:
        reactor: the clock.
        least_seconds: shortest tick in seconds, however few members there are.

    Attributes:
        members: the viewers; they come and go between two calls.
    """

    def __init__(self, reactor: Any, least_seconds: float) -> None:
        self.members: set[Member] = set()
        self._reactor = reactor
        self._least_seconds = least_seconds
        self._events: list[Event] = []
        self._size = 0
        self._tick: IDelayedCall | None = None

    def announce(self, events: Sequence[Event]) -> None:
        """Take committed events (at least one), ascending by id."""
        if self._events and events[0].id <= self._events[-1].id:
            self.tell()
        self._events += events
        self._size += sum(map(size_of, events))
        # Events that fill a frame gain nothing by waiting.
        if self._tick is None or len(self._events) >= PART_EVENTS or self._size >= PAGE_BYTES:
            self.tell()

    def tell(self) -> None:
        """Pass on the events that wait, if any, without waiting for the tick."""
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
        """Drop the events that wait: no member is left."""
        self._events, self._size = [], 0
        if self._tick is not None:
            self._tick.cancel()
            self._tick = None

    def _ticked(self) -> None:
        self._tick = None
        self.tell()
