"""Big batches by ``COPY``, on blocking connections of their own, each statement in a thread.

txpostgres has no ``COPY``, and ``COPY`` takes half the time of the best ``INSERT`` (``docs/performance.rst``). libpq
lets go of the interpreter's lock while it sends and waits, so the reactor goes on parsing meanwhile. Only
:mod:`.append` uses this; everything else is txpostgres's.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from io import BytesIO
from itertools import chain, repeat
from math import ceil
from typing import Any, TypeVar

import psycopg2
from psycopg2.extensions import make_dsn, parse_dsn
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from ppl.dsn import KEEPALIVE
from ppl.errors import StoreUnavailable
from ppl.model import Events
from ppl.store.connecting.connection import PASSING, sentence
from ppl.store.connecting.quiet import keep_rows_off_stderr
from ppl.store.events.columns import TEXTS, clean_texts, column

T = TypeVar("T")

_CHUNK_BYTES = 1 << 26
_KEPT = 2
_MOST_THREADS = 8
_COLUMNS = (
    "destination_id", "id", "created_at", "sender_ip", "facility", "severity", *TEXTS,
)  # fmt: skip
#: Events that came in one read need no columns put together with others'.
_WORTH_A_TEMPLATE = 64
_SMALL: dict[int | None, str] = {None: "\\N", **{number: str(number) for number in range(256)}}


class Copier(Service):
    """Commits batches by ``COPY`` to the PostgreSQL of ``dsn``; connections are opened when first needed.

    Args:
        reactor: threads and timers.
        dsn: libpq's, either form.
        connect_timeout: seconds for connecting.
        statement_timeout: seconds for one statement.
        grace: seconds more after which a server that let its own timeout pass is taken for frozen.
    """

    def __init__(self, reactor: Any, dsn: str, connect_timeout: float, statement_timeout: float, grace: float) -> None:
        self._reactor, self._dsn = reactor, dsn
        self._connect_timeout, self._statement_timeout, self._grace = connect_timeout, statement_timeout, grace
        self._threads = ThreadPool(0, _MOST_THREADS, "copy")
        self._idle: list[CopyConnection] = []
        self._busy: set[CopyConnection] = set()

    def startService(self) -> None:
        """Ready to copy."""
        super().startService()
        keep_rows_off_stderr()
        self._threads.start()

    def stopService(self) -> None:
        """Close what is idle; what still copies fails."""
        super().stopService()
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()
        for connection in self._busy:
            connection.hang_up()
        # Not stop(), which would wait for the threads.
        self._threads.adjustPoolsize(0, 0)

    async def copy(self, batch: Sequence[Events], table: str, count: str, after: Deferred[None] | None) -> None:
        """Store ``batch`` in ``table`` and run ``count``, in one transaction, committed once ``after`` has fired.

        Raises:
            StoreUnavailable: also when nobody can know whether it was committed.
            psycopg2.Error: what PostgreSQL refuses.
        """
        if not self.running:
            raise StoreUnavailable("The store is stopped.")
        data = copy_text(batch)
        connection = self._idle.pop() if self._idle else self._new_connection()
        self._busy.add(connection)
        try:
            await self._in_thread(connection, lambda: connection.begin(table, data))
            if after is not None:
                await after
            await self._in_thread(connection, lambda: connection.finish(count))
        except BaseException as error:
            # In whatever state it is: closing it rolls back.
            connection.close()
            raise translated(error) from error
        finally:
            self._busy.discard(connection)
        if self.running and len(self._idle) < _KEPT:
            self._idle.append(connection)
        else:
            connection.close()

    def _new_connection(self) -> CopyConnection:
        return CopyConnection(self._dsn, self._connect_timeout, self._statement_timeout)

    async def _in_thread(self, connection: CopyConnection, act: Callable[[], T]) -> T:
        patience = self._connect_timeout + self._statement_timeout + self._grace
        timer = self._reactor.callLater(patience, connection.hang_up)
        try:
            return await deferToThreadPool(self._reactor, self._threads, act)
        finally:
            if timer.active():
                timer.cancel()


class CopyConnection:
    """A blocking connection; all but :meth:`hang_up` run in one thread at a time.

    Args:
        dsn: libpq's, either form.
        connect_timeout: seconds for connecting.
        statement_timeout: seconds for one statement.
    """

    def __init__(self, dsn: str, connect_timeout: float, statement_timeout: float) -> None:
        # libpq waits for whole seconds, at least two.
        settings = {**KEEPALIVE, "fallback_application_name": "ppl writer", "connect_timeout": ceil(connect_timeout)}
        self._dsn = make_dsn(dsn, **{**settings, **parse_dsn(dsn)})
        self._timeout = int(statement_timeout * 1000)
        self._connection: Any = None
        self._is_given_up = False

    def begin(self, table: str, data: bytes) -> None:
        """Send the rows ``data`` into ``table``, in a new transaction.

        Raises:
            psycopg2.Error: what PostgreSQL refuses, or the connection was lost or given up.
        """
        if self._connection is None:
            self._connection = psycopg2.connect(self._dsn)
            if self._is_given_up:
                raise psycopg2.OperationalError("it was given up while it was being opened")
            self._connection.autocommit = True
            self._run(f"SET statement_timeout = {self._timeout}; SET timezone = 'UTC'; SET client_encoding = 'UTF8'")
        self._run("BEGIN")
        with self._connection.cursor() as cursor:
            cursor.copy_expert(f"COPY {table} ({', '.join(_COLUMNS)}) FROM STDIN", BytesIO(data), _CHUNK_BYTES)

    def finish(self, count: str) -> None:
        """Count and commit."""
        self._run(f"{count}; COMMIT")

    def _run(self, sql: str) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(sql)

    def hang_up(self) -> None:
        """End what a thread waits for, from any other thread; what is being opened ends once it is open."""
        self._is_given_up = True
        if self._connection is None:
            return
        with suppress(psycopg2.Error, OSError), socket.socket(fileno=os.dup(self._connection.fileno())) as shared:
            shared.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close it, if it is open; rolls back what is not committed."""
        if self._connection is not None:
            self._connection.close()


def translated(error: BaseException) -> BaseException:
    """``error`` of a copy as the caller of :class:`Copier` is told of it."""
    code = getattr(error, "pgcode", None)
    if isinstance(error, SystemError):  # psycopg2 met one error while it handled another
        return StoreUnavailable("The connection to PostgreSQL was lost.")
    if isinstance(error, psycopg2.Error) and code is None:  # libpq's word, not the server's
        return StoreUnavailable(f"The connection to PostgreSQL was lost: {sentence(error)}")
    if code is not None and code.startswith(PASSING):
        return StoreUnavailable(f"PostgreSQL cannot do it now: {sentence(error)}")
    return error


def copy_text(batch: Sequence[Events]) -> bytes:
    """``batch`` in the text format of ``COPY``."""
    texts: list[str] = []
    small: list[Events] = []
    for events in batch:
        if len(events) < _WORTH_A_TEMPLATE:
            small.append(events)
            continue
        if small:
            texts.append(_rows(small))
            small = []
        texts.append(_rows([events]))
    if small:
        texts.append(_rows(small))
    return "".join(texts).encode("utf-8")


def _rows(batch: Sequence[Events]) -> str:
    """Column by column into one template for all rows.

    A column with one value for all becomes part of the template, and all rows are one formatting in C.
    """
    parts: list[str] = []
    varying: list[Sequence[Any]] = []

    def add(values: Sequence[Any], texts: Callable[[Sequence[Any]], Sequence[str]], shape: str = "%s") -> None:
        """A column; ``texts`` makes what ``shape`` takes of its values, of one where all are the same."""
        if values[0] == values[-1] and values.count(values[0]) == len(values):
            parts.append(str(shape % texts(values[:1])[0]).replace("%", "%%"))
        else:
            parts.append(shape)
            varying.append(texts(values))

    ids = list(chain.from_iterable(events.ids for events in batch))
    add([each for events in batch for each in repeat(events.destination.id, len(events))], _as_it_is)
    add(ids, _as_it_is, "%d")
    created_at = column(batch, "created_at")
    if None in created_at:
        # Without a sane timestamp an event happened when it was received.
        created_at = [id_ if at is None else at for id_, at in zip(ids, created_at, strict=True)]
    add(created_at, _as_it_is, "%d")
    add([each for events in batch for each in repeat(events.sender_ip, len(events))], _as_it_is)
    add(column(batch, "facility"), _small)
    add(column(batch, "severity"), _small)
    for name in TEXTS:
        add(column(batch, name), _escaped)
    template = "\t".join(parts) + "\n"
    return template * len(ids) % tuple(chain.from_iterable(zip(*varying, strict=True)))


def _as_it_is(values: Sequence[Any]) -> Sequence[Any]:
    return values


def _small(numbers: Sequence[int | None]) -> Sequence[str]:
    return list(map(_SMALL.__getitem__, numbers))


def _escaped(texts: Sequence[str]) -> Sequence[str]:
    """``texts`` as COPY's text format wants them, and clean."""
    joined = "\0".join(texts)
    if joined.isascii() and joined.count("\0") == len(texts) - 1 and not any(plain in joined for plain, _ in _ESCAPES):
        return texts
    joined = clean_texts(texts)
    for plain, escaped in _ESCAPES:
        if plain in joined:
            joined = joined.replace(plain, escaped)
    return joined.split("\0")


# The backslash first: the others bring their own.
_ESCAPES = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"))

__all__ = ["Copier", "CopyConnection", "copy_text", "translated"]
