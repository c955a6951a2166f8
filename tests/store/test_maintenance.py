"""What is repeated ends soon when it is stopped, whatever PostgreSQL does."""

from __future__ import annotations

from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from ppl.store.maintenance import Background, Repeated
from ppl.store.pool import Pool
from tests.waiting import until


@ensureDeferred
async def test_a_stop_gives_up_a_statement_that_does_not_end(dsn: str, nothing_left_behind: list[str]) -> None:
    pool = Pool(reactor, dsn, 1, statement_timeout=600)
    await pool.startService()
    ended: list[str] = []

    async def act() -> None:
        try:
            await pool.run("SELECT pg_sleep(600)")
        finally:
            ended.append("run")

    background = Background("Sleeping", act, lambda: None, reactor)
    background.startService()
    # Waits for the only connection.
    queued = Background("Queueing", act, lambda: None, reactor)
    queued.startService()
    stopping = [queued.stopService(), background.stopService()]
    for each in stopping:
        await each
    assert ended == ["run", "run"]
    await pool.stopService()


@ensureDeferred
async def test_a_stop_lets_a_run_end_that_soon_does() -> None:
    held: Deferred[None] = Deferred()
    ended: list[str] = []

    async def act() -> None:
        await held
        ended.append("whole")

    repeated = Repeated("Holding", act, reactor)
    repeated.startService()
    stopping = repeated.stopService()
    held.callback(None)
    await stopping
    assert ended == ["whole"]
    await until(lambda: stopping.called)
