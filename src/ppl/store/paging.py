"""Pages of a destination's events by id, reading only slots that hold some, a few in one statement.

The counts are read before the events: whatever was committed before the call is in both, so a page never skips it.
(A destination has one writer, so its events become visible in order of id.)
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any

import attrs

from ppl.model import Event, Page
from ppl.store.connection import Row
from ppl.store.pool import Pool

_COUNTS_AT_ONCE = 256
_SLOTS_AT_ONCE = 10
HIGHEST_ID = (1 << 63) - 1

_COLUMNS = (
    "id, created_at, host(sender_ip), file_name, message, hostname, procid, msgid, structured_data, facility, severity"
)


@attrs.frozen
class _Question:
    """What a page is asked for: events with ``after < id < before``."""

    destination_id: int
    after: int
    before: int
    limit: int
    sender_ip: str | None
    newest_first: bool

    @property
    def direction(self) -> str:
        return "DESC" if self.newest_first else "ASC"


@attrs.frozen
class _Slot:
    """A slot in which the destination has ``count`` events."""

    lower: int
    upper: int
    count: int


class Pages:
    """Reads pages; see :class:`ppl.store.interface.Store`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def newest(self, destination_id: int, limit: int, sender_ip: str | None) -> Page:
        """The newest ``limit`` events."""
        return await self.older(destination_id, HIGHEST_ID, limit, sender_ip)

    async def older(self, destination_id: int, before: int, limit: int, sender_ip: str | None) -> Page:
        """The newest ``limit`` events with ``id < before``."""
        return await self._page(_Question(destination_id, -1, before, limit, sender_ip, newest_first=True))

    async def newer(
        self, destination_id: int, after: int, limit: int, sender_ip: str | None, before: int | None
    ) -> Page:
        """The oldest ``limit`` events with ``after < id < before``."""
        end = HIGHEST_ID if before is None else before
        return await self._page(_Question(destination_id, after, end, limit, sender_ip, newest_first=False))

    async def _page(self, asked: _Question) -> Page:
        if asked.sender_ip is not None and not _is_address(asked.sender_ip):
            return Page((), complete=True)
        asked = attrs.evolve(asked, after=_bounded(asked.after), before=_bounded(asked.before))
        rows: list[Row] = []
        beyond: int | None = None
        while len(rows) <= asked.limit:
            slots = await self._slots(asked, beyond)
            waiting = list(slots)
            while waiting and len(rows) <= asked.limit:
                few = _enough(waiting, asked, asked.limit + 1 - len(rows))
                del waiting[: len(few)]
                rows += await self._pool.read(*_select(asked, few, asked.limit + 1 - len(rows)))
            if len(slots) < _COUNTS_AT_ONCE:
                break
            beyond = slots[-1].lower
        found = [Event(*row) for row in rows[: asked.limit]]
        if asked.newest_first:
            found.reverse()
        return Page(tuple(found), complete=len(rows) <= asked.limit)

    async def _slots(self, asked: _Question, beyond: int | None) -> list[_Slot]:
        """The next slots that hold events of the question, in its direction, past the slot ``beyond``."""
        order, past = asked.direction, ""
        parameters: list[Any] = [asked.destination_id, asked.before, asked.after]
        if beyond is not None:
            past = f" AND c.slot_lower {'<' if asked.newest_first else '>'} %s"
            parameters.append(beyond)
        rows = await self._pool.read(
            "SELECT c.slot_lower, s.upper, c.count FROM event_count c JOIN slot s ON s.lower = c.slot_lower"  # noqa: S608
            f" WHERE c.destination_id = %s AND c.slot_lower < %s AND c.last_id > %s{past}"
            f" ORDER BY c.slot_lower {order} LIMIT {_COUNTS_AT_ONCE}",
            parameters,
        )
        return [_Slot(*row) for row in rows]


def _enough(slots: Sequence[_Slot], asked: _Question, wanted: int) -> list[_Slot]:
    """As many of the first ``slots`` as surely hold ``wanted`` events, at most a few."""
    few: list[_Slot] = []
    for slot in slots[:_SLOTS_AT_ONCE]:
        few.append(slot)
        is_whole = asked.after < slot.lower and slot.upper <= asked.before
        if is_whole and asked.sender_ip is None:
            wanted -= slot.count
        if wanted <= 0:
            break
    return few


def _select(asked: _Question, slots: Sequence[_Slot], wanted: int) -> tuple[str, list[Any]]:
    """One statement over ``slots``: each with bounds of its own, so that the planner sees no other."""
    parts: list[str] = []
    parameters: list[Any] = []
    for slot in slots:
        sender = "" if asked.sender_ip is None else " AND sender_ip = %s::inet"
        parts.append(
            f"(SELECT {_COLUMNS} FROM event WHERE destination_id = %s AND id >= %s AND id < %s{sender}"  # noqa: S608
            f" ORDER BY id {asked.direction} LIMIT %s)"
        )
        bounds = [max(slot.lower, asked.after + 1), min(slot.upper, asked.before)]
        parameters += [asked.destination_id, *bounds, *([] if not sender else [asked.sender_ip]), wanted]
    if len(parts) == 1:
        return parts[0], parameters
    sql = f"SELECT * FROM ({' UNION ALL '.join(parts)}) AS slots ORDER BY id {asked.direction} LIMIT %s"  # noqa: S608
    return sql, [*parameters, wanted]


def _bounded(event_id: int) -> int:
    return max(-1, min(event_id, HIGHEST_ID))


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return "%" not in text  # a zone, which PostgreSQL does not keep
