"""Ppl as a process, and clients that behave badly towards its WebSockets: places come free, the stop ends."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.running import PplProcess, Registered, eventually, running
from tests.fixtures.watching import Viewer


@pytest.fixture
def ppl(dsn: str, short_directory: Path) -> Iterator[PplProcess]:
    """Ppl with few places for viewers."""
    yield from running(PplProcess(dsn, short_directory, "one", {"PPL_MAX_VIEWERS": "5"}))


def handshake(ppl: PplProcess, who: Registered) -> bytes:
    key = base64.b64encode(os.urandom(16)).decode()
    return (
        f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{ppl.http_port}\r\nCookie: {who.cookie_header}\r\n"
        f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
    ).encode()


def give_up(ppl: PplProcess, who: Registered, seconds: float, *, reset: bool) -> None:
    """Send a handshake and leave after ``seconds``."""
    with socket.create_connection(("127.0.0.1", ppl.http_port), timeout=10) as client:
        client.sendall(handshake(ppl, who))
        time.sleep(seconds)
        if reset:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_given_up_handshakes_and_a_viewer_that_does_not_read_hold_up_neither_viewers_nor_the_stop(
    ppl: PplProcess,
) -> None:
    who, other = ppl.register(), ppl.register()
    for number in range(60):
        give_up(ppl, who, (0.0, 0.001, 0.002, 0.005)[number % 4], reset=bool(number % 3))

    with socket.create_connection(("127.0.0.1", ppl.http_port)) as stuck:
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stuck.sendall(
            handshake(ppl, other)
            + masked(1, b'{"event": "send_user_data", "data": {"user_id": "%s"}}' % other.user_id.encode())
        )
        ppl.send(other.port, b"".join(b"<13>1 - h app - - - %d %s\n" % (number, b"x" * 8000) for number in range(1000)))
        eventually(lambda: ppl.count(other.port) == 1000, "stored")
        stuck.sendall(masked(8, struct.pack("!H", 1000)))
        # The places of the account are free for others.
        eventually(lambda: opens(ppl, who), "a WebSocket opens", 15)
        began = time.monotonic()
        ppl.send_signal(signal.SIGTERM)
        ppl.stop()
        assert time.monotonic() - began < 30
    assert "Traceback" not in ppl.text()
    assert "Unhandled" not in ppl.text()


def identification(who: Registered) -> bytes:
    return json.dumps({"event": "send_user_data", "data": {"user_id": who.user_id}}).encode()


def opens(ppl: PplProcess, who: Registered) -> bool:
    with Viewer(ppl.url, who) as viewer:
        viewer.identify()
    return True


def masked(opcode: int, payload: bytes) -> bytes:
    """A frame under a mask of zeros."""
    length = bytes((0x80 | len(payload),)) if len(payload) < 126 else bytes((0xFE,)) + struct.pack("!H", len(payload))
    return bytes((0x80 | opcode,)) + length + bytes(4) + payload
