"""Where what senders send comes in: the one intake of a listener, and the entrance of each destination into it."""

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
from ppl.listener.limits.sender_tokens import Strikes, TokenCheck
from ppl.listener.limits.share import Share
from ppl.listener.limits.unfinished import Unfinished
from ppl.listener.tls import Certificates
from ppl.listener.writing.queue import LINE_OVERHEAD
from ppl.listener.writing.writer import Source, Writer
from ppl.model import Clock, Destination, Lines
from ppl.sources.framing import Frames
from ppl.sources.message import parse
from ppl.sources.screening import NONE_REFUSED, Committed, first_of, left_out, refused_of
from ppl.timezone import parse_time_zone

_OUTSIDE = "refusing {detail}: outside the allowed networks (Settings, Senders)"
_LACKING = "dropping lines from {detail} that lack the token (Settings, Senders)"


@attrs.frozen
class Patience:
    """How long a sender's connection is waited for, in seconds.

    Attributes:
        silence: while it has sent nothing yet, where connections become scarce.
        handshake: for its TLS handshake.
        closing: for it to take its last answers and the end.
    """

    silence: float = 60.0
    handshake: float = 30.0
    closing: float = 10.0


@attrs.frozen
class Intake:
    """What all destinations share.

    Attributes:
        writer: takes the lines.
        clock: µs of receipt.
        admission: who may connect.
        losses: of datagrams.
        unfinished: bytes of lines that are under way.
        meters: count what comes, and bound it.
        certificates: serve TLS; ``None``: there is none.
        patience: how long connections are waited for.
    """

    writer: Writer
    clock: Clock
    admission: Admission
    losses: Losses
    unfinished: Unfinished
    meters: Meters
    certificates: Certificates | None = None
    patience: Patience = Patience()

    @property
    def limits(self) -> Limits:
        """What a sender may."""
        return self.admission.limits


#: What serves TLS.
Tls = Certificates | KnownSenders


class Connected(Protocol):
    """A sender's connection."""

    sender_ip: str

    def close(self) -> None:
        """The port closes."""

    def shut_out(self) -> None:
        """Its sender may not send any more: end it at once."""


class Entrance:
    """Into one destination: its open connections, and its lines on their way to the writer.

    Attributes:
        share: what its connections may take of the listener.
        certificates: serve TLS to it; ``None``: there is none.
    """

    def __init__(self, destination: Destination, intake: Intake, share: Share) -> None:
        self.destination = destination
        self.intake = intake
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
        """Those that are open."""
        return frozenset(self._connected)

    def admits(self, address: str) -> bool:
        """Whether ``address`` is within the networks that may send; what is not is logged, once per burst."""
        if self._networks.hold(address):
            return True
        self.intake.admission.say_once(self.destination.user_id, _OUTSIDE, address)
        return False

    def can_become(self, destination: Destination) -> bool:
        """Whether ``destination`` is the same one with other restrictions only, so that its port may stay open."""
        return _unrestricted(destination) == _unrestricted(self.destination)

    def change(self, destination: Destination) -> None:
        """Have its restrictions be those of ``destination`` from now on; connections from outside end."""
        self.destination = destination
        self._networks = Networks(destination.networks)
        self._tokens = _token_check(destination)
        self._meter = self.intake.meters.of(destination)
        for connection in self.connections:
            if not self.admits(connection.sender_ip):
                connection.shut_out()

    def connected(self, connection: Connected) -> None:
        """``connection``, which was admitted, begins."""
        self._connected.add(connection)

    def disconnected(self, connection: Connected) -> None:
        """``connection`` has ended, or ends and counts no more."""
        if connection not in self._connected:
            return
        self._connected.discard(connection)
        self.intake.admission.left(self.destination, connection.sender_ip)
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
        self.intake.writer.forget(self.share)

    def submit(
        self,
        sender_ip: str,
        frames: Frames,
        size: int,
        source: Source,
        committed: Committed | None = None,
        strikes: Strikes | None = None,
    ) -> None:
        """Parse ``frames``, which came now in ``size`` bytes, and hand to the writer what may come in.

        ``committed`` is called once all that is taken is durable; see the writer's ``submit``. ``strikes`` counts the
        lines of a connection that carry no token where they must.
        """
        lines = parse(frames, self.intake.clock(), self.zone)
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
        self.intake.writer.submit(self.destination, sender_ip, lines, size, source, done)

    def _with_token(self, tokens: TokenCheck, lines: Lines, sender_ip: str) -> tuple[Lines, Sequence[int]]:
        """What carries the token, and the positions of the rest, which is counted as dropped."""
        kept, wrong = tokens.screen(lines, self.intake.clock(), self.zone)
        if wrong:
            self._meter.drop(len(wrong), "they lack this destination's token")
            self.intake.admission.say_once(self.destination.user_id, _LACKING, sender_ip)
        return kept, wrong


def _certificates(destination: Destination, certificates: Certificates | None) -> Tls | None:
    known = destination.client_certificates
    return KnownSenders(certificates, known) if known and certificates is not None else certificates


def _token_check(destination: Destination) -> TokenCheck | None:
    return TokenCheck(destination.token_hashes) if destination.token_hashes else None


def _unrestricted(destination: Destination) -> Destination:
    """``destination`` without what is applied while its port is open."""
    return attrs.evolve(destination, networks=(), token_hashes=(), max_lines_per_second=None, max_bytes_per_day=None)
