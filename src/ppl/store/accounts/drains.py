"""Tokens of the HTTPS drain in PostgreSQL: a part of :class:`ppl.store.postgres.PostgresStore`."""

from __future__ import annotations

from collections.abc import Sequence

from ppl.errors import TooManyDrains
from ppl.model import Clock, Destination
from ppl.store.accounts.accounts import DESTINATION
from ppl.store.accounts.owned import OWNED, count_owned
from ppl.store.connecting.pool import Pool, Transaction
from ppl.store.interface import DrainToken


class Drains:
    """The methods of :class:`ppl.store.interface.PeopleStore` for drain tokens."""

    _pool: Pool
    _clock: Clock

    async def create_drain(
        self, account_id: int, destination_id: int, secret_hash: bytes, label: str, most: int
    ) -> DrainToken | None:
        """Store a token; ``None`` if the account does not own the destination."""
        now = self._clock()

        async def work(transaction: Transaction) -> DrainToken | None:
            count = await count_owned(transaction, account_id, destination_id, "drain")
            if count is None:
                return None
            if count >= most:
                raise TooManyDrains(f"A destination has at most {most} drain tokens: revoke one first.")
            ((drain_id,),) = await transaction.run(
                "INSERT INTO drain (destination_id, secret_hash, label, created_at)"
                " VALUES (%s, %s, %s, %s) RETURNING id",
                [destination_id, secret_hash, label, now],
            )
            return DrainToken(drain_id, destination_id, label, now)

        return await self._pool.transact(work)

    async def drains_of(self, account_id: int) -> Sequence[DrainToken]:
        """The tokens of the destinations that the account owns, by id."""
        rows = await self._pool.look_up(
            "SELECT id, destination_id, label, created_at FROM drain"  # noqa: S608
            f" WHERE destination_id IN ({OWNED}) ORDER BY id",
            [account_id],
        )
        return [DrainToken(*row) for row in rows]

    async def delete_drain(self, account_id: int, drain_id: int) -> bool:
        """Revoke a token; ``False`` if the account owns no destination with such a token."""
        rows = await self._pool.run(
            f"DELETE FROM drain WHERE id = %s AND destination_id IN ({OWNED}) RETURNING id",  # noqa: S608
            [drain_id, account_id],
        )
        return bool(rows)

    async def drained(self, secret_hash: bytes) -> Destination | None:
        """The destination of the token with that hash, unless it is closed."""
        rows = await self._pool.look_up(
            f"SELECT {DESTINATION} FROM drain JOIN destination d ON d.id = drain.destination_id"  # noqa: S608
            " WHERE drain.secret_hash = %s AND d.closed_at IS NULL",
            [secret_hash],
        )
        return Destination(*rows[0]) if rows else None
