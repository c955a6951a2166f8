"""A clock that leapt ahead drops nothing: after a gap in what is stored, retention waits for a day of events."""

from __future__ import annotations

from typing import Any

from pytest_twisted import ensureDeferred
from twisted.logger import capturedLogs, formatEvent

from ppl.model import DAY
from ppl.store.upkeep.leaps import Leaps
from ppl.store.upkeep.retention import Retention
from tests.fixtures.database import started_store
from tests.store.samples import T0, events
from tests.store.upkeep.test_retention import filled, messages

YEAR = 365 * DAY
#: The time just after the last event of :func:`filled`.
NOW = T0 - T0 % DAY + 4 * DAY + DAY * 3 // 4


class Times:
    """A clock that can be set, and a steady one."""

    def __init__(self) -> None:
        self.now, self.steady = NOW, 0

    def pass_(self, microseconds: int) -> None:
        self.now += microseconds
        self.steady += microseconds


def guarded(pool: Any, times: Times, days: int = 30) -> Retention:
    leaps = Leaps(pool, lambda: times.now, lambda: times.steady)
    return Retention(pool, lambda: times.now, days, leaps=leaps)


@ensureDeferred
async def test_a_clock_that_leaps_a_year_ahead_drops_nothing_for_a_day(dsn: str) -> None:
    pool, store = await started_store(dsn)
    _, one, other = await filled(store)
    times = Times()
    retention = guarded(pool, times)
    await retention.run()
    times.now += YEAR
    with capturedLogs() as logs:
        for _ in range(3):
            await retention.run()
    (said,) = [formatEvent(event) for event in logs]
    assert "No events are stored from the last 365 days" in (said or "")
    await store.append([events(times.now, ["by the wrong clock"], destination=one)])
    await retention.run()
    assert len(await messages(store, one)) == 6
    assert len(await messages(store, other)) == 5
    times.now -= YEAR
    await retention.run()
    assert len(await messages(store, one)) == 6
    await pool.stopService()


@ensureDeferred
async def test_a_restart_in_between_makes_no_difference(dsn: str) -> None:
    pool, store = await started_store(dsn)
    _, one, _ = await filled(store)
    times = Times()
    times.now += YEAR
    for hour in range(3):
        await store.append([events(times.now, [f"hour {hour}"], destination=one)])
        await guarded(pool, times).run()
        times.pass_(DAY // 24)
    assert len(await messages(store, one)) == 8
    await pool.stopService()


@ensureDeferred
async def test_a_clock_that_is_right_after_all_drops_expired_events_a_day_later(dsn: str) -> None:
    pool, store = await started_store(dsn)
    _, one, other = await filled(store)
    times = Times()
    times.now += YEAR
    retention = guarded(pool, times)
    await store.append([events(times.now, ["after a year without power"], destination=one)])
    for _ in range(5):
        await retention.run()
        times.pass_(DAY // 4)
        await store.append([events(times.now, ["more"], destination=one)])
    times.pass_(DAY // 4)
    await retention.run()
    assert await messages(store, other) == []
    assert "day 0" not in await messages(store, one)
    await pool.stopService()


@ensureDeferred
async def test_where_nothing_is_received_any_more_expired_events_go_after_a_day_of_running(dsn: str) -> None:
    pool, store = await started_store(dsn)
    _, one, _ = await filled(store)
    times = Times()
    times.now += YEAR
    retention = guarded(pool, times)
    await retention.run()
    assert len(await messages(store, one)) == 5
    times.pass_(DAY)
    await retention.run()
    assert await messages(store, one) == []
    await pool.stopService()


@ensureDeferred
async def test_a_new_installation_and_a_quiet_week_are_no_leap(dsn: str) -> None:
    pool, store = await started_store(dsn)
    times = Times()
    retention = guarded(pool, times, days=2)
    await retention.run()
    _, one, _ = await filled(store)
    times.pass_(6 * DAY)
    await retention.run()
    assert await messages(store, one) == []
    await pool.stopService()
