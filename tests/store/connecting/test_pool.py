"""The pool: every lost connection is noticed, nothing hangs, no open transaction is lent again."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg2
import pytest
import pytest_twisted
from psycopg2.extensions import make_dsn, parse_dsn
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.task import Clock
from twisted.logger import formatEvent, globalLogPublisher

from ppl.errors import StatementTimeout, StoreUnavailable, StoreUnsuitable
from ppl.store.connecting.connection import Connection, StoreRefuses, describe
from ppl.store.connecting.outage import PostgresOutage
from ppl.store.connecting.pool import Pool, Transaction, unsuitable
from tests.fixtures.database import as_administrator, execute
from tests.store.proxy import Proxy
from tests.waiting import until

QUICK = {"wait": 0.5, "connect_timeout": 0.5, "statement_timeout": 0.5, "grace": 0.3}


@asynccontextmanager
async def running(dsn: str, size: int = 2, **settings: float) -> AsyncIterator[Pool]:
    pool = Pool(reactor, dsn, size, **{**QUICK, **settings})
    await pool.startService()
    try:
        yield pool
    finally:
        await pool.stopService()


@pytest_twisted.async_yield_fixture
async def proxy(dsn: str) -> AsyncIterator[Proxy]:
    made = Proxy(reactor, dsn)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def said() -> Iterator[list[str]]:
    """The texts of all log events."""
    texts: list[str] = []

    def observe(event: dict) -> None:
        texts.append(formatEvent(event))

    globalLogPublisher.addObserver(observe)
    yield texts
    globalLogPublisher.removeObserver(observe)


async def answers(pool: Pool) -> bool:
    try:
        return await pool.run("SELECT 1") == [(1,)]
    except StoreUnavailable:
        return False


def started(coroutine: object) -> Deferred:
    return Deferred.fromCoroutine(coroutine)


@ensureDeferred
async def test_work_runs_on_all_connections_and_waits_for_a_free_one(dsn: str) -> None:
    async with running(dsn) as pool:
        results = await gatherResults([started(pool.run("SELECT pg_backend_pid(), pg_sleep(0.01)")) for _ in range(8)])
        assert len({rows[0][0] for rows in results}) == 2


@ensureDeferred
async def test_work_that_finds_no_connection_is_refused_after_the_bound(dsn: str) -> None:
    async with running(dsn, size=1, wait=0.1) as pool:
        long = started(pool.run("SELECT pg_sleep(0.3)"))
        with pytest.raises(StoreUnavailable, match="has no free connection"):
            await pool.run("SELECT 1")
        await long
        assert await answers(pool)


@ensureDeferred
async def test_a_statement_that_takes_too_long_is_cancelled_and_the_connection_serves_on(dsn: str) -> None:
    async with running(dsn, size=1) as pool:
        ((before,),) = await pool.run("SELECT pg_backend_pid()")
        with pytest.raises(StatementTimeout):
            await pool.run("SELECT pg_sleep(9)")
        with pytest.raises(StatementTimeout):
            await pool.run("SELECT pg_sleep(9)", seconds=0.05)
        with pytest.raises(StatementTimeout):
            await pool.transact(lambda transaction: transaction.run("SELECT pg_sleep(9)"), seconds=0.05)
        assert await pool.run("SELECT pg_backend_pid(), current_setting('statement_timeout')") == [(before, "500ms")]


@ensureDeferred
async def test_a_transaction_is_whole_or_nothing(dsn: str) -> None:
    async with running(dsn, size=1) as pool:

        async def fails(transaction: Transaction) -> None:
            await transaction.run("CREATE TABLE half ()")
            raise KeyError("ours")

        with pytest.raises(KeyError):
            await pool.transact(fails)
        assert await pool.run("SELECT to_regclass('half')") == [(None,)]

        async def refused(transaction: Transaction) -> None:
            await transaction.run("CREATE TABLE half ()")
            await transaction.run("SELECT 1 / 0")

        with pytest.raises(psycopg2.errors.DivisionByZero):
            await pool.transact(refused)
        assert await pool.run("SELECT to_regclass('half')") == [(None,)]


@ensureDeferred
async def test_a_transaction_left_open_by_a_statement_never_reaches_the_next(dsn: str) -> None:
    async with running(dsn, size=1) as pool:
        await pool.run("BEGIN; CREATE TABLE leak ()")
        assert await pool.run("SELECT to_regclass('leak'), txid_current_if_assigned()") == [(None, None)]


@ensureDeferred
async def test_an_idle_connection_that_was_killed_is_replaced_unseen(dsn: str) -> None:
    async with running(dsn) as pool:
        await pool.run("SELECT 1")
        mine = "FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'"
        await until(lambda: two_connected(pool))
        execute(dsn, f"SELECT pg_terminate_backend(pid) {mine} AND pid <> pg_backend_pid()")
        await until(lambda: two_connected(pool))
        for _ in range(10):
            assert await pool.run("SELECT 1") == [(1,)]


async def two_connected(pool: Pool) -> bool:
    return pool.statistics().idle == 2 and await answers(pool)


@ensureDeferred
async def test_a_statement_whose_backend_dies_is_refused_and_a_read_is_repeated(dsn: str) -> None:
    async with running(dsn, statement_timeout=5) as pool:
        with pytest.raises(StoreUnavailable, match="lost"):
            await pool.run("SELECT pg_terminate_backend(pg_backend_pid()), pg_sleep(5)")
        suicide_once = (
            "SELECT CASE WHEN nextval('once') = 1"
            " THEN pg_terminate_backend(pg_backend_pid())::int + length(pg_sleep(5)::text) ELSE 7 END"
        )
        await pool.run("CREATE SEQUENCE once")
        assert await pool.read(suicide_once) == [(7,)]


@ensureDeferred
async def test_a_server_that_falls_silent_is_given_up_and_found_again(proxy: Proxy, said: list[str]) -> None:
    async with running(proxy.dsn) as pool:
        proxy.mode = "silent"
        begun = time.monotonic()
        with pytest.raises(StoreUnavailable):
            await pool.run("SELECT 1")
        with pytest.raises(StoreUnavailable):
            await pool.transact(lambda transaction: transaction.run("SELECT 1"))
        with pytest.raises(StoreUnavailable):
            await pool.read("SELECT 1")
        assert time.monotonic() - begun < 5
        proxy.mode = "pass"
        await until(lambda: answers(pool))
    assert len([text for text in said if "keeps trying" in text]) == 1
    assert len([text for text in said if "reachable again" in text]) == 1


@ensureDeferred
async def test_a_read_that_a_silent_server_did_not_answer_is_not_repeated_and_the_log_says_so_at_once(
    proxy: Proxy, said: list[str]
) -> None:
    async with running(proxy.dsn, size=3, statement_timeout=0.4, grace=0.2) as pool:
        await until(lambda: pool.statistics().idle == 3)
        proxy.mode = "silent"
        for wanted in (2, 1):
            with pytest.raises(StoreUnavailable, match=r"did not answer within 0\.6 s"):
                await pool.read("SELECT 1")
            # A second attempt would have cost a second connection.
            await until(lambda: pool.statistics().connected == wanted)  # noqa: B023
        assert [text for text in said if text.startswith("PostgreSQL at")] == [
            f"PostgreSQL at {describe(proxy.dsn)} did not answer within 0.6 s; the connection is replaced"
        ]
        proxy.mode = "pass"
        await until(lambda: answers(pool))
        await until(lambda: has_said(said, "is reachable again"))


@ensureDeferred
async def test_a_small_lookup_is_bounded_more_tightly_than_other_statements(dsn: str) -> None:
    async with running(dsn, size=1, statement_timeout=60, look_up_seconds=0.2) as pool:
        ((limit,),) = await pool.look_up("SELECT current_setting('statement_timeout')")
        assert limit == "200ms"
        with pytest.raises(StatementTimeout):
            await pool.look_up("SELECT pg_sleep(%s)", [60])
        assert await pool.read("SELECT current_setting('statement_timeout')") == [("1min",)]


@ensureDeferred
async def test_a_start_keeps_trying_and_never_says_the_password(proxy: Proxy, said: list[str]) -> None:
    proxy.mode = "refuse"
    pool = Pool(reactor, make_dsn(proxy.dsn, password="open sesame"), 2, **QUICK)
    starting = pool.startService()
    await until(lambda: has_said(said, "keeps trying"))
    assert not starting.called
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        await pool.run("SELECT 1")
    proxy.mode = "pass"
    await starting
    assert await answers(pool)
    await pool.stopService()
    assert not any("sesame" in text for text in said)
    assert any("localhost" in text for text in said)


async def has_said(said: list[str], words: str) -> bool:
    return any(words in text for text in said)


@pytest.mark.parametrize("mode", ["refuse", "silent", "pass"])
@ensureDeferred
async def test_a_pool_that_never_connected_can_be_stopped(proxy: Proxy, mode: str) -> None:
    proxy.mode = mode
    pool = Pool(reactor, proxy.dsn, 3, **QUICK)
    starting = pool.startService()
    await pool.stopService()
    await starting
    with pytest.raises(StoreUnavailable, match="stopped"):
        await pool.run("SELECT 1")


@ensureDeferred
async def test_a_host_name_without_address_is_unreachable_not_fatal(said: list[str]) -> None:
    pool = Pool(reactor, "host=nowhere.invalid dbname=x", 1, **QUICK)
    pool.startService()
    await until(lambda: has_said(said, "nowhere.invalid"))
    await pool.stopService()


@ensureDeferred
async def test_a_stop_waits_for_what_runs(dsn: str) -> None:
    pool = Pool(reactor, dsn, 2, **QUICK)
    await pool.startService()
    running_work = started(pool.run("SELECT pg_sleep(0.2), 7"))
    await pool.stopService()
    assert (await running_work)[0][1] == 7


@ensureDeferred
async def test_a_stop_gives_up_what_a_frozen_server_does_not_end(proxy: Proxy) -> None:
    pool = Pool(reactor, proxy.dsn, 2, wait=600, statement_timeout=600, grace=600)
    await pool.startService()
    work = started(pool.run("SELECT pg_sleep(600)"))
    transaction = started(pool.transact(lambda transaction: transaction.run("SELECT pg_sleep(600)")))
    waiting = started(pool.run("SELECT 1"))
    proxy.mode = "silent"
    await pool.stopService()
    for each in (work, transaction, waiting):
        with pytest.raises(StoreUnavailable):
            await each


@ensureDeferred
async def test_work_that_its_caller_gives_up_affects_no_other_work(dsn: str) -> None:
    async with running(dsn, size=1, statement_timeout=5) as pool:
        given_up = started(pool.run("SELECT pg_sleep(5)"))
        queued = started(pool.run("SELECT 1"))
        queued.cancel()
        given_up.cancel()
        for each in (given_up, queued):
            with pytest.raises((StoreUnavailable, CancelledError)):
                await each
        await until(lambda: answers(pool))


@ensureDeferred
async def test_a_role_that_may_not_create_tables_is_unsuitable(dsn: str) -> None:
    administrator = as_administrator(dsn, parse_dsn(dsn)["dbname"])
    execute(administrator, "CREATE ROLE poor; GRANT poor TO ppl")
    try:
        pool = Pool(reactor, make_dsn(dsn, options="-c role=poor"), 2, **QUICK)
        with pytest.raises(StoreUnsuitable, match=r"role poor may not create tables in the schema public"):
            await pool.startService()
        await pool.stopService()
    finally:
        execute(administrator, "DROP OWNED BY poor; DROP ROLE poor")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"dbname": "nowhere"}, 'database "nowhere" does not exist'),
        ({"user": "nobody", "password": "sesame"}, 'Peer authentication failed for user "nobody"'),
    ],
)
@ensureDeferred
async def test_a_server_that_refuses_the_dsn_ends_the_start_with_its_reason(
    dsn: str, change: dict[str, str], why: str, said: list[str]
) -> None:
    pool = Pool(reactor, make_dsn(dsn, **change), 2, **QUICK)
    with pytest.raises(StoreUnsuitable, match="refuses the DSN of --database") as raised:
        await pool.startService()
    assert why in str(raised.value)
    await pool.stopService()
    assert not any("sesame" in text or "keeps trying" in text for text in [*said, str(raised.value)])


@ensureDeferred
async def test_a_server_that_refuses_a_dsn_that_was_good_is_tried_again(
    dsn: str, said: list[str], nothing_left_behind: list[str]
) -> None:
    administrator, database = as_administrator(dsn), parse_dsn(dsn)["dbname"]
    async with running(dsn, size=1) as pool:
        execute(administrator, "ALTER ROLE ppl NOLOGIN")
        try:
            execute(
                administrator, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [database]
            )
            await until(lambda: has_said(said, 'role "ppl" is not permitted to log in'))
        finally:
            execute(administrator, "ALTER ROLE ppl LOGIN")
        await until(lambda: answers(pool))
        await until(lambda: has_said(said, "is reachable again"))
    assert [text for text in nothing_left_behind if "keeps trying" in text]
    nothing_left_behind.clear()


def test_an_outage_is_logged_at_once_for_each_new_reason_and_at_growing_intervals(
    said: list[str], nothing_left_behind: list[str]
) -> None:
    clock = Clock()
    outage, pool = PostgresOutage(clock, "host=db password=sesame"), object()
    away, refused = StoreUnavailable("Connection refused\nsecond line"), StoreRefuses("authentication failed")
    outage.met(pool, away)
    outage.met(pool, away)
    outage.met(pool, refused)
    assert [text.partition("(")[2] for text in said] == [
        "Connection refused); Ppl keeps trying",
        "authentication failed); Ppl keeps trying",
    ]
    times = []
    while clock.seconds() < 20_000:
        clock.advance(5)
        before = len(said)
        outage.met(pool, refused)
        if len(said) > before:
            times.append(clock.seconds())
    assert times == [60, 180, 420, 900, 1860, 3780, 7380, 10980, 14580, 18180]
    outage.over(pool)
    outage.over(pool)
    assert said[-1] == "PostgreSQL at db is reachable again"
    assert said[-2] != said[-1]
    outage.met(pool, refused)
    assert "keeps trying" in said[-1]
    assert not any("sesame" in text for text in said)
    nothing_left_behind.clear()


def test_pools_that_share_an_outage_are_all_back_before_it_is_over(said: list[str]) -> None:
    outage, away = PostgresOutage(Clock(), "host=db"), StoreUnavailable("Connection refused")
    storing, searching = object(), object()
    for pool in (storing, searching, storing):
        outage.met(pool, away)
    outage.over(storing)
    assert len(said) == 1
    outage.met(searching, away)
    outage.over(searching)
    outage.over(storing)
    assert said == [
        "PostgreSQL at db cannot be used (Connection refused); Ppl keeps trying",
        "PostgreSQL at db is reachable again",
    ]


@ensureDeferred
async def test_a_database_of_another_encoding_is_unsuitable(dsn: str) -> None:
    administrator = as_administrator(dsn)
    name = f"latin_{time.monotonic_ns()}"
    execute(
        administrator, f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE_PROVIDER libc LOCALE 'C'"
    )
    try:
        pool = Pool(reactor, make_dsn(dsn, dbname=name), 1, **QUICK)
        with pytest.raises(StoreUnsuitable, match="UTF8; this one has SQL_ASCII"):
            await pool.startService()
        await pool.stopService()
    finally:
        execute(administrator, f"DROP DATABASE {name} WITH (FORCE)")


def test_old_servers_are_unsuitable_by_their_version() -> None:
    assert unsuitable(140012, "UTF8") == "Ppl needs PostgreSQL 15 or newer; this server is 14.12."
    assert unsuitable(90624, "UTF8") == "Ppl needs PostgreSQL 15 or newer; this server is older than 10."
    assert unsuitable(150000, "UTF8") is None


@ensureDeferred
async def test_a_dsn_nobody_can_read_is_one_sentence_without_it(nothing_left_behind: list[str]) -> None:
    pool = Pool(reactor, "password=sesame nonsense", 1, **QUICK)
    with pytest.raises(StoreUnsuitable, match="cannot be understood") as raised:
        await pool.startService()
    assert "sesame" not in str(raised.value)
    await pool.stopService()


@ensureDeferred
async def test_a_connection_string_in_the_other_form_works_as_well(dsn: str) -> None:
    parts = parse_dsn(dsn)
    url = f"postgresql://{parts['user']}@/{parts['dbname']}?host={parts['host']}"
    async with running(url) as pool:
        assert await answers(pool)


class Dropping(psycopg2.extensions.connection):
    """A real connection that can pretend to be in libpq's state after a reset: no socket, and not yet ``closed``."""

    dropped = False

    def fileno(self) -> int:
        return -1 if self.dropped else super().fileno()


@pytest.mark.parametrize("running_statement", [False, True])
@ensureDeferred
async def test_a_socket_that_libpq_closed_before_saying_so_is_a_lost_connection(
    dsn: str, running_statement: bool, said: list[str]
) -> None:
    made: list[Dropping] = []

    def connect(*arguments: Any, **settings: Any) -> Dropping:
        made.append(psycopg2.connect(*arguments, connection_factory=Dropping, **settings))
        return made[0]

    before = set(reactor.getReaders())
    connection = Connection(reactor, connect=connect)
    await connection.open(dsn, 5, 5)
    (watched,) = set(reactor.getReaders()) - before
    statement = (
        Deferred.fromCoroutine(connection.execute("SELECT pg_sleep(10)", None, 5)) if running_statement else None
    )
    made[0].dropped = True
    # The reactor still watches the real descriptor, as it does at the moment when libpq drops it.
    watched.doRead()
    if statement is not None:
        with pytest.raises(StoreUnavailable):
            await statement
    assert await connection.lost
    assert connection.is_lost
    assert not [text for text in said if "Traceback" in text]


@pytest.mark.parametrize("act", ["doRead", "doWrite"])
@ensureDeferred
async def test_an_error_that_nobody_waits_for_ends_the_connection_and_leaves_the_reactor_alone(
    dsn: str, act: str
) -> None:
    before = set(reactor.getReaders())
    connection = Connection(reactor)
    await connection.open(dsn, 5, 5)
    administrator = as_administrator(dsn, parse_dsn(dsn)["dbname"])
    ((pid,),) = await connection.execute("SELECT pg_backend_pid()", None, 5)
    (watched,) = set(reactor.getReaders()) - before
    reactor.removeReader(watched)
    execute(administrator, "SELECT pg_terminate_backend(%s)", [pid])
    await until(lambda: not execute(administrator, "SELECT 1 FROM pg_stat_activity WHERE pid = %s", [pid]))

    def is_noticed() -> bool:
        if not connection.is_lost:
            getattr(watched, act)()
        return connection.is_lost

    await until(is_noticed)


@ensureDeferred
async def test_a_read_that_is_given_up_is_not_repeated(dsn: str) -> None:
    async with running(dsn, size=2, statement_timeout=600) as pool:
        reading = started(pool.read("SELECT pg_sleep(600)"))
        reading.cancel()
        with pytest.raises(StoreUnavailable, match="given up"):
            await reading


@ensureDeferred
async def test_connections_are_named_in_pg_stat_activity(dsn: str) -> None:
    named = "SELECT current_setting('application_name')"
    async with running(dsn) as pool:
        assert await pool.run(named) == [("ppl",)]
    searching = Pool(reactor, dsn, 1, application="ppl search", **QUICK)
    await searching.startService()
    assert await searching.run(named) == [("ppl search",)]
    await searching.stopService()
    async with running(make_dsn(dsn, application_name="logs")) as pool:
        assert await pool.run(named) == [("logs",)]
