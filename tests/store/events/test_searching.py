"""Searching: every match once and in order, whatever slots, indexes and steps; bounded, cancellable, fair."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC
from typing import Any

import psycopg2
import pytest
import pytest_twisted
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from ppl.errors import StoreUnavailable, TooManySearches
from ppl.model import MINUTE, Destination, Event
from ppl.search.fields import values_of
from ppl.search.query import Query, parse
from ppl.store.connecting.connection import Parameters, ResultRow
from ppl.store.connecting.pool import Pool
from ppl.store.events.searching import RARE, SLOTS_AT_ONCE, EventSearch, Searches, SearchLimits
from ppl.store.postgres import PostgresStore
from ppl.store.upkeep.sealing import MOST_PUT_OFF, Sealer
from tests.fixtures.database import execute
from tests.store.samples import HERE, T0, events, text_index
from tests.waiting import until

HOUR = 60 * MINUTE
START = T0 - T0 % HOUR
THERE = Destination(2, "logs.example.com", 20001, "+00:00")


def query(text: str) -> Query:
    return parse(text, UTC, T0)


#: A part of each statement that the trigram index may answer.
BY_INDEX = "ORDER BY id + 0"


class SleepyPool(Pool):
    """A pool that remembers the statements that select events, and can make PostgreSQL sleep instead.

    Attributes:
        asleep: PostgreSQL sleeps instead of running a statement that contains this; ``None``: it runs all.
        selected: statements that select events, and their parameters.
    """

    asleep: str | None = None

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.selected: list[tuple[str, Parameters]] = []

    async def run(self, sql: str, parameters: Parameters = None, *, seconds: float | None = None) -> list[ResultRow]:
        if "FROM event WHERE" in sql:
            self.selected.append((sql, parameters))
        if self.asleep is not None and self.asleep in sql:
            sql, parameters = "SELECT pg_sleep(60)", None
        return await super().run(sql, parameters, seconds=seconds)


@pytest_twisted.async_yield_fixture
async def search_pool(dsn: str) -> AsyncIterator[SleepyPool]:
    pool = SleepyPool(reactor, dsn, 2, parameters={"client_connection_check_interval": "100ms"})
    await pool.startService()
    yield pool
    await pool.stopService()


@pytest.fixture
def searches(search_pool: Pool) -> Searches:
    return Searches(search_pool, 2)


async def found(search: EventSearch, limit: int = 100, *, newest_first: bool = True) -> list[Event]:
    """All events of a search, in the order of its walk; checks each step's ``reached`` too."""
    try:
        return await walked(search, limit, newest_first)
    finally:
        search.close()


async def walked(search: EventSearch, limit: int, newest_first: bool) -> list[Event]:
    all_: list[Event] = []
    reached: list[int] = []
    while not search.is_complete:
        step = await search.step(limit)
        assert len(step.events) <= limit
        assert list(step.events) == sorted(step.events, key=lambda event: event.id)
        assert all((event.id >= step.reached) == newest_first for event in step.events)
        reached.append(step.reached)
        all_ += reversed(step.events) if newest_first else step.events
    assert reached == sorted(reached, reverse=newest_first)
    return all_


async def counted(search: EventSearch, width: int) -> Counter[tuple[int, int | None]]:
    """All counts of a search."""
    counts: Counter[tuple[int, int | None]] = Counter()
    with closing(search):
        while not search.is_complete:
            for start, severity, number in (await search.count(width)).counts:
                counts[start, severity] += number
    return counts


def by_width(found: list[Event], width: int) -> Counter[tuple[int, int | None]]:
    return Counter((event.id // width * width, event.severity) for event in found)


async def seal(dsn: str, until_hour: int) -> None:
    sealer = Sealer(reactor, dsn, lambda: START + until_hour * HOUR + MOST_PUT_OFF, look_seconds=0.01)
    await sealer.run()


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize(
    "sealed", [0, *[pytest.param(number, marks=[pytest.mark.long, pytest.mark.beside]) for number in (3, 9)]]
)
@ensureDeferred
async def test_a_search_gives_what_a_plain_filter_gives(
    store: PostgresStore, search_pool: Pool, dsn: str, sealed: int, newest_first: bool
) -> None:
    searches = Searches(search_pool, 2, SearchLimits(first_scan=3, most_scan=10))
    number = 0
    for hour in (0, 1, 2, 5, 6):
        for minute in range(0, 60, 3):
            number += 1
            word = ("rare " if number in (7, 61) else "") + ("often " if number % 2 else "")
            at = START + hour * HOUR + minute * MINUTE
            await store.append([events(at, [f"{word}{number}"]), events(at + 9, ["rare often"], destination=THERE)])
    if sealed:
        await seal(dsn, sealed)
    every = (await store.newest(HERE.id, 1000)).events
    for text in ("rare", "often", "nowhere", "", "-often", "RARE OR 55"):
        matches = query(text).predicate()
        expected = [event for event in every if matches(event)]
        for limit in (1, 3, 1000):
            search = searches.begin(1, HERE.id, query(text), newest_first=newest_first)
            got = await found(search, limit, newest_first=newest_first)
            assert got == (expected[::-1] if newest_first else expected), (text, limit)
        search = searches.begin(1, HERE.id, query(text), newest_first=newest_first)
        assert await counted(search, 5 * MINUTE) == by_width(expected, 5 * MINUTE), text


@pytest.mark.parametrize("rare", [0.02, 2.0], ids=["scanned", "looked up"])
@ensureDeferred
async def test_the_values_of_a_field_are_counted_in_scans_and_lookups_alike(
    store: PostgresStore, search_pool: Pool, dsn: str, rare: float
) -> None:
    searches = Searches(search_pool, 2, SearchLimits(first_scan=3, most_scan=10, rare=rare))
    for number in range(40):
        message = f'{{"status":{200 + number % 3},"even":[1,1]}}' if number % 2 else f"status={200 + number % 3} x"
        at = START + number * 10 * MINUTE
        await store.append([events(at, [message]), events(at + 9, ["status=1"], destination=THERE)])
    await seal(dsn, 5)
    every = (await store.newest(HERE.id, 1000)).events
    for text in ("", "x", "-x", "status:>200", "nowhere"):
        for name in ("status", "even", "none"):
            matches = query(text).predicate()
            expected = Counter(
                value for event in every if matches(event) for value in values_of(event.message, "", name)
            )
            counts: Counter[str] = Counter()
            with closing(searches.begin(1, HERE.id, query(text))) as search:
                while not search.is_complete:
                    step = await search.top_values(name)
                    assert (step.other_values, step.other_count) == (0, 0)
                    counts.update(dict(step.counts))
            assert counts == expected, (text, name)


@pytest.mark.parametrize("rare", [0.02, 2.0], ids=["scanned", "looked up"])
@ensureDeferred
async def test_a_field_whose_name_is_escaped_is_counted_as_rarely_as_it_is_found(
    store: PostgresStore, search_pool: Pool, dsn: str, rare: float
) -> None:
    searches = Searches(search_pool, 2, SearchLimits(first_scan=3, most_scan=10, rare=rare))
    fields = [r'"\u00e9":1', '"é":2', r'"a\"b":3', r'"\u0073tatus":5', '"STATUS":6']
    for number in range(40):
        await store.append([events(START + number * 10 * MINUTE, [f'{{{fields[number % 5]},"x":1}}'])])
    await seal(dsn, 5)
    for name, expected in {"é": {"2": 8}, 'a"b': {}, "status": {}, "STATUS": {"6": 8}}.items():
        counts: Counter[str] = Counter()
        with closing(searches.begin(1, HERE.id, query("x"))) as search:
            while not search.is_complete:
                counts.update(dict((await search.top_values(name)).counts))
        assert counts == expected, name


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(1, 90 * MINUTE), st.sampled_from(["a", "b", "c ab", "AB"])), max_size=30),
    st.sampled_from(["a", "ab", "b c", "-a", "x"]),
    st.integers(1, 5),
    st.integers(1, 5),
    st.booleans(),
    st.booleans(),
    st.data(),
)
@ensureDeferred
async def test_any_events_any_way(
    store: PostgresStore,
    search_pool: Pool,
    dsn: str,
    parts: list[tuple[int, str]],
    text: str,
    scan: int,
    limit: int,
    newest_first: bool,
    is_sealed: bool,
    data: st.DataObject,
) -> None:
    execute(dsn, "TRUNCATE event, event_count, event_minute")
    at = START
    every: list[Event] = []
    for gap, message in parts:
        at += gap
        batch = events(at, [message])
        await store.append([batch])
        every += batch
    if is_sealed:
        await seal(dsn, 100)
    after = data.draw(st.none() | st.integers(START, at))
    before = data.draw(st.none() | st.integers(START, at + 1))
    matches = query(text).predicate()
    expected = [
        event
        for event in every
        if matches(event) and (after is None or event.id > after) and (before is None or event.id < before)
    ]
    limits = SearchLimits(first_scan=scan, rare=data.draw(st.sampled_from([RARE, 2.0])))
    searches = Searches(search_pool, 2, limits)
    search = searches.begin(1, HERE.id, query(text), before=before, after=after, newest_first=newest_first)
    assert await found(search, limit, newest_first=newest_first) == (expected[::-1] if newest_first else expected)
    search = searches.begin(1, HERE.id, query(text), before=before, after=after, newest_first=newest_first)
    assert await counted(search, limit * MINUTE) == by_width(expected, limit * MINUTE)


@ensureDeferred
async def test_time_bounds_of_the_query_bound_the_walk(store: PostgresStore, searches: Searches, dsn: str) -> None:
    for hour in range(5):
        await store.append([events(START + hour * HOUR, [f"hour {hour}"])])
    asked = Query(query("hour").tree)
    search = searches.begin(1, HERE.id, asked, after=START + HOUR, before=START + 3 * HOUR)
    step = await search.step(100)
    assert [event.message for event in step.events] == ["hour 2"]
    search.close()


@ensureDeferred
async def test_an_account_has_a_bounded_number_of_searches(searches: Searches) -> None:
    first, second = (searches.begin(1, HERE.id, query("x")) for _ in range(2))
    with pytest.raises(TooManySearches):
        searches.begin(1, HERE.id, query("x"))
    searches.begin(2, HERE.id, query("x")).close()
    first.close()
    first.close()
    third = searches.begin(1, HERE.id, query("x"))
    with pytest.raises(TooManySearches):
        searches.begin(1, HERE.id, query("x"))
    second.close()
    third.close()


@ensureDeferred
async def test_counting_searches_have_a_bound_of_their_own(searches: Searches) -> None:
    found = [searches.begin(1, HERE.id, query("x")) for _ in range(2)]
    counted = [searches.begin(1, HERE.id, query("x"), purpose="count") for _ in range(2)]
    with pytest.raises(TooManySearches):
        searches.begin(1, HERE.id, query("x"), purpose="count")
    counted.pop().close()
    with pytest.raises(TooManySearches):
        searches.begin(1, HERE.id, query("x"))
    counted.append(searches.begin(1, HERE.id, query("x"), purpose="count"))
    for search in (*found, *counted):
        search.close()
    assert searches.open == 0


@ensureDeferred
async def test_a_closed_search_ends_its_statement_in_postgresql_too(
    store: PostgresStore, searches: Searches, search_pool: SleepyPool, dsn: str
) -> None:
    await store.append([events(T0, ["one"])])
    search_pool.asleep = "FROM event WHERE"
    search = Searches(search_pool, 2, SearchLimits(seconds=60)).begin(1, HERE.id, query("one"))
    stepping = Deferred.fromCoroutine(search.step(10))
    running = (
        "SELECT pid FROM pg_stat_activity WHERE query LIKE '%%pg_sleep(60)%%'"
        " AND state = 'active' AND pid <> pg_backend_pid()"
    )
    await until(lambda: execute(dsn, running), "a running statement")
    search.close()
    with pytest.raises(StoreUnavailable):
        await stepping
    await until(lambda: not execute(dsn, running), "PostgreSQL has given it up")
    search_pool.asleep = None
    again = searches.begin(1, HERE.id, query("one"))
    assert len(await found(again)) == 1, "the pool has a new connection"


@ensureDeferred
async def test_a_search_that_is_closed_while_it_waits_for_a_connection_ends_too(dsn: str) -> None:
    pool = Pool(reactor, dsn, 1, wait=60)
    await pool.startService()
    occupied = Deferred.fromCoroutine(pool.run("SELECT pg_sleep(60)"))
    search = Searches(pool).begin(1, HERE.id, query("one"))
    stepping = Deferred.fromCoroutine(search.step(10))
    await until(lambda: pool.statistics().waiting, "it waits")
    search.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        await stepping
    occupied.cancel()
    with pytest.raises(StoreUnavailable):
        await occupied
    await pool.stopService()


@ensureDeferred
async def test_a_search_that_is_closed_while_it_asks_for_slots_ends_too(
    store: PostgresStore, searches: Searches, dsn: str
) -> None:
    await store.append([events(T0, ["one"])])
    with closing(psycopg2.connect(dsn)) as holder, holder.cursor() as cursor:
        cursor.execute("LOCK TABLE event_count IN ACCESS EXCLUSIVE MODE")
        search = searches.begin(1, HERE.id, query("one"))
        stepping = Deferred.fromCoroutine(search.step(10))
        waiting = (
            "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%%FROM event_count%%'"
        )
        await until(lambda: execute(dsn, waiting), "it waits")
        search.close()
        with pytest.raises(StoreUnavailable):
            await stepping
        await until(lambda: not execute(dsn, waiting), "PostgreSQL has given it up")


@ensureDeferred
async def test_a_lookup_that_takes_too_long_is_done_as_scans(
    store: PostgresStore, search_pool: SleepyPool, dsn: str
) -> None:
    await store.append([events(START, ["one", "two", "one"])])
    await seal(dsn, 1)
    search_pool.asleep = BY_INDEX
    searches = Searches(search_pool, 2, SearchLimits(rare=2.0, seconds=0.2))
    assert [event.message for event in await found(searches.begin(1, HERE.id, query("one")))] == ["one", "one"]
    assert [BY_INDEX in sql for sql, _ in search_pool.selected] == [True, False], "a lookup, then a scan"


@ensureDeferred
async def test_after_a_lookup_that_takes_too_long_many_slots_are_scanned(
    store: PostgresStore, search_pool: SleepyPool, dsn: str
) -> None:
    for hour in range(10):
        await store.append([events(START + hour * HOUR, ["one", "two"])])
    await seal(dsn, 10)
    search_pool.asleep = BY_INDEX
    searches = Searches(search_pool, 2, SearchLimits(rare=2.0, seconds=0.2))
    assert len(await found(searches.begin(1, HERE.id, query("one")))) == 10
    lookups = [BY_INDEX in sql for sql, _ in search_pool.selected]
    assert lookups == [True, *[False] * SLOTS_AT_ONCE, True, False, False]


@ensureDeferred
async def test_a_rare_word_is_looked_up_by_the_index(
    store: PostgresStore, searches: Searches, search_pool: SleepyPool, dsn: str
) -> None:
    texts = [f"ordinary line number {number} of many" for number in range(4000)]
    texts[50] = "a needle in it"
    await store.append([events(START, texts)])
    await seal(dsn, 1)
    assert len(await found(searches.begin(1, HERE.id, query("needle")))) == 1
    plans = [
        "\n".join(line for (line,) in await search_pool.read("EXPLAIN " + sql, parameters))
        for sql, parameters in list(search_pool.selected)
    ]
    assert text_index(dsn, START) in plans[-1]
    assert "pkey" in plans[0]


@pytest.mark.parametrize("counts_as_sealed", [False, True])
@ensureDeferred
async def test_what_an_earlier_version_indexed_is_found_before_and_after_it_is_indexed_again(
    store: PostgresStore, search_pool: SleepyPool, dsn: str, counts_as_sealed: bool
) -> None:
    texts = {"msgid": ["RT_FLOW", "-", "-"], "structured_data": ["", '[a@1 policy="deny-all"]', '{"path":"/needle"}']}
    for hour in range(2):
        await store.append([events(START + hour * HOUR, ["\x1b[1mone\x1b[0m two", "", ""], **texts)])
    execute(dsn, "CREATE EXTENSION pg_trgm")
    for hour in range(2):
        lower = START + hour * HOUR
        execute(dsn, f"CREATE INDEX event_{lower}_text ON event_{lower} USING gin (message gin_trgm_ops)")
    execute(dsn, "UPDATE slot SET indexed_at = %s", [1 if counts_as_sealed else None])
    searches = Searches(search_pool, 2, SearchLimits(rare=2.0))
    for is_sealed in (False, True):
        if is_sealed:
            await seal(dsn, 2)
        for text, at in (("rt_flow", 0), ("deny-all", 1), ("/needle/", 2), ('"one two"', 0), ("msgid:=RT_FLOW", 0)):
            ids = [event.id for event in await found(searches.begin(1, HERE.id, query(text)))]
            assert ids == [START + HOUR + at, START + at], (text, is_sealed)
    assert BY_INDEX in search_pool.selected[-1][0]
