"""The ports of destinations, TCP and UDP on one number: each is opened and closed at run time on its own."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Set
from typing import Any

import attrs
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IAddress, IDelayedCall, IListeningPort
from twisted.internet.protocol import ServerFactory
from twisted.logger import Logger

from ppl.listener.intake import DestinationIntake, Intake
from ppl.listener.limits.addresses import sender_address
from ppl.listener.limits.turn_share import Reserve, Share
from ppl.listener.sockets.connection import SenderPort
from ppl.listener.sockets.receiver import Receiver
from ppl.listener.sockets.udp import DatagramPort
from ppl.model import Destination
from ppl.services.backoff import Backoff
from ppl.services.sockets import Sockets
from ppl.sources.framing import Frames

_FIRST_DELAY, _LONGEST_DELAY = 0.5, 60.0

_INCOMPLETE = "messages in chunks (GELF over UDP) are dropped: not all of their chunks came within 5 seconds"

#: Told of a destination's TCP port: ``None`` when it is open, else why it could not be opened.
Report = Callable[[Destination, str | None], None]


class ReceiverFactory(ServerFactory):
    """Makes the receivers of one destination."""

    noisy = False

    def __init__(self, intake: DestinationIntake) -> None:
        self._intake = intake

    def buildProtocol(self, addr: IAddress | None) -> Receiver | None:
        """Twisted: a new connection; ``None`` closes it."""
        sender_ip = sender_address(getattr(addr, "host", ""))
        if not self._intake.admits(sender_ip):
            return None
        if not self._intake.shared.admission.admit(self._intake.destination, sender_ip):
            return None
        return Receiver(self._intake, sender_ip)


@attrs.define(eq=False)
class _Socket:
    """One of a destination's two sockets, TCP or UDP: open, or to be retried.

    Attributes:
        listen: opens the socket; raises ``CannotListenError``.
        failed: told at each failure why it could not be opened, and whether this is the first failure.
        opened: told that it is open.
    """

    listen: Callable[[], IListeningPort | DatagramPort]
    opened: Callable[[], None]
    failed: Callable[[str, bool], None]
    listening: IListeningPort | DatagramPort | None = None
    retry: IDelayedCall | None = None
    backoff: Backoff = attrs.Factory(lambda: Backoff(_FIRST_DELAY, _LONGEST_DELAY))
    reason: str | None = None

    def open(self, reactor: Any) -> None:
        """Try to open the socket now; on failure, retry later."""
        self.retry = None
        try:
            self.listening = self.listen()
        except CannotListenError as error:
            first, self.reason = self.reason is None, str(error.socketError)
            self.retry = reactor.callLater(self.backoff.next(), self.open, reactor)
            self.failed(self.reason, first)
        else:
            self.opened()
            self.reason = None

    async def close(self) -> None:
        """Close the socket, or stop retrying."""
        if self.retry is not None:
            self.retry.cancel()
            self.retry = None
        if self.listening is not None:
            await maybeDeferred(self.listening.stopListening)


@attrs.define(eq=False)
class _Port:
    intake: DestinationIntake
    stream: _Socket
    datagrams: _Socket | None

    @property
    def destination(self) -> Destination:
        return self.intake.destination

    async def release(self) -> None:
        """Close both sockets: accept no more connections and datagrams."""
        await self.stream.close()
        if self.datagrams is not None:
            await self.datagrams.close()


class Ports:
    """Opens the ports of destinations, retries those that cannot be opened, and closes them.

    Args:
        reactor: sockets and timers.
        interface: address to bind.
        intake: takes the received lines.
        most_files: the process's limit on open files, of which ports with UDP may use half; 0: no UDP at all.
        report: told when a port opens or cannot be opened.
        sockets: provides the sockets to listen on.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        interface: str,
        intake: Intake,
        most_files: int,
        report: Report,
        sockets: Sockets | None = None,
    ) -> None:
        self._reactor = reactor
        self._sockets = sockets or Sockets()
        self._interface = interface
        self._intake = intake
        self._most_files = most_files
        self._report = report
        self._reserve = Reserve()
        self._said_too_many = False
        self._ports: dict[tuple[str, int], _Port] = {}
        # Destinations to open with new settings as soon as their old sockets are released.
        self._renewed: dict[tuple[str, int], Destination] = {}
        self._ending: set[Deferred[None]] = set()

    def open(self, destination: Destination) -> None:
        """Open the destination's port; if it is open or being tried, report its state again."""
        address = destination.host, destination.port
        known = self._ports.get(address)
        if address in self._renewed:
            self._renewed[address] = destination
        elif known is not None and known.destination == destination:
            self._report(destination, known.stream.reason)
        elif known is not None and known.intake.can_become(destination):
            known.intake.change(destination)
            self._report(destination, known.stream.reason)
        elif known is not None:
            # Registered anew, or with another time zone or policy, which the open port does not know.
            self._replace(known, destination)
        else:
            port = self._ports[address] = self._new(destination)
            port.stream.open(self._reactor)
            if port.datagrams is not None:
                port.datagrams.open(self._reactor)

    def _new(self, destination: Destination) -> _Port:
        own = DestinationIntake(destination, self._intake, Share(self._reactor, self._reserve))
        number, user_id = destination.port, destination.user_id
        factory = ReceiverFactory(own)
        stream = _Socket(
            lambda: self._listen_tcp(number, factory),
            lambda: self._opened(destination, stream),
            lambda reason, first: self._failed(destination, reason, first),
        )
        if destination.takes == "tls" or not self._has_files_for_udp():
            return _Port(own, stream, None)
        datagrams = _Socket(
            lambda: self._listen_udp(own),
            lambda: None,
            lambda reason, first: self._say_failed(f"{user_id} over UDP", reason, first),
        )
        return _Port(own, stream, datagrams)

    def _listen_tcp(self, number: int, factory: ReceiverFactory) -> SenderPort:
        with self._sockets.open(socket.SOCK_STREAM, number, self._interface) as listening:
            return SenderPort.on(listening, factory, self._reactor)

    def _has_files_for_udp(self) -> bool:
        """Whether, with one more UDP port, half of the files remain for connections and ports without UDP."""
        fits = 2 * len(self._ports) < self._most_files // 2
        if self._most_files and not fits and not self._said_too_many:
            self._said_too_many = True
            self._log.warn(
                "The limit on open files, {most}, is too low for more than {count} destinations with UDP; the others"
                " have no UDP: raise the limit (LimitNOFILE= in systemd's unit, ulimit -n), or set --udp off",
                most=self._most_files,
                count=len(self._ports),
            )
        return fits

    def _listen_udp(self, own: DestinationIntake) -> DatagramPort:
        destination, intake = own.destination, self._intake

        def take(sender_ip: str, frames: Frames, size: int) -> None:
            if own.admits(sender_ip):
                own.submit(sender_ip, frames, size, port)

        port = DatagramPort(
            self._reactor,
            self._sockets.open(socket.SOCK_DGRAM, destination.port, self._interface),
            intake.limits.max_line_bytes,
            take,
            lambda count: intake.losses.add(destination, count),
            intake.chunk_room,
            lambda: intake.admission.say_once(destination.user_id, _INCOMPLETE),
        )
        return port

    def _replace(self, known: _Port, destination: Destination) -> None:
        address = destination.host, destination.port
        del self._ports[address]
        self._renewed[address] = destination
        ending = Deferred.fromCoroutine(self._renew(known))
        self._ending.add(ending)
        ending.addErrback(
            lambda failure: self._log.failure(
                "Internal error while reopening the port of {user_id}", failure, user_id=destination.user_id
            )
        )
        ending.addBoth(lambda _: self._ending.discard(ending))

    async def _renew(self, known: _Port) -> None:
        try:
            await known.release()
        finally:
            # None when it was closed meanwhile.
            destination = self._renewed.pop((known.destination.host, known.destination.port), None)
        self._forget_sockets(known.destination, destination)
        if destination is not None:
            self.open(destination)
        # Last, so that a sender that does not close does not delay the new port.
        await known.intake.close_connections()

    async def close(self, destination: Destination) -> None:
        """Close the port for good and end its connections; the lines they have received are kept."""
        await self._close(destination, is_for_good=True)

    async def _close(self, destination: Destination, *, is_for_good: bool) -> None:
        address = destination.host, destination.port
        self._renewed.pop(address, None)
        port = self._ports.pop(address, None)
        if port is not None:
            await port.release()
            if is_for_good:
                self._forget_sockets(destination, None)
            await port.intake.close_connections()

    def _forget_sockets(self, destination: Destination, successor: Destination | None) -> None:
        """Release the kept sockets of ``destination`` that ``successor`` does not need."""
        if successor is None:
            self._sockets.release(socket.SOCK_STREAM, destination.port)
        if successor is None or successor.takes == "tls":
            self._sockets.release(socket.SOCK_DGRAM, destination.port)

    async def close_all(self) -> None:
        """Close every port; sockets that are kept for the next start stay open."""
        self._renewed.clear()
        closing = [
            Deferred.fromCoroutine(self._close(port.destination, is_for_good=False))
            for port in list(self._ports.values())
        ]
        await gatherResults([*closing, *self._ending], consumeErrors=True)
        self._intake.losses.say()
        self._intake.unfinished.stop()

    def reconcile(self, destinations: Iterable[Destination], left_alone: Set[tuple[str, int]] = frozenset()) -> None:
        """Open the missing ports of ``destinations`` and close all other ports.

        Ports in ``left_alone`` (host and number) stay as they are.
        """
        wanted = {(each.host, each.port): each for each in destinations}
        for address, port in list(self._ports.items()):
            if address not in wanted and address not in left_alone:
                closing = Deferred.fromCoroutine(self.close(port.destination))
                closing.addErrback(lambda failure: self._log.failure("Internal error while closing a port", failure))
        for address in self._renewed.keys() - wanted.keys() - left_alone:
            del self._renewed[address]
        for address, destination in wanted.items():
            known = self._ports.get(address)
            if address not in left_alone and (known is None or known.destination != destination):
                self.open(destination)

    @property
    def destinations(self) -> list[Destination]:
        """Destinations whose port is open or is being tried."""
        return [*(port.destination for port in self._ports.values()), *self._renewed.values()]

    def intake_of(self, destination: Destination) -> DestinationIntake | None:
        """The intake of ``destination``, while its port is open or is being tried."""
        port = self._ports.get((destination.host, destination.port))
        return port.intake if port is not None else None

    def _opened(self, destination: Destination, stream: _Socket) -> None:
        if stream.reason is not None:
            self._log.info("{user_id} is open after retrying", user_id=destination.user_id)
        self._report(destination, None)

    def _failed(self, destination: Destination, reason: str, first: bool) -> None:
        self._say_failed(destination.user_id, reason, first)
        self._report(destination, reason)

    def _say_failed(self, what: str, reason: str, first: bool) -> None:
        if first:
            self._log.error("{what} cannot be opened, retrying: {reason}", what=what, reason=reason)
