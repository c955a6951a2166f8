"""Errors of the viewer protocol: one class for each stable code, listed in ``docs/protocol.rst``."""

from __future__ import annotations

from typing import Any

from ppl.errors import PplError, ProtocolError, StatementTimeout, TooManySearches


class NotJson(ProtocolError):
    """The frame is not UTF-8 JSON text."""

    code = "not_json"


class BadEnvelope(ProtocolError):
    """The frame is JSON, but not an object whose ``event`` is text."""

    code = "bad_envelope"


class UnknownEvent(ProtocolError):
    """Clients cannot send an event with that name."""

    code = "unknown_event"


class BadData(ProtocolError):
    """``data`` is not an object."""

    code = "bad_data"


class BadUserId(ProtocolError):
    """``user_id`` is not text, or empty or too long."""

    code = "bad_user_id"


class BadWatchedIp(ProtocolError):
    """``watched_ip`` is neither an address, nor ``*``, nor empty text."""

    code = "bad_watched_ip"


class BadLogsPortion(ProtocolError):
    """``logs_portion`` is not a number from 1 to the limit."""

    code = "bad_logs_portion"


class BadBatch(ProtocolError):
    """``batch`` is neither true nor false."""

    code = "bad_batch"


class BadSince(ProtocolError):
    """``since`` is not an event id."""

    code = "bad_since"


class BadColumns(ProtocolError):
    """``columns`` is not a list of names of fields, or too long."""

    code = "bad_columns"


class BadBefore(ProtocolError):
    """``before`` is not an event id."""

    code = "bad_before"


class BadAfter(ProtocolError):
    """``after`` is not an event id."""

    code = "bad_after"


class ViewerBadQuery(ProtocolError):
    """``query`` is not text, or cannot be understood.

    Attributes:
        position: index of the character at which parsing failed, ``None`` if ``query`` is not text.
        expected: what would have been valid there, in words.
    """

    code = "bad_query"

    def __init__(
        self, message: str, event: str | None = None, position: int | None = None, expected: str | None = None
    ) -> None:
        super().__init__(message, event)
        self.position = position
        self.expected = expected

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of any error, with ``position`` and ``expected`` if the query cannot be understood."""
        where = {} if self.position is None else {"position": self.position, "expected": self.expected}
        return {**super().fields, **where}


class SearchesBusy(ProtocolError):
    """The account has as many searches under way as it may; a view's beginning waits for one to end."""

    code = "too_many_searches"


class ViewerForbidden(ProtocolError):
    """The account may not read that ``user_id``, or it does not exist."""

    code = "forbidden"


class NotIdentified(ProtocolError):
    """``send_user_data`` must come first."""

    code = "not_identified"


class AlreadyIdentified(ProtocolError):
    """``send_user_data`` may come once."""

    code = "already_identified"


class ViewerTooManyRequests(ProtocolError):
    """Too many requests wait for their answers."""

    code = "too_many_requests"


class FrameTooLarge(ProtocolError):
    """A message is longer than ``--max-frame-bytes``; the connection is closed with 1009."""

    code = "frame_too_large"


class StoreAway(ProtocolError):
    """The store cannot be read now; live events go on when it can."""

    code = "store_unavailable"


def unreadable(error: PplError | None, event: str) -> ProtocolError:
    """The error that refuses ``event`` after reading the store failed with ``error``."""
    return SearchesBusy(str(error), event) if isinstance(error, TooManySearches) else store_away(error, event)


def store_away(error: PplError | None, event: str) -> StoreAway:
    """The error that refuses ``event``; it does not say where the database is."""
    why = "took too long" if isinstance(error, StatementTimeout) else "cannot be reached now"
    return StoreAway(f"The database {why}; try again.", event)
