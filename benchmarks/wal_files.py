"""What it costs the commit that enters a new file of PostgreSQL's write-ahead log, with and without spare files.

Run ``python -m benchmarks.wal_files`` from the project's root. Each round starts the embedded PostgreSQL on a new data
directory for each case, in turns, and commits rows of 8 kB that do not compress, one after the other, until as many
files are used as asked. It prints the milliseconds of the commits that entered a file, and of all others.
"""

from __future__ import annotations

import argparse
import os
import shutil
import time
from collections import defaultdict
from contextlib import closing
from typing import Any

import psycopg2
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import react

from benchmarks.running import percentile, spread
from ppl.store.embedded.server import EmbeddedPostgres
from tests.fixtures.database import as_administrator, short_directory

#: Case → settings. Of as many spare files as ``initdb`` allows, none are written.
CASES = {
    "spare files": {},
    "created, not zero-filled": {"min_wal_size": "80MB"},
    "created, zero-filled": {"min_wal_size": "80MB", "wal_init_zero": "on"},
    "spare files, not recycled": {"wal_recycle": "off"},
}

_ROW_BYTES = 8000


def entering(dsn: str, files: int) -> tuple[list[float], list[float]]:
    """Milliseconds of the commits that entered a file, until ``files`` were entered, and of all others."""
    entered: list[float] = []
    others: list[float] = []
    with closing(psycopg2.connect(as_administrator(dsn))) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute("CREATE TABLE entering (message bytea STORAGE EXTERNAL)")
        file = None
        while len(entered) < files:
            row = os.urandom(_ROW_BYTES)
            start = time.monotonic_ns()
            cursor.execute("INSERT INTO entering VALUES (%s)", (psycopg2.Binary(row),))
            taken = (time.monotonic_ns() - start) / 1e6
            cursor.execute("SELECT pg_walfile_name(pg_current_wal_insert_lsn())")
            (now,) = cursor.fetchone() or (None,)
            (others if now == file else entered).append(taken)
            file = now
    # The first commit enters nothing.
    return entered[1:], others


async def measure(settings: dict[str, str], files: int, figures: dict[str, list[float]]) -> None:
    """Add the figures of one new PostgreSQL with ``settings``."""
    directory = short_directory()
    server = EmbeddedPostgres(reactor, directory / "data", settings=settings)
    try:
        start = time.monotonic()
        await server.startService()
        figures["first start, s"].append(time.monotonic() - start)
        entered, others = entering(server.dsn, files)
        figures["entering a file, ms"] += entered
        figures["other commits, p50, ms"].append(percentile(others, 50))
        figures["p99"].append(percentile(others, 99))
        await server.stopService()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


async def measure_all(rounds: int, files: int) -> None:
    """Measure the cases in turns and print their figures."""
    figures: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in CASES}
    for round_ in range(rounds):
        for name in list(CASES) if round_ % 2 else list(reversed(CASES)):
            await measure(CASES[name], files, figures[name])
    for name, values in figures.items():
        print(f"{name}: " + "; ".join(f"{each} {spread(figure, '{:,.2f}')}" for each, figure in values.items()))


def main() -> None:
    """Parse the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--files", type=int, default=13)
    arguments = parser.parse_args()

    def run(_: Any) -> Deferred[None]:
        return Deferred.fromCoroutine(measure_all(arguments.rounds, arguments.files))

    react(run)


if __name__ == "__main__":
    main()
