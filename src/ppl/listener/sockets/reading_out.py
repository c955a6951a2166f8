"""Ends a connection without losing lines: tells the sender, and reads what it sends until it knows.

A sender of plain lines is never told what was received. Closing a connection at once would lose the lines on their way
and in the kernel; after a half-close, senders see the end before they write more (rsyslog checks before each message).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IDelayedCall

#: Seconds of silence after which the connection is closed, and how many such periods there are at most.
QUIET_SECONDS, MOST_QUIETS = 0.5, 4


class ReadingOut:
    """Half-closes ``transport``; closes it cleanly when nothing more arrives, after two seconds at the latest.

    If the sender closes, it ends sooner. Call :meth:`stop` when the connection has ended.

    Args:
        transport: Twisted's TCP connection, with TLS or without.
        is_secure: whether TLS was established on it; then TLS announces the end too.
        is_held: whether reading is paused at the moment, so that silence means nothing.
    """

    def __init__(self, transport: Any, is_secure: bool, is_held: Callable[[], bool]) -> None:
        # The TCP connection, below TLS.
        self._tcp: Any = transport
        if is_secure:
            self._tcp = transport.protocol.transport
            # Ends TLS alone: it sends close_notify, and what arrives is still read.
            transport.loseConnection()
        else:
            transport.loseWriteConnection()
        self._is_held = is_held
        self._has_come = False
        self._left = MOST_QUIETS
        self._reactor = transport.reactor
        self._timer: IDelayedCall = self._reactor.callLater(QUIET_SECONDS, self._look)

    def came(self) -> None:
        """Data has arrived."""
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
