"""One supervised connection to PostgreSQL over txpostgres: every statement ends, every lost connection is noticed.

It adds what a daemon needs and txpostgres lacks: timeouts for connecting and for a frozen server, host names resolved
without blocking, and errors that say what to do. The pool uses it, and each background service that holds a lock.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from ipaddress import ip_address
from typing import Any

import psycopg2
from psycopg2.extensions import TRANSACTION_STATUS_IDLE, make_dsn
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.epollreactor import EPollReactor
from twisted.internet.error import ConnectionDone
from twisted.internet.error import ConnectionLost as SocketLost
from twisted.internet.interfaces import IAddress, IHostResolution, IResolutionReceiver
from twisted.python.failure import Failure
from txpostgres import txpostgres
from zope.interface import implementer

from ppl.dsn import KEEPALIVE, parsed
from ppl.errors import StatementTimeout, StoreUnavailable, StoreUnsuitable

ResultRow = tuple[Any, ...]
Parameters = Sequence[Any] | Mapping[str, Any] | None

# SQLSTATE classes and codes after which the same statement may succeed later: connection, resources, operator
# intervention, a transaction to repeat, a lock timeout; and a primary that became a standby.
PASSING = ("08", "53", "57", "40001", "40P01", "25006", "55P03")

# libpq gives no SQLSTATE for a refused connection, so its message is matched. A server whose messages are not English
# is retried.
_REFUSAL = re.compile(
    r"(?:FATAL: +|fe_sendauth: )(.*(?:"
    r"authentication failed|no password supplied|(?:database|role) \".*\" does not exist|is not permitted to log in"
    r"|no pg_hba\.conf entry|pg_hba\.conf rejects|permission denied for database).*)"
)


class ConnectionLost(StoreUnavailable):
    """The connection was lost under a statement, which may or may not have taken effect."""

    def __init__(self) -> None:
        super().__init__("The connection to PostgreSQL was lost.")


class ServerSilent(StoreUnavailable):
    """The server did not answer in time, so the statement may or may not have taken effect.

    Unlike after a lost connection, a second attempt would most likely get no answer either.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(f"PostgreSQL did not answer within {seconds:g} s.")


class StoreRefuses(StoreUnavailable):
    """PostgreSQL answers but refuses this DSN, and will until somebody changes the server or the DSN."""


class WatchedReactor:
    """The reactor that txpostgres is given: a socket that libpq has already closed ends the connection.

    libpq may close the socket before psycopg2 reports ``closed``; ``addReader`` with a descriptor of -1 would raise
    wherever txpostgres happens to be.

    Args:
        reactor: watches the sockets.
        owner: the connection to abandon when its socket is gone.
    """

    def __init__(self, reactor: Any, owner: Connection) -> None:
        self._reactor = reactor
        self._owner = owner
        self.callLater = reactor.callLater

    def addReader(self, selectable: Any) -> None:
        self._watch(self._reactor.addReader, selectable)

    def addWriter(self, selectable: Any) -> None:
        self._watch(self._reactor.addWriter, selectable)

    def _watch(self, add: Callable[[Any], None], selectable: Any) -> None:
        if selectable.fileno() < 0:
            self._owner.abandon("its socket is gone")
        else:
            add(selectable)

    def removeReader(self, selectable: Any) -> None:
        if selectable.fileno() < 0:
            self.forget(selectable)
        else:
            self._reactor.removeReader(selectable)

    def removeWriter(self, selectable: Any) -> None:
        if selectable.fileno() < 0:
            self.forget(selectable)
        else:
            self._reactor.removeWriter(selectable)

    def forget(self, selectable: Any) -> None:
        """Stop watching ``selectable``, whose socket libpq may have closed already.

        epoll has then dropped the socket, so Twisted's removal fails half-way: the closed descriptor would count as
        watched for ever, and the next socket with that number, whoever owns it, would never be polled.
        """
        for remove in (self._reactor.removeReader, self._reactor.removeWriter):
            with suppress(OSError, KeyError):
                remove(selectable)
        if isinstance(self._reactor, EPollReactor):
            watched = self._reactor._selectables
            for number in [number for number, each in watched.items() if each is selectable]:
                del watched[number]
            self._reactor._reads.intersection_update(watched)
            self._reactor._writes.intersection_update(watched)


class _Cursor(txpostgres.Cursor):  # type: ignore[misc]
    """txpostgres's cursor, removed from the reactor as soon as libpq has closed the socket."""

    def continuePolling(self, swallowErrors: bool = False) -> None:
        try:
            super().continuePolling(swallowErrors)
        finally:
            if self.fileno() < 0:
                self.reactor.forget(self)


class _Connection(txpostgres.Connection):  # type: ignore[misc]
    """txpostgres's connection, which tells its owner when it dies while idle instead of logging a traceback."""

    cursorFactory = _Cursor

    def __init__(self, reactor: Any, owner: Connection, connect: Callable[..., Any]) -> None:
        super().__init__(WatchedReactor(reactor, owner))
        self._owner = owner
        self.connectionFactory = connect

    def continuePolling(self, swallowErrors: bool = False) -> None:
        try:
            super().continuePolling(swallowErrors)
        finally:
            if self.fileno() < 0:
                self.reactor.forget(self)

    def doRead(self) -> None:
        self._guarded(super().doRead)

    def doWrite(self) -> None:
        self._guarded(super().doWrite)

    def _guarded(self, act: Callable[[], None]) -> None:
        """Run ``act``; an error that has no caller, and would be raised in the reactor, ends the connection."""
        try:
            act()
        except psycopg2.Error as error:
            self._owner.abandon(sentence(error))
            return
        if self._connection.closed:
            self._owner.abandon("the server closed it")

    def connectionLost(self, reason: Failure) -> None:
        super().connectionLost(reason)
        self._owner.abandon(reason.getErrorMessage())


class Connection:
    """One connection, from :meth:`open` until :attr:`lost` fires.

    Args:
        reactor: connects and waits.
        application: its ``pg_stat_activity.application_name``, unless the DSN says otherwise.
        connect: starts to connect, as ``psycopg2.connect`` does.

    Attributes:
        lost: fires once, with the reason, when the connection was lost or abandoned; never fails.
        is_lost: whether the connection was lost or abandoned.
        silent_for: seconds without an answer from the server, if that ended the connection.
    """

    def __init__(self, reactor: Any, application: str = "ppl", connect: Callable[..., Any] = psycopg2.connect) -> None:
        self._application = application
        self.lost: Deferred[str] = Deferred()
        self.is_lost = False
        self.silent_for: float | None = None
        self._given_up = False
        self._reactor = reactor
        self._connection = _Connection(reactor, self, connect)

    async def open(self, dsn: str, timeout: float, statement_timeout: float) -> None:
        """Connect, or raise ``StoreUnavailable``.

        Each host name, the connection and the first statement may take ``timeout`` seconds.
        """
        resolved = await _resolve(self._reactor, dsn, self._application, timeout)
        if self.is_lost:
            raise StoreUnavailable("the attempt was given up")
        timer = self._reactor.callLater(timeout, self.abandon, "it did not answer in time")
        try:
            await self._connection.connect(resolved)
        except Exception as error:
            self.abandon(sentence(error))
            refusal = _REFUSAL.search(str(error))
            if refusal is not None:
                raise StoreRefuses(refusal[1]) from error
            raise StoreUnavailable(sentence(error)) from error
        finally:
            if timer.active():
                timer.cancel()
        if self.is_lost:
            raise StoreUnavailable("the connection was lost at once")
        await self.execute(
            "SELECT set_config('statement_timeout', %s, false), set_config('timezone', 'UTC', false),"
            " set_config('client_encoding', 'UTF8', false)",
            [f"{int(statement_timeout * 1000)}ms"],
            timeout,
        )

    @property
    def server_version(self) -> int:
        """PostgreSQL's version, such as 180006."""
        version: int = self._connection.server_version
        return version

    @property
    def server_encoding(self) -> str:
        """The database's encoding, such as ``UTF8``."""
        encoding: str = self._connection.get_parameter_status("server_encoding")
        return encoding

    @property
    def is_clean(self) -> bool:
        """Whether the connection is alive and outside any transaction, so that it may be lent again."""
        return not self.is_lost and self._connection.get_transaction_status() == TRANSACTION_STATUS_IDLE

    async def execute(self, sql: str, parameters: Parameters, timeout: float) -> list[ResultRow]:
        """Run ``sql`` (one statement or several) and return the rows of the last statement.

        Args:
            sql: with ``%s`` where ``parameters`` go.
            parameters: bound by psycopg2; ``None`` when there are none, and ``%`` then means itself.
            timeout: seconds after which the server counts as frozen and the connection is dropped.

        Raises:
            StoreUnavailable: also when the caller cannot know whether the statement took effect.
            ServerSilent: the server did not answer within ``timeout``.
            StatementTimeout: PostgreSQL cancelled the statement by its statement_timeout.
            psycopg2.Error: PostgreSQL refused the statement for another reason.
        """
        if self.is_lost:
            raise ConnectionLost
        cursor = self._connection.cursor()
        timer = self._reactor.callLater(timeout, self._timed_out, timeout)
        try:
            await self._uncancelled(cursor.execute(sql, parameters))
            rows: list[ResultRow] = cursor.fetchall() if cursor.description is not None else []
        except (psycopg2.Error, CancelledError, ConnectionDone, SocketLost) as error:
            raise self._translated(error) from error
        finally:
            if timer.active():
                timer.cancel()
            if not self.is_lost:
                cursor.close()
        return rows

    def _uncancelled(self, inner: Deferred[Any]) -> Deferred[Any]:
        # Cancelling txpostgres's own Deferred blocks the reactor and raises a private error, so drop the connection.
        outer: Deferred[Any] = Deferred(self._give_up)

        def pass_on(result: Any) -> None:
            # A cancelled Deferred has already fired when its statement ends.
            if not outer.called:
                outer.callback(result)

        inner.addBoth(pass_on)
        return outer

    def _timed_out(self, seconds: float) -> None:
        self.silent_for = seconds
        self.abandon("the server did not answer in time")

    def _give_up(self, _: object) -> None:
        self._given_up = True
        self.abandon("its statement was given up")

    def _translated(self, error: BaseException) -> Exception:
        code = getattr(error, "pgcode", None)
        if self._given_up:
            # Not ConnectionLost: the pool would repeat a read that its caller has given up.
            return StoreUnavailable("The statement was given up.")
        if self.silent_for is not None:
            return ServerSilent(self.silent_for)
        if self.is_lost or self._connection.closed:
            self.abandon(sentence(error))
            return ConnectionLost()
        if isinstance(error, CancelledError):
            return StatementTimeout("The statement took too long and was cancelled.")
        if code is None and isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError):
            self.abandon(sentence(error))
            return ConnectionLost()
        if code is not None and code.startswith(PASSING):
            return StoreUnavailable(f"PostgreSQL cannot run this statement now: {sentence(error)}")
        assert isinstance(error, Exception)
        return error

    def abandon(self, reason: str) -> None:
        """Close the connection now; a statement that runs on it raises ``StoreUnavailable``."""
        if self.is_lost:
            return
        self.is_lost = True
        connection = self._connection
        try:
            if connection.pollable() is not None:
                # txpostgres does not remove a cursor that waits for the socket: the reactor would keep it for ever.
                for cursor in set(connection._cursors):
                    connection.reactor.forget(cursor)
                connection.close()
        finally:
            # The pool's loop for this connection waits for this.
            self.lost.callback(reason)


def sentence(error: BaseException) -> str:
    """The first line of a database error: the lines after it may quote customers' log lines."""
    lines = str(error).strip().splitlines()
    return lines[0].strip() if lines else type(error).__name__


def describe(dsn: str) -> str:
    """The server that ``dsn`` names, for a sentence: never its password."""
    parts = _parsed(dsn)
    where = parts.get("host") or parts.get("hostaddr") or os.environ.get("PGHOST") or "the local socket"
    port = f":{parts['port']}" if "port" in parts and not where.startswith("/") else ""
    return f"{where}{port}"


def _parsed(dsn: str) -> dict[str, str]:
    try:
        return parsed(dsn)
    except ValueError as error:
        raise StoreUnsuitable(f"The PostgreSQL DSN cannot be understood: {error}.") from None


async def _resolve(reactor: Any, dsn: str, application: str, timeout: float) -> str:
    """Add addresses to the host names in ``dsn``: libpq would look them up while the whole process waits."""
    parts = _parsed(dsn)
    settings: dict[str, Any] = {**KEEPALIVE, "fallback_application_name": application, **parts}
    named = parts.get("host") or os.environ.get("PGHOST") or ""
    if parts.get("hostaddr") or not named or "service" in parts:
        return str(make_dsn(**settings))
    ports = (parts.get("port") or os.environ.get("PGPORT") or "5432").split(",")
    hosts: list[str] = []
    addresses: list[str] = []
    kept_ports: list[str] = []
    for index, host in enumerate(named.split(",")):
        for address in await _addresses(reactor, host, timeout):
            hosts.append(host)
            addresses.append(address)
            kept_ports.append(ports[index] if index < len(ports) else ports[0])
    settings.update(host=",".join(hosts), hostaddr=",".join(addresses), port=",".join(kept_ports))
    return str(make_dsn(**settings))


async def _addresses(reactor: Any, host: str, timeout: float) -> Sequence[str]:
    if not host or host.startswith(("/", "@")):
        return [""]  # a local socket
    try:
        return [str(ip_address(host))]
    except ValueError:
        pass
    receiver = _Addresses()
    reactor.nameResolver.resolveHostName(receiver, host)
    timer = reactor.callLater(timeout, receiver.resolutionComplete)
    found = await receiver.complete
    if timer.active():
        timer.cancel()
    if not found:
        raise StoreUnavailable(f"the name {host} has no address")
    return found


@implementer(IResolutionReceiver)
class _Addresses:
    """Collects the addresses of a host name."""

    def __init__(self) -> None:
        self.complete: Deferred[list[str]] = Deferred()
        self._found: list[str] = []

    def resolutionBegan(self, resolutionInProgress: IHostResolution) -> None:
        """Nothing to prepare."""

    def addressResolved(self, address: IAddress) -> None:
        host = str(getattr(address, "host", ""))
        if host and host not in self._found:
            self._found.append(host)

    def resolutionComplete(self) -> None:
        if not self.complete.called:
            self.complete.callback(self._found)
