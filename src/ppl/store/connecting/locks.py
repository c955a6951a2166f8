"""The advisory locks by which several Ppl processes on one database take turns."""

from __future__ import annotations

from ppl.store.connecting.pool import Transaction

# Numbers of our own in PostgreSQL's space of two-part advisory locks: "Ppl", then what is locked.
_SPACE = 0x50706C
MIGRATE, REGISTER, SLOTS, SEAL, RETAIN, ARCHIVE, CENSUS = 1, 2, 3, 4, 5, 6, 7


#: As ``(space, what)``, to be held by a connection of one's own for as long as it lives.
SEAL_KEY, ARCHIVE_KEY, CENSUS_KEY = (_SPACE, SEAL), (_SPACE, ARCHIVE), (_SPACE, CENSUS)

#: By which who forgets events and who counts them take turns, as ``(space, what)``.
RETAIN_KEY = (_SPACE, RETAIN)


async def lock(transaction: Transaction, what: int) -> None:
    """Hold ``what`` until the transaction ends, waiting for whoever holds it."""
    await transaction.run("SELECT pg_advisory_xact_lock(%s, %s)", [_SPACE, what])
