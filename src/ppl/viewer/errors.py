"""What a viewer can do wrong: one class per stable code, listed in ``docs/protocol.rst``."""

from __future__ import annotations

from typing import Any

from ppl.errors import PplError, ProtocolError, StatementTimeout, TooManySearches


class NotJson(ProtocolError):
    """The frame is not UTF-8 JSON text."""

    code = "not_json"


class BadEnvelope(ProtocolError):
    """The frame is JSON, but no object with an ``event`` text."""

    code = "bad_envelope"


class UnknownEvent(ProtocolError):
    """No such event from a client."""

    code = "unknown_event"


class BadData(ProtocolError):
    """``data`` is no object."""

    code = "bad_data"


class BadUserId(ProtocolError):
    """``user_id`` is no ``host:port`` text."""

    code = "bad_user_id"


class BadWatchedIp(ProtocolError):
    """``watched_ip`` is no address, ``*`` or empty text."""

    code = "bad_watched_ip"


class BadLogsPortion(ProtocolError):
    """``logs_portion`` is no number from 1 to the limit."""

    code = "bad_logs_portion"


class BadBatch(ProtocolError):
    """``batch`` is neither true nor false."""

    code = "bad_batch"


class BadSince(ProtocolError):
    """``since`` is no event id."""

    code = "bad_since"


class BadBefore(ProtocolError):
    """``before`` is no event id."""

    code = "bad_before"


class BadAfter(ProtocolError):
    """``after`` is no event id."""

    code = "bad_after"


class ViewerBadQuery(ProtocolError):
    """``query`` is no text, or cannot be understood.

    Attributes:
        position: index of the character where it went wrong, ``None`` where it is no text.
        expected: what would have been right there.
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
        """As for any error, with ``position`` and ``expected`` where the query went wrong."""
        where = {} if self.position is None else {"position": self.position, "expected": self.expected}
        return {**super().fields, **where}


class SearchesBusy(ProtocolError):
    """The account has as many searches under way as it may; a view's beginning waits for one to end."""

    code = "too_many_searches"


class ViewerForbidden(ProtocolError):
    """The account may not read that ``user_id``, or there is none such."""

    code = "forbidden"


class NotIdentified(ProtocolError):
    """``send_user_data`` must come first."""

    code = "not_identified"


class AlreadyIdentified(ProtocolError):
    """``send_user_data`` may come once."""

    code = "already_identified"


class ViewerTooManyRequests(ProtocolError):
    """More requests wait than are allowed."""

    code = "too_many_requests"


class FrameTooLarge(ProtocolError):
    """A message beyond ``--max-frame-bytes``; the connection is closed with 1009."""

    code = "frame_too_large"


class StoreAway(ProtocolError):
    """History cannot be read now; live goes on when it can."""

    code = "store_unavailable"


def unreadable(error: PplError | None, event: str) -> ProtocolError:
    """The refusal of ``event`` when the store raised ``error`` instead of reading."""
    return SearchesBusy(str(error), event) if isinstance(error, TooManySearches) else store_away(error, event)


def store_away(error: PplError | None, event: str) -> StoreAway:
    """The refusal of ``event``; where the database is does not concern a viewer."""
    why = "took too long" if isinstance(error, StatementTimeout) else "cannot be reached now"
    return StoreAway(f"The database {why}; try again.", event)
