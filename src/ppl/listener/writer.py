"""From parsed lines to committed events: ids, batches, backpressure, and never a loss while PostgreSQL is away.

Receivers :meth:`~Writer.submit` what they parsed. Two lanes lead to the store, and a destination is in one of them at
a time, so that its events stay in order. The main lane has one batch in flight and gathers the next meanwhile: batches
grow with the load by themselves and an idle writer commits at once (DESIGN.md 2). While it is busy with others, a
destination that sends little goes by the express lane, and waits for nobody's flood; the main lane's batches are short
then. What is committed is announced. When too much waits, the sources that feed it are paused (DESIGN.md 3).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import attrs
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from ppl.errors import IdConflict, PplError, StoreUnavailable
from ppl.listener.ids import IdSequence
from ppl.listener.waiting import Batch, Waiting
from ppl.model import Clock, Destination, Events, Lines
from ppl.store.interface import Store

#: A batch ends with the submission that passes this.
BATCH_EVENTS = 20_000

#: With as many waiting while a batch commits, the next is sent ahead.
STAGE_EVENTS = 4_000

#: How long a batch of the main lane shall take, by the rate of the one before it, and the fewest events it may have.
BATCH_SECONDS = 0.1
LEAST_EVENTS = 1_000

#: The same while others use the express lane: PostgreSQL and the processor are shared, so what is under way delays them
#: too. Then nothing is sent ahead either.
SHARED_SECONDS = 0.02

#: The express lane counts as used for so long after its last batch.
SHARED_FOR = 1.0

#: How long a stop waits for a store that is away.
STOP_SECONDS = 30.0

_FIRST_DELAY, _LONGEST_DELAY = 0.1, 5.0


class Source(Protocol):
    """What feeds the writer and can be held; both calls may repeat."""

    def pause(self) -> None:
        """Read no more."""

    def resume(self) -> None:
        """Read on."""


class Writer(Service):
    """The one writer of a listener.

    Args:
        store: where events go.
        announce: told of each committed :class:`~ppl.model.Events`, in the order of commit.
        reactor: timers.
        clock: µs; the time of receipt.
        queue_bytes: bytes that may wait before sources are paused; they go on below half of it.
    """

    _log = Logger()

    def __init__(
        self, store: Store, announce: Callable[[Events], None], reactor: Any, clock: Clock, queue_bytes: int
    ) -> None:
        self._store = store
        self._announce = announce
        self._reactor = reactor
        self._clock = clock
        self._waiting = Waiting(queue_bytes)
        self._ids: IdSequence | None = None
        self._paused: set[Source] = set()
        # Whether the lanes work, and the destinations that are in them.
        self._working = self._expressing = False
        self._main: set[int] = set()
        self._express: set[int] = set()
        # Fires when the batch in flight is committed; the batch that was sent ahead waits for it.
        self._committing: Deferred[None] | None = None
        self._staged: Batch | None = None
        self._in_flight = 0
        # When the express lane was last used, and the events a second of the main lane's last batch.
        self._shared_at = -SHARED_FOR
        self._rate = BATCH_EVENTS / SHARED_SECONDS
        self._away = False
        # Set while a stop waits for the last commit, and when it waits no longer.
        self._idle: Deferred[bool] | None = None
        self._abandoned = False
        # Set between two tries.
        self._asleep: Deferred[None] | None = None
        self._alarm: IDelayedCall

    @property
    def waiting_bytes(self) -> int:
        """Bytes that wait or are in flight."""
        return self._waiting.bytes

    @property
    def waiting_events(self) -> int:
        """Events that wait or are in flight."""
        return self._waiting.events

    def startService(self) -> Deferred[None]:  # type: ignore[override]
        """Fires when the last stored ids are known, which needs the store: it is tried until it answers."""
        super().startService()
        return Deferred.fromCoroutine(self._start())

    async def _start(self) -> None:
        delays = _Delays()
        while self.running and self._ids is None:
            try:
                self._ids = IdSequence(self._clock, await self._store.last_ids())
            except Exception as error:
                self._say_away(error)
                await self._sleep(delays.next())
        self._say_back()

    def submit(
        self,
        destination: Destination,
        sender_ip: str,
        lines: Lines,
        size: int,
        source: Source,
        committed: Callable[[], None] | None = None,
    ) -> None:
        """Take ``lines`` of ``destination``, in order of receipt; ``size`` is their bytes as received.

        May pause ``source`` before it returns. ``committed`` is called once all of them are durable (or left out for
        good, as what PostgreSQL can never take): what is acknowledged to a sender is acknowledged then.
        """
        assert self._ids is not None, "submitted before the start"
        count = len(lines)
        if not count:
            if committed is not None:
                committed()
            return
        events = Events(destination, sender_ip, self._ids.take(destination.id, count), lines)
        self._waiting.add(events, size, committed)
        if self._waiting.is_full:
            self._paused.add(source)
            source.pause()
        if not self._working:
            self._work()
        elif self._may_express(destination.id):
            self._work_express()
        else:
            self._stage_if_due()

    def _work(self) -> None:
        self._working = True
        working = Deferred.fromCoroutine(self._run())
        working.addErrback(lambda failure: self._log.failure("The writer met an error of ours", failure))

    def _work_express(self) -> None:
        self._expressing = True
        working = Deferred.fromCoroutine(self._run_express())
        working.addErrback(lambda failure: self._log.failure("The writer met an error of ours", failure))

    def forget(self, source: Source) -> None:
        """``source`` is gone; what it submitted stays."""
        self._paused.discard(source)

    async def _run(self) -> None:
        try:
            while not self._abandoned:
                batch, self._staged = self._staged or self._gather(), None
                if not batch.count:
                    return
                before, self._committing = self._committing, Deferred()
                if before is not None:
                    before.callback(None)
                self._main = batch.destinations
                self._in_flight = batch.count
                began = self._reactor.seconds()
                committing = Deferred.fromCoroutine(self._commit(batch))
                # Not only when more comes: sources may be held, and PostgreSQL would have nothing to do.
                self._stage_if_due()
                if not await committing:
                    return
                self._rate = batch.count / max(self._reactor.seconds() - began, 0.001)
                self._in_flight = self._staged.count if self._staged else 0
                self._main = self._staged.destinations if self._staged else set()
                self._committed(batch)
        finally:
            if self._staged is not None:
                self._roll_back_staged()
            self._committing = None
            self._working = False
            self._main = set()
            self._check_idle()

    async def _run_express(self) -> None:
        try:
            while not self._abandoned:
                batch = self._waiting.take_little(self._main)
                if not batch.count:
                    return
                self._express = batch.destinations
                self._shared_at = self._reactor.seconds()
                if not await self._commit(batch):
                    return
                self._express = set()
                self._committed(batch)
        finally:
            self._express = set()
            self._expressing = False
            if self._waiting and not self._working and not self._abandoned:
                self._work()
            self._check_idle()

    def _committed(self, batch: Batch) -> None:
        self._waiting.remove(batch)
        for submission in batch.submissions:
            # Whoever is told and fails, the others are told, and the lanes go on.
            self._tell(partial(self._announce, submission.events))
            if submission.committed is not None:
                self._tell(submission.committed)
        if self._waiting.has_room:
            self._resume_sources()

    def _tell(self, whom: Callable[[], None]) -> None:
        try:
            whom()
        except Exception:
            self._log.failure("Who was told of a commit met an error of ours")

    def _check_idle(self) -> None:
        if not self._working and not self._expressing and self._idle is not None and not self._idle.called:
            self._idle.callback(True)

    def _may_stage(self) -> bool:
        waits = self._waiting.events - self._in_flight
        return self._staged is None and self._committing is not None and waits >= STAGE_EVENTS and not self._is_shared()

    def _is_shared(self) -> bool:
        return self._expressing or self._reactor.seconds() - self._shared_at < SHARED_FOR

    def _stage_if_due(self) -> None:
        """Send the next batch, where it may be, while the present one commits (it is committed after it)."""
        if not self._may_stage():
            return
        staged = self._gather()
        if staged.count:
            self._staged = staged
            self._in_flight += staged.count
            self._main |= staged.destinations
            staged.stored = Deferred.fromCoroutine(self._store.append(staged.events, self._committing))

    def _roll_back_staged(self) -> None:
        """The batch sent ahead must not be committed as it is."""
        assert self._staged is not None
        if self._staged.stored is not None:
            assert self._committing is not None
            self._staged.stored.addErrback(lambda _: None)
            self._staged.stored = None
            self._committing.errback(StoreUnavailable("It is not its turn any more."))
            self._committing = Deferred()

    def _gather(self) -> Batch:
        """The main lane's next."""
        seconds = SHARED_SECONDS if self._is_shared() else BATCH_SECONDS
        return self._waiting.take(min(BATCH_EVENTS, max(LEAST_EVENTS, int(self._rate * seconds))), self._express)

    def _may_express(self, destination_id: int) -> bool:
        """Whether the first that waits of ``destination_id`` is for the express lane, and that is free."""
        if self._expressing or destination_id in self._main:
            return False
        return self._waiting.is_little(destination_id)

    async def _commit(self, batch: Batch) -> bool:
        """Store ``batch``, however often it takes; ``False`` if the stop gave up.

        Whatever the error, what was received is not thrown away: the store itself leaves out what it can never take.
        """
        if batch.stored is not None:
            try:
                await batch.stored
            except Exception as error:
                self._log.debug("A batch sent ahead is sent again: {kind}", kind=type(error).__name__)
            else:
                return True
        delays = _Delays()
        while True:
            try:
                await self._store.append(batch.events)
            except IdConflict as error:
                self._log.critical("Two listeners write to one destination; new ids are taken: {why}", why=str(error))
                await self._sleep(delays.next())
                if self._abandoned or not await self._renew_ids(batch):
                    return False
            except Exception as error:
                self._say_away(error)
                await self._sleep(delays.next())
                if self._abandoned:
                    return False
            else:
                self._say_back()
                return True

    async def _renew_ids(self, batch: Batch) -> bool:
        """Give everything not yet stored ids above those that are, in the same order."""
        assert self._ids is not None
        try:
            self._ids.not_below(await self._store.last_ids())
        except StoreUnavailable as error:
            self._say_away(error)
            return not self._abandoned
        renewed = list(batch.submissions)
        if self._staged is not None:
            self._roll_back_staged()
            renewed += self._staged.submissions
        renewed += self._waiting
        for submission in renewed:
            events = submission.events
            first_id = self._ids.take(events.destination.id, len(events))
            submission.events = attrs.evolve(events, first_id=first_id)
        return True

    def _resume_sources(self) -> None:
        paused, self._paused = self._paused, set()
        for source in paused:
            source.resume()

    def stopService(self) -> Deferred[None]:
        """Fires when all that was submitted is committed, or the store has been away for ``STOP_SECONDS``."""
        super().stopService()
        if self._ids is None:
            self._wake()
        return Deferred.fromCoroutine(self._drain())

    async def _drain(self) -> None:
        while (self._working or self._expressing) and not await self._idle_within(STOP_SECONDS):
            if self._away:
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
        self._wake()

    def _say_away(self, error: Exception) -> None:
        if not self._away:
            self._away = True
            # PostgreSQL's own words may quote a row, and what customers log stays out of our log.
            why = str(error) if isinstance(error, PplError) else type(error).__name__
            self._log.error("Events cannot be stored now and wait in memory: {why}", why=why)

    def _say_back(self) -> None:
        if self._away:
            self._away = False
            self._log.info("Events are stored again; {count} wait", count=self._waiting.events)

    async def _sleep(self, seconds: float) -> None:
        asleep: Deferred[None] = Deferred()
        self._asleep = asleep
        self._alarm = self._reactor.callLater(seconds, self._wake)
        await asleep

    def _wake(self) -> None:
        if self._asleep is not None:
            asleep, self._asleep = self._asleep, None
            if self._alarm.active():
                self._alarm.cancel()
            asleep.callback(None)


class _Delays:
    """Jittered backoff in seconds."""

    def __init__(self) -> None:
        self._delay = _FIRST_DELAY

    def next(self) -> float:
        delay = self._delay * random.uniform(0.5, 1.5)  # noqa: S311 - no secret
        self._delay = min(self._delay * 2, _LONGEST_DELAY)
        return delay
