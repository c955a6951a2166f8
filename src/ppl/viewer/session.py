"""One viewer's state and the rules of PROTOCOL.md, "server ⇄ client", without I/O.

A :class:`ViewerSession` is told of requests, answers of the store, live events, links that were lost, and a transport
that is full; each method gives the effects to carry out. Its promise: from a ``send_logs`` that begins a view on,
what it sends live is gap-free and duplicate-free in the order of ids. It is kept by one rule: an event is sent live
only while everything before it has been sent. Whenever that is in doubt, the store is read from ``max_id`` on, and
live events wait until the answer is there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Literal

import attrs

from ppl.errors import PplError, ProtocolError
from ppl.model import Event, Page
from ppl.viewer import errors
from ppl.viewer.effects import (
    Authorise,
    Effect,
    Query,
    SendError,
    SendGap,
    SendLive,
    SendLogs,
    SendPausedCount,
)
from ppl.viewer.portion import within_bytes
from ppl.viewer.queue import LiveQueue
from ppl.viewer.requests import GetLogs, Pause, Request, SendUserData, event_of

#: Requests that may wait for the one being answered.
MOST_WAITING = 16

#: Events of one reading when catching up, however small the portions of history are.
CATCH_UP_EVENTS = 500

_FIRST_RETRY, _LONGEST_RETRY = 0.25, 5.0


@attrs.frozen
class _Asked:
    """The query under way.

    Attributes:
        query: as it was asked.
        answer: what to do with the page.
        holds_live: whether live events must wait for it.
        event: the request to name when it fails, ``None`` for failing silently.
        ends_with_pause: whether a paused viewer wants the answer no more.
        is_retry: whether it failed before.
    """

    query: Query
    answer: Callable[[Page], list[Effect]]
    holds_live: bool
    event: str | None
    ends_with_pause: bool = False
    is_retry: bool = False


@attrs.define
class _Gap:
    """Live events that were dropped because the reader is slow."""

    skipped: int = 0
    first: int = 0
    last: int = 0


class ViewerSession:
    """One socket's state.

    Attributes:
        min_id: id of the oldest event sent in this view, 0 if none.
        max_id: id of the newest event sent, or known to be older than the view, 0 if none.
        is_paused: whether live events are held back.
        user_id: the destination watched, ``None`` before ``send_user_data`` was accepted.
        new_while_paused: events that came since the pause.
    """

    def __init__(self, queue_events: int) -> None:
        self.min_id = 0
        self.max_id = 0
        self.is_paused = False
        self.user_id: str | None = None
        self.new_while_paused = 0
        self._wanted: SendUserData | None = None
        self._waiting: deque[Request] = deque()
        self._asked: _Asked | None = None
        self._token = 0
        self._retry = _FIRST_RETRY
        # Live events not yet sent, ascending, all newer than max_id.
        self._queue = LiveQueue(queue_events)
        self._gap = _Gap()
        # Whether something newer than max_id may be in the store and nowhere else.
        self._behind = False
        self._congested = False
        self._oldest_known = False
        # Whether more of what ``since`` asked for is to be read.
        self._since_left = False

    # What the client asks

    def request(self, request: Request) -> list[Effect]:
        """A checked request of the client."""
        if len(self._waiting) >= MOST_WAITING:
            return [SendError(errors.TooManyRequests("Too many requests wait for their answers.", event_of(request)))]
        if isinstance(request, Pause) and not self._waiting and self.user_id is not None:
            return self._pause()
        if isinstance(request, GetLogs) and self._asked is not None and self._asked.is_retry:
            # It would wait for as long as the store is away.
            return [SendError(errors.store_away(None, "get_logs"))]
        self._waiting.append(request)
        return self._go_on()

    def authorised(self) -> list[Effect]:
        """The account may read the ``user_id`` it asked for."""
        wanted = self._identified()
        self.user_id = wanted.user_id
        if wanted.since is None:
            return self._snapshot("send_user_data")
        self.min_id = self.max_id = wanted.since
        return self._read_since(first=True)

    def refused(self, error: ProtocolError) -> list[Effect]:
        """The account may not, or it cannot be found out now."""
        self._wanted = None
        return [SendError(error), *self._go_on()]

    def _go_on(self) -> list[Effect]:
        """Serve what waits, as long as no answer is awaited and there is room for one."""
        effects: list[Effect] = []
        # Who does not read gets no answers either: they would pile up.
        while self._asked is None and not self._authorising and not self._congested:
            if self._since_left:
                effects += self._read_since(first=False)
            elif self._waiting:
                effects += self._serve(self._waiting.popleft())
            elif self._behind and not self.is_paused:
                effects += self._catch_up()
            else:
                break
        return effects

    @property
    def _authorising(self) -> bool:
        return self._wanted is not None and self.user_id is None

    def _serve(self, request: Request) -> list[Effect]:
        match request:
            case SendUserData():
                if self._wanted is not None:
                    return [
                        SendError(
                            errors.AlreadyIdentified(
                                "send_user_data was accepted before; open another WebSocket.", event_of(request)
                            )
                        )
                    ]
                self._wanted = request
                return [Authorise(request.user_id)]
            case _ if self.user_id is None:
                return [SendError(errors.NotIdentified("send_user_data must come first.", event_of(request)))]
            case GetLogs():
                return self._history(request)
            case Pause():
                return self._pause()
        return self._resume()

    # History

    def _history(self, request: GetLogs) -> list[Effect]:
        if request.after is not None:
            # Never beyond what was sent: that comes live, or with the resume.
            before = self.max_id + 1 if request.before is None else min(request.before, self.max_id + 1)
            return self._ask(
                "newer", lambda page: self._history_between(request, page), False, after=request.after, before=before
            )
        # Never beyond what was sent, as above.
        before = self.min_id if request.before is None else min(request.before, self.max_id + 1)
        if not before:
            return [SendLogs((), True)]
        return self._ask("older", lambda page: self._history_older(request, page), False, before=before)

    def _history_older(self, request: GetLogs, page: Page) -> list[Effect]:
        page = within_bytes(page, newest=True)
        if page.events and (not self.min_id or page.events[0].id < self.min_id):
            self.min_id = page.events[0].id
        if page.complete:
            self._oldest_known = True
        return [SendLogs(page.events, page.complete, request.before)]

    def _history_between(self, request: GetLogs, page: Page) -> list[Effect]:
        page = within_bytes(page, newest=False)
        return [SendLogs(page.events, False, request.before, request.after)]

    # Pause and resume

    def _pause(self) -> list[Effect]:
        if self.is_paused:
            return []
        self.is_paused = True
        self.new_while_paused = 0
        # Resuming reads the store, so nothing needs to be kept.
        self._behind = self._since_left = False
        self._drop_queue()
        return []

    def _resume(self) -> list[Effect]:
        self.is_paused = False
        return self._snapshot("resume_live_update")

    # Views begin

    def _snapshot(self, event: str) -> list[Effect]:
        """The newest portion; a view of its own begins."""
        self._drop_queue()
        self._behind = self._since_left = False
        return self._ask("newest", self._begin_view, True, event=event)

    def _begin_view(self, page: Page) -> list[Effect]:
        page = within_bytes(page, newest=True)
        self.min_id = page.events[0].id if page.events else 0
        self.max_id = page.events[-1].id if page.events else 0
        self._oldest_known = page.complete
        return [SendLogs(page.events, page.complete)]

    def _read_since(self, *, first: bool) -> list[Effect]:
        """After a reconnect: everything newer than ``max_id``, portion by portion, then live."""
        self._since_left = False
        return self._ask(
            "newer",
            lambda page: self._go_on_since(page, first),
            True,
            after=self.max_id,
            event="send_user_data",
            ends_with_pause=not first,
        )

    def _go_on_since(self, page: Page, first: bool) -> list[Effect]:
        page = within_bytes(page, newest=False)
        since = self.max_id
        if page.events:
            self.max_id = page.events[-1].id
        self._since_left = not page.complete and not self.is_paused
        return [SendLogs(page.events, False, since=since)] if page.events or first else []

    # Live

    def live(self, events: Iterable[Event]) -> list[Effect]:
        """Committed events of the destination, ascending."""
        if self.user_id is None:
            return []
        sender_ip = self._identified().sender_ip
        newer = [
            event for event in events if event.id > self.max_id and (sender_ip is None or event.sender_ip == sender_ip)
        ]
        if not newer:
            return []
        if self.is_paused:
            self.new_while_paused += len(newer)
            return [SendPausedCount(self.new_while_paused)] if self._identified().batch else []
        if (self._behind or self._since_left) and not self._holding:
            # They are in the store, and will be read from there.
            return self._go_on()
        last = self._queue.last_id or self._gap.last
        self._queue.extend(event for event in newer if event.id > last)
        if self._queue.too_much and (self._congested or self._holding):
            self._overflow()
        return self._flush()

    def sent(self) -> list[Effect]:
        """The effects given before are carried out: the next part of what waits, while there is room."""
        return self._flush()

    def catch_up(self) -> list[Effect]:
        """Events may have passed unseen: a link was lost or has just begun to send."""
        if self.user_id is None or self.is_paused:
            return []
        self._behind = True
        return self._go_on()

    def congested(self) -> list[Effect]:
        """The transport is full: send nothing live until ``drained``."""
        self._congested = True
        if self._queue.too_much:
            self._overflow()
        return []

    def drained(self) -> list[Effect]:
        """The transport has room again."""
        self._congested = False
        return [*self._flush(), *self._go_on()]

    @property
    def _holding(self) -> bool:
        return self._asked is not None and self._asked.holds_live

    def _flush(self) -> list[Effect]:
        """Send a part of what is queued, unless something before it is still to be sent."""
        if self._congested or self._holding or self.is_paused or self._behind or self._since_left:
            return []
        effects: list[Effect] = []
        if self._gap.skipped:
            effects.append(SendGap(self._gap.skipped, self._gap.first, self._gap.last))
            self.max_id = self._gap.last
            self._gap = _Gap()
        if self._queue:
            effects.append(self._live(self._queue.take()))
        return effects

    def _live(self, events: tuple[Event, ...]) -> SendLive:
        self.max_id = events[-1].id
        if not self.min_id:
            self.min_id = events[0].id
        return SendLive(events, self._oldest_known, self._identified().batch)

    def _overflow(self) -> None:
        """The queue is too long: while a query runs the store is read once more, else it becomes a gap."""
        if self._holding:
            self._drop_queue()
            self._behind = True
            return
        if not self._gap.skipped:
            self._gap.first = self._queue.first_id
        self._gap.skipped += len(self._queue)
        self._gap.last = self._queue.last_id
        self._queue.clear()

    def _drop_queue(self) -> None:
        self._queue.clear()
        self._gap = _Gap()

    def _catch_up(self) -> list[Effect]:
        self._behind = False
        if self._gap.skipped:
            # The gap is announced as one; what follows it is read.
            gap, self._gap = self._gap, _Gap()
            self._queue.clear()
            self.max_id = gap.last
            return [SendGap(gap.skipped, gap.first, gap.last), *self._ask_newer()]
        self._queue.clear()
        return self._ask_newer()

    def _ask_newer(self) -> list[Effect]:
        limit = max(self._identified().portion, CATCH_UP_EVENTS)
        return self._ask(
            "newer", self._caught_up, True, after=self.max_id, event=None, ends_with_pause=True, limit=limit
        )

    def _caught_up(self, page: Page) -> list[Effect]:
        page = within_bytes(page, newest=False)
        if not page.complete:
            self._behind = True
        return [self._live(page.events)] if page.events else []

    # Queries

    def _ask(
        self,
        kind: Literal["newest", "older", "newer"],
        answer: Callable[[Page], list[Effect]],
        holds_live: bool,
        *,
        before: int | None = None,
        after: int | None = None,
        event: str | None = "get_logs",
        ends_with_pause: bool = False,
        limit: int | None = None,
    ) -> list[Effect]:
        wanted = self._identified()
        self._token += 1
        query = Query(self._token, kind, limit or wanted.portion, before, after, wanted.sender_ip)
        self._asked = _Asked(query, answer, holds_live, event, ends_with_pause)
        return [query]

    def results(self, token: int, page: Page) -> list[Effect]:
        """The store's answer to the query of that token."""
        asked = self._asked
        if asked is None or asked.query.token != token:
            return []
        self._asked = None
        self._retry = _FIRST_RETRY
        effects = [] if asked.ends_with_pause and self.is_paused else asked.answer(page)
        if asked.holds_live and not self._holding:
            self._queue.forget_until(self.max_id)
            effects += self._flush()
        return [*effects, *self._go_on()]

    def failed(self, token: int, error: PplError) -> list[Effect]:
        """The store could not answer. A view's beginning and catching up are tried again; history is refused."""
        asked = self._asked
        if asked is None or asked.query.token != token:
            return []
        self._asked = None
        told: list[Effect] = [] if asked.event is None else [SendError(errors.store_away(error, asked.event))]
        if not asked.holds_live or (asked.ends_with_pause and self.is_paused):
            return [*told, *self._go_on()]
        # Who asked for history is not left waiting for as long as the store is away.
        history = [request for request in self._waiting if isinstance(request, GetLogs)]
        told += [SendError(errors.store_away(error, "get_logs")) for _ in history]
        self._waiting = deque(request for request in self._waiting if not isinstance(request, GetLogs))
        self._token += 1
        query = attrs.evolve(asked.query, token=self._token, delay=self._retry)
        self._retry = min(self._retry * 2, _LONGEST_RETRY)
        # Told once; the tries that follow are silent.
        self._asked = attrs.evolve(asked, query=query, event=None, is_retry=True)
        return [*told, query]

    def _identified(self) -> SendUserData:
        assert self._wanted is not None
        return self._wanted
