"""The server's end of all links: which messages reach listeners and observers, and how a port is opened."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from ppl.errors import ListenerUnavailable
from ppl.link.messages import NewLogs, ServerFailed, ServerStarted, StartNewServer, StopServer, Unwatch, Watch, Watching
from ppl.link.registry import Listeners
from ppl.link.websocket import LinkClient, LinkServer
from tests.link.ends import DESTINATION, End, event
from tests.waiting import until

USER = DESTINATION.user_id


class Sent:
    """A channel that records what is sent."""

    congested = False

    def __init__(self) -> None:
        self.messages: list[Any] = []

    def send(self, message: Any) -> None:
        self.messages.append(message)


class Watcher:
    def __init__(self) -> None:
        self.told: list[Any] = []

    def new_logs(self, user_id: str, events: Any) -> None:
        self.told.append((user_id, tuple(events)))

    def catch_up(self, user_id: str | None) -> None:
        self.told.append(user_id)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def listeners(clock: Clock) -> Listeners:
    return Listeners(clock)


def test_every_listener_is_told_what_is_watched_even_one_that_is_linked_later(listeners: Listeners) -> None:
    first, second = Sent(), Sent()
    listeners.channel_opened(first)
    watcher = Watcher()
    listeners.watch("a:1", watcher)
    listeners.watch("b:1", watcher)
    listeners.watch("a:1", watcher)
    listeners.unwatch("b:1", watcher)
    listeners.unwatch("never:1", watcher)
    listeners.channel_opened(second)
    assert first.messages == [Watch("a:1"), Watch("b:1"), Unwatch("b:1")]
    assert second.messages == [Watch("a:1")]


def test_observers_are_told_of_events_and_of_what_they_may_have_missed(listeners: Listeners) -> None:
    watcher, channel = Watcher(), Sent()
    listeners.subscribe(watcher)
    listeners.channel_opened(channel)
    listeners.message_received(channel, NewLogs(USER, (event(),)))
    listeners.message_received(channel, NewLogs(USER, ()))
    listeners.message_received(channel, Watching(USER))
    assert watcher.told == [None, (USER, (event(),)), USER, USER]


@pytest_twisted.ensureDeferred
async def test_a_port_is_open_when_a_listener_says_so(listeners: Listeners) -> None:
    channel = Sent()
    listeners.channel_opened(channel)
    opening = Deferred.fromCoroutine(listeners.open(DESTINATION))
    assert channel.messages == [StartNewServer("+02:00", DESTINATION.host, DESTINATION.port)]
    listeners.message_received(channel, ServerStarted("elsewhere", DESTINATION.port))
    assert not opening.called
    listeners.message_received(channel, ServerStarted(DESTINATION.host, DESTINATION.port))
    await opening
    listeners.close(DESTINATION)
    assert channel.messages[-1] == StopServer(DESTINATION.host, DESTINATION.port)


@pytest_twisted.ensureDeferred
async def test_without_a_listener_a_port_is_refused_at_once(listeners: Listeners) -> None:
    with pytest.raises(ListenerUnavailable, match="No listener is linked"):
        await listeners.open(DESTINATION)


@pytest_twisted.ensureDeferred
async def test_the_failure_of_the_only_listener_ends_the_wait_at_once(listeners: Listeners) -> None:
    channel = Sent()
    listeners.channel_opened(channel)
    opening = Deferred.fromCoroutine(listeners.open(DESTINATION))
    listeners.message_received(channel, ServerFailed(DESTINATION.host, DESTINATION.port, "address in use"))
    with pytest.raises(ListenerUnavailable, match="address in use"):
        await opening


@pytest_twisted.ensureDeferred
async def test_after_a_timeout_the_error_says_why_another_listener_failed(listeners: Listeners, clock: Clock) -> None:
    channel = Sent()
    listeners.channel_opened(channel)
    listeners.channel_opened(Sent())
    opening = Deferred.fromCoroutine(listeners.open(DESTINATION, 5))
    listeners.message_received(channel, ServerFailed(DESTINATION.host, DESTINATION.port, "address in use"))
    clock.advance(4.9)
    assert not opening.called
    clock.advance(0.2)
    with pytest.raises(ListenerUnavailable, match="address in use"):
        await opening


@pytest_twisted.ensureDeferred
async def test_two_requests_may_wait_for_the_same_port() -> None:
    listeners, channel = Listeners(reactor), Sent()
    listeners.channel_opened(channel)
    both = [Deferred.fromCoroutine(listeners.open(DESTINATION)) for _ in range(2)]
    listeners.message_received(channel, ServerStarted(DESTINATION.host, DESTINATION.port))
    for opening in both:
        await opening


def test_a_lost_listener_is_told_nothing_more(listeners: Listeners) -> None:
    channel = Sent()
    listeners.channel_opened(channel)
    listeners.channel_lost(channel)
    listeners.watch("a:1", Watcher())
    assert channel.messages == []


def test_an_observer_that_unwatches_takes_nothing_from_another(listeners: Listeners) -> None:
    channel, one, other = Sent(), Watcher(), Watcher()
    listeners.channel_opened(channel)
    listeners.watch("a:1", one)
    listeners.watch("a:1", other)
    listeners.unwatch("a:1", other)
    listeners.unwatch("a:1", other)
    assert channel.messages == [Watch("a:1")]
    listeners.unwatch("a:1", one)
    assert channel.messages == [Watch("a:1"), Unwatch("a:1")]


def test_watching_twice_ends_with_one_unwatch(listeners: Listeners) -> None:
    channel, watcher = Sent(), Watcher()
    listeners.channel_opened(channel)
    listeners.watch("a:1", watcher)
    listeners.watch("a:1", watcher)
    listeners.unwatch("a:1", watcher)
    assert channel.messages == [Watch("a:1"), Unwatch("a:1")]


def test_watches_are_remembered_while_no_listener_is_linked(listeners: Listeners) -> None:
    first, second, third, one, other = Sent(), Sent(), Sent(), Watcher(), Watcher()
    listeners.channel_opened(first)
    listeners.watch("a:1", one)
    listeners.watch("b:1", one)
    listeners.watch("a:1", other)
    listeners.channel_lost(first)
    listeners.unwatch("a:1", one)
    listeners.unwatch("b:1", one)
    listeners.channel_opened(second)
    assert second.messages == [Watch("a:1")]
    listeners.channel_lost(second)
    listeners.unwatch("a:1", other)
    listeners.channel_opened(third)
    assert third.messages == []


@pytest_twisted.ensureDeferred
async def test_over_a_new_link_each_watch_is_sent_once() -> None:
    listeners, listener, secret = Listeners(reactor), End(), "a shared secret"
    one, other = Watcher(), Watcher()
    accepting = LinkServer(reactor, "tcp:0:interface=127.0.0.1", secret, listeners)
    await accepting.startService()
    port = accepting.address.port
    client = LinkClient(reactor, f"tcp:127.0.0.1:{port}", secret, listener)
    client.startService()
    await until(lambda: listener.channels, "the link")
    for watcher in (one, other):
        listeners.watch("a:1", watcher)
    await until(lambda: listener.messages == [Watch("a:1")], "the first is told")
    await accepting.stopService()
    await until(lambda: not listener.channels, "the loss")
    listeners.unwatch("a:1", other)
    accepting = LinkServer(reactor, f"tcp:{port}:interface=127.0.0.1", secret, listeners)
    await accepting.startService()
    await until(lambda: listener.messages == [Watch("a:1"), Watch("a:1")], "told again")
    listeners.unwatch("a:1", one)
    await until(lambda: listener.messages[2:] == [Unwatch("a:1")], "told the end")
    await client.stopService()
    await accepting.stopService()
