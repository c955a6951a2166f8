"""Reads pages of a destination's events by id, only from slots that hold any of them, a few slots in one statement.

A page with long texts ends early: after about :data:`~ppl.store.events.walk.MOST_BYTES` bytes of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any

import attrs

from ppl.model import Event, Page
from ppl.search.query import HIGHEST_ID
from ppl.store.connecting.connection import ResultRow
from ppl.store.connecting.pool import Pool
from ppl.store.events.walk import AT_ONCE, MOST_BYTES, SELECTED, IdRange, Slot, cut, cut_at_bytes, following

_SLOTS_AT_ONCE = 10


@attrs.frozen
class _Question:
    """The request for a page."""

    stretch: IdRange
    limit: int
    sender_ip: str | None


class PageReader:
    """Reads pages, for :class:`ppl.store.interface.EventStore`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def newest(self, destination_id: int, limit: int, sender_ip: str | None) -> Page:
        """The newest ``limit`` events."""
        return await self.older(destination_id, HIGHEST_ID, limit, sender_ip)

    async def older(self, destination_id: int, before: int, limit: int, sender_ip: str | None) -> Page:
        """The newest ``limit`` events with ``id < before``."""
        return await self._page(_Question(IdRange(destination_id, -1, before, True), limit, sender_ip))

    async def newer(
        self, destination_id: int, after: int, limit: int, sender_ip: str | None, before: int | None
    ) -> Page:
        """The oldest ``limit`` events with ``after < id < before``."""
        end = HIGHEST_ID if before is None else before
        return await self._page(_Question(IdRange(destination_id, after, end, False), limit, sender_ip))

    async def chosen(self, destination_id: int, event_ids: Sequence[int]) -> Page:
        """The events with ``event_ids``, the newest that fit into a page."""
        if not event_ids:
            return Page((), complete=True)
        sql = f"SELECT {SELECTED} FROM event WHERE destination_id = %s AND id = ANY(%s) ORDER BY id DESC"  # noqa: S608
        rows = await self._pool.read(cut_at_bytes(sql, "DESC"), [destination_id, list(event_ids), MOST_BYTES])
        found = cut(rows)
        return Page(tuple(Event(*row) for row in reversed(found.rows)), complete=not found.is_cut)

    async def _page(self, asked: _Question) -> Page:
        if asked.sender_ip is not None and not _is_address(asked.sender_ip):
            return Page((), complete=True)
        rows: list[ResultRow] = []
        room, is_cut = MOST_BYTES, False
        beyond: int | None = None
        while len(rows) <= asked.limit and not is_cut:
            slots = await following(self._pool.read, asked.stretch, beyond)
            waiting = list(slots)
            while waiting and len(rows) <= asked.limit and not is_cut:
                few = _enough(waiting, asked, asked.limit + 1 - len(rows))
                del waiting[: len(few)]
                found = cut(await self._pool.read(*_select(asked, few, asked.limit + 1 - len(rows), room)))
                rows += found.rows
                room -= found.size
                is_cut = found.is_cut or (room <= 0 and (bool(waiting) or len(slots) == AT_ONCE))
            if len(slots) < AT_ONCE:
                break
            beyond = slots[-1].lower
        events = [Event(*row) for row in rows[: asked.limit]]
        if asked.stretch.newest_first:
            events.reverse()
        return Page(tuple(events), complete=len(rows) <= asked.limit and not is_cut)


def _enough(slots: Sequence[Slot], asked: _Question, wanted: int) -> list[Slot]:
    """The first of ``slots`` that together surely hold ``wanted`` events, at most a few."""
    few: list[Slot] = []
    for slot in slots[:_SLOTS_AT_ONCE]:
        few.append(slot)
        is_whole = asked.stretch.after < slot.lower and slot.upper <= asked.stretch.before
        if is_whole and asked.sender_ip is None:
            wanted -= slot.count
        if wanted <= 0:
            break
    return few


def _select(asked: _Question, slots: Sequence[Slot], wanted: int, room: int) -> tuple[str, list[Any]]:
    """One statement over ``slots``, each with bounds of its own, so that the planner considers no other slot."""
    parts: list[str] = []
    parameters: list[Any] = []
    for slot in slots:
        sender = "" if asked.sender_ip is None else " AND sender_ip = %s::inet"
        parts.append(
            f"(SELECT {SELECTED} FROM event WHERE destination_id = %s AND id >= %s AND id < %s{sender}"  # noqa: S608
            f" ORDER BY id {asked.stretch.direction} LIMIT %s)"
        )
        bounds = [max(slot.lower, asked.stretch.after + 1), min(slot.upper, asked.stretch.before)]
        parameters += [asked.stretch.destination_id, *bounds, *([] if not sender else [asked.sender_ip]), wanted]
    if len(parts) == 1:
        return cut_at_bytes(parts[0], asked.stretch.direction), [*parameters, room]
    sql = f"SELECT * FROM ({' UNION ALL '.join(parts)}) AS slots ORDER BY id {asked.stretch.direction} LIMIT %s"  # noqa: S608
    return cut_at_bytes(sql, asked.stretch.direction), [*parameters, wanted, room]


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return "%" not in text  # an IPv6 zone, which PostgreSQL does not keep
