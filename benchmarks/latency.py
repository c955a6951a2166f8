"""Milliseconds from a sender's write to a WebSocket client, beside PostgreSQL's own commit of one row in the same run.

Run ``python -m benchmarks.latency`` from the project's root. Up to 5,000 lines a second, the viewer takes one event a
frame, as in the founding document, and each line is one write. Above that, the sender writes every millisecond and the
viewer takes batches.

``--fresh`` measures each round on a new database, and says how long the first start took and how many files of the
write-ahead log PostgreSQL had to create for commits meanwhile. Twenty one-row commits a second beside the lines show
how long PostgreSQL's own took in the same minute. ``--against PATH`` measures another working tree of Ppl in turns with
this one. :mod:`benchmarks.wal_files` measures the single commit that enters a new file.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psycopg2

from benchmarks.before import in_tree
from benchmarks.running import percentile, running_ppl, spread
from benchmarks.stopwatch import latency, summary

_PAUSE = 0.05


def commits(dsn: str, count: int = 500, pause: float = 0.0) -> list[float]:
    """Milliseconds of durable one-row commits, ``pause`` seconds apart: the floor under every other figure."""
    taken = []
    with closing(psycopg2.connect(dsn)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute("CREATE TABLE floor (id bigint PRIMARY KEY, message text)")
        for number in range(count):
            start = time.monotonic_ns()
            cursor.execute("INSERT INTO floor VALUES (%s, 'GET /api/v1/orders')", (number,))
            taken.append((time.monotonic_ns() - start) / 1e6)
            time.sleep(pause)
    return taken


def created(dsn: str) -> int:
    """How many files of the write-ahead log were created by processes that had to commit, not ahead of need."""
    # A process tells its counts at most once a second.
    time.sleep(1.5)
    with closing(psycopg2.connect(dsn)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(writes)::bigint FROM pg_stat_io WHERE object = 'wal' AND context = 'init'"
            " AND backend_type IN ('client backend', 'walwriter', 'autovacuum worker')"
        )
        return int((cursor.fetchone() or (0,))[0] or 0)


def fresh(trees: dict[str, Path], rate: int, seconds: int, rounds: int) -> None:
    """Measure ``rate`` on a new database of each tree in turns, print each round and the medians."""
    figures: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in trees}
    for round_ in range(rounds):
        for name in list(trees) if round_ % 2 else list(reversed(trees)):
            began = time.monotonic()
            with running_ppl(**in_tree(trees[name])) as (ppl, who):
                started = time.monotonic() - began
                before = created(ppl.dsn)
                with ThreadPoolExecutor(1) as thread:
                    beside = thread.submit(commits, ppl.dsn, int(seconds / _PAUSE), _PAUSE)
                    taken = latency(ppl, who, rate, seconds)
                    floor = beside.result()
                files = created(ppl.dsn) - before
            figures[name]["first start, s"].append(started)
            figures[name]["p50, ms"].append(percentile(taken, 50))
            figures[name]["p99, ms"].append(percentile(taken, 99))
            figures[name]["longest, ms"].append(max(taken))
            figures[name]["longest one-row commit meanwhile, ms"].append(max(floor))
            figures[name]["files created"].append(files)
            print(f"{name}: {summary(taken)}, {files} files created; one-row commits: {summary(floor)}", flush=True)
    for name, values in figures.items():
        for figure, each in values.items():
            print(f"{name}: {figure}: {spread(each, '{:,.1f}')}")


def main() -> None:
    """Parse the arguments, run each rate, print the percentiles."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rates", type=int, nargs="+", default=[100, 1000, 5000, 20_000])
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--fresh", action="store_true", help="a new database for each round")
    parser.add_argument("--rounds", type=int, default=5, help="with --fresh: how many")
    parser.add_argument("--against", type=Path, metavar="PATH", help="with --fresh: another working tree of Ppl")
    arguments = parser.parse_args()
    if arguments.fresh:
        trees = {"this Ppl": Path(__file__).resolve().parent.parent}
        if arguments.against is not None:
            trees["the other Ppl"] = arguments.against.resolve()
        for rate in arguments.rates:
            print(f"{rate:,} lines/s for {arguments.seconds} s")
            fresh(trees, rate, arguments.seconds, arguments.rounds)
        return
    with running_ppl() as (ppl, who):
        floor = commits(ppl.dsn)
        print(f"PostgreSQL alone, one row: {summary(floor)}")
        for rate in arguments.rates:
            taken = latency(ppl, who, rate, arguments.seconds)
            ratio = percentile(taken, 50) / percentile(floor, 50)
            print(f"{rate:,} lines/s: {summary(taken)}; p50 is {ratio:.1f} commits of one row", flush=True)


if __name__ == "__main__":
    main()
