"""What every link promises, tested on the local link and on the WebSocket link alike."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import maybeDeferred

from ppl.link.local import LocalLink
from ppl.link.messages import NewLogs, ServerFailed, ServerStarted, StartNewServer, StopServer, Unwatch, Watch, Watching
from ppl.link.websocket import LinkClient, LinkServer
from tests.link.ends import DESTINATION, End, events, flat
from tests.waiting import turns, until

SECRET = "a shared secret of the test"
FROM_LISTENER = [
    NewLogs(DESTINATION.user_id, events("one")),
    NewLogs(DESTINATION.user_id, events("Ünïcödé ✓ 🎉 \u2028 \x1b[31m", "two\nlines", '"quoted\\"')),
    ServerStarted("logs.example.com", 20000),
    ServerFailed("logs.example.com", 20000, "address in use"),
    Watching("logs.example.com:20000"),
]
FROM_SERVER = [
    StartNewServer("+02.00", "logs.example.com", 20000),
    StopServer("logs.example.com", 20000),
    Watch("logs.example.com:20000"),
    Unwatch("logs.example.com:20000"),
]


class Link:
    """Both ends of a link, and the services that join them."""

    def __init__(self, services: list[Any], listener: End, server: End) -> None:
        self.services, self.listener, self.server = services, listener, server

    async def stop(self) -> None:
        while self.services:
            await maybeDeferred(self.services.pop().stopService)


@pytest_twisted.async_yield_fixture(params=["local", "websocket"])
async def link(request: pytest.FixtureRequest) -> AsyncIterator[Link]:
    listener, server = End(), End()
    if request.param == "local":
        services: list[Any] = [LocalLink(reactor, listener, server)]
        services[0].startService()
    else:
        accepting = LinkServer(reactor, "tcp:0:interface=127.0.0.1", SECRET, server)
        await accepting.startService()
        client = LinkClient(reactor, f"tcp:127.0.0.1:{accepting.address.port}", SECRET, listener)
        client.startService()
        services = [accepting, client]
    joined = Link(services, listener, server)
    await until(lambda: listener.channels and server.channels, "an open channel")
    yield joined
    await joined.stop()


@pytest_twisted.ensureDeferred
async def test_every_message_arrives_equal_and_in_order_both_ways(link: Link) -> None:
    for message in FROM_LISTENER:
        link.listener.channels[0].send(message)
    for message in FROM_SERVER:
        link.server.channels[0].send(message)
    await until(lambda: len(link.server.messages) == len(FROM_LISTENER), "all messages at the server")
    await until(lambda: len(link.listener.messages) == len(FROM_SERVER), "all messages at the listener")
    assert link.server.messages == [flat(message) for message in FROM_LISTENER]
    assert link.listener.messages == FROM_SERVER


@pytest_twisted.ensureDeferred
async def test_nothing_is_delivered_within_send(link: Link) -> None:
    link.listener.channels[0].send(Watching("a:1"))
    assert link.server.messages == []
    await until(lambda: link.server.messages, "the message in a later turn")


@pytest_twisted.ensureDeferred
async def test_an_answer_given_while_receiving_arrives(link: Link) -> None:
    link.listener.answer = lambda message: Watching(message.user_id)
    link.server.channels[0].send(Watch("a:1"))
    await until(lambda: link.server.messages == [Watching("a:1")], "the answer")


@pytest_twisted.ensureDeferred
async def test_an_error_of_an_end_costs_only_that_message(link: Link, nothing_left_behind: list[str]) -> None:
    link.server.fail = True
    link.listener.channels[0].send(Watching("a:1"))
    await until(lambda: nothing_left_behind, "the error in the log")
    link.server.fail = False
    link.listener.channels[0].send(Watching("a:2"))
    await until(lambda: link.server.messages == [Watching("a:2")], "the next message")
    assert "an error of the end" in nothing_left_behind.pop()


@pytest_twisted.ensureDeferred
async def test_a_loss_is_told_to_both_ends_once_and_nothing_comes_after_it(link: Link) -> None:
    mine, theirs = link.listener.channels[0], link.server.channels[0]
    await link.stop()
    await until(lambda: not link.listener.channels and not link.server.channels, "both ends told")
    mine.send(Watching("a:1"))
    theirs.send(Watch("a:1"))
    await turns()
    assert link.listener.told == [("opened",), ("lost",)]
    assert link.server.told == [("opened",), ("lost",)]


@pytest_twisted.ensureDeferred
async def test_many_events_arrive_whole_and_in_order(link: Link) -> None:
    texts = [f"{number} " + "é" * 2000 for number in range(3000)]
    link.listener.channels[0].send(NewLogs(DESTINATION.user_id, events(*texts)))
    found: list[str] = []

    def complete() -> bool:
        found[:] = [each.message for message in link.server.messages for each in message.events]  # type: ignore[union-attr]
        return len(found) == len(texts)

    await until(complete, "every event", 20)
    assert found == texts
