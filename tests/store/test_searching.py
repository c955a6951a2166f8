"""Searching: every match once and in order whatever the slots, the indexes and the steps; bounded, cancelled, fair."""

from __future__ import annotations

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
from ppl.search.query import Query, parse
from ppl.store import searching
from ppl.store.pool import Pool
from ppl.store.postgres import PostgresStore
from ppl.store.sealing import MOST_PUT_OFF, Sealer
from ppl.store.searching import Search, Searches
from tests.fixtures.database import execute
from tests.store.events import HERE, T0, events
from tests.waiting import until

HOUR = 60 * MINUTE
START = T0 - T0 % HOUR
THERE = Destination(2, "logs.example.com", 20001, "+00:00")


def query(text: str) -> Query:
    return parse(text, UTC, T0)


@pytest_twisted.async_yield_fixture
async def searches(dsn: str) -> AsyncIterator[Searches]:
    pool = Pool(reactor, dsn, 2, parameters={"client_connection_check_interval": "100ms"})
    await pool.startService()
    yield Searches(pool, 2)
    await pool.stopService()


async def found(search: Search, limit: int = 100) -> list[Event]:
    """All that a search gives, in the order of its walk; what it says of its way is checked."""
    try:
        return await _found(search, limit)
    finally:
        search.close()


async def _found(search: Search, limit: int) -> list[Event]:
    all_: list[Event] = []
    reached: list[int] = []
    newest_first = search._stretch.newest_first
    while not search.is_complete:
        step = await search.step(limit)
        assert len(step.events) <= limit
        assert list(step.events) == sorted(step.events, key=lambda event: event.id)
        assert all((event.id >= step.reached) == newest_first for event in step.events)
        reached.append(step.reached)
        all_ += reversed(step.events) if newest_first else step.events
    assert reached == sorted(reached, reverse=newest_first)
    return all_


async def seal(dsn: str, until_hour: int) -> None:
    sealer = Sealer(reactor, dsn, lambda: START + until_hour * HOUR + MOST_PUT_OFF)
    await sealer.run()


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("sealed", [0, 3, 9])
@ensureDeferred
async def test_a_search_gives_what_a_plain_filter_gives(
    store: PostgresStore, searches: Searches, dsn: str, sealed: int, newest_first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "FIRST_SCAN", 3)
    monkeypatch.setattr(searching, "MOST_SCAN", 10)
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
            search._scan = 3
            got = await found(search, limit)
            assert got == (expected[::-1] if newest_first else expected), (text, limit)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
    searches: Searches,
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
    is_rare = data.draw(st.booleans())
    search = searches.begin(1, HERE.id, query(text), before=before, after=after, newest_first=newest_first)
    search._scan, search._is_rare = scan, is_rare
    assert await found(search, limit) == (expected[::-1] if newest_first else expected)


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
async def test_what_is_only_counted_takes_no_search_from_what_is_found(searches: Searches) -> None:
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
    assert not searches._open


@ensureDeferred
async def test_a_closed_search_ends_its_statement_in_postgresql_too(
    store: PostgresStore, searches: Searches, dsn: str
) -> None:
    await store.append([events(T0, ["one"])])
    search = searches.begin(1, HERE.id, query("one"))
    search._condition, search._parameters = "pg_sleep(60) IS NOT NULL", []
    stepping = Deferred.fromCoroutine(search.step(10))
    running = (
        "SELECT pid FROM pg_stat_activity WHERE query LIKE '%%pg_sleep(60) IS%%' "
        " AND state = 'active' AND pid <> pg_backend_pid()"
    )
    await until(lambda: execute(dsn, running), "the statement runs")
    search.close()
    with pytest.raises(StoreUnavailable):
        await stepping
    await until(lambda: not execute(dsn, running), "PostgreSQL has given it up")
    again = searches.begin(1, HERE.id, query("one"))
    assert len(await found(again)) == 1, "its connection is replaced"


@ensureDeferred
async def test_a_search_that_is_closed_while_it_waits_for_a_connection_ends_too(dsn: str) -> None:
    pool = Pool(reactor, dsn, 1, wait=60)
    await pool.startService()
    occupied = Deferred.fromCoroutine(pool.run("SELECT pg_sleep(60)"))
    search = Searches(pool).begin(1, HERE.id, query("one"))
    stepping = Deferred.fromCoroutine(search.step(10))
    await until(lambda: pool._waiting, "it waits")
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
    store: PostgresStore, searches: Searches, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.append([events(START, ["one", "two", "one"])])
    await seal(dsn, 1)
    monkeypatch.setattr(searching, "STEP_SECONDS", 0.05)
    search = searches.begin(1, HERE.id, query("one"))
    search._is_rare = True
    slow, condition = "pg_sleep(10) IS NOT NULL", search._condition
    search._condition, parameters = slow, search._parameters
    search._parameters = []
    ordered = search._scan_slot

    async def scan(*arguments: Any) -> Any:
        search._condition, search._parameters = condition, parameters
        return await ordered(*arguments)

    search._scan_slot = scan  # type: ignore[method-assign]
    assert [event.message for event in await found(search)] == ["one", "one"]


@ensureDeferred
async def test_a_rare_word_is_looked_up_by_the_index(store: PostgresStore, searches: Searches, dsn: str) -> None:
    texts = [f"ordinary line number {number} of many" for number in range(4000)]
    texts[50] = "a needle in it"
    await store.append([events(START, texts)])
    await seal(dsn, 1)
    search = searches.begin(1, HERE.id, query("needle"))
    seen: list[str] = []
    run = search._run

    async def explained(sql: str, parameters: list[Any]) -> list[Any]:
        plan = await searches.pool.read("EXPLAIN " + sql, parameters)
        seen.append("\n".join(line for (line,) in plan))
        return await run(sql, parameters)

    search._run = explained  # type: ignore[method-assign]
    assert len(await found(search)) == 1
    assert f"event_{START}_text" in seen[-1]
    assert "event_pkey" in seen[0] or "pkey" in seen[0]
