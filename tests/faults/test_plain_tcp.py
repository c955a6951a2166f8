"""Plain lines, which have no acknowledgement: Ppl stores all it has read, whatever PostgreSQL does, also at a stop."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import takewhile
from pathlib import Path

import psycopg2
import pytest
from pytest_twisted import ensureDeferred

from ppl.store.embedded.server import EmbeddedPostgres
from tests.faults.lines import LineSender
from tests.faults.postgresql import freeze, postmaster, thaw
from tests.faults.tally import Measured, tallies
from tests.fixtures.running import PplProcess, Registered, eventually
from tests.fixtures.watching import Viewer

pytestmark = [pytest.mark.long, pytest.mark.beside, pytest.mark.timeout(300)]

AWAY_SECONDS = 30
RATE = 500
LINES = 20_000


@contextmanager
def sending(who: Registered) -> Iterator[list[LineSender]]:
    """Run a sender that is never held back, and one that sends as much as the connection takes."""
    senders = [LineSender(who, "steady", RATE), LineSender(who, "flood", None)]
    for sender in senders:
        sender.start()
    try:
        yield senders
    finally:
        for sender in senders:
            sender.finish()


def all_stored(ppl: PplProcess, who: Registered, senders: list[LineSender], measured: Measured) -> None:
    """Check that every line is stored once, in order."""
    sent = sum(sender.sent for sender in senders)
    eventually(lambda: stored(ppl, who) >= sent, f"{sent} lines", 60)
    for found in tallies(ppl, who, senders, measured):
        assert (found.lost, found.doubled, found.in_order) == (0, 0, True)
    assert "Traceback" not in ppl.text()


def stored(ppl: PplProcess, who: Registered) -> int:
    """How many lines are stored; waits until PostgreSQL answers."""

    def count() -> list[tuple[int]]:
        with suppress(psycopg2.OperationalError):
            return ppl.rows(
                "SELECT count(*) FROM event JOIN destination d ON d.id = destination_id WHERE port = %s", who.port
            )
        return []

    ((found,),) = eventually(count, "an answer of PostgreSQL", 40)
    return found


def until_many_more(ppl: PplProcess, who: Registered) -> None:
    """Wait until lines are being stored again."""
    before = stored(ppl, who)
    eventually(lambda: stored(ppl, who) > before + 2 * RATE, "lines being stored", 60)


@ensureDeferred
async def test_postgresql_away_for_half_a_minute(
    postgres_server: EmbeddedPostgres, short_directory: Path, measured: Measured
) -> None:
    ppl = PplProcess(postgres_server.dsn, short_directory)
    try:
        ppl.start()
        who = ppl.register()
        with sending(who) as senders:
            until_many_more(ppl, who)
            await postgres_server.stopService()
            threading.Event().wait(AWAY_SECONDS)
            await postgres_server.startService()
            until_many_more(ppl, who)
        all_stored(ppl, who, senders, measured)
    finally:
        ppl.stop()


def test_postgresql_restarted_again_and_again(ppl: PplProcess, short_directory: Path, measured: Measured) -> None:
    who = ppl.register()
    with sending(who) as senders:
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGINT):
            until_many_more(ppl, who)
            server = postmaster(short_directory)
            os.kill(server, number)
            eventually(lambda: postmaster(short_directory) != server, "another PostgreSQL", 40)  # noqa: B023
        until_many_more(ppl, who)
    all_stored(ppl, who, senders, measured)


@pytest.mark.parametrize("seconds", [10, 50], ids=["briefly", "beyond the patience of statements"])
def test_a_frozen_postgresql_holds_lines_back_and_loses_none(
    seconds: float, ppl: PplProcess, short_directory: Path, measured: Measured
) -> None:
    who = ppl.register()
    with sending(who) as senders:
        until_many_more(ppl, who)
        frozen = freeze(short_directory)
        # Meanwhile nothing answers. Statements given up by then may still be committed afterwards.
        threading.Event().wait(seconds)
        thaw(frozen)
        until_many_more(ppl, who)
    all_stored(ppl, who, senders, measured)


def test_postgresql_killed_again_and_again_while_somebody_watches(
    ppl: PplProcess, short_directory: Path, measured: Measured
) -> None:
    who = ppl.register()
    with Viewer(ppl.url, who) as viewer:
        viewer.identify(batch=True)
        sender = LineSender(who, "steady", RATE)
        sender.start()
        seen: list[str] = []

        def see(count: int) -> None:
            due = len(seen) + count
            while len(seen) < due:
                seen.extend(event["message"] for event in viewer.live_now(40))

        for _ in range(4):
            see(3 * RATE)
            os.kill(postmaster(short_directory), signal.SIGKILL)
        see(3 * RATE)
        sender.finish()
        see(sender.sent - len(seen))
    all_stored(ppl, who, [sender], measured)
    assert seen == ppl.messages(who.port), "the viewer saw every line in order"


def test_a_stop_stores_all_that_was_read_though_postgresql_is_slow(
    ppl: PplProcess, short_directory: Path, measured: Measured
) -> None:
    who = ppl.register()
    frozen = freeze(short_directory)
    # No faster: all lines must be read, and Ppl's queue in memory holds some 90,000.
    sender = LineSender(who, "steady", LINES / 2)
    sender.start()
    eventually(lambda: sender.sent >= LINES, "lines")
    sender.stop()
    sender.wait_until_taken()
    ppl.send_signal(signal.SIGTERM)
    eventually(lambda: _is_closed(who), "the port closed")
    thaw(frozen)
    ppl.stop()
    ppl.start()
    sender.abandon()
    (found,) = tallies(ppl, who, [sender], measured)
    assert (found.lost, found.doubled, found.in_order) == (0, 0, True)


def test_a_stop_while_somebody_sends_on_stores_what_was_read(ppl: PplProcess, measured: Measured) -> None:
    who = ppl.register()
    sender = LineSender(who, "flood", None)
    sender.start()
    eventually(lambda: stored(ppl, who) > 10 * LINES, "lines", 60)
    taken = sender.taken()
    ppl.stop()
    ppl.start()
    assert whole_lines(ppl, sender, measured, taken) >= sender.lines_in(taken) > 0


def test_a_stop_while_somebody_is_held_back_stores_what_was_read_and_what_comes_until_the_sender_knows(
    ppl: PplProcess, short_directory: Path, measured: Measured
) -> None:
    who = ppl.register()
    sender = LineSender(who, "flood", None)
    sender.start()
    eventually(lambda: stored(ppl, who) > 0, "lines")
    frozen = freeze(short_directory)
    taken = sender.wait_until_stalled()
    ppl.send_signal(signal.SIGTERM)
    eventually(lambda: _is_closed(who), "the port closed")
    thaw(frozen)
    ppl.stop()
    ppl.start()
    # A port that closes goes on reading until its sender ends or two seconds have passed.
    assert whole_lines(ppl, sender, measured, taken) >= sender.lines_in(taken) > 0


def whole_lines(ppl: PplProcess, sender: LineSender, measured: Measured, taken: int) -> int:
    """How many lines are stored whole; they must be the first ones, and only a cut-off line may follow them."""
    sender.abandon()
    assert sender.ended, "the sender noticed the stop"
    messages = ppl.messages(sender.who.port)
    whole = sum(1 for _ in takewhile(lambda pair: pair[1] == f"{sender.name} {pair[0]}", enumerate(messages)))
    assert len(messages) - whole <= 1, f"no gap, none twice: {messages[whole : whole + 9]}"
    measured(f"{sender.lines_in(taken)} lines were certainly read before the stop, {whole} are stored")
    return whole


def _is_closed(who: Registered) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((who.host, who.port)) != 0
