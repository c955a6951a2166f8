"""Connections that never sent anything give way: they keep out no sender, and no sender is ended for resting."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted

from ppl.listener.intake import ConnectionTimeouts
from ppl.listener.tls import Certificates, self_signed
from ppl.services.clock import wall_clock
from tests.listener.conftest import MakeDestination, MakeReceiving
from tests.listener.receiving import Receiving, connect, messages
from tests.listener.sockets.test_receiver import count, opened, secured
from tests.waiting import until


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    made = Certificates(lambda: self_signed(tmp_path, "localhost"), wall_clock)
    made.startService()
    return made


class Crowd:
    """Plain sockets from any addresses, outside the reactor: only the kernel serves them."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._stack = ExitStack()

    def __enter__(self) -> Crowd:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def connect(self, address: str, count: int = 1, said: bytes = b"") -> list[socket.socket]:
        """Open ``count`` more connections from ``address``, each of which sends ``said``."""
        made = []
        for _ in range(count):
            each = socket.create_connection(("127.0.0.1", self._port), 10, (address, 0))
            self._stack.enter_context(each)
            each.sendall(said)
            each.setblocking(False)
            made.append(each)
        return made


def is_open(each: socket.socket) -> bool:
    try:
        return bool(each.recv(1))
    except BlockingIOError:
        return True
    except OSError:
        return False


@pytest.fixture
def crowd() -> Iterator[type[Crowd]]:
    return Crowd


async def settled(receiving: Receiving, destination: Any, connections: int) -> None:
    await until(lambda: len(receiving.intake_of(destination).connections) == connections, f"{connections} connections")


@pytest_twisted.ensureDeferred
async def test_a_thousand_silent_connections_keep_out_no_sender_of_another_address(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    receiving = await make_receiving(store, max_connections=1000, max_connects_per_second=100_000)
    destination = await opened(store, receiving, await make_destination())
    with Crowd(destination.port) as crowd:
        silent: list[socket.socket] = []
        while len(silent) < 1000:
            silent += crowd.connect("127.0.0.1", 100)
            await settled(receiving, destination, len(silent))
        (sender,) = crowd.connect("127.0.0.2", said=b"heard\n")
        await until(lambda: count(receiving) == 1, "its line")
        await settled(receiving, destination, 1000)
        assert [is_open(each) for each in silent] == [False] + 999 * [True], "the longest silent gave way"
        assert is_open(sender)
    assert await messages(store, destination) == ["heard"]


@pytest_twisted.ensureDeferred
async def test_a_connection_that_once_sent_something_never_gives_way(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    receiving = await make_receiving(store, max_connections=3)
    destination = await opened(store, receiving, await make_destination())
    with Crowd(destination.port) as crowd:
        rests = crowd.connect("127.0.0.1", 2, b"once\n")
        await until(lambda: count(receiving) == 2, "their lines")
        last = rests[0]
        for number in range(20):
            (new,) = crowd.connect("127.0.0.2")
            if number:
                await until(lambda last=last: not is_open(last), "the one before it gone")
            last = new
            await settled(receiving, destination, 3)
        last.sendall(b"a line\n")
        await until(lambda: count(receiving) == 3, "its line")
        (refused,) = crowd.connect("127.0.0.2")
        await until(lambda: not is_open(refused), "nobody gives way any more")
        assert all(map(is_open, [*rests, last]))
    await settled(receiving, destination, 0)
    assert receiving.intake.admission.connections(destination) == 0


@pytest_twisted.ensureDeferred
async def test_the_silent_of_an_address_give_way_to_others_of_it(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    receiving = await make_receiving(store, max_connections_per_address=2)
    first = await opened(store, receiving, await make_destination())
    receiving.ports.open(other := await make_destination())
    await until(lambda: len(receiving.reported) == 2, "both ports")
    with Crowd(first.port) as crowd, Crowd(other.port) as others:
        silent, speaks = crowd.connect("127.0.0.1"), crowd.connect("127.0.0.1", said=b"one\n")
        await until(lambda: count(receiving) == 1, "its line")
        others.connect("127.0.0.1", said=b"two\n")
        await until(lambda: count(receiving) == 2, "the new one's line")
        await until(lambda: not is_open(silent[0]), "the silent one gone")
        assert is_open(speaks[0])


@pytest_twisted.ensureDeferred
async def test_what_only_was_not_read_from_is_not_silent(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    receiving = await make_receiving(store, max_connections=2)
    destination = await opened(store, receiving, await make_destination())
    with Crowd(destination.port) as crowd:
        held = crowd.connect("127.0.0.1", 2)
        await settled(receiving, destination, 2)
        for each in receiving.intake_of(destination).connections:
            each.hold("a test")
        held[1].sendall(b"waits in the kernel\n")
        for _ in range(2):
            crowd.connect("127.0.0.2")
            await until(lambda: not is_open(held[0]), "the silent one gone")
            assert is_open(held[1])
        for each in receiving.intake_of(destination).connections:
            each.let_go("a test")
        await until(lambda: count(receiving) == 1, "its line")


@pytest_twisted.ensureDeferred
async def test_a_tls_handshake_that_is_not_finished_gives_way(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving, certificates: Certificates
) -> None:
    receiving = await make_receiving(store, certificates, max_connections=1)
    destination = await opened(store, receiving, await make_destination())
    with Crowd(destination.port) as crowd:
        (begun,) = crowd.connect("127.0.0.1", said=b"\x16\x03\x01\x02\x00\x01")
        await settled(receiving, destination, 1)
        (connection,) = receiving.intake_of(destination).connections
        await until(lambda: connection.is_secure, "a handshake that is begun")
        sender = await secured(destination.port)
        sender.transport.write(b"encrypted\n")
        await until(lambda: count(receiving) == 1, "its line")
        await until(lambda: not is_open(begun), "the handshake gone")
        sender.transport.loseConnection()
        await sender.gone


@pytest_twisted.ensureDeferred
async def test_where_connections_become_scarce_the_silent_end_after_a_while_and_elsewhere_they_may_wait(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    receiving = await make_receiving(store, timeouts=ConnectionTimeouts(silence=0.05), max_connections=8)
    destination = await opened(store, receiving, await make_destination())
    rests = await connect(destination.port)
    rests.transport.write(b"once\n")
    await until(lambda: count(receiving) == 1, "its line")
    with Crowd(destination.port) as crowd:
        crowd.connect("127.0.0.2", 6)
        await settled(receiving, destination, 4)
        before = receiving.intake_of(destination).connections
        crowd.connect("127.0.0.2")
        await until(lambda: receiving.intake_of(destination).connections != before, "another")
        await settled(receiving, destination, 4)
        assert not rests.gone.called
    rests.transport.loseConnection()
    await rests.gone
