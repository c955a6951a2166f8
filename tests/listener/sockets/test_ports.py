"""Real senders' connections: lines to rows, limits, and ports that open, fail, are tried again and close."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import attrs
import pytest
import pytest_twisted

from ppl.listener.limits.addresses import sender_address
from ppl.services.sockets import Sockets
from ppl.services.systemd import Manager
from tests.fixtures.systemd import ServiceManager
from tests.listener.conftest import MakeDestination, MakeReceiving
from tests.listener.receiving import GatedStore, connect, free_port, messages, send
from tests.waiting import until


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"<13>1 - h a - - - one\n<13>1 - h a - - - two\n", ["one", "two"]),
        (b"21 <13>1 - h a - - - one21 <13>1 - h a - - - two", ["one", "two"]),
        (b"<13>1 - h a - - - one\nin the middle of a li", ["one", "in the middle of a li"]),
        (b"\x00\xff\xfe garbage \x80\n<13>1 - h a - - - one\n", ["\ufffd\ufffd garbage \ufffd", "one"]),
        (b"x" * 1500 + b"\n<13>1 - h a - - - one\n", ["x" * 1000 + " [cut by Ppl at 1000 bytes]", "one"]),
        (b"\n\r\n\n", []),
    ],
)
@pytest_twisted.ensureDeferred
async def test_what_a_connection_sends_is_stored(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving, data: bytes, expected: list[str]
) -> None:
    destination, receiving = await make_destination(), await make_receiving(store)
    receiving.ports.open(destination)
    await until(lambda: receiving.reported, "an open port")
    await send(destination.port, data)
    await until(lambda: sum(map(len, receiving.announced)) == len(expected), "every line")
    assert await messages(store, destination) == expected
    if expected:
        assert receiving.announced[0].sender_ip == "127.0.0.1"


@pytest_twisted.ensureDeferred
async def test_lines_of_one_connection_keep_their_order_with_ids_that_increase(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    destination, receiving = await make_destination(), await make_receiving(store)
    receiving.ports.open(destination)
    await until(lambda: receiving.reported, "an open port")
    await send(destination.port, b"".join(b"line %d\n" % number for number in range(30_000)))
    await until(lambda: sum(map(len, receiving.announced)) == 30_000, "every line", 20)
    ids = [id_ for events in receiving.announced for id_ in events.ids]
    assert ids == sorted(set(ids))
    assert await messages(store, destination) == [f"line {number}" for number in range(30_000)]


@pytest_twisted.ensureDeferred
async def test_a_full_queue_stops_reading_and_loses_nothing(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    gated = GatedStore(store)
    destination, receiving = await make_destination(), await make_receiving(gated, queue_bytes=2_000_000)
    receiving.ports.open(destination)
    await until(lambda: receiving.reported, "an open port")
    gated.shut = True
    sender = await connect(destination.port)
    data = b"".join(b"line %06d %s\n" % (number, b"x" * 200) for number in range(40_000))
    sender.transport.write(data)
    await until(lambda: receiving.writer.waiting_bytes > 2_000_000, "a full queue")
    (receiver,) = receiving.intake_of(destination).connections
    await until(lambda: receiver.held_by == {"queue"}, "a connection that is not read from")
    assert receiving.writer.waiting_events < 5_000, "bounded, whatever is sent"
    gated.open()
    sender.transport.loseConnection()
    await sender.gone
    await until(lambda: sum(map(len, receiving.announced)) == 40_000, "every line", 30)
    assert [message.split()[1] for message in await messages(store, destination)] == [
        f"{number:06}" for number in range(40_000)
    ]


@pytest_twisted.ensureDeferred
async def test_a_destination_has_a_bounded_number_of_connections(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    destination, receiving = await make_destination(), await make_receiving(store, max_connections=2)
    receiving.ports.open(destination)
    await until(lambda: receiving.reported, "an open port")
    first, second = await connect(destination.port), await connect(destination.port)
    intake = receiving.intake_of(destination)
    await until(lambda: len(intake.connections) == 2, "two connections")
    for sender in (first, second):
        sender.transport.write(b"line\n")
    await until(lambda: sum(map(len, receiving.announced)) == 2, "their lines")
    third = await connect(destination.port)
    await third.gone
    first.transport.loseConnection()
    await first.gone
    await until(lambda: len(intake.connections) == 1, "room")
    await send(destination.port, b"let in\n")
    await until(lambda: sum(map(len, receiving.announced)) == 3, "its line")
    second.transport.loseConnection()
    await second.gone


@pytest_twisted.ensureDeferred
async def test_a_port_in_use_is_reported_tried_again_and_stops_no_other(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving, nothing_left_behind: list[str]
) -> None:
    taken, free = await make_destination(), await make_destination()
    receiving = await make_receiving(store)
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", taken.port))
        holder.listen()
        receiving.ports.open(taken)
        receiving.ports.open(free)
        await until(lambda: len(receiving.reported) == 2, "both reported")
        assert dict(receiving.reported)[free.port] is None
        assert "in use" in (dict(receiving.reported)[taken.port] or "")
    await until(lambda: receiving.reported[-1] == (taken.port, None), "the port opened at last")
    assert "cannot be opened, retrying" in nothing_left_behind.pop()


@pytest_twisted.ensureDeferred
async def test_closing_a_port_hands_on_what_was_received_and_frees_it(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    destination, receiving = await make_destination(), await make_receiving(store)
    receiving.ports.open(destination)
    await until(lambda: receiving.reported, "an open port")
    sender = await connect(destination.port)
    sender.transport.write(b"whole\nhalf")
    await until(lambda: receiving.announced, "the first line")
    await receiving.ports.close(destination)
    await sender.gone
    await until(lambda: len(receiving.announced) == 2, "the half line")
    assert await messages(store, destination) == ["whole", "half"]
    receiving.ports.open(destination)
    await until(lambda: len(receiving.reported) == 2, "open again")


@pytest_twisted.ensureDeferred
async def test_opening_twice_only_reports_again(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    destination, receiving = await make_destination(), await make_receiving(store)
    receiving.ports.open(destination)
    await until(lambda: receiving.reported, "an open port")
    receiving.ports.open(destination)
    assert receiving.reported == [(destination.port, None)] * 2


@pytest_twisted.ensureDeferred
async def test_reconciling_opens_what_is_missing_closes_what_is_too_many_and_renews_what_changed(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    kept, gone, new = [await make_destination() for _ in range(3)]
    receiving = await make_receiving(store)
    receiving.ports.reconcile([kept, gone])
    await until(lambda: len(receiving.reported) == 2, "two open ports")
    changed = attrs.evolve(kept, time_zone="UTC")
    receiving.ports.reconcile([changed, new])
    await until(lambda: len(receiving.reported) == 4, "the new port, and the changed one anew")
    assert {each.id for each in receiving.ports.destinations} == {kept.id, new.id}
    assert str(receiving.intake_of(changed).zone) == "UTC"
    with pytest.raises(Exception, match="refused"):
        await connect(gone.port)


@pytest_twisted.ensureDeferred
async def test_a_port_that_changes_twice_at_once_is_as_it_was_said_last(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    destination, receiving = await make_destination(), await make_receiving(store)
    receiving.ports.open(destination)
    await until(lambda: receiving.reported, "an open port")
    sender = await connect(destination.port)
    await send(destination.port, b"before\n")
    await until(lambda: receiving.announced, "the first line")
    for transport in ("plain", "tls", "plain"):
        receiving.ports.open(attrs.evolve(destination, transport=transport))
        assert [each.transport for each in receiving.ports.destinations] == [transport]
    await sender.gone
    await until(lambda: len(receiving.reported) == 2, "the port open anew, once")
    assert receiving.intake_of(destination).destination.transport == "plain"
    await send(destination.port, b"after\n")
    await until(lambda: len(receiving.announced) == 2, "both lines")
    assert await messages(store, destination) == ["before", "after"]


@pytest_twisted.ensureDeferred
async def test_a_port_that_is_closed_while_it_changes_stays_closed(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    closed, unwanted = await make_destination(), await make_destination()
    receiving = await make_receiving(store)
    receiving.ports.reconcile([closed, unwanted])
    await until(lambda: len(receiving.reported) == 2, "open ports")
    for destination in (closed, unwanted):
        receiving.ports.open(attrs.evolve(destination, transport="tls"))
    await receiving.ports.close(closed)
    receiving.ports.reconcile([])
    await receiving.ports.close_all()
    assert receiving.ports.destinations == []
    assert len(receiving.reported) == 2
    for destination in (closed, unwanted):
        with pytest.raises(Exception, match="refused"):
            await connect(destination.port)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::1"),
        ("2001:db8::1", "2001:db8::1"),
    ],
)
def test_a_senders_address_is_kept_in_one_form(host: str, address: str) -> None:
    assert sender_address(host) == address


def test_the_helper_finds_a_free_port() -> None:
    assert free_port() > 0


@pytest_twisted.ensureDeferred
async def test_sockets_are_kept_over_a_stop_and_a_change_and_given_up_when_a_port_is_closed_for_good(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving, short_directory: Path
) -> None:
    with ServiceManager(short_directory) as systemd:
        sockets = Sockets(Manager(systemd.address))
        receiving = await make_receiving(store, sockets=sockets)
        ports = receiving.ports
        first, second = await make_destination(), await make_destination()
        for destination in (first, second):
            ports.open(destination)
        await until(lambda: len(systemd.kept) == 4, "TCP and UDP of both")
        ports.open(attrs.evolve(first, transport="tls"))
        await until(lambda: len(receiving.reported) == 3, "the port open anew")
        await until(lambda: f"ppl-udp-{first.port}" not in systemd.kept, "no UDP beside TLS only")
        assert f"ppl-tcp-{first.port}" in systemd.kept
        await ports.close(first)
        await until(lambda: set(systemd.kept) == {f"ppl-tcp-{second.port}", f"ppl-udp-{second.port}"}, "the other's")
        await ports.close_all()
        assert len(systemd.kept) == 2
        assert systemd.said("FDSTOREREMOVE=1") == 2
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            sockets.release(kind, second.port)
