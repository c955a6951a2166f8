"""A factory on a server endpoint, as a service whose start fails with a clear sentence when the port is taken.

Twisted's own service for this logs and runs on without its port.
"""

from __future__ import annotations

from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IListeningPort, IProtocolFactory

from ppl.errors import ConfigurationError


class Listening(Service):
    """Listens from ``startService`` to ``stopService``, both of which give a Deferred.

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
        except Exception as error:
            raise ConfigurationError(f"{self._option}: {self._endpoint} cannot be opened ({error}).") from error

    @property
    def address(self) -> Any:
        """Where it listens, for who asked for port 0."""
        assert self._port is not None
        return self._port.getHost()

    def stopService(self) -> Deferred[None]:
        """Fires when the port is closed; connections that are open stay so."""
        super().stopService()
        return Deferred.fromCoroutine(self._close())

    async def _close(self) -> None:
        if self._port is not None:
            await maybeDeferred(self._port.stopListening)
