"""Ends the connection of an Autobahn WebSocket: cleanly if the other side reads, and soon in any case.

Autobahn ends a connection cleanly when the other side sends Close or the handshake is refused: Twisted then waits,
without a limit, until what was sent is read and, over TLS, until the other side ends the session too. The viewers'
WebSocket and both ends of the link mix :class:`Dropping` in before Autobahn's own protocol.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IDelayedCall
from twisted.python.failure import Failure

#: Seconds that the other side has to read what was sent before the connection is cut.
DROPPING_SECONDS = 5.0


class Dropping:
    """A protocol whose connection ends soon after it is dropped.

    Its factory has a ``reactor`` and ``dropping_seconds``, the most that this takes (usually :data:`DROPPING_SECONDS`).
    """

    # Attributes of Autobahn's protocols.
    transport: Any
    factory: Any
    closeHandshakeTimeoutCall: Any
    _ending: IDelayedCall | None = None

    def connectionLost(self, reason: Failure) -> None:
        """Twisted: disconnected."""
        if self._ending is not None and self._ending.active():
            self._ending.cancel()
        # Autobahn leaves this timer running.
        if self.closeHandshakeTimeoutCall is not None:
            self.closeHandshakeTimeoutCall.cancel()
            self.closeHandshakeTimeoutCall = None
        super().connectionLost(reason)  # type: ignore[misc]

    def abort(self) -> None:
        """Cut the connection off."""
        self.transport.abortConnection()

    def onCloseFrame(self, code: int, reasonRaw: bytes) -> bool | None:
        """Autobahn: the other side sent Close. A client that has answered would wait until the server disconnects."""
        self._end_soon()
        told: bool | None = super().onCloseFrame(code, reasonRaw)  # type: ignore[misc]
        return told

    def _closeConnection(self, abort: bool = False) -> None:
        """Autobahn: drop the connection."""
        super()._closeConnection(abort)  # type: ignore[misc]
        self._end_soon()

    def _end_soon(self) -> None:
        if self._ending is None:
            self._ending = self.factory.reactor.callLater(self.factory.dropping_seconds, self.abort)
