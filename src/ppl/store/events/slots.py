"""Time slots: the partitions of ``event`` by range of id, created ahead of time and on demand.

A slot keeps its bounds; a later change of the width applies to the slots that are created after it. Ids far from the
present (a clock that jumped) get slots where they are; none are created for the time between.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from ppl.model import SECOND
from ppl.store.connecting.locks import SLOTS, lock
from ppl.store.connecting.pool import Pool, Transaction
from ppl.store.events.statistics import withhold

_AHEAD_SLOTS = 24
_AHEAD_LEAST, _AHEAD_MOST = 300 * SECOND, 2 * 86_400 * SECOND
_AT_ONCE = 50

Range = tuple[int, int]
"""First and last id, inclusive."""


class Slots:
    """The slots of a database, ``width`` seconds each; remembers those that it has seen."""

    def __init__(self, pool: Pool, width: int) -> None:
        self._pool = pool
        self._width = width * SECOND
        self._lowers: list[int] = []
        self._uppers: list[int] = []

    def lower_of(self, event_id: int) -> int | None:
        """The lower bound of the slot of ``event_id``, ``None`` when no slot is known for it."""
        index = bisect_right(self._lowers, event_id) - 1
        return self._lowers[index] if index >= 0 and event_id < self._uppers[index] else None

    def parts(self, first: int, last: int) -> list[tuple[int, int, int]] | None:
        """``first`` to ``last`` by slot: (lower bound of the slot, count, last id); ``None`` if a slot is not known."""
        parts = []
        while first <= last:
            index = bisect_right(self._lowers, first) - 1
            if index < 0 or first >= self._uppers[index]:
                return None
            end = min(last, self._uppers[index] - 1)
            parts.append((self._lowers[index], end - first + 1, end))
            first = end + 1
        return parts

    def forget(self) -> None:
        """Forget the slots that were seen: another process has changed them."""
        self._lowers, self._uppers = [], []

    async def ensure_ahead(self, now: int) -> None:
        """Create slots from ``now`` (µs) on: for 24 widths, at most two days, at least one width and 300 seconds."""
        ahead = max(min(_AHEAD_SLOTS * self._width, _AHEAD_MOST), _AHEAD_LEAST, self._width)
        if self.parts(now, now + ahead) is None:
            await self.ensure([(now, now + ahead)])

    async def ensure(self, ranges: Sequence[Range]) -> None:
        """Create the slots that are missing for ``ranges`` of ids; safe in several processes at once."""

        async def work(transaction: Transaction) -> bool:
            await lock(transaction, SLOTS)
            known = [(row[0], row[1]) for row in await transaction.run("SELECT lower, upper FROM slot ORDER BY lower")]
            missing = missing_slots(known, ranges, self._width)
            for lower, upper in missing[:_AT_ONCE]:
                await transaction.run(_CREATE.format(lower=lower, upper=upper))
            known = sorted([*known, *missing[:_AT_ONCE]])
            self._lowers, self._uppers = [slot[0] for slot in known], [slot[1] for slot in known]
            return len(missing) > _AT_ONCE

        try:
            while await self._pool.transact(work):
                pass
        except BaseException:
            self.forget()
            raise


# A slot is attached, not created as a partition: inserts into the other slots go on during ATTACH.
_CREATE = f"""
CREATE TABLE event_{{lower}} (LIKE event INCLUDING ALL);
{withhold("event_{lower}")};
ALTER TABLE event ATTACH PARTITION event_{{lower}} FOR VALUES FROM ({{lower}}) TO ({{upper}});
INSERT INTO slot (lower, upper) VALUES ({{lower}}, {{upper}});
"""  # noqa: S608


def missing_slots(known: Sequence[Range], ranges: Iterable[Range], width: int) -> list[Range]:
    """The slots to create so that every id of ``ranges`` has one.

    Args:
        known: disjoint ``(lower, upper)`` in order of ``lower``; their ids are below ``upper``.
        ranges: the first and the last id of each range.
        width: the width of a new slot, whose bounds are multiples of it, cut where a known slot begins or ends.
    """
    slots = list(known)
    made: list[Range] = []
    for first, last in ranges:
        position = first - first % width
        while position <= last:
            index = bisect_right(slots, (position, 1 << 63)) - 1
            if index >= 0 and position < slots[index][1]:
                position = slots[index][1]
                continue
            upper = position - position % width + width
            if index + 1 < len(slots):
                upper = min(upper, slots[index + 1][0])
            slots.insert(index + 1, (position, upper))
            made.append((position, upper))
            position = upper
    return made
