"""One sender's TCP connection: bytes to framed, parsed lines, whole reads at a time."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Protocol, ServerFactory, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from ppl.listener.writer import Writer
from ppl.model import Clock, Destination
from ppl.syslog.framing import Framer, Frames
from ppl.syslog.message import parse
from ppl.timezone import parse_time_zone

#: Bytes of one read. Larger reads make cheaper parses, and let what PostgreSQL answers wait longer for its turn.
READ_BYTES = 128 * 1024


class Receiver(Protocol):
    """A connection to one destination; a :class:`~ppl.listener.writer.Source`."""

    def __init__(self, factory: ReceiverFactory, sender_ip: str) -> None:
        self._factory = factory
        self._sender_ip = sender_ip
        self._framer = Framer(factory.max_line_bytes)
        self._held = False
        self._lost = False

    def connectionMade(self) -> None:
        """Twisted: connected."""
        transport: Any = self.transport
        transport.bufferSize = READ_BYTES
        transport.setTcpKeepAlive(True)
        self._factory.connected(self)

    def dataReceived(self, data: bytes) -> None:
        """Twisted: one read."""
        self._submit(self._framer.feed(data), len(data))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Twisted: the connection has ended, maybe in the middle of a line, which is kept."""
        self._lost = True
        self._submit(self._framer.finish(), 0)
        self._factory.disconnected(self)

    def pause(self) -> None:
        """Source: the writer's queue is full."""
        if not self._held and not self._lost:
            self._held = True
            transport: Any = self.transport
            transport.pauseProducing()

    def resume(self) -> None:
        """Source: the writer has room again."""
        if self._held and not self._lost:
            self._held = False
            transport: Any = self.transport
            transport.resumeProducing()

    def close(self) -> None:
        """End the connection; what was received is kept."""
        transport: Any = self.transport
        transport.loseConnection()

    def _submit(self, frames: Frames, size: int) -> None:
        factory = self._factory
        received_at = factory.clock()
        lines = parse(frames, received_at, factory.zone)
        factory.writer.submit(factory.destination, self._sender_ip, lines, size, self)


class ReceiverFactory(ServerFactory):
    """Receivers of one destination, at most ``max_connections`` at once.

    Args:
        destination: whose port this is.
        writer: takes the lines.
        clock: µs of receipt.
        max_line_bytes: longer lines are cut and marked.
        max_connections: further connections are closed at once.
    """

    _log = Logger()
    noisy = False

    def __init__(
        self, destination: Destination, writer: Writer, clock: Clock, max_line_bytes: int, max_connections: int
    ) -> None:
        self.destination = destination
        self.writer = writer
        self.clock = clock
        self.max_line_bytes = max_line_bytes
        self.zone = parse_time_zone(destination.time_zone)
        self._most = max_connections
        self._receivers: set[Receiver] = set()
        self._said_full = False
        self._emptied: Deferred[None] | None = None

    def buildProtocol(self, addr: IAddress | None) -> Receiver | None:
        """Twisted: a new connection; ``None`` closes it."""
        if len(self._receivers) >= self._most:
            if not self._said_full:
                self._said_full = True
                self._log.warn(
                    "{user_id} has {most} connections; more are refused (--max-connections)",
                    user_id=self.destination.user_id,
                    most=self._most,
                )
            return None
        return Receiver(self, sender_address(getattr(addr, "host", "")))

    def connected(self, receiver: Receiver) -> None:
        """``receiver`` begins."""
        self._receivers.add(receiver)

    def disconnected(self, receiver: Receiver) -> None:
        """``receiver`` has ended."""
        self._receivers.discard(receiver)
        self.writer.forget(receiver)
        self._said_full = self._said_full and len(self._receivers) > self._most // 2
        if self._emptied is not None and not self._receivers:
            emptied, self._emptied = self._emptied, None
            emptied.callback(None)

    async def close_connections(self) -> None:
        """End every connection, and return when the last has handed on what it received."""
        if self._receivers:
            self._emptied = Deferred()
            for receiver in list(self._receivers):
                receiver.close()
            await self._emptied

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._receivers)


def sender_address(host: str) -> str:
    """The address as it is stored: IPv4 within IPv6 unwrapped, without the zone of link-local addresses."""
    address = host.partition("%")[0]
    if address.lower().startswith("::ffff:") and "." in address:
        return address[7:]
    return address
