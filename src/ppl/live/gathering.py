"""The viewers of one destination that search for the same: all are handed what is announced, or what of it matches.

The :class:`~ppl.viewer.hub.Hub` has one for each destination and query; it holds the audiences, one for each form of
frames.
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

#: Live frames of ``batch`` viewers: the first at once, then one a tick, which is at least as long.
TICK_SECONDS = 0.01


class Gathering:
    """Viewers of one destination.

    Args:
        reactor: the clock.
        turns: the time in which events are looked at.
        filter_: what all of them search for, ``None`` for everything.
    """

    _log = Logger()

    def __init__(self, reactor: Any, turns: SieveTurns, filter_: Filter | None) -> None:
        self._reactor = reactor
        # The viewers that take many events in a frame, and those that take one.
        self._audiences: dict[bool, Audience] = {}
        self._sieve = Sieve(filter_, turns, self._tell, self.catch_up, self._failed) if filter_ else None

    def __bool__(self) -> bool:
        return bool(self._audiences)

    def enter(self, member: Member, batch: bool) -> None:
        """``member`` watches from now on; ``batch``: many events in a frame."""
        if batch not in self._audiences:
            self._audiences[batch] = Audience(self._reactor, TICK_SECONDS if batch else 0.0)
        self._audiences[batch].members.add(member)

    def leave(self, member: Member, batch: bool) -> None:
        """``member`` watches no longer."""
        audience = self._audiences[batch]
        audience.members.remove(member)
        if not audience.members:
            audience.close()
            del self._audiences[batch]
        if not self._audiences and self._sieve is not None:
            self._sieve.clear()

    def announce(self, events: Sequence[Event]) -> None:
        """Committed events (at least one), ascending."""
        if self._sieve is None:
            self._tell(events)
        else:
            self._sieve.announce(events)

    def catch_up(self) -> None:
        """Events may have been missed."""
        # In the order of the link: what was announced before comes before; or it is read with what was missed.
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
        self._log.failure("Live events could not be searched", failure)
        for member in self._members():
            member.close(1011, "internal error")
