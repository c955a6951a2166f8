"""Services that repeat an action, and keep trying while PostgreSQL is away."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from ppl.errors import StatementTimeout, StoreUnavailable

#: Seconds between two runs: several fit into the time for which slots are made ahead.
PERIOD = 60.0

#: Seconds that a stop gives a run to end by itself.
GRACE = 3.0


class Repeated(Service):
    """Calls ``act`` at the start and then every ``period`` seconds, never twice at once.

    Args:
        name: what the log calls the action.
        act: the action; it may raise ``StoreUnavailable`` or ``StatementTimeout`` while PostgreSQL is away.
        reactor: the clock.
        period: seconds between two calls.
    """

    _log = Logger()

    def __init__(
        self, name: str, act: Callable[[], Coroutine[Deferred[Any], Any, None]], reactor: Any, period: float = PERIOD
    ) -> None:
        self.name = name
        self._act, self._period, self._reactor = act, period, reactor
        self._loop = LoopingCall(self._run)
        self._loop.clock = reactor
        self._running: Deferred[None] | None = None
        self._work: Deferred[None] | None = None
        self._first: Deferred[None] | None = None
        self._is_away = False

    def startService(self) -> Deferred[None]:  # type: ignore[override]
        """Fires after the first run, even if PostgreSQL was away; fails with any other error of that run."""
        super().startService()
        first: Deferred[None] = Deferred()
        self._first = first
        self._loop.start(self._period)
        return first

    def stopService(self) -> Deferred[None]:
        """Fires when a run under way has ended; after ``GRACE`` seconds it is cancelled."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        if self._loop.running:
            self._loop.stop()
        if self._running is not None and self._work is not None:
            impatient = self._reactor.callLater(GRACE, self._work.cancel)
            await self._running
            if impatient.active():
                impatient.cancel()

    def _run(self) -> Deferred[None]:
        ended: Deferred[None] = Deferred()
        self._running = ended

        def done(result: Failure | None) -> None:
            self._running = self._work = None
            ended.callback(None)
            first, self._first = self._first, None
            if first is not None:
                first.callback(result)
            elif result is not None:
                self._log.failure("{name} failed, retrying", result, name=self.name)

        work = Deferred.fromCoroutine(self._patiently())
        if not work.called:
            self._work = work
        return work.addBoth(done)

    async def _patiently(self) -> None:
        try:
            await self._act()
        except CancelledError:
            # Cancelled while it waited for a connection of the pool: a stop does not wait for one.
            if self.running:
                raise
        except (StoreUnavailable, StatementTimeout) as error:
            if not self._is_away and self.running:
                self._log.warn("{name} waits for PostgreSQL: {why}", name=self.name, why=str(error))
            self._is_away = True
        else:
            self._is_away = False


class Background(Repeated):
    """Like :class:`Repeated`, but the start does not wait for the first run, and a stop ends a run early.

    Args:
        end: asks a run that is under way to end.
    """

    def __init__(
        self,
        name: str,
        act: Callable[[], Coroutine[Deferred[Any], Any, None]],
        end: Callable[[], None],
        reactor: Any,
        period: float = PERIOD,
    ) -> None:
        super().__init__(name, act, reactor, period)
        self._end = end

    def startService(self) -> None:  # type: ignore[override]
        """Begin; the first run is under way when this returns."""
        Service.startService(self)
        self._loop.start(self._period)

    def stopService(self) -> Deferred[None]:
        """Fires when a run that was under way has ended."""
        self._end()
        return super().stopService()
