"""Services that start one after the other and stop in reverse, each awaited.

Twisted's ``MultiService`` stops all its children at once, so that a store would close before the writer has drained.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twisted.application.service import IService, Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure


class SequentialService(Service):
    """Starts ``parts`` in order, each after the one before *has* started; stops them in reverse.

    A failed start leaves running what had started, until ``stopService``.
    """

    _log = Logger()

    def __init__(self, parts: Sequence[IService]) -> None:
        self._parts = parts
        self._running: list[IService] = []
        self._failed_start: Callable[[Failure], None] | None = None

    def on_failed_start(self, callback: Callable[[Failure], None]) -> None:
        """Have ``callback`` told what stopped a start that twistd began (it ignores the Deferred)."""
        self._failed_start = callback

    def startService(self) -> Deferred[None]:  # type: ignore[override]
        """Start all; the Deferred fires when they run, and fails with what stopped the start.

        When ``stopService`` comes first it fires early, with the remaining parts never started.
        """
        super().startService()
        starting = Deferred.fromCoroutine(self._start())
        if self._failed_start is not None:
            starting.addErrback(self._failed_start)
        return starting

    async def _start(self) -> None:
        for part in self._parts:
            if not self.running:
                return
            self._running.append(part)
            await maybeDeferred(part.startService)

    def stopService(self) -> Deferred[None]:
        """Stop what runs, last started first; fires when all have stopped. A failure is logged, the rest go on."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        while self._running:
            part = self._running.pop()
            try:
                await maybeDeferred(part.stopService)
            except Exception:
                self._log.failure("{part} did not stop cleanly", part=part)
