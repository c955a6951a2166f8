"""The columns that accounts show, in PostgreSQL: a part of :class:`ppl.store.postgres.PostgresStore`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ppl.store.accounts.readable import READABLE
from ppl.store.connecting.pool import Pool


class ShownColumns:
    """The methods of :class:`ppl.store.interface.PeopleStore` for columns."""

    _pool: Pool

    async def columns_of(self, account_id: int) -> Mapping[int, tuple[str, ...]]:
        """Destination id → the columns that the account shows, where it shows any."""
        rows = await self._pool.look_up(
            "SELECT destination_id, names FROM shown_columns WHERE account_id = %s"  # noqa: S608
            f" AND destination_id IN ({READABLE})",
            [account_id, account_id],
        )
        return {destination_id: tuple(names) for destination_id, names in rows if names}

    async def set_columns(self, account_id: int, destination_id: int, names: Sequence[str]) -> bool:
        """Show ``names`` from now on; ``False`` if the account may not read the destination."""
        rows = await self._pool.run(
            "INSERT INTO shown_columns (account_id, destination_id, names) SELECT %s, destination_id, %s::text[]"  # noqa: S608
            f" FROM ({READABLE}) AS readable WHERE destination_id = %s"
            " ON CONFLICT (account_id, destination_id) DO UPDATE SET names = excluded.names RETURNING destination_id",
            [account_id, list(names), account_id, destination_id],
        )
        return bool(rows)
