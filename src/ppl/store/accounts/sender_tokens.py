"""Tokens that the lines of a destination must carry, in PostgreSQL: a part of :class:`.postgres.PostgresStore`."""

from __future__ import annotations

from collections.abc import Sequence

from ppl.errors import TooManySenderTokens
from ppl.model import Clock
from ppl.store.accounts.owned import OWNED, count_owned
from ppl.store.connecting.pool import Pool, Transaction
from ppl.store.interface import SenderToken


class SenderTokens:
    """The methods of :class:`ppl.store.interface.PeopleStore` for sender tokens."""

    _pool: Pool
    _clock: Clock

    async def create_sender_token(
        self, account_id: int, destination_id: int, secret_hash: bytes, most: int
    ) -> SenderToken | None:
        """Store a token; ``None`` if the account does not own the destination."""
        now = self._clock()

        async def work(transaction: Transaction) -> SenderToken | None:
            count = await count_owned(transaction, account_id, destination_id, "sender_token")
            if count is None:
                return None
            if count >= most:
                raise TooManySenderTokens(f"A destination has at most {most} sender tokens: revoke one first.")
            ((token_id,),) = await transaction.run(
                "INSERT INTO sender_token (destination_id, secret_hash, created_at) VALUES (%s, %s, %s) RETURNING id",
                [destination_id, secret_hash, now],
            )
            return SenderToken(token_id, destination_id, now)

        return await self._pool.transact(work)

    async def sender_tokens_of(self, account_id: int) -> Sequence[SenderToken]:
        """The tokens of the destinations that the account owns, by id."""
        rows = await self._pool.look_up(
            "SELECT id, destination_id, created_at FROM sender_token"  # noqa: S608
            f" WHERE destination_id IN ({OWNED}) ORDER BY id",
            [account_id],
        )
        return [SenderToken(*row) for row in rows]

    async def delete_sender_token(self, account_id: int, destination_id: int, token_id: int) -> bool:
        """Revoke a token; ``False`` if the account does not own the destination, or it has no such token."""
        rows = await self._pool.run(
            "DELETE FROM sender_token WHERE id = %s AND destination_id = %s"  # noqa: S608
            f" AND destination_id IN ({OWNED}) RETURNING id",
            [token_id, destination_id, account_id],
        )
        return bool(rows)
