"""Services that start one after the other and stop in reverse, each awaited.

Twisted's ``MultiService`` stops all its children at once, so that a store would close before the writer has drained.
"""

from __future__ import annotations

from collections.abc import Sequence

from twisted.application.service import IService, Service
from twisted.internet.defer import Deferred, ensureDeferred, maybeDeferred
from twisted.logger import Logger


class SequentialService(Service):
    """Starts ``parts`` in order, each after the one before *has* started; stops them in reverse.

    ``started`` is a Deferred that fires with ``None`` when all run, or fails with what stopped the start; parts
    that had started are then stopped by ``stopService``.
    """

    _log = Logger()

    def __init__(self, parts: Sequence[IService]) -> None:
        self._parts = parts
        self._running: list[IService] = []
        self.started: Deferred[None] = Deferred()
        self._starting: Deferred[None] | None = None

    def startService(self) -> None:
        """Begin; see ``started``."""
        super().startService()
        self.started = Deferred()
        self._starting = ensureDeferred(self._start())

    async def _start(self) -> None:
        try:
            for part in self._parts:
                if not self.running:
                    return
                self._running.append(part)
                await maybeDeferred(part.startService)
        except Exception as error:
            self.started.errback(error)
        else:
            self.started.callback(None)

    def stopService(self) -> Deferred[None]:
        """Stop what runs, last started first; fires when all have stopped. A failure is logged, the rest go on."""
        super().stopService()
        return ensureDeferred(self._stop())

    async def _stop(self) -> None:
        while self._running:
            part = self._running.pop()
            try:
                await maybeDeferred(part.stopService)
            except Exception:
                self._log.failure("{part} did not stop cleanly", part=part)
