"""Stores big batches by ``COPY``, on blocking connections of their own, each statement in a thread.

txpostgres has no ``COPY``, and ``COPY`` takes half the time of the best ``INSERT`` (``docs/performance.rst``). libpq
releases the interpreter's lock while it sends and waits, so the reactor goes on parsing meanwhile. Only
:mod:`ppl.store.events.append` stores events this way.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
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
from ppl.store.connecting.connection import PASSING, sentence
from ppl.store.connecting.quiet import keep_rows_off_stderr

T = TypeVar("T")

_CHUNK_BYTES = 1 << 26
_KEPT = 2
_MOST_THREADS = 8


class Copier(Service):
    """Commits batches by ``COPY`` to the PostgreSQL of ``dsn``; connections are opened when first needed.

    Args:
        reactor: runs the threads and timers.
        dsn: libpq's connection string, in either form.
        connect_timeout: seconds for connecting.
        statement_timeout: seconds for one statement.
        grace: seconds past ``statement_timeout`` after which a server without an answer counts as frozen.
    """

    def __init__(self, reactor: Any, dsn: str, connect_timeout: float, statement_timeout: float, grace: float) -> None:
        self._reactor, self._dsn = reactor, dsn
        self._connect_timeout, self._statement_timeout, self._grace = connect_timeout, statement_timeout, grace
        self._threads = ThreadPool(0, _MOST_THREADS, "copy")
        self._idle: list[CopyConnection] = []
        self._busy: set[CopyConnection] = set()

    def startService(self) -> None:
        """Start the threads."""
        super().startService()
        keep_rows_off_stderr()
        self._threads.start()

    def stopService(self) -> None:
        """Close idle connections; copies under way fail."""
        super().stopService()
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()
        for connection in self._busy:
            connection.hang_up()
        # Not stop(), which would wait for the threads.
        self._threads.adjustPoolsize(0, 0)

    async def copy(self, rows: bytes, into: str, count: str, after: Deferred[None] | None) -> None:
        """Store ``rows`` and run ``count``, in one transaction, committed once ``after`` has fired.

        Args:
            rows: in the text format of ``COPY``.
            into: a table and its columns, as ``COPY`` wants them.
            count: SQL that counts the rows.
            after: ``None`` to commit at once.

        Raises:
            StoreUnavailable: also when it is unknown whether the rows were committed.
            psycopg2.Error: PostgreSQL refuses the rows.
        """
        if not self.running:
            raise StoreUnavailable("The store is stopped.")
        connection = self._idle.pop() if self._idle else self._new_connection()
        self._busy.add(connection)
        try:
            if after is None:
                await self._in_thread(connection, lambda: connection.store(into, rows, count), 2)
            else:
                await self._in_thread(connection, lambda: connection.begin(into, rows))
                await after
                await self._in_thread(connection, lambda: connection.finish(count))
        except BaseException as error:
            # Whatever state the connection is in, closing it rolls back.
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

    async def _in_thread(self, connection: CopyConnection, act: Callable[[], T], statements: int = 1) -> T:
        timeout = self._connect_timeout + statements * self._statement_timeout + self._grace
        timer = self._reactor.callLater(timeout, connection.hang_up)
        try:
            return await deferToThreadPool(self._reactor, self._threads, act)
        finally:
            if timer.active():
                timer.cancel()


class CopyConnection:
    """A blocking connection; every method except :meth:`hang_up` runs in one thread at a time.

    Args:
        dsn: libpq's connection string, in either form.
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

    def begin(self, into: str, rows: bytes) -> None:
        """Begin a transaction and send ``rows``; the arguments are those of :meth:`Copier.copy`.

        Raises:
            psycopg2.Error: PostgreSQL refuses the rows, or the connection was lost or given up.
        """
        if self._connection is None:
            self._connection = psycopg2.connect(self._dsn)
            if self._is_given_up:
                raise psycopg2.OperationalError("it was given up while it was being opened")
            self._connection.autocommit = True
            self._run(f"SET statement_timeout = {self._timeout}; SET timezone = 'UTC'; SET client_encoding = 'UTF8'")
        self._run("BEGIN")
        with self._connection.cursor() as cursor:
            cursor.copy_expert(f"COPY {into} FROM STDIN", BytesIO(rows), _CHUNK_BYTES)

    def store(self, into: str, rows: bytes, count: str) -> None:
        """Do :meth:`begin` and :meth:`finish`: a thread waits for the reactor's turn only once."""
        self.begin(into, rows)
        self.finish(count)

    def finish(self, count: str) -> None:
        """Count and commit."""
        self._run(f"{count}; COMMIT")

    def _run(self, sql: str) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(sql)

    def hang_up(self) -> None:
        """Interrupt the statement that a thread waits for; called from another thread.

        A connection that is being opened ends once it is open.
        """
        self._is_given_up = True
        if self._connection is None:
            return
        with suppress(psycopg2.Error, OSError), socket.socket(fileno=os.dup(self._connection.fileno())) as shared:
            shared.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection if it is open, which rolls back what is not committed."""
        if self._connection is not None:
            self._connection.close()


def translated(error: BaseException) -> BaseException:
    """The exception to raise from :meth:`Copier.copy` for ``error``."""
    code = getattr(error, "pgcode", None)
    if isinstance(error, SystemError):  # psycopg2 met one error while it handled another
        return StoreUnavailable("The connection to PostgreSQL was lost.")
    if isinstance(error, psycopg2.Error) and code is None:  # reported by libpq, not by the server
        return StoreUnavailable(f"The connection to PostgreSQL was lost: {sentence(error)}")
    if code is not None and code.startswith(PASSING):
        return StoreUnavailable(f"PostgreSQL cannot run this statement now: {sentence(error)}")
    return error
