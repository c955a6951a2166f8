"""Hundreds of viewers in a process of their own, which does little for each, so that the server is what is measured.

Each message that they watch begins with ``#`` and eight digits, counted from 0. Of the frames of one read, only the
first and the last event are examined, and all are counted. How long each event took is worked out when all is over.
"""

from __future__ import annotations

import base64
import json
import os
import select
import socket
import time
from array import array
from collections import Counter
from multiprocessing.connection import Connection
from urllib.parse import urlsplit

import attrs

from tests.fixtures.running import Registered

_MARK = b'"message": "#'
_LATEST_SECONDS = 30
_PING = 0x89


@attrs.frozen
class Seen:
    """What the viewers of one process saw.

    Attributes:
        complete: viewers that got every event once and in order.
        tenths: tenths of a millisecond → how many events took that long.
        frames: frames received.
    """

    complete: int
    tenths: Counter[int]
    frames: int


def milliseconds(tenths: Counter[int], percent: float) -> float:
    """The milliseconds within which ``percent`` of all events arrived, rounded up to a tenth."""
    left = tenths.total() * percent / 100
    for tenth in sorted(tenths):
        left -= tenths[tenth]
        if left <= 0:
            return (tenth + 1) / 10
    return 0.0


class Crowd:
    """``size`` viewers of ``who`` at ``url`` (``http://…``), each of which expects ``expected`` events."""

    def __init__(self, url: str, who: Registered, size: int, expected: int, batch: bool) -> None:
        self._expected = expected
        self._poll = select.epoll()
        self._viewers: dict[int, _Viewer] = {}
        for _ in range(size):
            viewer = _Viewer(url, who, batch)
            self._viewers[viewer.socket.fileno()] = viewer
            self._poll.register(viewer.socket, select.EPOLLIN)

    def watch(self, seconds: float) -> None:
        """Read until every viewer has all the events it expects, or for ``seconds``."""
        deadline = time.monotonic() + seconds
        missing = set(self._viewers)
        while missing and time.monotonic() < deadline:
            for number, _ in self._poll.poll(1):
                viewer = self._viewers[number]
                viewer.read()
                if viewer.next == self._expected or viewer.broken:
                    missing.discard(number)

    def seen(self, sent: array[int]) -> Seen:
        """What the viewers saw; ``sent`` holds the monotonic ns at which each event was sent."""
        tenths: Counter[int] = Counter()
        frames = 0
        for viewer in self._viewers.values():
            frames += viewer.frames
            for first, end, at in viewer.arrived:
                tenths.update([(at - sent[number]) // 100_000 for number in range(first, end)])
        complete = sum(viewer.next == self._expected and not viewer.broken for viewer in self._viewers.values())
        return Seen(complete, tenths, frames)


class _Viewer:
    """One WebSocket: ``next`` is the number it expects; ``arrived`` has (first, end, monotonic ns) for each read."""

    def __init__(self, url: str, who: Registered, batch: bool) -> None:
        address = urlsplit(url)
        self.next = 0
        self.broken = False
        self.frames = 0
        self.arrived: list[tuple[int, int, int]] = []
        self._buffer = bytearray()
        self.socket = socket.create_connection((address.hostname, address.port), timeout=20)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET /ws HTTP/1.1\r\nHost: {address.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nCookie: {who.cookie_header}\r\n\r\n".encode()
        )
        data = {"user_id": who.user_id, "watched_ip": "", "logs_portion": "1", "batch": batch}
        self._wait_for(b"\r\n\r\n")
        assert self._buffer.startswith(b"HTTP/1.1 101"), bytes(self._buffer)
        del self._buffer[: self._buffer.index(b"\r\n\r\n") + 4]
        self._send(1, json.dumps({"event": "send_user_data", "data": data}).encode())
        self._wait_for(b'"send_logs"')
        self.socket.setblocking(False)

    def _wait_for(self, text: bytes) -> None:
        while text not in self._buffer:
            octets = self.socket.recv(65536)
            assert octets, bytes(self._buffer)
            self._buffer += octets

    def _send(self, opcode: int, payload: bytes) -> None:
        # RFC 6455 section 5.3: a client masks; four zeros are a mask.
        length = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2)
        self.socket.sendall(bytes([0x80 | opcode]) + length + b"\0\0\0\0" + payload)

    def read(self) -> None:
        """Read what has arrived, without blocking."""
        try:
            octets = self.socket.recv(262144)
        except BlockingIOError:
            return
        at = time.monotonic_ns()
        self.broken = self.broken or not octets
        self._buffer += octets
        buffer, start = self._buffer, 0
        while len(buffer) - start >= 2:
            header, length = 2, buffer[start + 1]
            if length >= 126:
                header = 4 if length == 126 else 10
                length = int.from_bytes(buffer[start + 2 : start + header])
                if len(buffer) - start < header:
                    break
            end = start + header + length
            if len(buffer) < end:
                break
            if buffer[start] == _PING:
                self._send(10, bytes(buffer[start + header : end]))
            self.frames += 1
            start = end
        self._take(start, at)
        del buffer[:start]

    def _take(self, end: int, at: int) -> None:
        """Note the events of the whole frames up to ``end``, and whether they continue the numbers without a gap."""
        buffer = self._buffer
        count = buffer.count(_MARK, 0, end)
        if count:
            first, last = buffer.find(_MARK, 0, end) + len(_MARK), buffer.rfind(_MARK, 0, end) + len(_MARK)
            number, newest = int(buffer[first : first + 8]), int(buffer[last : last + 8])
            self.broken = self.broken or number != self.next or newest != number + count - 1
            self.next = newest + 1
            self.arrived.append((number, newest + 1, at))


def watch(url: str, who: Registered, size: int, expected: int, batch: bool, seconds: float, pipe: Connection) -> None:
    """Run in a process of its own: say when all watch and when all is over; get the sending times, give a ``Seen``."""
    crowd = Crowd(url, who, size, expected, batch)
    pipe.send("ready")
    crowd.watch(seconds + _LATEST_SECONDS)
    pipe.send("done")
    pipe.send(crowd.seen(pipe.recv()))
