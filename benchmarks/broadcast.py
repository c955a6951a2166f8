"""The floor of the fan-out benchmark: Autobahn alone broadcasts lines as they come, without parsing, store or state.

Its frames are as long as Ppl's: one for all viewers each tick, as Autobahn's prepared message. Used by
:mod:`benchmarks.fanout`.
"""

from __future__ import annotations

import json
from multiprocessing.connection import Connection
from typing import Any

from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from twisted.protocols.basic import LineOnlyReceiver

_EVENT = (
    '{"created_at": "2026-11-23 12:00:00", "sender_ip": "127.0.0.1", "file_name": "access.log", "message": %s,'
    ' "id": "1790000000000000", "time": "2026-11-23T12:00:00.000000Z",'
    ' "received_at": "2026-11-23T12:00:00.000000Z", "hostname": "web-01", "severity": "info", "facility": "local0"}'
)
_FRAME = '{"event": "live_update_logs", "data": {"events": [%s], "isOldestEventReached": "false"}}'


class _Viewer(WebSocketServerProtocol):  # type: ignore[misc]
    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.sendMessage(b'{"event": "send_logs", "data": {"events": [], "isOldestEventReached": "true"}}')
        self.factory.viewers.append(self)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        if self in self.factory.viewers:
            self.factory.viewers.remove(self)


class _Lines(LineOnlyReceiver):
    delimiter = b"\n"

    def lineReceived(self, line: bytes) -> None:
        self.factory.texts.append(_EVENT % json.dumps(line.decode().split(" - - - ", 1)[1]))


def broadcast(tick_seconds: float, pipe: Connection) -> None:
    """Run in a process of its own: send the ports for viewers and for the sender, then broadcast until killed."""
    # Only here: the process that starts this one must not have a reactor.
    from twisted.internet import reactor
    from twisted.internet.protocol import ServerFactory
    from twisted.internet.task import LoopingCall

    viewers: Any = WebSocketServerFactory()
    viewers.protocol, viewers.viewers = _Viewer, []
    lines: Any = ServerFactory()
    lines.protocol, lines.texts = _Lines, []

    def tick() -> None:
        if lines.texts:
            message = viewers.prepareMessage((_FRAME % ", ".join(lines.texts)).encode(), doNotCompress=True)
            lines.texts.clear()
            for viewer in viewers.viewers:
                viewer.sendPreparedMessage(message)

    ports: Any = [reactor.listenTCP(0, factory, 600, interface="127.0.0.1") for factory in (viewers, lines)]
    LoopingCall(tick).start(tick_seconds)
    pipe.send([port.getHost().port for port in ports])
    reactor.run()
