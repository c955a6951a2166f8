"""The server's end of all links: which listeners are linked, what is watched, which ports were reported open."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from ppl.errors import ListenerUnavailable
from ppl.link.interface import Channel
from ppl.link.messages import (
    FromServer,
    Message,
    NewLogs,
    ServerFailed,
    ServerStarted,
    StartNewServer,
    StopServer,
    Unwatch,
    Watch,
    Watching,
)
from ppl.model import Destination, Event

_Address = tuple[str, int]


class Observer(Protocol):
    """A part that shows events, such as the hub of viewers."""

    def new_logs(self, user_id: str, events: Iterable[Event]) -> None:
        """Committed events of one destination, ascending by id."""

    def catch_up(self, user_id: str | None) -> None:
        """Events of ``user_id`` (of any destination if ``None``) may have been missed: read the store."""


class Listeners:
    """A :class:`~ppl.link.interface.LinkEnd` for every listener; any number may be linked, or none."""

    _log = Logger()

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._channels: list[Channel] = []
        self._observers: list[Observer] = []
        # Watched destination → the observers that watch it.
        self._watchers: dict[str, set[Observer]] = {}
        self._waiting: dict[_Address, list[Deferred[None]]] = {}
        self._reasons: dict[_Address, str] = {}

    def subscribe(self, observer: Observer) -> None:
        """Tell ``observer`` of everything that listeners send."""
        self._observers.append(observer)

    # What the server asks of listeners

    def watch(self, user_id: str, observer: Observer) -> None:
        """Start watching ``user_id`` for ``observer``; may be called again."""
        is_first = user_id not in self._watchers
        self._watchers.setdefault(user_id, set()).add(observer)
        if is_first:
            self._send_to_all(Watch(user_id))

    def unwatch(self, user_id: str, observer: Observer) -> None:
        """Stop watching ``user_id`` for ``observer``; tell listeners if nobody else watches. May be called again."""
        watchers = self._watchers.get(user_id, set())
        if observer in watchers:
            watchers.remove(observer)
            if not watchers:
                del self._watchers[user_id]
                self._send_to_all(Unwatch(user_id))

    async def open(self, destination: Destination, timeout: float = 5.0) -> None:
        """Have the destination's port opened; returns when a listener says that it is open.

        Raises:
            ListenerUnavailable: no listener is linked, or none opened the port within ``timeout`` seconds.
        """
        if not self._channels:
            raise ListenerUnavailable("No listener is linked; the port will be opened when one is.")
        address = destination.host, destination.port
        opened: Deferred[None] = Deferred()
        self._waiting.setdefault(address, []).append(opened)
        timer = self._reactor.callLater(timeout, self._give_up, address, opened)
        self._send_to_all(StartNewServer(destination.time_zone, destination.host, destination.port))
        try:
            await opened
        finally:
            if timer.active():
                timer.cancel()
            self._stop_waiting(address, opened)

    def close(self, destination: Destination) -> None:
        """Have the destination's port closed."""
        self._send_to_all(StopServer(destination.host, destination.port))

    # LinkEnd

    def channel_opened(self, channel: Channel) -> None:
        """A listener is linked: tell it what is watched, and have observers read the store for what they missed."""
        self._channels.append(channel)
        for user_id in sorted(self._watchers):
            channel.send(Watch(user_id))
        for observer in self._observers:
            observer.catch_up(None)

    def message_received(self, channel: Channel, message: Message) -> None:
        """A listener sent ``message``."""
        match message:
            case NewLogs(user_id, events) if len(events):
                for observer in self._observers:
                    observer.new_logs(user_id, events)
            case NewLogs(user_id) | Watching(user_id):
                for observer in self._observers:
                    observer.catch_up(user_id)
            case ServerStarted(host, port):
                self._reasons.pop((host, port), None)
                for opened in self._waiting.pop((host, port), []):
                    opened.callback(None)
            case ServerFailed(host, port, reason):
                self._failed((host, port), reason)

    def channel_drained(self, channel: Channel) -> None:
        """Nothing to do: the server sends listeners little."""

    def channel_lost(self, channel: Channel) -> None:
        """A listener is gone."""
        self._channels.remove(channel)

    def _failed(self, address: _Address, reason: str) -> None:
        self._log.warn("The port {host}:{port} is not open: {reason}", host=address[0], port=address[1], reason=reason)
        if address not in self._waiting:
            return
        self._reasons[address] = reason
        if len(self._channels) == 1:
            for opened in self._waiting.pop(address):
                opened.errback(ListenerUnavailable(f"The listener could not open the port: {reason}."))

    def _give_up(self, address: _Address, opened: Deferred[None]) -> None:
        reason = self._reasons.get(address, "no answer in time")
        self._stop_waiting(address, opened)
        opened.errback(ListenerUnavailable(f"No listener has opened the port yet: {reason}."))

    def _stop_waiting(self, address: _Address, opened: Deferred[None]) -> None:
        waiting = self._waiting.get(address, [])
        if opened in waiting:
            waiting.remove(opened)
        if not waiting:
            self._waiting.pop(address, None)
            self._reasons.pop(address, None)

    def _send_to_all(self, message: FromServer) -> None:
        for channel in list(self._channels):
            channel.send(message)
