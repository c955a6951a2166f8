"""Half lines and half frames: bounded over all connections, shown or ended after a while, and counted to the byte."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from ppl.listener.limits.partial_input import Unfinished
from ppl.sources.first_line import Patience
from tests.listener.conftest import MakeDestination, MakeReceiving
from tests.listener.receiving import GatedStore, Receiving, connect, messages
from tests.waiting import until

OPEN = b"1 open 49 relp_version=0\nrelp_software=test\ncommands=syslog\n"


async def opened(store: Any, make_destination: MakeDestination, receiving: Receiving) -> Any:
    destination = await make_destination()
    receiving.ports.open(destination)
    await until(lambda: receiving.reported, "an open port")
    return destination


@pytest_twisted.ensureDeferred
async def test_what_connections_hold_is_counted_to_the_byte(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    receiving = await make_receiving(store)
    destination = await opened(store, make_destination, receiving)
    senders = [await connect(destination.port) for _ in range(4)]
    for sender, data in zip(senders, (b"line\nhalf", b"1 op", b"12 <13>x", OPEN + b"2 syslog 9 x"), strict=True):
        sender.transport.write(data)
    held = receiving.intake.unfinished
    await until(lambda: held.bytes == 4 + 4 + 5 + 12, "what is unfinished")
    senders[0].transport.write(b" done\n")
    senders[1].transport.write(b"en 49 relp_version=0\nrelp_software=test\ncommands=syslog\n")
    await until(lambda: held.bytes == 5 + 12, "less")
    for sender in senders:
        sender.transport.loseConnection()
        await sender.gone
    await until(lambda: not held.bytes, "nothing")
    await until(lambda: sum(map(len, receiving.announced)) == 3, "the lines")
    assert sorted(await messages(store, destination)) == ["half done", "line", "x"]


@pytest_twisted.ensureDeferred
async def test_beyond_the_budget_the_connection_that_adds_to_it_ends_and_its_line_is_kept(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    receiving = await make_receiving(store, partial_bytes=2500)
    destination = await opened(store, make_destination, receiving)
    others = [await connect(destination.port) for _ in range(3)]
    for sender, length in zip(others, (900, 900, 700), strict=True):
        sender.transport.write(b"x" * length)
    await until(lambda: receiving.intake.unfinished.bytes == 2500, "a full budget")
    relp = await connect(destination.port)
    relp.transport.write(OPEN + b"2 syslog 4 good\n3 syslog 500 never acknowledged")
    await relp.gone
    assert b"2 rsp 6 200 OK\n" in relp.data
    assert b"3 rsp" not in relp.data
    others[2].transport.write(b"y" * 100)
    await others[2].gone
    others[0].transport.write(b" goes on\n")
    await until(lambda: sum(map(len, receiving.announced)) == 3, "the lines")
    assert await messages(store, destination) == ["good", "x" * 700 + "y" * 100, "x" * 900 + " goes on"]
    assert receiving.intake.unfinished.bytes == 900
    for sender in others[:2]:
        sender.transport.loseConnection()
        await sender.gone


@pytest.mark.parametrize(
    ("start", "shown"),
    [(b"half", "half"), (b"12", "12"), (b"1 ope", "1 ope"), (b"\x16", "\x16"), (b"20 <13>half", "half")],
)
@pytest_twisted.ensureDeferred
async def test_a_line_that_is_not_ended_is_shown_after_a_while_and_the_connection_goes_on(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving, start: bytes, shown: str
) -> None:
    receiving = await make_receiving(store, partial_seconds=0.1)
    destination = await opened(store, make_destination, receiving)
    sender = await connect(destination.port)
    sender.transport.write(start)
    await until(lambda: receiving.announced, "the half")
    sender.transport.write(b"other half \n")
    sender.transport.loseConnection()
    await sender.gone
    await until(lambda: sum(map(len, receiving.announced)) == 2, "the rest")
    assert (await messages(store, destination))[0] == shown


@pytest.mark.parametrize("frame", [OPEN[:20], OPEN + b"2 sys", OPEN + b"2 syslog 9 half"])
@pytest_twisted.ensureDeferred
async def test_a_relp_frame_that_is_not_finished_in_time_ends_its_connection_and_is_never_acknowledged(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving, frame: bytes
) -> None:
    receiving = await make_receiving(store, partial_seconds=0.1)
    destination = await opened(store, make_destination, receiving)
    sender = await connect(destination.port)
    sender.transport.write(frame)
    await sender.gone
    assert b"2 rsp" not in sender.data
    assert receiving.announced == []
    assert receiving.intake.unfinished.bytes == 0


@pytest_twisted.ensureDeferred
async def test_a_connection_that_has_sent_nothing_or_ended_its_lines_may_stay(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    receiving = await make_receiving(store, partial_seconds=0.1)
    destination = await opened(store, make_destination, receiving)
    silent, idle, probe = [await connect(destination.port) for _ in range(3)]
    idle.transport.write(OPEN)
    for _ in range(3):
        probe.transport.write(b"half")
        count = len(receiving.announced)
        await until(lambda count=count: len(receiving.announced) > count, "one more expired")
    assert not silent.gone.called
    assert not idle.gone.called
    for sender in (silent, idle, probe):
        sender.transport.loseConnection()
        await sender.gone


@pytest_twisted.ensureDeferred
async def test_a_read_of_very_many_lines_is_done_in_parts_and_all_are_kept_in_order(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    receiving = await make_receiving(store)
    destination = await opened(store, make_destination, receiving)
    expected = [str(number % 10) for number in range(30_000)]
    for data in ("\n".join(expected) + "\n", "5 <13>0" + "".join(f"1 {number % 10}" for number in range(1, 30_000))):
        receiving.announced.clear()
        sender = await connect(destination.port)
        sender.transport.write(data.encode())
        sender.transport.loseConnection()
        await sender.gone
        await until(lambda: sum(map(len, receiving.announced)) == 30_000, "every line", 30)
        assert [text for events in receiving.announced for text in events.lines.message] == expected
        assert max(map(len, receiving.announced)) <= 2048
    await until(lambda: not receiving.intake_of(destination).connections, "no connection")


@pytest_twisted.ensureDeferred
async def test_a_full_queue_holds_the_parts_of_a_read_too_and_an_end_of_the_port_does_not_wait_for_it(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    gated = GatedStore(store)
    receiving = await make_receiving(gated, queue_bytes=4_000_000)
    destination = await opened(store, make_destination, receiving)
    gated.shut = True
    sender = await connect(destination.port)
    sender.transport.write(b"x\n" * 60_000)
    await until(lambda: receiving.writer.waiting_bytes > 4_000_000, "a full queue")
    (receiver,) = receiving.intake_of(destination).connections
    await until(lambda: "queue" in receiver.held_by, "a connection that is held")
    assert receiving.writer.waiting_bytes < 6_000_000
    closing = Deferred.fromCoroutine(receiving.ports.close(destination))
    await until(lambda: closing.called, "a closed port")
    assert receiving.writer.waiting_events > 6_000, "what was read is handed on"
    gated.open()
    await sender.gone


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"<11>first\0<12>second\0<13>third\0", ["first", "second", "third"]),
        (b"<11>whole\0", ["whole"]),
        (b"<11>whole", ["whole"]),
        (b"<11>one<131>Nov 30 01:00:27 web-1 app: two", ["one", "two"]),
        (b"<11>failed\nTraceback\n  1 / 0\0", ["failed\nTraceback\n  1 / 0"]),
        (b"<11>one\n", ["one"]),
        (b"<11>one\n  two\n", ["one", "  two"]),
        (b"<11>Nov 30 01:00:27 web-1 app: one\n  two\0", ["one", "  two"]),
    ],
)
@pytest_twisted.ensureDeferred
async def test_what_is_probably_whole_is_shown_after_a_second_and_the_connection_goes_on(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving, data: bytes, shown: list[str]
) -> None:
    receiving = await make_receiving(store, partial_seconds=300)
    destination = await opened(store, make_destination, receiving)
    sender = await connect(destination.port)
    sender.transport.write(data)
    await until(lambda: sum(map(len, receiving.announced)) == len(shown), "every message")
    assert await messages(store, destination) == shown
    assert receiving.intake.unfinished.bytes == 0
    sender.transport.write(b"<11>more")
    await until(lambda: sum(map(len, receiving.announced)) > len(shown) or receiving.intake.unfinished.bytes, "more")
    sender.transport.loseConnection()
    await sender.gone
    await until(lambda: sum(map(len, receiving.announced)) == len(shown) + 1, "the last")


class _Half:
    """A connection that holds something, on a clock of its own."""

    is_overdue = False

    def __init__(self) -> None:
        self.expired = 0

    def expire(self) -> None:
        self.expired += 1


def test_a_second_begins_again_with_more_data_unless_lines_wait() -> None:
    clock = Clock()
    unfinished = Unfinished(1_000, 300, clock)
    quiet, short, patient = _Half(), _Half(), _Half()
    for holder in (quiet, short, patient):
        unfinished.changed(holder, 0, 10)
    unfinished.probably_whole(quiet, Patience.QUIET)
    unfinished.probably_whole(short, Patience.SHORT)
    unfinished.probably_whole(patient, Patience.QUIET)
    clock.advance(0.6)
    unfinished.probably_whole(quiet, Patience.QUIET)
    unfinished.probably_whole(short, Patience.SHORT)
    unfinished.probably_whole(patient, Patience.LONG)
    clock.advance(0.6)
    assert (quiet.expired, short.expired, patient.expired) == (0, 1, 0)
    clock.advance(0.6)
    assert (quiet.expired, short.expired, patient.expired) == (1, 1, 0)
    unfinished.probably_whole(quiet, Patience.QUIET)
    unfinished.changed(quiet, 10, 0)  # it ended
    clock.advance(2)
    assert quiet.expired == 1
    unfinished.probably_whole(short, Patience.SHORT)
    unfinished.stop()
    assert not clock.getDelayedCalls()
