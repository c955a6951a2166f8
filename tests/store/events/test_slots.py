"""Slots: created ahead of time and on demand, over their boundaries, under a clock that moves as clocks do."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from pytest_twisted import ensureDeferred
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import Clock

from ppl.model import SECOND
from ppl.services.repeating import PERIOD
from ppl.store.events.slots import Range, missing_slots
from ppl.store.maintenance import Maintenance
from ppl.store.postgres import PostgresStore
from tests.fixtures.database import execute, started_store
from tests.store.samples import HERE, T0, events
from tests.waiting import until

HOUR = 3600 * SECOND
YEAR = 365 * 24 * HOUR
START = T0 - T0 % HOUR


def slots(dsn: str) -> list[Range]:
    return execute(dsn, "SELECT lower, upper FROM slot ORDER BY lower")


def partitions(dsn: str) -> set[str]:
    rows = execute(dsn, "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'event'::regclass")
    return {row[0] for row in rows}


@ensureDeferred
async def test_slots_are_made_a_day_ahead_once(store: PostgresStore, dsn: str) -> None:
    await store.ensure_slots(T0)
    made = slots(dsn)
    assert made == [(START + n * HOUR, START + (n + 1) * HOUR) for n in range(25)]
    assert partitions(dsn) == {f"event_{lower}" for lower, _ in made}
    await store.ensure_slots(T0)
    assert slots(dsn) == made


@ensureDeferred
async def test_two_processes_make_the_same_slots_at_once(dsn: str) -> None:
    pairs = [await started_store(dsn) for _ in range(2)]
    await gatherResults([Deferred.fromCoroutine(store.ensure_slots(T0)) for _, store in pairs for _ in range(3)])
    assert len(slots(dsn)) == 25
    for pool, _ in pairs:
        await pool.stopService()


@ensureDeferred
async def test_events_around_a_boundary_lie_in_their_slots_and_page_as_one(store: PostgresStore, dsn: str) -> None:
    await store.append([events(START + HOUR - 2, ["a", "b", "c", "d"])])
    counts = execute(dsn, "SELECT slot_lower, count, last_id FROM event_count ORDER BY 1")
    assert counts == [(START, 2, START + HOUR - 1), (START + HOUR, 2, START + HOUR + 1)]
    assert [event.message for event in (await store.newest(HERE.id, 3)).events] == ["b", "c", "d"]


@ensureDeferred
async def test_a_clock_far_ahead_or_back_gets_slots_where_it_is(store: PostgresStore, dsn: str) -> None:
    await store.ensure_slots(T0)
    await store.ensure_slots(T0 + 70 * YEAR)
    await store.append([events(T0 - 30 * YEAR, ["back"]), events(T0 + 200 * YEAR, ["ahead"], created_at=[0])])
    assert len(slots(dsn)) == 25 + 25 + 2, "the time between has no slots"
    assert [event.message for event in (await store.newest(HERE.id, 9)).events] == ["back", "ahead"]


@ensureDeferred
async def test_a_new_width_keeps_the_old_slots_and_goes_on_after_them(dsn: str) -> None:
    pool, old = await started_store(dsn, slot_seconds=3600)
    await old.ensure_slots(T0)
    await old.append([events(T0, ["old"])])
    before = slots(dsn)
    for width in (7, 86_400):
        store = PostgresStore(pool, lambda: T0, width)
        await store.append([events(before[-1][1] + 10 * width * SECOND, [f"width {width}"])])
        await store.ensure_slots(T0)
        now = slots(dsn)
        assert set(before) <= set(now)
        assert all(upper <= lower for (_, upper), (lower, _) in pairwise(now)), "none overlap"
    assert [event.message for event in (await old.newest(HERE.id, 9)).events] == ["old", "width 7", "width 86400"]
    await pool.stopService()


@ensureDeferred
async def test_a_narrow_slot_reaches_ahead_for_several_runs_of_maintenance(dsn: str) -> None:
    pool, store = await started_store(dsn, slot_seconds=1)
    await store.ensure_slots(T0)
    assert slots(dsn)[-1][1] - T0 >= 2 * PERIOD * SECOND
    await pool.stopService()


@given(
    known=st.sets(st.integers(0, 40), max_size=12).map(sorted),
    ranges=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20)), max_size=4),
    width=st.integers(1, 15),
)
def test_missing_slots_cover_every_id_and_overlap_nothing(
    known: list[int], ranges: list[tuple[int, int]], width: int
) -> None:
    pairs = list(zip(known[::2], known[1::2], strict=False))
    wanted = [(first, first + length) for first, length in ranges]
    made = missing_slots(pairs, wanted, width)
    everything = sorted([*pairs, *made])
    assert all(lower < upper <= lower + width for lower, upper in made)
    assert all(upper <= lower for (_, upper), (lower, _) in pairwise(everything))
    for first, last in wanted:
        for number in (first, last, (first + last) // 2):
            assert any(lower <= number < upper for lower, upper in everything)


@ensureDeferred
async def test_maintenance_keeps_ahead_of_a_clock_that_moves(store: PostgresStore, dsn: str) -> None:
    timer, now = Clock(), T0
    maintenance = Maintenance(store, timer, lambda: now)
    await maintenance.startService()
    assert len(slots(dsn)) == 25, "a start fires after the first run"
    await until(lambda: bool(timer.getDelayedCalls()))
    now += 3 * HOUR
    timer.advance(PERIOD)
    await until(lambda: len(slots(dsn)) == 28)
    await maintenance.stopService()
    assert not timer.getDelayedCalls()


@ensureDeferred
async def test_maintenance_survives_an_outage(dsn: str) -> None:
    pool, store = await started_store(dsn)
    await pool.stopService()
    timer = Clock()
    maintenance = Maintenance(store, timer, lambda: T0)
    await maintenance.startService()
    await pool.startService()
    timer.advance(PERIOD)
    await until(lambda: len(slots(dsn)) == 25)
    await maintenance.stopService()
    await pool.stopService()


@ensureDeferred
async def test_maintenance_forgets_expired_sessions(dsn: str) -> None:
    pool, store = await started_store(dsn)
    account, _ = await store.register("a@example.com", "h", "UTC", "h", range(1, 9), only_first=True)
    await store.create_session(account.id, b"x" * 32, "browser", "", 1)
    maintenance = Maintenance(store, Clock(), lambda: T0)
    await maintenance.startService()
    assert execute(dsn, "SELECT count(*) FROM session") == [(0,)]
    await maintenance.stopService()
    await pool.stopService()
