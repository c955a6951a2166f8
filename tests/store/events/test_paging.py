"""Paging: complete, bounded to a few slots, and never past an event that was committed before."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import pytest_twisted
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_twisted import ensureDeferred

from ppl.model import SECOND
from ppl.store.connecting.connection import Parameters, ResultRow
from ppl.store.connecting.pool import Pool
from ppl.store.events.walk import MOST_BYTES
from ppl.store.postgres import PostgresStore
from tests.fixtures.database import execute, started_store
from tests.store.samples import HERE, T0, events

SLOT = 3600 * SECOND


class WatchedPool(Pool):
    """A pool that remembers the statements that it read with."""

    statements: list[tuple[str, Parameters]]
    most_bytes = 0

    async def read(self, sql: str, parameters: Parameters = None, *, seconds: float | None = None) -> list[ResultRow]:
        self.statements.append((sql, parameters))
        rows = await super().read(sql, parameters, seconds=seconds)
        size = sum(len(value) for row in rows for value in row if isinstance(value, str))
        self.most_bytes = max(self.most_bytes, size)
        return rows


def texts(page: object) -> list[str]:
    return [event.message for event in page.events]


@ensureDeferred
async def test_pages_walk_back_to_the_oldest_and_say_so(store: PostgresStore) -> None:
    await store.append([events(T0, [str(number) for number in range(25)])])
    newest = await store.newest(HERE.id, 10)
    assert (texts(newest), newest.complete) == ([str(number) for number in range(15, 25)], False)
    middle = await store.older(HERE.id, newest.events[0].id, 10)
    assert (texts(middle), middle.complete) == ([str(number) for number in range(5, 15)], False)
    oldest = await store.older(HERE.id, middle.events[0].id, 5)
    assert (texts(oldest), oldest.complete) == ([str(number) for number in range(5)], True)
    nothing = await store.older(HERE.id, T0, 5)
    assert (texts(nothing), nothing.complete) == ([], True)


@ensureDeferred
async def test_newer_pages_are_the_oldest_first_within_their_bounds(store: PostgresStore) -> None:
    await store.append([events(T0, [str(number) for number in range(20)])])
    page = await store.newer(HERE.id, T0 + 4, 5)
    assert (texts(page), page.complete) == (["5", "6", "7", "8", "9"], False)
    page = await store.newer(HERE.id, T0 + 4, 5, before=T0 + 8)
    assert (texts(page), page.complete) == (["5", "6", "7"], True)
    page = await store.newer(HERE.id, T0 + 19, 5)
    assert (texts(page), page.complete) == ([], True)


@ensureDeferred
async def test_another_destination_is_never_seen(store: PostgresStore) -> None:
    await store.append([events(T0, ["ours"])])
    assert texts(await store.newest(HERE.id + 1, 10)) == []


@ensureDeferred
async def test_a_sender_is_chosen_by_address_not_by_its_spelling(store: PostgresStore) -> None:
    await store.append([events(T0, ["six"], sender_ip="2001:db8::1"), events(T0 + 1, ["four"], sender_ip="192.0.2.9")])
    assert texts(await store.newest(HERE.id, 9, "2001:0DB8:0::0001")) == ["six"]
    assert texts(await store.older(HERE.id, T0 + 9, 9, "192.0.2.9")) == ["four"]
    assert texts(await store.newer(HERE.id, 0, 9, "192.0.2.10")) == []


@pytest.mark.parametrize("address", ["", "192.0.2.0/24", "x' OR true --", "fe80::1%eth0", "1.2.3", "\0", "*" * 5000])
@ensureDeferred
async def test_an_invalid_address_matches_nothing(store: PostgresStore, address: str) -> None:
    await store.append([events(T0, ["a"])])
    page = await store.newest(HERE.id, 9, address)
    assert (texts(page), page.complete) == ([], True)


@ensureDeferred
async def test_ids_beyond_any_bigint_are_bounds_like_others(store: PostgresStore) -> None:
    await store.append([events(T0, ["a"])])
    assert texts(await store.older(HERE.id, 10**30, 9)) == ["a"]
    assert texts(await store.newer(HERE.id, -(10**30), 9, before=10**30)) == ["a"]
    assert texts(await store.newer(HERE.id, 10**30, 9)) == []


@ensureDeferred
async def test_a_page_over_a_thousand_slots_stays_bounded(dsn: str) -> None:
    """A destination with events only in the newest and the oldest slot, beside one that fills every slot."""
    first = T0 - T0 % SLOT
    execute(
        dsn,
        "INSERT INTO slot SELECT %(first)s + n * %(slot)s, %(first)s + (n + 1) * %(slot)s"
        " FROM generate_series(0, 999) n;"
        "DO $$ DECLARE s slot; BEGIN FOR s IN SELECT * FROM slot LOOP EXECUTE format("
        "'CREATE TABLE event_%%s PARTITION OF event FOR VALUES FROM (%%s) TO (%%s)', s.lower, s.lower, s.upper);"
        "END LOOP; END $$;"
        "INSERT INTO event_count SELECT 2, lower, 7, lower + 6 FROM slot",
        {"first": first, "slot": SLOT},
    )
    pool = WatchedPool(*_pool_arguments(dsn))
    pool.statements = []
    await pool.startService()
    store = PostgresStore(pool, lambda: T0, 3600)
    newest_slot = first + 999 * SLOT
    await store.append([events(first, ["old1", "old2"])])
    await store.append([events(newest_slot, ["new1", "new2"])])
    for ask in (
        lambda: store.newest(HERE.id, 100),
        lambda: store.older(HERE.id, newest_slot + 2, 100),
        lambda: store.newer(HERE.id, 0, 100),
        lambda: store.newest(HERE.id, 100, "192.0.2.1"),
    ):
        pool.statements.clear()
        page = await ask()
        assert texts(page) == ["old1", "old2", "new1", "new2"]
        assert page.complete
        assert len(pool.statements) < 20
        await _assert_pruned(pool)
    await pool.stopService()


async def _assert_pruned(pool: WatchedPool) -> None:
    for sql, parameters in list(pool.statements):
        if "FROM event WHERE" in sql:
            plan = "\n".join(row[0] for row in await pool.run(f"EXPLAIN {sql}", parameters))
            touched = set(re.findall(r"\bevent_\d+\b", plan))
            assert 1 <= len(touched) <= 10, plan
            assert "Seq Scan" not in plan, plan


def _pool_arguments(dsn: str) -> tuple[object, str, int]:
    from twisted.internet import reactor

    return reactor, dsn, 2


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    ids=st.sets(st.integers(0, 59), max_size=25),
    start=st.integers(-1, 61),
    end=st.none() | st.integers(-1, 61),
    limit=st.integers(1, 12),
    sender=st.sampled_from([None, "192.0.2.0", "192.0.2.1"]),
)
@ensureDeferred
async def test_pages_equal_a_list_of_all_events(
    dsn: str, ids: set[int], start: int, end: int | None, limit: int, sender: str | None
) -> None:
    """Slots of one second and events any number of seconds apart, compared with the plain definition."""
    execute(dsn, "DELETE FROM event; DELETE FROM event_count")
    pool, store = await started_store(dsn, size=1, slot_seconds=1)
    try:
        await store.append([events(T0 + n * SECOND, [str(n)], sender_ip=f"192.0.2.{n % 2}") for n in sorted(ids)])
        matching = [n for n in sorted(ids) if sender in (None, f"192.0.2.{n % 2}")]
        older = [n for n in matching if n < start]
        page = await store.older(HERE.id, T0 + start * SECOND, limit, sender)
        assert texts(page) == [str(n) for n in older[-limit:]]
        assert page.complete == (len(older) <= limit)
        newer = [n for n in matching if start < n and (end is None or n < end)]
        before = None if end is None else T0 + end * SECOND
        page = await store.newer(HERE.id, T0 + start * SECOND, limit, sender, before)
        assert texts(page) == [str(n) for n in newer[:limit]]
        assert page.complete == (len(newer) <= limit)
    finally:
        await pool.stopService()


# Bytes


LINE = 30_000
MANY = 200


async def filled_with_long_lines(store: PostgresStore) -> list[int]:
    """Store long lines over three slots, some with long structured data; returns their ids."""
    for slot in range(3):
        batch = [f"{number} ".ljust(LINE, "x") for number in range(MANY)]
        data = ["y" * LINE if number % 7 == 0 else "" for number in range(MANY)]
        await store.append([events(T0 + slot * SLOT, batch, structured_data=data)])
    return [T0 + slot * SLOT + number for slot in range(3) for number in range(MANY)]


@pytest.fixture
def watched(dsn: str) -> Iterator[tuple[WatchedPool, PostgresStore]]:
    pool = WatchedPool(*_pool_arguments(dsn))
    pool.statements = []
    pytest_twisted.blockon(pool.startService())
    yield pool, PostgresStore(pool, lambda: T0, 3600)
    pytest_twisted.blockon(pool.stopService())


@ensureDeferred
async def test_no_answer_of_postgresql_is_much_longer_than_the_bytes_of_a_page(
    watched: tuple[WatchedPool, PostgresStore],
) -> None:
    pool, store = watched
    ids = await filled_with_long_lines(store)
    pool.most_bytes = 0
    for page in (
        await store.newest(HERE.id, 1000),
        await store.newer(HERE.id, 0, 1000),
        await store.older(HERE.id, ids[-1], 1000),
    ):
        assert not page.complete
        assert sum(len(each.message) + len(each.structured_data) for each in page.events) >= MOST_BYTES
    assert MOST_BYTES <= pool.most_bytes < MOST_BYTES + 2 * LINE


@pytest.mark.parametrize("newest_first", [True, False])
@ensureDeferred
async def test_paging_through_long_lines_gives_each_once(
    watched: tuple[WatchedPool, PostgresStore], newest_first: bool
) -> None:
    _, store = watched
    ids = await filled_with_long_lines(store)
    found: list[int] = []
    while True:
        if newest_first:
            page = await store.older(HERE.id, found[-1] if found else ids[-1] + 1, 1000)
            found += [each.id for each in reversed(page.events)]
        else:
            page = await store.newer(HERE.id, found[-1] if found else 0, 1000)
            found += [each.id for each in page.events]
        if page.complete:
            break
        assert page.events
    assert found == (ids[::-1] if newest_first else ids)


@ensureDeferred
async def test_a_page_whose_last_event_is_the_one_that_exceeds_its_bytes_is_complete(store: PostgresStore) -> None:
    await store.append([events(T0, ["x" * (MOST_BYTES // 2 + 1), "y" * (MOST_BYTES // 2 + 1)])])
    page = await store.newest(HERE.id, 10)
    assert ([each.id for each in page.events], page.complete) == ([T0, T0 + 1], True)


@ensureDeferred
async def test_an_event_longer_than_a_page_is_a_page(store: PostgresStore) -> None:
    await store.append([events(T0, ["x" * (2 * MOST_BYTES), "y"])])
    page = await store.newer(HERE.id, 0, 10)
    assert ([each.id for each in page.events], page.complete) == ([T0], False)
