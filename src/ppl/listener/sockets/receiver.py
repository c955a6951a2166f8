"""One sender's connection: detects what it speaks, and turns its bytes into parsed lines, a whole read at a time."""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IDelayedCall, IHandshakeListener, IPushProducer
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from ppl.listener.intake import DestinationIntake, Tls
from ppl.listener.limits.sender_tokens import MOST_WRONG, Strikes
from ppl.listener.sockets.reading_out import ReadingOut
from ppl.listener.sockets.unspoken import Unspoken
from ppl.listener.tls import begins_handshake, reasons_of
from ppl.sources.first_line import Patience
from ppl.sources.framing import Frames
from ppl.sources.known import LINES, StreamKind, stream_kind
from ppl.sources.screening import Committed
from ppl.sources.streams import Stream

#: Bytes of one read. Larger reads were slower: PostgreSQL's answers wait longer for their turn.
READ_BYTES = 128 * 1024

#: Limits of a TLS handshake: its first bytes (a ClientHello has a few hundred, and then waits), then the reads after
#: them and the bytes of each. OpenSSL takes 128 KiB and holds them three times over.
HELLO_BYTES, HANDSHAKE_READS, HANDSHAKE_READ_BYTES = 16_384, 32, 1_024

_FAILED = "its TLS handshake failed"
_NOT_KNOWN = f"{_FAILED}; this destination takes senders only with a client certificate that it knows"
_NOT_SECURE = "it does not speak TLS, which this destination requires"
_NO_TOKEN = f"{MOST_WRONG} lines in a row did not carry the destination's token; connection closed"
_NO_ROOM = "unfinished lines hold too much memory; connections that add to them are closed (--partial-bytes)"


@implementer(IHandshakeListener, IPushProducer)
class Receiver(Protocol):
    """A connection to one destination, controlled by its stream, the share and the budget of unfinished lines.

    If its stream answers, it is the producer of its transport: reading stops while the client does not read answers.

    Attributes:
        is_secure: whether TLS has begun.
        held_by: the reasons why reading is paused; see :meth:`hold`.
    """

    round = 0
    is_overdue = False
    _is_probably_whole = False
    _unspoken: Unspoken

    def __init__(self, intake: DestinationIntake, sender_ip: str) -> None:
        self._intake = intake
        self._timeouts = intake.shared.timeouts
        self.sender_ip = sender_ip
        self._stream: Stream | None = None
        # Bytes read but not yet fed: the first ones, until they show what is spoken, or more than one turn may process.
        self._start = b""
        # Bytes that the stream (or ``_start``) holds, as last reported to the budget.
        self._held = 0
        self.is_secure = self._is_shaken = False
        self.held_by: frozenset[str] = frozenset()
        self._lost = self._is_queued = self._is_hung_up = self._is_out = False
        self._strikes = Strikes()
        self._reading_out: ReadingOut | None = None
        self._timer: IDelayedCall | None = None

    def connectionMade(self) -> None:
        """Twisted: connected."""
        transport: Any = self.transport
        transport.share, transport.reader = self._intake.share, self
        transport.bufferSize = READ_BYTES
        transport.setTcpKeepAlive(True)
        self._intake.connected(self)
        admission, destination = self._intake.shared.admission, self._intake.destination
        silence = self._timeouts.silence
        self._unspoken = Unspoken(transport, admission, destination, self.sender_ip, self._give_way, silence)

    def dataReceived(self, data: bytes) -> None:
        """Twisted: the data of one read."""
        if self._is_hung_up:
            return
        if self._reading_out is not None:
            self._reading_out.came()
        if "turn" in self.held_by or (self._stream is None and self.held_by):
            self._start += data  # TLS had already read this when reading was paused
        elif self._stream is not None:
            self._feed(self._stream, data)
        else:
            self._begin(self._start + data)

    def _begin(self, start: bytes) -> None:
        self._start = b""
        is_tls = False if self.is_secure else begins_handshake(start)
        kind = None if is_tls or is_tls is None else stream_kind(start)
        if not is_tls:
            self._unspoken.spoken()  # a TLS handshake does not count as having sent something
        policy = self._intake.destination.takes
        certificates = self._intake.certificates
        if kind is None and not is_tls:
            self._start = start  # too little to tell what is spoken
            self._count_held(len(start))
        elif (kind is None or kind.answers) and self._reading_out is not None:
            self.hang_up()  # it needs answers, and writing has ended
        elif kind is None:
            if policy == "plain" or certificates is None:
                self.hang_up("it speaks TLS, which this destination does not accept")
            else:
                self._count_held(0)
                self._start_tls(start, certificates)
        elif policy == "tls" and not self.is_secure:
            self.hang_up(_NOT_SECURE)
        else:
            self._stream = self._new_stream(kind)
            self._feed(self._stream, start)

    def _feed(self, stream: Stream, data: bytes) -> None:
        stream.feed(data)
        if not self._count_held(stream.held):
            stream.give_up(_NO_ROOM)
            self._count_held(stream.held)
        self._note_patience(stream)
        self._take_turns(stream)

    def _take_turns(self, stream: Stream) -> None:
        """Have the rest of what was read processed in later turns."""
        if stream.has_more:
            self.hold("turn")
            self._queue()
        else:
            self.let_go("turn")

    def _note_patience(self, stream: Stream) -> None:
        """Tell the budget if the unfinished line is probably whole, so that it does not wait as long as others."""
        patience = stream.patience if self._held else Patience.LONG
        if patience is not Patience.LONG or self._is_probably_whole:
            self._is_probably_whole = patience is not Patience.LONG
            self._intake.shared.unfinished.probably_whole(self, patience)

    def _queue(self) -> None:
        if not self._is_queued:
            self._is_queued = True
            self._intake.share.later(self)

    def _count_held(self, held: int) -> bool:
        """Tell the budget that the connection holds ``held`` bytes; ``False`` if there is no room for more."""
        before, self._held = self._held, held
        return before == held or self._intake.shared.unfinished.changed(self, before, held)

    def go_on(self) -> None:
        """The share: process another part of what was read."""
        assert self._stream is not None
        self._is_queued = False
        if self._lost or (self.held_by == {"turn"} and not self._intake.share.holds(self)):
            data, self._start = self._start, b""
            self._feed(self._stream, data)
            if self._lost and not self._stream.has_more:
                self._end()

    def _new_stream(self, kind: StreamKind) -> Stream:
        if kind.answers:
            transport: Any = self.transport
            transport.registerProducer(self, True)
        return kind.make(self, self._intake.shared.limits.max_line_bytes)

    def _start_tls(self, start: bytes, certificates: Tls) -> None:
        transport: Any = self.transport
        if len(start) > HELLO_BYTES:
            self._end_handshake()
            return
        self.is_secure = True
        transport.bufferSize = HANDSHAKE_READ_BYTES
        transport.reads_left, transport.read_too_often = HANDSHAKE_READS, self._end_handshake
        self._abort_after(self._timeouts.handshake)
        transport.startTLS(certificates)
        # startTLS made TLS the transport's protocol; these are the handshake's first bytes.
        transport.protocol.dataReceived(start)

    def handshakeCompleted(self) -> None:
        """Twisted: TLS is established."""
        self._is_shaken = True
        self._stop_timer()
        transport: Any = self.transport
        transport.bufferSize, transport.reads_left = READ_BYTES, None

    def _end_handshake(self) -> None:
        """End a TLS handshake that is longer than any real one."""
        self._intake.shared.admission.say_once(self.sender_ip, _FAILED)
        self._abort()

    def _abort(self) -> None:
        transport: Any = self.transport
        transport.abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Twisted: the connection has ended, maybe in the middle of a line, which is kept."""
        self._lost = True
        self._stop_timer()
        if self._reading_out is not None:
            self._reading_out.stop()
        if self.is_secure and not self._is_shaken:
            admission = self._intake.shared.admission
            known = self._intake.destination.client_certificates
            admission.say_once(self.sender_ip, _NOT_KNOWN if known else _FAILED, reasons_of(reason.value))
        if self._start and self._stream is None and (self.is_secure or not self._must_be_secure):
            self._as_lines()
        if self._stream is not None:
            self._stream.finish()
        if self._stream is not None and self._stream.has_more:
            self._queue()
        else:
            self._end()

    def _as_lines(self) -> None:
        """Take the first bytes as lines: they have not shown that anything else is spoken."""
        start, self._start = self._start, b""
        self._stream = self._new_stream(LINES)
        self._feed(self._stream, start)

    def _end(self) -> None:
        """Release all that the connection holds: everything that was read is submitted."""
        self._unspoken.spoken()
        self._count_held(0)
        self._intake.share.forget(self)
        self._intake.disconnected(self)

    def expire(self) -> None:
        """The budget: a line or frame has been unfinished for too long."""
        if self.held_by:
            self.is_overdue = False  # reading is paused, so it could not be finished
            if self._stream is not None:
                self._note_patience(self._stream)
        elif self._stream is not None:
            self._stream.expire()
            self._count_held(self._stream.held)
            self._note_patience(self._stream)
            self._take_turns(self._stream)
        elif self._must_be_secure and not self.is_secure:
            self.hang_up(_NOT_SECURE)
        else:
            self._as_lines()
            self.expire()

    @property
    def _must_be_secure(self) -> bool:
        return self._intake.destination.takes == "tls"

    def _give_way(self) -> None:
        """Free this connection's place for another at once, and end it."""
        self._intake.disconnected(self)
        self.hang_up()

    def close(self) -> None:
        """The port closes: end the connection; received lines are kept."""
        if self.is_secure and not self._is_shaken:
            self._abort()  # it has sent nothing yet
        elif self._stream is None:
            self.read_out()
        else:
            self._abort_after(self._timeouts.closing)
            self._stream.close()

    def shut_out(self) -> None:
        """The sender may not send any more: end the connection without reading what is on its way."""
        if not self._lost:
            self._abort()

    def _abort_after(self, seconds: float) -> None:
        if self._timer is None and not self._lost:
            transport: Any = self.transport
            self._timer = transport.reactor.callLater(seconds, transport.abortConnection)

    def _stop_timer(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None

    # Reader

    def pause(self) -> None:
        """The writer's queue is full."""
        self.hold("queue")

    def resume(self) -> None:
        """The writer has room again."""
        self.let_go("queue")

    # Twisted's producer: whether the client reads its answers

    def pauseProducing(self) -> None:
        """The client does not read its answers."""
        self.hold("answers")

    def resumeProducing(self) -> None:
        """The client has read its answers."""
        self.let_go("answers")

    def stopProducing(self) -> None:
        """The connection has ended; :meth:`connectionLost` follows."""

    # What a stream asks for

    def submit(self, frames: Frames, size: int, committed: Committed | None = None) -> None:
        """Hand lines to the intake of the destination."""
        if frames.block or frames.messages:
            self.is_overdue = False
            self._intake.submit(self.sender_ip, frames, size, self._intake.share, committed, self._strikes)
            if self._strikes.is_out and self._stream is not None and not self._is_out:
                self._is_out = True
                self._stream.give_up(_NO_TOKEN)

    def write(self, data: bytes) -> None:
        """Send an answer, unless the client has gone."""
        if not self._lost:
            transport: Any = self.transport
            transport.write(data)

    def hold(self, reason: str) -> None:
        """Pause reading until every reason has gone."""
        if not self.held_by and not self._lost:
            transport: Any = self.transport
            transport.pauseProducing()
        self.held_by |= {reason}

    def let_go(self, reason: str) -> None:
        """Note that ``reason`` has gone; resume reading after the last."""
        if reason in self.held_by:
            self.held_by -= {reason}
            if self.held_by == {"turn"}:
                self._queue()
            elif not self.held_by and not self._lost:
                transport: Any = self.transport
                transport.resumeProducing()

    def hang_up(self, why: str | None = None) -> None:
        """End the connection; ``why`` is for the log, when it is the sender's fault."""
        if why is not None:
            self._intake.shared.admission.say_once(self.sender_ip, why)
        self._is_hung_up = True
        if not self._lost:
            transport: Any = self.transport
            self._abort_after(self._timeouts.closing)
            transport.unregisterProducer()
            transport.loseConnection()
            # Without a producer nothing would report that the answers were read.
            self.let_go("answers")

    def read_out(self) -> None:
        """End the connection, and read what arrives until the sender knows."""
        if not self._lost and not self._is_hung_up and self._reading_out is None:
            self._reading_out = ReadingOut(self.transport, self.is_secure, lambda: bool(self.held_by))
