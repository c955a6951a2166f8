"""Submissions that wait for the store: a queue for each destination, their turns, and a limit on their memory.

Used by the writer alone, which decides when a lane takes its next :class:`WriteBatch`.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Set
from itertools import chain

import attrs

from ppl.model import Events

#: Size of a batch, in bytes as received: it ends with the submission that reaches this. On its way to PostgreSQL a
#: batch is held several times over (joined, escaped, formatted, encoded), and two may be in flight.
BATCH_BYTES = 8 << 20

#: Most events, and most bytes as received, of a batch of the express lane.
EXPRESS_EVENTS, EXPRESS_BYTES = 500, 1 << 20

#: Bytes of memory that a waiting line takes besides the bytes received: its strings and columns.
LINE_OVERHEAD = 700


@attrs.define(eq=False)
class Submission:
    """The events of one call of :meth:`~ppl.listener.writing.writer.Writer.submit`.

    Attributes:
        events: the events with their ids.
        size: bytes as received.
        committed: called once the events are durable.
    """

    events: Events
    size: int
    committed: Callable[[], None] | None


@attrs.define(eq=False)
class WriteBatch:
    """Submissions that are committed together.

    Attributes:
        submissions: the submissions; those of a destination are in order of receipt.
        count: how many events.
        size: bytes as received.
    """

    submissions: list[Submission] = attrs.Factory(list)
    count: int = 0
    size: int = 0

    @property
    def cost(self) -> int:
        """Bytes of memory that the batch holds."""
        return _cost(self.count, self.size)

    @property
    def events(self) -> list[Events]:
        """The events, for the store to append."""
        return [submission.events for submission in self.submissions]

    @property
    def destinations(self) -> set[int]:
        """The ids of the destinations whose events are in the batch."""
        return {submission.events.destination.id for submission in self.submissions}


class Waiting:
    """The queues of all destinations.

    Args:
        most_bytes: bytes that may wait or be in flight before sources are paused.

    Attributes:
        bytes, events: how much waits or is in flight.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        # One queue for each destination; the one served longest ago comes first (fairness).
        self._queues: OrderedDict[int, deque[Submission]] = OrderedDict()
        self.bytes = 0
        self.events = 0

    def __bool__(self) -> bool:
        """Whether any submission waits, not counting those in flight."""
        return bool(self._queues)

    def __iter__(self) -> Iterator[Submission]:
        """All waiting submissions, without those in flight."""
        return chain.from_iterable(self._queues.values())

    def add(self, events: Events, size: int, committed: Callable[[], None] | None) -> None:
        """Append ``events``, received in ``size`` bytes, to the queue of their destination."""
        self._queues.setdefault(events.destination.id, deque()).append(Submission(events, size, committed))
        self.bytes += _cost(len(events), size)
        self.events += len(events)

    def remove(self, batch: WriteBatch) -> None:
        """Stop counting ``batch``, which is stored."""
        self.bytes -= batch.cost
        self.events -= batch.count

    @property
    def is_full(self) -> bool:
        """Whether the sources must be paused."""
        return self.bytes > self._most_bytes

    @property
    def has_room(self) -> bool:
        """Whether paused sources may resume."""
        return self.bytes < self._most_bytes // 2

    def is_little(self, destination_id: int) -> bool:
        """Whether the first waiting submission of the destination is small enough for the express lane."""
        first = self._queues[destination_id][0]
        return len(first.events) <= EXPRESS_EVENTS and first.size <= EXPRESS_BYTES

    def take(self, most_events: int, busy: Set[int]) -> WriteBatch:
        """A batch of one submission of each destination not ``busy``, in turn, until it is full or nothing waits."""
        batch = WriteBatch()
        skipped = []
        while self._queues and batch.count < most_events and batch.size < BATCH_BYTES:
            destination_id, queue = self._queues.popitem(last=False)
            if destination_id in busy:
                skipped.append((destination_id, queue))
                continue
            _move(queue, batch)
            if queue:
                self._queues[destination_id] = queue
        for destination_id, queue in reversed(skipped):
            self._queues[destination_id] = queue
            self._queues.move_to_end(destination_id, last=False)
        return batch

    def take_little(self, busy: Set[int]) -> WriteBatch:
        """A batch for the express lane: small submissions of each destination not ``busy``, in turn, as many as fit."""
        batch = WriteBatch()
        waiting = [each for each in self._queues if each not in busy]
        while waiting:
            waiting = [each for each in waiting if self._move_little(each, batch)]
        return batch

    def _move_little(self, destination_id: int, batch: WriteBatch) -> bool:
        """Move one submission if it fits; ``True`` if the destination has more."""
        queue = self._queues[destination_id]
        first = queue[0]
        if batch.count + len(first.events) > EXPRESS_EVENTS or batch.size + first.size > EXPRESS_BYTES:
            return False
        _move(queue, batch)
        if not queue:
            del self._queues[destination_id]
            return False
        self._queues.move_to_end(destination_id)
        return True


def _cost(count: int, size: int) -> int:
    """Bytes of memory for ``count`` lines that were received in ``size`` bytes."""
    return size + count * LINE_OVERHEAD


def _move(queue: deque[Submission], batch: WriteBatch) -> None:
    submission = queue.popleft()
    batch.submissions.append(submission)
    batch.count += len(submission.events)
    batch.size += submission.size
