"""Finds the live events that match a query, once for all viewers that search for it, a few milliseconds in each turn.

A query may be slow (the language bounds it by the length of the text, not by a time), and events may come by the
thousand; neither may hold up anything else. Events that come faster than they can be filtered are left to PostgreSQL.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import Cooperator, SchedulerStopped
from twisted.python.failure import Failure

from ppl.live.filtering import Filter
from ppl.live.portion import size_of
from ppl.model import Event

#: Seconds of a turn for all sieves together, and the longest pause after it; usually the pause is as long as the work.
SLICE_SECONDS, LONGEST_REST = 0.005, 0.1

#: Events, and about how many characters, that are filtered between two looks at the clock. Measured, a query of two
#: hundred words takes 1 µs per character.
_STEP_EVENTS, _STEP_SIZE = 25, 1 << 13

#: Events, and about how many characters, that may wait to be filtered.
MOST_EVENTS, MOST_SIZE = 50_000, 16 << 20


class SieveTurns:
    """The time that all sieves share, one step of each in rotation.

    Args:
        reactor: the clock.
    """

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._took = 0.0
        self._cooperator = Cooperator(self._slice, self._later)

    def take(self, steps: Iterator[Deferred[None] | None], failed: Callable[[Failure], object]) -> None:
        """Run ``steps`` from the next turn on; while a Deferred that a step gave has not fired, no further step runs.

        ``failed`` is called if one raises.
        """
        self._cooperator.cooperate(steps).whenDone().addErrback(_unless_stopped, failed)

    def stop(self) -> None:
        """Run no further step."""
        self._cooperator.stop()

    def _slice(self) -> Callable[[], bool]:
        began = self._reactor.seconds()

        def is_over() -> bool:
            self._took = self._reactor.seconds() - began
            return bool(self._took >= SLICE_SECONDS)

        return is_over

    def _later(self, work: Callable[[], None]) -> IDelayedCall:
        rest = min(max(0.0, self._took), LONGEST_REST)
        self._took = 0.0
        delayed: IDelayedCall = self._reactor.callLater(rest, work)
        return delayed


class Sieve:
    """Filters announced events.

    Args:
        filter_: the filter that events must match.
        turns: shares out the time.
        found: called with the events that match, in the order in which they were announced.
        missed: called when events were left out; they are in the store.
        failed: called on an internal error; no more events are found.
        most_events, most_size: how many events, and about how many characters, may wait to be filtered.

    Attributes:
        seen: id of the newest event that was filtered, 0 if none.
    """

    def __init__(
        self,
        filter_: Filter,
        turns: SieveTurns,
        found: Callable[[Sequence[Event]], None],
        missed: Callable[[], None],
        failed: Callable[[Failure], object],
        most_events: int = MOST_EVENTS,
        most_size: int = MOST_SIZE,
    ) -> None:
        self.seen = 0
        self._most_events, self._most_size = most_events, most_size
        self._matches = filter_.matches
        self._turns, self._found, self._missed, self._failed = turns, found, missed, failed
        self._waiting: deque[Event] = deque()
        self._size = 0
        self._is_at_work = False

    def announce(self, events: Sequence[Event]) -> None:
        """Take committed events, ascending by id."""
        self._waiting += events
        self._size += sum(map(size_of, events))
        if len(self._waiting) > self._most_events or self._size > self._most_size:
            self.clear()
            self._missed()
        elif not self._is_at_work:
            self._is_at_work = True
            self._turns.take(self._steps(), self._failed)

    def clear(self) -> None:
        """Drop the events that wait."""
        self._waiting.clear()
        self._size = 0

    def _steps(self) -> Iterator[None]:
        while self._waiting:
            self._step()
            yield
        self._is_at_work = False

    def _step(self) -> None:
        matching: list[Event] = []
        count = size = 0
        while self._waiting and count < _STEP_EVENTS and size < _STEP_SIZE:
            event = self._waiting.popleft()
            count += 1
            size += size_of(event)
            if self._matches(event):
                matching.append(event)
            self.seen = max(self.seen, event.id)
        self._size -= size
        if matching:
            self._found(matching)


def _unless_stopped(failure: Failure, failed: Callable[[Failure], object]) -> None:
    if not failure.check(SchedulerStopped):
        failed(failure)
