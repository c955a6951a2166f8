"""What a :class:`~ppl.viewer.session.ViewerSession` wants done: values, for the hub to carry out in their order."""

from __future__ import annotations

from typing import Literal

import attrs

from ppl.errors import ProtocolError
from ppl.live.batch import Batch
from ppl.model import Event
from ppl.search import query as searching


@attrs.frozen
class Authorise:
    """Find out whether the account may read ``user_id``; answered by ``authorised`` or ``refused``."""

    user_id: str


@attrs.frozen
class ReadEvents:
    """Read events; answered by ``results`` or ``failed`` with the same ``token``.

    With ``search`` there may be several ``results``, each with the :class:`Way` that the search has come.

    Attributes:
        token: tells answers apart; a stale one does no harm.
        kind: which of the store's pages.
        limit: most events.
        before, after: ids, exclusive, where the kind needs them.
        sender_ip: as in the request.
        delay: seconds to wait first.
        search: what is searched for, ``None`` for everything.
    """

    token: int
    kind: Literal["newest", "older", "newer"]
    limit: int
    before: int | None = None
    after: int | None = None
    sender_ip: str | None = None
    delay: float = 0.0
    search: searching.Query | None = None


@attrs.frozen
class EndReading:
    """Have the search of that ``token`` end with what it has found; answered by its last ``results``."""

    token: int


@attrs.frozen
class Way:
    """How far a search has come.

    Attributes:
        reached: walking back, every id from this one on is looked at; walking forth, every id up to this one.
        found: events that it has given.
        is_last: whether it goes no further.
        is_back: its direction.
        top: id of the newest event when it began, matching or not, where the walk begins or ends there; else 0.
        left: events still to be looked at, about; ``None`` where that is not known.
    """

    reached: int
    found: int
    is_last: bool
    is_back: bool
    top: int = 0
    left: int | None = None


@attrs.frozen
class SendLogs:
    """``send_logs`` with ``events``, ascending.

    ``before`` and ``after`` are as the request had them; ``since`` is the id after which a portion of what a
    reconnect asked for begins. ``way`` is given where they were searched for and the search is not at its end.
    """

    events: tuple[Event, ...]
    is_oldest: bool
    before: int | None = None
    after: int | None = None
    since: int | None = None
    way: Way | None = None


@attrs.frozen
class SendProgress:
    """``search_progress``: nothing more was found, but the search has come further."""

    way: Way


@attrs.frozen
class SendLive:
    """``live_update_logs``: one frame an event, or many in one where ``batch``."""

    events: Batch
    is_oldest: bool
    batch: bool


@attrs.frozen
class SendGap:
    """``live_gap``: ``skipped`` events from id ``first`` to id ``last`` were left out for a slow reader."""

    skipped: int
    first: int
    last: int


@attrs.frozen
class SendPausedCount:
    """``paused_count``: so many new events since the pause."""

    new: int


@attrs.frozen
class SendError:
    """``error``."""

    error: ProtocolError


Effect = (
    Authorise | ReadEvents | EndReading | SendLogs | SendProgress | SendLive | SendGap | SendPausedCount | SendError
)
