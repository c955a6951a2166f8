"""A TCP proxy before PostgreSQL's socket that can lose replies, fall silent and refuse, as networks do."""

from __future__ import annotations

from typing import Any, Literal

from psycopg2.extensions import make_dsn, parse_dsn
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ServerEndpoint, UNIXClientEndpoint
from twisted.internet.protocol import Factory, Protocol

Mode = Literal["pass", "lose replies", "silent", "refuse"]


class Proxy(Factory):
    """A proxy between libpq and the PostgreSQL of ``dsn``.

    Attributes:
        mode: what it does with open and new connections; ``lose replies`` forwards statements, closes the connection
            instead of forwarding the first answer to an ``INSERT``, and then passes everything again.
        dsn: connects through it, by the name ``localhost``.
    """

    def __init__(self, reactor: Any, dsn: str) -> None:
        self.mode: Mode = "pass"
        self.dsn = ""
        self.open: set[Protocol] = set()
        self._closed: Deferred[None] | None = None
        self._reactor, self._parts = reactor, parse_dsn(dsn)
        self.endpoint = UNIXClientEndpoint(reactor, f"{self._parts['host']}/.s.PGSQL.{self._parts['port']}")

    def buildProtocol(self, address: object) -> Protocol:
        return Client(self)

    async def start(self) -> None:
        self._port = await TCP4ServerEndpoint(self._reactor, 0, interface="127.0.0.1").listen(self)
        self.dsn = make_dsn(**{**self._parts, "host": "localhost", "port": self._port.getHost().port})

    async def stop(self) -> None:
        await self._port.stopListening()
        self.drop()
        if self.open:
            self._closed = Deferred()
            await self._closed

    def closed(self, side: Protocol) -> None:
        """Take note that one side of a connection has closed."""
        self.open.discard(side)
        if self._closed is not None and not self.open:
            closed, self._closed = self._closed, None
            closed.callback(None)

    def drop(self) -> None:
        """Cut every connection."""
        for side in list(self.open):
            side.transport.abortConnection()


class Client(Protocol):
    """The connection from libpq."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._waiting: list[bytes] = []
        self._server: Server | None = None

    def connectionMade(self) -> None:
        self._proxy.open.add(self)
        if self._proxy.mode == "refuse":
            self.transport.abortConnection()
            return
        connecting: Deferred[Server] = self._proxy.endpoint.connect(
            Factory.forProtocol(lambda: Server(self, self._proxy))
        )
        connecting.addCallbacks(self._connected, lambda _: self.transport.abortConnection())

    def _connected(self, server: Server) -> None:
        self._server = server
        for data in self._waiting:
            server.transport.write(data)

    def dataReceived(self, data: bytes) -> None:
        if self._proxy.mode == "silent":
            return
        if self._server is None:
            self._waiting.append(data)
        else:
            self._server.transport.write(data)

    def reply(self, data: bytes) -> None:
        if self._proxy.mode == "lose replies" and b"INSERT 0 " in data:
            self._proxy.mode = "pass"
            self.transport.abortConnection()
        elif self._proxy.mode != "silent":
            self.transport.write(data)

    def connectionLost(self, reason: object) -> None:
        self._proxy.closed(self)
        if self._server is not None:
            self._server.transport.loseConnection()


class Server(Protocol):
    """The connection to PostgreSQL."""

    def __init__(self, client: Client, proxy: Proxy) -> None:
        self._client, self._proxy = client, proxy

    def connectionMade(self) -> None:
        self._proxy.open.add(self)

    def dataReceived(self, data: bytes) -> None:
        self._client.reply(data)

    def connectionLost(self, reason: object) -> None:
        self._proxy.closed(self)
        self._client.transport.loseConnection()
