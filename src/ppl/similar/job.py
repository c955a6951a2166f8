"""What the server asks its worker for, and how both write it: a JSON object a line."""

from __future__ import annotations

import json
from typing import Any

import attrs

from ppl.store.events.grouping import GroupingRange

#: Longest line that a worker writes, in bytes; another has lost its way.
MOST_LINE = 8 << 20


@attrs.frozen
class Job:
    """Lines to be grouped.

    Attributes:
        dsn: of PostgreSQL; it may hold a password, so it goes by a pipe.
        destination_id, after, before: the events, ids exclusive.
        condition, parameters: SQL, see :class:`ppl.store.events.grouping.GroupingRange`.
        is_ordered: likewise.
        start, end: µs, between which the plots are; ``start``: ``None`` for the oldest event.
        compared: µs: as many directly before the range are compared with it; 0: none.
        seconds: after which it ends with what it has.
    """

    dsn: str = attrs.field(repr=False)
    destination_id: int
    after: int
    before: int
    condition: str
    parameters: list[Any]
    is_ordered: bool
    start: int | None
    end: int
    compared: int
    seconds: float

    def line(self) -> bytes:
        """For the pipe."""
        return json.dumps(attrs.asdict(self)).encode("ascii") + b"\n"

    @classmethod
    def read(cls, line: bytes) -> Job:
        """The inverse of :meth:`line`."""
        return cls(**json.loads(line))

    def stretch(self, after: int, before: int) -> GroupingRange:
        """The events of the job between two ids, exclusive."""
        return GroupingRange(self.destination_id, after, before, self.condition, self.parameters, self.is_ordered)
