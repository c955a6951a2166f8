"""Answers of the drain to uploads, above all refusals, in the JSON form that programs get from all of Ppl."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import ClassVar

from ppl.errors import PplError
from ppl.http.uploads import UploadReply
from ppl.sources.kinds import NotTaken, UploadHead, error_reply

#: Seconds after which a sender may try again when Ppl or its database is unavailable.
RETRY_SECONDS = 5

STOPPING = "Ppl is stopping: try again in a few seconds."


class DrainRefusal(PplError):
    """An upload that is refused.

    Attributes:
        status: HTTP status.
        headers: further headers that the status calls for.
    """

    status: ClassVar[int]

    def __init__(self, message: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(message)
        self.headers = headers

    @property
    def why(self) -> NotTaken:
        """What the upload's protocol makes an answer of."""
        return NotTaken(self.status, self.code, str(self), self.headers)

    @property
    def reply(self) -> UploadReply:
        """The answer where no protocol makes one."""
        made = error_reply(UploadHead(""), self.why)
        return UploadReply(made.status, made.body, made.headers)


class UnknownToken(DrainRefusal):
    """The token is wrong or was revoked."""

    code = "unknown_token"
    status = 404

    def __init__(self) -> None:
        super().__init__("This drain token is wrong or was revoked.")


class NoToken(DrainRefusal):
    """The request has no token, or not in a way that its protocol knows."""

    code = "no_token"
    status = 401

    def __init__(self) -> None:
        super().__init__("A drain token is needed, in the address or in Authorization.")


class WrongToken(DrainRefusal):
    """The token in a header is wrong or was revoked."""

    code = "wrong_token"
    status = 401

    def __init__(self) -> None:
        super().__init__("This drain token is wrong or was revoked.")


class AddressNotAllowed(DrainRefusal):
    """The upload comes from outside the destination's networks."""

    code = "address_not_allowed"
    status = 403

    def __init__(self, address: str) -> None:
        super().__init__(f"{address} is outside the networks that may send to this destination.")


class NotServedHere(DrainRefusal):
    """The destination belongs to another listener."""

    code = "not_served_here"
    status = 421

    def __init__(self, host: str) -> None:
        super().__init__(f"This listener does not serve {host}: send to the drain of the listener that does.")


class UploadMethodNotAllowed(DrainRefusal):
    """The method is neither one that uploads nor one that only asks whether there is a drain.

    Args:
        uploading: the methods that upload.
        allowed: all that are allowed.
    """

    code = "method_not_allowed"
    status = 405

    def __init__(self, uploading: Sequence[str] = ("POST",), allowed: Sequence[str] = ("GET", "HEAD", "POST")) -> None:
        words = " or ".join(uploading)
        said = f"Only {words} is allowed here: send lines with {words}." if words else "Nothing is uploaded here."
        super().__init__(said, (("Allow", ", ".join(allowed)),))


class UploadUnsupportedType(DrainRefusal):
    """The content type or the content encoding is not supported."""

    code = "unsupported_type"
    status = 415


class UploadTooLarge(DrainRefusal):
    """The body is larger than one upload may be."""

    code = "too_large"
    status = 413


class Unreadable(DrainRefusal):
    """The body is not in the encoding that its headers claim."""

    code = "bad_encoding"
    status = 400


class TooSlow(DrainRefusal):
    """The body did not come in time."""

    code = "too_slow"
    status = 408

    def __init__(self) -> None:
        super().__init__("The body did not come in time.")


class TooMany(DrainRefusal):
    """A limit is reached for now."""

    code = "too_many_requests"
    status = 429

    def __init__(self, message: str, seconds: int = 1) -> None:
        super().__init__(message, (("Retry-After", str(seconds)),))


class OverQuota(TooMany):
    """The destination's quota is used up for now."""

    code = "over_quota"


class UploadUnavailable(DrainRefusal):
    """Ppl or its database is unavailable."""

    code = "unavailable"
    status = 503

    def __init__(self, message: str) -> None:
        super().__init__(message, (("Retry-After", str(RETRY_SECONDS)),))


class NothingHere(DrainRefusal):
    """The drain's own endpoint has nothing but the addresses of tokens."""

    code = "not_found"
    status = 404

    def __init__(self) -> None:
        super().__init__("Only the addresses of uploads are served here, such as POST /logs/<token>.")


class UploadFailed(DrainRefusal):
    """Ppl met an internal error; its log has the rest."""

    code = "internal_error"
    status = 500

    def __init__(self) -> None:
        super().__init__("Internal error in Ppl; its log has more.")


def greeting() -> UploadReply:
    """The answer to a request that only asks whether there is a drain at its address."""
    return UploadReply(200, json.dumps({"lines": 0, "message": "Send log lines here with POST."}).encode("ascii"))
