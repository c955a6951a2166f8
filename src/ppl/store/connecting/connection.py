"""One supervised connection to PostgreSQL over txpostgres: every statement ends, every death is noticed.

txpostgres leaves out what a daemon needs: a bound on connecting and on a server that froze, names resolved without
blocking, errors that say what to do. Used by :mod:`.pool` only.
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

# SQLSTATE classes and codes after which the same statement may succeed later: connection, resources, operator's
# intervention, a transaction to repeat; and a primary that became a standby.
PASSING = ("08", "53", "57", "40001", "40P01", "25006", "55P03")

# libpq gives no SQLSTATE of a connection that is refused. A server that speaks another language is tried again.
_REFUSAL = re.compile(
    r"(?:FATAL: +|fe_sendauth: )(.*(?:"
    r"authentication failed|no password supplied|(?:database|role) \".*\" does not exist|is not permitted to log in"
    r"|no pg_hba\.conf entry|pg_hba\.conf rejects|permission denied for database).*)"
)


class ConnectionLost(StoreUnavailable):
    """The connection died under a statement: it may have taken effect or not."""

    def __init__(self) -> None:
        super().__init__("The connection to PostgreSQL was lost.")


class ServerSilent(StoreUnavailable):
    """The server did not answer in time, so that the statement may have taken effect or not.

    Unlike after a lost connection, most likely it would not answer a second time either.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(f"PostgreSQL did not answer within {seconds:g} s.")


class StoreRefuses(StoreUnavailable):
    """PostgreSQL answers and lets nobody in with this DSN; before somebody changes one of them it will not."""


class WatchedReactor:
    """The reactor as txpostgres uses it, where a socket that libpq has already closed ends the connection.

    libpq may close it before psycopg2 says ``closed``; ``addReader`` of a descriptor of -1 would raise wherever
    txpostgres happens to be.

    Args:
        reactor: watches the sockets.
        owner: is abandoned when its socket is gone.
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
        """No longer watch ``selectable``, whose socket libpq may have closed already.

        epoll then knows nothing of it, so that Twisted's removal fails half way: the number of the closed socket would
        count as watched for ever, and the next socket that gets it, whosever it is, would never be looked at.
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
    """txpostgres's, out of the reactor as soon as libpq has closed the socket."""

    def continuePolling(self, swallowErrors: bool = False) -> None:
        try:
            super().continuePolling(swallowErrors)
        finally:
            if self.fileno() < 0:
                self.reactor.forget(self)


class _Connection(txpostgres.Connection):  # type: ignore[misc]
    """txpostgres's, telling its owner when the idle connection dies instead of logging a traceback."""

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
        """What txpostgres has nobody to tell, which would come out of the reactor."""
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
    """A connection, from :meth:`open` to its :attr:`lost`.

    Args:
        reactor: connects and waits.
        application: what PostgreSQL calls it (``pg_stat_activity.application_name``), unless the DSN says otherwise.
        connect: begins to connect, as psycopg2 does.

    Attributes:
        lost: fires with the reason, once, when it has died or was abandoned; never fails.
        is_lost: whether that has happened.
        silent_for: seconds that the server was waited for in vain, if that is why.
    """

    def __init__(self, reactor: Any, application: str = "ppl", connect: Callable[..., Any] = psycopg2.connect) -> None:
        self._application = application
        self.lost: Deferred[str] = Deferred()
        self.is_lost = False
        self.silent_for: float | None = None
        self._given_up = False
        self._reactor = reactor
        self._connection = _Connection(reactor, self, connect)

    async def open(self, dsn: str, patience: float, statement_timeout: float) -> None:
        """Connect; after ``patience`` seconds at the latest it is open or raises ``StoreUnavailable``."""
        resolved = await _resolve(self._reactor, dsn, self._application, patience)
        if self.is_lost:
            raise StoreUnavailable("the attempt was given up")
        timer = self._reactor.callLater(patience, self.abandon, "it did not answer in time")
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
            patience,
        )

    @property
    def server_version(self) -> int:
        """Such as 180006."""
        version: int = self._connection.server_version
        return version

    @property
    def server_encoding(self) -> str:
        """Such as ``UTF8``."""
        encoding: str = self._connection.get_parameter_status("server_encoding")
        return encoding

    @property
    def is_clean(self) -> bool:
        """Whether it lives and is outside of any transaction, so that somebody else may have it."""
        return not self.is_lost and self._connection.get_transaction_status() == TRANSACTION_STATUS_IDLE

    async def execute(self, sql: str, parameters: Parameters, patience: float) -> list[ResultRow]:
        """Run ``sql`` (one statement or several) and give the rows of the last.

        Args:
            sql: with ``%s`` where ``parameters`` go.
            parameters: bound by psycopg2; ``None`` when there are none and ``%`` means itself.
            patience: seconds after which the server is taken for frozen and the connection is dropped.

        Raises:
            StoreUnavailable: also when the caller cannot know whether the statement took effect.
            ServerSilent: the patience has ended.
            StatementTimeout: it was cancelled by its statement_timeout.
            psycopg2.Error: what else PostgreSQL refuses.
        """
        if self.is_lost:
            raise ConnectionLost
        cursor = self._connection.cursor()
        timer = self._reactor.callLater(patience, self._out_of_patience, patience)
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
        # Cancelling txpostgres's own Deferred blocks the reactor and raises a private error: drop the connection.
        outer: Deferred[Any] = Deferred(self._give_up)

        def pass_on(result: Any) -> None:
            # A cancelled one has fired already when what it waited for ends.
            if not outer.called:
                outer.callback(result)

        inner.addBoth(pass_on)
        return outer

    def _out_of_patience(self, seconds: float) -> None:
        self.silent_for = seconds
        self.abandon("the server did not answer in time")

    def _give_up(self, _: object) -> None:
        self._given_up = True
        self.abandon("its statement was given up")

    def _translated(self, error: BaseException) -> Exception:
        code = getattr(error, "pgcode", None)
        if self._given_up:
            # Unlike one that was lost underneath, nobody wants it repeated.
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
            return StoreUnavailable(f"PostgreSQL cannot do it now: {sentence(error)}")
        assert isinstance(error, Exception)
        return error

    def abandon(self, reason: str) -> None:
        """Close it now, whatever runs on it; what runs raises ``StoreUnavailable``."""
        if self.is_lost:
            return
        self.is_lost = True
        connection = self._connection
        try:
            if connection.pollable() is not None:
                # txpostgres forgets the cursor that waits for the socket: epoll would keep it for ever.
                for cursor in set(connection._cursors):
                    connection.reactor.forget(cursor)
                connection.close()
        finally:
            # Whoever keeps its place waits for this.
            self.lost.callback(reason)


def sentence(error: BaseException) -> str:
    """The first line of a database error: the others may show a customer's lines."""
    lines = str(error).strip().splitlines()
    return lines[0].strip() if lines else type(error).__name__


def describe(dsn: str) -> str:
    """Where ``dsn`` leads, for a sentence: never its password."""
    parts = _parsed(dsn)
    where = parts.get("host") or parts.get("hostaddr") or os.environ.get("PGHOST") or "the local socket"
    port = f":{parts['port']}" if "port" in parts and not where.startswith("/") else ""
    return f"{where}{port}"


def _parsed(dsn: str) -> dict[str, str]:
    try:
        return parsed(dsn)
    except ValueError as error:
        raise StoreUnsuitable(f"The PostgreSQL DSN cannot be understood: {error}.") from None


async def _resolve(reactor: Any, dsn: str, application: str, patience: float) -> str:
    """``dsn`` with addresses beside its host names, which libpq would look up while the whole process waits."""
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
        for address in await _addresses(reactor, host, patience):
            hosts.append(host)
            addresses.append(address)
            kept_ports.append(ports[index] if index < len(ports) else ports[0])
    settings.update(host=",".join(hosts), hostaddr=",".join(addresses), port=",".join(kept_ports))
    return str(make_dsn(**settings))


async def _addresses(reactor: Any, host: str, patience: float) -> Sequence[str]:
    if not host or host.startswith(("/", "@")):
        return [""]  # a local socket
    try:
        return [str(ip_address(host))]
    except ValueError:
        pass
    receiver = _Addresses()
    reactor.nameResolver.resolveHostName(receiver, host)
    timer = reactor.callLater(patience, receiver.resolutionComplete)
    found = await receiver.complete
    if timer.active():
        timer.cancel()
    if not found:
        raise StoreUnavailable(f"the name {host} has no address")
    return found


@implementer(IResolutionReceiver)
class _Addresses:
    """Gathers what a host name resolves to."""

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
