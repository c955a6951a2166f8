"""Migrations run in order and once, also in two processes at once, and never backwards."""

from __future__ import annotations

import pytest
from psycopg2.extensions import make_dsn, parse_dsn
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults

from ppl.errors import StoreUnsuitable
from ppl.store.connecting.migrate import migrate, migrations
from ppl.store.connecting.pool import Pool
from tests.fixtures.database import as_administrator, execute, migrate_database, started_store


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


#: Rows that an earlier Ppl may have left, as SQL by the version of the tables that they are in.
_ROWS = {
    1: """
        INSERT INTO account (email, password_hash, time_zone, created_at) VALUES ('a@example.com', 'x', 'UTC', 1);
        INSERT INTO session (account_id, secret_hash, kind, created_at) VALUES (1, 's', 'browser', 1);
        INSERT INTO destination (host, port, time_zone, created_at) VALUES ('h', 20000, 'UTC', 1);
        INSERT INTO membership VALUES (1, 1, 'owner');
        INSERT INTO slot (lower, upper) VALUES (0, 3600000000);
        CREATE TABLE event_0 PARTITION OF event FOR VALUES FROM (0) TO (3600000000);
        INSERT INTO event (destination_id, id, created_at, sender_ip, severity, message)
            VALUES (1, 60000001, 1, '192.0.2.1', 3, 'first'), (1, 60000002, 1, '192.0.2.1', NULL, 'second');
        INSERT INTO event_count VALUES (1, 0, 2, 60000002)""",
    3: "INSERT INTO drain (destination_id, secret_hash, label, created_at) VALUES (1, 'd', 'mine', 1)",
    4: "UPDATE slot SET indexed_at = 1",
    5: "INSERT INTO archive VALUES (1, 0, 'place', 'key', 2, 100, 1); INSERT INTO archived VALUES (1, 0, 0, 2)",
    6: "INSERT INTO sql_reader VALUES ('reader', 1)",
    7: """
        INSERT INTO census VALUES (1, 60000002);
        INSERT INTO sender VALUES (1, 2, false, '192.0.2.1', 60000001, 60000002, 2);
        INSERT INTO event_quarter VALUES (1, 0, 0, 2, 11)""",
    8: """
        INSERT INTO saved_search (destination_id, name, query, account_id, created_at)
            VALUES (1, 'mine', 'first', 1, 1)""",
    11: "INSERT INTO intake_hour VALUES (1, 0, 2, 11, 0)",
    12: "INSERT INTO sender_token (destination_id, secret_hash, created_at) VALUES (1, 't', 1)",
}


@pytest.mark.parametrize("version", range(1, len(migrations())))
@ensureDeferred
async def test_what_an_earlier_version_kept_is_all_there(empty: str, version: int) -> None:
    execute(empty, "CREATE TABLE migration (number integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz)")
    for each in migrations()[:version]:
        execute(empty, each.sql)
        execute(empty, "INSERT INTO migration VALUES (%s, %s)", [each.number, each.name])
        if each.number in _ROWS:
            execute(empty, _ROWS[each.number])
    tables = [name for (name,) in execute(empty, "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p')"
        " AND relnamespace = 'public'::regnamespace AND relname NOT IN ('migration', 'event_minute')")]  # fmt: skip
    counts = " UNION ALL ".join(f"SELECT '{name}', count(*) FROM {name}" for name in tables) + " ORDER BY 1"
    before = execute(empty, counts)
    await migrate_database(empty)
    assert execute(empty, counts) == before
    pool, store = await started_store(empty)
    page = await store.newest(1, 10)
    assert [(event.id, event.severity, event.message) for event in page.events] == [
        (60000001, 3, "first"), (60000002, None, "second")
    ]  # fmt: skip
    (bucket,) = await store.histogram(1, 0, 3_600_000_000, 1)
    assert bucket.counts == (0, 0, 0, 1, 0, 0, 0, 0, 1)
    assert execute(empty, "SELECT lower, indexed_at FROM slot WHERE lower = 0") == [(0, None)], "it is sealed again"
    ((readable, role),) = await store.destinations_of(1)
    assert (readable.user_id, role) == ("h:20000", "owner")
    assert [each.query for each in await store.saved_searches(1)] == (["first"] if version >= 8 else [])
    await pool.stopService()


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
