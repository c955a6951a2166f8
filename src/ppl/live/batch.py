"""Live events for many viewers: anything that viewers need of them is computed once for all.

An :class:`Audience` makes a batch; sessions narrow it to what they may send. Sessions that narrow it in the same way
get the very same object, and with it the same frames (:mod:`ppl.viewer.frames`).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from operator import attrgetter

from ppl.live.portion import PAGE_BYTES, size_of
from ppl.model import Event

#: Most events of one part, which is sent at once.
PART_EVENTS = 1000


class Batch:
    """``events`` of one destination, ascending by id; may be empty. Equal only to itself.

    Attributes:
        events: the events.
        size: about how many characters their texts have.
    """

    __slots__ = ("_of_senders", "_parts", "events", "size")

    def __init__(self, events: Iterable[Event]) -> None:
        self.events = tuple(events)
        self.size = sum(map(size_of, self.events))
        self._of_senders: dict[str, Batch] = {}
        self._parts: tuple[Batch, ...] | None = None

    def __len__(self) -> int:
        return len(self.events)

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)

    @property
    def first_id(self) -> int:
        """Id of the oldest event, 0 if there is none."""
        return self.events[0].id if self.events else 0

    @property
    def last_id(self) -> int:
        """Id of the newest event, 0 if there is none."""
        return self.events[-1].id if self.events else 0

    def of_sender(self, sender_ip: str | None) -> Batch:
        """The events from ``sender_ip``; all of them if it is ``None``."""
        if sender_ip is None:
            return self
        batch = self._of_senders.get(sender_ip)
        if batch is None:
            kept = tuple(event for event in self.events if event.sender_ip == sender_ip)
            if len(kept) == len(self.events):
                return self
            batch = self._of_senders[sender_ip] = Batch(kept)
        return batch

    def after(self, id_: int) -> Batch:
        """The events newer than ``id_``."""
        if self.first_id > id_ or not self.events:
            return self
        return Batch(self.events[bisect_right(self.events, id_, key=attrgetter("id")) :])

    @property
    def parts(self) -> tuple[Batch, ...]:
        """The same events in batches that may be sent at once: of bounded length and text, at least one event each."""
        if len(self.events) <= 1 or (len(self.events) <= PART_EVENTS and self.size <= PAGE_BYTES):
            return (self,)
        if self._parts is None:
            self._parts = tuple(map(Batch, self._cut()))
        return self._parts

    def _cut(self) -> Iterator[list[Event]]:
        part: list[Event] = []
        size = 0
        for event in self.events:
            if part and (len(part) == PART_EVENTS or size + size_of(event) > PAGE_BYTES):
                yield part
                part, size = [], 0
            part.append(event)
            size += size_of(event)
        yield part
