"""Sealing: slots that are over get their index, whatever a crash left behind; only one process seals."""

from __future__ import annotations

import threading
from typing import Any

import psycopg2
import pytest
from psycopg2.extensions import parse_dsn
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.logger import globalLogPublisher

from ppl.errors import StoreUnavailable
from ppl.model import MINUTE, SECOND
from ppl.store.connecting.locks import SEAL_KEY
from ppl.store.postgres import PostgresStore
from ppl.store.upkeep.sealing import AFTER, MOST_PUT_OFF, Sealer
from tests.fixtures.database import as_administrator, execute
from tests.store.samples import T0, events, text_index
from tests.waiting import until

HOUR = 60 * MINUTE
START = T0 - T0 % HOUR
INDEX = "USING gin (message gin_trgm_ops)"


def sealer(dsn: str, now: int, look_seconds: float = 0.01, **bounds: Any) -> Sealer:
    return Sealer(reactor, dsn, lambda: now, look_seconds=look_seconds, **bounds)


def indexes(dsn: str) -> list[tuple[Any, ...]]:
    """Slots that have the index that searches ask for, and whether it is valid."""
    return execute(
        dsn,
        "SELECT slot.lower, indisvalid FROM slot JOIN pg_index ON indexrelid = to_regclass(format(%s, lower))"
        " ORDER BY 1",
        [text_index(dsn, 0).replace("event_0", "event_%s")],
    )


def sealed(dsn: str) -> list[int]:
    return [lower for (lower,) in execute(dsn, "SELECT lower FROM slot WHERE indexed_at IS NOT NULL ORDER BY 1")]


async def fill(store: PostgresStore) -> None:
    for hour in range(3):
        await store.append([events(START + hour * HOUR, ["one", "two"])])


@ensureDeferred
async def test_slots_that_are_over_get_their_index_once_and_the_open_one_gets_none(
    store: PostgresStore, dsn: str
) -> None:
    await fill(store)
    await sealer(dsn, START + 2 * HOUR + AFTER).run()
    assert indexes(dsn) == [(START, True), (START + HOUR, True)]
    assert sealed(dsn) == [START, START + HOUR]
    before = execute(dsn, "SELECT oid FROM pg_class WHERE relname LIKE '%_text_%'")
    await sealer(dsn, START + 2 * HOUR + AFTER).run()
    assert execute(dsn, "SELECT oid FROM pg_class WHERE relname LIKE '%_text_%'") == before


@ensureDeferred
async def test_a_slot_is_not_over_before_every_clock_says_so(store: PostgresStore, dsn: str) -> None:
    await fill(store)
    await sealer(dsn, START + HOUR + AFTER - 1).run()
    assert sealed(dsn) == []


@ensureDeferred
async def test_an_index_that_a_crash_left_half_built_is_built_anew(store: PostgresStore, dsn: str) -> None:
    await fill(store)
    execute(dsn, "CREATE EXTENSION pg_trgm")
    name = text_index(dsn, START)
    execute(dsn, f"CREATE INDEX {name} ON event_{START} {INDEX}")
    administrator = as_administrator(dsn, parse_dsn(dsn)["dbname"])
    execute(administrator, f"UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{name}'::regclass")
    await sealer(dsn, START + HOUR + AFTER).run()
    assert indexes(dsn) == [(START, True)]
    assert sealed(dsn) == [START]


@ensureDeferred
async def test_an_index_that_was_finished_but_not_noted_is_only_noted(store: PostgresStore, dsn: str) -> None:
    await fill(store)
    now = START + HOUR + AFTER
    await sealer(dsn, now).run()
    before = execute(dsn, "SELECT oid FROM pg_class WHERE relname LIKE '%_text_%'")
    execute(dsn, "UPDATE slot SET indexed_at = NULL")
    await sealer(dsn, now).run()
    assert sealed(dsn) == [START]
    assert execute(dsn, "SELECT oid FROM pg_class WHERE relname LIKE '%_text_%'") == before


def as_an_earlier_version(dsn: str) -> None:
    """Leave the indexes of an earlier Ppl, under the name and on the expression that they had there."""
    execute(dsn, "CREATE EXTENSION IF NOT EXISTS pg_trgm")
    for (lower,) in execute(dsn, "SELECT lower FROM slot"):
        execute(dsn, f"CREATE INDEX event_{lower}_text ON event_{lower} {INDEX}")
    execute(dsn, "UPDATE slot SET indexed_at = 1")


@ensureDeferred
async def test_indexes_of_an_earlier_version_are_built_again_newest_slot_first(store: PostgresStore, dsn: str) -> None:
    await fill(store)
    as_an_earlier_version(dsn)
    now = START + 3 * HOUR + MOST_PUT_OFF

    def clock() -> int:
        nonlocal now
        now += 1
        return now

    await Sealer(reactor, dsn, clock, look_seconds=0.01).run()
    assert indexes(dsn) == [(START + hour * HOUR, True) for hour in range(3)]
    order = execute(dsn, "SELECT lower FROM slot ORDER BY indexed_at")
    assert order == [(START + hour * HOUR,) for hour in (2, 1, 0)]
    ((left,),) = execute(dsn, "SELECT count(*) FROM pg_class WHERE relname ~ '_text$'")
    assert left == 0


@ensureDeferred
async def test_a_slot_with_an_index_of_an_earlier_version_counts_as_not_sealed(store: PostgresStore, dsn: str) -> None:
    await fill(store)
    as_an_earlier_version(dsn)
    with psycopg2.connect(dsn) as writer, writer.cursor() as cursor:
        cursor.execute(f"UPDATE event_{START + 2 * HOUR} SET message = message")
        stopping = sealer(dsn, START + 3 * HOUR + MOST_PUT_OFF)
        running = Deferred.fromCoroutine(stopping.run())
        await until(lambda: sealed(dsn) == [], "no slot counts as sealed")
        stopping.stop()
        await running
        writer.rollback()
    await sealer(dsn, START + 3 * HOUR + MOST_PUT_OFF).run()
    assert sealed(dsn) == [START + hour * HOUR for hour in range(3)]


@ensureDeferred
async def test_a_slot_that_is_over_meanwhile_is_sealed_before_the_older_ones(store: PostgresStore, dsn: str) -> None:
    await fill(store)
    now = START + 2 * HOUR + AFTER

    def clock() -> int:
        nonlocal now
        now += 1
        return now

    with psycopg2.connect(dsn) as writer, writer.cursor() as cursor:
        cursor.execute(f"UPDATE event_{START + HOUR} SET message = message")
        running = Deferred.fromCoroutine(Sealer(reactor, dsn, clock, look_seconds=0.01).run())
        await until(lambda: indexes(dsn) == [(START + HOUR, False)], "the first build under way")
        now += HOUR
        writer.rollback()
    await running
    order = execute(dsn, "SELECT lower FROM slot WHERE indexed_at IS NOT NULL ORDER BY indexed_at")
    assert order == [(START + hour * HOUR,) for hour in (1, 2, 0)]


@ensureDeferred
async def test_a_stop_in_the_middle_of_a_build_ends_it_and_the_next_run_repairs(store: PostgresStore, dsn: str) -> None:
    await fill(store)
    # An open write transaction makes CONCURRENTLY wait.
    with psycopg2.connect(dsn) as writer, writer.cursor() as cursor:
        cursor.execute(f"UPDATE event_{START} SET message = message")
        stopping = sealer(dsn, START + HOUR + AFTER)
        running = Deferred.fromCoroutine(stopping.run())
        await until(lambda: indexes(dsn) == [(START, False)], "the build under way")
        stopping.stop()
        await running
        writer.rollback()
    assert sealed(dsn) == []
    await until(
        lambda: not execute(dsn, "SELECT pid FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX%%'"),
        "PostgreSQL gave it up",
    )
    await sealer(dsn, START + HOUR + AFTER).run()
    assert indexes(dsn) == [(START, True)]


@ensureDeferred
async def test_a_killed_backend_in_the_middle_of_a_build_is_repaired_too(store: PostgresStore, dsn: str) -> None:
    await fill(store)
    with psycopg2.connect(dsn) as writer, writer.cursor() as cursor:
        cursor.execute(f"UPDATE event_{START} SET message = message")
        running = Deferred.fromCoroutine(sealer(dsn, START + HOUR + AFTER).run())
        await until(lambda: indexes(dsn) == [(START, False)], "the build under way")
        execute(dsn, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX%%'")
        with pytest.raises(StoreUnavailable):
            await running
        writer.rollback()
    await sealer(dsn, START + HOUR + AFTER).run()
    assert indexes(dsn) == [(START, True)]


@ensureDeferred
async def test_late_events_get_in_while_an_index_is_built(store: PostgresStore, dsn: str) -> None:
    await fill(store)
    with psycopg2.connect(dsn) as writer, writer.cursor() as cursor:
        cursor.execute(f"UPDATE event_{START} SET message = message WHERE message = 'one'")
        running = Deferred.fromCoroutine(sealer(dsn, START + HOUR + AFTER).run())
        await until(lambda: indexes(dsn) == [(START, False)], "the build under way")
        await store.append([events(START + 9, ["late"])])
        writer.rollback()
    await running
    assert indexes(dsn) == [(START, True)]


@ensureDeferred
async def test_one_process_seals(store: PostgresStore, dsn: str) -> None:
    await fill(store)
    with psycopg2.connect(dsn) as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", SEAL_KEY)
        await sealer(dsn, START + 2 * HOUR + AFTER).run()
        assert sealed(dsn) == []


@ensureDeferred
async def test_a_slot_that_is_forgotten_meanwhile_is_no_error(store: PostgresStore, dsn: str) -> None:
    await fill(store)
    execute(dsn, f"DROP TABLE event_{START}")
    await sealer(dsn, START + 2 * HOUR + AFTER).run()
    assert sealed(dsn) == [START + HOUR]


@ensureDeferred
async def test_without_the_extension_the_log_says_once_what_to_do(store: PostgresStore, dsn: str) -> None:
    said: list[str] = []

    def observe(event: dict) -> None:
        if "pg_trgm" in str(event.get("log_format")):
            said.append(event["code"])

    await fill(store)
    administrator = as_administrator(dsn, parse_dsn(dsn)["dbname"])
    execute(administrator, f"ALTER DATABASE {parse_dsn(dsn)['dbname']} OWNER TO postgres")
    globalLogPublisher.addObserver(observe)
    try:
        one = sealer(dsn, START + 2 * HOUR + AFTER)
        await one.run()
        await one.run()
    finally:
        globalLogPublisher.removeObserver(observe)
    assert said == ["42501"]
    assert sealed(dsn) == []


@ensureDeferred
async def test_building_waits_while_much_comes_in_but_not_for_ever(store: PostgresStore, dsn: str) -> None:
    await fill(store)
    long_over = START - MOST_PUT_OFF - HOUR
    await store.append([events(long_over, ["one"])])
    bounds = {"busy_rate": 0, "look_seconds": 1.5}
    now = START + 2 * HOUR + 30 * SECOND + AFTER
    over = threading.Event()

    def pour() -> None:
        number = 0
        while not over.is_set():
            number += 1
            execute(
                dsn,
                "INSERT INTO event (destination_id, id, created_at, sender_ip) VALUES (9, %s, 0, '::1')",
                [START + 2 * HOUR + 100 + number],
            )

    pouring = threading.Thread(target=pour)
    pouring.start()
    try:
        await sealer(dsn, now, **bounds).run()
        assert sealed(dsn) == [long_over], "what is put off does not hold back older slots"
        await sealer(dsn, START + 2 * HOUR + MOST_PUT_OFF, **bounds).run()
        assert sealed(dsn) == [long_over, START, START + HOUR, START + 2 * HOUR]
    finally:
        over.set()
        pouring.join()
