"""A hub with a real store, a real port and a real WebSocket client, in the reactor of the test."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import SSL4ClientEndpoint, SSL4ServerEndpoint, TCP4ClientEndpoint, TCP4ServerEndpoint
from twisted.internet.ssl import CertificateOptions

from ppl.link.messages import NewLogs, Watching
from ppl.link.registry import Listeners
from ppl.model import Account, Destination, Events, Lines
from ppl.options import default_settings
from ppl.services.dropping import DROPPING_SECONDS
from ppl.store.interface import Store
from ppl.viewer.hub import Hub
from ppl.viewer.protocol import ViewerFactory
from ppl.viewer.times import Times
from tests.waiting import until
from tests.web.http.test_tls import certificate

FIRST_ID = 1_790_000_000_000_000


class Listener:
    """The listener's end of the link, as far as viewers notice it: announces events, or is cut."""

    congested = False

    def __init__(self, listeners: Listeners) -> None:
        self.listeners = listeners
        self.sent: list[Any] = []
        self.linked = False
        self.connect()

    def connect(self) -> None:
        """The link opens."""
        self.linked = True
        self.listeners.channel_opened(self)

    def cut(self) -> None:
        """The link is lost."""
        self.linked = False
        self.listeners.channel_lost(self)

    def send(self, message: Any) -> None:
        """Take a message from the server; ``watch`` is answered as a listener does."""
        self.sent.append(message)
        if type(message).__name__ == "Watch":
            reactor.callLater(0, self._watching, message.user_id)

    def _watching(self, user_id: str) -> None:
        if self.linked:
            self.listeners.message_received(self, Watching(user_id))

    def announce(self, events: Events) -> None:
        """Announce committed events, unless the link is cut."""
        if self.linked:
            self.listeners.message_received(self, NewLogs(events.destination.user_id, events))


class Client(WebSocketClientProtocol):  # type: ignore[misc]
    """A viewer program; ``received`` grows with every frame."""

    def onConnect(self, response: Any) -> None:
        self.received: list[tuple[str, Any]] = []
        self.close_code: int | None = None
        self.gone: Deferred[None] = Deferred()

    def onOpen(self) -> None:
        self.factory.ready.callback(self)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        frame = json.loads(payload)
        self.received.append((frame["event"], frame["data"]))

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        if not self.factory.ready.called:
            self.factory.ready.callback(reason)
            return
        self.close_code = self.remoteCloseCode
        self.gone.callback(None)

    def say(self, event: str, **data: Any) -> None:
        """Send one event."""
        self.sendMessage(json.dumps({"event": event, "data": data}).encode())

    async def expect(self, event: str, count: int = 1) -> Any:
        """The data of the ``count``-th frame of that event, once it is there."""

        def found() -> list[Any]:
            return [data for name, data in self.received if name == event]

        await until(lambda: len(found()) >= count, f"{count} × {event}, got {self.received[-3:]}")
        return found()[count - 1]

    def live(self) -> list[str]:
        """Messages that came live."""
        found: list[str] = []
        for name, data in self.received:
            if name == "live_update_logs":
                found += [each["message"] for each in data.get("events", [data.get("event")])]
        return found

    async def leave(self) -> None:
        """Close, and wait until the connection is gone."""
        self.sendClose()
        await self.gone


class House:
    """The running hub, factory and port of viewers, and a listener."""

    def __init__(
        self,
        store: Store,
        accounts: dict[str, Account],
        *,
        secure: bool = False,
        times: Times | None = None,
        dropping_seconds: float = DROPPING_SECONDS,
        **settings: Any,
    ) -> None:
        self._secure, self._dropping_seconds = secure, dropping_seconds
        self.store = store
        self.accounts = accounts
        self.listeners = Listeners(reactor)
        self.hub = Hub(store, self.listeners, reactor, default_settings(**settings), times=times)
        self.listener = Listener(self.listeners)
        self.next_id = FIRST_ID
        #: Awaited before the store says who opens a WebSocket.
        self.before_answer: Callable[[], Awaitable[None]] | None = None

    async def start(self) -> None:
        self.hub.startService()

        async def authenticate(cookie: str | None, authorization: str | None) -> Account | None:
            if self.before_answer is not None:
                await self.before_answer()
            return self.accounts.get(authorization or "")

        self.factory = factory = ViewerFactory(
            self.hub,
            authenticate,
            lambda origin, host, secure: origin in (None, "http://ours"),
            dropping_seconds=self._dropping_seconds,
        )
        factory.noisy = False
        if self._secure:
            endpoint: Any = SSL4ServerEndpoint(reactor, 0, certificate(), interface="127.0.0.1")
        else:
            endpoint = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        self.port = await endpoint.listen(factory)

    async def stop(self) -> None:
        await self.port.stopListening()
        await self.hub.stopService()

    async def connect(self, who: str = "owner", **headers: str) -> Any:
        """A client of the account ``who``; the reason as text if it was refused."""
        number = self.port.getHost().port
        headers.setdefault("Authorization", who)
        factory = WebSocketClientFactory(f"ws://127.0.0.1:{number}/ws", headers=headers, reactor=reactor)
        factory.protocol, factory.ready, factory.noisy = Client, Deferred(), False
        if self._secure:
            await SSL4ClientEndpoint(reactor, "127.0.0.1", number, CertificateOptions()).connect(factory)
        else:
            await TCP4ClientEndpoint(reactor, "127.0.0.1", number).connect(factory)
        return await factory.ready

    async def store_events(
        self, destination: Destination, texts: Sequence[str], sender_ip: str = "192.0.2.1"
    ) -> Events:
        """Commit one event for each text; the caller announces them."""
        count = len(texts)
        empty = [""] * count
        lines = Lines([None] * count, [1] * count, [5] * count, empty, empty, empty, empty, empty, list(texts))
        events = Events(destination, sender_ip, self.next_id, lines)
        self.next_id += count
        await self.store.append([events])
        return events

    async def ingest(self, destination: Destination, *texts: str, sender_ip: str = "192.0.2.1") -> None:
        """Commit one event for each text and announce them."""
        self.listener.announce(await self.store_events(destination, texts, sender_ip))
