"""The effects that a :class:`~ppl.viewer.session.ViewerSession` asks for: its connection carries them out in order."""

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

    With ``search`` there may be several ``results``, each with a :class:`Way` that says how far the search got.

    Attributes:
        token: tells answers apart; an answer with a stale token is ignored.
        kind: which of the store's pages to read.
        limit: the most events to read.
        before, after: ids, exclusive, where the kind needs them.
        sender_ip: as in the request.
        delay: seconds to wait first.
        search: the query that events must match, ``None`` for all events.
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
    """End the search with that ``token``; answered by its last ``results``, with the events found so far."""

    token: int


@attrs.frozen
class Way:
    """How far a search has got.

    Attributes:
        reached: going back, every id from this one on has been searched; going forward, every id up to this one.
        found: number of events that the search has given.
        is_last: whether the search goes no further.
        is_back: whether the search goes back in time.
        top: id of the newest event (matching or not) at the start, if the search begins or ends there; else 0.
        left: about how many events are still to be searched; ``None`` if that is not known.
    """

    reached: int
    found: int
    is_last: bool
    is_back: bool
    top: int = 0
    left: int | None = None


@attrs.frozen
class SendLogs:
    """``send_logs`` with ``events``, ascending by id.

    ``before`` and ``after`` are as in the request. After a reconnect, ``since`` is the id after which this portion
    begins. ``way`` is given if the events were searched for and the search is not complete.
    """

    events: tuple[Event, ...]
    is_oldest: bool
    before: int | None = None
    after: int | None = None
    since: int | None = None
    way: Way | None = None


@attrs.frozen
class SendProgress:
    """``search_progress``: nothing more was found, but the search has got further."""

    way: Way


@attrs.frozen
class SendLive:
    """``live_update_logs``: one frame for each event, or frames of many events if ``batch``."""

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
    """``paused_count``: the number of new events since the pause."""

    new: int


@attrs.frozen
class SendError:
    """``error``."""

    error: ProtocolError


Effect = (
    Authorise | ReadEvents | EndReading | SendLogs | SendProgress | SendLive | SendGap | SendPausedCount | SendError
)
