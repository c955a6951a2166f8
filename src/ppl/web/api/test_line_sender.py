"""Sends one sample line to a destination over TCP or TLS, as one of the account's senders would."""

from __future__ import annotations

from typing import Any

import attrs
from OpenSSL import SSL
from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.error import ConnectError, ConnectionClosed, ConnectionDone
from twisted.internet.protocol import ClientFactory, Protocol, connectionDone
from twisted.internet.ssl import CertificateOptions

from ppl.errors import PplError
from ppl.model import Clock, Destination
from ppl.timezone import utc_text

_SECONDS_TO_CONNECT = 3
_SECONDS_TO_DELIVER = 5
_WILDCARDS = ("0.0.0.0", "::")  # noqa: S104


class Unreachable(PplError):
    """Nothing answers at the destination's port."""

    code = "destination_unreachable"


class Restricted(PplError):
    """The destination restricts who may send to it, so a line from Ppl itself would be dropped."""

    code = "senders_restricted"


@attrs.frozen
class SampleSender:
    """Sends sample lines.

    Attributes:
        reactor: makes connections.
        clock: the wall clock, µs, for the lines' timestamps.
        interface: the address on which this machine's listener listens, tried if the public name cannot be reached.
    """

    reactor: Any
    clock: Clock
    interface: str

    async def send(self, destination: Destination) -> str:
        """Send one RFC 5424 line, wait until the listener has received it, and return the line.

        Raises:
            Restricted: the destination does not accept lines from everybody.
            Unreachable: no connection could be made, or it broke.
        """
        if needs := _needs(destination):
            raise Restricted(
                f"The senders of {destination.user_id} are restricted, so a test line from Ppl would be dropped. "
                f"Send one from one of your senders: it must {needs}."
            )
        line = (
            f"<14>1 {utc_text(self.clock())} {destination.host} ppl - - - "
            f"A test line from Ppl itself: {destination.user_id} receives."
        )
        local = "127.0.0.1" if self.interface in _WILDCARDS else self.interface
        for host in dict.fromkeys((destination.host, local)):
            try:
                protocol = await self._connect(host, destination)
            except (ConnectError, OSError, TimeoutError):
                continue
            await self._deliver(protocol, line, destination)
            return line
        raise Unreachable(f"No connection to {destination.user_id}: it is not open yet, or a firewall blocks it.")

    async def _connect(self, host: str, destination: Destination) -> _Line:
        # HostnameEndpoint accepts names and addresses of both families, and races them as RFC 8305 says.
        endpoint = HostnameEndpoint(self.reactor, host.strip("[]"), destination.port)
        kind = _SecureLine if destination.transport == "tls" else _Line
        connecting: Deferred[Any] = endpoint.connect(_LineFactory.forProtocol(kind))  # type: ignore[no-untyped-call]
        protocol: _Line = await connecting.addTimeout(_SECONDS_TO_CONNECT, self.reactor)
        return protocol

    async def _deliver(self, protocol: _Line, line: str, destination: Destination) -> None:
        try:
            await protocol.deliver(line.encode("utf-8") + b"\n").addTimeout(_SECONDS_TO_DELIVER, self.reactor)
        except (ConnectionClosed, SSL.Error, TimeoutError) as error:
            protocol.abort()
            raise Unreachable(f"{destination.user_id} accepted the connection but not the line.") from error


def _needs(destination: Destination) -> str:
    """The conditions for a line to be accepted, in words; ``""`` if everybody may send."""
    needs = (
        ("come from one of its networks", destination.networks),
        ("carry its token", destination.token_hashes),
        ("come over TLS with a client certificate that it accepts", destination.client_certificates),
    )
    return ", and ".join(words for words, holds in needs if holds)


class _Line(Protocol):
    """Writes one line, closes its side of the connection, and waits for the other side to close."""

    _delivered: Deferred[None] | None = None

    def deliver(self, line: bytes) -> Deferred[None]:
        """Send ``line``; fires when the other side has read to the end and closed."""
        self._delivered = Deferred()
        self._send(line)
        return self._delivered

    def _send(self, line: bytes) -> None:
        transport: Any = self.transport
        transport.write(line)
        transport.loseWriteConnection()

    def abort(self) -> None:
        transport: Any = self.transport
        transport.abortConnection()

    def connectionLost(self, reason: Any = connectionDone) -> None:
        delivered, self._delivered = self._delivered, None
        if delivered is not None and not delivered.called:
            if reason.check(ConnectionDone):
                delivered.callback(None)
            else:
                delivered.errback(reason)


class _SecureLine(_Line):
    """The same over TLS, where no side closes alone: the other side answers the close once it has read everything."""

    def connectionMade(self) -> None:
        transport: Any = self.transport
        # The certificate is not verified: this machine may not trust it, and nothing sent here is secret.
        transport.startTLS(CertificateOptions())

    def _send(self, line: bytes) -> None:
        transport: Any = self.transport
        transport.write(line)
        transport.loseConnection()


class _LineFactory(ClientFactory):
    noisy = False
