"""The link between two processes: servers listen, and each listener connects to every server it is given.

Both services have the shared secret, which the listener sends as ``Authorization: Bearer`` in the handshake.
"""

from __future__ import annotations

import hmac
from typing import Any

from autobahn.twisted.websocket import (
    WebSocketClientFactory,
    WebSocketClientProtocol,
    WebSocketServerFactory,
    WebSocketServerProtocol,
)
from autobahn.websocket.types import ConnectionDeny, ConnectionRequest
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import clientFromString
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from ppl.link.codec import decode_from_listener, decode_from_server
from ppl.link.interface import LinkEnd
from ppl.link.websocket_protocol import OPTIONS, LinkProtocol
from ppl.services.backoff import Backoff
from ppl.services.dropping import DROPPING_SECONDS
from ppl.services.listening import Listening

PATH = "/link"
_FIRST_DELAY, _LONGEST_DELAY = 0.1, 10.0


class _ServerProtocol(LinkProtocol, WebSocketServerProtocol):  # type: ignore[misc]
    """The server's end of one listener's connection."""

    def onConnect(self, request: ConnectionRequest) -> None:
        """Autobahn: the request of a handshake. Only a listener that sends the secret is accepted."""
        given = request.headers.get("authorization", "")
        if request.path != PATH:
            raise ConnectionDeny(404, "The link is at /link")
        if "origin" in request.headers or not hmac.compare_digest(
            given.encode("utf-8", "replace"), f"Bearer {self.factory.secret}".encode()
        ):
            self._log.warn("{peer} showed no valid link secret and was refused", peer=self.peer)
            raise ConnectionDeny(401, "The link's secret is wrong")

    def connectionMade(self) -> None:
        """Twisted: connected."""
        self.factory.connections.add(self)
        super().connectionMade()

    def connectionLost(self, reason: Failure) -> None:
        """Twisted: disconnected."""
        try:
            super().connectionLost(reason)
        finally:
            self.factory.forget(self)


class _Closing:
    """Keeps the connections of a factory, so that a stop can wait for the last one to end."""

    def __init__(self) -> None:
        self.connections: set[Any] = set()
        self._gone: Deferred[None] | None = None

    def forget(self, protocol: Any) -> None:
        """``protocol`` is disconnected."""
        self.connections.discard(protocol)
        if self._gone is not None and not self.connections:
            gone, self._gone = self._gone, None
            gone.callback(None)

    async def close_all(self) -> None:
        """Close every connection and wait for its end."""
        if self.connections:
            self._gone = Deferred()
            for protocol in list(self.connections):
                if protocol.state == protocol.STATE_OPEN:
                    protocol.sendClose()
                else:
                    protocol.transport.abortConnection()
            await self._gone


class _ServerFactory(_Closing, WebSocketServerFactory):  # type: ignore[misc]
    protocol = _ServerProtocol
    noisy = False

    def __init__(self, reactor: Any, secret: str, end: LinkEnd, dropping_seconds: float) -> None:
        _Closing.__init__(self)
        WebSocketServerFactory.__init__(self, reactor=reactor)
        self.setProtocolOptions(**OPTIONS)
        self.secret, self.end, self.decode = secret, end, decode_from_listener
        self.dropping_seconds = dropping_seconds


class LinkServer(Listening):
    """Accepts listeners that send ``secret`` on ``endpoint`` (a Twisted server endpoint string): channels of ``end``.

    For ``dropping_seconds`` see :class:`~ppl.services.dropping.Dropping`.
    """

    name = "the links to listeners"

    def __init__(
        self, reactor: Any, endpoint: str, secret: str, end: LinkEnd, dropping_seconds: float = DROPPING_SECONDS
    ) -> None:
        self._connected = _ServerFactory(reactor, secret, end, dropping_seconds)
        super().__init__(reactor, "--link", endpoint, self._connected)

    async def _close(self) -> None:
        await super()._close()
        await self._connected.close_all()


class _ClientProtocol(LinkProtocol, WebSocketClientProtocol):  # type: ignore[misc]
    """The listener's end of its connection to one server."""

    def onOpen(self) -> None:
        """Autobahn: the WebSocket is open. Only this, and not the TCP connection, counts as reaching the server."""
        self.factory.opened()
        super().onOpen()

    def connectionMade(self) -> None:
        """Twisted: connected."""
        self.factory.connections.add(self)
        super().connectionMade()

    def connectionLost(self, reason: Failure) -> None:
        """Twisted: disconnected."""
        try:
            super().connectionLost(reason)
        finally:
            self.factory.forget(self)
            self.factory.lost()


class _ClientFactory(_Closing, WebSocketClientFactory):  # type: ignore[misc]
    protocol = _ClientProtocol
    noisy = False

    def __init__(self, client: LinkClient, reactor: Any, secret: str, end: LinkEnd, dropping_seconds: float) -> None:
        _Closing.__init__(self)
        WebSocketClientFactory.__init__(
            self, f"ws://link{PATH}", headers={"Authorization": f"Bearer {secret}"}, reactor=reactor
        )
        self.setProtocolOptions(**OPTIONS)
        self.end, self.decode = end, decode_from_server
        self.opened, self.lost = client.opened, client.lost
        self.dropping_seconds = dropping_seconds


class LinkClient(Service):
    """Keeps one connection to the server at ``endpoint`` (a Twisted client endpoint string), reconnecting with backoff.

    For ``dropping_seconds`` see :class:`~ppl.services.dropping.Dropping`.
    """

    _log = Logger()
    name = "the link to a server"

    def __init__(
        self, reactor: Any, endpoint: str, secret: str, end: LinkEnd, dropping_seconds: float = DROPPING_SECONDS
    ) -> None:
        self._reactor, self._endpoint = reactor, endpoint
        self._factory = _ClientFactory(self, reactor, secret, end, dropping_seconds)
        self._backoff = Backoff(_FIRST_DELAY, _LONGEST_DELAY)
        self._retry: IDelayedCall | None = None
        self._connecting: Deferred[Any] | None = None
        self._said_lost = False

    def startService(self) -> None:
        """Begin to connect; the server need not be up yet."""
        super().startService()
        self._connect()

    def stopService(self) -> Deferred[None]:
        """Fires when the connection is closed and nothing will reconnect."""
        super().stopService()
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        if self._connecting is not None:
            self._connecting.cancel()
        return Deferred.fromCoroutine(self._factory.close_all())

    def opened(self) -> None:
        """The WebSocket is open."""
        self._backoff.reset()
        self._said_lost = False
        self._log.info("A link to a server is open: {endpoint}", endpoint=self._endpoint)

    def lost(self) -> None:
        """The connection, open or not, is gone."""
        self._try_again("the connection was lost")

    def _connect(self) -> None:
        self._retry = None
        self._connecting = clientFromString(self._reactor, self._endpoint).connect(self._factory)
        self._connecting.addBoth(self._connected)

    def _connected(self, result: Any) -> None:
        self._connecting = None
        if isinstance(result, Failure) and self.running:
            self._try_again(result.getErrorMessage())

    def _try_again(self, why: str) -> None:
        if not self.running or self._retry is not None:
            return
        if not self._said_lost:
            self._said_lost = True
            self._log.warn("No link to the server at {endpoint}, retrying: {why}", endpoint=self._endpoint, why=why)
        self._retry = self._reactor.callLater(self._backoff.next(), self._connect)
