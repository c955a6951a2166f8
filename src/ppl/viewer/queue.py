"""Live events that wait for one viewer: ascending by id, bounded in number and in bytes of text."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from ppl.model import Event
from ppl.viewer.portion import PAGE_BYTES, size_of

#: Bytes of text, about, that may wait, however few events they are.
MOST_BYTES = 16 << 20

#: Events of one part that is sent at once.
PART_EVENTS = 1000


class LiveQueue:
    """Events not yet sent; whoever adds looks at ``too_much`` and decides what to do."""

    def __init__(self, most_events: int) -> None:
        self._most_events = most_events
        self._events: deque[Event] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._events)

    @property
    def first_id(self) -> int:
        """Id of the oldest, 0 if none waits."""
        return self._events[0].id if self._events else 0

    @property
    def last_id(self) -> int:
        """Id of the newest, 0 if none waits."""
        return self._events[-1].id if self._events else 0

    @property
    def too_much(self) -> bool:
        """Whether a bound is passed."""
        return len(self._events) > self._most_events or self._bytes > MOST_BYTES

    def extend(self, events: Iterable[Event]) -> None:
        """Add ``events``, which are newer than all that wait."""
        for event in events:
            self._events.append(event)
            self._bytes += size_of(event)

    def forget_until(self, id_: int) -> None:
        """Drop those up to ``id_``."""
        while self._events and self._events[0].id <= id_:
            self._bytes -= size_of(self._events.popleft())

    def take(self) -> tuple[Event, ...]:
        """The oldest, as many as go into one part (at least one); they wait no more."""
        part: list[Event] = []
        size = 0
        while self._events and len(part) < PART_EVENTS:
            size += size_of(self._events[0])
            if part and size > PAGE_BYTES:
                break
            part.append(self._events.popleft())
            self._bytes -= size_of(part[-1])
        return tuple(part)

    def clear(self) -> None:
        """Drop all."""
        self._events.clear()
        self._bytes = 0
