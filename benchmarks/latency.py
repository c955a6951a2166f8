"""Milliseconds from a sender's write to a WebSocket client, beside PostgreSQL's own commit of one row in the same run.

Run ``python -m benchmarks.latency`` from the project's root. The viewer is a seed-protocol client (one event a frame)
in a process of its own; both read the machine's monotonic clock. A line is one write.
"""

from __future__ import annotations

import argparse
import multiprocessing
import socket
import time
from contextlib import closing
from multiprocessing.connection import Connection

import psycopg2

from benchmarks.running import percentile, running_ppl
from tests.fixtures.running import PplProcess, Registered
from tests.fixtures.watching import Viewer


def watch(url: str, who: Registered, expected: int, pipe: Connection) -> None:
    """In a process of its own: gives the ms each event took, in order of arrival."""

    taken: list[float] = []
    with Viewer(url, who) as viewer:
        viewer.identify(logs_portion="1")
        pipe.send("ready")
        while len(taken) < expected:
            _, data = viewer.next(60)
            now = time.monotonic_ns()
            viewer.received.clear()
            taken.append((now - int(data["event"]["message"].split()[0])) / 1e6)
        pipe.send(taken)


def latency(ppl: PplProcess, who: Registered, rate: int, seconds: int) -> list[float]:
    """The ms of ``rate`` lines a second over ``seconds``."""
    count = rate * seconds
    here, there = multiprocessing.Pipe()
    watcher = multiprocessing.Process(target=watch, args=(ppl.url, who, count, there))
    watcher.start()
    assert here.recv() == "ready"
    with socket.create_connection(("127.0.0.1", who.port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        start = time.monotonic()
        for number in range(count):
            wait = start + number / rate - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            connection.sendall(b"<134>1 - web-01 access.log - - - %d GET /api/v1/orders\n" % time.monotonic_ns())
        taken: list[float] = here.recv()
    watcher.join()
    return taken


def commits(dsn: str, count: int = 500) -> list[float]:
    """The ms of durable one-row commits, one after the other: the floor under every figure above."""
    taken = []
    with closing(psycopg2.connect(dsn)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute("CREATE TABLE floor (id bigint PRIMARY KEY, message text)")
        for number in range(count):
            start = time.monotonic_ns()
            cursor.execute("INSERT INTO floor VALUES (%s, 'GET /api/v1/orders')", (number,))
            taken.append((time.monotonic_ns() - start) / 1e6)
    return taken


def main() -> None:
    """Parse the arguments, run each rate, print the percentiles."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rates", type=int, nargs="+", default=[100, 1000, 5000])
    parser.add_argument("--seconds", type=int, default=10)
    arguments = parser.parse_args()
    with running_ppl() as (ppl, who):
        floor = commits(ppl.dsn)
        print(f"PostgreSQL alone, one row: p50 {percentile(floor, 50):.2f} ms, p99 {percentile(floor, 99):.2f} ms")
        for rate in arguments.rates:
            taken = latency(ppl, who, rate, arguments.seconds)
            p50, p99 = percentile(taken, 50), percentile(taken, 99)
            print(
                f"{rate:,} lines/s: p50 {p50:.2f} ms, p99 {p99:.2f} ms, most {max(taken):.2f} ms; "
                f"p50 is {p50 / percentile(floor, 50):.1f} commits of one row",
                flush=True,
            )


if __name__ == "__main__":
    main()
