"""Limits unfinished lines and frames: how much memory they hold over all connections, and for how long."""

from __future__ import annotations

from typing import Any, Protocol

from twisted.internet.interfaces import IDelayedCall

from ppl.sources.first_line import Patience


class Holder(Protocol):
    """A connection in the middle of a line or frame.

    Attributes:
        is_overdue: set when that has lasted for a while; the connection clears it whenever it completes something.
    """

    is_overdue: bool

    def expire(self) -> None:
        """End the unfinished line or frame, which has taken too long."""


#: Seconds after which a line is ended that is probably whole though nothing shows its end.
PROBABLY_WHOLE_AFTER = 1.0


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
        # Those that are probably whole, with the time at which they are ended; the earliest first.
        self._whole: dict[Holder, float] = {}
        self._whole_timer: IDelayedCall | None = None

    def changed(self, holder: Holder, before: int, now: int) -> bool:
        """Count that ``holder`` held ``before`` bytes and now holds ``now``; ``False`` if there is no room for more."""
        self.bytes += now - before
        if not now:
            self._holders.discard(holder)
            self._whole.pop(holder, None)
        elif not before:
            holder.is_overdue = False
            self._holders.add(holder)
            if self._timer is None:
                self._timer = self._reactor.callLater(self._seconds / 2, self._look)
        return self.bytes <= self._most or now <= before

    def probably_whole(self, holder: Holder, patience: Patience) -> None:
        """Note how long ``holder``, which has got data and holds a part of it, waits for more.

        With ``QUIET`` patience it is ended after a second, unless this is called again; with ``SHORT`` patience after a
        second from the first such call.
        """
        if patience is Patience.SHORT and holder in self._whole:
            return
        self._whole.pop(holder, None)
        if patience is not Patience.LONG:
            self._whole[holder] = self._reactor.seconds() + PROBABLY_WHOLE_AFTER
            if self._whole_timer is None:
                self._whole_timer = self._reactor.callLater(PROBABLY_WHOLE_AFTER, self._end_whole)

    def stop(self) -> None:
        """Stop the timers: all connections have ended."""
        for timer in (self._timer, self._whole_timer):
            if timer is not None and timer.active():
                timer.cancel()
        self._timer = self._whole_timer = None

    def _end_whole(self) -> None:
        now = self._reactor.seconds()
        while self._whole and next(iter(self._whole.values())) <= now:
            holder = next(iter(self._whole))
            del self._whole[holder]
            holder.expire()
        # Not before: the holders may have been given another second, and the first of the others has less.
        self._whole_timer = None
        if self._whole:
            self._whole_timer = self._reactor.callLater(next(iter(self._whole.values())) - now, self._end_whole)

    def _look(self) -> None:
        self._timer = None
        for holder in list(self._holders):
            if holder.is_overdue:
                holder.expire()
            else:
                holder.is_overdue = True
        if self._holders:
            self._timer = self._reactor.callLater(self._seconds / 2, self._look)
