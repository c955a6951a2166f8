"""The listener's end of all links: ports follow the database, events go to the servers that want them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import attrs
import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.error import ConnectionRefusedError

from ppl.errors import StoreUnavailable
from ppl.link.messages import (
    NewLogs,
    ServerFailed,
    ServerStarted,
    StartNewServer,
    StopServer,
    Unwatch,
    Watch,
    Watching,
)  # fmt: skip
from ppl.listener.control import ListenerControl
from ppl.listener.sockets.ports import Ports
from ppl.listener.writing.writer import Writer
from ppl.model import Destination, Events
from ppl.services.clock import wall_clock
from tests.listener.conftest import MakeDestination
from tests.listener.receiving import connect, intake, lines, send
from tests.waiting import turns, until


class Server:
    """The other side of a channel: keeps what the listener says."""

    def __init__(self) -> None:
        self.messages: list[Any] = []
        self.congested = False

    def send(self, message: Any) -> None:
        self.messages.append(message)


class House:
    """A whole listener of the host ``h``."""

    def __init__(self, store: Any) -> None:
        self.writer = Writer(store, lambda events: self.control.announce(events), reactor, wall_clock, 1 << 25)
        ports = Ports(
            reactor, "127.0.0.1", intake(store, self.writer), 100_000, lambda *state: self.control.port_changed(*state)
        )
        self.control = ListenerControl(store, ports, "h", reactor)

    async def start(self) -> None:
        await self.writer.startService()
        await self.control.startService()

    async def stop(self) -> None:
        await self.control.stopService()
        await self.writer.stopService()


@pytest_twisted.async_yield_fixture
async def house(store: Any) -> AsyncIterator[House]:
    listener = House(store)
    yield listener
    await listener.stop()


def some_events(destination: Destination) -> Events:
    return Events(destination, "192.0.2.1", 1, lines("x"))


@pytest_twisted.ensureDeferred
async def test_all_registered_destinations_of_its_host_are_open_after_the_start(
    store: Any, house: House, make_destination: MakeDestination
) -> None:
    destinations = [await make_destination() for _ in range(3)]
    await store.register("e@example.com", "hash", "UTC", "elsewhere", range(1, 9), only_first=False)
    await house.start()
    for destination in destinations:
        await send(destination.port, b"hello\n")
    await until(lambda: house.writer.waiting_events == 0, "all stored")


@pytest_twisted.ensureDeferred
async def test_a_new_server_is_started_and_reported_to_every_server(
    house: House, make_destination: MakeDestination
) -> None:
    await house.start()
    one, other = Server(), Server()
    house.control.channel_opened(one)
    house.control.channel_opened(other)
    destination = await make_destination()
    house.control.message_received(one, StartNewServer("+02.00", "h", destination.port))
    await until(lambda: one.messages and other.messages, "the report")
    assert one.messages[0] == other.messages[0] == ServerStarted("h", destination.port)
    await send(destination.port, b"hello\n")


@pytest_twisted.ensureDeferred
async def test_the_database_decides_what_is_a_client(house: House) -> None:
    await house.start()
    server = Server()
    house.control.channel_opened(server)
    house.control.message_received(server, StartNewServer("+02.00", "h", 1))
    house.control.message_received(server, StartNewServer("+02.00", "elsewhere", 2))
    await until(lambda: server.messages, "an answer")
    await turns(10)
    (failed,) = server.messages
    assert isinstance(failed, ServerFailed)
    assert "no such client" in failed.reason


@pytest_twisted.ensureDeferred
async def test_a_stopped_server_no_longer_listens(house: House, make_destination: MakeDestination) -> None:
    destination = await make_destination()
    await house.start()
    server = Server()
    house.control.channel_opened(server)
    (await connect(destination.port)).transport.abortConnection()
    house.control.message_received(server, StopServer("h", destination.port))
    refused: list[Exception] = []

    async def knock() -> None:
        try:
            (await connect(destination.port)).transport.abortConnection()
        except Exception as error:
            refused.append(error)

    while not refused:
        await knock()
    await turns()


@pytest_twisted.ensureDeferred
async def test_what_a_server_says_outlives_an_older_answer_of_the_database(
    house: House, make_destination: MakeDestination
) -> None:
    destination = await make_destination()
    await house.start()
    server = Server()
    house.control.channel_opened(server)  # asks the database, which still knows the destination
    house.control.message_received(server, StopServer("h", destination.port))
    assert house.control.is_reconciling
    await until(lambda: not house.control.is_reconciling)
    await turns(10)
    with pytest.raises(ConnectionRefusedError):
        await connect(destination.port)


@pytest_twisted.ensureDeferred
async def test_a_link_that_opens_makes_the_ports_what_the_database_says(
    house: House, make_destination: MakeDestination
) -> None:
    await house.start()
    destination = await make_destination()
    server = Server()
    house.control.channel_opened(server)
    await until(lambda: server.messages == [ServerStarted("h", destination.port)], "the port of an unknown client")


def test_everything_is_sent_until_the_first_watch_and_then_only_what_is_watched(store: Any) -> None:
    control, server = House(store).control, Server()
    mine = Destination(1, "h", 1, "UTC")
    other = attrs.evolve(mine, id=2, port=2)
    control.channel_opened(server)
    control.announce(some_events(mine))
    control.message_received(server, Watch(other.user_id))
    control.announce(some_events(mine))
    control.announce(some_events(other))
    control.message_received(server, Unwatch(other.user_id))
    control.announce(some_events(other))
    assert server.messages == [
        NewLogs(mine.user_id, some_events(mine)),
        Watching(other.user_id),
        NewLogs(other.user_id, some_events(other)),
    ]


def test_a_server_that_reads_too_slowly_is_told_where_it_must_read_the_database(store: Any) -> None:
    control, server, quick = House(store).control, Server(), Server()
    mine = Destination(1, "h", 1, "UTC")
    other = attrs.evolve(mine, id=2, port=2)
    control.channel_opened(server)
    control.channel_opened(quick)
    server.congested = True
    control.announce(some_events(mine))
    control.announce(some_events(mine))
    server.congested = False
    control.announce(some_events(mine))
    control.announce(some_events(other))
    control.channel_drained(server)
    control.announce(some_events(mine))
    assert server.messages == [
        NewLogs(other.user_id, some_events(other)),
        Watching(mine.user_id),
        NewLogs(mine.user_id, some_events(mine)),
    ]
    assert len(quick.messages) == 5
    control.channel_lost(server)
    control.announce(some_events(mine))
    assert len(server.messages) == 3


@pytest_twisted.ensureDeferred
async def test_a_start_without_a_store_opens_the_ports_when_it_is_there(
    store: Any, make_destination: MakeDestination
) -> None:
    class Away:
        away = True

        def __getattr__(self, name: str) -> Any:
            return getattr(store, name)

        async def destinations(self) -> Any:
            if self.away:
                raise StoreUnavailable("away")
            return await store.destinations()

    destination, away = await make_destination(), Away()
    listener = House(away)
    await listener.start()
    away.away = False
    server = Server()
    listener.control.channel_opened(server)
    await until(lambda: server.messages == [ServerStarted("h", destination.port)], "the port")
    await listener.stop()
