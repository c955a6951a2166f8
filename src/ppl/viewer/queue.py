"""Holds live events that wait for one viewer: ascending by id, bounded in number and in length of text."""

from __future__ import annotations

from collections import deque
from itertools import chain

from ppl.live.batch import PART_EVENTS, Batch
from ppl.live.portion import PAGE_BYTES

#: About how many characters of text may wait, however few events they are.
MOST_BYTES = 16 << 20


class LiveQueue:
    """Events not yet sent. After adding events, the session checks ``too_much`` and acts on it."""

    def __init__(self, most_events: int) -> None:
        self._most_events = most_events
        self._parts: deque[Batch] = deque()
        self._events = 0
        self._bytes = 0

    def __len__(self) -> int:
        return self._events

    @property
    def first_id(self) -> int:
        """Id of the oldest event, 0 if none waits."""
        return self._parts[0].first_id if self._parts else 0

    @property
    def last_id(self) -> int:
        """Id of the newest event, 0 if none waits."""
        return self._parts[-1].last_id if self._parts else 0

    @property
    def too_much(self) -> bool:
        """Whether a bound is exceeded."""
        return self._events > self._most_events or self._bytes > MOST_BYTES

    def extend(self, batch: Batch) -> None:
        """Add the events of ``batch`` (at least one), which are newer than all that wait."""
        self._parts += batch.parts
        self._events += len(batch)
        self._bytes += batch.size

    def forget_until(self, id_: int) -> None:
        """Drop the events up to ``id_``."""
        while self._parts and self._parts[0].first_id <= id_:
            rest = self._popped().after(id_)
            if rest:
                self._parts.appendleft(rest)
                self._events += len(rest)
                self._bytes += rest.size

    def take(self) -> Batch:
        """Remove and give the oldest events, as many as fit into one part (at least one if any waits)."""
        taken: list[Batch] = []
        count = size = 0
        while self._parts:
            count += len(self._parts[0])
            size += self._parts[0].size
            if taken and (count > PART_EVENTS or size > PAGE_BYTES):
                break
            taken.append(self._popped())
        # A batch stays the same object, so that its frames are shared with other viewers.
        return taken[0] if len(taken) == 1 else Batch(chain.from_iterable(taken))

    def clear(self) -> None:
        """Drop all events."""
        self._parts.clear()
        self._events = self._bytes = 0

    def _popped(self) -> Batch:
        part = self._parts.popleft()
        self._events -= len(part)
        self._bytes -= part.size
        return part
