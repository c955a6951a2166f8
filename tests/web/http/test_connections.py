"""The site's connections: limited per address and in total; a request has a minute to arrive completely."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import ip_network
from typing import Any

import pytest
from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from ppl.options import default_settings
from ppl.services.clock import wall_clock
from ppl.store.interface import Store
from ppl.web.site import make_site
from tests.waiting import turns, until
from tests.web.conftest import OpenedPorts

REQUEST = b"GET /nope HTTP/1.1\r\nHost: x\r\n\r\n"
UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Held:
    """An upload that accepts its body and never answers."""

    def __init__(self) -> None:
        self.taken = b""

    def takes(self, method: bytes, path: bytes, header: Any) -> bool:
        return path.startswith(b"/logs/")

    def begin(self, request: Any, length: int | None) -> Held:
        return self

    def take(self, data: bytes) -> None:
        self.taken += data

    def finish(self) -> None:
        pass

    def expired(self) -> None:
        pass

    def lost(self, is_whole: bool) -> None:
        pass


def made(store: Store, clock: Any = reactor, uploads: Any = None, **settings: Any) -> Any:
    viewers = WebSocketServerFactory()
    viewers.protocol = WebSocketServerProtocol
    settings = {"max_http_connections_per_address": 3, "http_hosts": ("x",), **settings}
    chosen = default_settings(**settings)
    return make_site(store, OpenedPorts(), viewers, chosen, clock, wall_clock, uploads=uploads)


class Connection:
    def __init__(self, site: Any, address: str = "192.0.2.1") -> None:
        peer = IPv4Address("TCP", address, 1234)
        self.transport = StringTransport(peerAddress=peer)
        self.transport.protocol = site.buildProtocol(peer)
        self.transport.protocol.makeConnection(self.transport)
        self._has_ended = False

    @property
    def is_closed(self) -> bool:
        return bool(self.transport.disconnected or self.transport.disconnecting)

    def send(self, data: bytes) -> None:
        self.transport.protocol.dataReceived(data)

    def end(self) -> None:
        if self._has_ended:
            return
        self._has_ended = True
        self.transport.protocol.connectionLost(Failure(ConnectionDone()))


Connect = Callable[..., Connection]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Makes connections, which are closed at the end of the test."""
    made: list[Connection] = []

    def connect(site: Any, address: str = "192.0.2.1") -> Connection:
        made.append(Connection(site, address))
        return made[-1]

    yield connect
    for each in made:
        each.end()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@ensureDeferred
async def test_an_address_has_so_many_connections(store: Store, connect: Connect) -> None:
    site = made(store)
    first = [connect(site) for _ in range(3)]
    assert [each.is_closed for each in first] == [False] * 3
    assert connect(site).is_closed
    assert not connect(site, "192.0.2.2").is_closed, "another's"
    first[0].end()
    assert not connect(site).is_closed, "in its place"
    assert connect(site).is_closed


@ensureDeferred
async def test_a_websocket_counts_until_it_ends(store: Store, connect: Connect) -> None:
    site = made(store)
    sockets = [connect(site) for _ in range(3)]
    for each in sockets:
        each.send(UPGRADE)
    await until(lambda: all(b" 101 " in each.transport.value() for each in sockets))
    assert connect(site).is_closed
    for each in sockets:
        each.end()
    again = [connect(site) for _ in range(3)]
    assert not any(each.is_closed for each in again)


@ensureDeferred
async def test_a_proxy_that_is_trusted_may_have_more(store: Store, connect: Connect) -> None:
    site = made(store, trusted_proxies=(ip_network("192.0.2.0/24"),))
    assert not any(connect(site).is_closed for _ in range(10))


@ensureDeferred
async def test_when_all_are_taken_the_longest_idle_gives_way_and_then_what_has_not_come_whole(
    store: Store, connect: Connect
) -> None:
    site = made(store, uploads=Held(), max_http_connections=4)
    upload, slow, idle, later = (connect(site, f"192.0.2.{number}") for number in range(4))
    upload.send(b"POST /logs/x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345")
    slow.send(b"GET /")
    idle.send(REQUEST)
    later.send(REQUEST)
    await turns(5)
    assert b" 404 " in later.transport.value()
    for each in (idle, later, slow):
        assert not each.is_closed
        new = connect(site, "192.0.2.9")
        assert not new.is_closed
        new.send(b"GET")
        assert each.is_closed
    assert not upload.is_closed


@ensureDeferred
async def test_a_form_that_trickles_ends_with_408(store: Store, connect: Connect, clock: Clock) -> None:
    site = made(store, clock)
    connection = connect(site)
    connection.send(b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n")
    for _ in range(5):
        clock.advance(10)
        connection.send(b"a")
    assert not connection.is_closed
    clock.advance(10)
    assert connection.transport.value().startswith(b"HTTP/1.1 408 ")
    assert connection.is_closed


@ensureDeferred
async def test_headers_that_trickle_end_with_408_and_silence_without_a_word(
    store: Store, connect: Connect, clock: Clock
) -> None:
    site = made(store, clock)
    trickling, silent = connect(site), connect(site)
    for each in b"GET / ":
        trickling.send(bytes([each]))
        clock.advance(9.9)
    clock.advance(1)
    assert trickling.transport.value().startswith(b"HTTP/1.1 408 ")
    assert silent.is_closed
    assert silent.transport.value() == b""


@ensureDeferred
async def test_a_request_after_a_long_pause_has_its_own_minute(store: Store, connect: Connect, clock: Clock) -> None:
    site = made(store, clock)
    connection = connect(site)
    for _ in range(3):
        connection.send(REQUEST[:10])
        clock.advance(59)
        connection.send(REQUEST[10:])
        clock.advance(59)
    assert connection.transport.value().count(b" 404 ") == 3
    assert not connection.is_closed
    clock.advance(2)
    assert connection.is_closed


@ensureDeferred
async def test_the_minute_does_not_cut_an_upload_or_a_websocket(store: Store, connect: Connect, clock: Clock) -> None:
    held = Held()
    site = made(store, clock, uploads=held)
    upload, socket = connect(site), connect(site)
    socket.send(UPGRADE)
    await until(lambda: b" 101 " in socket.transport.value())
    upload.send(b"POST /logs/x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n")
    clock.advance(40)
    upload.send(b"\r\n1")
    clock.advance(40)
    upload.send(b"2")
    assert held.taken == b"12"
    assert not upload.is_closed
    clock.advance(600)
    assert not socket.is_closed
