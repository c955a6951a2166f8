"""Milliseconds from a sender's write to a WebSocket client.

Each line begins with the time of the machine's monotonic clock, read just before the write. The client, in a process of
its own, reads the same clock when it has the event. Used by the benchmarks that measure latency.
"""

from __future__ import annotations

import multiprocessing
import socket
import time
from multiprocessing.connection import Connection

from benchmarks.running import percentile
from tests.fixtures.running import PplProcess, Registered
from tests.fixtures.watching import Viewer

#: Up to this many lines a second, each line is a write of its own and each frame has one event; above it, batches go.
SINGLE_RATE = 5_000

_WRITES_A_SECOND = 1_000


def latency(ppl: PplProcess, who: Registered, rate: int, seconds: int) -> list[float]:
    """Milliseconds that each line took, at ``rate`` lines a second over ``seconds``.

    Above ``SINGLE_RATE`` the sender writes a thousand times a second and the client takes batches.
    """
    is_single = rate <= SINGLE_RATE
    lines_a_write = 1 if is_single else rate // _WRITES_A_SECOND
    writes = rate * seconds // lines_a_write
    here, there = multiprocessing.Pipe()
    watcher = multiprocessing.Process(target=_watch, args=(ppl.url, who, writes * lines_a_write, not is_single, there))
    watcher.start()
    assert here.recv() == "ready"
    _send(who.port, writes, lines_a_write, rate / lines_a_write)
    taken: list[float] = here.recv()
    watcher.join()
    return taken


def _watch(url: str, who: Registered, expected: int, batch: bool, pipe: Connection) -> None:
    taken: list[float] = []
    with Viewer(url, who) as viewer:
        viewer.identify(logs_portion="1", **({"batch": True} if batch else {}))
        pipe.send("ready")
        while len(taken) < expected:
            _, data = viewer.next(60)
            now = time.monotonic_ns()
            viewer.received.clear()
            events = data["events"] if "events" in data else [data["event"]]
            taken += [(now - int(event["message"].split(None, 1)[0])) / 1e6 for event in events]
        pipe.send(taken)


def _send(port: int, writes: int, lines_a_write: int, rate: float) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        start = time.monotonic()
        for number in range(writes):
            wait = start + number / rate - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            line = b"<134>1 - web-01 access.log - - - %d GET /api/v1/orders\n" % time.monotonic_ns()
            connection.sendall(line * lines_a_write)


def summary(taken: list[float]) -> str:
    """The percentiles of ``taken`` as text."""
    p50, p99 = percentile(taken, 50), percentile(taken, 99)
    return f"p50 {p50:.2f} ms, p99 {p99:.2f} ms, most {max(taken):.2f} ms"
