"""What a :class:`~ppl.viewer.session.ViewerSession` wants done: values, for the hub to carry out in their order."""

from __future__ import annotations

from typing import Literal

import attrs

from ppl.errors import ProtocolError
from ppl.model import Event


@attrs.frozen
class Authorise:
    """Find out whether the account may read ``user_id``; answered by ``authorised`` or ``refused``."""

    user_id: str


@attrs.frozen
class Query:
    """Read events; answered by ``results`` or ``failed`` with the same ``token``.

    Attributes:
        token: tells answers apart; a stale one does no harm.
        kind: which of the store's pages.
        limit: most events.
        before, after: ids, exclusive, where the kind needs them.
        sender_ip: as in the request.
        delay: seconds to wait first.
    """

    token: int
    kind: Literal["newest", "older", "newer"]
    limit: int
    before: int | None = None
    after: int | None = None
    sender_ip: str | None = None
    delay: float = 0.0


@attrs.frozen
class SendLogs:
    """``send_logs`` with ``events``, ascending.

    ``before`` and ``after`` are as the request had them; ``since`` is the id after which a portion of what a
    reconnect asked for begins.
    """

    events: tuple[Event, ...]
    is_oldest: bool
    before: int | None = None
    after: int | None = None
    since: int | None = None


@attrs.frozen
class SendLive:
    """``live_update_logs``: one frame an event, or many in one where ``batch``."""

    events: tuple[Event, ...]
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


Effect = Authorise | Query | SendLogs | SendLive | SendGap | SendPausedCount | SendError
