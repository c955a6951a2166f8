"""Seals slots that are over: builds the search index of each, in the background, one at a time.

``CREATE INDEX CONCURRENTLY`` lets late events in meanwhile. A crash leaves an invalid index, which is dropped and built
anew; so is an index that another version built on another expression. One process of an installation seals, on a
connection of its own.
"""

from __future__ import annotations

from typing import Any

import psycopg2
from psycopg2 import errors
from twisted.logger import Logger

from ppl.errors import StoreUnavailable
from ppl.model import MINUTE, Clock
from ppl.services.pausing import Rest
from ppl.store.connecting.connection import Connection
from ppl.store.connecting.locks import SEAL_KEY
from ppl.store.events.statistics import withhold_index
from ppl.store.upkeep.busy import BUSY_RATE, is_busy
from ppl.store.upkeep.text_index import create_text_index, text_index_form, text_index_stem

#: How long after its end a slot counts as over: the clocks of several listeners differ a little.
AFTER = 2 * MINUTE

#: Building waits while ingest is busy, but not longer than this after the slot's end.
MOST_PUT_OFF = 6 * 60 * MINUTE

#: Seconds over which the ingest rate is measured.
LOOK_SECONDS = 5.0

_CONNECT_SECONDS = 5.0
_BUILD_SECONDS = 6 * 3600.0

#: Settings of the session: memory of a build, how soon PostgreSQL notices that Ppl has gone, and the lock timeout.
_SESSION = "SET maintenance_work_mem = '64MB'; SET client_connection_check_interval = '1s'; SET lock_timeout = '5s'"


class Sealer:
    """Builds missing indexes.

    Args:
        reactor: connects and waits.
        dsn: libpq's connection string.
        clock: the time in µs.
        busy_rate: events a second above which building waits.
        look_seconds: seconds over which that rate is measured.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        dsn: str,
        clock: Clock,
        *,
        busy_rate: float = BUSY_RATE,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self._reactor, self._dsn, self._clock = reactor, dsn, clock
        self._busy_rate, self._look_seconds = busy_rate, look_seconds
        self._connection: Connection | None = None
        self._rest = Rest(reactor)
        self._stopped = False
        self._said_no_extension = False
        self._compared = False
        self._said_outdated = False

    def stop(self) -> None:
        """End a run that is under way; PostgreSQL abandons the index that it builds."""
        self._stopped = True
        self._rest.end()
        if self._connection is not None:
            self._connection.abandon("the process stops")

    async def run(self) -> None:
        """Seal slots that are over, newest first, unless another process does so or ingest is busy.

        Raises:
            StoreUnavailable: PostgreSQL is away.
        """
        connection = Connection(self._reactor, "ppl sealing")
        try:
            self._connection = connection
            await connection.open(self._dsn, _CONNECT_SECONDS, _BUILD_SECONDS)
            await self._seal_all(connection)
        except StoreUnavailable:
            if not self._stopped:
                raise
        finally:
            self._connection = None
            connection.abandon("it is not needed now")

    async def _seal_all(self, connection: Connection) -> None:
        ((ours,),) = await connection.execute("SELECT pg_try_advisory_lock(%s, %s)", SEAL_KEY, _CONNECT_SECONDS)
        if not ours or not await self._has_extension(connection):
            return
        await connection.execute(_SESSION, None, _CONNECT_SECONDS)
        await self._compare(connection)
        # The newest is asked for each time: building the indexes of a long history again takes hours.
        sealed: list[int] = []
        while (lower := await self._next(connection, sealed)) is not None:
            sealed.append(lower)
            await self._seal(connection, lower)

    async def _compare(self, connection: Connection) -> None:
        """Once: mark those slots as not sealed whose index is not the one that searches ask for."""
        if self._compared:
            return
        name = text_index_stem("%s") + text_index_form(connection.server_version)
        await connection.execute(
            "UPDATE slot SET indexed_at = NULL WHERE indexed_at IS NOT NULL AND to_regclass(format(%s, lower)) IS NULL",
            [name],
            _CONNECT_SECONDS,
        )
        self._compared = True

    async def _next(self, connection: Connection, sealed: list[int]) -> int | None:
        """The lower bound of the newest slot to seal now, except those in ``sealed``; ``None`` if there is none."""
        for after in (AFTER, MOST_PUT_OFF):
            if self._stopped:
                return None
            found = await connection.execute(
                "SELECT lower, upper FROM slot WHERE indexed_at IS NULL AND upper <= %s AND lower <> ALL (%s::bigint[])"
                " ORDER BY lower DESC LIMIT 1",
                [self._clock() - after, sealed],
                _CONNECT_SECONDS,
            )
            if not found:
                return None
            ((lower, upper),) = found
            if self._clock() - upper >= MOST_PUT_OFF or not await self._is_busy(connection):
                return None if self._stopped else int(lower)
        return None

    async def _has_extension(self, connection: Connection) -> bool:
        try:
            await connection.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm", None, _CONNECT_SECONDS)
        except psycopg2.Error as error:
            if not self._said_no_extension:
                self._said_no_extension = True
                self._log.warn(
                    "Searches stay slow: the extension pg_trgm is missing and cannot be created (SQLSTATE {code}); have"
                    " a superuser run CREATE EXTENSION pg_trgm in Ppl's database",
                    code=error.pgcode,
                )
            return False
        return True

    async def _is_busy(self, connection: Connection) -> bool:
        return await is_busy(connection, self._clock, self._rest.take, self._look_seconds, self._busy_rate)

    def _say_outdated(self, is_whole: bool) -> None:
        if is_whole and not self._said_outdated:
            self._said_outdated = True
            self._log.info(
                "Building the search indexes of an earlier version again, newest slot first; searches scan the other"
                " slots meanwhile"
            )

    async def _seal(self, connection: Connection, lower: int) -> None:
        """Seal one slot, in steps that may be repeated after a crash at any point."""
        stem = text_index_stem(lower)
        name = stem + text_index_form(connection.server_version)
        try:
            found = await connection.execute(
                "SELECT c.relname, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
                " WHERE i.indrelid = to_regclass(%s) AND starts_with(c.relname::text, %s)",
                [f"event_{lower}", stem],
                _CONNECT_SECONDS,
            )
            for other, is_valid in found:
                if other != name or not is_valid:
                    self._say_outdated(is_valid)
                    # Before the new one is built: both together might not fit on the disk.
                    await connection.execute(f"DROP INDEX CONCURRENTLY {other}", None, _BUILD_SECONDS)
            if (name, True) not in found:
                await connection.execute(create_text_index(lower, connection.server_version), None, _BUILD_SECONDS)
            await connection.execute(
                withhold_index(f"event_{lower}", name, connection.server_version), None, _BUILD_SECONDS
            )
            await connection.execute(f"ANALYZE event_{lower}", None, _BUILD_SECONDS)
        except errors.UndefinedTable:
            return  # the slot was dropped meanwhile
        await connection.execute(
            "UPDATE slot SET indexed_at = %s WHERE lower = %s", [self._clock(), lower], _CONNECT_SECONDS
        )
