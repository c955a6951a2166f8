"""The listener's end of all links: which ports are open, and which events are announced to which server."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import attrs
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from ppl.errors import StoreUnavailable
from ppl.link.interface import Channel
from ppl.link.messages import (
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
from ppl.listener.sockets.ports import Ports
from ppl.model import Destination, Events
from ppl.store.interface import PeopleStore

RECONCILE_SECONDS = 60.0


@attrs.define(eq=False)
class _Server:
    """The state of a linked server.

    ``watched`` is ``None`` before its first ``watch``; until then everything is sent.
    """

    watched: set[str] | None = None
    missed: set[str] = attrs.Factory(set)

    def wants(self, user_id: str) -> bool:
        return self.watched is None or user_id in self.watched


class ListenerControl(Service):
    """Serves the destinations of ``host``: their ports follow the database, their events go to the servers that watch.

    A :class:`~ppl.link.interface.LinkEnd` for any number of servers.

    Attributes:
        is_reconciling: whether the database is being asked which ports to open.
    """

    _log = Logger()
    name = "the senders' ports"

    def __init__(self, store: PeopleStore, ports: Ports, host: str, reactor: Any) -> None:
        self._store = store
        self._ports = ports
        self._host = host
        self._servers: dict[Channel, _Server] = {}
        self._again = LoopingCall(self._reconcile_soon)
        self._again.clock = reactor
        self.is_reconciling = False
        self._asked_again = False
        # Ports in messages of servers while the database was being asked: its answer may be older than the messages.
        self._spoken_of: set[tuple[str, int]] = set()
        self._said_away = False

    def startService(self) -> Deferred[None]:  # type: ignore[override]
        """Fires when the ports of all registered destinations have been tried once (if the store answers)."""
        super().startService()
        self._again.start(RECONCILE_SECONDS, now=False)
        return Deferred.fromCoroutine(self._reconcile())

    def stopService(self) -> Deferred[None]:
        """Fires when every port is closed."""
        super().stopService()
        if self._again.running:
            self._again.stop()
        return Deferred.fromCoroutine(self._ports.close_all())

    # What the listener tells servers

    def announce(self, events: Events) -> None:
        """Send committed ``events`` to the servers that want them."""
        user_id = events.destination.user_id
        for channel, server in self._servers.items():
            if not server.wants(user_id):
                continue
            if channel.congested:
                # The server reads the events from the database when its socket has drained.
                server.missed.add(user_id)
            elif user_id not in server.missed:
                channel.send(NewLogs(user_id, events))

    def port_changed(self, destination: Destination, reason: str | None) -> None:
        """Tell every server that the port is open, or why not."""
        for channel in self._servers:
            channel.send(_state(destination.host, destination.port, reason))

    # LinkEnd

    def channel_opened(self, channel: Channel) -> None:
        """A server is linked: look whether the database has changed meanwhile."""
        self._servers[channel] = _Server()
        self._reconcile_soon()

    def message_received(self, channel: Channel, message: Message) -> None:
        """A server sent ``message``."""
        server = self._servers[channel]
        match message:
            case Watch(user_id):
                server.watched = (server.watched or set()) | {user_id}
                server.missed.discard(user_id)
                channel.send(Watching(user_id))
            case Unwatch(user_id):
                if server.watched is not None:
                    server.watched.discard(user_id)
                server.missed.discard(user_id)
            case StartNewServer(_, host, port):
                self._do(lambda: self._start_new_server(channel, host, port))
            case StopServer(host, port):
                self._do(lambda: self._stop_server(host, port))

    def channel_drained(self, channel: Channel) -> None:
        """The socket has drained: tell the server for which destinations it must read the database."""
        server = self._servers[channel]
        missed, server.missed = server.missed, set()
        for user_id in sorted(missed):
            channel.send(Watching(user_id))

    def channel_lost(self, channel: Channel) -> None:
        """A server is gone; received lines are stored all the same."""
        self._servers.pop(channel, None)

    # Ports

    async def _start_new_server(self, channel: Channel, host: str, port: int) -> None:
        try:
            destination = await self._store.destination(host, port)
        except StoreUnavailable as error:
            if host == self._host:
                channel.send(ServerFailed(host, port, str(error)))
            return
        if destination is None:
            if host == self._host:
                channel.send(ServerFailed(host, port, "no such client is registered"))
        elif self.running and destination.served_by == self._host:
            self._spoken_of.add((host, port))
            self._ports.open(destination)

    async def _stop_server(self, host: str, port: int) -> None:
        self._spoken_of.add((host, port))
        for destination in self._ports.destinations:
            if (destination.host, destination.port) == (host, port):
                await self._ports.close(destination)

    def _reconcile_soon(self) -> None:
        if self.running:
            self._do(self._reconcile)

    async def _reconcile(self) -> None:
        """Make the ports match the database: one run at a time, and once more if asked meanwhile."""
        if self.is_reconciling:
            self._asked_again = True
            return
        self.is_reconciling = True
        self._spoken_of.clear()
        try:
            destinations = await self._store.destinations()
            if self.running:
                self._ports.reconcile((each for each in destinations if each.served_by == self._host), self._spoken_of)
            self._said_away = False
        except StoreUnavailable as error:
            if not self._said_away:
                self._said_away = True
                self._log.warn("Destinations cannot be read, the ports stay as they are: {why}", why=str(error))
        finally:
            self.is_reconciling = False
        if self._asked_again:
            self._asked_again = False
            await self._reconcile()

    def _do(self, act: Callable[[], Coroutine[Deferred[Any], Any, None]]) -> None:
        doing = Deferred.fromCoroutine(act())
        doing.addErrback(lambda failure: self._log.failure("Internal error in the listener", failure))


def _state(host: str, port: int, reason: str | None) -> ServerStarted | ServerFailed:
    return ServerStarted(host, port) if reason is None else ServerFailed(host, port, reason)
