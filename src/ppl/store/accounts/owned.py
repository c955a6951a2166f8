"""The destinations that an account may change: those that it owns."""

from __future__ import annotations

from ppl.store.connecting.pool import Transaction

#: SQL for the ids of the destinations that an account owns; its one parameter is the account's id.
OWNED = "SELECT destination_id FROM membership WHERE account_id = %s AND role = 'owner'"


async def count_owned(transaction: Transaction, account_id: int, destination_id: int, table: str) -> int | None:
    """How many rows of ``table`` the destination has; ``None`` if the account does not own it.

    The destination is locked until the transaction ends, so that two requests at once cannot exceed a limit.
    """
    owned = await transaction.run(
        f"SELECT id FROM destination WHERE id = %s AND id IN ({OWNED}) FOR UPDATE",  # noqa: S608
        [destination_id, account_id],
    )
    if not owned:
        return None
    ((count,),) = await transaction.run(
        f"SELECT count(*) FROM {table} WHERE destination_id = %s",  # noqa: S608
        [destination_id],
    )
    return int(count)
