"""Limits unfinished lines and frames: how much memory they hold over all connections, and for how long."""

from __future__ import annotations

from typing import Any, Protocol

from twisted.internet.interfaces import IDelayedCall


class Holder(Protocol):
    """A connection in the middle of a line or frame.

    Attributes:
        is_overdue: set when that has lasted for a while; the connection clears it whenever it completes something.
    """

    is_overdue: bool

    def expire(self) -> None:
        """End the unfinished line or frame, which has taken too long."""


class Unfinished:
    """The budget of one listener for unfinished lines and frames.

    Args:
        most: bytes that all connections together may hold.
        seconds: the longest that something may stay unfinished; it may be ended after half of this.
        reactor: timers.
    """

    def __init__(self, most: int, seconds: float, reactor: Any) -> None:
        self.bytes = 0
        self._most, self._seconds, self._reactor = most, seconds, reactor
        self._holders: set[Holder] = set()
        self._timer: IDelayedCall | None = None

    def changed(self, holder: Holder, before: int, now: int) -> bool:
        """Count that ``holder`` held ``before`` bytes and now holds ``now``; ``False`` if there is no room for more."""
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
        """Stop the timer: all connections have ended."""
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
