"""Carries out the effects that a viewer's session asks for: sends on its socket and reads the store."""

from __future__ import annotations

from collections.abc import Coroutine, Iterable
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from ppl.access.destinations import NotReadable, access_of
from ppl.errors import PplError, ProtocolError
from ppl.live.batch import Batch
from ppl.live.filtering import Filter, Filters
from ppl.model import Account, Clock, Destination, Event, Page
from ppl.search.query import parse
from ppl.store.interface import Store
from ppl.timezone import parse_time_zone
from ppl.viewer import effects as wanted
from ppl.viewer import errors, frames
from ppl.viewer.requests import read_request
from ppl.viewer.session import ViewerSession
from ppl.viewer.times import Times
from ppl.viewer.walking import Walk

PAUSED_COUNT_SECONDS = 0.25

_NOT_READABLE = 4403


class Socket(Protocol):
    """The WebSocket, as far as a connection needs it."""

    def send_frame(self, payload: bytes) -> None:
        """Send one text message, or nothing if the WebSocket is closed."""

    def send_octets(self, octets: bytes) -> None:
        """Send messages made by :func:`ppl.viewer.frames.prepared`, or nothing if the WebSocket is closed."""

    def close(self, code: int, reason: str) -> None:
        """Begin the closing handshake."""


class House(Protocol):
    """The hub, as a connection sees it."""

    store: Store
    reactor: Any
    clock: Clock
    times: Times
    texts: frames.EventTexts
    live_frames: frames.LiveFrames
    filters: Filters
    max_portion: int

    def entered(self, connection: ViewerConnection, destination: Destination) -> None:
        """``connection`` begins to watch ``destination``."""

    def left(self, connection: ViewerConnection) -> None:
        """``connection`` stops watching."""


class ViewerConnection:
    """Joins a :class:`~ppl.viewer.session.ViewerSession` of ``account`` to its ``socket``, the hub and the store."""

    _log = Logger()

    def __init__(self, house: House, account: Account, socket: Socket, queue_events: int) -> None:
        self.account = account
        self.session = ViewerSession(queue_events)
        self._house = house
        self.socket = socket
        self._closed = False
        self._destination: Destination | None = None
        # When the destination was last found to be readable.
        self._readable_at = 0.0
        self._paused_tick: IDelayedCall | None = None
        self._retry: IDelayedCall | None = None
        # The search under way, with its token.
        self._walk: tuple[int, Walk] | None = None

    # From the socket

    def received(self, payload: bytes) -> None:
        """Handle a text message from the client."""
        try:
            request = read_request(payload, self._house.max_portion, self._filter)
        except ProtocolError as error:
            self.refuse(error)
            return
        self._do(self.session.request(request))

    def _filter(self, text: str) -> Filter | None:
        return self._house.filters.of(parse(text, parse_time_zone(self.account.time_zone), self._house.clock()))

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
        for timer in (self._paused_tick, self._retry):
            if timer is not None and timer.active():
                timer.cancel()
        if self._walk is not None:
            self._walk[1].stop()

    def close(self, code: int, reason: str) -> None:
        """Close the socket."""
        self.socket.close(code, reason)

    async def recheck(self) -> None:
        """Close the WebSocket if the account may no longer read the destination it watches.

        Raises:
            StoreUnavailable, StatementTimeout: the store cannot be read now.
        """
        watched = self._destination
        if watched is None:
            return
        for destination in (await access_of(self._house.store, self.account.id)).readable:
            # By now, the address may belong to another destination.
            if (destination.id, destination.user_id) == (watched.id, watched.user_id):
                self._readable_at = self._house.reactor.seconds()
                if destination.is_closed:
                    # Once the closed destination is deleted, another account may get its address.
                    self._house.left(self)
                return
        if not self._closed:
            self._closed = True
            self.close(_NOT_READABLE, "this account may not read that user_id any more")

    # From the hub

    def live(self, batch: Batch) -> None:
        """Pass on committed events of the destination. An internal error closes this viewer alone."""
        try:
            self._do(self.session.live(batch))
        except Exception:
            self._failed(Failure())

    def catch_up(self, seen: int) -> None:
        """Read events that may have been missed. Those announced up to id ``seen`` were filtered and passed on."""
        self._do(self.session.catch_up(seen))

    def marks_changed(self, destination_id: int) -> None:
        """Tell the client that marks changed, if it watches that destination."""
        watched = self._destination
        # Nothing may pile up for a client that does not read; it reads the marks again later.
        if watched is None or watched.id != destination_id or self._closed or self.session.is_congested:
            return
        if self.session.batch:
            self.socket.send_frame(frames.marks_changed())

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
            case wanted.SendLive():
                self._send_live(effect)
            case wanted.SendPausedCount():
                self._send_paused_count()
            case wanted.Authorise(user_id):
                self._start(self._authorise(user_id))
            case wanted.ReadEvents():
                self._query(effect)
            case wanted.EndReading(token):
                self._end(token)
            case wanted.SendLogs():
                self._send_logs(effect)
            case wanted.SendProgress(way):
                self.socket.send_frame(frames.search_progress(way))
            case wanted.SendGap(skipped, first, last):
                self.socket.send_frame(frames.live_gap(skipped, first, last))
            case wanted.SendError(error):
                self.socket.send_frame(frames.error(error))

    def _send_logs(self, logs: wanted.SendLogs) -> None:
        texts = self._texts(logs.events)
        self.socket.send_frame(
            frames.send_logs(texts, logs.is_oldest, logs.way, before=logs.before, after=logs.after, since=logs.since)
        )

    def _send_live(self, live: wanted.SendLive) -> None:
        user_id, zone = self.session.user_id or "", self.account.time_zone
        columns = self.session.columns
        octets = self._house.live_frames.of(user_id, live.events, zone, live.is_oldest, live.batch, columns)
        self.socket.send_octets(octets)

    def _texts(self, events: Iterable[Event]) -> list[str]:
        user_id, zone, of = self.session.user_id or "", self.account.time_zone, self._house.texts.of
        columns = self.session.columns
        return [of(user_id, event, zone, columns) for event in events]

    @property
    def will_tell_count(self) -> bool:
        """Whether ``paused_count`` is about to be sent, if any events have come since the pause."""
        return self._paused_tick is not None

    def _send_paused_count(self) -> None:
        if not self.will_tell_count:
            self._paused_tick = self._house.reactor.callLater(PAUSED_COUNT_SECONDS, self._paused_ticked)

    def _paused_ticked(self) -> None:
        self._paused_tick = None
        # The present count: the client may have resumed and paused again since.
        if self.session.is_paused and self.session.new_while_paused:
            self.socket.send_frame(frames.paused_count(self.session.new_while_paused))

    # The store

    async def _authorise(self, user_id: str) -> None:
        try:
            access = await access_of(self._house.store, self.account.id)
        except PplError as error:
            self._do(self.session.refused(errors.store_away(error, "send_user_data")))
            return
        if self._closed:
            return
        try:
            destination = access.named(user_id)
        except NotReadable as error:
            self._do(self.session.refused(errors.ViewerForbidden(str(error), "send_user_data")))
        else:
            self._destination = destination
            self._readable_at = self._house.reactor.seconds()
            # Watching begins before the first read, so that no event is missed in between.
            self._house.entered(self, destination)
            self._do(self.session.authorised())

    def _query(self, query: wanted.ReadEvents) -> None:
        if query.delay:
            self._retry = self._house.reactor.callLater(query.delay, lambda: self._start(self._read(query)))
        else:
            self._start(self._read(query))

    async def _read(self, query: wanted.ReadEvents) -> None:
        try:
            if self._house.reactor.seconds() - self._readable_at > self._house.times.readable:
                await self.recheck()
            if self._closed:
                return
            if query.search is None:
                page, way = await self._page(query), None
            else:
                page, way = await self._search(query)
        except PplError as error:
            self._do(self.session.failed(query.token, error))
        else:
            self._do(self.session.results(query.token, page, way))

    async def _search(self, query: wanted.ReadEvents) -> tuple[Page, wanted.Way]:
        assert self._destination is not None

        def tell(page: Page, way: wanted.Way) -> None:
            self._do(self.session.results(query.token, page, way))

        house = self._house
        where = self.account.id, self._destination.id
        walk = Walk(house.store, house.reactor.seconds, house.times, *where, query, tell)
        self._walk = query.token, walk
        try:
            return await walk.run()
        finally:
            if self._walk == (query.token, walk):
                self._walk = None

    def _end(self, token: int) -> None:
        if self._walk is not None and self._walk[0] == token:
            self._walk[1].stop()

    async def _page(self, query: wanted.ReadEvents) -> Page:
        assert self._destination is not None
        store, id_ = self._house.store, self._destination.id
        match query.kind:
            case "newest":
                return await store.newest(id_, query.limit, query.sender_ip)
            case "older":
                return await store.older(id_, query.before or 0, query.limit, query.sender_ip)
        return await store.newer(id_, query.after or 0, query.limit, query.sender_ip, query.before)

    def _start(self, work: Coroutine[Deferred[Any], Any, None]) -> None:
        Deferred.fromCoroutine(work).addErrback(self._failed)

    def _failed(self, failure: Failure) -> None:
        self._log.failure("Internal error in a viewer connection of account {id}", failure, id=self.account.id)
        self.close(1011, "internal error")
