"""The destinations that an account may read: those of which it is an owner or a member."""

from __future__ import annotations

from ppl.store.connecting.pool import Transaction

#: SQL for the ids of the destinations that an account may read; its one parameter is the account's id.
READABLE = "SELECT destination_id FROM membership WHERE account_id = %s"


async def lock_readable(transaction: Transaction, account_id: int, destination_id: int) -> bool:
    """Lock the destination until the transaction ends, so that two requests at once cannot exceed a limit.

    Returns:
        Whether the account may read it.
    """
    rows = await transaction.run(
        f"SELECT id FROM destination WHERE id = %s AND id IN ({READABLE}) FOR NO KEY UPDATE",  # noqa: S608
        [destination_id, account_id],
    )
    return bool(rows)
