"""Services that start one after the other and stop in reverse, each awaited, and groups that stop all at once.

Twisted's ``MultiService`` stops all its children at once, so that a store would close before the writer has drained.
A stop logs what it waits for, and always ends.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from twisted.application.service import IService, Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.error import AlreadyCalled, AlreadyCancelled
from twisted.logger import Logger
from twisted.python.failure import Failure

_log = Logger()

#: Seconds of waiting for a part to stop after which the log says so.
SAID_AFTER = (5.0, 30.0, 60.0)

#: Seconds after which a part that does not stop is left behind. Slow parts have shorter limits of their own.
LONGEST_STOP = 90.0


class Together(Service):
    """Starts ``parts`` in order, each after the one before *has* started; stops them all at once.

    A failed start leaves running what had started, until ``stopService``.

    Args:
        parts: named in the log by their ``name``, else by their class. None may need another while it stops.
        reactor: the clock.
    """

    def __init__(self, parts: Sequence[IService], reactor: Any) -> None:
        self._parts, self._reactor = parts, reactor
        self._running: list[IService] = []

    @property
    def name(self) -> str:  # type: ignore[override]
        """The names of its parts."""
        return ", ".join(named(part) for part in self._parts)

    def startService(self) -> Deferred[None]:  # type: ignore[override]
        """Start all; the Deferred fires when they run, and fails with the error that ended the start.

        If ``stopService`` is called before that, it fires early, and the remaining parts are never started.
        """
        super().startService()
        return Deferred.fromCoroutine(self._start())

    async def _start(self) -> None:
        for part in self._parts:
            if not self.running:
                return
            self._running.append(part)
            await maybeDeferred(part.startService)

    def stopService(self) -> Deferred[None]:
        """Stop what runs; fires when all have stopped. A failure is logged, and the others still stop."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        running, self._running = self._running, []
        for stopping in [stopped(part, self._reactor) for part in running]:
            await stopping


class SequentialService(Together):
    """Like :class:`Together`, but stops its parts in reverse, each after the one before *has* stopped."""

    def __init__(self, parts: Sequence[IService], reactor: Any) -> None:
        super().__init__(parts, reactor)
        self._failed_start: Callable[[Failure], None] | None = None

    def on_failed_start(self, callback: Callable[[Failure], None]) -> None:
        """Call ``callback`` with the failure of a start: twistd ignores the Deferred of ``startService``."""
        self._failed_start = callback

    def startService(self) -> Deferred[None]:  # type: ignore[override]
        """Like :meth:`Together.startService`; a failure also goes to the callback of :meth:`on_failed_start`."""
        starting = super().startService()
        if self._failed_start is not None:
            starting.addErrback(self._failed_start)
        return starting

    async def _stop(self) -> None:
        while self._running:
            await stopped(self._running.pop(), self._reactor)


def stopped(part: IService, reactor: Any) -> Deferred[None]:
    """Stop ``part``; fires when it has stopped, or has taken too long, and never fails."""
    name = named(part)
    done: Deferred[None] = Deferred()

    def waited(seconds: float) -> None:
        _log.warn("Still stopping: {part} has not ended after {seconds:g} s", part=name, seconds=seconds)

    def left() -> None:
        _log.error("{part} did not stop within {seconds:g} s and is left behind", part=name, seconds=LONGEST_STOP)
        done.callback(None)

    # The parts of a group are logged themselves.
    said_after = () if isinstance(part, Together) else SAID_AFTER
    timers = [reactor.callLater(seconds, waited, seconds) for seconds in said_after]
    timers.append(reactor.callLater(LONGEST_STOP, left))

    def failed(failure: Failure) -> None:
        _log.failure("{part} did not stop cleanly", failure, part=name)

    def ended(_: object) -> None:
        for timer in timers:
            with suppress(AlreadyCalled, AlreadyCancelled):
                timer.cancel()
        if not done.called:
            done.callback(None)

    maybeDeferred(part.stopService).addErrback(failed).addCallback(ended)
    return done


def named(part: IService) -> str:
    """What the log calls ``part``."""
    return part.name or type(part).__name__
