"""Accounts for the store's tests, and members of their destinations."""

from __future__ import annotations

from ppl.model import Account, Destination
from ppl.store.postgres import PostgresStore
from tests.fixtures.database import execute


async def register(store: PostgresStore, email: str) -> tuple[Account, Destination]:
    """An account with a destination of its own."""
    return await store.register(email, "hash", "UTC", "h", range(20000, 20010), only_first=False)


async def admitted(store: PostgresStore, dsn: str, email: str, destination: Destination) -> Account:
    """A further account that may read ``destination`` too."""
    account, _ = await register(store, email)
    execute(dsn, "INSERT INTO membership VALUES (%s, %s, 'member')", [account.id, destination.id])
    return account
