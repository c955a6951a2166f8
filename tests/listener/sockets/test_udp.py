"""Syslog over UDP on the number of the TCP port: the messages of datagrams, and losses that are counted."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor

from ppl.listener.sockets.udp import DatagramPort
from ppl.sources.framing import Frames
from ppl.sources.gelf_datagrams import ChunkRoom
from tests.listener.conftest import MakeDestination, MakeReceiving
from tests.listener.receiving import GatedStore, Receiving, messages, send
from tests.waiting import turns, until


async def opened(receiving: Receiving, make_destination: MakeDestination) -> Any:
    destination = await make_destination()
    receiving.ports.open(destination)
    await until(lambda: receiving.reported, "an open port")
    return destination


def count(receiving: Receiving) -> int:
    return sum(map(len, receiving.announced))


@pytest_twisted.ensureDeferred
async def test_a_datagram_has_a_message_or_several_whatever_it_holds(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    receiving = await make_receiving(store)
    destination = await opened(receiving, make_destination)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for data in (b"<13>1 - h a - - - one", b"two\n", b"", b"\0", b"a\nb", b"<13>c\nd", b"x" * 1500, b"\xff"):
            sender.sendto(data, ("127.0.0.1", destination.port))
    await send(destination.port, b"over TCP\n")
    await until(lambda: count(receiving) == 8, "every message")
    cut = "x" * 1000 + " [cut by Ppl at 1000 bytes]"
    assert sorted(await messages(store, destination)) == sorted(
        ["one", "two", "a", "b", "c\nd", cut, "\ufffd", "over TCP"]
    )


@pytest_twisted.ensureDeferred
async def test_senders_are_told_apart(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    receiving = await make_receiving(store)
    destination = await opened(receiving, make_destination)
    for address in ("127.0.0.2", "127.0.0.3", "127.0.0.2"):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.bind((address, 0))
            sender.sendto(b"from " + address.encode(), ("127.0.0.1", destination.port))
    await until(lambda: count(receiving) == 3, "every message")
    assert [events.sender_ip for events in receiving.announced] == ["127.0.0.2", "127.0.0.3", "127.0.0.2"]


@pytest_twisted.ensureDeferred
async def test_what_the_kernel_drops_while_the_queue_is_full_is_counted(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    gated = GatedStore(store)
    receiving = await make_receiving(gated, queue_bytes=200_000)
    destination = await opened(receiving, make_destination)
    gated.shut = True
    sent = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(60):
            for _ in range(500):
                sender.sendto(b"%06d " % sent + b"x" * 900, ("127.0.0.1", destination.port))
                sent += 1
            await turns(1)
        waiting = receiving.writer.waiting_events
        assert 0 < waiting < 1_000, "bounded, whatever is sent"
        gated.open()
        await until(lambda: receiving.writer.waiting_events == 0, "all that was kept", 20)
        # The kernel reports its drops with the next datagram.
        sender.sendto(b"last", ("127.0.0.1", destination.port))
        await until(lambda: receiving.announced[-1].lines.message[-1] == "last", "the last", 20)
    lost = receiving.intake.losses.total[destination.user_id]
    assert lost > 0
    assert lost + count(receiving) == sent + 1, "each is stored or counted"
    receiving.intake.losses.say()


@pytest_twisted.ensureDeferred
async def test_a_udp_port_in_use_is_tried_again_and_tcp_serves_meanwhile(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving, nothing_left_behind: list[str]
) -> None:
    receiving = await make_receiving(store)
    destination = await make_destination()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind(("127.0.0.1", destination.port))
        receiving.ports.open(destination)
        assert receiving.reported == [(destination.port, None)]
        await send(destination.port, b"over TCP\n")
        await until(lambda: count(receiving), "the line")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:

        def is_heard() -> bool:
            sender.sendto(b"over UDP", ("127.0.0.1", destination.port))
            return count(receiving) > 1

        await until(is_heard, "open at last")
    assert "cannot be opened, retrying" in nothing_left_behind.pop()


@pytest_twisted.ensureDeferred
async def test_a_closed_port_takes_no_datagrams(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    receiving = await make_receiving(store)
    destination = await opened(receiving, make_destination)
    await receiving.ports.close(destination)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
        again.bind(("127.0.0.1", destination.port))


@pytest_twisted.ensureDeferred
async def test_too_few_open_files_leave_the_further_ports_without_udp(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    receiving = await make_receiving(store, most_files=8)
    destinations = [await make_destination() for _ in range(4)]
    for destination in destinations:
        receiving.ports.open(destination)
    assert receiving.reported == [(destination.port, None) for destination in destinations]
    assert [is_bound(destination.port) for destination in destinations] == [True, True, False, False]


def is_bound(port: int) -> bool:
    """Whether something receives the datagrams of ``port``."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


# Datagrams of many messages

LINES = [b"line %d" % number for number in range(1000)]


class Taken:
    """A port that has read a datagram of many lines and one of a single line in one turn, and what it hands on."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.most = self.size = 0
        bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        bound.bind(("127.0.0.1", 0))
        bound.setblocking(False)
        self.port = DatagramPort(reactor, bound, 1000, self._take, lambda count: None, ChunkRoom(), lambda: None)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"\n".join(LINES), bound.getsockname())
            sender.sendto(b"last", bound.getsockname())
        self.port.doRead()

    def _take(self, sender: str, frames: Frames, size: int) -> None:
        self.messages += frames.messages
        self.most = max(self.most, len(frames.messages))
        self.size += size


@pytest.fixture
def taking() -> Iterator[Callable[[], Taken]]:
    """Makes ports that end with the test."""
    made: list[Taken] = []

    def make() -> Taken:
        made.append(Taken())
        return made[-1]

    yield make
    for each in made:
        each.port.stopListening()


@pytest_twisted.ensureDeferred
async def test_many_messages_are_handed_on_over_several_turns_in_order(taking: Callable[[], Taken]) -> None:
    taken = taking()
    first = len(taken.messages)
    assert 0 < first < len(LINES)
    await until(lambda: len(taken.messages) == 1001, "all messages")
    assert taken.messages == [*LINES, b"last"]
    assert taken.most == first
    assert taken.size == len(b"\n".join(LINES)) + 4


@pytest_twisted.ensureDeferred
async def test_messages_wait_while_the_queue_is_full(taking: Callable[[], Taken]) -> None:
    taken = taking()
    taken.port.pause()
    first = len(taken.messages)
    await turns(20)
    assert len(taken.messages) == first
    taken.port.resume()
    await until(lambda: len(taken.messages) == 1001, "all messages")
    assert taken.messages == [*LINES, b"last"]


def test_a_port_that_closes_hands_on_what_it_has_read(taking: Callable[[], Taken]) -> None:
    taken = taking()
    taken.port.stopListening()
    assert taken.messages[: len(LINES)] == LINES
