"""Twisted's request with what every one of ours has: bounded bodies, security headers, no traceback for anybody.

Here alone requests become :class:`~ppl.web.visit.Visit` and an :class:`~ppl.web.answers.Answer` becomes bytes.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web import server
from twisted.web.server import NOT_DONE_YET

from ppl.web.answers import Answer
from ppl.web.visit import Visit, fields_of, throttled_address

MAX_BODY = 65_536
"""Longest body in bytes."""

_MAX_DISCARDED = 1_048_576
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


class Request(server.Request):
    """One request; ``site`` is a :class:`ppl.web.site.PplSite`."""

    too_large = False
    """Whether the body was longer than :data:`MAX_BODY`; the rest of it was dropped."""
    gone = False
    """Whether the client has closed the connection: there is nobody to answer."""
    _received = 0
    _cut = False

    def gotLength(self, length: int | None) -> None:
        """The headers have come; a body that would be longer than we read to the end is refused at once."""
        self.content = BytesIO()
        self.too_large = length is not None and length > MAX_BODY
        if length is not None and length > _MAX_DISCARDED:
            self._cut_short()

    def handleContentChunk(self, data: bytes) -> None:
        """Keep what is within the limit; go on reading a little beyond, so that the client reads its refusal."""
        self._received += len(data)
        if self._received > MAX_BODY:
            self.too_large = True
        if not self.too_large:
            cast(BytesIO, self.content).write(data)
        elif self._received > _MAX_DISCARDED:
            self._cut_short()

    def _cut_short(self) -> None:
        if not self._cut:
            self._cut = True
            channel: Any = self.channel
            channel.write(_CUT_SHORT)
            channel.loseConnection()

    def process(self) -> None:
        """As Twisted's, unless the connection was ended already."""
        if self._cut:
            return
        self.notifyFinish().addErrback(self._lost)
        super().process()  # type: ignore[no-untyped-call]

    def _lost(self, failure: Failure) -> None:
        self.gone = True

    def processingFailed(self, reason: Failure) -> Failure:
        """A fault outside the pages; no traceback leaves the log."""
        _log.failure("A request failed", reason)
        if self.gone or self.finished or self.channel.transport is None:
            # The viewer's WebSocket takes the transport with it.
            return reason
        if self.startedWriting:
            self.loseConnection()  # type: ignore[no-untyped-call]
        else:
            send(self, Answer(500, b"Ppl met an error of its own; its log has more.", "text/plain; charset=utf-8"))
        return reason


def visit_of(request: Any, public_url: str | None) -> Visit:
    """What the pages see of ``request``.

    Raises:
        ValueError: it holds what no browser sends.
    """
    target = request.uri.decode("ascii")
    path, _, query = target.partition("?")
    headers = {
        name.decode("ascii").lower(): ",".join(value.decode("utf-8", "replace") for value in values)
        for name, values in request.requestHeaders.getAllRawHeaders()
    }
    peer = getattr(request.getClientAddress(), "host", None)
    tls = bool(request.isSecure())
    return Visit(
        method=request.method.decode("ascii"),
        path=path,
        target=target,
        query=fields_of(query),
        headers=headers,
        body=request.content.getvalue(),
        client=throttled_address(peer, headers.get("x-forwarded-for"), behind_proxy=public_url is not None),
        secure=tls or (public_url or "").startswith("https:"),
        tls=tls,
    )


def set_security_headers(request: Any, secure: bool) -> None:
    """Set the headers that every answer has; over TLS browsers are told to stay there."""
    request.setHeader("Server", "Ppl")
    for name, value in (*_SECURITY_HEADERS, *((_HSTS,) if secure else ())):
        request.setHeader(name, value)


def send(request: Any, answer: Answer) -> int:
    """Send ``answer``, or nothing if the client has gone; gives what ``render`` must return."""
    if not request.gone:
        request.setResponseCode(answer.status)
        if answer.body:
            request.setHeader("Content-Type", answer.content_type)
        request.setHeader("Content-Length", str(len(answer.body)))
        request.setHeader("Cache-Control", "no-store")
        for name, value in answer.headers:
            request.setHeader(name, value)
        request.cookies = [cookie.header.encode("ascii") for cookie in answer.cookies]
        request.write(answer.body)
        request.finish()
    return NOT_DONE_YET


def send_later(request: Any, answer: Deferred[Answer]) -> int:
    """As :func:`send`, when ``answer`` fires."""

    def failed(failure: Failure) -> None:
        request.processingFailed(failure)

    answer.addCallback(lambda ready: send(request, ready))
    answer.addErrback(failed)
    return NOT_DONE_YET
