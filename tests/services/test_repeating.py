"""Repeated actions end soon when they are stopped, whatever PostgreSQL does."""

from __future__ import annotations

from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.logger import formatEvent, globalLogPublisher

from ppl.services.repeating import Background, Repeated
from ppl.store.connecting.pool import Pool
from tests.waiting import until


@ensureDeferred
async def test_a_stop_cancels_a_statement_that_does_not_end(dsn: str, nothing_left_behind: list[str]) -> None:
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
    # This one waits for the only connection.
    queued = Background("Queueing", act, lambda: None, reactor)
    queued.startService()
    stopping = [queued.stopService(), background.stopService()]
    for each in stopping:
        await each
    assert ended == ["run", "run"]
    await pool.stopService()


@ensureDeferred
async def test_a_run_that_finds_no_free_connection_is_logged(dsn: str) -> None:
    said: list[str] = []
    observe = lambda event: said.append(formatEvent(event))  # noqa: E731
    pool = Pool(reactor, dsn, 1, wait=0.1)
    await pool.startService()
    busy = Deferred.fromCoroutine(pool.run("SELECT pg_sleep(0.5)"))

    async def act() -> None:
        await pool.run("SELECT 1")

    globalLogPublisher.addObserver(observe)
    background = Background("Retention", act, lambda: None, reactor)
    background.startService()
    await until(lambda: any(text.startswith("Retention waits") for text in said))
    globalLogPublisher.removeObserver(observe)
    assert any("has no free connection" in text for text in said)
    await background.stopService()
    await busy
    await pool.stopService()


@ensureDeferred
async def test_a_stop_waits_for_a_run_that_ends_soon() -> None:
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
