"""SQL readers: a role sees the events of its account, and by no trick anything else."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from typing import Any

import attrs
import psycopg2
import pytest
import pytest_twisted
from psycopg2 import errors
from psycopg2.extensions import make_dsn
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.threads import deferToThread

from ppl.errors import StoreUnsuitable
from ppl.model import MINUTE, Destination
from ppl.store.connecting.pool import Pool
from ppl.store.embedded.server import EmbeddedPostgres
from ppl.store.postgres import PostgresStore
from tests.fixtures.database import (
    ASLEEP,
    FAST,
    as_administrator,
    execute,
    fast_directory,
    migrate_database,
    started_store,
)  # fmt: skip
from tests.fixtures.running import ROOT, free_ports
from tests.store.samples import T0, events

HOUR = 60 * MINUTE
PASSWORD = "a reader's password"


@attrs.frozen
class Installation:
    """An embedded PostgreSQL with an SQL port, and two accounts with events in three slots each."""

    server: EmbeddedPostgres
    port: int
    store: PostgresStore
    mine: Destination
    other: Destination

    @property
    def reader(self) -> str:
        """The DSN of ``grafana``, a reader of the first account."""
        return self.as_role("grafana")

    def as_role(self, role: str) -> str:
        return make_dsn(host="127.0.0.1", port=self.port, dbname="ppl", user=role, password=PASSWORD)

    async def admit(self, role: str, email: str, password: str = PASSWORD) -> None:
        """Make ``role`` a reader by the script in the documentation, through psql, as the superuser."""
        program = self.server.cluster.program("psql")
        command = [program, "-X", "-q", "-d", as_administrator(self.server.dsn, "ppl"), "-v", f"reader={role}",
                   "-v", f"email={email}", "-f", str(ROOT / "deploy/sql-reader.sql")]  # fmt: skip
        environment = {**os.environ, "PPL_READER_PASSWORD": password}
        done = await deferToThread(subprocess.run, command, env=environment, capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr.decode()


@pytest_twisted.async_yield_fixture(scope="module")
async def installed() -> AsyncIterator[Installation]:
    directory = fast_directory()
    (port,) = free_ports(1)
    server = EmbeddedPostgres(reactor, directory / "data", settings=FAST, sql_port=port, attention=ASLEEP)
    await server.startService()
    pool: Pool | None = None
    try:
        await migrate_database(server.dsn)
        pool, store = await started_store(server.dsn)
        _, mine = await store.register("me@example.com", "$argon2$mine", "UTC", "h", range(1, 2), only_first=False)
        _, other = await store.register("her@example.com", "$argon2$hers", "UTC", "h", range(2, 3), only_first=False)
        for destination, text in ((mine, "mine"), (other, "hers")):
            for hour in range(3):
                await store.append([events(T0 + hour * HOUR, [f"{text} {hour}"], destination=destination)])
        one = Installation(server, port, store, mine, other)
        await one.admit("grafana", "ME@example.com")
        yield one
    finally:
        if pool is not None:
            await pool.stopService()
        await server.stopService()
        shutil.rmtree(directory, ignore_errors=True)


@ensureDeferred
async def test_a_reader_sees_its_accounts_events_in_words(installed: Installation) -> None:
    found = execute(
        installed.reader, "SELECT message, destination, host, program, severity, facility FROM log ORDER BY id"
    )
    assert found == [(f"mine {hour}", "h:1", "web1", "app.log", "info", "local0") for hour in range(3)]
    ((time, received),) = execute(
        installed.reader, "SELECT extract(epoch FROM min(time)), extract(epoch FROM min(received_at)) FROM log"
    )
    assert int(time * 1_000_000) == int(received * 1_000_000) == T0
    assert execute(installed.reader, "SELECT ppl_id(min(received_at)) FROM log") == [(T0,)]
    assert execute(installed.reader, "SELECT sum(events), min(severity) FROM log_per_minute") == [(3, "info")]
    await installed.admit("metabase", "her@example.com")
    assert execute(installed.as_role("metabase"), "SELECT DISTINCT destination FROM log") == [("h:2",)]


TRICKS = [
    "SELECT * FROM account",
    "SELECT * FROM session",
    "SELECT * FROM membership",
    "SELECT * FROM sql_reader",
    "SELECT * FROM archive",
    "SELECT * FROM event_count",
    "SELECT * FROM slot",
    "SELECT * FROM event_{slot}",
    "SELECT rolpassword FROM pg_authid",
    "SELECT * FROM pg_shadow",
    "COPY event_{slot} TO STDOUT",
    "TABLE destination",
    "INSERT INTO event (destination_id, id, created_at, sender_ip) VALUES (1, 1, 1, '::1')",
    "DELETE FROM event",
    "UPDATE event SET message = ''",
    "TRUNCATE event",
    "DROP VIEW log",
    "ALTER TABLE event DISABLE ROW LEVEL SECURITY",
    "CREATE POLICY mine ON event USING (true)",
    "CREATE TABLE mine (x int)",
    "CREATE TEMPORARY TABLE membership (account_id bigint, destination_id bigint)",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql RETURN 1",
    "SELECT ppl_admit_reader('grafana', 'her@example.com')",
    "SELECT ppl_dismiss_reader('metabase')",
    "SET ROLE ppl",
    "SET SESSION AUTHORIZATION ppl",
    "SELECT pg_read_file('/etc/passwd')",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "SELECT lo_create(0)",
    "SELECT lo_from_bytea(0, 'x')",
    "SELECT pg_advisory_lock(5271660, 2)",
    "SELECT pg_try_advisory_lock(5271660, 6)",
    "SELECT pg_advisory_xact_lock_shared(5271660, 1)",
    "SELECT pg_reload_conf()",
    "LOCK TABLE event IN ACCESS EXCLUSIVE MODE",
    "SELECT pg_logical_emit_message(true, 'x', 'y')",
]


@pytest.mark.parametrize("trick", TRICKS)
def test_no_trick_reaches_further(installed: Installation, trick: str) -> None:
    slot = T0 - T0 % HOUR
    with pytest.raises((errors.InsufficientPrivilege, errors.ReadOnlySqlTransaction)):
        execute(installed.reader, f"SET default_transaction_read_only = off; {trick.format(slot=slot)}")


def test_rows_of_others_do_not_leak_through_conditions_statistics_or_activity(installed: Installation) -> None:
    execute(as_administrator(installed.server.dsn, "ppl"), "ANALYZE event, destination, event_minute")
    reader = installed.reader
    # A condition that fails on another account's row would reveal that row.
    leaky = "SELECT count(*) FROM {} WHERE message LIKE 'mine%' OR 1 / (length(message) - length(message)) = 0"
    for table in ("log", "event"):
        assert execute(reader, leaky.format(table)) == [(3,)]
    assert execute(reader, "SELECT DISTINCT destination_id FROM event") == [(installed.mine.id,)]
    assert execute(reader, "SELECT id, host, port FROM destination") == [(installed.mine.id, "h", 1)]
    assert execute(reader, "SELECT count(*) FROM pg_stats WHERE tablename ~ '^(event|destination|account)'") == [(0,)]
    assert execute(
        reader,
        "SELECT count(*) FROM pg_stat_activity WHERE query <> '<insufficient privilege>' AND usename <> 'grafana'",
    ) == [(0,)]


def test_a_reader_only_reads_for_a_bounded_time_with_one_worker(installed: Installation) -> None:
    names = ("default_transaction_read_only", "statement_timeout", "max_parallel_workers_per_gather", "temp_file_limit")
    found = [execute(installed.reader, f"SHOW {name}")[0][0] for name in names]
    assert found == ["on", "30s", "0", "1GB"]
    with pytest.raises(errors.QueryCanceled):
        execute(installed.reader, "SET statement_timeout = 50; SELECT pg_sleep(60)")


def test_only_readers_come_in_over_tcp_and_only_with_their_password(installed: Installation) -> None:
    execute(as_administrator(installed.server.dsn, "ppl"), "GRANT ppl_reader TO ppl; ALTER ROLE ppl PASSWORD 'known'")
    try:
        for role, password in (("ppl", "known"), ("postgres", "x"), ("grafana", "wrong"), ("nobody", "x")):
            with pytest.raises(psycopg2.OperationalError):
                execute(make_dsn(installed.reader, user=role, password=password), "SELECT 1")
        with pytest.raises(psycopg2.OperationalError, match="no pg_hba"):
            execute(make_dsn(installed.reader, dbname="postgres"), "SELECT 1")
    finally:
        execute(
            as_administrator(installed.server.dsn, "ppl"), "REVOKE ppl_reader FROM ppl; ALTER ROLE ppl PASSWORD NULL"
        )
    assert execute(installed.reader, "SHOW listen_addresses") == [("127.0.0.1",)]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"password": "open sesame"}, 'password authentication failed for user "grafana"'),
        ({"password": ""}, "no password supplied"),
        ({"dbname": "postgres"}, "no pg_hba.conf entry"),
    ],
)
@ensureDeferred
async def test_a_wrong_password_ends_a_start_with_its_reason(
    installed: Installation, change: dict[str, str], why: str
) -> None:
    pool = Pool(reactor, make_dsn(installed.reader, **change), 2)
    with pytest.raises(StoreUnsuitable, match="--database") as raised:
        await pool.startService()
    assert why in str(raised.value)
    assert "sesame" not in str(raised.value)
    await pool.stopService()


def test_a_time_range_reads_the_slots_of_that_time_only(installed: Installation) -> None:
    first, last = T0 + HOUR, T0 + 2 * HOUR - 1
    # In the form that Grafana sends: $__timeFrom and $__timeTo are texts.
    plan = execute(
        installed.reader,
        "EXPLAIN SELECT date_trunc('minute', received_at) AS time, severity, count(*) FROM log"
        f" WHERE id BETWEEN ppl_id(timestamptz 'epoch' + {first} * interval '1 microsecond')"
        f" AND ppl_id(timestamptz 'epoch' + {last} * interval '1 microsecond') AND message ILIKE '%1%' GROUP BY 1, 2",
    )
    text = "\n".join(line for (line,) in plan)
    lowers = [lower for (lower,) in execute(installed.server.dsn, "SELECT lower FROM slot ORDER BY 1")]
    touched = [lower for lower in lowers if f"event_{lower}" in text]
    assert touched == [first - first % HOUR, first - first % HOUR + HOUR]
    assert "destination_id = ANY" in text, "the account's destinations bound the rows, before the reader's conditions"


def test_ppls_own_statements_are_not_affected(installed: Installation) -> None:
    plan = execute(installed.server.dsn, "EXPLAIN SELECT * FROM event WHERE destination_id = 1 AND id > 0")
    assert "ppl_readable" not in str(plan)
    assert "InitPlan" not in str(plan)
    assert execute(installed.server.dsn, "SELECT count(*) FROM event") == [(6,)]


@ensureDeferred
async def test_a_reader_that_is_dismissed_or_whose_account_is_gone_sees_nothing(installed: Installation) -> None:
    await installed.admit("leaving", "me@example.com")
    execute(installed.server.dsn, "DELETE FROM sql_reader WHERE role_name = 'leaving'")
    assert execute(installed.as_role("leaving"), "SELECT * FROM log") == []
    execute(installed.server.dsn, "SELECT ppl_dismiss_reader('leaving')")
    with pytest.raises(errors.InsufficientPrivilege):
        execute(installed.as_role("leaving"), "SELECT * FROM log")


@pytest.mark.parametrize(
    ("role", "email", "why"),
    [
        ("postgres", "me@example.com", "may more than read"),
        ("ppl", "me@example.com", "may more than read"),
        ("grafana", "nobody@example.com", "no account"),
    ],
)
def test_an_unsuitable_role_or_account_is_refused(installed: Installation, role: str, email: str, why: str) -> None:
    with pytest.raises(errors.RaiseException, match=why):
        execute(installed.server.dsn, "SELECT ppl_admit_reader(%s, %s)", (role, email))


@ensureDeferred
async def test_without_the_option_nothing_listens_and_ppl_still_finds_its_socket() -> None:
    directory = fast_directory()
    try:
        for port, address in ((free_ports(1)[0], "127.0.0.1"), (0, ""), (free_ports(1)[0], "127.0.0.1")):
            server: Any = EmbeddedPostgres(reactor, directory / "data", settings=FAST, sql_port=port)
            await server.startService()
            assert execute(server.dsn, "SHOW listen_addresses") == [(address,)]
            await server.stopService()
    finally:
        shutil.rmtree(directory, ignore_errors=True)
