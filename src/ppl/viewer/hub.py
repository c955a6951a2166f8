"""Knows all viewers and which destination each watches (``connectedUsers``), and hands live events to them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from ppl.link.registry import Listeners
from ppl.live.filtering import Filter, Filters
from ppl.live.gathering import Gathering
from ppl.live.sieve import SieveTurns
from ppl.model import Account, Clock, Destination, Event
from ppl.options import Settings
from ppl.services.clock import wall_clock
from ppl.store.interface import Store
from ppl.viewer.connection import Socket, ViewerConnection
from ppl.viewer.frames import EventTexts, LiveFrames
from ppl.viewer.places import Guest, Places, ViewerPlace
from ppl.viewer.rations import Rations
from ppl.viewer.times import Times

_GOING_AWAY = 1001


class Hub(Service):
    """Joins viewers, listeners and the store; an :class:`~ppl.link.registry.Observer`.

    Args:
        store: where the events are.
        listeners: announce new events.
        reactor: turns and timers.
        settings: the limits on viewers.
        clock: µs; gives the present for relative times in queries.
        times: timeouts and intervals.

    Attributes:
        connected_users: ``user_id`` → the connections that watch it.
        places: the places that are taken, one for each WebSocket.
        rations: limit the frames that viewers send.
    """

    _log = Logger()
    name = "the viewers"

    def __init__(
        self,
        store: Store,
        listeners: Listeners,
        reactor: Any,
        settings: Settings,
        clock: Clock = wall_clock,
        times: Times | None = None,
    ) -> None:
        self.store = store
        self.reactor = reactor
        self.clock = clock
        self.times = times or Times()
        self.texts = EventTexts()
        self.live_frames = LiveFrames(self.texts)
        self.filters = Filters()
        self.max_portion = settings.max_portion
        self.max_frame_bytes = settings.max_frame_bytes
        self.connected_users: dict[str, set[ViewerConnection]] = {}
        self._listeners = listeners
        self.rations = Rations(reactor)
        self.places = Places(settings.max_viewers)
        self._queue_events = settings.viewer_queue_events
        # user_id → filter → the viewers that search for it.
        self._gatherings: dict[str, dict[Filter | None, Gathering]] = {}
        # The user_id that each connection watches; the client may have asked for it by a former name.
        self._watched: dict[ViewerConnection, str] = {}
        self._turns = SieveTurns(reactor)
        listeners.subscribe(self)

    # Viewers come and go

    def may_connect(self, account: Account) -> bool:
        """Whether the account may open one more WebSocket, and the hub is not stopping."""
        return bool(self.running) and self.places.are_left(account)

    def admit(self, account: Account, guest: Guest) -> ViewerPlace | None:
        """Take a place for one more WebSocket of ``account``; ``None`` if it may not open one now."""
        return self.places.take(account, guest) if self.running else None

    def connect(self, place: ViewerPlace, socket: Socket) -> ViewerConnection:
        """The connection for the WebSocket that has ``place`` and is open."""
        return ViewerConnection(self, place.account, socket, self._queue_events)

    def entered(self, connection: ViewerConnection, destination: Destination) -> None:
        """``connection`` begins to watch ``destination``."""
        self._watched[connection] = destination.user_id
        watching = self.connected_users.setdefault(destination.user_id, set())
        watching.add(connection)
        gatherings = self._gatherings.setdefault(destination.user_id, {})
        filter_ = connection.session.filter
        if filter_ not in gatherings:
            gatherings[filter_] = Gathering(self.reactor, self._turns, filter_)
        gatherings[filter_].enter(connection, connection.session.batch)
        if len(watching) == 1:
            self._listeners.watch(destination.user_id, self)

    def left(self, connection: ViewerConnection) -> None:
        """``connection`` stops watching; may be called again."""
        user_id = self._watched.pop(connection, None)
        if user_id is not None:
            watching = self.connected_users[user_id]
            watching.remove(connection)
            self._leave(user_id, connection)
            if not watching:
                del self.connected_users[user_id]
                self._listeners.unwatch(user_id, self)

    def disconnect(self, connection: ViewerConnection) -> None:
        """Remove ``connection``, whose WebSocket is gone."""
        connection.closed()
        self.left(connection)

    def _leave(self, user_id: str, connection: ViewerConnection) -> None:
        gatherings = self._gatherings[user_id]
        gathering = gatherings[connection.session.filter]
        gathering.leave(connection, connection.session.batch)
        if not gathering:
            del gatherings[connection.session.filter]
            if not gatherings:
                del self._gatherings[user_id]

    def recheck(self, account_id: int) -> None:
        """Check the account's WebSockets, and close those whose session has ended or that may no longer read."""
        for place in self.places.of(account_id):
            place.guest.recheck()

    def marks_changed(self, destination_id: int) -> None:
        """Tell the viewers of a destination that its marks changed."""
        for connection in list(self._watched):
            connection.marks_changed(destination_id)

    # Observer

    def new_logs(self, user_id: str, events: Iterable[Event]) -> None:
        """Pass committed events of one destination to its viewers."""
        gatherings = self._gatherings.get(user_id)
        if gatherings:
            shared = tuple(events)
            for gathering in list(gatherings.values()):
                gathering.announce(shared)

    def catch_up(self, user_id: str | None) -> None:
        """Have the viewers of ``user_id`` (of any destination if ``None``) read events that they may have missed."""
        keys = list(self._gatherings) if user_id is None else [user_id]
        for key in keys:
            for gathering in list(self._gatherings.get(key, {}).values()):
                gathering.catch_up()

    def stopService(self) -> Deferred[None]:
        """Close every viewer, and cut off those that do not close in time; fires when the last is gone."""
        super().stopService()
        return Deferred.fromCoroutine(self._close_all())

    async def _close_all(self) -> None:
        if len(self.places):
            self._log.info("Closing the WebSockets of {count} viewers", count=len(self.places))
        for place in self.places:
            place.guest.close(_GOING_AWAY, "the server is stopping")
        if not await self.places.wait_until_free(self.reactor, self.times.closing):
            self._log.warn(
                "The WebSockets of {count} viewers did not close in time and are cut off", count=len(self.places)
            )
            for place in self.places:
                place.guest.abort()
            if not await self.places.wait_until_free(self.reactor, self.times.closing):
                self._log.error("The WebSockets of {count} viewers could not be cut off", count=len(self.places))
        self._turns.stop()
        self.rations.stop()
