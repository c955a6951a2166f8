"""Marks in PostgreSQL: a part of :class:`ppl.store.postgres.PostgresStore`.

Marks belong to a destination: an account that may read it may make, change and remove them. An event has at most one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ppl.errors import TooManyMarks
from ppl.model import Clock, Event
from ppl.store.accounts.readable import READABLE, lock_readable
from ppl.store.connecting.pool import Pool, Transaction
from ppl.store.events.walk import SELECTED
from ppl.store.interface import Mark

_COLUMNS = (
    "m.id, m.destination_id, m.event_id, m.note,"
    " coalesce((SELECT email FROM account WHERE account.id = m.account_id), ''), m.created_at"
)
_EXCERPT = SELECTED.replace("message", "left(message, %s)").replace(
    "structured_data", "CASE WHEN message = '' THEN left(structured_data, %s) ELSE '' END"
)


class MarkStore:
    """The methods of :class:`ppl.store.interface.PeopleStore` for marks, and ``excerpts`` of ``EventStore``."""

    _pool: Pool
    _clock: Clock

    async def mark(self, account_id: int, destination_id: int, event_id: int, note: str, most: int) -> Mark | None:
        """Mark an event, or change its note; ``None`` if the account may not read the destination."""
        now = self._clock()

        async def work(transaction: Transaction) -> Mark | None:
            if not await lock_readable(transaction, account_id, destination_id):
                return None
            ((others,),) = await transaction.run(
                "SELECT count(*) FROM mark WHERE destination_id = %s AND event_id <> %s", [destination_id, event_id]
            )
            if others >= most:
                raise TooManyMarks(f"A destination has at most {most} marks: remove one first.")
            (row,) = await transaction.run(
                "INSERT INTO mark AS m (destination_id, event_id, note, account_id, created_at)"  # noqa: S608
                " VALUES (%s, %s, %s, %s, %s) ON CONFLICT (destination_id, event_id) DO UPDATE"
                " SET note = excluded.note, account_id = excluded.account_id, created_at = excluded.created_at"
                f" RETURNING {_COLUMNS}",
                [destination_id, event_id, note, account_id, now],
            )
            return Mark(*row)

        return await self._pool.transact(work)

    async def marks(self, account_id: int) -> Sequence[Mark]:
        """The marks of all destinations that the account may read, by destination, the newest event first."""
        rows = await self._pool.look_up(
            f"SELECT {_COLUMNS} FROM mark m WHERE m.destination_id IN ({READABLE})"  # noqa: S608
            " ORDER BY m.destination_id, m.event_id DESC",
            [account_id],
        )
        return [Mark(*row) for row in rows]

    async def mark_of(self, destination_id: int, event_id: int) -> Mark | None:
        """The mark of an event, ``None`` if it has none."""
        rows = await self._pool.look_up(
            f"SELECT {_COLUMNS} FROM mark m WHERE m.destination_id = %s AND m.event_id = %s",  # noqa: S608
            [destination_id, event_id],
        )
        return Mark(*rows[0]) if rows else None

    async def change_mark(self, account_id: int, mark_id: int, note: str) -> Mark | None:
        """Change the note of a mark; ``None`` if the account may read no destination with that mark."""
        rows = await self._pool.run(
            "UPDATE mark m SET note = %s, account_id = %s, created_at = %s WHERE m.id = %s"  # noqa: S608
            f" AND m.destination_id IN ({READABLE}) RETURNING {_COLUMNS}",
            [note, account_id, self._clock(), mark_id, account_id],
        )
        return Mark(*rows[0]) if rows else None

    async def unmark(self, account_id: int, mark_id: int) -> Mark | None:
        """Remove a mark and return it; ``None`` if the account may read no destination with that mark."""
        rows = await self._pool.run(
            f"DELETE FROM mark m WHERE m.id = %s AND m.destination_id IN ({READABLE}) RETURNING {_COLUMNS}",  # noqa: S608
            [mark_id, account_id],
        )
        return Mark(*rows[0]) if rows else None

    async def excerpts(self, destination_id: int, event_ids: Sequence[int], longest: int) -> Mapping[int, Event]:
        """Id → event, for events that are still stored, with only the beginning of what a row shows."""
        if not event_ids:
            return {}
        rows = await self._pool.read(
            f"SELECT {_EXCERPT} FROM event WHERE destination_id = %s AND id = ANY(%s)",  # noqa: S608
            [longest, longest, destination_id, list(event_ids)],
        )
        return {row[0]: Event(*row) for row in rows}
