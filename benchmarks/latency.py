"""Milliseconds from a sender's write to a WebSocket client, beside PostgreSQL's own commit of one row in the same run.

Run ``python -m benchmarks.latency`` from the project's root. Up to 5,000 lines a second, the viewer takes one event a
frame, as in the founding document, and each line is one write. Above that, the sender writes every millisecond and the
viewer takes batches.
"""

from __future__ import annotations

import argparse
import time
from contextlib import closing

import psycopg2

from benchmarks.running import percentile, running_ppl
from benchmarks.stopwatch import latency, summary


def commits(dsn: str, count: int = 500) -> list[float]:
    """Milliseconds of durable one-row commits, one after the other: the floor under every other figure."""
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
    parser.add_argument("--rates", type=int, nargs="+", default=[100, 1000, 5000, 20_000])
    parser.add_argument("--seconds", type=int, default=10)
    arguments = parser.parse_args()
    with running_ppl() as (ppl, who):
        floor = commits(ppl.dsn)
        print(f"PostgreSQL alone, one row: {summary(floor)}")
        for rate in arguments.rates:
            taken = latency(ppl, who, rate, arguments.seconds)
            ratio = percentile(taken, 50) / percentile(floor, 50)
            print(f"{rate:,} lines/s: {summary(taken)}; p50 is {ratio:.1f} commits of one row", flush=True)


if __name__ == "__main__":
    main()
