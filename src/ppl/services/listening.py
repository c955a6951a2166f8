"""A factory on a server endpoint, as a service whose start fails with a clear sentence when the port is taken.

Twisted's own service for this logs the failure and runs on without its port. Also here: checks whether a port is free.
"""

from __future__ import annotations

import errno
import socket
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IListeningPort, IProtocolFactory
from twisted.internet.protocol import Factory
from twisted.internet.testing import MemoryReactor

from ppl.errors import ConfigurationError
from ppl.services.polling import bound_accepts


class Listening(Service):
    """Listens from ``startService`` to ``stopService``, both of which return a Deferred.

    Args:
        reactor: opens the port.
        option: the option that gave ``endpoint``, to name it in the error.
        endpoint: Twisted's server endpoint string.
        factory: serves the connections.
    """

    def __init__(self, reactor: Any, option: str, endpoint: str, factory: IProtocolFactory) -> None:
        self._reactor, self._option, self._endpoint, self._factory = reactor, option, endpoint, factory
        self._port: IListeningPort | None = None

    def startService(self) -> Deferred[None]:  # type: ignore[override]
        """Fires when the port is open; fails with :class:`~ppl.errors.ConfigurationError`."""
        super().startService()
        return Deferred.fromCoroutine(self._listen())

    async def _listen(self) -> None:
        try:
            self._port = await serverFromString(self._reactor, self._endpoint).listen(self._factory)
            bound_accepts(self._port)
        except Exception as error:
            raise ConfigurationError(f"{self._option}: {self._endpoint} cannot be opened ({error}).") from error

    @property
    def address(self) -> Any:
        """The address listened on, for callers that asked for port 0."""
        assert self._port is not None
        return self._port.getHost()

    def stopService(self) -> Deferred[None]:
        """Fires when the port is closed; open connections stay open."""
        super().stopService()
        return Deferred.fromCoroutine(self._close())

    async def _close(self) -> None:
        if self._port is not None:
            await maybeDeferred(self._port.stopListening)


def check_endpoint(option: str, endpoint: str) -> None:
    """Raise ``ConfigurationError`` where the TCP port of ``endpoint`` certainly cannot be opened now."""
    reactor = MemoryReactor()
    serverFromString(reactor, endpoint).listen(Factory())
    for port, *_, interface in [*reactor.tcpServers, *reactor.sslServers]:
        error = _try(interface, port, socket.SOCK_STREAM)
        if error is not None:
            raise ConfigurationError(f"{option}: {endpoint} cannot be opened ({error.strerror}).")


def is_port_taken(interface: str, port: int) -> bool:
    """Whether another socket of this machine has TCP or UDP port ``port`` of ``interface``."""
    tries = (_try(interface, port, kind) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM))
    return any(error is not None and error.errno == errno.EADDRINUSE for error in tries)


def _try(interface: str, port: int, kind: socket.SocketKind) -> OSError | None:
    """Open a port and close it again; gives the error if that fails."""
    with socket.socket(socket.AF_INET6 if ":" in interface else socket.AF_INET, kind) as probe:
        try:
            if kind == socket.SOCK_STREAM:  # as Twisted does: connections that are ending do not matter
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((interface, port))
        except OSError as error:
            return error
    return None
