"""Limits the rate of frames from viewers, and handles them one by one, a few in each turn of the reactor.

A WebSocket has a ration, and all WebSockets of an account share another; a long frame counts as several. Frames beyond
a ration wait in the client's own socket, which is not read meanwhile. All viewers together take a few milliseconds of a
turn, one frame of each in rotation, so that a flood from one client delays no other. Used by the viewers' WebSocket.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.python.failure import Failure

from ppl.access.throttle import Rate, Throttle
from ppl.live.sieve import SieveTurns
from ppl.model import SECOND

#: The rates for frames of one WebSocket, and of all WebSockets of one account.
SOCKET_RATE, ACCOUNT_RATE = Rate(burst=200, seconds=0.01), Rate(burst=800, seconds=0.0025)

#: Bytes that count as one more frame.
FRAME_BYTES = 4096


class RationedReader(Protocol):
    """A WebSocket that has read more than it has handled."""

    def handle_frame(self) -> int:
        """Handle the next frame, or the part of it that was read; gives its bytes, 0 if there is nothing to handle."""

    def all_handled(self) -> None:
        """Nothing is left to handle: read on."""

    def frame_failed(self, failure: Failure) -> None:
        """Handling raised an error; no further frame is handled."""


class Rations:
    """The rations of all WebSockets.

    Args:
        reactor: the clock and the turns.
        socket_rate: limits the frames of one WebSocket.
        account_rate: limits the frames of all WebSockets of one account.
    """

    def __init__(self, reactor: Any, socket_rate: Rate = SOCKET_RATE, account_rate: Rate = ACCOUNT_RATE) -> None:
        def clock() -> int:
            return int(reactor.seconds() * SECOND)

        self.reactor = reactor
        self.turns = SieveTurns(reactor)
        self.of_sockets, self.of_accounts = Throttle(socket_rate, clock), Throttle(account_rate, clock)
        self._numbers = count()

    def of(self, account_id: int, reader: RationedReader) -> Ration:
        """The ration of one WebSocket of an account."""
        return Ration(self, f"{next(self._numbers)}", f"{account_id}", reader)

    def stop(self) -> None:
        """Handle no further frame."""
        self.turns.stop()


class Ration:
    """The ration of one WebSocket; made by :class:`Rations`."""

    def __init__(self, rations: Rations, socket: str, account: str, reader: RationedReader) -> None:
        self._rations, self._socket, self._account, self._reader = rations, socket, account, reader
        self._is_at_work = self._has_ended = False
        # While the ration is used up: the Deferred that wakes it, and the timer.
        self._sleep: tuple[Deferred[None], IDelayedCall] | None = None

    def ask(self) -> None:
        """Handle what was read, in turns to come."""
        if not (self._is_at_work or self._has_ended):
            self._is_at_work = True
            self._rations.turns.take(self._steps(), self._reader.frame_failed)

    def end(self) -> None:
        """Stop, as the WebSocket is gone."""
        self._has_ended = True
        self._rations.of_sockets.forget(self._socket)
        if self._sleep is not None:
            self._sleep[1].cancel()
            self._wake()

    @property
    def is_used_up(self) -> bool:
        """Whether the next frame has to wait for a while."""
        return self._sleep is not None

    def _steps(self) -> Iterator[Deferred[None] | None]:
        while not self._has_ended:
            seconds = self._take()
            if seconds:
                yield self._sleeping(seconds)
                continue
            handled = self._reader.handle_frame()
            if not handled:
                break
            for _ in range(handled // FRAME_BYTES):
                self._take()
            yield None
        self._is_at_work = False
        if not self._has_ended:
            self._reader.all_handled()

    def _take(self) -> int:
        """Use up one frame of the ration; gives 0, or the seconds to wait where none is left."""
        seconds = self._rations.of_sockets.take(self._socket)
        if not seconds:
            seconds = self._rations.of_accounts.take(self._account)
            if seconds:
                self._rations.of_sockets.give_back(self._socket)
        return seconds

    def _sleeping(self, seconds: float) -> Deferred[None]:
        woken: Deferred[None] = Deferred()
        self._sleep = woken, self._rations.reactor.callLater(seconds, self._wake)
        return woken

    def _wake(self) -> None:
        if self._sleep is not None:
            (woken, _), self._sleep = self._sleep, None
            woken.callback(None)
