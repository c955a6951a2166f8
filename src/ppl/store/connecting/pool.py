"""A pool of supervised connections to PostgreSQL: each is replaced when it is lost, and nothing waits for ever.

One loop per connection keeps it open (connect, lend, notice the loss, back off, connect again). Work that gets no
connection within a bound is refused with :class:`~ppl.errors.StoreUnavailable`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import attrs
import psycopg2
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from ppl.errors import PplError, StoreUnavailable, StoreUnsuitable
from ppl.services.backoff import Backoff
from ppl.store.connecting.connection import Connection, ConnectionLost, Parameters, ResultRow, StoreRefuses, describe
from ppl.store.connecting.copying import Copier
from ppl.store.connecting.outage import PostgresOutage

T = TypeVar("T")

OLDEST_VERSION = 150000

#: Statement timeout of a small lookup, in seconds.
LOOK_UP_SECONDS = 5.0

_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.05, 5.0
_STOP_SECONDS = 3.0


class Transaction:
    """An open transaction, which :meth:`Pool.transact` passes to its ``work``."""

    def __init__(self, connection: Connection, timeout: float) -> None:
        self._connection, self._timeout = connection, timeout

    async def run(self, sql: str, parameters: Parameters = None) -> list[ResultRow]:
        """Run ``sql`` within the transaction and return the rows of its last statement."""
        return await self._connection.execute(sql, parameters, self._timeout)


@attrs.frozen
class PoolStatistics:
    """A snapshot of a pool.

    Attributes:
        connected: connections, lent or idle.
        idle: connections that are not lent.
        waiting: calls that wait for a connection.
    """

    connected: int
    idle: int
    waiting: int


class Pool(Service):
    """``size`` connections to the PostgreSQL of ``dsn``.

    Args:
        reactor: does the input, output and timing.
        dsn: libpq's connection string, in either form.
        size: how many connections are kept.
        wait: seconds that work waits for a free connection before it is refused.
        connect_timeout: seconds for one attempt to connect.
        statement_timeout: seconds a statement may take unless its caller says otherwise.
        grace: seconds past a statement's timeout after which a server without an answer counts as frozen.
        parameters: settings of the PostgreSQL sessions, by name.
        application: ``application_name`` of the connections.
        outage: logs that PostgreSQL is away, for all pools that share it; ``None``: for this pool alone.
        look_up_seconds: statement timeout of a small lookup, unless ``statement_timeout`` is shorter.

    Attributes:
        server_version: PostgreSQL's, such as 180006; 0 before the first connection.
        copier: stores big batches in the same PostgreSQL, on connections of its own; runs while the pool does.
    """

    _log = Logger()
    name = "the connections to PostgreSQL"

    def __init__(
        self,
        reactor: Any,
        dsn: str,
        size: int,
        *,
        wait: float = 5.0,
        connect_timeout: float = 5.0,
        statement_timeout: float = 30.0,
        grace: float = 5.0,
        parameters: Mapping[str, str] | None = None,
        application: str = "ppl",
        outage: PostgresOutage | None = None,
        look_up_seconds: float = LOOK_UP_SECONDS,
    ) -> None:
        self._reactor, self._dsn, self._size = reactor, dsn, size
        self._wait, self._connect_timeout, self._statement_timeout = wait, connect_timeout, statement_timeout
        self._grace, self._look_up_seconds = grace, min(look_up_seconds, statement_timeout)
        self._parameters, self._application = dict(parameters or {}), application
        self.server_version = 0
        self.copier = Copier(reactor, dsn, connect_timeout, statement_timeout, grace)
        self._connections: set[Connection] = set()
        self._opening: set[Connection] = set()
        self._idle: list[Connection] = []
        self._waiting: deque[Deferred[Connection]] = deque()
        self._places: list[Deferred[None]] = []
        self._pauses: set[Deferred[None]] = set()
        self._drained: Deferred[None] | None = None
        self._started: Deferred[None] | None = None
        self._is_unsuitable = False
        self._outage = outage or PostgresOutage(reactor, dsn)

    def startService(self) -> Deferred[None]:  # type: ignore[override]
        """Fires when connected, however long that takes; fails with ``StoreUnsuitable``.

        The pool waits for a PostgreSQL that is away. One that refuses the DSN is unsuitable at the start, and retried
        later.
        """
        super().startService()
        self._is_unsuitable = False
        self.copier.startService()
        started: Deferred[None] = Deferred()
        self._started = started
        self._places = [Deferred.fromCoroutine(self._keep_filled()) for _ in range(self._size)]
        for place in self._places:
            place.addErrback(self._place_failed)
        return started

    def stopService(self) -> Deferred[None]:
        """Give running statements a few seconds to end, then close; fires when all connections are closed."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    def statistics(self) -> PoolStatistics:
        """How many connections there are now, and how many calls wait for one."""
        return PoolStatistics(len(self._connections), len(self._idle), len(self._waiting))

    async def run(self, sql: str, parameters: Parameters = None, *, seconds: float | None = None) -> list[ResultRow]:
        """Run ``sql``, one statement or several, as one transaction; returns the rows of the last statement.

        Args:
            sql: with ``%s`` for ``parameters``.
            parameters: bound values.
            seconds: replaces the pool's statement timeout.
        """
        limit = self._statement_timeout
        if seconds is not None:
            # Several statements in one message are one transaction, so LOCAL ends with it.
            limit, sql = seconds, f"SET LOCAL statement_timeout = {int(seconds * 1000)}; {sql}"
        async with self._borrowed() as connection:
            return await connection.execute(sql, parameters, limit + self._grace)

    async def read(self, sql: str, parameters: Parameters = None, *, seconds: float | None = None) -> list[ResultRow]:
        """As :meth:`run`, for statements that only read: repeated once when the connection is lost.

        A server that did not answer is not asked again: the caller would wait twice as long.
        """
        try:
            return await self.run(sql, parameters, seconds=seconds)
        except ConnectionLost:
            return await self.run(sql, parameters, seconds=seconds)

    async def look_up(self, sql: str, parameters: Parameters = None) -> list[ResultRow]:
        """As :meth:`read` with a short timeout, for the few rows that every request needs."""
        return await self.read(sql, parameters, seconds=self._look_up_seconds)

    async def transact(self, work: Callable[[Transaction], Awaitable[T]], *, seconds: float | None = None) -> T:
        """Run ``work`` in one transaction: committed when it returns, rolled back when it raises."""
        limit = self._statement_timeout if seconds is None else seconds
        begin = "BEGIN" if seconds is None else f"BEGIN; SET LOCAL statement_timeout = {int(limit * 1000)}"
        async with self._borrowed() as connection:
            transaction = Transaction(connection, limit + self._grace)
            await transaction.run(begin)
            try:
                result = await work(transaction)
                # The work may have committed with its last statement, to save a round trip.
                if not connection.is_clean:
                    await transaction.run("COMMIT")
            except BaseException:
                await self._roll_back(connection, transaction)
                raise
        return result

    async def _roll_back(self, connection: Connection, transaction: Transaction) -> None:
        if connection.is_lost or connection.is_clean:
            return
        try:
            await transaction.run("ROLLBACK")
        except Exception as error:
            connection.abandon(f"it could not roll back ({type(error).__name__})")

    @asynccontextmanager
    async def _borrowed(self) -> AsyncIterator[Connection]:
        connection = await self._acquire()
        try:
            yield connection
        finally:
            self._give_back(connection)

    async def _acquire(self) -> Connection:
        if not self.running:
            raise StoreUnavailable("The store is stopped.")
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_lost:
                return connection
        waiting: Deferred[Connection] = Deferred(self._forget)
        self._waiting.append(waiting)
        timer = self._reactor.callLater(self._wait, self._refuse, waiting)
        try:
            return await waiting
        finally:
            if timer.active():
                timer.cancel()

    def _forget(self, waiting: Deferred[Connection]) -> None:
        if waiting in self._waiting:
            self._waiting.remove(waiting)

    def _refuse(self, waiting: Deferred[Connection]) -> None:
        self._forget(waiting)
        where = f"PostgreSQL at {describe(self._dsn)}"
        if self._connections:
            waiting.errback(StoreUnavailable(f"{where} has no free connection; try again."))
        else:
            waiting.errback(StoreUnavailable(f"{where} cannot be reached; try again."))

    def _give_back(self, connection: Connection) -> None:
        if not connection.is_clean:
            # An open transaction must never reach the next borrower.
            connection.abandon("it was left inside a transaction")
        elif self._waiting and self.running:
            self._waiting.popleft().callback(connection)
            return
        else:
            self._idle.append(connection)
        self._check_drained()

    def _check_drained(self) -> None:
        if self._drained is not None and len(self._idle) == len(self._connections):
            drained, self._drained = self._drained, None
            drained.callback(None)

    # Keeping the connections open

    async def _keep_filled(self) -> None:
        backoff = Backoff(_SHORTEST_PAUSE, _LONGEST_PAUSE)
        while self.running and not self._is_unsuitable:
            connection = Connection(self._reactor, self._application)
            try:
                await self._open(connection)
            except (PplError, psycopg2.Error) as error:
                connection.abandon("it could not be opened")
                if isinstance(error, StoreUnsuitable | StoreRefuses) and self._started is not None:
                    self._is_unsuitable = True
                    self._started_with(Failure(self._unsuitable(error)))
                    return
                self._say_unreachable(error)
                await self._sleep(backoff.next())
                continue
            if not self.running:
                connection.abandon("the pool is stopped")
                return
            backoff.reset()
            self._add(connection)
            await connection.lost
            if connection.silent_for is not None:
                self._outage.silent(self, connection.silent_for)
            self._remove(connection)

    async def _open(self, connection: Connection) -> None:
        self._opening.add(connection)
        try:
            await connection.open(self._dsn, self._connect_timeout, self._statement_timeout)
            await check_suitable(connection, self._connect_timeout)
            for name, value in self._parameters.items():
                await connection.execute("SELECT set_config(%s, %s, false)", [name, value], self._connect_timeout)
            self.server_version = connection.server_version
        finally:
            self._opening.discard(connection)

    def _add(self, connection: Connection) -> None:
        self._outage.over(self)
        self._connections.add(connection)
        self._give_back(connection)
        self._started_with(None)

    def _remove(self, connection: Connection) -> None:
        self._connections.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self._check_drained()

    def _unsuitable(self, error: PplError | psycopg2.Error) -> Exception:
        if not isinstance(error, StoreRefuses):
            return error
        return StoreUnsuitable(f"PostgreSQL at {describe(self._dsn)} refuses the DSN of --database: {error}.")

    def _say_unreachable(self, error: Exception) -> None:
        if not self._connections and self.running and not self._is_unsuitable:
            self._outage.met(self, error)

    def _started_with(self, result: Failure | None) -> None:
        if self._started is not None:
            started, self._started = self._started, None
            started.callback(result)

    def _place_failed(self, failure: Failure) -> None:
        if self._started is not None:
            self._started_with(failure)
        else:
            self._log.failure("Internal error: a connection to PostgreSQL is not reopened", failure)

    async def _sleep(self, seconds: float) -> None:
        pause: Deferred[None] = deferLater(self._reactor, seconds, lambda: None)
        self._pauses.add(pause)
        pause.addErrback(_woken)
        await pause
        self._pauses.discard(pause)

    async def _stop(self) -> None:
        self._started_with(None)
        for waiting in list(self._waiting):
            self._forget(waiting)
            waiting.errback(StoreUnavailable("The store is stopped."))
        for pause in list(self._pauses):
            pause.cancel()
        if len(self._idle) < len(self._connections):
            drained = self._drained = Deferred()
            impatient = self._reactor.callLater(_STOP_SECONDS, self._abandon_lent)
            await drained
            if impatient.active():
                impatient.cancel()
        for connection in [*self._connections, *self._opening]:
            connection.abandon("the pool is stopped")
        await DeferredList(self._places)
        self._places = []
        self.copier.stopService()

    def _abandon_lent(self) -> None:
        for connection in self._connections.difference(self._idle):
            connection.abandon("the pool is stopped")


def _woken(failure: Failure) -> None:
    failure.trap(CancelledError)


async def check_suitable(connection: Connection, timeout: float) -> None:
    """Check that this server can hold Ppl's tables.

    Raises:
        StoreUnsuitable: the server never can.
        StoreUnavailable: the server is a standby at present.
    """
    sentence = unsuitable(connection.server_version, connection.server_encoding)
    if sentence:
        raise StoreUnsuitable(sentence)
    ((is_standby, role, schema, may_create),) = await connection.execute(
        "SELECT pg_is_in_recovery(), current_user, current_schema(),"
        " coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)",
        None,
        timeout,
    )
    if is_standby:
        raise StoreUnavailable("it is a standby that takes no writes")
    if not may_create:
        where = f"in the schema {schema}" if schema else "in any schema of its search_path"
        raise StoreUnsuitable(f"The PostgreSQL role {role} may not create tables {where}: grant it CREATE there.")


def unsuitable(version: int, encoding: str) -> str | None:
    """The sentence for a server that is too old or keeps text in the wrong encoding, else ``None``."""
    if version < OLDEST_VERSION:
        shown = f"{version // 10000}.{version % 10000}" if version >= 100000 else "older than 10"
        return f"Ppl needs PostgreSQL 15 or newer; this server is {shown}."
    if encoding != "UTF8":
        return f"Ppl needs a database with the encoding UTF8; this one has {encoding}."
    return None
