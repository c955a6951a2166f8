"""Why an uploaded body cannot be read."""

from __future__ import annotations

from ppl.errors import PplError


class BodyTooLarge(PplError):
    """The body holds more than the limit."""

    code = "too_large"


class BodyUnreadable(PplError):
    """The body is not in the encoding that it claims."""

    code = "bad_encoding"
