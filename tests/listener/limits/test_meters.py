"""The meters of a listener: what they say to readers, what they save, and what they know after a restart."""

from __future__ import annotations

from typing import Any

from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from ppl.access.quota import Quota
from ppl.errors import StoreUnavailable
from ppl.listener.limits.meters import HOURS_KEPT, STOP_SECONDS, Meters
from ppl.listener.writing.writer import Writer
from ppl.model import HOUR
from ppl.services.clock import steady_clock, wall_clock
from ppl.store.interface import Received
from ppl.store.postgres import PostgresStore
from tests.listener.conftest import MakeDestination, MakeReceiving
from tests.listener.receiving import GatedStore, messages
from tests.waiting import until


class AwayNow:
    """The store, whose counts cannot be reached while ``away``."""

    def __init__(self, store: PostgresStore) -> None:
        self._store, self.away = store, True

    def __getattr__(self, name: str) -> Any:
        if self.away and name in ("count_received", "bytes_taken"):
            raise StoreUnavailable("PostgreSQL cannot be reached.")
        return getattr(self._store, name)


def made(store: Any, writer: Writer) -> Meters:
    return Meters(store, writer, reactor, wall_clock, steady_clock, Quota(bytes_per_day=100))


@ensureDeferred
async def test_counts_outlive_a_restart_and_an_outage(
    store: PostgresStore, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    receiving = await make_receiving(store)
    first, second = await make_destination(), await make_destination()
    over = AwayNow(store)
    meters = made(over, receiving.writer)
    await meters.startService()
    assert meters.of(first).take(3, 60) == 3
    assert meters.of(second).take(1, 10) == 1
    await meters.look()
    assert await store.received_since(first.id, 0) == []
    over.away = False
    await meters.look()
    await meters.stopService()
    hour = wall_clock() // HOUR
    assert await store.received_since(first.id, hour - 1) == [Received(first.id, hour, 3, 60, 0)]
    again = made(store, receiving.writer)
    known_before = again.of(first)
    await again.startService()
    assert (known_before.bytes_today, again.of(second).bytes_today) == (60, 10)
    assert known_before.take(3, 60) == 2, "as many as fit into what is left of the day"
    await again.stopService()
    assert await store.received_since(first.id, hour - 1) == [Received(first.id, hour, 5, 100, 1)]


@ensureDeferred
async def test_what_was_dropped_is_a_line_of_the_destination_itself(
    store: PostgresStore, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    receiving = await make_receiving(store)
    first, second = await make_destination(), await make_destination()
    meters = made(store, receiving.writer)
    await meters.startService()
    assert meters.of(first).take(1000, 100_000) == 1
    assert meters.of(second).take(1, 1) == 1
    await meters.look()
    await meters.look()
    await meters.stopService()
    await until(lambda: len(receiving.announced) == 1, "the line")
    assert await messages(store, first) == ["999 lines dropped: more than 100 bytes a day (quota)"]
    assert await messages(store, second) == []


@ensureDeferred
async def test_a_stop_waits_only_a_moment_for_the_counts_and_keeps_the_lines_about_them(
    store: PostgresStore, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    class Frozen(GatedStore):
        asked = 0

        async def count_received(self, counts: Any) -> None:
            self.asked += 1
            await Deferred()

    receiving, frozen, clock = await make_receiving(store), Frozen(store), Clock()
    destination = await make_destination()
    most = Quota(None, 100)
    meters = Meters(frozen, receiving.writer, clock, wall_clock, steady_clock, most)  # type: ignore[arg-type]
    await meters.startService()
    meters.of(destination).take(1000, 100_000)
    stopping = meters.stopService()
    await until(lambda: frozen.asked, "the counts are to be saved")
    assert not stopping.called
    clock.advance(STOP_SECONDS)
    await stopping
    await until(lambda: receiving.announced, "the line about what was dropped")
    assert clock.getDelayedCalls() == []


@ensureDeferred
async def test_counts_are_kept_for_some_days(
    store: PostgresStore, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    receiving = await make_receiving(store)
    destination = await make_destination()
    hour = wall_clock() // HOUR
    old = [Received(destination.id, hour - back, 1, 1, 1) for back in (HOURS_KEPT - 1, HOURS_KEPT + 1)]
    await store.count_received(old)
    await store.count_received(old[:1])
    meters = made(store, receiving.writer)
    meters.of(destination).take(1, 1)
    await meters.startService()
    await meters.stopService()
    found = await store.received_since(destination.id, 0)
    assert [(each.hour, each.lines) for each in found] == [(hour - HOURS_KEPT + 1, 2), (hour, 1)]
