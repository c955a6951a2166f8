"""What is sent back: an :class:`Answer`, or a :class:`Refusal` that becomes an error page (or JSON for programs)."""

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
        delivered: called once the client has taken it all, or has gone.
    """

    status: int = 200
    body: bytes = b""
    content_type: str = "text/html; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()
    cookies: tuple[Cookie, ...] = ()
    delivered: Callable[[], object] = attrs.field(default=lambda: None, repr=False, eq=False)

    def with_cookies(self, *cookies: Cookie | None) -> Answer:
        """The same, and it sets those ``cookies`` that are not ``None``."""
        return attrs.evolve(self, cookies=(*self.cookies, *filter(None, cookies)))


@attrs.frozen
class StreamedAnswer:
    """A response whose body comes in parts, each asked for when the one before is taken.

    A failure of ``parts`` cuts the response off, so that it cannot be taken for whole.

    Attributes:
        parts: an asynchronous generator.
        abandon: has a part under way fail at once, and frees what ``parts`` holds; called when the client has gone.
    """

    parts: AsyncIterator[bytes]
    abandon: Callable[[], None]
    content_type: str
    headers: tuple[tuple[str, str], ...] = ()


def see_other(path: str) -> Answer:
    """To a page of ours with GET, as after a form was sent (RFC 9110 section 15.4.4)."""
    return Answer(303, headers=(("Location", path),))


def found(path: str) -> Answer:
    """To another page of ours for now."""
    return Answer(302, headers=(("Location", path),))


def json_answer(value: Any, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """``value`` as JSON."""
    body = json.dumps(value, ensure_ascii=False).encode("utf-8")
    return Answer(status, body, "application/json; charset=utf-8", headers)


class Refusal(PplError):
    """A request that is answered with an error page; ``str()`` is the sentence that it says.

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
    """A program asks without a valid session or token."""

    code = "not_logged_in"
    status, title = 401, "Not logged in"
    advice = "Send the session cookie, or Authorization: Bearer with a token of the settings page."

    def __init__(self) -> None:
        super().__init__("This needs a login.", headers=(("WWW-Authenticate", "Bearer"),))


class Forbidden(Refusal):
    """Understood and refused."""

    code = "forbidden"
    status, title = 403, "Not allowed"


class ForeignOrigin(Forbidden):
    """The request comes from a page that is not ours."""

    code = "foreign_origin"

    def __init__(self, public_url: str | None) -> None:
        advice = (
            f"Open Ppl at {public_url} and try again."
            if public_url
            else "Open Ppl itself and try again; behind a proxy its operator must set --public-url."
        )
        super().__init__("This request was sent by a page of another site.", advice)


class BadFormToken(Forbidden):
    """The form's hidden token is missing or not of this browser."""

    code = "bad_csrf_token"

    def __init__(self) -> None:
        super().__init__(
            "This form is too old, or your browser does not keep cookies for this site.",
            "Go back, reload the page and send the form again.",
        )


class NotFound(Refusal):
    """There is nothing at that address."""

    code = "not_found"
    status, title = 404, "Not found"
    advice = "Check the address, or start from the first page."

    def __init__(self, message: str = "There is nothing at this address.") -> None:
        super().__init__(message)


class MethodNotAllowed(Refusal):
    """The address exists, but not for this method."""

    code = "method_not_allowed"
    status, title = 405, "Method not allowed"
    advice = "Start from the first page."

    def __init__(self, method: str, allowed: str) -> None:
        super().__init__(f"{method} is not possible here, only {allowed}.", headers=(("Allow", allowed),))


class Conflict(Refusal):
    """It cannot be done beside what there is already."""

    code = "already_exists"
    status, title = 409, "There already"

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code  # type: ignore[misc]


class SendersRestricted(Refusal):
    """A test line would be dropped: only some may send."""

    code = "senders_restricted"
    status, title = 409, "Senders are restricted"


class Gone(Refusal):
    """There was something at that address."""

    code = "expired"
    status, title = 410, "No longer kept"
    advice = "Look for newer events, or in the archive."


class Misdirected(Refusal):
    """The request asks for another host."""

    code = "unknown_host"
    status, title = 421, "Unknown host name"

    def __init__(self, name: str, address: str) -> None:
        super().__init__(
            f"This is Ppl, but not at {name}.",
            f"Open it at {address}. If {name} is meant to lead here, its operator names it in --http-hosts.",
        )


class TooLarge(Refusal):
    """The body is longer than any form of ours."""

    code = "too_large"
    status, title = 413, "Too large"
    advice = "Send less."

    def __init__(self, limit: int) -> None:
        super().__init__(f"A request may carry at most {limit:,} bytes.")


class UnsupportedType(Refusal):
    """The body is of a type that no form of ours sends."""

    code = "unsupported_type"
    status, title = 415, "Unsupported type"
    advice = "Send application/x-www-form-urlencoded, as the page's own form does."

    def __init__(self) -> None:
        super().__init__("This type of form is not read here.")


class UpgradeRequired(Refusal):
    """The address speaks WebSocket only."""

    code = "upgrade_required"
    status, title = 426, "WebSocket only"
    advice = "Open the first page; it connects by itself."

    def __init__(self) -> None:
        super().__init__(
            "This address speaks only WebSocket.", headers=(("Upgrade", "websocket"), ("Connection", "Upgrade"))
        )


class TooManyRequests(Refusal):
    """Throttled."""

    code = "too_many_requests"
    status, title = 429, "Too many attempts"

    def __init__(self, seconds: int, message: str = "There were too many attempts.") -> None:
        wait = f"{seconds} second{'s' if seconds != 1 else ''}"
        super().__init__(message, f"Wait {wait} and try again.", (("Retry-After", str(seconds)),))


class Unavailable(Refusal):
    """Something Ppl needs is away."""

    code = "unavailable"
    status, title = 503, "Not available right now"
    advice = "Try again in a few seconds; if it stays so, look into Ppl's log."

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message, headers=(("Retry-After", "5"),))
        if code is not None:
            self.code = code  # type: ignore[misc]


class InternalError(Refusal):
    """A fault of ours; the log has the rest."""

    code = "internal_error"
    status, title = 500, "Something went wrong"
    advice = "Try again; if it stays so, look into Ppl's log at this time."

    def __init__(self) -> None:
        super().__init__("Internal error in Ppl.")


def spend(throttle: Throttle, key: str) -> None:
    """Take one token of ``key``.

    Raises:
        TooManyRequests: there is none.
    """
    wait = throttle.take(key)
    if wait:
        raise TooManyRequests(wait)
