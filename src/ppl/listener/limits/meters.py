"""Counts what comes to every destination, has it bounded, and says to its readers what was dropped.

Counts are saved every minute and at the stop; at a start those of the day are read again, so that a quota of bytes a
day holds over restarts, up to what came in the last minute before a crash.
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
from ppl.store.interface import Received, Store

#: Seconds between two lines of a destination that say what was dropped, and between two times that counts are saved.
PERIOD_SECONDS = 60.0

#: Seconds that a stop waits for the counts to be saved.
STOP_SECONDS = 3.0

#: Counts of so many hours are kept.
HOURS_KEPT = 72

_SYSLOG, _WARNING = 5, 4
_OWN_ADDRESS, _OWN_NAME = "127.0.0.1", "ppl"


class Meters(Service):
    """The meters of one listener.

    Args:
        store: keeps the counts.
        writer: takes the lines that say what was dropped; it runs before this starts.
        reactor: turns.
        clock: µs.
        steady: µs of a clock that is never set.
        most: the operator's quota of each destination.
    """

    _log = Logger()
    name = "the quotas of destinations"

    def __init__(
        self, store: Store, writer: Writer, reactor: Any, clock: Clock, steady: Clock, most: Quota | None = None
    ) -> None:
        self._store, self._writer, self._clock, self._steady = store, writer, clock, steady
        self._most = most or Quota()
        self._meters: dict[int, Meter] = {}
        # What came today before this start, of destinations that have no meter yet; None: not read yet.
        self._earlier: dict[int, int] | None = None
        self._tidied_at = 0
        self._reactor = reactor
        self._again = LoopingCall(self.look)
        self._again.clock = reactor

    def of(self, destination: Destination) -> Meter:
        """The meter of ``destination``, which is known as that from now on."""
        meter = self._meters.get(destination.id)
        if meter is None:
            meter = self._meters[destination.id] = Meter(destination, self._most, self._clock, self._steady)
            if self._earlier is not None:
                meter.add_earlier(self._earlier.pop(destination.id, 0))
        elif meter.destination != destination:
            meter.change(destination)
        return meter

    def startService(self) -> Deferred[None]:  # type: ignore[override]
        """Fires when what came earlier today is known, or the store does not tell."""
        super().startService()
        self._again.start(PERIOD_SECONDS, now=False)
        return self.look()

    def stopService(self) -> Deferred[None]:
        """Fires when what was dropped is handed to the writer, and the counts are saved or the store is too slow."""
        super().stopService()
        if self._again.running:
            self._again.stop()
        looking = self.look()
        # The writer waits behind this, with lines that are worth more.
        return looking.addTimeout(STOP_SECONDS, self._reactor, lambda result, _: None)

    def look(self) -> Deferred[None]:
        """Say what was dropped, and save the counts; never fails."""
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
            pass  # the next look does it

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
    """The source of Ppl's own lines, which are few."""

    def pause(self) -> None:
        """See :class:`~ppl.listener.writing.writer.Source`."""

    def resume(self) -> None:
        """See :class:`~ppl.listener.writing.writer.Source`."""


def _own_lines(now: int, texts: list[str]) -> Lines:
    count = len(texts)
    empty, own = [""] * count, [_OWN_NAME] * count
    return Lines([now] * count, [_SYSLOG] * count, [_WARNING] * count, own, own, empty, empty, empty, texts)
