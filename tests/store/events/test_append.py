"""Appending batches: durable, all or nothing, recognised when repeated; no row blocks another."""

from __future__ import annotations

import pytest
from pytest_twisted import ensureDeferred

from ppl.errors import IdConflict
from ppl.model import Destination
from ppl.store.events.append import halves
from ppl.store.postgres import PostgresStore
from tests.fixtures.database import execute
from tests.store.samples import HERE, T0, events


@pytest.fixture(params=[10**9, 1], ids=["INSERT", "COPY"])
def copy_events(request: pytest.FixtureRequest) -> int:
    """Both ways of storing a batch."""
    return int(request.param)


THERE = Destination(2, "logs.example.com", 20001, "+00:00")


@ensureDeferred
async def test_every_field_comes_back_as_it_was_stored(store: PostgresStore) -> None:
    batch = events(
        T0,
        ["plain", 'quo"te \\ back {brace}, comma', "", "NULL", "tab\tnew\nline Ä Σ \U0001f600 %s %% 'x'"],
        sender_ip="2001:db8::1",
        created_at=[T0 - 5, None, 0, T0 + 7, None],
        facility=[0, None, 23, 1, 2],
        severity=[7, None, 0, 1, 2],
        hostname=["a", "", "b\\", 'c"', "{}"],
        file_name=["", "x", "NULL", ",", "ü"],
        procid=["", "1", "2", "3", "4"],
        msgid=["ID47", "", "", "", ""],
        structured_data=['[a@1 b="c\\"d"]', "", "", "", ""],
    )
    await store.append([batch])
    page = await store.newest(HERE.id, 10)
    assert page.events == tuple(batch)
    assert page.complete


@ensureDeferred
async def test_what_postgresql_cannot_keep_is_replaced_not_dropped(store: PostgresStore) -> None:
    await store.append([events(T0, ["a\0b", "lone \ud800 surrogate", "fine"])])
    found = [event.message for event in (await store.newest(HERE.id, 10)).events]
    assert found == ["a\ufffdb", "lone ? surrogate", "fine"]


@ensureDeferred
async def test_a_batch_of_many_destinations_and_senders_is_counted_by_destination(
    store: PostgresStore, dsn: str
) -> None:
    await store.append(
        [events(T0, ["a", "b"]), events(T0 + 2, ["c"], sender_ip="::1"), events(T0 + 1, ["d"], destination=THERE)]
    )
    counts = execute(dsn, "SELECT destination_id, count, last_id FROM event_count ORDER BY 1")
    assert counts == [(1, 3, T0 + 2), (2, 1, T0 + 1)]
    assert await store.last_ids() == {1: T0 + 2, 2: T0 + 1}


@ensureDeferred
async def test_a_repeated_batch_is_recognised(store: PostgresStore, dsn: str) -> None:
    batch = [events(T0, ["a", "b"]), events(T0 + 9, ["c"], destination=THERE)]
    await store.append(batch)
    await store.append(batch)
    assert execute(dsn, "SELECT count(*) FROM event") == [(3,)]
    assert execute(dsn, "SELECT sum(count) FROM event_count") == [(3,)]


@ensureDeferred
async def test_ids_of_other_events_are_a_conflict_not_a_repetition(store: PostgresStore) -> None:
    await store.append([events(T0, ["theirs"])])
    with pytest.raises(IdConflict):
        await store.append([events(T0, ["ours"])])


@ensureDeferred
async def test_a_refused_event_costs_only_itself(
    store: PostgresStore, dsn: str, nothing_left_behind: list[str]
) -> None:
    messages = [f"m{number}" for number in range(100)]
    created: list[int | None] = [None] * 100
    created[37] = created[90] = 1 << 70
    batch = [events(T0, messages, created_at=created), events(T0 + 100, ["tail"])]
    await store.append(batch)
    found = [event.message for event in (await store.newest(HERE.id, 200)).events]
    assert found == [m for m in messages if m not in ("m37", "m90")] + ["tail"]
    assert store.refused == 2
    assert execute(dsn, "SELECT sum(count) FROM event_count") == [(99,)]
    assert len(nothing_left_behind) == 2
    assert not any("m37" in text for text in nothing_left_behind)
    nothing_left_behind.clear()
    await store.append(batch)
    assert execute(dsn, "SELECT count(*) FROM event") == [(99,)], "a repeated batch with a refused event is recognised"
    nothing_left_behind.clear()


@ensureDeferred
async def test_an_invalid_address_is_refused_alone(store: PostgresStore, nothing_left_behind: list[str]) -> None:
    await store.append([events(T0, ["bad"], sender_ip="'; DROP TABLE event; --"), events(T0 + 1, ["good"])])
    assert [event.message for event in (await store.newest(HERE.id, 9)).events] == ["good"]
    nothing_left_behind.clear()


@ensureDeferred
async def test_a_slot_that_was_dropped_underneath_is_made_again(store: PostgresStore, dsn: str) -> None:
    await store.append([events(T0, ["before"])])
    ((lower,),) = execute(dsn, "SELECT lower FROM slot")
    execute(dsn, f"DROP TABLE event_{lower}; DELETE FROM slot; DELETE FROM event_count")
    await store.append([events(T0 + 1, ["after"])])
    assert [event.message for event in (await store.newest(HERE.id, 9)).events] == ["after"]


@ensureDeferred
async def test_an_empty_batch_stores_nothing(store: PostgresStore) -> None:
    await store.append([])
    await store.append([events(T0, [])])
    assert await store.last_ids() == {}


def test_halves_lose_no_event_and_keep_the_ids() -> None:
    batch = [events(T0, list("abc")), events(T0 + 10, list("de")), events(T0 + 20, list("f"))]
    first, second = halves(batch)
    assert [event for part in first + second for event in part] == [event for part in batch for event in part]
    assert sum(map(len, first)) == sum(map(len, second)) == 3
