"""What connections have begun and not ended, half a line or half a frame: bounded over all, and none for ever."""

from __future__ import annotations

from typing import Any, Protocol

from twisted.internet.interfaces import IDelayedCall


class Holder(Protocol):
    """A connection in the middle of something.

    Attributes:
        is_overdue: set when it has been so for a while; it takes it back whenever something was ended.
    """

    is_overdue: bool

    def expire(self) -> None:
        """It has taken too long: end what was begun."""


class Unfinished:
    """The budget of one listener.

    Args:
        most: bytes that all connections together may hold.
        seconds: after which what was begun is ended, at the latest; at the earliest after half of them.
        reactor: timers.
    """

    def __init__(self, most: int, seconds: float, reactor: Any) -> None:
        self.bytes = 0
        self._most, self._seconds, self._reactor = most, seconds, reactor
        self._holders: set[Holder] = set()
        self._timer: IDelayedCall | None = None

    def changed(self, holder: Holder, before: int, now: int) -> bool:
        """``holder`` held ``before`` bytes and holds ``now``; ``False``: that is more than there is room for."""
        self.bytes += now - before
        if not now:
            self._holders.discard(holder)
        elif not before:
            holder.is_overdue = False
            self._holders.add(holder)
            if self._timer is None:
                self._timer = self._reactor.callLater(self._seconds / 2, self._look)
        return self.bytes <= self._most or now <= before

    def stop(self) -> None:
        """All connections have ended."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        for holder in list(self._holders):
            if holder.is_overdue:
                holder.expire()
            else:
                holder.is_overdue = True
        if self._holders:
            self._timer = self._reactor.callLater(self._seconds / 2, self._look)
