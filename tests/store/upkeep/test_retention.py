"""Retention: whole slots and parts of slots are deleted once expired, events and counts in one step."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import attrs
import psycopg2
import pytest
from pytest_twisted import ensureDeferred
from twisted.internet import reactor

from ppl.errors import StoreUnavailable
from ppl.model import DAY, MINUTE, Destination
from ppl.store.connecting.connection import Parameters, ResultRow
from ppl.store.connecting.pool import Pool, Transaction
from ppl.store.postgres import PostgresStore
from ppl.store.upkeep.leaps import Leaps
from ppl.store.upkeep.retention import Retention
from ppl.store.upkeep.size_limits import SizeLimits
from tests.fixtures.database import execute, started_store
from tests.store.samples import T0, events

NOON = T0 - T0 % DAY + DAY // 2


async def registered(store: PostgresStore, email: str, port: int) -> tuple[int, Destination]:
    account, destination = await store.register(email, "hash", "UTC", "h", range(port, port + 1), only_first=False)
    return account.id, destination


def counts(dsn: str) -> list[tuple[Any, ...]]:
    return execute(dsn, "SELECT destination_id, slot_lower FROM event_count ORDER BY 2, 1")


def consistent(dsn: str) -> bool:
    """Whether all counts equal a scan of the events."""
    return (
        execute(dsn, "SELECT destination_id, sum(count)::bigint FROM event_count GROUP BY 1 ORDER BY 1")
        == execute(dsn, "SELECT destination_id, count(*) FROM event GROUP BY 1 ORDER BY 1")
        == execute(
            dsn,
            "SELECT destination_id, sum(emerg + alert + crit + err + warning + notice + info + debug + unknown)::bigint"
            " FROM event_minute GROUP BY 1 ORDER BY 1",
        )
    )


async def filled(store: PostgresStore) -> tuple[int, Destination, Destination]:
    """Two destinations with an event on each of five days, the last at noon of day 4."""
    account, one = await registered(store, "one@example.com", 1)
    _, other = await registered(store, "other@example.com", 2)
    for day in range(5):
        for index, destination in enumerate((one, other)):
            await store.append([events(NOON + day * DAY + index, [f"day {day}"], destination=destination)])
    return account, one, other


async def messages(store: PostgresStore, destination: Destination) -> list[str]:
    return [event.message for event in (await store.newest(destination.id, 100)).events]


@ensureDeferred
async def test_without_a_retention_everything_is_kept(dsn: str) -> None:
    pool, store = await started_store(dsn)
    await filled(store)
    before = counts(dsn)
    await Retention(pool, lambda: NOON + 1000 * 365 * DAY, None).run()
    assert counts(dsn) == before
    await pool.stopService()


@ensureDeferred
async def test_whole_slots_go_when_they_have_expired(dsn: str) -> None:
    pool, store = await started_store(dsn)
    _, one, other = await filled(store)
    await Retention(pool, lambda: NOON + 4 * DAY, 2).run()
    for destination in (one, other):
        assert await messages(store, destination) == ["day 2", "day 3", "day 4"]
        assert (await store.older(destination.id, NOON + 3 * DAY, 1)).complete, "nothing older is left"
    tables = execute(dsn, "SELECT relname FROM pg_class WHERE relname ~ '^event_[0-9]+$'")
    assert len(tables) == len(execute(dsn, "SELECT * FROM slot"))
    assert consistent(dsn)
    await pool.stopService()


@ensureDeferred
async def test_a_destination_may_keep_less_or_more_than_the_installation(dsn: str) -> None:
    pool, store = await started_store(dsn)
    account, one, other = await filled(store)
    assert await store.set_retention(account, one.id, 1)
    assert not await store.set_retention(account, other.id, 1), "only the owner may change it"
    await Retention(pool, lambda: NOON + 4 * DAY + 60 * MINUTE, 3).run()
    assert await messages(store, one) == ["day 4"]
    assert await messages(store, other) == ["day 2", "day 3", "day 4"]
    assert consistent(dsn)
    await store.set_retention(account, one.id, 30)
    await Retention(pool, lambda: NOON + 9 * DAY, 3).run()
    assert await messages(store, one) == ["day 4"]
    assert await messages(store, other) == []
    await pool.stopService()


@ensureDeferred
async def test_a_closed_destination_keeps_its_history_until_it_has_expired(dsn: str) -> None:
    pool, store = await started_store(dsn, clock=lambda: NOON + 4 * DAY)
    account, one, _ = await filled(store)
    assert await store.close_destination(account, one.id)
    assert one.id not in {each.id for each in await store.destinations()}
    assert await store.destination(one.host, one.port) is None
    ((readable, _role),) = await store.destinations_of(account)
    assert readable.closed_at == NOON + 4 * DAY
    await Retention(pool, lambda: NOON + 5 * DAY, 3).run()
    assert await messages(store, one) == ["day 2", "day 3", "day 4"]
    await Retention(pool, lambda: NOON + 9 * DAY, 3).run()
    assert await store.destinations_of(account) == []
    await pool.stopService()


@ensureDeferred
async def test_a_slot_that_is_read_goes_later_and_holds_nobody_up(dsn: str) -> None:
    pool, store = await started_store(dsn)
    _, one, _ = await filled(store)
    reader = psycopg2.connect(dsn)
    with reader.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM event")  # in a transaction that stays open
        await Retention(pool, lambda: NOON + 4 * DAY, 2, lock_milliseconds=50).run()
        reader.rollback()
    reader.close()
    assert len(await messages(store, one)) >= 3
    assert consistent(dsn)
    await Retention(pool, lambda: NOON + 4 * DAY, 2).run()
    assert await messages(store, one) == ["day 2", "day 3", "day 4"]
    await pool.stopService()


async def sized(store: PostgresStore, days: int = 6) -> list[Destination]:
    """Two destinations with some 300 KB on each of some days."""
    destinations = [(await registered(store, f"{port}@example.com", port))[1] for port in (1, 2)]
    for day in range(days):
        for index, destination in enumerate(destinations):
            texts = [f"day {day}", *(f"{number} {'x' * 900}" for number in range(150))]
            await store.append([events(NOON + day * DAY + index, texts, destination=destination)])
    return destinations


def limited(pool: Pool, dsn: str, now: int, room: int, *, days: int | None = None, **changed: Any) -> Retention:
    """Retention that keeps ``room`` bytes less than the database takes now."""
    ((size,),) = execute(dsn, "SELECT pg_database_size(current_database())")
    return Retention(pool, lambda: now, days, limits=SizeLimits(size - room, None, lambda: 0), **changed)


@ensureDeferred
async def test_beyond_a_size_the_oldest_slots_go_of_all_destinations(dsn: str) -> None:
    pool, store = await started_store(dsn)
    one, other = await sized(store)
    retention = limited(pool, dsn, NOON + 6 * DAY, 500_000)
    await retention.run()
    for destination in (one, other):
        left = (await store.older(destination.id, NOON + 9 * DAY, 10_000)).events
        assert {event.message for event in left if event.message.startswith("day")} == {
            f"day {day}" for day in range(2, 6)
        }
    assert consistent(dsn)
    before = counts(dsn)
    await retention.run()
    assert counts(dsn) == before, "the limit is kept now"
    await pool.stopService()


@ensureDeferred
async def test_the_last_two_days_are_kept_whatever_they_take_and_that_is_said_once(dsn: str, logged: list[str]) -> None:
    pool, store = await started_store(dsn)
    await sized(store)
    retention = limited(pool, dsn, NOON + 6 * DAY, 1 << 40)
    for _ in range(3):
        await retention.run()
    lowers = {lower for _, lower in counts(dsn)}
    assert lowers
    assert min(lowers) > NOON + 3 * DAY
    said = [line for line in logged if "too little room" in line]
    assert len(said) == 1
    assert "--keep-bytes" in said[0]
    assert "the last two days are kept" in said[0]
    await pool.stopService()


@ensureDeferred
async def test_with_too_little_room_on_the_disk_the_oldest_slots_go_until_there_is_enough(dsn: str) -> None:
    pool, store = await started_store(dsn)
    await sized(store)
    ((full,),) = execute(dsn, "SELECT pg_database_size(current_database())")

    def free() -> int:
        """As much as has been dropped since the disk was full."""
        ((size,),) = execute(dsn, "SELECT pg_database_size(current_database())")
        return int(full - size)

    limits = SizeLimits(None, 500_000, free)
    await Retention(pool, lambda: NOON + 6 * DAY, None, limits=limits).run()
    assert free() >= 500_000
    assert len(counts(dsn)) == 8, "and no more than that"
    assert await limits.excess(pool) is None
    await pool.stopService()


@ensureDeferred
async def test_what_is_not_archived_yet_does_not_go_for_want_of_room(dsn: str, logged: list[str]) -> None:
    pool, store = await started_store(dsn)
    await sized(store)
    execute(dsn, "INSERT INTO archiving (only_row, place) VALUES (true, '/srv/archive')")
    before = counts(dsn)
    await limited(pool, dsn, NOON + 6 * DAY, 500_000).run()
    assert counts(dsn) == before
    assert any("not archived yet" in line for line in logged)
    execute(
        dsn,
        "INSERT INTO archived (destination_id, slot_lower, day, count)"
        " SELECT destination_id, slot_lower, slot_lower / 86400000000, count FROM event_count ORDER BY 2 LIMIT 2",
    )
    await limited(pool, dsn, NOON + 6 * DAY, 200_000).run()
    assert counts(dsn) == before[2:]
    assert consistent(dsn)
    await pool.stopService()


@ensureDeferred
async def test_while_the_clock_is_doubtful_nothing_goes_for_want_of_room(dsn: str) -> None:
    pool, store = await started_store(dsn)
    await sized(store)
    before = counts(dsn)
    leaps = Leaps(pool, lambda: NOON + 400 * DAY, lambda: 0)
    await limited(pool, dsn, NOON + 400 * DAY, 500_000, leaps=leaps).run()
    assert counts(dsn) == before
    await pool.stopService()


@ensureDeferred
async def test_what_has_expired_goes_first_and_may_be_enough(dsn: str) -> None:
    pool, store = await started_store(dsn)
    await sized(store)
    await limited(pool, dsn, NOON + 6 * DAY, 300_000, days=4).run()
    assert len(counts(dsn)) == 8
    await pool.stopService()


class Crashes(Exception):
    """The process has died."""


@attrs.define
class DyingTransaction:
    """A transaction whose process dies with the last statement left to ``pool``."""

    pool: DyingPool
    transaction: Transaction

    async def run(self, sql: str, parameters: Parameters = None) -> list[ResultRow]:
        self.pool.left -= 1
        if self.pool.left:
            return await self.transaction.run(sql, parameters)
        with suppress(StoreUnavailable):
            await self.transaction.run("SELECT pg_terminate_backend(pg_backend_pid())")
        raise Crashes


class DyingPool(Pool):
    """A pool whose process dies after ``left`` statements in transactions."""

    left: int

    async def transact(self, work: Any, *, seconds: float | None = None) -> Any:
        return await super().transact(lambda each: work(DyingTransaction(self, each)), seconds=seconds)


@pytest.mark.parametrize("step", range(1, 8))
@ensureDeferred
async def test_a_crash_at_any_step_leaves_everything_right(dsn: str, step: int) -> None:
    pool, store = await started_store(dsn)
    account, one, other = await filled(store)
    await store.set_retention(account, one.id, 1)
    dying = DyingPool(reactor, dsn, 1)
    dying.left = step
    await dying.startService()
    try:
        await Retention(dying, lambda: NOON + 4 * DAY + 60 * MINUTE, 2).run()
    except Crashes:
        assert consistent(dsn)
    await dying.stopService()
    await Retention(pool, lambda: NOON + 4 * DAY + 60 * MINUTE, 2).run()
    assert await messages(store, one) == ["day 4"]
    assert await messages(store, other) == ["day 3", "day 4"]
    assert consistent(dsn)
    await pool.stopService()
