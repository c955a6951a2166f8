"""The server's end of all links: who is told what, and how a port is asked for."""

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
from tests.link.ends import DESTINATION, event

USER = DESTINATION.user_id


class Sent:
    """A channel that keeps what is sent."""

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


def test_watched_destinations_are_told_to_every_listener_also_to_those_that_come_later(listeners: Listeners) -> None:
    first, second = Sent(), Sent()
    listeners.channel_opened(first)
    listeners.watch("a:1")
    listeners.watch("b:1")
    listeners.watch("a:1")
    listeners.unwatch("b:1")
    listeners.unwatch("never:1")
    listeners.channel_opened(second)
    assert first.messages == [Watch("a:1"), Watch("b:1"), Unwatch("b:1")]
    assert second.messages == [Watch("a:1")]


def test_whoever_observes_is_told_of_events_and_of_what_may_have_passed_unseen(listeners: Listeners) -> None:
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
async def test_the_only_listener_that_fails_is_not_waited_for(listeners: Listeners) -> None:
    channel = Sent()
    listeners.channel_opened(channel)
    opening = Deferred.fromCoroutine(listeners.open(DESTINATION))
    listeners.message_received(channel, ServerFailed(DESTINATION.host, DESTINATION.port, "address in use"))
    with pytest.raises(ListenerUnavailable, match="address in use"):
        await opening


@pytest_twisted.ensureDeferred
async def test_a_silent_listener_is_given_up_with_what_another_said(listeners: Listeners, clock: Clock) -> None:
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
async def test_two_may_wait_for_the_same_port() -> None:
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
    listeners.watch("a:1")
    assert channel.messages == []
