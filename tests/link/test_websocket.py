"""The WebSocket link alone: who is accepted, what bad frames do, how it reconnects."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import pytest
import pytest_twisted
from autobahn.twisted.websocket import (
    WebSocketClientFactory,
    WebSocketClientProtocol,
    WebSocketServerFactory,
    WebSocketServerProtocol,
)
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint
from twisted.internet.protocol import Factory, Protocol

from ppl.link.messages import NewLogs, Watch, Watching
from ppl.link.websocket import LinkClient, LinkServer
from ppl.services.dropping import DROPPING_SECONDS
from tests.link.ends import DESTINATION, End, events
from tests.waiting import until

SECRET = "a shared secret of the test"


class Stranger(WebSocketClientProtocol):  # type: ignore[misc]
    """A client that is not a listener."""

    def onConnect(self, response: Any) -> None:
        self.factory.opened.callback(self)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.factory.heard.append(payload.decode())

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        if not self.factory.opened.called:
            self.factory.opened.callback(reason)
        self.factory.closed.callback(reason)


async def stranger(port: int, path: str = "/link", **headers: str) -> Any:
    """Try to connect; gives the protocol if accepted, else the reason."""
    factory = WebSocketClientFactory(f"ws://127.0.0.1:{port}{path}", headers=headers, reactor=reactor)
    factory.protocol, factory.heard, factory.opened, factory.closed = Stranger, [], Deferred(), Deferred()
    factory.noisy = False
    await TCP4ClientEndpoint(reactor, "127.0.0.1", port).connect(factory)
    return await factory.opened


async def serving(dropping_seconds: float = DROPPING_SECONDS) -> Any:
    """A running server; its ``end`` records what it is told."""
    end = End()
    accepting = LinkServer(reactor, "tcp:0:interface=127.0.0.1", SECRET, end, dropping_seconds)
    accepting.end = end  # type: ignore[attr-defined]
    await accepting.startService()
    return accepting


@pytest_twisted.async_yield_fixture
async def server() -> AsyncIterator[LinkServer]:
    accepting = await serving()
    yield accepting
    await accepting.stopService()


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/link", {}, "401"),
        ("/link", {"Authorization": "Bearer guess"}, "401"),
        ("/link", {"Authorization": f"Basic {SECRET}"}, "401"),
        ("/link", {"Authorization": f"Bearer {SECRET}", "Origin": "https://logs.example.com"}, "401"),
        ("/ws", {"Authorization": f"Bearer {SECRET}"}, "404"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_a_client_without_the_secret_is_refused(
    server: Any, path: str, headers: dict[str, str], status: str
) -> None:
    assert status in await stranger(server.address.port, path, **headers)
    assert server.end.told == []


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("{", "not_json"),
        ("[]", "not_json"),
        ("[" * 100_000, "not_json"),
        ('{"event": "drop"}', "unknown_event"),
        ('{"event": "watch", "data": {"user_id": "a:1"}}', "unknown_event"),
        ('{"event": "watching", "data": []}', "bad_data"),
        ('{"event": "watching", "data": {"user_id": 7}}', "bad_data"),
        ('{"event": "server_started", "data": {"host": "h", "port": true}}', "bad_data"),
        ('{"event": "server_started", "data": {"host": "h", "port": 70000}}', "bad_data"),
        ('{"event": "new_logs", "data": {"events": {}}}', "bad_data"),
        ('{"event": "new_logs", "data": {"user_id": "a:1", "message": 7}}', "bad_request"),
        ('{"event": "new_logs", "data": {"user_id": "a:1", "id": "x", "time": "y"}}', "bad_request"),
        ('{"event": "new_logs", "data": {"user_id": "a:1", "id": "1", "time": "yesterday"}}', "bad_request"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_a_frame_that_cannot_be_read_costs_only_itself(server: Any, frame: str, code: str) -> None:
    peer = await stranger(server.address.port, Authorization=f"Bearer {SECRET}")
    await until(lambda: server.end.channels, "the channel")
    peer.sendMessage(frame.encode())
    peer.sendMessage(b'{"event": "watching", "data": {"user_id": "a:1"}}')
    await until(lambda: server.end.messages, "the message after it")
    assert server.end.messages == [Watching("a:1")]
    await until(lambda: peer.factory.heard, "the refusal")
    assert f'"code": "{code}"' in peer.factory.heard[0]
    peer.sendClose()
    await peer.factory.closed


@pytest_twisted.ensureDeferred
async def test_events_without_ids_say_only_that_there_is_something_new(server: Any) -> None:
    peer = await stranger(server.address.port, Authorization=f"Bearer {SECRET}")
    await until(lambda: server.end.channels, "the channel")
    peer.sendMessage(b'{"event": "new_logs", "data": {"user_id": "a:1", "message": "x", "file_name": "f"}}')
    await until(lambda: server.end.messages, "the message")
    assert server.end.messages == [NewLogs("a:1", ())]
    peer.sendClose()
    await peer.factory.closed


@pytest_twisted.ensureDeferred
async def test_a_listener_finds_its_server_again() -> None:
    listener, first, second = End(), End(), End()
    accepting = LinkServer(reactor, "tcp:0:interface=127.0.0.1", SECRET, first)
    await accepting.startService()
    port = accepting.address.port
    client = LinkClient(reactor, f"tcp:127.0.0.1:{port}", SECRET, listener)
    client.startService()
    await until(lambda: listener.channels, "the first connection")
    await accepting.stopService()
    await until(lambda: not listener.channels, "the loss")
    accepting = LinkServer(reactor, f"tcp:{port}:interface=127.0.0.1", SECRET, second)
    await accepting.startService()
    await until(lambda: listener.channels, "the second connection")
    listener.channels[0].send(Watching("a:1"))
    await until(lambda: second.messages == [Watching("a:1")], "a message over it")
    await client.stopService()
    await accepting.stopService()
    assert listener.told == [("opened",), ("lost",), ("opened",), ("lost",)]


@pytest_twisted.ensureDeferred
async def test_a_peer_that_drops_the_handshake_is_not_retried_in_a_hot_loop() -> None:
    class Rude(Protocol):
        def connectionMade(self) -> None:
            attempts.append(reactor.seconds())
            self.transport.abortConnection()

    attempts: list[float] = []
    factory = Factory.forProtocol(Rude)
    factory.noisy = False
    port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(factory)
    client = LinkClient(reactor, f"tcp:127.0.0.1:{port.getHost().port}", SECRET, End())
    client.startService()
    await until(lambda: len(attempts) == 4, "four attempts")
    await client.stopService()
    await port.stopListening()
    pauses = [later - sooner for sooner, later in pairwise(attempts)]
    assert all(pause > shortest for pause, shortest in zip(pauses, (0.04, 0.09, 0.19), strict=True)), pauses


@pytest_twisted.ensureDeferred
async def test_a_server_that_does_not_read_makes_the_channel_congested_and_later_drained(server: Any) -> None:
    listener = End()
    client = LinkClient(reactor, f"tcp:127.0.0.1:{server.address.port}", SECRET, listener)
    client.startService()
    await until(lambda: server.end.channels and listener.channels, "the channel")
    (channel,) = listener.channels
    (reading,) = server.end.channels
    reading.transport.pauseProducing()  # type: ignore[attr-defined]
    sent = 0
    while not channel.congested:
        channel.send(NewLogs(DESTINATION.user_id, events("x" * 100_000, first_id=sent + 1)))
        sent += 1
        assert sent < 1000, "congestion is noticed"
    reading.transport.resumeProducing()  # type: ignore[attr-defined]
    await until(lambda: ("drained",) in listener.told, "drained", 20)
    assert not channel.congested
    await until(lambda: len(server.end.messages) == sent, "everything that was sent", 20)
    await client.stopService()


@pytest_twisted.ensureDeferred
async def test_two_listeners_may_be_linked_to_two_servers() -> None:
    ends = [End(), End()]
    servers = [LinkServer(reactor, "tcp:0:interface=127.0.0.1", SECRET, end) for end in ends]
    for each in servers:
        await each.startService()
    listeners = [End(), End()]
    clients = [
        LinkClient(reactor, f"tcp:127.0.0.1:{each.address.port}", SECRET, end) for end in listeners for each in servers
    ]
    for client in clients:
        client.startService()
    await until(lambda: all(len(end.channels) == 2 for end in [*ends, *listeners]), "four channels")
    for channel in ends[1].channels:
        channel.send(Watch("a:1"))
    await until(lambda: all(end.messages == [Watch("a:1")] for end in listeners), "one message at each listener")
    for each in [*clients, *servers]:
        await each.stopService()


@pytest_twisted.ensureDeferred
async def test_what_is_sent_while_the_link_closes_is_dropped_and_harms_nobody(server: Any) -> None:
    listener = End()
    client = LinkClient(reactor, f"tcp:127.0.0.1:{server.address.port}", SECRET, listener)
    client.startService()
    await until(lambda: server.end.channels and listener.channels, "the channel")
    (channel,) = listener.channels
    stopping = client.stopService()
    channel.send(NewLogs(DESTINATION.user_id, events("late")))
    await stopping
    assert server.end.messages == []


@pytest_twisted.ensureDeferred
async def test_a_listener_that_says_close_and_does_not_read_is_lost_soon() -> None:
    server = await serving(dropping_seconds=0.5)
    peer = await stranger(server.address.port, Authorization=f"Bearer {SECRET}")
    await until(lambda: server.end.channels, "the channel")
    peer.closeHandshakeTimeout = 0
    peer.transport.pauseProducing()
    (channel,) = server.end.channels
    while not channel.congested:
        channel.send(Watch("x" * 100_000))
    peer.sendClose()
    await until(lambda: not server.end.channels, "the channel is lost")
    peer.transport.abortConnection()
    await peer.factory.closed
    await server.stopService()


@pytest_twisted.ensureDeferred
async def test_a_server_that_says_close_and_keeps_the_connection_is_dropped_and_retried() -> None:
    class Holding(WebSocketServerProtocol):  # type: ignore[misc]
        def onOpen(self) -> None:
            held.append(self)
            self.sendFrame(opcode=8, payload=b"")

        def dropConnection(self, abort: bool = False) -> None:
            """Keep the connection, whatever is answered: the server has sent its Close by hand."""

    held: list[Any] = []
    factory = WebSocketServerFactory(reactor=reactor)
    factory.protocol, factory.noisy = Holding, False
    port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(factory)
    listener = End()
    client = LinkClient(reactor, f"tcp:127.0.0.1:{port.getHost().port}", SECRET, listener, dropping_seconds=0.2)
    client.startService()
    await until(lambda: len(held) == 2, "a second connection")
    assert listener.told[:2] == [("opened",), ("lost",)]
    await client.stopService()
    await port.stopListening()
    await until(lambda: factory.countConnections == 0, "all are gone")


@pytest_twisted.ensureDeferred
async def test_a_client_that_sends_endlessly_before_the_handshake_is_cut_off(server: Any) -> None:
    class Talker(Protocol):
        def connectionMade(self) -> None:
            self.transport.registerProducer(self, False)
            self.transport.write(b"GET /link HTTP/1.1\r\nX: ")

        def resumeProducing(self) -> None:
            self.transport.write(bytes(1 << 16))

        def connectionLost(self, reason: Any = None) -> None:
            lost.callback(None)

        def stopProducing(self) -> None:
            pass

    lost: Deferred[None] = Deferred()
    factory = Factory.forProtocol(Talker)
    factory.noisy = False
    await TCP4ClientEndpoint(reactor, "127.0.0.1", server.address.port).connect(factory)
    await lost
    assert server.end.told == []
