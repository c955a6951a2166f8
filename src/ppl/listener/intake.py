"""The path of received lines to the writer: the intake of a listener, and the intake of each of its destinations."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Protocol

import attrs
from twisted.internet.defer import Deferred

from ppl.access.networks import Networks
from ppl.listener.client_certificates import KnownSenders
from ppl.listener.limits.admission import Admission, Limits
from ppl.listener.limits.losses import Losses
from ppl.listener.limits.meters import Meters
from ppl.listener.limits.partial_input import Unfinished
from ppl.listener.limits.sender_tokens import Strikes, TokenCheck
from ppl.listener.limits.turn_share import Share
from ppl.listener.tls import Certificates
from ppl.listener.writing.queue import LINE_OVERHEAD
from ppl.listener.writing.writer import Source, Writer
from ppl.model import Clock, Destination, Lines
from ppl.sources.framing import Frames
from ppl.sources.gelf_datagrams import ChunkRoom
from ppl.sources.message import parse_message
from ppl.sources.screening import NONE_REFUSED, Committed, first_of, left_out, refused_of
from ppl.timezone import parse_time_zone

_OUTSIDE = "refusing {detail}: outside the allowed networks (Settings, Senders)"
_LACKING = "dropping lines from {detail} that lack the token (Settings, Senders)"


@attrs.frozen
class ConnectionTimeouts:
    """Timeouts of a sender's connection, in seconds.

    Attributes:
        silence: for the first data, while connections are scarce.
        handshake: for the TLS handshake.
        closing: for the sender to read its last answers and end the connection.
    """

    silence: float = 60.0
    handshake: float = 30.0
    closing: float = 10.0


@attrs.frozen
class Intake:
    """The parts of a listener that all its destinations share.

    Attributes:
        writer: takes the lines.
        clock: gives the µs of receipt.
        admission: decides which clients may connect.
        losses: counts lost datagrams.
        unfinished: the budget for unfinished lines and frames.
        meters: count received lines and apply the quotas.
        certificates: serve TLS; ``None``: there is no TLS.
        timeouts: the timeouts of connections.
        chunk_room: the memory for messages that come in chunks.
    """

    writer: Writer
    clock: Clock
    admission: Admission
    losses: Losses
    unfinished: Unfinished
    meters: Meters
    certificates: Certificates | None = None
    timeouts: ConnectionTimeouts = ConnectionTimeouts()
    chunk_room: ChunkRoom = attrs.Factory(ChunkRoom)

    @property
    def limits(self) -> Limits:
        """Limits for senders."""
        return self.admission.limits


#: Serves TLS.
Tls = Certificates | KnownSenders


class Connected(Protocol):
    """A sender's connection."""

    sender_ip: str

    def close(self) -> None:
        """The port closes."""

    def shut_out(self) -> None:
        """The sender may not send any more: end the connection at once."""


class DestinationIntake:
    """The intake of one destination: its open connections, and its lines on their way to the writer.

    Attributes:
        shared: the intake that all destinations share.
        share: limits how much of the listener the destination's connections use.
        certificates: serve TLS on its port; ``None``: there is no TLS.
    """

    def __init__(self, destination: Destination, intake: Intake, share: Share) -> None:
        self.destination = destination
        self.shared = intake
        self.share = share
        self.zone = parse_time_zone(destination.time_zone)
        self._networks = Networks(destination.networks)
        self._tokens = _token_check(destination)
        self._meter = intake.meters.of(destination)
        self._connected: set[Connected] = set()
        self.certificates = _certificates(destination, intake.certificates)
        self._emptied: Deferred[None] | None = None

    @property
    def connections(self) -> frozenset[Connected]:
        """The open connections."""
        return frozenset(self._connected)

    def admits(self, address: str) -> bool:
        """Whether ``address`` is within the networks that may send; if not, that is logged once per burst."""
        if self._networks.hold(address):
            return True
        self.shared.admission.say_once(self.destination.user_id, _OUTSIDE, address)
        return False

    def can_become(self, destination: Destination) -> bool:
        """Whether ``destination`` differs only in its restrictions, so that its port may stay open."""
        return _unrestricted(destination) == _unrestricted(self.destination)

    def change(self, destination: Destination) -> None:
        """Apply the restrictions of ``destination``, and end connections from outside its networks."""
        self.destination = destination
        self._networks = Networks(destination.networks)
        self._tokens = _token_check(destination)
        self._meter = self.shared.meters.of(destination)
        for connection in self.connections:
            if not self.admits(connection.sender_ip):
                connection.shut_out()

    def connected(self, connection: Connected) -> None:
        """Add ``connection``, which was admitted and begins."""
        self._connected.add(connection)

    def disconnected(self, connection: Connected) -> None:
        """Stop counting ``connection``, which has ended or is ending."""
        if connection not in self._connected:
            return
        self._connected.discard(connection)
        self.shared.admission.left(self.destination, connection.sender_ip)
        if self._emptied is not None and not self._connected:
            emptied, self._emptied = self._emptied, None
            emptied.callback(None)

    async def close_connections(self) -> None:
        """End every connection, and return when the last has handed on what it received."""
        if self._connected:
            self._emptied = Deferred()
            for connection in self.connections:
                connection.close()
            await self._emptied
        self.share.stop()
        self.shared.writer.forget(self.share)

    def submit(
        self,
        sender_ip: str,
        frames: Frames,
        size: int,
        source: Source,
        committed: Committed | None = None,
        strikes: Strikes | None = None,
    ) -> None:
        """Parse ``frames``, received now in ``size`` bytes, and hand the accepted lines to the writer.

        ``committed`` is called once all accepted lines are durable; see the writer's ``submit``. ``strikes`` counts the
        lines of a connection that lack a required token.
        """
        lines = parse_message(frames, self.shared.clock(), self.zone)
        count = len(lines)
        wrong: Sequence[int] = ()
        if self._tokens is not None and count:
            lines, wrong = self._with_token(self._tokens, lines, sender_ip)
            size = size * len(lines) // count
            if strikes is not None:
                strikes.count(count, wrong)
        taken = self._meter.take(len(lines), size)
        refused = NONE_REFUSED
        if taken < count and committed is not None:
            refused = refused_of(frames, left_out(count, wrong, taken))
        if taken < len(lines):
            lines, size = first_of(lines, taken), size * taken // len(lines)
        self.share.offered = size + taken * LINE_OVERHEAD
        done = partial(committed, refused) if committed is not None else None
        self.shared.writer.submit(self.destination, sender_ip, lines, size, source, done)

    def _with_token(self, tokens: TokenCheck, lines: Lines, sender_ip: str) -> tuple[Lines, Sequence[int]]:
        """The lines that carry the token, and the positions of the others, which are counted as dropped."""
        kept, wrong = tokens.screen(lines, self.shared.clock(), self.zone)
        if wrong:
            self._meter.drop(len(wrong), "they lack this destination's token")
            self.shared.admission.say_once(self.destination.user_id, _LACKING, sender_ip)
        return kept, wrong


def _certificates(destination: Destination, certificates: Certificates | None) -> Tls | None:
    known = destination.client_certificates
    return KnownSenders(certificates, known) if known and certificates is not None else certificates


def _token_check(destination: Destination) -> TokenCheck | None:
    return TokenCheck(destination.token_hashes) if destination.token_hashes else None


def _unrestricted(destination: Destination) -> Destination:
    """``destination`` without the settings that can change while its port stays open."""
    return attrs.evolve(destination, networks=(), token_hashes=(), max_lines_per_second=None, max_bytes_per_day=None)
