"""Notices a PostgreSQL that runs but takes no connections although no recovery is under way.

A postmaster can lose its startup process in a crash and then stay for ever without one. Used by :mod:`.run`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from struct import pack
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import UNIXClientEndpoint
from twisted.internet.error import ConnectError
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from ppl.services.pausing import Rest

# SQLSTATE cannot_connect_now: the server is starting up, shutting down, or in recovery.
_NOT_NOW = b"57P03"
_PROTOCOL = 3 << 16
_TERMINATE = b"X\0\0\0\4"


@attrs.frozen
class Attention:
    """How PostgreSQL is watched.

    Attributes:
        period: seconds between two checks.
        looks: checks in a row without an answer after which PostgreSQL is restarted.
        patience: seconds that an answer may take.
    """

    period: float = 10.0
    looks: int = 6
    patience: float = 5.0


class ServerWatchdog:
    """Watches the PostgreSQL that listens on ``socket``.

    Args:
        reactor: connects and waits.
        socket: path of PostgreSQL's socket.
        attention: how it is watched.
    """

    def __init__(self, reactor: Any, socket: Path, attention: Attention) -> None:
        self._reactor, self._socket, self._attention = reactor, socket, attention
        self._rest = Rest(reactor)
        self._stopped = False

    def stop(self) -> None:
        """End the watch."""
        self._stopped = True
        self._rest.end()

    async def watch(self, is_recovering: Callable[[], bool]) -> bool:
        """Return ``True`` once PostgreSQL has been silent for too long, ``False`` when the watch was stopped.

        The watchdog counts checks, not time: while the whole machine is suspended, PostgreSQL is too.
        """
        silent = 0
        # stop() may be called between two watches, when there is no pause to end.
        while not self._stopped and await self._rest.take(self._attention.period) and not self._stopped:
            is_well = await answers(self._reactor, self._socket, self._attention.patience) or is_recovering()
            silent = 0 if is_well else silent + 1
            if silent >= self._attention.looks and not self._stopped:
                return True
        return False


async def answers(reactor: Any, socket: Path, patience: float) -> bool:
    """Whether the PostgreSQL on ``socket`` answers a new connection, even if only to say that it has too many."""
    asking = _Asking()
    timer = reactor.callLater(patience, asking.give_up)
    try:
        await UNIXClientEndpoint(reactor, str(socket), timeout=patience).connect(_Quiet.forProtocol(lambda: asking))
    except ConnectError:
        asking.give_up()
    answer = await asking.answer
    if timer.active():
        timer.cancel()
    return bool(answer) and not (answer.startswith(b"E") and _NOT_NOW in answer)


class _Quiet(Factory):
    """A factory that does not log; Twisted's default would log each check twice."""

    noisy = False


class _Asking(Protocol):
    """Sends a startup message, as any client does, and takes the first bytes of the answer."""

    transport: Any

    def __init__(self) -> None:
        self.answer: Deferred[bytes] = Deferred()

    def makeConnection(self, transport: Any) -> None:
        super().makeConnection(transport)
        if self.answer.called:
            transport.abortConnection()

    def connectionMade(self) -> None:
        words = b"user\0ppl\0database\0ppl\0\0"
        self.transport.write(pack("!II", 8 + len(words), _PROTOCOL) + words)

    def dataReceived(self, data: bytes) -> None:
        self._answered(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._answered(b"")

    def give_up(self) -> None:
        """End without an answer: none came in time."""
        self._answered(b"")

    def _answered(self, data: bytes) -> None:
        if self.answer.called:
            return
        if data:
            self.transport.write(_TERMINATE)
            self.transport.loseConnection()
        elif self.transport is not None:
            self.transport.abortConnection()
        self.answer.callback(data)


__all__ = ["Attention", "ServerWatchdog", "answers"]
