"""Upgrades the database to the schema of this version: numbered ``migrations/*.sql``, forward only.

Each file runs in a transaction of its own under one advisory lock, so two processes that start at once do not collide.
"""

from __future__ import annotations

from importlib.resources import files

import attrs
from twisted.logger import Logger

from ppl.errors import StoreUnsuitable
from ppl.store.connecting.locks import MIGRATE, lock
from ppl.store.connecting.pool import Pool, Transaction

_log = Logger()
_TIMEOUT = 3600.0


@attrs.frozen
class Migration:
    """One numbered file.

    Attributes:
        number: counts from 1 without a gap.
        name: the file's name without number and suffix.
        sql: the file's text.
    """

    number: int
    name: str
    sql: str


def migrations() -> list[Migration]:
    """All migrations of this version, by number."""
    found = []
    for file in files("ppl.store").joinpath("migrations").iterdir():
        if file.name.endswith(".sql"):
            number, _, name = file.name.removesuffix(".sql").partition("_")
            found.append(Migration(int(number), name, file.read_text("utf-8")))
    return sorted(found, key=lambda migration: migration.number)


async def migrate(pool: Pool) -> None:
    """Apply the migrations that the database lacks.

    Raises:
        StoreUnsuitable: the database was written by a newer Ppl.
        StoreUnavailable: PostgreSQL went away; no migration is half applied.
    """
    known = migrations()

    async def apply_next(transaction: Transaction) -> Migration | None:
        await lock(transaction, MIGRATE)
        await transaction.run(
            "CREATE TABLE IF NOT EXISTS migration ("
            "number integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        ((applied,),) = await transaction.run("SELECT coalesce(max(number), 0) FROM migration")
        if applied > len(known):
            raise StoreUnsuitable(
                f"The database has migration {applied} of a newer Ppl; this version knows {len(known)}: upgrade Ppl."
            )
        if applied == len(known):
            return None
        following = known[applied]
        await transaction.run(following.sql)
        await transaction.run(
            "INSERT INTO migration (number, name) VALUES (%s, %s)", [following.number, following.name]
        )
        return following

    while (applied := await pool.transact(apply_next, seconds=_TIMEOUT)) is not None:
        _log.info("Applied migration {number} ({name})", number=applied.number, name=applied.name)
