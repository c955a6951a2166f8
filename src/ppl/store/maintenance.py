"""What must happen now and then whoever is watching: slots ahead of time, expired sessions forgotten."""

from __future__ import annotations

from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from ppl.errors import StatementTimeout, StoreUnavailable
from ppl.model import Clock
from ppl.store.postgres import PostgresStore

#: Seconds between two runs: several fit into what is made ahead.
PERIOD = 60.0


class Maintenance(Service):
    """Keeps the slots of ``store`` ahead of ``clock``."""

    _log = Logger()

    def __init__(self, store: PostgresStore, reactor: Any, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._loop = LoopingCall(self._run)
        self._loop.clock = reactor
        self._running: Deferred[None] | None = None
        self._first: Deferred[None] | None = None
        self._is_away = False

    def startService(self) -> Deferred[None]:  # type: ignore[override]
        """Fires after the first run, also when PostgreSQL was away then; fails with what else went wrong in it."""
        super().startService()
        first: Deferred[None] = Deferred()
        self._first = first
        self._loop.start(PERIOD)
        return first

    def stopService(self) -> Deferred[None]:
        """Fires when a run that is under way has ended."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        if self._loop.running:
            self._loop.stop()
        if self._running is not None:
            await self._running

    def _run(self) -> Deferred[None]:
        ended: Deferred[None] = Deferred()
        self._running = ended

        def done(result: Failure | None) -> None:
            self._running = None
            ended.callback(None)
            first, self._first = self._first, None
            if first is not None:
                first.callback(result)
            elif result is not None:
                self._log.failure("Maintenance failed; it is tried again", result)

        return Deferred.fromCoroutine(self._maintain()).addBoth(done)

    async def _maintain(self) -> None:
        try:
            await self._store.ensure_slots(self._clock())
            await self._store.delete_expired_sessions()
        except (StoreUnavailable, StatementTimeout) as error:
            if not self._is_away:
                self._log.warn("Maintenance waits for PostgreSQL: {sentence}", sentence=str(error))
            self._is_away = True
        else:
            self._is_away = False
