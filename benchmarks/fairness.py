"""A quiet client's milliseconds from write to viewer, alone and beside another client's flood, in the same run.

Run ``python -m benchmarks.fairness`` from the project's root. The flood is TCP at full speed, from processes of its own
to another destination.
"""

from __future__ import annotations

import argparse
import multiprocessing
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event

from benchmarks.ingest import lines
from benchmarks.running import percentile, running_ppl, verdict
from benchmarks.stopwatch import latency, summary
from tests.fixtures.running import PplProcess, Registered

#: Most milliseconds for a quiet client's line, at the 99th percentile (issue 3).
BAR = 50.0


@contextmanager
def flooding(port: int, senders: int) -> Iterator[None]:
    """Run ``senders`` processes, each of which sends to ``port`` as fast as it can."""
    data = lines(20_000)
    stop = multiprocessing.Event()
    flooders = [multiprocessing.Process(target=_flood, args=(port, data, stop)) for _ in range(senders)]
    for flooder in flooders:
        flooder.start()
    try:
        yield
    finally:
        stop.set()
        for flooder in flooders:
            flooder.join()


def _flood(port: int, data: bytes, stop: Event) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        while not stop.is_set():
            connection.sendall(data)


def stored(ppl: PplProcess, who: Registered) -> int:
    """How many events of the destination of ``who`` are committed."""
    sql = (
        "SELECT coalesce(sum(count), 0) FROM event_count JOIN destination ON destination.id = destination_id"
        " WHERE port = %s"
    )
    ((count,),) = ppl.rows(sql, who.port)
    return int(count)


def main() -> None:
    """Parse the arguments, measure without and with the flood, print the percentiles."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=40, help="the quiet client's lines a second")
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--flooders", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    alone: list[float] = []
    beside: list[float] = []
    with running_ppl() as (ppl, quiet):
        loud = ppl.register()
        for _ in range(arguments.rounds):
            alone += latency(ppl, quiet, arguments.rate, arguments.seconds // arguments.rounds)
            with flooding(loud.port, arguments.flooders):
                time.sleep(1)
                before, start = stored(ppl, loud), time.monotonic()
                beside += latency(ppl, quiet, arguments.rate, arguments.seconds // arguments.rounds)
                rate = (stored(ppl, loud) - before) / (time.monotonic() - start)
            print(f"the flood: {rate:,.0f} rows/s stored", flush=True)
    print(f"alone: {summary(alone)}")
    print(f"beside the flood: {summary(beside)}; p99 is {percentile(beside, 99) / percentile(alone, 99):.1f} times")
    print(verdict(percentile(beside, 99), BAR, "ms"))


if __name__ == "__main__":
    main()
