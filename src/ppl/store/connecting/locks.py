"""Advisory locks with which several Ppl processes on one database take turns."""

from __future__ import annotations

from ppl.store.connecting.pool import Transaction

# Keys of PostgreSQL's two-part advisory locks: "Ppl", then what is locked.
_SPACE = 0x50706C
MIGRATE, REGISTER, SLOTS, SEAL, RETAIN, ARCHIVE, CENSUS = 1, 2, 3, 4, 5, 6, 7


#: Locks, as ``(space, what)``, that a dedicated connection holds for as long as it lives.
SEAL_KEY, ARCHIVE_KEY, CENSUS_KEY = (_SPACE, SEAL), (_SPACE, ARCHIVE), (_SPACE, CENSUS)

#: Lock shared by retention and the census, which take turns, as ``(space, what)``.
RETAIN_KEY = (_SPACE, RETAIN)


async def lock(transaction: Transaction, what: int) -> None:
    """Take the lock ``what`` until the transaction ends; waits while another transaction holds it."""
    await transaction.run("SELECT pg_advisory_xact_lock(%s, %s)", [_SPACE, what])
