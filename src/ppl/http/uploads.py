"""HTTP requests whose body is processed as it arrives: uploads to the drain, on the site or on its own endpoint.

Twisted calls a resource once the whole body has arrived. An :class:`Upload` begins as soon as the headers have arrived,
and may refuse before more is read. The secret in the URL of an upload stays out of the access log (:func:`log_line`).
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any, Protocol

import attrs
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web import server
from twisted.web.http import HTTPChannel, combinedLogFormatter, datetimeToLogString
from twisted.web.iweb import IAccessLogFormatter
from zope.interface import provider

from ppl.model import SECOND
from ppl.services.clock import wall_clock
from ppl.services.turns import Turns, Work

#: Path prefix of uploads with their secret in the address; it follows.
PREFIX = b"/logs/"

#: Most bytes of a refused body that are read and dropped, so that its sender gets to read the refusal.
MAX_DISCARDED = 1_048_576

#: A refused body of at most this many bytes is read to its end, and the connection stays open.
_SMALL = 65_536

#: Bytes that are parsed at a time: with a body in chunks of one byte each, that takes some milliseconds.
_PIECE = 4096
#: The same for what is known to be part of a body, because the body's length was declared: nothing in it is parsed.
_BODY_PIECE = 65_536

_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

#: An answer with this status has no body, and says nothing of one (RFC 9110 section 8.6).
_NO_CONTENT = 204

#: Seconds that the sender of a refused body has to finish.
LINGER_SECONDS = 5.0


@attrs.frozen
class UploadReply:
    """The response to an upload; header values are plain ASCII.

    Attributes:
        hangs_up: whether the connection is closed instead, without a response.
    """

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    hangs_up: bool = False


class Upload(Protocol):
    """The body of one request, as it arrives."""

    def take(self, data: bytes) -> None:
        """The next part of the body has arrived."""

    def finish(self) -> None:
        """The whole body has arrived."""

    def expired(self) -> None:
        """The body has not arrived within ``UploadRequest.body_seconds``."""

    def lost(self, is_whole: bool) -> None:
        """The connection has ended before the answer; ``is_whole``: the whole body has arrived before."""


class Uploads(Protocol):
    """Starts uploads."""

    def takes(self, method: bytes, path: bytes, header: Callable[[str], str]) -> bool:
        """Whether requests to ``path`` (without a query) are uploads, or questions of clients that would upload.

        Args:
            method: of the request.
            path: without a query.
            header: gives a header of the request by its name.
        """

    def begin(self, request: UploadRequest, length: int | None) -> Upload:
        """The headers of ``request`` have arrived; ``length`` is what they declare. The upload may answer at once."""


class UploadChannel(HTTPChannel):
    """Twisted's HTTP connection, within its site's share of the reactor's turns (the site's ``turns``).

    Attributes:
        ended: fires when the connection has ended: everything that was written to it has then gone out.
        is_held: whether an upload has paused reading.
        stage: called with ``idle`` (no request), ``receiving`` (one begins to arrive) or ``handling`` (it is complete).
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.ended: Deferred[None] = Deferred()
        self.is_held = False
        self.stage: Callable[[Any], object] = lambda stage: None
        self._has_begun = False
        self._is_lost = False
        # The turn in which a request was last handled, and received bytes that wait for another turn.
        self._handled_in = 0
        self._early = bytearray()
        self._waits = self._is_reading = False

    @property
    def _turns(self) -> Turns:
        turns: Turns = self.site.turns  # type: ignore[attr-defined]
        return turns

    @property
    def _address(self) -> str:
        transport: Any = self.transport
        return getattr(transport.getPeer(), "host", None) or ""

    def dataReceived(self, data: bytes) -> None:
        """Twisted: bytes have arrived. They are parsed in this turn or, if its time is spent, in a later one."""
        if self._is_reading or self._handlingRequest:
            # While a request is handled, Twisted only buffers them.
            super().dataReceived(data)  # type: ignore[no-untyped-call]
            return
        self._early += data
        if not self._waits:
            self._read()

    def _read(self) -> None:
        turns = self._turns
        while self._early and not turns.is_spent:
            turns.do(self._read_piece)
        waited, self._waits = self._waits, bool(self._early)
        if self._waits:
            turns.later(self._address, self._read)
            self._networkProducer.pauseProducing()
        elif waited and not (self._is_lost or self._handlingRequest or self._waitingForTransport or self.is_held):
            self._networkProducer.resumeProducing()

    def _read_piece(self) -> None:
        size = max(_PIECE, min(_BODY_PIECE, self._left_of_body))
        piece = bytes(self._early[:size])
        del self._early[:size]
        self._is_reading = True
        try:
            super().dataReceived(piece)  # type: ignore[no-untyped-call]
        finally:
            self._is_reading = False
        # Without a transport, a WebSocket has taken the connection over.
        transport: Any = self.transport
        if self._is_lost or transport is None or transport.disconnecting:
            self._early.clear()
        elif self._handlingRequest:
            rest, self._early = bytes(self._early), bytearray()
            super().dataReceived(rest)  # type: ignore[no-untyped-call]

    @property
    def _left_of_body(self) -> int:
        """Bytes still to come of a body whose length was declared; 0 if there is none."""
        decoder: Any = self._transferDecoder
        return getattr(decoder, "contentLength", None) or 0

    def resetTimeout(self) -> None:
        """Twisted: bytes have arrived. A request's timeout runs from its first byte; further bytes do not extend it."""
        if not self._has_begun and not self._handlingRequest:
            self._has_begun = True
            super().resetTimeout()  # type: ignore[no-untyped-call]
            self.stage("receiving")

    def requestDone(self, request: Any) -> None:
        """Twisted: a request is answered; the next one may come, with a timeout of its own."""
        self._has_begun = False
        self._savedTimeOut = self._savedTimeOut or self.site.timeOut  # type: ignore[attr-defined]
        self.stage("idle")
        super().requestDone(request)  # type: ignore[no-untyped-call]

    def timeoutConnection(self) -> None:
        """Twisted: no complete request has arrived in time. Not logged: strangers may cause it."""
        if self._has_begun:
            self.write(_TOO_SLOW)
        self._abortingCall = self.callLater(self.abortTimeout, self.forceAbortClient)  # type: ignore[attr-defined]
        self.loseConnection()

    def take_upload(self) -> None:
        """An upload has begun, which has a timeout of its own."""
        self.setTimeout(None)
        self.stage("handling")

    def taken_over_by(self, protocol: Any) -> None:
        """``protocol`` takes the connection over; ``ended`` fires when ``protocol`` loses it."""
        lost = protocol.connectionLost

        def connection_lost(reason: Failure = connectionDone) -> None:
            lost(reason)
            self.ended.callback(None)

        protocol.connectionLost = connection_lost

    def handle(self, request: Work) -> None:
        """Handle a complete request, at most one in each turn."""
        turns = self._turns
        self.stage("handling")
        if self._is_lost:
            return
        if turns.is_spent or self._handled_in == turns.number:
            turns.later(self._address, lambda: self.handle(request))
            return
        self._handled_in = turns.number
        turns.do(request)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Twisted: the connection has ended."""
        self._is_lost = True
        self._early.clear()
        super().connectionLost(reason)  # type: ignore[no-untyped-call]
        self.ended.callback(None)


class UploadRequest(server.Request):
    """A request that may be an upload; its site has ``uploads``, which is ``None`` if it takes none.

    Attributes:
        gone: whether the client has closed the connection: there is nobody to answer.
        body_seconds: seconds within which the body of an upload must arrive.
    """

    gone = False
    body_seconds = 60.0
    _upload: Upload | None = None
    _is_complete = False
    # Whether the whole body has arrived, though its turn may not have come.
    _is_whole = False
    _expects = False
    _reply: UploadReply | None = None
    _answered = False
    _dropped = 0
    _length: int | None = None
    _timer: IDelayedCall | None = None

    @property
    def is_upload(self) -> bool:
        """Whether this request is an upload."""
        return self._upload is not None

    def begin_upload(self, length: int | None) -> bool:
        """The headers have arrived: start an upload if this request is one. Gives whether it is."""
        channel: Any = self.channel
        uploads: Uploads | None = channel.site.uploads
        path = channel._path.partition(b"?")[0]
        if uploads is None or not uploads.takes(channel._command, path, self.header):
            return False
        # Twisted sets these only when the body has arrived.
        self.method, self.uri, self.clientproto = channel._command, channel._path, channel._version
        self.path = self.uri.partition(b"?")[0]
        self.site = channel.site
        self.content = BytesIO()
        self._length = length
        self._expects = self._take_expectation()
        self.notifyFinish().addBoth(self._ended)
        if length != 0:
            self._timer = channel.callLater(self.body_seconds, self._expire)
            channel.take_upload()
        self._upload = uploads.begin(self, length)
        return True

    def take_time(self) -> None:
        """Wait for the body however long it takes; a client that is gone without a word is noticed by the kernel."""
        self._stop_timer()
        keep_alive = getattr(self.transport, "setTcpKeepAlive", None)
        if keep_alive is not None and not self.gone:
            keep_alive(True)

    def _take_expectation(self) -> bool:
        """Whether the client waits for ``100 Continue``. Removes the header, or Twisted would send that too early."""
        expected = self.requestHeaders.getRawHeaders(b"expect", [b""])[0].lower() == b"100-continue"
        self.requestHeaders.removeHeader(b"expect")
        return expected and self.clientproto == b"HTTP/1.1"

    @property
    def _reading(self) -> Any:
        """The transport, whose reading can be paused."""
        return self.transport

    @property
    def peer(self) -> str | None:
        """The address that the connection comes from, ``None`` for a Unix socket."""
        return getattr(self.getClientAddress(), "host", None)

    def header(self, name: str) -> str:
        """The value of a header: ``""`` if it is missing, several values joined by commas."""
        return ",".join(each.decode("latin-1") for each in self.requestHeaders.getRawHeaders(name.encode(), []))

    def pause(self) -> None:
        """Stop reading for now."""
        if not self.gone and not self._is_complete:
            self._hold(True)
            self._reading.pauseProducing()

    def _hold(self, is_held: bool) -> None:
        channel: Any = self.channel
        channel.is_held = is_held

    def _read_on(self) -> None:
        self._hold(False)
        self._reading.resumeProducing()

    def resume(self) -> None:
        """Continue reading, and send ``100 Continue`` if the client waits for it."""
        if self.gone or self._is_complete:
            return
        if self._expects:
            self._expects = False
            self._reading.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._read_on()

    def answer(self, reply: UploadReply) -> None:
        """Send the response, once. Before the whole body has arrived, it refuses the body, and the rest is dropped."""
        if self.gone or self._answered:
            return
        self._answered = True
        if reply.hangs_up:
            self._abort_connection()
        elif self._is_complete:
            self._send(reply)
            self.finish()
        elif self._length is not None and self._length <= _SMALL and not self._expects:
            self._reply = reply
            self._read_on()
        else:
            self.close_after()
            self._send(reply)
            self._restart_timer(LINGER_SECONDS)
            self._read_on()

    def close_after(self) -> None:
        """Close the connection after the response."""
        channel: Any = self.channel
        channel.persistent = 0
        if not self.startedWriting:
            self.setHeader("Connection", "close")

    def _send(self, reply: UploadReply) -> None:
        self.setResponseCode(reply.status)
        self.setHeader("Server", "Ppl")
        if reply.status != _NO_CONTENT:
            self.setHeader("Content-Type", "application/json; charset=utf-8")
            self.setHeader("Content-Length", str(len(reply.body)))
        self.setHeader("Cache-Control", "no-store")
        self.setHeader("X-Content-Type-Options", "nosniff")
        for name, value in reply.headers:
            self.setHeader(name, value)
        self.write(reply.body)

    def gotLength(self, length: int | None) -> None:
        """Twisted: the headers have arrived."""
        if not self.begin_upload(length):
            super().gotLength(length)  # type: ignore[no-untyped-call]

    def handleContentChunk(self, data: bytes) -> None:
        """Twisted: part of the body has arrived."""
        if self._upload is None:
            super().handleContentChunk(data)  # type: ignore[no-untyped-call]
        elif not self._answered:
            self._upload.take(data)
        else:
            self._dropped += len(data)
            if self._dropped > MAX_DISCARDED:
                self._hang_up()

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """Twisted: the request is complete; it is handled when the connection has its turn."""
        channel: Any = self.channel
        self._is_whole = True
        received = super().requestReceived
        channel.handle(lambda: received(command, path, version))  # type: ignore[no-untyped-call]

    def process(self) -> None:
        """Twisted: handle the complete request, in its turn."""
        if self._upload is None:
            super().process()  # type: ignore[no-untyped-call]
            return
        self._is_complete = True
        self._stop_timer()
        # Reading on shows when the client leaves; Twisted bounds what it buffers of further requests.
        self._read_on()
        if self._reply is not None:
            self._send(self._reply)
        if self._answered:
            self.finish()
        else:
            self._upload.finish()

    def _expire(self) -> None:
        self._timer = None
        if not self._answered and self._upload is not None:
            self._length = None  # the rest of the body is not waited for
            self._upload.expired()
        else:
            self._hang_up()

    def _abort_connection(self) -> None:
        """End the connection at once: over TLS, a close would wait for the client while nothing is read."""
        self._stop_timer()
        channel: Any = self.channel
        channel.transport.abortConnection()

    def _hang_up(self) -> None:
        self._stop_timer()
        channel: Any = self.channel
        channel.loseConnection()

    def _restart_timer(self, seconds: float) -> None:
        self._stop_timer()
        channel: Any = self.channel
        self._timer = channel.callLater(seconds, self._expire)

    def _stop_timer(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None

    def _ended(self, outcome: Failure | None) -> None:
        self._stop_timer()
        if isinstance(outcome, Failure):
            self.gone = True
            if self._upload is not None and not self._answered:
                self._upload.lost(self._is_whole)


@provider(IAccessLogFormatter)
def log_line(timestamp: str, request: Any) -> str:
    """Twisted's access log line, without the secret in an upload's URL.

    Its time is wall time: Twisted's ``timestamp`` is the reactor's, which does not follow when the clock is set.
    """
    return str(combinedLogFormatter(datetimeToLogString(wall_clock() / SECOND), _Logged(request)))


class _Logged:
    """A request as it may be logged: with the client's address instead of a proxy's, and without secrets."""

    def __init__(self, request: Any) -> None:
        self._request = request
        path: bytes = request.uri
        self.uri = PREFIX + b"..." if PREFIX in path else path

    def __getattr__(self, name: str) -> Any:
        return getattr(self._request, name)

    def getClientAddress(self) -> IPv4Address:
        """The client's address, where Twisted would give that of the proxy."""
        request = self._request
        peer = getattr(request.getClientAddress(), "host", None)
        forwarded_for = request.requestHeaders.getRawHeaders(b"x-forwarded-for", [])
        client = request.site.proxies.client(peer, b",".join(forwarded_for).decode("latin-1"))
        return IPv4Address("TCP", client or "-", 0)

    def getHeader(self, name: bytes) -> bytes | None:
        """A header, replaced if it contains the path of an upload, as a referrer might."""
        value: bytes | None = self._request.getHeader(name)
        return PREFIX + b"..." if value is not None and PREFIX in value else value
