"""Twisted's request class as the site uses it: bodies are bounded, headers are secure, no client sees a traceback.

Only here does a Twisted request become a :class:`~ppl.web.http.visit.Visit`, and an
:class:`~ppl.web.http.answers.Answer` become bytes.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPullProducer, IPushProducer
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.server import NOT_DONE_YET
from zope.interface import implementer

from ppl.http.client import Proxies
from ppl.http.uploads import MAX_DISCARDED, UploadRequest
from ppl.web.http.answers import Answer, StreamedAnswer
from ppl.web.http.visit import Visit, fields_of

MAX_BODY = 65_536
"""Longest body that is accepted, in bytes."""

#: Most chunks of a body. A page's form is sent in one or a few; parsing a chunk costs as much as hundreds of bytes.
MAX_CHUNKS = 1000

_CUT_SHORT = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)

_SECURITY_HEADERS = (
    ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
_HSTS = ("Strict-Transport-Security", "max-age=31536000")

_log = Logger()

#: Bytes of a response's body that are written at a time.
_PIECE = 65_536


class Request(UploadRequest):
    """One request; ``site`` is a :class:`ppl.web.site.PplSite`."""

    too_large = False
    """Whether the body was longer than :data:`MAX_BODY`; the rest of it was dropped."""
    _received = _chunks = 0
    _cut = False

    def gotLength(self, length: int | None) -> None:
        """The headers have arrived; a body too long to be read to its end is refused at once."""
        if self.begin_upload(length):
            return
        self.content = BytesIO()
        self.too_large = length is not None and length > MAX_BODY
        if length is not None and length > MAX_DISCARDED:
            self._cut_short()

    def handleContentChunk(self, data: bytes) -> None:
        """Keep the body up to the limit; read a little beyond, so that the client gets to read the refusal."""
        if self.is_upload:
            super().handleContentChunk(data)
            return
        self._received += len(data)
        self._chunks += 1
        if self._received > MAX_BODY:
            self.too_large = True
        if self._chunks > MAX_CHUNKS:
            self._cut_short()
        if not self.too_large:
            cast(BytesIO, self.content).write(data)
        elif self._received > MAX_DISCARDED:
            self._cut_short()

    def _cut_short(self) -> None:
        if not self._cut:
            self._cut = True
            channel: Any = self.channel
            channel.write(_CUT_SHORT)
            channel.loseConnection()

    def process(self) -> None:
        """Process the request as Twisted does, unless it was cut short already."""
        if self._cut:
            return
        if not self.is_upload:
            self.notifyFinish().addErrback(self._lost)
        super().process()

    def _lost(self, failure: Failure) -> None:
        self.gone = True

    def processingFailed(self, reason: Failure) -> Failure:
        """Handle an error outside the pages: log its traceback, and show the client none."""
        _log.failure("A request failed", reason)
        if self.gone or self.finished or self.channel.transport is None:
            # Nothing can be sent: the transport is None once a viewer's WebSocket has taken it over.
            return reason
        if self.startedWriting:
            self.loseConnection()  # type: ignore[no-untyped-call]
        else:
            send(self, Answer(500, b"Internal error in Ppl; its log has more.", "text/plain; charset=utf-8"))
        return reason


def visit_of(request: Any, public_url: str | None, proxies: Proxies) -> Visit:
    """Convert Twisted's ``request`` to the :class:`Visit` that handlers get.

    Raises:
        ValueError: the method, a header's name or the address has characters or fields that no browser sends.
    """
    target = request.uri.decode("ascii")
    path, _, query = target.partition("?")
    headers = {
        name.decode("ascii").lower(): ",".join(value.decode("utf-8", "replace") for value in values)
        for name, values in request.requestHeaders.getAllRawHeaders()
    }
    peer = getattr(request.getClientAddress(), "host", None)
    tls = bool(request.isSecure()) or proxies.says_tls(peer, headers.get("x-forwarded-proto"))
    return Visit(
        method=request.method.decode("ascii"),
        path=path,
        target=target,
        query=fields_of(query),
        headers=headers,
        body=request.content.getvalue(),
        client=proxies.throttled(peer, headers.get("x-forwarded-for")),
        secure=tls or (public_url or "").startswith("https:"),
        tls=tls,
        when_gone=lambda act: request.notifyFinish().addErrback(lambda _: act()),
    )


def set_security_headers(request: Any, secure: bool) -> None:
    """Set the headers that every response has; over TLS, browsers are told to keep using TLS."""
    request.setHeader("Server", "Ppl")
    for name, value in (*_SECURITY_HEADERS, *((_HSTS,) if secure else ())):
        request.setHeader(name, value)


def send(request: Any, answer: Answer) -> int:
    """Send ``answer``, or nothing if the client has disconnected; returns what ``render`` must return."""
    if not request.gone:
        request.setResponseCode(answer.status)
        if answer.body:
            request.setHeader("Content-Type", answer.content_type)
        request.setHeader("Content-Length", str(len(answer.body)))
        request.setHeader("Cache-Control", "no-store")
        for name, value in answer.headers:
            request.setHeader(name, value)
        request.cookies = [cookie.header.encode("ascii") for cookie in answer.cookies]
        request.notifyFinish().addBoth(lambda _: answer.delivered())
        _Pieces(request, answer.body).begin()
    else:
        answer.delivered()
    return NOT_DONE_YET


def send_later(request: Any, answer: Deferred[Answer | StreamedAnswer]) -> int:
    """Send the response once ``answer`` fires; returns what ``render`` must return."""

    def ready(answer: Answer | StreamedAnswer) -> None:
        if isinstance(answer, StreamedAnswer):
            Streaming(request, answer).begin()
        else:
            send(request, answer)

    def failed(failure: Failure) -> None:
        request.processingFailed(failure)

    answer.addCallback(ready)
    answer.addErrback(failed)
    return NOT_DONE_YET


@implementer(IPullProducer)
class _Pieces:
    """Sends a body, a piece whenever the connection has room, so that the request ends once the client has it all."""

    def __init__(self, request: Any, body: bytes) -> None:
        self._request, self._body, self._sent = request, memoryview(body), 0

    def begin(self) -> None:
        """Send the body: in one piece if it is short."""
        if len(self._body) <= _PIECE:
            self._request.write(bytes(self._body))
            self._request.finish()
        else:
            self._request.registerProducer(self, False)

    def resumeProducing(self) -> None:
        """Twisted: the connection has room for more."""
        piece = bytes(self._body[self._sent : self._sent + _PIECE])
        self._sent += len(piece)
        self._request.write(piece)
        if self._sent >= len(self._body):
            self._request.unregisterProducer()
            self._request.finish()

    def stopProducing(self) -> None:
        """Twisted: the client has disconnected."""


@implementer(IPushProducer)
class Streaming:
    """Sends a :class:`~ppl.web.http.answers.StreamedAnswer`, part by part, while the connection has room.

    It is a push producer: Twisted asks a pull producer of a request for more in every turn of the reactor, also while
    a part is still being made, and so would take a whole core for as long as the database reads.
    """

    def __init__(self, request: Any, answer: StreamedAnswer) -> None:
        self._request, self._answer = request, answer
        self._is_busy = self._is_paused = self._is_over = False

    def begin(self) -> None:
        """Send the headers and then the parts; nothing if the client has disconnected."""
        request, answer = self._request, self._answer
        if request.gone:
            self._close()
            return
        request.setHeader("Content-Type", answer.content_type)
        request.setHeader("Cache-Control", "no-store")
        # Tells proxies such as nginx not to buffer the response.
        request.setHeader("X-Accel-Buffering", "no")
        for name, value in answer.headers:
            request.setHeader(name, value)
        if request.method == b"HEAD":
            self._close()
            request.finish()
            return
        request.notifyFinish().addErrback(lambda _: self._close())
        request.registerProducer(self, True)
        self._go_on()

    def pauseProducing(self) -> None:
        """Twisted: the connection has no room for more."""
        self._is_paused = True

    def resumeProducing(self) -> None:
        """Twisted: the connection has room for more."""
        self._is_paused = False
        self._go_on()

    def stopProducing(self) -> None:
        """Twisted: the client has disconnected."""
        self._close()

    def _go_on(self) -> None:
        if not (self._is_busy or self._is_paused or self._is_over):
            self._is_busy = True
            Deferred.fromCoroutine(self._send()).addErrback(self._failed)

    async def _send(self) -> None:
        try:
            while not (self._is_paused or self._is_over):
                part = await anext(self._answer.parts)
                if part and not self._is_over:
                    self._request.write(part)
        except StopAsyncIteration:
            self._is_over = True
            self._request.unregisterProducer()
            self._request.finish()
        finally:
            self._is_busy = False

    def _failed(self, failure: Failure) -> None:
        if self._is_over:
            return
        _log.failure("A response failed and was cut off", failure)
        self._is_over = True
        self._request.unregisterProducer()
        self._request.loseConnection()

    def _close(self) -> None:
        self._is_over = True
        self._answer.abandon()
