"""One viewer's state and the rules of ``docs/protocol.rst``, "Client → server" and back, without I/O.

A :class:`ViewerSession` is told of what happens on its socket: requests, answers of the store, live events, links that
were lost, and a transport that is full. Each method gives the effects to carry out, in order. The connection
(:mod:`ppl.viewer.connection`) calls it and carries the effects out.

**The promise.** From the ``send_logs`` that begins a view on, what the session sends live has no gap and no duplicate,
in the order of ids. One rule keeps it: an event is sent live only after everything before it has been sent. Whenever
that is in doubt, the session reads the store from ``max_id`` on, and live events wait in a queue until the answer is
there. The queue is bounded. If it overflows while the store is read, it is dropped and the store is read once more; if
it overflows because the client reads too slowly, what is dropped is announced as a gap (``live_gap``).

**The state** (:attr:`ViewerSession.state`) is one of six:

``new``
    No ``send_user_data`` was accepted; every other request is refused.
``authorising``
    The connection finds out whether the account may read the destination. Requests wait.
``reading``
    The store is being read for something that live events must wait for: the beginning of a view, what came since a
    reconnect, or what was missed.
``live``
    Committed events are sent as they come. A read of older history may be under way; it holds nothing up.
``full``
    As ``live``, but the transport is full: nothing is sent until it has drained. Events wait in the queue.
``paused``
    The client has paused: live events are counted and not sent. Resuming begins a new view from the store.

What happens in the state of a column leads to one of those in its cell; ``-`` stands for what cannot happen there or
changes nothing. Live events change no state. A request waits while older history is read, so the answer to that
(``results``, or that it ``failed``) may be what begins a pause or a resume.

==============  ===========  ===========  ================  ==============  ===================  =======
what happens    new          authorising  reading           live            full                 paused
==============  ===========  ===========  ================  ==============  ===================  =======
send_user_data  authorising  -            -                 -               -                    -
authorised      -            reading      -                 -               -                    -
refused         -            new          -                 -               -                    -
pause           -            -            paused            paused          paused               -
resume          -            -            -                 reading         -                    reading
link restored   -            -            -                 reading         -                    -
results         -            -            live full paused  reading paused  -                    reading
failed          -            -            -                 reading paused  -                    reading
congested       -            -            -                 full            -                    -
drained         -            -            -                 -               live reading paused  reading
==============  ===========  ===========  ================  ==============  ===================  =======

``tests/viewer/test_session_model.py`` reads this table and holds random histories of sessions to it.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Literal

import attrs

from ppl.errors import PplError, ProtocolError
from ppl.live.batch import Batch
from ppl.live.filtering import Filter
from ppl.live.portion import within_bytes
from ppl.model import Page
from ppl.viewer import errors
from ppl.viewer.asking import Asking
from ppl.viewer.effects import (
    Authorise,
    Effect,
    EndReading,
    SendError,
    SendGap,
    SendLive,
    SendLogs,
    SendPausedCount,
    SendProgress,
    Way,
)
from ppl.viewer.queue import LiveQueue
from ppl.viewer.requests import CancelSearch, GetLogs, Pause, Resume, SendUserData, ViewerRequest, event_of

SessionState = Literal["new", "authorising", "reading", "live", "full", "paused"]

#: Requests that may wait for the one being answered.
MOST_WAITING = 16

#: Events of one read when catching up, however small the portions of history are.
CATCH_UP_EVENTS = 1000


@attrs.define
class _Gap:
    """Live events that were dropped because the reader is slow."""

    skipped: int = 0
    first: int = 0
    last: int = 0


@attrs.frozen
class SessionStatistics:
    """The figures of a :class:`ViewerSession` at one moment.

    Attributes:
        queued: live events that wait to be sent.
        skipped: live events that were dropped and not yet announced as a gap.
        asked: queries put to the store so far.
        is_asking: whether the last query is not answered yet.
    """

    queued: int
    skipped: int
    asked: int
    is_asking: bool


class ViewerSession:
    """The state of one viewer's WebSocket.

    Attributes:
        min_id: from this id to ``max_id``, everything that belongs to the view has been sent; 0 if nothing has.
        max_id: id of the newest event that was sent, or is known to be older than the view or not to match; 0 if none.
        is_paused: whether live events are held back.
        user_id: the destination watched, ``None`` before ``send_user_data`` was accepted.
        new_while_paused: number of events since the pause.
    """

    def __init__(self, queue_events: int) -> None:
        self.min_id = 0
        self.max_id = 0
        self.is_paused = False
        self.user_id: str | None = None
        self.new_while_paused = 0
        self._wanted: SendUserData | None = None
        self._waiting: deque[ViewerRequest] = deque()
        self._asking = Asking()
        # Live events not yet sent, ascending, all newer than max_id.
        self._queue = LiveQueue(queue_events)
        self._gap = _Gap()
        # Whether the store may hold events newer than max_id that are not in the queue.
        self._behind = False
        self._congested = False
        self._oldest_known = False
        # Whether events that ``since`` asked for are still to be read.
        self._since_left = False

    @property
    def state(self) -> SessionState:
        """One of the states that the module describes."""
        if self.user_id is None:
            return "authorising" if self._authorising else "new"
        if self.is_paused:
            return "paused"
        if self._holding:
            return "reading"
        return "full" if self._congested else "live"

    def statistics(self) -> SessionStatistics:
        """The figures at this moment."""
        asking = self._asking
        return SessionStatistics(len(self._queue), self._gap.skipped, asking.token, asking.asked is not None)

    # Requests of the client

    def request(self, request: ViewerRequest) -> list[Effect]:
        """Take a checked request from the client."""
        if len(self._waiting) >= MOST_WAITING:
            return [
                SendError(errors.ViewerTooManyRequests("Too many requests wait for their answers.", event_of(request)))
            ]
        if isinstance(request, Pause) and not self._waiting and self.user_id is not None:
            return self._pause()
        if isinstance(request, CancelSearch) and self.user_id is not None:
            return self._end_early()
        asked = self._asking.asked
        if isinstance(request, GetLogs) and asked is not None and asked.failure is not None:
            # The request would wait for as long as the store is away.
            return [SendError(errors.unreadable(asked.failure, "get_logs"))]
        self._waiting.append(request)
        # A client that resumes has no use for a search under way.
        return [*(self._end_early() if isinstance(request, Resume) else []), *self._go_on()]

    def authorised(self) -> list[Effect]:
        """Begin the view: the account may read the ``user_id`` it asked for."""
        wanted = self._identified()
        self.user_id = wanted.user_id
        if wanted.since is None:
            return self._snapshot("send_user_data")
        # No event has id 0: ``since`` 0 asks for all events, and nothing is older.
        self.min_id, self.max_id = max(wanted.since, 1), wanted.since
        return self._read_since(first=True)

    def refused(self, error: ProtocolError) -> list[Effect]:
        """Refuse ``send_user_data``: the account may not read that ``user_id``, or the store cannot be read."""
        self._wanted = None
        return [SendError(error), *self._go_on()]

    def _go_on(self) -> list[Effect]:
        """Serve waiting requests and reads, as long as no answer of the store is awaited and the socket has room."""
        effects: list[Effect] = []
        # A client that does not read gets no answers either: they would pile up.
        while self._asking.asked is None and not self._authorising and not self._congested:
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

    def _serve(self, request: ViewerRequest) -> list[Effect]:
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
            case Resume():
                return self._resume()
        return []

    # History

    def _history(self, request: GetLogs) -> list[Effect]:
        if request.after is not None:
            # Never beyond what was sent: newer events come live, or with the resume.
            before = self.max_id + 1 if request.before is None else min(request.before, self.max_id + 1)
            return self._ask(
                "newer",
                lambda page, way: self._history_between(request, page, way),
                False,
                after=request.after,
                before=before,
            )
        # Never beyond what was sent, as above.
        before = self.min_id if request.before is None else min(request.before, self.max_id + 1)
        if not before:
            return [SendLogs((), True, before=request.before)]
        return self._ask("older", lambda page, way: self._history_older(request, page, way), False, before=before)

    def _history_older(self, request: GetLogs, page: Page, way: Way | None) -> list[Effect]:
        page = within_bytes(page, newest=True)
        reached = _oldest(page, way)
        # Events between a range of the client's choice and what was sent are still to be sent.
        joins = request.before is None or request.before >= self.min_id
        if reached and joins and (not self.min_id or reached < self.min_id):
            self.min_id = reached
        if page.complete:
            self._oldest_known = True
        return _found(page, way, before=request.before)

    def _history_between(self, request: GetLogs, page: Page, way: Way | None) -> list[Effect]:
        page = within_bytes(page, newest=False)
        return _found(page, way, is_oldest=False, before=request.before, after=request.after)

    def _end_early(self) -> list[Effect]:
        """End the search under way, if its result may be partial."""
        asked = self._asking.asked
        if asked is None or not asked.may_end_early:
            return []
        return [EndReading(asked.query.token)]

    # Pause and resume

    def _pause(self) -> list[Effect]:
        if self.is_paused:
            return []
        self.is_paused = True
        self.new_while_paused = 0
        # Resuming reads the store, so nothing needs to be kept.
        self._behind = self._since_left = False
        self._drop_queue()
        asked = self._asking.asked
        if asked is not None and asked.ends_with_pause and self.filter is not None:
            return [EndReading(asked.query.token)]
        return []

    def _resume(self) -> list[Effect]:
        self.is_paused = False
        return self._snapshot("resume_live_update")

    # Views begin

    def _snapshot(self, event: str) -> list[Effect]:
        """Begin a new view with the newest portion."""
        self._drop_queue()
        self._behind = self._since_left = False
        return self._ask("newest", self._begin_view, True, event=event)

    def _begin_view(self, page: Page, way: Way | None) -> list[Effect]:
        page = within_bytes(page, newest=True)
        self.min_id = _oldest(page, way)
        self.max_id = way.top if way is not None else _last_id(page)
        self._oldest_known = page.complete
        if way is not None and not way.is_last:
            # Live events go on while older ones are searched.
            self._asking.go_on(lambda page, way: self._history_older(GetLogs(), page, way))
        return [SendLogs(page.events, page.complete, way=None if page.complete else way)]

    def _read_since(self, *, first: bool) -> list[Effect]:
        """After a reconnect, read everything newer than ``max_id``, portion by portion, before live events."""
        self._since_left = False
        return self._ask(
            "newer",
            lambda page, way: self._go_on_since(page, way, first),
            True,
            after=self.max_id,
            event="send_user_data",
            ends_with_pause=not first,
            limit=self._catching_up,
        )

    def _go_on_since(self, page: Page, way: Way | None, first: bool) -> list[Effect]:
        page = within_bytes(page, newest=False)
        since = self.max_id
        self.max_id = max(since, _last_id(page), 0 if way is None else way.reached)
        if way is not None and not way.is_last:
            return _found(page, way, is_oldest=False, since=since)
        self._since_left = not page.complete and not self.is_paused
        if not page.events and not first:
            return []
        return [SendLogs(page.events, False, since=since, way=None if page.complete else way)]

    # Live

    def live(self, batch: Batch) -> list[Effect]:
        """Take committed events of the destination, and send or queue them."""
        if self.user_id is None:
            return []
        newer = batch.of_sender(self._identified().sender_ip).after(self.max_id)
        if not newer:
            return []
        if self.is_paused:
            self.new_while_paused += len(newer)
            return [SendPausedCount(self.new_while_paused)] if self.batch else []
        if (self._behind or self._since_left) and not self._holding:
            # These events are in the store, and will be read from there.
            return self._go_on()
        newer = newer.after(self._queue.last_id or self._gap.last)
        if newer:
            self._queue.extend(newer)
        if self._queue.too_much and (self._congested or self._holding):
            self._overflow()
        return self._flush()

    def sent(self) -> list[Effect]:
        """Give the next part of the queue, once the effects given before are carried out and while there is room."""
        return self._flush()

    def catch_up(self, seen: int = 0) -> list[Effect]:
        """Read events that may have been missed: a link was lost or has just begun to send.

        Every matching event up to id ``seen`` that was announced has been given to ``live``.
        """
        if self.user_id is None or self.is_paused:
            return []
        if not (self._holding or self._behind or self._since_left or self._queue or self._gap.skipped):
            self.max_id = max(self.max_id, seen)
        if self._asking.begins_search:
            # The first viewer's watch leads here. Catching up after the search would hold live events until its end.
            return self._asking.anew()
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
        return self._asking.holds_live

    def _flush(self) -> list[Effect]:
        """Send a part of the queue, unless an event before it is still to be sent."""
        if self._congested or self._holding or self.is_paused or self._behind or self._since_left:
            return []
        effects: list[Effect] = []
        if self._gap.skipped:
            effects.append(self._send_gap())
        if self._queue:
            effects.append(self._live(self._queue.take()))
        return effects

    def _live(self, batch: Batch) -> SendLive:
        self.max_id = batch.last_id
        if not self.min_id:
            self.min_id = batch.first_id
        return SendLive(batch, self._oldest_known, self.batch)

    def _send_gap(self) -> SendGap:
        gap, self._gap = self._gap, _Gap()
        self.max_id = gap.last
        if not self.min_id:
            self.min_id = gap.first
        return SendGap(gap.skipped, gap.first, gap.last)

    def _overflow(self) -> None:
        """Empty a queue that is too long: while a query runs, the store is read once more; else there is a gap."""
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
        self._queue.clear()
        # The gap is announced; the events after it are read.
        gap: list[Effect] = [self._send_gap()] if self._gap.skipped else []
        return [*gap, *self._ask_newer()]

    def _ask_newer(self) -> list[Effect]:
        return self._ask(
            "newer",
            self._caught_up,
            True,
            after=self.max_id,
            event=None,
            ends_with_pause=True,
            limit=self._catching_up,
        )

    @property
    def _catching_up(self) -> int:
        """Events of one read towards the newest: small reads would never reach it while many events come."""
        return max(self._identified().portion, CATCH_UP_EVENTS)

    def _caught_up(self, page: Page, way: Way | None) -> list[Effect]:
        page = within_bytes(page, newest=False)
        if not page.complete and (way is None or way.is_last):
            self._behind = True
        effects: list[Effect] = [self._live(Batch(page.events))] if page.events else []
        if way is not None:
            self.max_id = max(self.max_id, way.reached)
        return effects

    # Queries

    def _ask(self, *question: Any, **details: Any) -> list[Effect]:
        """Put a query to the store; the parameters are those of :meth:`ppl.viewer.asking.Asking.ask`."""
        return [self._asking.ask(self._identified(), *question, **details)]

    def results(self, token: int, page: Page, way: Way | None = None) -> list[Effect]:
        """Take the store's answer to the query with that token, or a part of it if ``way`` goes on."""
        asked = self._asking.answered(token, way)
        if asked is None:
            return []
        effects = [] if asked.ends_with_pause and self.is_paused else asked.answer(page, way)
        if asked.holds_live and not self._holding:
            self._queue.forget_until(self.max_id)
            effects += self._flush()
        return [*effects, *self._go_on()]

    def failed(self, token: int, error: PplError) -> list[Effect]:
        """The store could not answer. A view's beginning and catching up are retried; history is refused."""
        asked = self._asking.failed(token)
        if asked is None:
            return []
        told: list[Effect] = [] if asked.event is None else [SendError(errors.unreadable(error, asked.event))]
        if not asked.holds_live or (asked.ends_with_pause and self.is_paused):
            return [*told, *self._go_on()]
        # A request for history does not wait for as long as the store is away.
        history = [request for request in self._waiting if isinstance(request, GetLogs)]
        told += [SendError(errors.unreadable(error, "get_logs")) for _ in history]
        self._waiting = deque(request for request in self._waiting if not isinstance(request, GetLogs))
        return [*told, self._asking.again(asked, error)]

    @property
    def is_congested(self) -> bool:
        """Whether the socket is full."""
        return self._congested

    @property
    def batch(self) -> bool:
        """Whether many live events may share a frame; known once ``send_user_data`` is being authorised."""
        return self._identified().batch

    @property
    def filter(self) -> Filter | None:
        """The filter of the view, known at the same time as ``batch``; ``live`` is given only matching events."""
        return self._identified().filter

    @property
    def columns(self) -> tuple[str, ...]:
        """The fields whose values each event carries, known at the same time as ``batch``."""
        return self._identified().columns

    def _identified(self) -> SendUserData:
        assert self._wanted is not None
        return self._wanted


def _oldest(page: Page, way: Way | None) -> int:
    """The id from which on all events were searched or read, 0 if none was."""
    if way is not None:
        return max(way.reached, 1)
    return page.events[0].id if page.events else 0


def _last_id(page: Page) -> int:
    return page.events[-1].id if page.events else 0


def _found(page: Page, way: Way | None, *, is_oldest: bool | None = None, **range_of: int | None) -> list[Effect]:
    """Send a portion, a part of a portion, or how far the search for it has got."""
    if way is not None and not way.is_last and not page.events:
        return [SendProgress(way)]
    is_oldest = page.complete if is_oldest is None else is_oldest
    return [SendLogs(page.events, is_oldest, way=None if page.complete else way, **range_of)]
