"""One viewer at work: carries out what its session wants, on its socket and on the store."""

from __future__ import annotations

from collections.abc import Coroutine, Iterable
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from ppl.errors import PplError, ProtocolError
from ppl.model import Account, Destination, Event, Page
from ppl.store.interface import Store
from ppl.viewer import effects as wanted
from ppl.viewer import errors, frames
from ppl.viewer.portion import size_of
from ppl.viewer.requests import read_request
from ppl.viewer.session import ViewerSession

#: Live frames of a ``batch`` viewer: the first at once, then one a tick.
TICK_SECONDS = 0.02
PAUSED_COUNT_SECONDS = 0.25

#: Events of one ``live_update_logs``, and about their bytes.
_FRAME_EVENTS = 1000
_FRAME_BYTES = 1 << 20


class Socket(Protocol):
    """The WebSocket, as far as a connection needs it."""

    def send_frame(self, payload: bytes) -> None:
        """Send one text message; nothing once it is closed."""

    def close(self, code: int, reason: str) -> None:
        """Begin the closing handshake."""

    def recheck(self) -> object:
        """Close if whoever opened it is no longer logged in."""


class House(Protocol):
    """The hub, as a connection sees it."""

    store: Store
    reactor: Any
    texts: frames.EventTexts
    max_portion: int

    def entered(self, connection: Connection, destination: Destination) -> None:
        """``connection`` watches ``destination`` from now on."""


class Connection:
    """Joins a :class:`~ppl.viewer.session.ViewerSession` of ``account`` to its socket, the hub and the store."""

    _log = Logger()

    def __init__(self, house: House, account: Account, socket: Socket, queue_events: int) -> None:
        self.account = account
        self.session = ViewerSession(queue_events)
        self._house = house
        self._socket = socket
        self._closed = False
        self._destination: Destination | None = None
        # Live events of a batch viewer that wait for their tick.
        self._batch: list[Event] = []
        self._batch_size = 0
        self._batch_is_oldest = False
        self._tick: IDelayedCall | None = None
        self._paused_tick: IDelayedCall | None = None
        self._retry: IDelayedCall | None = None

    # From the socket

    def received(self, payload: bytes) -> None:
        """A text message of the client."""
        try:
            request = read_request(payload, self._house.max_portion)
        except ProtocolError as error:
            self.refuse(error)
            return
        self._do(self.session.request(request))

    def refuse(self, error: ProtocolError) -> None:
        """Answer with an ``error``."""
        self._do([wanted.SendError(error)])

    def congested(self) -> None:
        """The socket is full."""
        self._do(self.session.congested())

    def drained(self) -> None:
        """The socket has room."""
        self._do(self.session.drained())

    def closed(self) -> None:
        """The socket is gone."""
        self._closed = True
        for timer in (self._tick, self._paused_tick, self._retry):
            if timer is not None and timer.active():
                timer.cancel()
        self._batch.clear()

    def close(self, code: int, reason: str) -> None:
        """Close the socket."""
        self._socket.close(code, reason)

    def recheck(self) -> None:
        """See whether the session that opened the socket still stands."""
        self._socket.recheck()

    # From the hub

    def live(self, events: Iterable[Event]) -> None:
        """Committed events of the destination watched."""
        self._do(self.session.live(events))

    def catch_up(self) -> None:
        """Some may have been missed."""
        self._do(self.session.catch_up())

    # Effects

    def _do(self, effects: list[wanted.Effect]) -> None:
        while effects:
            for effect in effects:
                if self._closed:
                    return
                self._carry_out(effect)
            effects = self.session.sent()

    def _carry_out(self, effect: wanted.Effect) -> None:
        match effect:
            case wanted.SendLive(events, is_oldest, batch):
                self._send_live(events, is_oldest, batch)
            case wanted.SendPausedCount():
                self._send_paused_count()
            case wanted.Authorise(user_id):
                self._start(self._authorise(user_id))
            case wanted.Query():
                self._query(effect)
            case wanted.SendLogs(events, is_oldest, before, after, since):
                texts = self._texts(events)
                self._send(frames.send_logs(texts, is_oldest, before=before, after=after, since=since))
            case wanted.SendGap(skipped, first, last):
                self._send(frames.live_gap(skipped, first, last))
            case wanted.SendError(error):
                self._send(frames.error(error))

    def _send(self, frame: bytes) -> None:
        # It must not overtake live events that wait for their tick.
        self._flush()
        self._socket.send_frame(frame)

    def _texts(self, events: Iterable[Event]) -> list[str]:
        user_id, zone, of = self.session.user_id or "", self.account.time_zone, self._house.texts.of
        return [of(user_id, event, zone) for event in events]

    def _send_live(self, events: tuple[Event, ...], is_oldest: bool, batch: bool) -> None:
        if not batch:
            for text in self._texts(events):
                self._socket.send_frame(frames.live_update(text, is_oldest))
            return
        self._batch += events
        self._batch_size += sum(map(size_of, events))
        self._batch_is_oldest = is_oldest
        if len(self._batch) >= _FRAME_EVENTS or self._batch_size >= _FRAME_BYTES:
            # A full frame gains nothing by waiting, and the socket must say in time that it is full.
            self._flush()
        elif self._tick is None:
            self._flush()
            self._tick = self._house.reactor.callLater(TICK_SECONDS, self._ticked)

    def _ticked(self) -> None:
        self._tick = None
        if self._batch:
            self._flush()
            self._tick = self._house.reactor.callLater(TICK_SECONDS, self._ticked)

    def _flush(self) -> None:
        batch, self._batch, self._batch_size = self._batch, [], 0
        texts: list[str] = []
        size = 0
        for text in self._texts(batch):
            texts.append(text)
            size += len(text)
            if len(texts) >= _FRAME_EVENTS or size >= _FRAME_BYTES:
                self._socket.send_frame(frames.live_updates(texts, self._batch_is_oldest))
                texts, size = [], 0
        if texts:
            self._socket.send_frame(frames.live_updates(texts, self._batch_is_oldest))

    def _send_paused_count(self) -> None:
        if self._paused_tick is None:
            self._paused_tick = self._house.reactor.callLater(PAUSED_COUNT_SECONDS, self._paused_ticked)

    def _paused_ticked(self) -> None:
        self._paused_tick = None
        # As it is by now: there may have been a resume and another pause since.
        if self.session.is_paused and self.session.new_while_paused:
            self._socket.send_frame(frames.paused_count(self.session.new_while_paused))

    # The store

    async def _authorise(self, user_id: str) -> None:
        try:
            readable = await self._house.store.destinations_of(self.account.id)
        except PplError as error:
            self._do(self.session.refused(errors.store_away(error, "send_user_data")))
            return
        if self._closed:
            return
        for destination, _role in readable:
            if destination.user_id == user_id:
                self._destination = destination
                # Watched before it is read, so that nothing falls between.
                self._house.entered(self, destination)
                self._do(self.session.authorised())
                return
        # The same words whether it exists or not.
        self._do(self.session.refused(errors.Forbidden("This account may not read that user_id.", "send_user_data")))

    def _query(self, query: wanted.Query) -> None:
        if query.delay:
            self._retry = self._house.reactor.callLater(query.delay, lambda: self._start(self._read(query)))
        else:
            self._start(self._read(query))

    async def _read(self, query: wanted.Query) -> None:
        try:
            page = await self._page(query)
        except PplError as error:
            self._do(self.session.failed(query.token, error))
        else:
            self._do(self.session.results(query.token, page))

    async def _page(self, query: wanted.Query) -> Page:
        assert self._destination is not None
        store, id_ = self._house.store, self._destination.id
        match query.kind:
            case "newest":
                return await store.newest(id_, query.limit, query.sender_ip)
            case "older":
                return await store.older(id_, query.before or 0, query.limit, query.sender_ip)
        return await store.newer(id_, query.after or 0, query.limit, query.sender_ip, query.before)

    def _start(self, work: Coroutine[Deferred[Any], Any, None]) -> None:
        def failed(failure: Any) -> None:
            self._log.failure("A viewer of account {id} met an error of ours", failure, id=self.account.id)
            self.close(1011, "internal error")

        Deferred.fromCoroutine(work).addErrback(failed)
