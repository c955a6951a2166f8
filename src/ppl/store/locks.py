"""The advisory locks by which several Ppl processes on one database take turns."""

from __future__ import annotations

from ppl.store.pool import Transaction

# Numbers of our own in PostgreSQL's space of two-part advisory locks: "Ppl", then what is locked.
_SPACE = 0x50706C
MIGRATE, REGISTER, SLOTS = 1, 2, 3


async def lock(transaction: Transaction, what: int) -> None:
    """Hold ``what`` until the transaction ends, waiting for whoever holds it."""
    await transaction.run("SELECT pg_advisory_xact_lock(%s, %s)", [_SPACE, what])
