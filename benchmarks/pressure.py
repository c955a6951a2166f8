"""Ppl's memory under a full flood while PostgreSQL is frozen for a part of it, and whether every line was stored.

Run ``python -m benchmarks.pressure`` from the project's root. After a third of the time, SIGSTOP freezes all of
PostgreSQL's processes for a sixth of it. At the end, Ppl is stopped in order and started again, and the rows are
counted.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import signal
import socket
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from pathlib import Path

from benchmarks.ingest import lines
from benchmarks.running import resident, running_ppl, verdict
from tests.fixtures.running import PplProcess, eventually

#: Most MB of memory that Ppl may hold at any time (issue 3).
BAR = 300.0

_LINES = 20_000


def flood(port: int, stop: Event, pipe: Connection) -> None:
    """Run in a process of its own: send until ``stop``, wait until Ppl has read everything, report the lines sent."""
    data = lines(_LINES)
    sent = 0
    with socket.create_connection(("127.0.0.1", port)) as connection:
        while not stop.is_set():
            connection.sendall(data)
            sent += _LINES
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096):
            pass
    pipe.send(sent)


def postgres_processes(ppl: PplProcess) -> list[int]:
    """Ids of PostgreSQL's main process and of its children, in this order."""
    directory = Path(ppl.environment["PPL_DATA_DIR"], "postgres")
    first = int((directory / "postmaster.pid").read_text("ascii").split()[0])
    children = Path(f"/proc/{first}/task/{first}/children").read_text("ascii").split()
    return [first, *map(int, children)]


def signal_postgres(ppl: PplProcess, number: int) -> None:
    """Send a signal to each of PostgreSQL's processes."""
    for pid in postgres_processes(ppl):
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def main() -> None:
    """Parse the arguments, flood, freeze, count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--senders", type=int, default=2)
    arguments = parser.parse_args()
    seconds = arguments.seconds
    with running_ppl() as (ppl, who):
        print(f"at rest: {resident(ppl.pid):.0f} MB")
        stop = multiprocessing.Event()
        here, there = multiprocessing.Pipe()
        flooders = [
            multiprocessing.Process(target=flood, args=(who.port, stop, there)) for _ in range(arguments.senders)
        ]
        for flooder in flooders:
            flooder.start()
        for name, share, number in (
            ("before", 1 / 3, None),
            ("frozen", 1 / 6, signal.SIGSTOP),
            ("after", 1 / 2, signal.SIGCONT),
        ):
            if number is not None:
                signal_postgres(ppl, number)
            most = _most_resident(ppl, seconds * share)
            print(f"{name} ({seconds * share:g} s): most {most:.0f} MB", flush=True)
        stop.set()
        sent = sum(here.recv() for _ in flooders)
        for flooder in flooders:
            flooder.join()
        most = resident(ppl.pid, "VmHWM")
        ppl.stop()
        ppl.start()
        ((stored,),) = ppl.rows("SELECT count(*) FROM event")
    print(f"sent {sent:,} lines, stored {stored:,}: {sent - stored:,} lost")
    print(f"most resident memory: {most:.0f} MB; {verdict(most, BAR, 'MB')}")


def _most_resident(ppl: PplProcess, seconds: float) -> float:
    """Ppl's highest resident memory in MB over ``seconds``, measured every 20 ms."""
    end = time.monotonic() + seconds
    most = [0.0]

    def is_over() -> bool:
        most[0] = max(most[0], resident(ppl.pid))
        return time.monotonic() > end

    eventually(is_over, "the time is over", seconds + 60)
    return most[0]


if __name__ == "__main__":
    main()
