"""Connections abandoned at every stage: of senders, of uploads, of pages, of WebSockets and their handshakes."""

from __future__ import annotations

import base64
import json
import os
import random
import socket
import struct
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

from tests.faults.soaking import Part
from tests.fixtures.hostile import OPEN
from tests.fixtures.running import PplProcess, Registered

#: The first word of the lines that these connections send; any number of them may be stored.
NAME = "gone"

_LINE = b"<13>1 - h app - - - gone 1"
_HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"


class GivingUp(Part):
    """Opens connections of all kinds at random moments and abandons each at a random stage.

    Args:
        ppl: the Ppl to connect to.
        rng: decides which connection, and when.
        every: seconds between two connections, on average.

    Attributes:
        accounts: accounts whose ports, sessions and WebSockets are used.
        tokens: drain tokens for uploads.
        count: how many connections were abandoned.
    """

    def __init__(self, ppl: PplProcess, rng: random.Random, every: float = 0.1) -> None:
        super().__init__("giving up")
        self.count = 0
        self.accounts: Sequence[Registered] = ()
        self.tokens: Sequence[str] = ()
        self._ppl, self._rng, self._every = ppl, rng, every
        self._held: list[socket.socket] = []

    def act(self) -> None:
        """Open and abandon one connection after the other."""
        while not self.finishing.wait(self._rng.uniform(0, 2 * self._every)):
            self.give_one_up()
        self._let_go(0)

    def give_up(self) -> None:
        """Open no more connections."""
        self.finishing.set()

    def give_one_up(self) -> None:
        """Open a connection and abandon it; it is no error if nothing listens."""
        self.count += 1
        with suppress(OSError):
            self._rng.choice(_STAGES)(self, self._rng.choice(self.accounts))
        self._let_go(8)

    def _let_go(self, most: int) -> None:
        while len(self._held) > most:
            self._held.pop(0).close()

    def connect(self, port: int) -> socket.socket:
        """A connection that is reset when closed, as one with unread data is when its program ends."""
        connection = socket.create_connection(("127.0.0.1", port), timeout=5)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return connection

    def moment(self) -> None:
        """Wait for some milliseconds."""
        self.finishing.wait(self._rng.choice((0, 0.001, 0.003, 0.01, 0.05)))

    def write(self, port: int, data: bytes, cut: bool) -> None:
        """Send ``data``, or only its beginning if ``cut``, and reset the connection after a moment."""
        with self.connect(port) as connection:
            connection.sendall(data[: self._rng.randrange(len(data))] if cut else data)
            self.moment()

    def sender(self, who: Registered) -> None:
        """Abandon a sender within its first bytes."""
        self.write(who.port, self._rng.choice((_LINE, OPEN, _HELLO, b"40 <13>")), cut=True)

    def relp(self, who: Registered) -> None:
        """Abandon a RELP sender before its acknowledgements."""
        frames = b"".join(b"%d syslog %d %s\n" % (number, len(_LINE), _LINE) for number in range(2, 9))
        self.write(who.port, OPEN + frames, cut=self._rng.random() < 0.5)

    def upload(self, who: Registered) -> None:
        """Abandon an upload within its head or body, or before its answer."""
        body = b"".join(_LINE + b"\n" for _ in range(20))
        head = (
            f"POST /logs/{self._rng.choice(self.tokens)} HTTP/1.1",
            "Host: here",
            "Content-Type: text/plain",
            f"Content-Length: {len(body)}",
        )
        data = "\r\n".join([*head, "", ""]).encode() + body
        self.write(self._ppl.drain_port, data, cut=self._rng.random() < 0.7)

    def page(self, who: Registered) -> None:
        """Abandon a request for a page or a search before its answer."""
        path = self._rng.choice(("/", "/settings", "/senders", "/api/me", f"/api/events?user_id={who.user_id}&q=line"))
        self.write(self._ppl.http_port, self._request(who, path), cut=self._rng.random() < 0.3)

    def handshake(self, who: Registered) -> None:
        """Abandon a WebSocket handshake before its answer, as a hasty reload does."""
        self.write(self._ppl.http_port, self._handshake(who), cut=self._rng.random() < 0.3)

    def viewer(self, who: Registered) -> None:
        """Abandon a viewer before, within or after its first request."""
        with self.connect(self._ppl.http_port) as connection:
            connection.sendall(self._handshake(who))
            connection.recv(4096)
            frame = _frame(1, self._identity(who))
            connection.sendall(frame[: self._rng.choice((0, 3, len(frame) - 1, len(frame), len(frame)))])
            self.moment()

    def silent_viewer(self, who: Registered) -> None:
        """Have a viewer send a close frame, read nothing, and stay connected for a while."""
        connection = self.connect(self._ppl.http_port)
        self._held.append(connection)
        connection.sendall(self._handshake(who))
        connection.recv(4096)
        connection.sendall(_frame(1, self._identity(who)))
        threading.Event().wait(self._rng.choice((0, 0, 0.05, 0.3)))
        connection.sendall(_frame(8, struct.pack("!H", 1000)))

    def _request(self, who: Registered, path: str, *headers: str) -> bytes:
        lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{self._ppl.http_port}", f"Cookie: {who.cookie_header}"]
        return "\r\n".join([*lines, *headers, "", ""]).encode()

    def _handshake(self, who: Registered) -> bytes:
        key = base64.b64encode(self._rng.randbytes(16)).decode()
        upgrade = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13")
        return self._request(who, "/ws", *upgrade, f"Sec-WebSocket-Key: {key}")

    def _identity(self, who: Registered) -> bytes:
        wanted = {"user_id": who.user_id, "logs_portion": "1000", "batch": True, "since": "0"}
        return json.dumps({"event": "send_user_data", "data": wanted}).encode()


def _frame(opcode: int, payload: bytes) -> bytes:
    """A whole WebSocket frame from a client (RFC 6455, 5.2), of less than 64 KiB."""
    size = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + struct.pack("!H", len(payload))
    mask = os.urandom(4)
    return bytes([0x80 | opcode]) + size + mask + bytes(each ^ mask[at % 4] for at, each in enumerate(payload))


_STAGES: tuple[Callable[[GivingUp, Registered], None], ...] = (
    GivingUp.sender,
    GivingUp.relp,
    GivingUp.upload,
    GivingUp.page,
    GivingUp.handshake,
    GivingUp.handshake,
    GivingUp.viewer,
    GivingUp.silent_viewer,
)
