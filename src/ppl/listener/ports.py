"""The open ports of destinations: bound and released at run time, each on its own."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Set
from typing import Any

import attrs
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.internet.endpoints import TCP4ServerEndpoint, TCP6ServerEndpoint
from twisted.internet.interfaces import IDelayedCall, IListeningPort
from twisted.logger import Logger
from twisted.python.failure import Failure

from ppl.listener.receiver import ReceiverFactory
from ppl.model import Destination

_FIRST_DELAY, _LONGEST_DELAY = 0.5, 60.0
_BACKLOG = 1024

#: Told of a destination's port: ``None`` when it is open, else why it could not be opened.
Report = Callable[[Destination, str | None], None]


@attrs.define(eq=False)
class _Port:
    destination: Destination
    factory: ReceiverFactory
    listening: IListeningPort | None = None
    retry: IDelayedCall | None = None
    delay: float = _FIRST_DELAY
    reason: str | None = None
    closed: bool = False


class Ports:
    """Opens, keeps trying to open, and closes the ports of destinations.

    Args:
        reactor: sockets and timers.
        interface: address to bind.
        make_factory: the receivers of a destination.
        report: told when a port opens or cannot be opened.
    """

    _log = Logger()

    def __init__(
        self, reactor: Any, interface: str, make_factory: Callable[[Destination], ReceiverFactory], report: Report
    ) -> None:
        self._reactor = reactor
        self._interface = interface
        self._make_factory = make_factory
        self._report = report
        self._ports: dict[tuple[str, int], _Port] = {}

    def open(self, destination: Destination) -> None:
        """Open the destination's port, or report again how it is."""
        address = destination.host, destination.port
        known = self._ports.get(address)
        if known is not None and known.destination == destination:
            if known.listening is not None:
                self._report(destination, None)
            elif known.reason is not None:
                self._report(destination, known.reason)
            return
        if known is not None:
            # Registered anew, or its time zone changed: the factory knows the old.
            self._replace(known, destination)
            return
        port = self._ports[address] = _Port(destination, self._make_factory(destination))
        self._listen(port)

    def _replace(self, known: _Port, destination: Destination) -> None:
        closing = Deferred.fromCoroutine(self.close(known.destination))
        closing.addCallback(lambda _: self.open(destination))
        closing.addErrback(
            lambda failure: self._log.failure("{user_id} stayed as it was", failure, user_id=destination.user_id)
        )

    async def close(self, destination: Destination) -> None:
        """Release the port and end its connections; what they received is kept."""
        port = self._ports.pop((destination.host, destination.port), None)
        if port is None:
            return
        port.closed = True
        if port.retry is not None:
            port.retry.cancel()
            port.retry = None
        if port.listening is not None:
            await maybeDeferred(port.listening.stopListening)
        await port.factory.close_connections()

    async def close_all(self) -> None:
        """Close every port."""
        closing = [Deferred.fromCoroutine(self.close(port.destination)) for port in list(self._ports.values())]
        await gatherResults(closing, consumeErrors=True)

    def reconcile(self, destinations: Iterable[Destination], left_alone: Set[tuple[str, int]] = frozenset()) -> None:
        """Have exactly the ports of ``destinations``: open what is missing, close what is too many.

        ``left_alone`` (hosts and ports) stay as they are.
        """
        wanted = {(each.host, each.port): each for each in destinations}
        for address, port in list(self._ports.items()):
            if address not in wanted and address not in left_alone:
                closing = Deferred.fromCoroutine(self.close(port.destination))
                closing.addErrback(lambda failure: self._log.failure("A port did not close", failure))
        for address, destination in wanted.items():
            known = self._ports.get(address)
            if address not in left_alone and (known is None or known.destination != destination):
                self.open(destination)

    @property
    def destinations(self) -> list[Destination]:
        """Those whose port is open or is being tried."""
        return [port.destination for port in self._ports.values()]

    def _listen(self, port: _Port) -> None:
        port.retry = None
        endpoint = TCP6ServerEndpoint if ":" in self._interface else TCP4ServerEndpoint
        listening = endpoint(self._reactor, port.destination.port, _BACKLOG, self._interface).listen(port.factory)
        listening.addCallbacks(self._opened, self._failed, (port,), callbackKeywords=None, errbackArgs=(port,))
        listening.addErrback(lambda failure: self._log.failure("A port's state was not taken note of", failure))

    def _opened(self, listening: IListeningPort, port: _Port) -> None:
        if port.closed:
            listening.stopListening()
            return
        port.listening = listening
        if port.reason is not None:
            self._log.info("{user_id} is open at last", user_id=port.destination.user_id)
        port.reason = None
        self._report(port.destination, None)

    def _failed(self, failure: Failure, port: _Port) -> None:
        if port.closed:
            return
        reason = str(getattr(failure.value, "socketError", failure.value))
        if port.reason is None:
            self._log.error(
                "{user_id} cannot be opened, trying on: {reason}", user_id=port.destination.user_id, reason=reason
            )
        port.reason = reason
        delay = port.delay * random.uniform(0.5, 1.5)  # noqa: S311 - no secret
        port.delay = min(port.delay * 2, _LONGEST_DELAY)
        port.retry = self._reactor.callLater(delay, self._listen, port)
        self._report(port.destination, reason)
