"""The writer: turns parsed lines into committed events, with backpressure, and loses none while PostgreSQL is away.

**In**: receivers and uploads :meth:`~Writer.submit` lines that they have parsed, with a callback. **Out**: events in
the store; then each submission is announced to the link, and its callback is called, which acknowledges the lines to
their sender where the protocol can do that. The writer never announces or acknowledges lines that are not durable.

**The path of a submission**:

1. Its lines get ids, in order of receipt, strictly increasing for each destination (:mod:`.ids`).
2. It waits in the queue of its destination (:mod:`.queue`). If more than the limit waits, the source that submitted it
   is paused; once less than half of the limit waits, all paused sources resume. Nothing is ever dropped.
3. A lane (:mod:`.lane`) takes it in a batch, and tries until the store has committed it.
4. It is removed from the queue, announced and acknowledged.

**Two lanes** lead to the store. A destination is in one of them at a time, so that its events stay in order.

========================  ==============================================  ============================================
what the main lane does   a destination submits                           then
========================  ==============================================  ============================================
idle                      anything                                        the main lane starts at once
storing, for others       little (the express lane is free)               the express lane stores it beside
storing, for others       much, or the express lane is at work            it waits for its turn in the main lane
storing, for it too       anything                                        it waits for the main lane
storing, much waits       (no express lane in use)                        the next batch is sent ahead
========================  ==============================================  ============================================

The main lane has one batch in flight and gathers the next meanwhile, so batches grow with the load by themselves, and
an idle writer commits at once. While the express lane is in use the main lane's batches are short.

**PostgreSQL away**: both lanes retry, each with its own backoff. Lines wait in memory, up to the limit; then sources
are paused, and senders wait. **The stop** waits until everything is committed. It gives up, and says how many lines are
lost, when nothing was committed for :data:`STOP_SECONDS` (:data:`STOP_SECONDS_UNANSWERED`).

``tests/listener/writing/test_writer_model.py`` looks for a sequence of events that breaks one of these promises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import chain
from typing import Any, Protocol

import attrs
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from ppl.listener.writing.ids import IdSequence
from ppl.listener.writing.lane import Lane, StoringOutage
from ppl.listener.writing.queue import Submission, Waiting, WriteBatch
from ppl.model import DAY, MINUTE, Clock, Destination, Events, Lines, UploadKeys
from ppl.services.backoff import Backoff
from ppl.services.pausing import Rest
from ppl.store.interface import EventStore

#: Seconds that a batch of the main lane should take, at the rate of the one before it.
BATCH_SECONDS = 0.1

#: Seconds that it should take while the express lane is in use: PostgreSQL and the processor are shared, so a batch in
#: flight delays that lane too. Nothing is sent ahead then either.
SHARED_SECONDS = 0.02

#: Seconds after its last batch for which the express lane counts as in use.
SHARED_FOR = 1.0

#: Seconds that a stop waits without a commit for a store that is unavailable, and for one that has not answered yet.
STOP_SECONDS, STOP_SECONDS_UNANSWERED = 30.0, 60.0

#: µs that ids may be ahead of the clock, and the clock ahead of the newest stored event, before a warning is logged.
AHEAD, LONG_SINCE = MINUTE, 7 * DAY

#: Seconds after which the warning about ids is repeated.
WARN_SECONDS = 3600.0

_LOOK_SECONDS, _SAY_SECONDS = 1.0, 5.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0


@attrs.frozen
class BatchEvents:
    """How many events make a batch of the main lane.

    Attributes:
        most: a batch ends with the submission that passes this.
        least: the rate of the batch before never limits a batch to fewer than this.
        ahead: if this many wait while a batch commits, the next is sent ahead.
    """

    most: int = 20_000
    least: int = 1_000
    ahead: int = 4_000


class Source(Protocol):
    """A source of lines that the writer can pause; both calls may repeat."""

    def pause(self) -> None:
        """Stop reading."""

    def resume(self) -> None:
        """Resume reading."""


class Writer(Service):
    """The one writer of a listener.

    Args:
        store: where events go.
        announce: told of each committed :class:`~ppl.model.Events`, in the order of commit.
        reactor: timers.
        clock: µs; the time of receipt.
        queue_bytes: bytes that may wait before sources are paused; the sources resume below half of it.
        batch_events: how many are committed at once.
    """

    _log = Logger()
    name = "the writer of received lines"

    def __init__(
        self,
        store: EventStore,
        announce: Callable[[Events], None],
        reactor: Any,
        clock: Clock,
        queue_bytes: int,
        batch_events: BatchEvents = BatchEvents(),
    ) -> None:
        self._store = store
        self._announce = announce
        self._reactor = reactor
        self._clock = clock
        self._waiting = Waiting(queue_bytes)
        self._batch_events = batch_events
        self._ids: IdSequence | None = None
        self._paused: set[Source] = set()
        self._outage = StoringOutage(lambda: self.waiting_events)
        self._main = Lane(store, reactor, self, self._outage)
        self._express = Lane(store, reactor, self, self._outage)
        # When the express lane was last used, and the events a second of the main lane's last batch.
        self._shared_at = -SHARED_FOR
        self._rate = batch_events.most / SHARED_SECONDS
        self._rest = Rest(reactor)
        # When the last warning about ids ahead of the clock was logged.
        self._warned_at: float | None = None
        # Batches committed so far, and the Deferred that fires when both lanes have nothing more to do.
        self._commits = 0
        self._idle: Deferred[bool] | None = None
        self._abandoned = False

    @property
    def waiting_bytes(self) -> int:
        """Bytes that wait or are in flight."""
        return self._waiting.bytes

    @property
    def waiting_events(self) -> int:
        """Events that wait or are in flight."""
        return self._waiting.events

    def startService(self) -> Deferred[None]:  # type: ignore[override]
        """Fires when the last stored ids are known; the store is asked until it answers."""
        super().startService()
        return Deferred.fromCoroutine(self._start())

    async def _start(self) -> None:
        backoff = Backoff(_FIRST_PAUSE, _LONGEST_PAUSE)
        while self.running and self._ids is None:
            try:
                last_ids = await self._store.last_ids()
            except Exception as error:
                self._outage.began(self, error)
                await self._rest.take(backoff.next())
            else:
                self._ids = IdSequence(self._clock, last_ids)
                self._compare_clock(last_ids)
        self._outage.ended(self)

    def _compare_clock(self, last_ids: Mapping[int, int]) -> None:
        """Warn if the clock cannot be right, given the times of stored events."""
        now = self._clock()
        if ahead := [last for last in last_ids.values() if last - now > AHEAD]:
            self._log.warn(
                "The newest stored event of {count} destinations is {days:.2f} days ahead of this machine's clock:"
                " until the clock catches up, new lines get times after it. Correct the clock, or repair the stored"
                " events with --repair-clock (operator's guide, The clock)",
                count=len(ahead),
                days=(max(ahead) - now) / DAY,
            )
        elif last_ids and now - max(last_ids.values()) > LONG_SINCE:
            self._log.warn(
                "The newest stored event is {days:.0f} days old by this machine's clock. If the clock is ahead, stop"
                " Ppl and correct it: lines that are stored now keep the wrong time",
                days=(now - max(last_ids.values())) / DAY,
            )

    def submit(
        self,
        destination: Destination,
        sender_ip: str,
        lines: Lines,
        size: int,
        source: Source,
        committed: Callable[[], None] | None = None,
        keys: UploadKeys | None = None,
    ) -> None:
        """Take ``lines`` of ``destination``, in order of receipt; ``size`` is their bytes as received.

        May pause ``source`` before it returns. ``committed`` is called once all lines are durable (or left out for
        good, because PostgreSQL can never accept them): only then may they be acknowledged to their sender. ``keys``
        are stored with the lines.
        """
        assert self._ids is not None, "submitted before the start"
        count = len(lines)
        if not count:
            if committed is not None:
                committed()
            return
        events = Events(destination, sender_ip, self._ids.take(destination.id, count), lines, keys)
        if self._ids.ahead > AHEAD:
            self._say_ahead(destination, self._ids.ahead)
        self._waiting.add(events, size, committed)
        if self._waiting.is_full:
            self._paused.add(source)
            source.pause()
        if not self._main.is_running:
            self._main.start()
        elif self._may_express(destination.id):
            self._express.start()
        else:
            self._send_ahead_if_due()

    def _say_ahead(self, destination: Destination, ahead: int) -> None:
        now = self._reactor.seconds()
        if self._warned_at is None or now - self._warned_at >= WARN_SECONDS:
            self._warned_at = now
            self._log.warn(
                "Lines of {user_id} get times {days:.3f} days ahead of this machine's clock, after its newest event",
                user_id=destination.user_id,
                days=ahead / DAY,
            )

    def forget(self, source: Source) -> None:
        """Forget ``source``, which is gone; the lines that it submitted stay."""
        self._paused.discard(source)

    # The lanes' Supply

    def take(self, lane: Lane) -> WriteBatch:
        """See :class:`~ppl.listener.writing.lane.Supply`."""
        if lane is self._main:
            return self._gather()
        batch = self._waiting.take_little(self._main.destinations)
        if batch.count:
            self._shared_at = self._reactor.seconds()
        return batch

    def begun(self, lane: Lane) -> None:
        """See :class:`~ppl.listener.writing.lane.Supply`."""
        if lane is self._main:
            self._send_ahead_if_due()

    def committed(self, lane: Lane, batch: WriteBatch, seconds: float) -> None:
        """See :class:`~ppl.listener.writing.lane.Supply`."""
        self._commits += 1
        if lane is self._main:
            self._rate = batch.count / max(seconds, 0.001)
        self._waiting.remove(batch)
        for submission in batch.submissions:
            # If one callback fails, the others are still called, and the lanes go on.
            _tell(partial(self._announce, submission.events))
            if submission.committed is not None:
                _tell(submission.committed)
        if self._waiting.has_room:
            paused, self._paused = self._paused, set()
            for source in paused:
                _tell(source.resume)

    async def refresh_ids(self) -> None:
        """See :class:`~ppl.listener.writing.lane.Supply`."""
        assert self._ids is not None
        self._ids.not_below(await self._store.last_ids())

    def renumber(self, submissions: Iterable[Submission]) -> None:
        """See :class:`~ppl.listener.writing.lane.Supply`."""
        assert self._ids is not None
        for submission in chain(submissions, self._waiting):
            events = submission.events
            submission.events = attrs.evolve(events, first_id=self._ids.take(events.destination.id, len(events)))

    def ended(self, lane: Lane) -> None:
        """See :class:`~ppl.listener.writing.lane.Supply`."""
        if lane is self._express and self._waiting and not self._main.is_running and not self._abandoned:
            self._main.start()
        if not self._is_working and self._idle is not None and not self._idle.called:
            self._idle.callback(True)

    @property
    def _is_working(self) -> bool:
        return self._main.is_running or self._express.is_running

    def _gather(self) -> WriteBatch:
        """The next batch of the main lane."""
        seconds = SHARED_SECONDS if self._is_shared() else BATCH_SECONDS
        most = min(self._batch_events.most, max(self._batch_events.least, int(self._rate * seconds)))
        return self._waiting.take(most, self._express.destinations)

    def _is_shared(self) -> bool:
        return self._express.is_running or self._reactor.seconds() - self._shared_at < SHARED_FOR

    def _send_ahead_if_due(self) -> None:
        """Send the main lane's next batch while the present one commits, if that is allowed and enough waits."""
        if not self._main.may_send_ahead or self._is_shared():
            return
        if self._waiting.events - self._main.in_flight >= self._batch_events.ahead:
            batch = self._gather()
            if batch.count:
                self._main.send_ahead(batch)

    def _may_express(self, destination_id: int) -> bool:
        """Whether the express lane is free and may take the first waiting submission of the destination."""
        if self._express.is_running or destination_id in self._main.destinations:
            return False
        return self._waiting.is_little(destination_id)

    # The stop

    def stopService(self) -> Deferred[None]:
        """Fires when all submitted lines are committed.

        The stop gives up, and logs how many lines are lost, when nothing has been committed for ``STOP_SECONDS`` while
        the store is unavailable, or for ``STOP_SECONDS_UNANSWERED`` while it does not answer.
        """
        super().stopService()
        self._rest.end()
        return Deferred.fromCoroutine(self._drain())

    async def _drain(self) -> None:
        commits, since = self._commits, self._reactor.seconds()
        said = False
        while self._is_working and not await self._idle_within(_LOOK_SECONDS):
            if self._commits > commits:
                commits, since = self._commits, self._reactor.seconds()
            waited = self._reactor.seconds() - since
            if waited >= _SAY_SECONDS and not said:
                said = True
                self._log.warn(
                    "The stop is waiting for PostgreSQL: {count} received lines are not stored yet",
                    count=self._waiting.events,
                )
            if waited >= (STOP_SECONDS if self._outage else STOP_SECONDS_UNANSWERED):
                self._abandon()
                return

    async def _idle_within(self, seconds: float) -> bool:
        idle: Deferred[bool] = Deferred()
        self._idle = idle
        timer = self._reactor.callLater(seconds, idle.callback, False)
        finished = await idle
        self._idle = None
        if timer.active():
            timer.cancel()
        return finished

    def _abandon(self) -> None:
        self._abandoned = True
        self._log.critical(
            "Stopped while PostgreSQL is away: {count} received lines are lost", count=self._waiting.events
        )
        for lane in (self._main, self._express):
            lane.abandon()


def _tell(callback: Callable[[], object]) -> None:
    try:
        callback()
    except Exception:
        Writer._log.failure("A commit callback failed")
