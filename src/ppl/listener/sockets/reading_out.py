"""The end of a connection from our side: said to the sender, and what it has sent until it knows is still read.

A sender of plain lines learns nothing of what was received. Closed at once, a connection loses what is on its way and
what the kernel holds; half-closed, senders see the end before they write on (rsyslog looks before each message).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IDelayedCall

#: Seconds without anything from the sender after which the connection ends, and how many of these there are at most.
QUIET_SECONDS, MOST_QUIETS = 0.5, 4


class ReadingOut:
    """Half-closes ``transport``; closes it in order when nothing comes any more, after two seconds at the latest.

    The sender's own end closes it sooner. Call :meth:`stop` when the connection has ended.

    Args:
        transport: Twisted's TCP connection, with TLS or without.
        is_secure: whether TLS was established on it, which then says the end as well.
        is_held: whether the connection is not being read from at the moment, so that silence tells nothing.
    """

    def __init__(self, transport: Any, is_secure: bool, is_held: Callable[[], bool]) -> None:
        # The TCP connection, below TLS.
        self._tcp: Any = transport
        if is_secure:
            self._tcp = transport.protocol.transport
            # Only TLS ends: it says so (close_notify), and what comes is still read.
            transport.loseConnection()
        else:
            transport.loseWriteConnection()
        self._is_held = is_held
        self._has_come = False
        self._left = MOST_QUIETS
        self._reactor = transport.reactor
        self._timer: IDelayedCall = self._reactor.callLater(QUIET_SECONDS, self._look)

    def came(self) -> None:
        """Something has come."""
        self._has_come = True

    def stop(self) -> None:
        """The connection has ended."""
        if self._timer.active():
            self._timer.cancel()

    def _look(self) -> None:
        self._left -= 1
        if self._left and (self._has_come or self._is_held()):
            self._has_come = False
            self._timer = self._reactor.callLater(QUIET_SECONDS, self._look)
        else:
            self._tcp.loseConnection()
