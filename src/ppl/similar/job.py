"""The job that the server gives a worker, and its form on the pipe: a JSON object on one line."""

from __future__ import annotations

import json
from typing import Any

import attrs

from ppl.store.events.grouping import GroupingRange

#: Longest line that a worker may write, in bytes; a longer one is a fault.
MOST_LINE = 8 << 20


@attrs.frozen
class Job:
    """Lines to be grouped.

    Attributes:
        dsn: PostgreSQL's DSN; it may hold a password, so it goes through a pipe.
        destination_id, after, before: the destination of the events, and the ids, exclusive, between which they lie.
        condition, parameters, is_ordered: see :class:`ppl.store.events.grouping.GroupingRange`.
        is_everything: whether every event of the range is meant, so that each one that is read is also given.
        start, end: the range of the plots, µs; if ``start`` is ``None``, it begins with the oldest event.
        compared: length in µs of the period directly before the range, with which the range is compared; 0: none.
        seconds: seconds after which the job ends with the lines it has read.
    """

    dsn: str = attrs.field(repr=False)
    destination_id: int
    after: int
    before: int
    condition: str
    parameters: list[Any]
    is_ordered: bool
    is_everything: bool
    start: int | None
    end: int
    compared: int
    seconds: float

    def line(self) -> bytes:
        """The job as a line for the pipe."""
        return json.dumps(attrs.asdict(self)).encode("ascii") + b"\n"

    @classmethod
    def read(cls, line: bytes) -> Job:
        """The inverse of :meth:`line`."""
        return cls(**json.loads(line))

    def stretch(self, after: int, before: int) -> GroupingRange:
        """The events of the job between two ids, exclusive."""
        return GroupingRange(self.destination_id, after, before, self.condition, self.parameters, self.is_ordered)
