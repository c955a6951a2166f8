"""Migrations: in order, once, in two processes at once, never backwards."""

from __future__ import annotations

import pytest
from psycopg2.extensions import make_dsn, parse_dsn
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults

from ppl.errors import StoreUnsuitable
from ppl.store.migrate import migrate, migrations
from ppl.store.pool import Pool
from tests.fixtures.database import as_administrator, execute, migrate_database


@pytest.fixture
def empty(dsn: str) -> object:
    """The DSN of a database without any table."""
    name = parse_dsn(dsn)["dbname"] + "_empty"
    execute(as_administrator(dsn), f"CREATE DATABASE {name} TEMPLATE template0 OWNER ppl")
    yield make_dsn(dsn, dbname=name)
    execute(as_administrator(dsn), f"DROP DATABASE {name} WITH (FORCE)")


def test_migrations_are_numbered_without_a_gap() -> None:
    assert [migration.number for migration in migrations()] == list(range(1, len(migrations()) + 1))


@ensureDeferred
async def test_processes_that_start_at_once_migrate_once(empty: str) -> None:
    await gatherResults([Deferred.fromCoroutine(migrate_database(empty)) for _ in range(4)])
    assert execute(empty, "SELECT number, name FROM migration") == [(each.number, each.name) for each in migrations()]


@ensureDeferred
async def test_counts_of_minutes_are_kept_when_their_rows_are_joined(empty: str) -> None:
    execute(empty, "CREATE TABLE migration (number integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz)")
    for each in migrations()[:8]:
        execute(empty, each.sql)
        execute(empty, "INSERT INTO migration VALUES (%s, %s)", [each.number, each.name])
    execute(empty, "INSERT INTO event_minute VALUES (1, 5, 3, 10), (1, 5, 8, 2), (1, 6, 0, 1), (2, 5, 7, 4)")
    execute(
        empty,
        "INSERT INTO destination (host, port, time_zone, created_at) VALUES ('h', 1, 'UTC', 0), ('h', 2, 'UTC', 0)",
    )
    in_words = "SELECT extract(epoch FROM time), destination, severity, events FROM log_per_minute ORDER BY 1, 2, 3"
    before = execute(empty, in_words)
    assert len(before) == 4
    await migrate_database(empty)
    assert execute(empty, in_words) == before
    assert execute(empty, "SELECT * FROM event_minute ORDER BY 1, 2") == [
        (1, 5, 0, 0, 0, 10, 0, 0, 0, 0, 2),
        (1, 6, 1, 0, 0, 0, 0, 0, 0, 0, 0),
        (2, 5, 0, 0, 0, 0, 0, 0, 0, 4, 0),
    ]


@ensureDeferred
async def test_a_migrated_database_stays_as_it_is(dsn: str) -> None:
    before = execute(dsn, "SELECT * FROM migration")
    await migrate_database(dsn)
    assert execute(dsn, "SELECT * FROM migration") == before


@ensureDeferred
async def test_the_database_of_a_newer_ppl_is_refused(dsn: str) -> None:
    execute(dsn, "INSERT INTO migration (number, name) VALUES (9999, 'from the future')")
    pool = Pool(reactor, dsn, 1)
    await pool.startService()
    with pytest.raises(StoreUnsuitable, match="newer Ppl"):
        await migrate(pool)
    await pool.stopService()


@ensureDeferred
async def test_every_key_of_events_begins_with_the_destination(dsn: str) -> None:
    keys = execute(
        dsn,
        "SELECT indexrelid::regclass::text, (SELECT attname FROM pg_attribute WHERE attrelid = indrelid"
        " AND attnum = indkey[0]) FROM pg_index WHERE indrelid IN ('event'::regclass, 'event_count'::regclass)",
    )
    assert dict(keys) == {"event_pkey": "destination_id", "event_count_pkey": "destination_id"}
