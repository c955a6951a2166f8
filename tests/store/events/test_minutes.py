"""Counts by minute and severity: updated with every batch, and equal to a count of the events."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_twisted import ensureDeferred

from ppl.model import MINUTE
from ppl.store.postgres import PostgresStore
from tests.fixtures.database import BY_SEVERITY, execute
from tests.store.samples import HERE, T0, events

SEVERITY = st.one_of(st.none(), st.integers(0, 7))


def counted(dsn: str) -> list[tuple[Any, ...]]:
    return execute(dsn, "SELECT * FROM event_minute ORDER BY destination_id, minute")


def scanned(dsn: str) -> list[tuple[Any, ...]]:
    return execute(dsn, f"SELECT destination_id, id / 60000000, {BY_SEVERITY} FROM event GROUP BY 1, 2 ORDER BY 1, 2")


@pytest.mark.parametrize("copy_events", [1, 10**9])
@ensureDeferred
async def test_a_batch_over_a_minutes_end_is_counted_where_each_event_is(store: PostgresStore, dsn: str) -> None:
    edge = T0 - T0 % MINUTE + MINUTE
    await store.append([events(edge - 2, ["a"] * 5, severity=[0, 3, 3, None, 3]), events(edge + 9, ["b"])])
    assert counted(dsn) == scanned(dsn)
    buckets = await store.histogram(HERE.id, edge - MINUTE, edge, 1)
    assert [bucket.start for bucket in buckets] == [edge - MINUTE, edge]
    assert buckets[0].counts == (1, 0, 0, 1, 0, 0, 0, 0, 0)
    assert sum(map(sum, (bucket.counts for bucket in buckets))) == 6


@ensureDeferred
async def test_a_repeated_batch_is_counted_once(store: PostgresStore, dsn: str) -> None:
    batch = [events(T0, ["a", "b"], severity=[3, 4])]
    await store.append(batch)
    await store.append(batch)
    assert counted(dsn) == scanned(dsn)


@ensureDeferred
async def test_buckets_add_minutes_up_and_leave_out_the_empty_ones(store: PostgresStore) -> None:
    start = T0 - T0 % (60 * MINUTE)
    for minute in (0, 4, 5, 59):
        await store.append([events(start + minute * MINUTE, ["x"], severity=[minute % 8])])
    buckets = await store.histogram(HERE.id, start, start + 60 * MINUTE, 5)
    assert [(bucket.start - start) // MINUTE for bucket in buckets] == [0, 5, 55]
    assert [sum(bucket.counts) for bucket in buckets] == [2, 1, 1]
    assert await store.histogram(99, start, start + 60 * MINUTE, 5) == []


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 3 * MINUTE), st.lists(SEVERITY, min_size=1)), min_size=1, max_size=6))
@ensureDeferred
async def test_any_batches_are_counted_as_a_scan_counts_them(
    store: PostgresStore, dsn: str, parts: list[tuple[int, list[int | None]]]
) -> None:
    execute(dsn, "TRUNCATE event, event_count, event_minute")
    following = T0
    batch = []
    for gap, severities in parts:
        batch.append(events(following + gap, ["m"] * len(severities), severity=severities))
        following = batch[-1].last_id + 1
    await store.append(batch[:2])
    await store.append(batch[2:])
    assert counted(dsn) == scanned(dsn)
