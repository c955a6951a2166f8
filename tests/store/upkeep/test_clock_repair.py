"""Events stored while the clock was ahead are moved back: in order, counted right, and no others are touched."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pytest_twisted import ensureDeferred

from ppl.model import DAY, MINUTE, SECOND
from ppl.store.upkeep.census import Census
from ppl.store.upkeep.clock_repair import repair_clock
from tests.fixtures.database import execute, started_store
from tests.store.samples import T0, events
from tests.store.upkeep.test_retention import consistent, filled, messages, registered

NOW = T0 - T0 % DAY + 5 * DAY
LATER = NOW + 400 * DAY


@ensureDeferred
async def test_what_came_by_a_clock_400_days_ahead_comes_back_in_order(dsn: str) -> None:
    pool, store = await started_store(dsn)
    _, one, other = await filled(store)
    await store.append([events(LATER, ["wrong 0", "wrong 1"], destination=one)])
    await store.append(
        [events(LATER + 2, ["right 0", "right 1"], destination=one, created_at=[NOW - 2 * MINUTE, NOW - MINUTE])]
    )
    await store.append([events(NOW - MINUTE, ["by the right clock"], destination=other)])
    await repair_clock(pool, 3600, NOW)
    page = await store.newest(one.id, 100)
    assert [event.message for event in page.events] == [
        *(f"day {day}" for day in range(5)), "wrong 0", "wrong 1", "right 0", "right 1",
    ]  # fmt: skip
    assert [event.id for event in page.events][-2:] == [NOW - 2 * MINUTE, NOW - MINUTE]
    assert all(event.created_at <= NOW for event in page.events)
    assert [event.message for event in (await store.newest(other.id, 1)).events] == ["by the right clock"]
    assert consistent(dsn)
    assert max((await store.last_ids()).values()) < NOW
    await store.append([events(NOW + 1, ["from now on"], destination=one)])
    assert (await messages(store, one))[-1] == "from now on"
    await pool.stopService()


@ensureDeferred
async def test_a_destination_whose_first_event_was_ahead(dsn: str) -> None:
    pool, store = await started_store(dsn)
    _, one = await registered(store, "one@example.com", 1)
    texts = [str(number) for number in range(1000)]
    await store.append([events(LATER, texts, destination=one)])
    await repair_clock(pool, 3600, NOW)
    assert [event.message for event in (await store.newest(one.id, 2000)).events] == texts
    assert consistent(dsn)
    await pool.stopService()


@ensureDeferred
async def test_the_census_counts_the_destination_anew(dsn: str) -> None:
    from twisted.internet import reactor

    pool, store = await started_store(dsn)
    _, one, _ = await filled(store)
    await store.append([events(LATER, ["a", "b"], destination=one)])
    for repair in (False, True):
        if repair:
            await repair_clock(pool, 3600, NOW)
        census = Census(reactor, dsn, lambda: NOW)
        await census.run()
        census.stop()
    ((count, last_seen),) = execute(
        dsn, "SELECT count, last_seen FROM sender WHERE destination_id = %s AND kind = 0", [one.id]
    )
    assert (count, last_seen < NOW) == (7, True)
    assert execute(dsn, "SELECT sum(count)::bigint FROM event_quarter WHERE destination_id = %s", [one.id]) == [(7,)]
    await pool.stopService()


_TIMES = st.one_of(st.none(), st.integers(NOW - 40 * DAY, NOW + 3 * DAY), st.integers(LATER - DAY, LATER + DAY))


@settings(
    max_examples=12,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    before=st.lists(st.integers(-40 * DAY, -1), max_size=3),
    written=st.lists(_TIMES, min_size=1, max_size=30),
    steps=st.lists(st.integers(1, DAY), min_size=30, max_size=30),
)
@ensureDeferred
async def test_whatever_senders_wrote_the_order_stays_and_nothing_is_ahead(
    before: list[int], written: list[Any], steps: list[int], dsn: str
) -> None:
    pool, store = await started_store(dsn, slot_seconds=86_400)
    number = len(await store.destinations()) + 1
    _, one = await registered(store, f"{number}@example.com", number)
    for offset in sorted(set(before)):
        await store.append([events(NOW + offset, [f"before {offset}"], destination=one)])
    at, texts = LATER, []
    for number, (created_at, step) in enumerate(zip(written, steps, strict=False)):
        texts.append(f"ahead {number}")
        await store.append([events(at, texts[-1:], destination=one, created_at=[created_at])])
        at += step
    await repair_clock(pool, 86_400, NOW)
    page = await store.newest(one.id, 100)
    assert [event.message for event in page.events][-len(texts) :] == texts
    ids = [event.id for event in page.events]
    assert ids == sorted(set(ids))
    assert ids[-1] <= NOW + len(texts)
    assert all(event.created_at <= NOW + DAY for event in page.events)
    assert consistent(dsn)
    await pool.stopService()


@pytest.mark.parametrize("ahead", [0, MINUTE - SECOND])
@ensureDeferred
async def test_what_is_hardly_ahead_is_left_alone(dsn: str, ahead: int) -> None:
    pool, store = await started_store(dsn)
    _, one = await registered(store, "one@example.com", 1)
    await store.append([events(NOW + ahead, ["a"], destination=one)])
    await repair_clock(pool, 3600, NOW)
    assert [event.id for event in (await store.newest(one.id, 10)).events] == [NOW + ahead]
    await pool.stopService()
