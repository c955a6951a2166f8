"""Reads messages from PostgreSQL by ``COPY``, newest first, on a blocking connection.

:mod:`ppl.similar.worker` does so in a process of its own. Nothing here needs Twisted, which would take more memory than
the lines do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, Protocol

import attrs
import psycopg2
from psycopg2.extensions import make_dsn, parse_dsn

from ppl.dsn import KEEPALIVE
from ppl.store.events import walk

#: Characters of a message that are read.
MOST_CHARACTERS = 1_000

_SETTINGS = {**KEEPALIVE, "fallback_application_name": "ppl similar", "connect_timeout": 5}

#: Settings of the session; the second makes PostgreSQL (14 or newer) notice within 500 ms that the reader has gone.
_SESSION = (
    "SET client_encoding = 'UTF8'; SET max_parallel_workers_per_gather = 0; SET work_mem = '16MB'",
    "SET client_connection_check_interval = '500ms'",
)


class Rows(Protocol):
    """A file object that takes the rows of a ``COPY``."""

    def write(self, row: bytes) -> object:
        """Take a row: id, severity and the beginning of the message, in the text format of ``COPY``."""


@attrs.frozen
class GroupingRange:
    """Events of a destination with ``after < id < before`` for which ``condition`` holds.

    Attributes:
        condition: SQL over table ``event`` with ``%s`` for its ``parameters``.
        is_ordered: whether to read rows in order of id; else PostgreSQL may use a text index and sort what it finds.
    """

    destination_id: int
    after: int
    before: int
    condition: str
    parameters: Sequence[Any]
    is_ordered: bool


class GroupingReader:
    """One blocking connection.

    Args:
        dsn: libpq's connection string.

    Raises:
        psycopg2.Error: from every method, where PostgreSQL cannot be read or a statement took too long.
    """

    def __init__(self, dsn: str) -> None:
        self._connection: Any = psycopg2.connect(make_dsn(dsn, **{**_SETTINGS, **parse_dsn(dsn)}))
        self._connection.autocommit = True
        self._run(_SESSION[0])
        with suppress(psycopg2.ProgrammingError, psycopg2.DataError):
            self._run(_SESSION[1])

    def is_alive(self) -> bool:
        """Whether PostgreSQL answers; closes the connection where it does not."""
        try:
            self._run("SELECT 1")
        except psycopg2.Error:
            self.close()
            return False
        return True

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def limit(self, seconds: float) -> None:
        """Set the timeout of each statement that follows."""
        self._run(f"SET statement_timeout = {max(1, int(seconds * 1000))}")

    def newest(self, destination_id: int) -> int:
        """The highest stored id of the destination; ``-1``: it has no events."""
        ((newest,),) = self._run(
            "SELECT coalesce(max(last_id), -1) FROM event_count WHERE destination_id = %s", [destination_id]
        )
        return int(newest)

    def oldest(self, destination_id: int) -> int | None:
        """The lowest stored id of the destination; ``None``: it has no events."""
        rows = self._run("SELECT id FROM event WHERE destination_id = %s ORDER BY id LIMIT 1", [destination_id])
        return int(rows[0][0]) if rows else None

    def slots(self, stretch: GroupingRange) -> Iterator[walk.Slot]:
        """Each slot of ``stretch`` that has events of the destination, newest first."""
        walked = walk.IdRange(stretch.destination_id, stretch.after, stretch.before, newest_first=True)
        beyond: int | None = None
        while True:
            rows = self._run(*walk.listing(walked, beyond))
            yield from (walk.Slot(*row) for row in rows)
            if len(rows) < walk.AT_ONCE:
                return
            beyond = rows[-1][0]

    def copy(self, stretch: GroupingRange, first: int, end: int, rows: Rows, most: int) -> None:
        """Write the events of ``stretch`` with ``first <= id < end`` to ``rows``, newest first, at most ``most``."""
        with self._connection.cursor() as cursor:
            sql = cursor.mogrify(
                f"SELECT id, severity, left(message, {MOST_CHARACTERS}) FROM event"  # noqa: S608
                f" WHERE destination_id = %s AND id >= %s AND id < %s AND {stretch.condition}"
                " ORDER BY id DESC LIMIT %s",
                [stretch.destination_id, first, end, *stretch.parameters, most],
            ).decode("utf-8")
            cursor.execute(f"SET enable_sort = {'off' if stretch.is_ordered else 'on'}")
            cursor.copy_expert(f"COPY ({sql}) TO STDOUT", rows)

    def _run(self, sql: str, parameters: Sequence[Any] | None = None) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return list(cursor.fetchall()) if cursor.description is not None else []
