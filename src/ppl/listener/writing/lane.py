"""A lane of the writer: commits one batch after the other, and retries each until it is durable.

A lane owns its batch, the batch that it has sent ahead, its backoff and its pause, so that a lane that waits holds up
no other. The :class:`Supply` (the writer) gives the next batch and is told of each commit.

A batch that was tried is retried unchanged and never dropped: its commit may have succeeded although the reply was
lost, and the store recognises only the same events.

A lane is in one of four states:

=======  ================================  ====================================================================
state    batches of the lane               what happens next
=======  ================================  ====================================================================
idle     nothing                           ``start`` → storing; if the supply has nothing for it → idle
storing  a batch at the store              stored → announced, and the next batch: storing, or idle for lack of one;
                                           failed → resting; ``send_ahead`` → ahead
ahead    a batch at the store, and the     stored → announced, and the batch that was sent ahead commits: storing;
         next one sent but not committed   failed → resting, and what was sent ahead waits with it
resting  a batch that failed (and perhaps  the pause ends → storing or ahead: the same batch is tried again;
         one sent ahead)                   ``abandon`` → idle
=======  ================================  ====================================================================

- A batch that was sent ahead commits only after the one before it, so a destination's events become visible in order.
  If it fails, or the one before it gets new ids, it is rolled back and stored anew in its turn.
- An :class:`~ppl.errors.IdConflict` is a failure after which everything that is not stored yet gets new ids.
- ``abandon`` ends the retries at a stop. A batch at the store may still be committed; then it is announced as usual.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import attrs
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from ppl.errors import IdConflict, PplError, StoreUnavailable
from ppl.listener.writing.queue import Submission, WriteBatch
from ppl.services.backoff import Backoff
from ppl.services.pausing import Rest
from ppl.store.interface import EventStore

_log = Logger()

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0


class Supply(Protocol):
    """The writer as a lane sees it: gives batches and is told of commits."""

    def take(self, lane: Lane) -> WriteBatch:
        """The next batch of ``lane``; an empty one ends its work."""

    def begun(self, lane: Lane) -> None:
        """The commit of a batch has begun: the next may be sent ahead."""

    def committed(self, lane: Lane, batch: WriteBatch, seconds: float) -> None:
        """``batch`` of ``lane`` is durable; storing it took ``seconds``."""

    async def refresh_ids(self) -> None:
        """Make new ids higher than all stored ones; raises what the store raises."""

    def renumber(self, submissions: Iterable[Submission]) -> None:
        """Give new ids to ``submissions`` and then to all waiting submissions."""

    def ended(self, lane: Lane) -> None:
        """``lane`` has nothing more to do, or was abandoned."""


class StoringOutage:
    """Logs once that events cannot be stored, and once that they are stored again, for all lanes together.

    Args:
        waiting: tells how many events wait or are in flight.
    """

    def __init__(self, waiting: Callable[[], int]) -> None:
        self._waiting = waiting
        self._failing: set[object] = set()

    def __bool__(self) -> bool:
        """Whether the last try of some lane failed."""
        return bool(self._failing)

    def began(self, lane: object, error: Exception) -> None:
        """A try of ``lane`` failed."""
        if not self._failing:
            # PostgreSQL's own words may quote a row, and customers' lines stay out of Ppl's log.
            why = str(error) if isinstance(error, PplError) else type(error).__name__
            _log.error("Events cannot be stored now and wait in memory: {why}", why=why)
        self._failing.add(lane)

    def ended(self, lane: object) -> None:
        """A try of ``lane`` succeeded."""
        if self._failing:
            self._failing.discard(lane)
            if not self._failing:
                _log.info("Events are stored again; {count} are still waiting", count=self._waiting())


@attrs.define(eq=False)
class _Ahead:
    """A batch that was sent ahead, and its append, which commits once ``turn`` has fired."""

    batch: WriteBatch
    stored: Deferred[None]
    turn: Deferred[None]
    is_rolled_back: bool = False

    def appended(self, result: Any) -> Any:
        """Note that the append has ended: nothing waits for ``turn``, so its failure is not unhandled."""
        self.turn.addErrback(lambda _: None)
        return result

    async def commit(self) -> bool:
        """Let the append commit; ``True`` if it was committed."""
        if self.is_rolled_back:
            return False
        self.turn.callback(None)
        try:
            await self.stored
        except Exception as error:
            _log.debug("A batch sent ahead failed and is sent again: {kind}", kind=type(error).__name__)
            return False
        return True

    def roll_back(self) -> None:
        """Make the append fail: the batch must not be committed as it is."""
        if not self.is_rolled_back:
            self.is_rolled_back = True
            self.turn.errback(StoreUnavailable("An earlier batch failed."))
            self.stored.addErrback(lambda _: None)


class Lane:
    """Commits batches to the store, one after the other.

    Args:
        store: where batches go.
        reactor: timers.
        supply: see :class:`Supply`.
        outage: told of each failure and success.

    Attributes:
        is_running: whether it works on a batch or pauses before a retry.
        destinations: ids of the destinations whose events are in this lane; they must be in no other lane.
        in_flight: how many events are in this lane.
    """

    def __init__(self, store: EventStore, reactor: Any, supply: Supply, outage: StoringOutage) -> None:
        self._store, self._reactor, self._supply, self._outage = store, reactor, supply, outage
        self._rest = Rest(reactor)
        self._batch: WriteBatch | None = None
        self._ahead: _Ahead | None = None
        self._abandoned = False
        self.is_running = False
        self.destinations: set[int] = set()
        self.in_flight = 0

    def start(self) -> None:
        """Work until the supply has nothing for this lane. The lane must not be running."""
        self.is_running = True
        working = Deferred.fromCoroutine(self._run())
        working.addErrback(lambda failure: _log.failure("Internal error in a lane of the writer", failure))

    def abandon(self) -> None:
        """Stop retrying; a batch in flight may still be committed."""
        self._abandoned = True
        self._rest.end()

    @property
    def may_send_ahead(self) -> bool:
        """Whether a batch is being committed and no other was sent ahead."""
        return self._batch is not None and self._ahead is None

    def send_ahead(self, batch: WriteBatch) -> None:
        """Send ``batch`` to PostgreSQL now, to commit after the present one; :attr:`may_send_ahead` must be true."""
        turn: Deferred[None] = Deferred()
        stored = Deferred.fromCoroutine(self._store.append(batch.events, turn))
        self._ahead = _Ahead(batch, stored, turn)
        stored.addBoth(self._ahead.appended)
        self._count()

    async def _run(self) -> None:
        try:
            while not self._abandoned:
                ahead, self._ahead = self._ahead, None
                batch = self._supply.take(self) if ahead is None else ahead.batch
                if not batch.count:
                    break
                await self._work_on(batch, ahead)
        finally:
            self._end()

    async def _work_on(self, batch: WriteBatch, ahead: _Ahead | None) -> None:
        self._batch = batch
        self._count()
        began = self._reactor.seconds()
        storing = Deferred.fromCoroutine(self._store_it(batch, ahead))
        # Here too, not only when lines come: if all sources are paused, PostgreSQL would have nothing to do.
        self._supply.begun(self)
        if await storing:
            self._batch = None
            self._count()
            self._supply.committed(self, batch, self._reactor.seconds() - began)

    def _end(self) -> None:
        if self._ahead is not None:
            self._ahead.roll_back()
        self._batch = self._ahead = None
        self._count()
        self.is_running = False
        self._supply.ended(self)

    def _count(self) -> None:
        batches = [self._batch] if self._batch is not None else []
        if self._ahead is not None:
            batches.append(self._ahead.batch)
        self.destinations = {id_ for batch in batches for id_ in batch.destinations}
        self.in_flight = sum(batch.count for batch in batches)

    async def _store_it(self, batch: WriteBatch, ahead: _Ahead | None) -> bool:
        """Store ``batch``, with as many tries as it takes; ``False`` if the lane was abandoned first.

        No error makes it discard received lines: the store itself leaves out what it can never accept.
        """
        if ahead is not None and await ahead.commit():
            return True
        backoff = Backoff(_FIRST_PAUSE, _LONGEST_PAUSE)
        while not self._abandoned:
            try:
                await self._store.append(batch.events)
            except IdConflict as error:
                _log.critical("Two listeners write to one destination; new ids are taken: {why}", why=str(error))
                if not self._abandoned and await self._rest.take(backoff.next()):
                    await self._renew_ids(batch)
            except Exception as error:
                if not self._abandoned:
                    self._outage.began(self, error)
                    await self._rest.take(backoff.next())
            else:
                self._outage.ended(self)
                return True
        return False

    async def _renew_ids(self, batch: WriteBatch) -> None:
        """Give everything that is not stored yet new ids above the stored ones.

        If that fails, ``batch`` meets the same conflict at the next try.
        """
        try:
            await self._supply.refresh_ids()
        except Exception as error:
            self._outage.began(self, error)
            return
        renewed = list(batch.submissions)
        if self._ahead is not None:
            self._ahead.roll_back()
            renewed += self._ahead.batch.submissions
        self._supply.renumber(renewed)
