"""The part that both ends of a WebSocket link share: turning frames into messages, liveness, congestion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from autobahn.websocket.protocol import WebSocketProtocol
from twisted.internet.interfaces import IPushProducer
from twisted.logger import Logger
from zope.interface import implementer

from ppl.errors import ProtocolError
from ppl.link.codec import encode, encode_error, is_error
from ppl.link.interface import LinkEnd
from ppl.link.messages import Message
from ppl.services.dropping import Dropping

#: Most bytes of one frame, in both directions: Autobahn holds what Ppl sends to this limit too.
MOST_FRAME_BYTES = 16 << 20
#: Most bytes that may arrive before the handshake is done; Autobahn would buffer them without a limit.
MOST_HANDSHAKE_BYTES = 128 << 10
PING_SECONDS = 10
PONG_SECONDS = 20

#: For both factories' ``setProtocolOptions``.
OPTIONS: dict[str, Any] = {
    "maxFramePayloadSize": MOST_FRAME_BYTES,
    "maxMessagePayloadSize": MOST_FRAME_BYTES,
    "autoPingInterval": PING_SECONDS,
    "autoPingTimeout": PONG_SECONDS,
    "openHandshakeTimeout": 10,
    "closeHandshakeTimeout": 2,
    "tcpNoDelay": True,
}


@implementer(IPushProducer)
class LinkProtocol(Dropping):
    """A :class:`~ppl.link.interface.Channel`, mixed in before Autobahn's server and client protocols.

    Its factory has ``end`` (:class:`LinkEnd`), ``decode`` (text → messages) and the attributes for :class:`Dropping`.
    """

    _log = Logger()
    _opened = False
    congested = False
    # Attributes of Autobahn's protocols.
    peer: str
    state: int
    data: bytes
    sendMessage: Callable[[bytes], None]

    def dataReceived(self, data: bytes) -> None:
        """Twisted: bytes have arrived."""
        if self.state == WebSocketProtocol.STATE_CONNECTING and len(self.data) + len(data) > MOST_HANDSHAKE_BYTES:
            self._log.warn("{peer} sent too much before the link's handshake was done", peer=self.peer)
            self.abort()
        else:
            super().dataReceived(data)  # type: ignore[misc]

    def onOpen(self) -> None:
        """Autobahn: the handshake is done."""
        self._opened = True
        self.transport.registerProducer(self, True)
        self._tell(self._end.channel_opened)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Autobahn: a whole message."""
        try:
            text = payload.decode("utf-8")
            messages = self._decode(text)
        except (ProtocolError, UnicodeDecodeError) as error:
            self._refuse(payload, error)
            return
        for message in messages:
            self._tell(self._end.message_received, message)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        """Autobahn: the connection is gone."""
        if self._opened:
            self._opened = False
            self._tell(self._end.channel_lost)

    def send(self, message: Message) -> None:
        """Channel: queue ``message``, unless the connection is closing: :class:`LinkEnd` will be told of its loss."""
        if self._opened and self.state == WebSocketProtocol.STATE_OPEN:
            for frame in encode(message):
                self.sendMessage(frame.encode("utf-8"))

    # Twisted's flow control: the transport's buffer is full, or has been written.

    def pauseProducing(self) -> None:
        """Transport: the other side reads too slowly."""
        self.congested = True

    def resumeProducing(self) -> None:
        """Transport: all is written."""
        if self.congested:
            self.congested = False
            if self._opened:
                self._tell(self._end.channel_drained)

    def stopProducing(self) -> None:
        """Transport: the connection is lost; ``onClose`` follows."""
        self.congested = True

    @property
    def _end(self) -> LinkEnd:
        end: LinkEnd = self.factory.end
        return end

    @property
    def _decode(self) -> Callable[[str], Sequence[Message]]:
        decode: Callable[[str], Sequence[Message]] = self.factory.decode
        return decode

    def _tell(self, what: Callable[..., None], *arguments: object) -> None:
        try:
            what(self, *arguments)
        except Exception:
            self._log.failure("Internal error in the link to {peer}", peer=self.peer)

    def _refuse(self, payload: bytes, error: ProtocolError | UnicodeDecodeError) -> None:
        refusal = error if isinstance(error, ProtocolError) else ProtocolError("The frame is not UTF-8.")
        self._log.warn(
            "Unreadable frame on the link from {peer}: {code}: {why}",
            peer=self.peer,
            code=refusal.code,
            why=str(refusal),
        )
        if self.state == WebSocketProtocol.STATE_OPEN and not is_error(payload.decode("utf-8", "replace")):
            self.sendMessage(encode_error(refusal).encode("utf-8"))
