"""Reads events from PostgreSQL by ``COPY``, as CSV, on a blocking connection and in bounded memory.

The archiver calls it in a thread.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import Any

import psycopg2
from psycopg2.extensions import make_dsn, parse_dsn

from ppl.dsn import KEEPALIVE
from ppl.errors import StoreUnavailable
from ppl.model import TEXT_COLUMNS
from ppl.store.connecting.connection import sentence

_COPY = (
    "COPY (SELECT {columns} FROM event WHERE destination_id = {destination_id} AND id >= {first} AND id < {end}"
    " ORDER BY id) TO STDOUT (FORMAT csv, FORCE_QUOTE ({quoted}))"
)
_QUOTED = ", ".join(("sender_ip", *TEXT_COLUMNS))

#: Bytes of rows after which a part is passed on.
PART_BYTES = 1 << 23


class Unloading:
    """A connection that unloads events; a context manager.

    Args:
        dsn: libpq's connection string.
        columns: columns of ``event``, in the order of the CSV.
        connect_seconds, statement_seconds: timeouts.
        part_bytes: bytes of rows after which a part is passed on.
    """

    def __init__(
        self,
        dsn: str,
        columns: tuple[str, ...],
        connect_seconds: float,
        statement_seconds: float,
        part_bytes: int = PART_BYTES,
    ) -> None:
        settings = {**KEEPALIVE, "fallback_application_name": "ppl archiving", "connect_timeout": ceil(connect_seconds)}
        self._dsn = make_dsn(dsn, **{**settings, **parse_dsn(dsn)})
        self._columns = ", ".join("host(sender_ip) AS sender_ip" if name == "sender_ip" else name for name in columns)
        self._timeout = int(statement_seconds * 1000)
        self._part_bytes = part_bytes
        self._connection: Any = None

    def __enter__(self) -> Unloading:
        try:
            self._connection = psycopg2.connect(self._dsn)
            self._connection.autocommit = True
            with self._connection.cursor() as cursor:
                cursor.execute(f"SET statement_timeout = {self._timeout}; SET client_encoding = 'UTF8'")
        except psycopg2.Error as error:
            raise StoreUnavailable(f"PostgreSQL cannot be read: {sentence(error)}") from error
        return self

    def __exit__(self, *_: object) -> None:
        if self._connection is not None:
            self._connection.close()

    def unload(self, destination_id: int, first: int, end: int, take: Callable[[bytes], None]) -> None:
        """Pass the events ``first <= id < end`` to ``take``, ascending, as CSV in parts of whole rows.

        Raises:
            StoreUnavailable: PostgreSQL went away or took too long. Errors of ``take`` are raised as they are.
        """
        gathering = _Gathering(take, self._part_bytes)
        sql = _COPY.format(
            columns=self._columns, destination_id=int(destination_id), first=int(first), end=int(end), quoted=_QUOTED
        )
        try:
            with self._connection.cursor() as cursor:
                cursor.copy_expert(sql, gathering)
            gathering.flush()
        except (psycopg2.Error, SystemError) as error:
            # psycopg2 may have wrapped an error of take.
            if gathering.failure is not None:
                raise gathering.failure from error
            raise StoreUnavailable(f"PostgreSQL cannot be read: {sentence(error)}") from error


class _Gathering:
    """The file object that psycopg2 writes to, a row at a time."""

    def __init__(self, take: Callable[[bytes], None], part_bytes: int) -> None:
        self._take, self._part_bytes = take, part_bytes
        self._rows = bytearray()
        self.failure: Exception | None = None

    def write(self, row: bytes) -> None:
        self._rows += row
        if len(self._rows) >= self._part_bytes:
            self.flush()

    def flush(self) -> None:
        if not self._rows:
            return
        rows, self._rows = bytes(self._rows), bytearray()
        try:
            self._take(rows)
        except Exception as error:
            self.failure = error
            raise
