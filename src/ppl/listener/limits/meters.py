"""Meters of all destinations: count received lines, apply the quotas, and tell readers what was dropped.

Counts are saved every minute and at the stop. A start reads those of the current day, so that a quota of bytes a day
holds over restarts; a crash loses at most the counts of the last minute.
"""

from __future__ import annotations

from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from ppl.access.quota import Quota
from ppl.errors import StatementTimeout, StoreUnavailable
from ppl.listener.limits.meter import Meter
from ppl.listener.writing.writer import Writer
from ppl.model import DAY, HOUR, Clock, Destination, Lines
from ppl.store.interface import FigureStore, Received

#: Seconds between two rounds; each reports what was dropped and saves the counts.
PERIOD_SECONDS = 60.0

#: Seconds that a stop waits for the counts to be saved.
STOP_SECONDS = 3.0

#: Hours for which counts are kept.
HOURS_KEPT = 72

_SYSLOG, _WARNING = 5, 4
_OWN_ADDRESS, _OWN_NAME = "127.0.0.1", "ppl"


class Meters(Service):
    """The meters of one listener.

    Args:
        store: keeps the counts.
        writer: takes the lines that report drops; it must run before this service starts.
        reactor: timers.
        clock: µs.
        steady: µs of a clock that is never set.
        most: the operator's quota for each destination.
    """

    _log = Logger()
    name = "the quotas of destinations"

    def __init__(
        self, store: FigureStore, writer: Writer, reactor: Any, clock: Clock, steady: Clock, most: Quota | None = None
    ) -> None:
        self._store, self._writer, self._clock, self._steady = store, writer, clock, steady
        self._most = most or Quota()
        self._meters: dict[int, Meter] = {}
        # Bytes that came today before this start, for destinations without a meter; None: not read yet.
        self._earlier: dict[int, int] | None = None
        self._tidied_at = 0
        self._reactor = reactor
        self._again = LoopingCall(self.look)
        self._again.clock = reactor

    def of(self, destination: Destination) -> Meter:
        """The meter of ``destination``, made or updated for its present settings."""
        meter = self._meters.get(destination.id)
        if meter is None:
            meter = self._meters[destination.id] = Meter(destination, self._most, self._clock, self._steady)
            if self._earlier is not None:
                meter.add_earlier(self._earlier.pop(destination.id, 0))
        elif meter.destination != destination:
            meter.change(destination)
        return meter

    def startService(self) -> Deferred[None]:  # type: ignore[override]
        """Fires when the counts from earlier today are read, or the store cannot be asked."""
        super().startService()
        self._again.start(PERIOD_SECONDS, now=False)
        return self.look()

    def stopService(self) -> Deferred[None]:
        """Fires when the writer has the reports of drops, and the counts are saved or the store is too slow."""
        super().stopService()
        if self._again.running:
            self._again.stop()
        looking = self.look()
        # The writer stops after this service, and its lines are worth more than these counts.
        return looking.addTimeout(STOP_SECONDS, self._reactor, lambda result, _: None)

    def look(self) -> Deferred[None]:
        """Report what was dropped and save the counts; the Deferred never fails."""
        doing = Deferred.fromCoroutine(self._look())
        doing.addErrback(lambda failure: self._log.failure("Counts of received lines are not saved", failure))
        return doing

    async def _look(self) -> None:
        self._say()
        try:
            if self._earlier is None:
                await self._read_earlier()
            await self._save()
            await self._tidy()
        except (StoreUnavailable, StatementTimeout, CancelledError):
            pass  # the next round tries again

    def _say(self) -> None:
        for meter in self._meters.values():
            texts = meter.take_unsaid()
            if texts:
                lines = _own_lines(self._clock(), texts)
                size = sum(map(len, texts))
                self._writer.submit(meter.destination, _OWN_ADDRESS, lines, size, _Unheld())

    async def _read_earlier(self) -> None:
        today = self._clock() // DAY * DAY
        earlier = dict(await self._store.bytes_taken(today // HOUR))
        if self._earlier is None:
            self._earlier = earlier
            for destination_id, meter in self._meters.items():
                meter.add_earlier(earlier.pop(destination_id, 0))

    async def _save(self) -> None:
        rows = []
        for destination_id, meter in sorted(self._meters.items()):
            unsaved, meter.unsaved = meter.unsaved, {}
            rows += [Received(destination_id, hour, *counts) for hour, counts in sorted(unsaved.items())]
        if not rows:
            return
        try:
            await self._store.count_received(rows)
        except BaseException:
            for row in rows:
                self._meters[row.destination_id].add_unsaved(row.hour, row.lines, row.bytes, row.dropped)
            raise

    async def _tidy(self) -> None:
        hour = self._clock() // HOUR
        if hour != self._tidied_at:
            await self._store.forget_received(hour - HOURS_KEPT)
            self._tidied_at = hour


class _Unheld:
    """The source of Ppl's own lines, which are too few to be held back."""

    def pause(self) -> None:
        """See :class:`~ppl.listener.writing.writer.Source`."""

    def resume(self) -> None:
        """See :class:`~ppl.listener.writing.writer.Source`."""


def _own_lines(now: int, texts: list[str]) -> Lines:
    count = len(texts)
    empty, own = [""] * count, [_OWN_NAME] * count
    return Lines([now] * count, [_SYSLOG] * count, [_WARNING] * count, own, own, empty, empty, empty, texts)
