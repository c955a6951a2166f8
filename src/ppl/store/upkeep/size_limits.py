"""How much must go so that the data keep within a size, or leave the disk some room, and which slots that is."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from ppl.model import DAY
from ppl.store.connecting.pool import Pool

#: Slots that ended less than this many µs ago are kept, whatever they take.
ALWAYS_KEPT = 2 * DAY

_SIZE = "SELECT pg_database_size(current_database())"
_OLDEST = (
    "SELECT s.lower, s.upper, coalesce(pg_total_relation_size(to_regclass('event_' || s.lower)), 0)"
    " FROM slot s WHERE s.upper <= %s AND EXISTS (SELECT FROM event_count c WHERE c.slot_lower = s.lower)"
    " ORDER BY s.lower LIMIT %s"
)


@attrs.frozen
class Excess:
    """What is too much.

    Attributes:
        bytes: how much must go.
        why: the limit that is exceeded, for the log.
    """

    bytes: int
    why: str


@attrs.frozen
class SizeLimits:
    """The limits of an installation.

    Attributes:
        keep_bytes: the most bytes that the database may take; ``None``: any number.
        free_bytes: the least bytes that the disk shall have free; ``None``: none.
        free: gives the bytes that the disk has free.
    """

    keep_bytes: int | None
    free_bytes: int | None
    free: Callable[[], int]

    async def excess(self, pool: Pool) -> Excess | None:
        """What exceeds the limits now, the worse of both; ``None`` if nothing does."""
        found = []
        if self.keep_bytes is not None:
            ((size,),) = await pool.read(_SIZE, None)
            why = f"the database takes {size:,} bytes, more than --keep-bytes={self.keep_bytes}"
            found.append(Excess(size - self.keep_bytes, why))
        if self.free_bytes is not None:
            free = self.free()
            why = f"the disk has {free:,} bytes free, less than --keep-free-bytes={self.free_bytes}"
            found.append(Excess(self.free_bytes - free, why))
        worst = max(found, key=lambda each: each.bytes, default=None)
        return worst if worst is not None and worst.bytes > 0 else None


async def oldest_slots(pool: Pool, now: int, most: int) -> list[tuple[int, int, int]]:
    """The oldest slots that may go for want of room, at most ``most``: lower and upper bound, bytes on the disk."""
    return [(lower, upper, size) for lower, upper, size in await pool.read(_OLDEST, [now - ALWAYS_KEPT, most])]
