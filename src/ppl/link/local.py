"""The link within one process: the same messages, queued through the reactor, never delivered re-entrantly."""

from __future__ import annotations

from collections import deque
from typing import Any

from twisted.application.service import Service
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from ppl.link.interface import Channel, LinkEnd
from ppl.link.messages import Message


class _LocalChannel:
    """The channel that one side holds; ``send`` queues for the other side."""

    congested = False

    def __init__(self, link: LocalLink, receiver: LinkEnd) -> None:
        self._link = link
        self._receiver = receiver
        self.peer: Channel

    def send(self, message: Message) -> None:
        """Queue ``message`` for the other side."""
        self._link.post(self._receiver, self.peer, message)


class LocalLink(Service):
    """Joins ``listener_end`` and ``server_end`` from ``startService`` to ``stopService``.

    Messages wait in one queue for the next turn of the reactor, as they would on a socket; what waits when the
    service stops is still delivered before both ends are told of the loss.
    """

    _log = Logger()

    def __init__(self, reactor: Any, listener_end: LinkEnd, server_end: LinkEnd) -> None:
        self._reactor = reactor
        self._listener_end, self._server_end = listener_end, server_end
        self._queue: deque[tuple[LinkEnd, Channel, Message]] = deque()
        self._turn: IDelayedCall | None = None
        self._open = False

    def startService(self) -> None:
        """Open the channel."""
        super().startService()
        self._to_server = _LocalChannel(self, self._server_end)
        self._to_listener = _LocalChannel(self, self._listener_end)
        self._to_server.peer, self._to_listener.peer = self._to_listener, self._to_server
        self._open = True
        self._listener_end.channel_opened(self._to_server)
        self._server_end.channel_opened(self._to_listener)

    def stopService(self) -> None:
        """Deliver what waits, then close the channel."""
        super().stopService()
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None
        self._deliver()
        self._open = False
        self._queue.clear()
        self._listener_end.channel_lost(self._to_server)
        self._server_end.channel_lost(self._to_listener)

    def post(self, receiver: LinkEnd, channel: Channel, message: Message) -> None:
        """Queue ``message``, to be received on ``channel``."""
        if not self._open:
            return
        self._queue.append((receiver, channel, message))
        if self._turn is None:
            self._turn = self._reactor.callLater(0, self._take_turn)

    def _take_turn(self) -> None:
        self._turn = None
        self._deliver()

    def _deliver(self) -> None:
        # Only the messages queued so far: an answer belongs to the next turn.
        for _ in range(len(self._queue)):
            receiver, channel, message = self._queue.popleft()
            try:
                receiver.message_received(channel, message)
            except Exception:
                self._log.failure("Internal error in the link while handling {kind}", kind=type(message).__name__)
