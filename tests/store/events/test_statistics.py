"""The planner's estimates do not reveal what other clients' lines say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest
from psycopg2.extensions import make_dsn, parse_dsn
from pytest_twisted import ensureDeferred
from twisted.internet import reactor

from ppl.errors import StoreUnavailable
from ppl.model import MINUTE
from ppl.search.sql import searched
from ppl.store.connecting.pool import Pool
from ppl.store.events.collation import collation_of
from ppl.store.events.statistics import WITHHELD, Statistics
from ppl.store.postgres import PostgresStore
from ppl.store.upkeep.sealing import AFTER, Sealer
from tests.fixtures.database import as_administrator, execute
from tests.fixtures.running import ROOT
from tests.store.samples import T0, events, text_index

HOUR = 60 * MINUTE
START = T0 - T0 % HOUR
ROWS = 3000
THEIRS, NOBODYS = "theirs", "nobody's"


@pytest.fixture
def reader(dsn: str) -> Iterator[str]:
    """The DSN of an SQL reader whose account has no events."""
    name = parse_dsn(dsn)["dbname"]
    administrator = as_administrator(dsn, name)
    role = f"reader_{name}"
    execute(administrator, f"CREATE ROLE {role}; GRANT {role} TO ppl")
    execute(dsn, "INSERT INTO account (email, password_hash, time_zone, created_at) VALUES ('me', '', 'UTC', 0)")
    execute(dsn, "SELECT ppl_admit_reader(%s, 'me')", [role])
    yield make_dsn(administrator, options=f"-c session_authorization={role}")
    execute(administrator, f"DROP OWNED BY {role}; DROP ROLE {role}")


async def fill(store: PostgresStore, dsn: str) -> None:
    """Store events of another client in two slots, seal one of them, and analyse all."""
    texts = {name: [THEIRS] * ROWS for name in ("hostname", "file_name", "procid", "msgid", "structured_data")}
    for hour in range(2):
        await store.append([events(START + hour * HOUR, [THEIRS] * ROWS, sender_ip="192.0.2.77", **texts)])
    await Sealer(reactor, dsn, lambda: START + HOUR + AFTER, look_seconds=0.01).run()
    execute(dsn, "INSERT INTO destination (host, port, time_zone, created_at) SELECT 'theirs', n, 'UTC', 0"
                 " FROM generate_series(1, 3000) AS n")  # fmt: skip
    analyse(dsn)


def analyse(dsn: str) -> None:
    execute(dsn, "ANALYZE event, destination, event_minute")


def as_before(dsn: str) -> None:
    """Gather statistics of tables and indexes as PostgreSQL did under an older Ppl."""
    for table in (f"event_{START}", f"event_{START + HOUR}", "ONLY event"):
        execute(dsn, f"ALTER TABLE {table} {', '.join(f'ALTER {name} SET STATISTICS -1' for name in WITHHELD)}")
    execute(dsn, f"ALTER INDEX {text_index(dsn, START)} ALTER 1 SET STATISTICS -1")
    analyse(dsn)


def estimate(reader: str, condition: str) -> int:
    with closing(psycopg2.connect(reader)) as connection, connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN SELECT FROM {condition}")
        found = re.search(r"rows=(\d+)", cursor.fetchall()[0][0])
        assert found
        return int(found[1])


def tells(reader: str, dsn: str) -> list[str]:
    """Conditions whose estimates reveal to a reader which of two texts another client's lines hold."""
    version = execute(dsn, "SHOW server_version_num")[0][0]
    texts = [name for name in WITHHELD if name != "sender_ip"]
    lowered = searched(collation_of(int(version))).replace("{", "{{").replace("}", "}}")
    conditions = [f"event WHERE {name} {operator} '{{}}'" for name in texts for operator in ("=", "<>", "<", ">=")]
    conditions += [f"event WHERE {name} LIKE '{{}}%'" for name in texts]
    conditions += [f"event WHERE {name} IN ('{{}}', 'x')" for name in texts]
    conditions += [f"event WHERE {lowered} {operator} '{{}}'" for operator in ("=", "LIKE", "<")]
    conditions += ["log WHERE host = '{}'", "log WHERE program = '{}'", "destination WHERE host = '{}'"]
    conditions += ["destination WHERE time_zone = '{}'"]
    pairs = [(each.format(THEIRS), each.format(NOBODYS.replace("'", "''"))) for each in conditions]
    pairs += [
        (f"event WHERE sender_ip {operator} '192.0.2.77'", f"event WHERE sender_ip {operator} '198.51.100.1'")
        for operator in ("=", "<", ">=", "<<=")
    ]
    pairs += [("destination WHERE time_zone = 'UTC'", "destination WHERE time_zone = 'Mars'")]
    return [there for there, nowhere in pairs if estimate(reader, there) != estimate(reader, nowhere)]


@ensureDeferred
async def test_a_readers_estimates_are_the_same_for_what_is_there_and_what_is_not(
    store: PostgresStore, pool: Pool, dsn: str, reader: str
) -> None:
    await fill(store, dsn)
    await Statistics(pool).run()
    analyse(dsn)
    assert tells(reader, dsn) == []


@ensureDeferred
async def test_what_was_gathered_before_an_upgrade_is_removed(
    store: PostgresStore, pool: Pool, dsn: str, reader: str
) -> None:
    await fill(store, dsn)
    as_before(dsn)
    assert "event WHERE hostname = 'theirs'" in tells(reader, dsn), "with statistics the estimates reveal it"
    await Statistics(pool, at_once=1).run()
    assert tells(reader, dsn) == []
    assert gathered(dsn) == []
    analyse(dsn)
    assert tells(reader, dsn) == []
    again = Statistics(pool)
    await again.run()
    assert again.is_done


def gathered(dsn: str) -> list[tuple[str, ...]]:
    """Columns with customers' texts that have statistics."""
    return execute(
        as_administrator(dsn, parse_dsn(dsn)["dbname"]),
        "SELECT relname, attname FROM pg_statistic JOIN pg_attribute ON attrelid = starelid AND attnum = staattnum"
        " JOIN pg_class c ON c.oid = starelid WHERE relname ~ '^(event_[0-9]|event$|destination$)'"
        " AND (attname = ANY (%s) OR relkind = 'i')",
        [[*WITHHELD, "host", "port", "time_zone"]],
    )


@ensureDeferred
async def test_the_statistics_of_a_locked_table_are_withheld_later(store: PostgresStore, pool: Pool, dsn: str) -> None:
    await fill(store, dsn)
    as_before(dsn)
    withholding = Statistics(pool)
    with closing(psycopg2.connect(dsn)) as holder, holder.cursor() as cursor:
        cursor.execute(f"LOCK TABLE event_{START} IN SHARE UPDATE EXCLUSIVE MODE")
        with pytest.raises(StoreUnavailable):
            await withholding.run()
        holder.rollback()
    await withholding.run()
    assert gathered(dsn) == []


@ensureDeferred
async def test_an_older_postgresql_is_left_to_its_superuser(store: PostgresStore, pool: Pool, dsn: str) -> None:
    await fill(store, dsn)
    as_before(dsn)
    pool.server_version = 170000
    await Statistics(pool).run()
    assert gathered(dsn)
    script = (ROOT / "deploy/sql-reader.sql").read_text().partition("DELETE FROM pg_statistic")
    statement = (script[1] + script[2]).partition(";")[0]
    execute(as_administrator(dsn, parse_dsn(dsn)["dbname"]), statement)
    assert gathered(dsn) == []
