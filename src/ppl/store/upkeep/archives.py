"""What is archived and what is not yet: the tables ``archiving``, ``archive`` and ``archived``.

A destination's part of a slot is archived when the files of all its days together hold as many of its events as
``event_count`` says there are. Retention asks just that (:data:`MAY_GO`) while the installation archives, in the
transaction that drops: an event that comes late keeps its slot until it is archived too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from ppl.model import DAY, MINUTE, Archive
from ppl.store.connecting.connection import Connection
from ppl.store.connecting.locks import RETAIN, lock
from ppl.store.connecting.pool import Pool, Transaction

#: A day is over so long after its end, and so is a slot: what waited for the database has mostly come by then.
AFTER = 10 * MINUTE

_ARCHIVED = (
    "coalesce((SELECT sum(a.count) FROM archived a"
    " WHERE a.destination_id = c.destination_id AND a.slot_lower = c.slot_lower), -1)"
)

#: SQL over ``event_count c``: whether that part of a slot may go, as far as archives are concerned.
MAY_GO = f"(NOT EXISTS (SELECT FROM archiving) OR {_ARCHIVED} = c.count)"

_PENDING = (
    "SELECT c.destination_id, d.day FROM event_count c JOIN slot s ON s.lower = c.slot_lower"
    " CROSS JOIN LATERAL generate_series(s.lower / {day}, (s.upper - 1) / {day}) AS d (day)"
    " WHERE (d.day + 1) * {day} <= %(over)s AND (NOT EXISTS (SELECT FROM archived a"
    " WHERE a.destination_id = c.destination_id AND a.slot_lower = c.slot_lower AND a.day = d.day)"
    " OR (((s.upper - 1) / {day} + 1) * {day} <= %(over)s AND {archived} <> c.count))"
    " GROUP BY 1, 2 ORDER BY 2, 1 LIMIT %(most)s"
)
_SLOTS = (
    "SELECT s.lower, s.upper FROM event_count c JOIN slot s ON s.lower = c.slot_lower"
    " WHERE c.destination_id = %s AND s.upper > %s AND s.lower < %s ORDER BY s.lower"
)
_NOTE = (
    "INSERT INTO archive (destination_id, day, place, key, rows, bytes, archived_at)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (destination_id, day, place) DO UPDATE SET"
    " key = excluded.key, rows = excluded.rows, bytes = excluded.bytes, archived_at = excluded.archived_at"
)
#: The name that a destination had first: a day that is archived again is in the same file, whatever it is called now.
_DESTINATION = "SELECT coalesce(former_hosts[1], host), port, created_at FROM destination WHERE id = %s"


@attrs.frozen
class Day:
    """A destination's day that is to be archived.

    Attributes:
        destination_id: whose.
        number: days since 1970-01-01, UTC.
        host, port, registered_at: of the destination (µs); of one that is forgotten ``""``, 0 and 0.
        slots: those in which it may have events, by lower: first id and the id after the last.
    """

    destination_id: int
    number: int
    host: str
    port: int
    registered_at: int
    slots: Sequence[tuple[int, int]]

    def bounds(self, slot: tuple[int, int]) -> tuple[int, int]:
        """First id and the id after the last of this day in ``slot``."""
        return max(slot[0], self.number * DAY), min(slot[1], (self.number + 1) * DAY)


class ArchiveNotes:
    """Reads and writes them on the connection that holds the lock: without the lock nothing can be noted.

    Args:
        connection: open.
        seconds: patience with a statement.
    """

    def __init__(self, connection: Connection, seconds: float) -> None:
        self._connection, self._seconds = connection, seconds

    async def pending(self, now: int, most: int) -> list[tuple[int, int]]:
        """At most ``most`` destinations and days that are over and not archived (whole), oldest first."""
        sql = _PENDING.format(day=DAY, archived=_ARCHIVED)
        rows = await self._connection.execute(sql, {"over": now - AFTER, "most": most}, self._seconds)
        return [(int(destination_id), int(day)) for destination_id, day in rows]

    async def day(self, destination_id: int, number: int) -> Day:
        """All that is to be known of one."""
        found = await self._connection.execute(_DESTINATION, [destination_id], self._seconds)
        host, port, registered_at = found[0] if found else ("", 0, 0)
        bounds = [destination_id, number * DAY, (number + 1) * DAY]
        slots = await self._connection.execute(_SLOTS, bounds, self._seconds)
        return Day(destination_id, number, host, port, registered_at, [(lower, upper) for lower, upper in slots])

    async def still_ours(self) -> None:
        """Raises ``StoreUnavailable`` when the connection, and so the lock, is lost."""
        await self._connection.execute("SELECT 1", None, self._seconds)

    async def note(self, day: Day, archive: Archive | None, counts: Mapping[int, int]) -> None:
        """The file (``None``: none is needed) stands and was read back.

        It holds ``counts`` (by slot's lower) of the database's events; where that has others by now, the day is pending
        again.
        """
        transaction = Transaction(self._connection, self._seconds)
        await transaction.run("BEGIN")
        try:
            # Not while parts are being forgotten: a count that was forgotten is none that was archived.
            await lock(transaction, RETAIN)
            for lower, count in counts.items():
                await transaction.run(
                    "INSERT INTO archived (destination_id, slot_lower, day, count)"
                    " SELECT destination_id, slot_lower, %s, %s FROM event_count"
                    " WHERE destination_id = %s AND slot_lower = %s AND count >= %s"
                    " ON CONFLICT (destination_id, slot_lower, day) DO UPDATE SET count = excluded.count",
                    [day.number, count, day.destination_id, lower, count],
                )
            if archive is not None:
                await transaction.run(_NOTE, [day.destination_id, *attrs.astuple(archive)])
            await transaction.run("COMMIT")
        except BaseException:
            self._connection.abandon("what was to be noted is not whole")
            raise


async def set_archiving(pool: Pool, place: str | None) -> None:
    """From now on retention waits for archives (in ``place``), or it does not any more."""
    if place is None:
        await pool.run("DELETE FROM archiving")
        return
    await pool.run(
        "INSERT INTO archiving (place) VALUES (%s) ON CONFLICT (only_row) DO UPDATE SET place = excluded.place",
        [place],
    )


async def archiving(pool: Pool) -> str | None:
    """Where the installation archives to."""
    rows = await pool.read("SELECT place FROM archiving")
    return str(rows[0][0]) if rows else None


async def archives_of(pool: Pool, destination_id: int) -> list[Archive]:
    """The files of a destination, newest day first, each where it was written last."""
    rows = await pool.read(
        "SELECT DISTINCT ON (day) day, place, key, rows, bytes, archived_at FROM archive"
        " WHERE destination_id = %s ORDER BY day DESC, archived_at DESC",
        [destination_id],
    )
    return [Archive(*row) for row in rows]
