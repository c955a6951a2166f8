"""A drain on an endpoint of its own, and programs that upload to it."""

from __future__ import annotations

import hashlib
import json
from ipaddress import ip_network
from typing import Any

import attrs
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol

from ppl.http.client import Proxies
from ppl.listener.http.admission import DrainAdmission, DrainLimits
from ppl.listener.http.drain import Drain, Farewell
from ppl.listener.http.site import DrainSite
from ppl.listener.writing.writer import Writer
from ppl.model import Account, Destination
from ppl.services.clock import wall_clock
from ppl.services.sequence import SequentialService
from tests.listener.receiving import intake
from tests.waiting import until

TOKEN = "t" * 43
LIMITS = DrainLimits(
    max_drain_bytes=100_000, max_drain_requests=4, max_drain_requests_per_second=1000, queue_bytes=1_000_000
)


@attrs.frozen
class Response:
    """An answer of the drain."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return str(self.json["error"]["code"])


class _Client(Protocol):
    """A client's connection, which reads answers as they come."""

    def __init__(self) -> None:
        self.received = b""
        self.gone: Deferred[None] = Deferred()
        self.is_gone = False

    def dataReceived(self, data: bytes) -> None:
        self.received += data

    def connectionLost(self, reason: Any = None) -> None:
        self.is_gone = True
        self.gone.callback(None)

    def send(self, data: bytes) -> None:
        self.transport.write(data)

    def response(self) -> Response | None:
        """Take the next whole answer off what came; ``None`` if there is none yet."""
        head, end, rest = self.received.partition(b"\r\n\r\n")
        if not end:
            return None
        status, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        length = int(headers.get("content-length", 0))
        if len(rest) < length:
            return None
        self.received = rest[length:]
        return Response(int(status.split()[1]), headers, rest[:length])


class Drained:
    """A writer, a drain and its site, started and stopped in the same order as in Ppl."""

    def __init__(self, store: Any, behind_proxy: bool = False, **limits: int) -> None:
        writer_bytes = limits.pop("writer_bytes", 1 << 25)
        self.announced: list[Any] = []
        self.writer = Writer(store, self.announced.append, reactor, wall_clock, writer_bytes)
        self.store = store
        taking = intake(store, self.writer)
        admission = DrainAdmission(store, taking, "h", attrs.evolve(LIMITS, **limits))
        proxies = Proxies((ip_network("127.0.0.0/8"),) if behind_proxy else ())
        self.drain = Drain(taking, admission, store, reactor, proxies)
        self.service = SequentialService([Farewell(self.drain), self.writer, self.drain], reactor)
        self.site = DrainSite(self.drain, reactor)
        self._listening: Any = None
        self._clients: list[_Client] = []

    async def start(self) -> None:
        await self.service.startService()
        self._listening = reactor.listenTCP(0, self.site, interface="127.0.0.1")

    async def stop(self) -> None:
        if self._listening is not None:
            listening, self._listening = self._listening, None
            await listening.stopListening()
            # Before the service, which waits for uploads that are under way.
            for client in self._clients:
                if not client.is_gone:
                    client.transport.abortConnection()
                    await client.gone
            if self.service.running:
                await self.service.stopService()

    async def connect(self) -> _Client:
        client = _Client()
        self._clients.append(client)
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", self._listening.getHost().port)
        await connectProtocol(endpoint, client)
        return client


async def token_for(store: Any, owner: Account, destination: Destination, token: str = TOKEN) -> int:
    """Make ``token`` lead to the ``destination`` of ``owner``; return the id of the token."""
    hashed = hashlib.sha256(token.encode()).digest()
    drain = await store.create_drain(owner.id, destination.id, hashed, "a program", 100)
    assert drain is not None
    return int(drain.id)


def head(length: int | None, headers: dict[str, str] | None = None, token: str = TOKEN, method: str = "POST") -> bytes:
    """The head of a request."""
    lines = [f"{method} /logs/{token} HTTP/1.1", "Host: localhost"]
    lines += ["Transfer-Encoding: chunked"] if length is None else [f"Content-Length: {length}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def request(body: bytes, headers: dict[str, str] | None = None, token: str = TOKEN) -> bytes:
    """A whole request."""
    return head(len(body), headers, token) + body


async def answered(client: Any) -> Response:
    await until(lambda: _has_answer(client), "an answer")
    return client.response()


def _has_answer(client: Any) -> bool:
    before = client.received
    found = client.response()
    client.received = before
    return found is not None


async def ask(drained: Drained, data: bytes) -> Response:
    client = await drained.connect()
    client.send(data)
    return await answered(client)
