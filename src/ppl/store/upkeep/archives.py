"""Keeps track of what is archived: the tables ``archiving``, ``archive`` and ``archived``.

A destination's part of a slot is archived when the files of all its days together hold as many of its events as
``event_count`` says there are. While the installation archives, retention checks exactly that (:data:`MAY_GO`) in the
transaction that drops the part: an event that comes late keeps its slot until it is archived too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from ppl.model import DAY, MINUTE, Archive
from ppl.store.connecting.connection import Connection
from ppl.store.connecting.locks import RETAIN, lock
from ppl.store.connecting.pool import Pool, Transaction

#: How long after its end a day or a slot counts as over: lines that waited for the database have mostly come by then.
AFTER = 10 * MINUTE

_ARCHIVED = (
    "coalesce((SELECT sum(a.count) FROM archived a"
    " WHERE a.destination_id = c.destination_id AND a.slot_lower = c.slot_lower), -1)"
)

#: SQL over ``event_count c``: whether that part of a slot may be dropped, as far as archives are concerned.
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
#: Reads the first name of a destination: a day that is archived again goes to the same file, even if the destination
#: has another name by then.
_DESTINATION = "SELECT coalesce(former_hosts[1], host), port, created_at FROM destination WHERE id = %s"


@attrs.frozen
class Day:
    """A day of a destination that is to be archived.

    Attributes:
        destination_id: the destination.
        number: days since 1970-01-01, UTC.
        host, port, registered_at: its first host, port and time of registration (µs); ``""``, 0, 0 if it was deleted.
        slots: the slots in which the day may have events, in order: first id and the id after the last.
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
    """Reads and writes the tables of archives on the connection that holds the lock; without it nothing can be written.

    Args:
        connection: an open connection.
        seconds: timeout of a statement.
    """

    def __init__(self, connection: Connection, seconds: float) -> None:
        self._connection, self._seconds = connection, seconds

    async def pending(self, now: int, most: int) -> list[tuple[int, int]]:
        """At most ``most`` pairs of destination and day that are over and not (fully) archived, oldest first."""
        sql = _PENDING.format(day=DAY, archived=_ARCHIVED)
        rows = await self._connection.execute(sql, {"over": now - AFTER, "most": most}, self._seconds)
        return [(int(destination_id), int(day)) for destination_id, day in rows]

    async def day(self, destination_id: int, number: int) -> Day:
        """A day of a destination, with the slots in which it may have events."""
        found = await self._connection.execute(_DESTINATION, [destination_id], self._seconds)
        host, port, registered_at = found[0] if found else ("", 0, 0)
        bounds = [destination_id, number * DAY, (number + 1) * DAY]
        slots = await self._connection.execute(_SLOTS, bounds, self._seconds)
        return Day(destination_id, number, host, port, registered_at, [(lower, upper) for lower, upper in slots])

    async def still_ours(self) -> None:
        """Raise ``StoreUnavailable`` when the connection, and so the lock, is lost."""
        await self._connection.execute("SELECT 1", None, self._seconds)

    async def note(self, day: Day, archive: Archive | None, counts: Mapping[int, int]) -> None:
        """Record that the file of ``day`` is published and was read back; ``None``: the day needs no file.

        The file holds ``counts`` of the database's events, by the lower bound of the slot; if the database has another
        number by then, the day is pending again.
        """
        transaction = Transaction(self._connection, self._seconds)
        await transaction.run("BEGIN")
        try:
            # Not while retention deletes parts: events that it has deleted must not count as archived.
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
            self._connection.abandon("the record of an archive is incomplete")
            raise


async def set_archiving(pool: Pool, place: str | None) -> None:
    """Make retention wait for archives in ``place``; ``None``: make it wait for no archives."""
    if place is None:
        await pool.run("DELETE FROM archiving")
        return
    await pool.run(
        "INSERT INTO archiving (place) VALUES (%s) ON CONFLICT (only_row) DO UPDATE SET place = excluded.place",
        [place],
    )


async def archiving(pool: Pool) -> str | None:
    """The place that the installation archives to; ``None``: it does not archive."""
    rows = await pool.read("SELECT place FROM archiving")
    return str(rows[0][0]) if rows else None


async def archives_of(pool: Pool, destination_id: int) -> list[Archive]:
    """The archive files of a destination, newest day first, each in the place where it was written last."""
    rows = await pool.read(
        "SELECT DISTINCT ON (day) day, place, key, rows, bytes, archived_at FROM archive"
        " WHERE destination_id = %s ORDER BY day DESC, archived_at DESC",
        [destination_id],
    )
    return [Archive(*row) for row in rows]
