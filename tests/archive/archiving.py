"""Shared by tests of archives: events over several days, an archiver without pauses, reading files with DuckDB."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
from twisted.internet import reactor

from ppl.archive.archiver import Archiver, ArchiverLimits
from ppl.archive.interface import Place
from ppl.model import DAY, MINUTE, Destination
from ppl.store.connecting.connection import Connection
from ppl.store.connecting.locks import ARCHIVE_KEY
from ppl.store.connecting.pool import Pool
from ppl.store.postgres import PostgresStore
from ppl.store.upkeep.retention import Retention
from tests.fixtures.database import execute
from tests.store.samples import T0, events
from tests.waiting import until

#: Midnight, µs.
DAY0 = T0 - T0 % DAY
NUMBER0 = DAY0 // DAY
HOUR = 60 * MINUTE
#: µs after the end of a day at which it certainly counts as over.
LATER = 20 * MINUTE


class OrderlyArchiver(Archiver):
    """Ends a run only when PostgreSQL has released its lock, which the next run would find taken."""

    dsn: str

    async def run(self) -> None:
        before = locked(self.dsn)
        try:
            await super().run()
        finally:
            await until(lambda: locked(self.dsn) <= before, "the lock is given back")


def locked(dsn: str) -> int:
    """How many sessions hold the archivers' lock."""
    sql = (
        "SELECT pid FROM pg_locks JOIN pg_database d ON d.oid = database AND d.datname = current_database()"
        " WHERE locktype = 'advisory' AND classid = %s AND objid = %s"
    )
    return len(execute(dsn, sql, ARCHIVE_KEY))


def archiver(
    dsn: str, place: Place, now: int, connect: Callable[[Any, str], Connection] = Connection, **limits: Any
) -> Archiver:
    """An archiver that does not measure ingest for five seconds before each day."""
    bounds = ArchiverLimits(**{"look_seconds": 0.001, **limits})
    made = OrderlyArchiver(reactor, dsn, lambda: now, place, limits=bounds, connect=connect)
    made.dsn = dsn
    return made


async def registered(store: PostgresStore, email: str = "one@example.com", port: int = 1) -> Destination:
    _, destination = await store.register(email, "hash", "UTC", "h", range(port, port + 1), only_first=False)
    return destination


async def fill(store: PostgresStore, destination: Destination, days: int = 2) -> None:
    """Append an event in each of three hours of each day, and one in its last microsecond."""
    for day in range(days):
        for hour in (0, 5, 23):
            at = DAY0 + day * DAY + hour * HOUR
            await store.append([events(at, [f"day {day} hour {hour}"], destination=destination)])
        await store.append([events(DAY0 + (day + 1) * DAY - 1, [f"day {day} last"], destination=destination)])


async def forget(pool: Pool, now: int) -> None:
    """Run retention at a time when it has passed for all events."""
    await Retention(pool, lambda: now + 1000 * DAY, 1).run()


def stored(dsn: str) -> set[tuple[int, int]]:
    """Destination and id of all events in the database."""
    return set(execute(dsn, "SELECT destination_id, id FROM event"))


def files(root: Path) -> list[str]:
    return sorted(str(each.relative_to(root)) for each in root.rglob("*") if each.is_file())


def rows(root: Path, columns: str = "id", order: str = "id") -> list[tuple[Any, ...]]:
    """The rows that DuckDB reads from the files in place."""
    with duckdb.connect() as connection:
        found: list[tuple[Any, ...]] = connection.execute(
            f"SELECT {columns} FROM read_parquet('{root}/*/*/*.parquet', hive_partitioning = true) ORDER BY {order}"
        ).fetchall()
    return found


def kept(root: Path) -> set[int]:
    """The ids in all files, checked for duplicates."""
    found = rows(root, "destination, id") if any(name.endswith(".parquet") for name in files(root)) else []
    assert len(found) == len(set(found)), "no event is in the archive twice"
    return {id_ for _, id_ in found}
