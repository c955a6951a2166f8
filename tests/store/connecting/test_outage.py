"""PostgreSQL goes away under load: nothing hangs, and no acknowledged event is lost or doubled."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater

from ppl.errors import StoreUnavailable
from ppl.model import Destination
from ppl.store.connecting.pool import Pool
from ppl.store.embedded.server import EmbeddedPostgres
from ppl.store.postgres import PostgresStore
from tests.fixtures.database import execute
from tests.store.proxy import Proxy
from tests.store.samples import HERE, T0, events
from tests.waiting import until

pytestmark = [pytest.mark.long, pytest.mark.beside]

WRITERS, READERS, BATCH = 3, 6, 20


@pytest.fixture(params=[10**9, 1], ids=["INSERT", "COPY"])
def copy_events(request: pytest.FixtureRequest) -> int:
    """Both ways of storing a batch."""
    return int(request.param)


class Load:
    """Writers that repeat a batch until it is acknowledged, and readers, all at once."""

    def __init__(self, store: PostgresStore) -> None:
        self.acknowledged = dict.fromkeys(range(1, WRITERS + 1), 0)
        self.refusals = self.reads = 0
        self._store = store
        self._going = True
        self._done = gatherResults(
            [Deferred.fromCoroutine(self._write(number)) for number in self.acknowledged]
            + [Deferred.fromCoroutine(self._read()) for _ in range(READERS)],
            consumeErrors=True,
        )

    async def stop(self) -> None:
        self._going = False
        await self._done

    async def _write(self, number: int) -> None:
        destination = Destination(number, "h", number, "UTC")
        while self._going:
            first = T0 + self.acknowledged[number]
            batch = [events(first, [f"{number}/{first + n}" for n in range(BATCH)], destination)]
            while not await self._succeeds(lambda: self._store.append(batch)):  # noqa: B023
                pass
            self.acknowledged[number] += BATCH

    async def _read(self) -> None:
        while self._going:
            self.reads += await self._succeeds(lambda: self._store.newest(1, 10))

    async def _succeeds(self, call: Callable[[], object]) -> bool:
        begun = reactor.seconds()
        try:
            await call()
        except StoreUnavailable:
            self.refusals += 1
            await deferLater(reactor, 0.005, lambda: None)
            return False
        finally:
            assert reactor.seconds() - begun < 10, "a call took longer than any bound"
        return True


async def under_load(server: EmbeddedPostgres, copy_events: int, disturb: Callable[[], object]) -> Load:
    pool = Pool(reactor, server.dsn, 4, wait=1, connect_timeout=1, statement_timeout=2, grace=0.5)
    await pool.startService()
    store = PostgresStore(pool, lambda: T0, 3600, copy_events=copy_events)
    await store.ensure_slots(T0)
    load = Load(store)
    for _ in range(2):
        await _progress(load)
        await disturb()
        await _progress(load)
    await load.stop()
    assert load.reads
    stored = dict(execute(server.dsn, "SELECT destination_id, count(*) FROM event GROUP BY 1"))
    assert stored == load.acknowledged, "every acknowledged batch is stored once"
    counted = dict(execute(server.dsn, "SELECT destination_id, sum(count) FROM event_count GROUP BY 1"))
    assert counted == stored
    wrong = execute(server.dsn, "SELECT count(*) FROM event WHERE message <> destination_id || '/' || id")
    assert wrong == [(0,)]
    await pool.stopService()
    return load


async def _progress(load: Load) -> None:
    before = dict(load.acknowledged)
    await until(lambda: all(load.acknowledged[each] > before[each] + 2 * BATCH for each in before), seconds=30)


@ensureDeferred
async def test_restarts_under_load_lose_and_double_nothing(postgres_server: EmbeddedPostgres, copy_events: int) -> None:
    async def restart() -> None:
        await postgres_server.stopService()
        await postgres_server.startService()

    # Whether a call is refused or waits until the restart is over depends on milliseconds: either is right.
    await under_load(postgres_server, copy_events, restart)


@ensureDeferred
async def test_kills_under_load_lose_and_double_nothing(
    postgres_server: EmbeddedPostgres, copy_events: int, nothing_left_behind: list[str]
) -> None:
    async def kill() -> None:
        killed = postgres_server.pid
        os.kill(killed, signal.SIGKILL)
        await until(lambda: postgres_server.pid not in (None, killed), seconds=30)

    await under_load(postgres_server, copy_events, kill)
    nothing_left_behind.clear()


@ensureDeferred
async def test_killed_backends_under_load_lose_and_double_nothing(
    postgres_server: EmbeddedPostgres, copy_events: int
) -> None:
    async def kill() -> None:
        execute(
            postgres_server.dsn,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )

    await under_load(postgres_server, copy_events, kill)


@ensureDeferred
async def test_a_frozen_server_under_load_is_refused_in_time_and_used_again(
    postgres_server: EmbeddedPostgres, copy_events: int
) -> None:
    async def freeze() -> None:
        every = [postgres_server.pid, *_children(postgres_server.pid)]
        for pid in every:
            os.kill(pid, signal.SIGSTOP)
        try:
            await deferLater(reactor, 3.5, lambda: None)
        finally:
            for pid in every:
                os.kill(pid, signal.SIGCONT)

    load = await under_load(postgres_server, copy_events, freeze)
    assert load.refusals


def _children(pid: int | None) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@ensureDeferred
async def test_a_commit_whose_answer_was_lost_is_recognised(dsn: str, copy_events: int) -> None:
    proxy = Proxy(reactor, dsn)
    await proxy.start()
    pool = Pool(reactor, proxy.dsn, 1)
    await pool.startService()
    store = PostgresStore(pool, lambda: T0, 3600, copy_events=copy_events)
    await store.ensure_slots(T0)
    batch = [events(T0, ["a", "b"]), events(T0 + 5, ["c"], sender_ip="::1")]
    proxy.mode = "lose replies"
    with pytest.raises(StoreUnavailable):
        await store.append(batch)
    assert execute(dsn, "SELECT count(*) FROM event") == [(3,)], "the batch was committed although the answer was lost"
    await store.append(batch)
    assert execute(dsn, "SELECT count(*), (SELECT sum(count) FROM event_count) FROM event") == [(3, 3)]
    await store.append([events(T0 + 6, ["d"])])
    assert [event.message for event in (await store.newest(HERE.id, 9)).events] == ["a", "b", "c", "d"]
    await pool.stopService()
    await proxy.stop()
