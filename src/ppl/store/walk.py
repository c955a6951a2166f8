"""The slots in which a destination has events, from one side to the other, a few hundred at a time.

The counts are read before the events: whatever was committed before is in both, so a walk never skips it. (A
destination has one writer, so its events become visible in order of id.)
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import attrs

#: Runs a statement with its parameters, and gives the rows.
Run = Callable[[str, list[Any]], Awaitable[list[Any]]]

#: Slots that one statement finds.
AT_ONCE = 256

HIGHEST_ID = (1 << 63) - 1

#: The columns of an :class:`~ppl.model.Event`, in its order.
COLUMNS = (
    "id, created_at, host(sender_ip), file_name, message, hostname, procid, msgid, structured_data, facility, severity"
)


def bounded(event_id: int) -> int:
    """``event_id`` as PostgreSQL's bigint can compare it."""
    return max(-1, min(event_id, HIGHEST_ID))


@attrs.frozen
class Stretch:
    """The events of a destination with ``after < id < before``, to be walked in one direction."""

    destination_id: int
    after: int = attrs.field(converter=bounded)
    before: int = attrs.field(converter=bounded)
    newest_first: bool

    @property
    def direction(self) -> str:
        """SQL's word for it."""
        return "DESC" if self.newest_first else "ASC"


@attrs.frozen
class Slot:
    """A slot in which the destination has ``count`` events.

    Attributes:
        lower, upper: its ids are ``lower <= id < upper``.
        count: events of the destination.
        is_indexed: whether it is sealed.
    """

    lower: int
    upper: int
    count: int
    is_indexed: bool


async def following(run: Run, stretch: Stretch, beyond: int | None) -> list[Slot]:
    """The next slots of ``stretch``, at most :data:`AT_ONCE`, past the one whose lower bound is ``beyond``."""
    past = ""
    parameters: list[Any] = [stretch.destination_id, stretch.before, stretch.after]
    if beyond is not None:
        past = f" AND c.slot_lower {'<' if stretch.newest_first else '>'} %s"
        parameters.append(beyond)
    rows = await run(
        "SELECT c.slot_lower, s.upper, c.count, s.indexed_at IS NOT NULL"  # noqa: S608
        " FROM event_count c JOIN slot s ON s.lower = c.slot_lower"
        f" WHERE c.destination_id = %s AND c.slot_lower < %s AND c.last_id > %s{past}"
        f" ORDER BY c.slot_lower {stretch.direction} LIMIT {AT_ONCE}",
        parameters,
    )
    return [Slot(*row) for row in rows]
