"""What waits for the store: a queue of each destination, whose turn it is, and how much of it memory may hold.

The writer's own; it decides when which lane takes its next :class:`Batch`.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Set
from itertools import chain

import attrs

from ppl.model import Events

#: A batch ends with the submission that passes it: bytes as received. On its way to PostgreSQL a batch is held several
#: times over (joined, escaped, formatted, encoded), and two may be under way.
BATCH_BYTES = 8 << 20

#: Most events of a batch of the express lane, and bytes of what it takes.
EXPRESS_EVENTS, EXPRESS_BYTES = 500, 1 << 20

#: What a waiting line costs beside its bytes: its strings and columns.
LINE_OVERHEAD = 700


@attrs.define(eq=False)
class Submission:
    """What one call of :meth:`~ppl.listener.writing.writer.Writer.submit` brought.

    Attributes:
        events: with their ids.
        size: bytes as received.
        committed: called once they are durable.
    """

    events: Events
    size: int
    committed: Callable[[], None] | None


@attrs.define(eq=False)
class Batch:
    """What is committed together.

    Attributes:
        submissions: in the order of receipt per destination.
        count: how many events.
        size: bytes as received.
    """

    submissions: list[Submission] = attrs.Factory(list)
    count: int = 0
    size: int = 0

    @property
    def cost(self) -> int:
        """Bytes that they hold."""
        return _cost(self.count, self.size)

    @property
    def events(self) -> list[Events]:
        """What the store takes."""
        return [submission.events for submission in self.submissions]

    @property
    def destinations(self) -> set[int]:
        """Whose events they are."""
        return {submission.events.destination.id for submission in self.submissions}


class Waiting:
    """The queues.

    Args:
        most_bytes: that may wait or be in flight before sources are held.

    Attributes:
        bytes, events: how much waits or is in flight.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        # One queue a destination; the one served longest ago comes first (fairness).
        self._queues: OrderedDict[int, deque[Submission]] = OrderedDict()
        self.bytes = 0
        self.events = 0

    def __bool__(self) -> bool:
        """Whether anything waits, beside what is in flight."""
        return bool(self._queues)

    def __iter__(self) -> Iterator[Submission]:
        """All that waits, beside what is in flight."""
        return chain.from_iterable(self._queues.values())

    def add(self, events: Events, size: int, committed: Callable[[], None] | None) -> None:
        """``events``, received in ``size`` bytes, are the last of their destination."""
        self._queues.setdefault(events.destination.id, deque()).append(Submission(events, size, committed))
        self.bytes += _cost(len(events), size)
        self.events += len(events)

    def remove(self, batch: Batch) -> None:
        """``batch`` is stored."""
        self.bytes -= batch.cost
        self.events -= batch.count

    @property
    def is_full(self) -> bool:
        """Whether who feeds it must be held."""
        return self.bytes > self._most_bytes

    @property
    def has_room(self) -> bool:
        """Whether who was held may go on."""
        return self.bytes < self._most_bytes // 2

    def is_little(self, destination_id: int) -> bool:
        """Whether the first that waits of the destination is for the express lane."""
        first = self._queues[destination_id][0]
        return len(first.events) <= EXPRESS_EVENTS and first.size <= EXPRESS_BYTES

    def take(self, most_events: int, busy: Set[int]) -> Batch:
        """In turn one submission of each destination that is not ``busy``, until it is full or nothing waits."""
        batch = Batch()
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

    def take_little(self, busy: Set[int]) -> Batch:
        """As :meth:`take`, of those who send little: what gathered while the last such batch was under way."""
        batch = Batch()
        waiting = [each for each in self._queues if each not in busy]
        while waiting:
            waiting = [each for each in waiting if self._move_little(each, batch)]
        return batch

    def _move_little(self, destination_id: int, batch: Batch) -> bool:
        """Move one submission if it fits; whether more of the destination wait."""
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
    """Bytes that ``count`` lines hold that were received in ``size`` bytes."""
    return size + count * LINE_OVERHEAD


def _move(queue: deque[Submission], batch: Batch) -> None:
    submission = queue.popleft()
    batch.submissions.append(submission)
    batch.count += len(submission.events)
    batch.size += submission.size
