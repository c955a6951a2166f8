"""Responses of the site: an :class:`Answer`, or a :class:`Refusal` that becomes an error page (or JSON for programs).

Handlers return the one or raise the other; :mod:`ppl.web.http.request` sends them.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any, ClassVar

import attrs

from ppl.access.throttle import Throttle
from ppl.errors import PplError


@attrs.frozen
class Cookie:
    """A cookie to set, ``HttpOnly``, ``SameSite=Lax``, for the whole site.

    Attributes:
        max_age: seconds; 0 deletes it, ``None`` keeps it until the browser closes.
    """

    name: str
    value: str = attrs.field(repr=False)
    secure: bool
    max_age: int | None = None

    @property
    def header(self) -> str:
        """The value of ``Set-Cookie``."""
        parts = [f"{self.name}={self.value}", "Path=/", "HttpOnly", "SameSite=Lax"]
        if self.max_age is not None:
            parts.append(f"Max-Age={self.max_age}")
        if self.secure:
            parts.append("Secure")
        return "; ".join(parts)


@attrs.frozen
class Answer:
    """A whole response; header values are plain ASCII.

    Attributes:
        delivered: called once the client has received all of it, or has disconnected.
    """

    status: int = 200
    body: bytes = b""
    content_type: str = "text/html; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()
    cookies: tuple[Cookie, ...] = ()
    delivered: Callable[[], object] = attrs.field(default=lambda: None, repr=False, eq=False)

    def with_cookies(self, *cookies: Cookie | None) -> Answer:
        """The same response, which also sets those ``cookies`` that are not ``None``."""
        return attrs.evolve(self, cookies=(*self.cookies, *filter(None, cookies)))


@attrs.frozen
class StreamedAnswer:
    """A response whose body comes in parts; each part is asked for once the connection has room for it.

    A failure of ``parts`` cuts the response off, so that the client cannot mistake it for a complete one.

    Attributes:
        parts: an asynchronous generator.
        abandon: makes a part in progress fail at once, and frees the resources that ``parts`` holds; called when the
            client has disconnected.
    """

    parts: AsyncIterator[bytes]
    abandon: Callable[[], None]
    content_type: str
    headers: tuple[tuple[str, str], ...] = ()


def see_other(path: str) -> Answer:
    """Redirect to another page of the site with GET, as after a form was sent (RFC 9110 section 15.4.4)."""
    return Answer(303, headers=(("Location", path),))


def found(path: str) -> Answer:
    """Redirect temporarily to another page of the site."""
    return Answer(302, headers=(("Location", path),))


def json_answer(value: Any, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """``value`` as JSON."""
    body = json.dumps(value, ensure_ascii=False).encode("utf-8")
    return Answer(status, body, "application/json; charset=utf-8", headers)


class Refusal(PplError):
    """A request that is answered with an error page; ``str()`` is the sentence on that page.

    Attributes:
        status: HTTP status.
        title: the page's heading.
        advice: what to do about it.
        headers: further headers that the status calls for.
    """

    status: ClassVar[int]
    title: ClassVar[str]
    advice: str = "Go back and try again."

    def __init__(self, message: str, advice: str | None = None, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(message)
        self.advice = advice or self.advice
        self.headers = headers


class BadRequest(Refusal):
    """The request cannot be understood."""

    code = "bad_request"
    status, title = 400, "Bad request"


class NotLoggedIn(Refusal):
    """A program's request carries no valid session or token."""

    code = "not_logged_in"
    status, title = 401, "Not logged in"
    advice = "Send the session cookie, or Authorization: Bearer with a token from the settings page."

    def __init__(self) -> None:
        super().__init__("There is no valid session or token.", headers=(("WWW-Authenticate", "Bearer"),))


class Forbidden(Refusal):
    """The request is understood but not allowed."""

    code = "forbidden"
    status, title = 403, "Not allowed"
    advice = "Ask the owner of the destination, or log in with another account."


class ForeignOrigin(Forbidden):
    """The request was sent by a page of another site."""

    code = "foreign_origin"

    def __init__(self, public_url: str | None) -> None:
        advice = (
            f"Open Ppl at {public_url} and try again."
            if public_url
            else "Open Ppl itself and try again. Behind a proxy, its operator must set --public-url."
        )
        super().__init__("This request was sent by a page of another site.", advice)


class BadFormToken(Forbidden):
    """The form's hidden token is missing, or was not given to this browser."""

    code = "bad_csrf_token"

    def __init__(self) -> None:
        super().__init__(
            "This form is too old, or your browser does not keep cookies for this site.",
            "Go back, reload the page and send the form again.",
        )


class NotFound(Refusal):
    """There is nothing at the request's address."""

    code = "not_found"
    status, title = 404, "Not found"
    advice = "Check the address, or go to the start page."

    def __init__(self, message: str = "There is nothing at this address.") -> None:
        super().__init__(message)


class MethodNotAllowed(Refusal):
    """The address exists, but does not accept the request's method."""

    code = "method_not_allowed"
    status, title = 405, "Method not allowed"
    advice = "Go to the start page."

    def __init__(self, method: str, allowed: str) -> None:
        super().__init__(f"{method} is not allowed here, only {allowed}.", headers=(("Allow", allowed),))


class Conflict(Refusal):
    """The thing to be created exists already, or there are as many as allowed."""

    code = "already_exists"
    status, title = 409, "Already exists"

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code  # type: ignore[misc]


class SendersRestricted(Refusal):
    """A test line would be dropped, since the destination restricts who may send to it."""

    code = "senders_restricted"
    status, title = 409, "Senders are restricted"


class Gone(Refusal):
    """The event at the request's address is past its retention."""

    code = "expired"
    status, title = 410, "Expired"
    advice = "Look for newer events, or in the archive."


class Misdirected(Refusal):
    """The ``Host`` header names a host that the site does not answer for."""

    code = "unknown_host"
    status, title = 421, "Unknown host name"

    def __init__(self, name: str, address: str) -> None:
        super().__init__(
            f"Ppl does not answer to the host name {name}.",
            f"Open Ppl at {address}. If {name} should work too, its operator must add it to --http-hosts.",
        )


class TooLarge(Refusal):
    """The body is longer than any form of the site needs."""

    code = "too_large"
    status, title = 413, "Too large"
    advice = "Send less."

    def __init__(self, limit: int) -> None:
        super().__init__(f"The body of a request may have at most {limit:,} bytes.")


class UnsupportedType(Refusal):
    """The body has a content type that no form of the site sends."""

    code = "unsupported_type"
    status, title = 415, "Unsupported content type"
    advice = "Send application/x-www-form-urlencoded, as the page's own form does."

    def __init__(self) -> None:
        super().__init__("This content type is not accepted here.")


class UpgradeRequired(Refusal):
    """The address accepts only WebSocket connections."""

    code = "upgrade_required"
    status, title = 426, "WebSocket only"
    advice = "Open the start page; it connects by itself."

    def __init__(self) -> None:
        super().__init__(
            "This address accepts only WebSocket.", headers=(("Upgrade", "websocket"), ("Connection", "Upgrade"))
        )


class TooManyRequests(Refusal):
    """The client is throttled, or too many of the account's requests are in progress."""

    code = "too_many_requests"
    status, title = 429, "Too many requests"

    def __init__(self, seconds: int, message: str = "There were too many requests.") -> None:
        wait = f"{seconds} second{'s' if seconds != 1 else ''}"
        super().__init__(message, f"Wait {wait} and try again.", (("Retry-After", str(seconds)),))


class Unavailable(Refusal):
    """Something that Ppl needs cannot be reached now."""

    code = "unavailable"
    status, title = 503, "Temporarily unavailable"
    advice = "Try again in a few seconds. If it keeps failing, look in Ppl's log."

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message, headers=(("Retry-After", "5"),))
        if code is not None:
            self.code = code  # type: ignore[misc]


class InternalError(Refusal):
    """An error within Ppl; its log has the details."""

    code = "internal_error"
    status, title = 500, "Internal error"
    advice = "Try again. If it fails again, look in Ppl's log at the time of this error."

    def __init__(self) -> None:
        super().__init__("Internal error in Ppl; its log has more.")


def spend(throttle: Throttle, key: str) -> None:
    """Take one token from the bucket of ``key``.

    Raises:
        TooManyRequests: the bucket is empty.
    """
    wait = throttle.take(key)
    if wait:
        raise TooManyRequests(wait)
