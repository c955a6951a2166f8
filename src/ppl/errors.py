"""Errors that a person or a program may meet: each class has a stable ``code``, and each error is one sentence.

The same error looks the same in HTTP, WebSocket, command line and log. The viewer protocol's codes are listed
in ``docs/protocol.rst``.
"""

from typing import Any, ClassVar


class PplError(Exception):
    """Base of all errors that Ppl raises on purpose.

    ``str(error)`` is one sentence for a person; ``code`` is stable for programs.
    """

    code: ClassVar[str] = "internal_error"

    @property
    def fields(self) -> dict[str, Any]:
        """``code``, ``message`` and further fields for programs: the same in each protocol's JSON."""
        return {"code": self.code, "message": str(self)}


class ConfigurationError(PplError):
    """An option is wrong; start-up stops with the sentence."""

    code = "bad_configuration"


class StoreUnavailable(PplError):
    """PostgreSQL cannot be reached now; the same request may succeed later."""

    code = "store_unavailable"


class StoreUnsuitable(PplError):
    """This PostgreSQL can never serve Ppl as it is: too old, or rights are missing."""

    code = "store_unsuitable"


class StatementTimeout(PplError):
    """A statement took longer than its bound and was cancelled."""

    code = "statement_timeout"


class TooManySearches(PplError):
    """An account has as many searches under way as it may."""

    code = "too_many_searches"


class IdConflict(PplError):
    """Ids of new events belong to other events already: another process writes to the same destination."""

    code = "id_conflict"


class AlreadyExists(PplError):
    """The thing to be created exists already, such as an account with that email address."""

    code = "already_exists"


class RegistrationClosed(PplError):
    """The registration policy admits no further account."""

    code = "registration_closed"


class NoPortLeft(PplError):
    """Every port of the configured range belongs to a destination."""

    code = "no_port_left"


class TooManyDestinations(PplError):
    """The account owns as many open destinations as it may."""

    code = "too_many_destinations"


class ListenerUnavailable(PplError):
    """No linked listener opened the destination's port in time."""

    code = "listener_unavailable"


class TooManySenderTokens(PplError):
    """The destination has as many sender tokens as it may."""

    code = "too_many_sender_tokens"


class TooManyDrains(PplError):
    """The destination has as many drain tokens as it may."""

    code = "too_many_drains"


class TooManySaved(PplError):
    """The destination has as many saved searches as it may."""

    code = "too_many_saved"


class TooManyMarks(PplError):
    """The destination has as many marks as it may."""

    code = "too_many_marks"


class ProtocolError(PplError):
    """Input from the network that breaks the protocol; subclasses carry the code sent back.

    Attributes:
        event: the name of the refused event, or ``None`` where it could not be read.
    """

    code = "bad_request"

    def __init__(self, message: str, event: str | None = None) -> None:
        super().__init__(message)
        self.event = event

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of any error, with ``event`` where there is one."""
        return super().fields if self.event is None else {**super().fields, "event": self.event}
