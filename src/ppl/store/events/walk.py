"""Lists the slots in which a destination has events, in one direction, a few hundred at a time.

The counts are read before the events: every event committed by then is in both, so a walk never skips one. (A
destination has one writer, so its events become visible in order of id.)
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import attrs

from ppl.model import Event
from ppl.search.query import HIGHEST_ID

#: Runs a statement with its parameters, and returns the rows.
Run = Callable[[str, list[Any]], Awaitable[list[Any]]]

#: Most slots that one statement finds.
AT_ONCE = 256

#: The columns of an :class:`~ppl.model.Event`, in its order.
SELECTED = ", ".join(
    f"host({field.name})" if field.name == "sender_ip" else field.name for field in attrs.fields(Event)
)

#: Bytes of texts in one answer of PostgreSQL: the event that exceeds them is the last.
MOST_BYTES = 1 << 20

_NAMES = SELECTED.replace("host(sender_ip)", "host")


@attrs.frozen
class Cut:
    """The rows that a statement gave within a number of bytes.

    Attributes:
        rows: the rows, with the columns of :data:`SELECTED`.
        size: bytes of their texts.
        is_cut: whether the statement has more rows.
    """

    rows: list[Any]
    size: int
    is_cut: bool


def cut_at_bytes(sql: str, direction: str) -> str:
    """Limit ``sql``, which selects :data:`SELECTED` in order of id, to a number of bytes of texts.

    That number is a further parameter, the last one. PostgreSQL sends no more than these bytes and one row; it knows
    the length of a text without reading it whole. Give the rows to :func:`cut`.
    """
    size = "octet_length(message) + octet_length(structured_data)"
    return (
        f"SELECT {_NAMES}, size, has_next FROM (SELECT {_NAMES}, sum({size}) OVER w AS size, {size} AS own,"  # noqa: S608
        f" lead(true, 1, false) OVER w AS has_next FROM ({sql}) AS page"
        f" WINDOW w AS (ORDER BY id {direction} ROWS UNBOUNDED PRECEDING)) AS summed"
        f" WHERE size - own < %s ORDER BY id {direction}"
    )


def cut(rows: list[Any]) -> Cut:
    """Make a :class:`Cut` from the rows of a :func:`cut_at_bytes` statement."""
    if not rows:
        return Cut([], 0, False)
    *_, size, is_cut = rows[-1]
    return Cut([row[:-2] for row in rows], int(size), is_cut)


def bounded(event_id: int) -> int:
    """``event_id`` within the range of ids that PostgreSQL's bigint can hold."""
    return max(-1, min(event_id, HIGHEST_ID))


@attrs.frozen
class IdRange:
    """The events of a destination with ``after < id < before``, to be walked in one direction."""

    destination_id: int
    after: int = attrs.field(converter=bounded)
    before: int = attrs.field(converter=bounded)
    newest_first: bool

    @property
    def direction(self) -> str:
        """The direction in SQL: ``ASC`` or ``DESC``."""
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


async def following(run: Run, stretch: IdRange, beyond: int | None) -> list[Slot]:
    """The next slots of ``stretch``, at most :data:`AT_ONCE`, after the slot whose lower bound is ``beyond``."""
    return [Slot(*row) for row in await run(*listing(stretch, beyond))]


def listing(stretch: IdRange, beyond: int | None) -> tuple[str, list[Any]]:
    """The statement of :func:`following`, which selects the fields of :class:`Slot`, and its parameters."""
    past = ""
    parameters: list[Any] = [stretch.destination_id, stretch.before, stretch.after]
    if beyond is not None:
        past = f" AND c.slot_lower {'<' if stretch.newest_first else '>'} %s"
        parameters.append(beyond)
    sql = (
        "SELECT c.slot_lower, s.upper, c.count, s.indexed_at IS NOT NULL"  # noqa: S608
        " FROM event_count c JOIN slot s ON s.lower = c.slot_lower"
        f" WHERE c.destination_id = %s AND c.slot_lower < %s AND c.last_id > %s{past}"
        f" ORDER BY c.slot_lower {stretch.direction} LIMIT {AT_ONCE}"
    )
    return sql, parameters
