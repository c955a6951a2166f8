"""The viewer's WebSocket: joins Autobahn to a viewer's connection, which speaks the events of ``docs/protocol.rst``.

Two callables from the composition root decide which clients may open one, so that nothing here knows of cookies.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from autobahn.websocket.types import ConnectionDeny, ConnectionRequest
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer, ISSLTransport
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ppl.errors import PplError
from ppl.model import SECOND, Account
from ppl.services.bursts import Bursts
from ppl.services.dropping import DROPPING_SECONDS, Dropping
from ppl.viewer import errors, frames
from ppl.viewer.client_faults import ClientFaults
from ppl.viewer.connection import ViewerConnection
from ppl.viewer.hub import Hub
from ppl.viewer.places import ViewerPlace
from ppl.viewer.rations import Ration

Authenticate = Callable[[str | None, str | None], Awaitable[Account | None]]
OriginAllowed = Callable[[str | None, str, bool], bool]
SaysTls = Callable[[str | None, str | None], bool]

#: Shorter than the idle timeout of common proxies (30 s). A slow reader answers only after all that it has yet to read.
_PING_SECONDS, _PONG_SECONDS = 20, 60
_INTERNAL_ERROR = 1011
_SESSION_ENDED = 4401


@implementer(IPushProducer)
class ViewerProtocol(Dropping, WebSocketServerProtocol):  # type: ignore[misc]
    """One viewer's WebSocket; a :class:`~ppl.viewer.connection.Socket`.

    Attributes:
        is_full: whether the client does not read what it is sent; then nothing is read from it.
        ration: limits the frames that the client sends, once the WebSocket is open.
    """

    _log = Logger()
    # Attributes of Autobahn: its logger, and bytes that were read but not handled.
    log: Any
    data: bytes
    _connection: ViewerConnection | None = None
    # Taken in the handshake.
    _place: ViewerPlace | None = None
    _is_answering = False
    is_full = False
    # Whether frames of the client are not handled yet; then nothing is read from it either.
    _is_behind = False
    ration: Ration | None = None

    def connectionMade(self) -> None:
        """Twisted: connected."""
        # Set on the instance, since the logger of the class is Autobahn's.
        self.log = ClientFaults(self.factory.bursts, getattr(self.transport.getPeer(), "host", None), self.log)
        super().connectionMade()

    def dataReceived(self, data: bytes) -> None:
        """Twisted: data has arrived. It waits while a handshake is answered: Autobahn would take it for another one."""
        if not (self._is_answering and self.state == self.STATE_CONNECTING):
            super().dataReceived(data)
        elif len(self.data) + len(data) <= self.maxMessagePayloadSize:
            self.data += data
        else:
            self.wasNotCleanReason = "too much data before the handshake was answered"
            self.dropConnection(abort=True)

    async def onConnect(self, request: ConnectionRequest) -> None:
        """Autobahn: a handshake. It is refused with 401, 403, 429, 500 or 503, and a reason without details."""
        headers = request.headers
        self._credentials = headers.get("cookie"), headers.get("authorization")
        peer = getattr(self.transport.getPeer(), "host", None)
        secure = ISSLTransport(self.transport, None) is not None or self.factory.says_tls(
            peer, headers.get("x-forwarded-proto")
        )
        if not self.factory.origin_allowed(headers.get("origin"), headers.get("host", ""), secure):
            raise ConnectionDeny(403, "A page of another origin may not connect")
        self._is_answering = True
        account = await self._authenticated()
        if self.state != self.STATE_CONNECTING:
            # The client has gone: Autobahn would open a WebSocket on a dead connection.
            raise ConnectionDeny(503, "The connection is gone")
        if account is None:
            raise ConnectionDeny(401, "Log in first")
        self._place = self.factory.hub.admit(account, self)
        if self._place is None:
            raise ConnectionDeny(429, "Too many WebSockets of this account")

    async def _authenticated(self) -> Account | None:
        try:
            account: Account | None = await self.factory.authenticate(*self._credentials)
        except PplError as error:
            raise ConnectionDeny(503, "The database cannot be reached") from error
        except Exception as error:
            # Autobahn would tell the client what the error says.
            self._log.failure("Internal error while authenticating a viewer's WebSocket")
            raise ConnectionDeny(500, "Internal error") from error
        return account

    def failHandshake(self, reason: str, code: int = 400, responseHeaders: Any = None) -> None:
        """Autobahn: refuse the handshake, and log it. A client that has gone is neither answered nor logged."""
        if self.state == self.STATE_CONNECTING:
            super().failHandshake(reason, code, responseHeaders)

    def onOpen(self) -> None:
        """Autobahn: the WebSocket is open."""
        if self._place is None:
            self.dropConnection(abort=True)
            return
        # Under the web resource the HTTP channel is still the producer.
        self.transport.unregisterProducer()
        self.transport.registerProducer(self, True)
        self.ration = self.factory.hub.rations.of(self._place.account.id, self)
        self._connection = self.factory.hub.connect(self._place, self)
        self._rechecking = LoopingCall(self.recheck)
        self._rechecking.clock = self.factory.reactor
        self._rechecking.start(self.factory.hub.times.session, now=False)

    def consumeData(self) -> None:
        """Autobahn: bytes were read. Their frames are handled as the ration allows, and nothing is read meanwhile."""
        if self.ration is None or self.state not in (self.STATE_OPEN, self.STATE_CLOSING):
            super().consumeData()
            return
        self._is_behind = True
        self.transport.pauseProducing()
        self.ration.ask()

    # Reader

    def handle_frame(self) -> int:
        """Ration: handle the next frame, or the part of it that was read."""
        if self.is_full or self.state == self.STATE_CLOSED:
            return 0
        before = len(self.data)
        while self.processData() and self.current_frame is not None and self.state != self.STATE_CLOSED:
            pass
        return before - len(self.data)

    def all_handled(self) -> None:
        """Ration: nothing can be handled now. Read on, unless the client must first read what it was sent."""
        if not self.is_full:
            self._is_behind = False
            self.transport.resumeProducing()

    def frame_failed(self, failure: Failure) -> None:
        """Ration: an internal error."""
        self._log.failure("Internal error in a viewer's WebSocket", failure)
        self.close(_INTERNAL_ERROR, "internal error")

    # Autobahn

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Autobahn: a whole message."""
        if self._connection is None:
            return
        if isBinary:
            self._connection.refuse(errors.NotJson("The frame must be text."))
        else:
            self._connection.received(payload)

    def _max_message_size_exceeded(self, msg_size: int, max_msg_size: int, reason: str) -> None:
        """Autobahn: a message is too long. Tell the client so before Autobahn closes with 1009."""
        self.send_frame(frames.error(errors.FrameTooLarge(f"A message may have at most {max_msg_size} bytes.")))
        super()._max_message_size_exceeded(msg_size, max_msg_size, reason)

    def connectionLost(self, reason: Failure) -> None:
        """Twisted: the connection is gone, at whatever stage it was."""
        try:
            self._leave()
            super().connectionLost(reason)
        finally:
            if self._place is not None:
                self._place.give_back()
                self._place = None

    def _leave(self) -> None:
        if self.ration is not None:
            self.ration.end()
        if self._connection is not None:
            self._rechecking.stop()
            connection, self._connection = self._connection, None
            self.factory.hub.disconnect(connection)

    # Socket

    def send_frame(self, payload: bytes) -> None:
        """Send a text message. ``sendMessage`` would apply the limit on received messages to it."""
        self.send_octets(frames.prepared(payload))

    def send_octets(self, octets: bytes) -> None:
        """Send prepared messages if the WebSocket is open; ``sendData`` and ``sendPreparedMessage`` do not check."""
        if self.state == self.STATE_OPEN:
            self.sendData(octets)

    def close(self, code: int, reason: str) -> None:
        """Begin the closing handshake, unless it has begun: then the connection ends within seconds by itself."""
        if self.state == self.STATE_CONNECTING:
            self.abort()
        elif self.state == self.STATE_OPEN:
            # A full transport would hold back the close frame, and TLS closes only without a producer.
            self.transport.unregisterProducer()
            if self.is_full:
                # Nothing else would resume reading, and the client's Close must be read.
                self.is_full = False
                self._read_on()
            # Not sendClose, which refuses the codes 1001 and 1011.
            self.sendCloseFrame(code=code, reasonUtf8=reason.encode(), isReply=False)

    # Flow control; the HTTP channel repeats its calls.

    def pauseProducing(self) -> None:
        """Transport: the buffer is full."""
        if not self.is_full:
            self.is_full = True
            # Stop reading from a client that does not read: requests (and errors they cause) wait in its own socket.
            self.transport.pauseProducing()
            if self._connection is not None:
                self._connection.congested()

    def resumeProducing(self) -> None:
        """Transport: the buffer is written."""
        if self.is_full:
            self.is_full = False
            self._read_on()
            if self._connection is not None:
                self._connection.drained()

    def _read_on(self) -> None:
        if self._is_behind and self.ration is not None:
            self.ration.ask()
        else:
            self.transport.resumeProducing()

    def stopProducing(self) -> None:
        """Transport: the connection is lost; ``connectionLost`` follows."""
        self.is_full = True

    def recheck(self) -> Deferred[None]:
        """Guest: close if the session has ended, or the account may no longer read the destination."""
        checking = Deferred.fromCoroutine(self._recheck())
        checking.addErrback(lambda failure: self._log.failure("Internal error in a viewer's session check", failure))
        return checking

    async def _recheck(self) -> None:
        try:
            if await self.factory.authenticate(*self._credentials) is None:
                self.close(_SESSION_ENDED, "the session has ended")
            elif self._connection is not None:
                await self._connection.recheck()
        except PplError:
            return


class ViewerFactory(WebSocketServerFactory):  # type: ignore[misc]
    """Makes viewers' WebSockets.

    Args:
        hub: the hub that each WebSocket joins.
        authenticate: (Cookie header, Authorization header) → the account.
        origin_allowed: (Origin header, Host header, whether over TLS) → whether a page from there may connect.
        says_tls: (peer, X-Forwarded-Proto header) → whether that is a proxy which speaks TLS to the browser.
        dropping_seconds: see :class:`~ppl.services.dropping.Dropping`.
    """

    protocol = ViewerProtocol

    def __init__(
        self,
        hub: Hub,
        authenticate: Authenticate,
        origin_allowed: OriginAllowed,
        says_tls: SaysTls = lambda peer, proto: False,
        dropping_seconds: float = DROPPING_SECONDS,
    ) -> None:
        super().__init__(reactor=hub.reactor)
        self.hub, self.authenticate, self.origin_allowed = hub, authenticate, origin_allowed
        self.says_tls, self.dropping_seconds = says_tls, dropping_seconds
        self.bursts = Bursts(ViewerProtocol._log, lambda: int(hub.reactor.seconds() * SECOND))
        self.setProtocolOptions(
            allowedOrigins=["*"],  # decided by origin_allowed
            allowNullOrigin=True,
            maxFramePayloadSize=hub.max_frame_bytes,
            maxMessagePayloadSize=hub.max_frame_bytes,
            failByDrop=False,
            autoPingInterval=_PING_SECONDS,
            autoPingTimeout=_PONG_SECONDS,
            openHandshakeTimeout=10,
            closeHandshakeTimeout=2,
            tcpNoDelay=True,
        )
