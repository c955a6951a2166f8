"""Reads messages from PostgreSQL, newest first, thousands in one row, on a blocking connection.

:mod:`ppl.similar.worker` calls it in a process of its own. Nothing here needs Twisted, which would take more memory
than the lines do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import attrs
import psycopg2
from psycopg2.extensions import BYTES, make_dsn, parse_dsn, register_type

from ppl.dsn import KEEPALIVE
from ppl.search.colours import uncoloured
from ppl.store.events import walk

#: Characters of a message that are read.
MOST_CHARACTERS = 1_000

_SETTINGS = {**KEEPALIVE, "fallback_application_name": "ppl similar", "connect_timeout": 5}

#: Settings of the session; the second makes PostgreSQL (14 or newer) notice within 500 ms that the reader has gone.
_SESSION = (
    "SET client_encoding = 'UTF8'; SET max_parallel_workers_per_gather = 0; SET work_mem = '16MB'",
    "SET client_connection_check_interval = '500ms'",
)


@attrs.frozen
class GroupingPiece:
    """The lines that one statement found, newest first; the texts hold one line for each, in UTF-8.

    Attributes:
        count: the number of lines.
        last: the lowest id of the lines; 0 if there are none.
        ids, severities: the numbers in decimal; ``\\N`` for a line without a severity.
        messages: their beginnings, with ``\\\\`` for a backslash and ``\\n`` for the end of a line within a message.
    """

    count: int
    last: int
    ids: bytes
    severities: bytes
    messages: bytes


@attrs.frozen
class GroupingRange:
    """Events of a destination with ``after < id < before`` for which ``condition`` holds.

    Attributes:
        condition: SQL over table ``event`` with ``%s`` for its ``parameters``.
        is_ordered: whether to read rows in order of id; else PostgreSQL may use a text index and sort the rows.
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
        register_type(BYTES, self._connection)
        # Whether present plans must use an index's order; ``None``: not set yet.
        self._is_ordered: bool | None = None
        self._run(_SESSION[0])
        with suppress(psycopg2.ProgrammingError, psycopg2.DataError):
            self._run(_SESSION[1])

    def is_alive(self) -> bool:
        """Whether PostgreSQL answers; closes the connection if it does not."""
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

    def piece(self, stretch: GroupingRange, first: int, end: int, most: int) -> GroupingPiece:
        """The newest ``most`` events of ``stretch`` with ``first <= id < end``."""
        # One row for all: psycopg2 takes half a microsecond for each row, and a thread that reads rows waits for the
        # interpreter at each. PostgreSQL aggregates the rows of a subquery in its order.
        # Without colours, like the text that the groups' queries search.
        message = rf"replace(replace(left({uncoloured('message')}, {MOST_CHARACTERS}), E'\\', E'\\\\'), E'\n', E'\\n')"
        sql = (
            r"SELECT count(*), coalesce(min(id), 0), string_agg(id::text, E'\n'),"  # noqa: S608
            rf" string_agg(coalesce(severity::text, E'\\N'), E'\n'), string_agg({message}, E'\n')"
            " FROM (SELECT id, severity, message FROM event"
            f" WHERE destination_id = %s AND id >= %s AND id < %s AND {stretch.condition}"
            " ORDER BY id DESC LIMIT %s) AS piece"
        )
        if self._is_ordered != stretch.is_ordered:
            self._run(f"SET enable_sort = {'off' if stretch.is_ordered else 'on'}")
            self._is_ordered = stretch.is_ordered
        ((count, last, *texts),) = self._run(sql, [stretch.destination_id, first, end, *stretch.parameters, most])
        return GroupingPiece(int(count), int(last), *(text or b"" for text in texts))

    def after(self, destination_id: int, first: int, end: int, events: int) -> int:
        """The id of the event from which on there are ``events`` before ``end``; ``first`` if there are fewer."""
        rows = self._run(
            "SELECT id FROM event WHERE destination_id = %s AND id >= %s AND id < %s"
            " ORDER BY id DESC OFFSET %s LIMIT 1",
            [destination_id, first, end, events - 1],
        )
        return int(rows[0][0]) if rows else first

    def cancel(self) -> None:
        """Have PostgreSQL give up the statement that another thread runs; it raises there."""
        self._connection.cancel()

    def _run(self, sql: str, parameters: Sequence[Any] | None = None) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return list(cursor.fetchall()) if cursor.description is not None else []
