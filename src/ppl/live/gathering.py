"""The viewers of one destination with the same search: they get all announced events, or those that match.

The :class:`~ppl.viewer.hub.Hub` has one gathering for each destination and query; a gathering holds its audiences, one
for each form of frames.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from twisted.logger import Logger
from twisted.python.failure import Failure

from ppl.live.audience import Audience, Member
from ppl.live.filtering import Filter
from ppl.live.sieve import Sieve, SieveTurns
from ppl.model import Event

#: Seconds of the shortest tick for ``batch`` viewers: their first live frame is sent at once, then one per tick.
TICK_SECONDS = 0.01


class Gathering:
    """Viewers of one destination.

    Args:
        reactor: the clock.
        turns: shares out the time for filtering events.
        filter_: the filter of all these viewers, ``None`` for all events.
    """

    _log = Logger()

    def __init__(self, reactor: Any, turns: SieveTurns, filter_: Filter | None) -> None:
        self._reactor = reactor
        # Whether a frame holds many events or one → the viewers of such frames.
        self._audiences: dict[bool, Audience] = {}
        self._sieve = Sieve(filter_, turns, self._tell, self.catch_up, self._failed) if filter_ else None

    def __bool__(self) -> bool:
        return bool(self._audiences)

    def enter(self, member: Member, batch: bool) -> None:
        """Add ``member``; ``batch``: it takes many events in a frame."""
        if batch not in self._audiences:
            self._audiences[batch] = Audience(self._reactor, TICK_SECONDS if batch else 0.0)
        self._audiences[batch].members.add(member)

    def leave(self, member: Member, batch: bool) -> None:
        """Remove ``member``, which entered with the same ``batch``."""
        audience = self._audiences[batch]
        audience.members.remove(member)
        if not audience.members:
            audience.close()
            del self._audiences[batch]
        if not self._audiences and self._sieve is not None:
            self._sieve.clear()

    def announce(self, events: Sequence[Event]) -> None:
        """Take committed events (at least one), ascending by id."""
        if self._sieve is None:
            self._tell(events)
        else:
            self._sieve.announce(events)

    def catch_up(self) -> None:
        """Tell all members that events may have been missed."""
        # In the order of the link: events announced before are passed on first, or read together with the missed ones.
        for audience in tuple(self._audiences.values()):
            audience.tell()
        seen = 0 if self._sieve is None else self._sieve.seen
        for member in self._members():
            member.catch_up(seen)

    def _tell(self, events: Sequence[Event]) -> None:
        for audience in tuple(self._audiences.values()):
            audience.announce(events)

    def _members(self) -> Iterator[Member]:
        for audience in tuple(self._audiences.values()):
            yield from tuple(audience.members)

    def _failed(self, failure: Failure) -> None:
        self._log.failure("Internal error while filtering live events", failure)
        for member in self._members():
            member.close(1011, "internal error")
