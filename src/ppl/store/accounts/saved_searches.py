"""Saved searches in PostgreSQL: a part of :class:`ppl.store.postgres.PostgresStore`.

Each belongs to a destination: an account that may read it may use, change and delete its searches. Two names in a
destination differ in more than case.
"""

from __future__ import annotations

from collections.abc import Sequence

from ppl.errors import AlreadyExists, TooManySaved
from ppl.model import Clock
from ppl.store.accounts.readable import READABLE, lock_readable
from ppl.store.connecting.pool import Pool, Transaction
from ppl.store.interface import SavedSearch

_TAKEN = "SELECT FROM saved_search WHERE destination_id = %s AND lower(name) = lower(%s) AND id <> %s"


class SavedSearchStore:
    """The methods of :class:`ppl.store.interface.PeopleStore` for saved searches."""

    _pool: Pool
    _clock: Clock

    async def save_search(
        self, account_id: int, destination_id: int, name: str, query: str, most: int
    ) -> SavedSearch | None:
        """Save ``query`` under ``name``; ``None`` if the account may not read the destination."""
        now = self._clock()

        async def work(transaction: Transaction) -> SavedSearch | None:
            if not await lock_readable(transaction, account_id, destination_id):
                return None
            ((count,),) = await transaction.run(
                "SELECT count(*) FROM saved_search WHERE destination_id = %s", [destination_id]
            )
            if count >= most:
                raise TooManySaved(f"A destination has at most {most} saved searches: delete one first.")
            await _check_name(transaction, destination_id, name)
            ((saved_id, email),) = await transaction.run(
                "INSERT INTO saved_search (destination_id, name, query, account_id, created_at)"
                " VALUES (%s, %s, %s, %s, %s) RETURNING id, (SELECT email FROM account WHERE id = account_id)",
                [destination_id, name, query, account_id, now],
            )
            return SavedSearch(saved_id, destination_id, name, query, email, now)

        return await self._pool.transact(work)

    async def saved_searches(self, account_id: int) -> Sequence[SavedSearch]:
        """The saved searches of all destinations that the account may read, by destination and name."""
        rows = await self._pool.look_up(
            "SELECT s.id, s.destination_id, s.name, s.query, coalesce(a.email, ''), s.created_at"  # noqa: S608
            " FROM saved_search s LEFT JOIN account a ON a.id = s.account_id"
            f" WHERE s.destination_id IN ({READABLE}) ORDER BY s.destination_id, lower(s.name), s.id",
            [account_id],
        )
        return [SavedSearch(*row) for row in rows]

    async def change_saved(self, account_id: int, saved_id: int, name: str, query: str | None) -> SavedSearch | None:
        """Change name and query of a saved search; ``None`` if the account may read no destination with it."""
        now = self._clock()

        async def work(transaction: Transaction) -> SavedSearch | None:
            found = await transaction.run(
                f"SELECT destination_id FROM saved_search WHERE id = %s AND destination_id IN ({READABLE})",  # noqa: S608
                [saved_id, account_id],
            )
            if not found or not await lock_readable(transaction, account_id, found[0][0]):
                return None
            await _check_name(transaction, found[0][0], name, saved_id)
            if query is not None:
                await transaction.run(
                    "UPDATE saved_search SET query = %s, account_id = %s, created_at = %s"
                    " WHERE destination_id = %s AND id = %s AND query <> %s RETURNING id",
                    [query, account_id, now, found[0][0], saved_id, query],
                )
            changed = await transaction.run(
                "UPDATE saved_search SET name = %s WHERE destination_id = %s AND id = %s"
                " RETURNING id, destination_id, name, query,"
                " coalesce((SELECT email FROM account WHERE id = account_id), ''), created_at",
                [name, found[0][0], saved_id],
            )
            return SavedSearch(*changed[0]) if changed else None

        return await self._pool.transact(work)

    async def delete_saved(self, account_id: int, saved_id: int) -> bool:
        """Delete a saved search; ``False`` if the account may read no destination with it."""
        rows = await self._pool.run(
            f"DELETE FROM saved_search WHERE id = %s AND destination_id IN ({READABLE}) RETURNING id",  # noqa: S608
            [saved_id, account_id],
        )
        return bool(rows)


async def _check_name(transaction: Transaction, destination_id: int, name: str, own_id: int = 0) -> None:
    if await transaction.run(_TAKEN, [destination_id, name, own_id]):
        raise AlreadyExists("There is a saved search of that name already: choose another name.")
