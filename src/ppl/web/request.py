"""Twisted's request with what every one of ours has: bounded bodies, security headers, error pages of our own.

:class:`Request` is the only place where answers become bytes on a connection.
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


class Request(server.Request):
    """One request; ``site`` is a :class:`ppl.web.site.PplSite`."""

    _log = Logger()

    too_large = False
    """Whether the body was longer than :data:`MAX_BODY`; the rest of it was dropped."""
    _received = 0
    _cut = False
    _gone = False

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
            self.channel.write(_CUT_SHORT)
            self.channel.loseConnection()

    def process(self) -> None:
        """As Twisted's, unless the connection was ended already."""
        if self._cut:
            return
        self.notifyFinish().addErrback(self._lost)
        super().process()  # type: ignore[no-untyped-call]

    def _lost(self, failure: Failure) -> None:
        self._gone = True

    def visit(self, public_url: str | None) -> Visit:
        """What the pages see of it.

        Raises:
            ValueError: it holds bytes that no browser sends.
        """
        target = self.uri.decode("ascii")
        path, _, query = target.partition("?")
        headers = {
            name.decode("ascii").lower(): ",".join(value.decode("utf-8", "replace") for value in values)
            for name, values in self.requestHeaders.getAllRawHeaders()
        }
        tls = bool(self.isSecure())
        return Visit(
            method=self.method.decode("ascii"),
            path=path,
            target=target,
            query=fields_of(query),
            headers=headers,
            body=cast(BytesIO, self.content).getvalue(),
            client=throttled_address(
                getattr(self.getClientAddress(), "host", None), headers.get("x-forwarded-for"), public_url is not None
            ),
            secure=tls or (public_url or "").startswith("https:"),
            tls=tls,
        )

    def secure_headers(self, hsts: bool) -> None:
        """Set the headers that every response has."""
        self.setHeader(b"Server", b"Ppl")
        for name, value in (*_SECURITY_HEADERS, *((_HSTS,) if hsts else ())):
            self.setHeader(name, value)

    def answer(self, answer: Answer) -> None:
        """Send ``answer``; nothing if the client has gone."""
        if self._gone:
            return
        self.setResponseCode(answer.status)
        if answer.status not in (204, 304):
            if answer.body:
                self.setHeader("Content-Type", answer.content_type)
            self.setHeader("Content-Length", str(len(answer.body)))
        self.setHeader("Cache-Control", "no-store")
        for name, value in answer.headers:
            self.setHeader(name, value)
        self.cookies = [cookie.header.encode("ascii") for cookie in answer.cookies]
        self.write(answer.body)
        self.finish()

    def answer_later(self, answer: Deferred[Answer]) -> Any:
        """Send what ``answer`` fires with; gives what ``render`` must return."""
        answer.addCallback(self.answer)
        answer.addErrback(lambda failure: self._log.failure("An answer could not be written", failure))
        return NOT_DONE_YET

    def processingFailed(self, reason: Failure) -> Failure:
        """A fault outside the pages; no traceback leaves the log."""
        self._log.failure("A request failed", reason)
        if not self.startedWriting:
            self.answer(Answer(500, b"Ppl met an error of its own; its log has more.", "text/plain; charset=utf-8"))
        return reason
