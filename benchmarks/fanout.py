"""Milliseconds from a sender's write to each of hundreds of viewers of one destination, beside a floor in the same run.

Run ``python -m benchmarks.fanout`` from the project's root. The floor is Autobahn alone, which broadcasts the same
lines without parsing or storing them. ``--against PATH`` measures another working tree of Ppl as well. Every viewer
must get every event, once and in order. With ``--single``, viewers take one event a frame, as in the founding document.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import socket
import statistics
import time
from array import array
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs

from benchmarks.broadcast import broadcast
from benchmarks.crowd import Seen, milliseconds, watch
from benchmarks.running import running_ppl, spread
from ppl.live.audience import SECONDS_EACH
from ppl.live.gathering import TICK_SECONDS
from tests.fixtures.running import Registered

#: 154 bytes with its newline.
LINE = "<134>1 - web-01 access.log - - - #%08d GET /api/v1/orders?page=3 HTTP/1.1 200 5123 0.012 Mozilla/5.0"

_spawn = multiprocessing.get_context("spawn")


@attrs.frozen
class Server:
    """A server to measure: the viewers' address and account, the port for lines, and the id of its process."""

    url: str
    who: Registered
    port: int
    pid: int

    def cpu(self) -> float:
        """Seconds of processor time that the process has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@attrs.frozen
class Result:
    """Figures of one server: what all viewers saw, and how many cores its process kept busy."""

    seen: list[Seen]
    cores: float

    @property
    def complete(self) -> int:
        """How many viewers got every event once and in order."""
        return sum(each.complete for each in self.seen)

    def milliseconds(self, percent: float) -> float:
        """The milliseconds within which ``percent`` of all events arrived, rounded up to a tenth."""
        return milliseconds(sum((each.tenths for each in self.seen), Counter()), percent)


@contextmanager
def ppl(viewers: int, tree: Path | None = None) -> Iterator[Server]:
    """Run this Ppl, or the one in another working ``tree``."""
    environment = {"PPL_MAX_VIEWERS": str(viewers)}
    if tree is not None:
        environment["PYTHONPATH"] = os.pathsep.join([str(tree), str(tree / "src")])
    with running_ppl(**environment) as (process, who):
        yield Server(process.url, who, who.port, process.pid)


@contextmanager
def floor(viewers: int) -> Iterator[Server]:
    """Run Autobahn alone, at the ticks of Ppl."""
    here, there = _spawn.Pipe()
    process = _spawn.Process(target=broadcast, args=(max(TICK_SECONDS, viewers * SECONDS_EACH), there))
    process.start()
    viewer_port, line_port = here.recv()
    try:
        who = Registered("", "", "", "127.0.0.1", line_port, f"127.0.0.1:{line_port}")
        yield Server(f"http://127.0.0.1:{viewer_port}", who, line_port, process.pid or 0)
    finally:
        process.kill()
        process.join()


def measure(server: Server, arguments: argparse.Namespace) -> Result:
    """Have the viewers watch while the lines are sent, one for each write."""
    count = arguments.rate * arguments.seconds
    size = arguments.viewers // arguments.processes
    pipes, crowds = [], []
    for _ in range(arguments.processes):
        here, there = _spawn.Pipe()
        settings = (server.url, server.who, size, count, not arguments.single, arguments.seconds, there)
        crowds.append(_spawn.Process(target=watch, args=settings))
        crowds[-1].start()
        pipes.append(here)
    for pipe in pipes:
        assert pipe.recv() == "ready"
    sent = array("q")
    cpu = server.cpu()
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        start = time.monotonic()
        for number in range(count):
            wait = start + number / arguments.rate - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            line = (LINE % number).ljust(153, "x") + "\n"
            sent.append(time.monotonic_ns())
            connection.sendall(line.encode())
        for pipe in pipes:
            assert pipe.recv() == "done"
    cores = (server.cpu() - cpu) / (time.monotonic() - start)
    for pipe in pipes:
        pipe.send(sent)
    seen = [pipe.recv() for pipe in pipes]
    for crowd in crowds:
        crowd.join()
    return Result(seen, cores)


def text_of(name: str, result: Result, arguments: argparse.Namespace) -> str:
    """One server's figures, as a line of text."""
    viewers = arguments.viewers // arguments.processes * arguments.processes
    frames = sum(each.frames for each in result.seen) / viewers / arguments.seconds
    return (
        f"{name}: {result.complete} of {viewers} viewers got all {arguments.rate * arguments.seconds:,} events; "
        f"p50 {result.milliseconds(50):.1f} ms, p99 {result.milliseconds(99):.1f} ms, "
        f"most {result.milliseconds(100):.1f} ms; {frames:.0f} frames/s each, {result.cores:.2f} cores"
    )


def main() -> None:
    """Parse the arguments, measure each server in turn, print the figures and the ratios of the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--viewers", type=int, default=500)
    parser.add_argument("--rate", type=int, default=1000, help="lines a second")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--processes", type=int, default=2, help="processes that share the viewers")
    parser.add_argument("--single", action="store_true", help="viewers that take one event a frame")
    parser.add_argument("--against", type=Path, metavar="PATH", help="another working tree of Ppl")
    arguments = parser.parse_args()
    servers = {"Ppl": lambda: ppl(arguments.viewers), "Autobahn alone": lambda: floor(arguments.viewers)}
    if arguments.against is not None:
        servers["the other Ppl"] = lambda: ppl(arguments.viewers, arguments.against.resolve())
    taken: dict[str, list[float]] = {name: [] for name in servers}
    for _ in range(arguments.rounds):
        for name, start in servers.items():
            with start() as server:
                result = measure(server, arguments)
            taken[name].append(result.milliseconds(99))
            print(text_of(name, result, arguments), flush=True)
    for name, each in taken.items():
        print(f"p99 of {name}: {spread(each)} ms")
        if name != "Ppl":
            ratio = statistics.median(taken["Ppl"]) / statistics.median(each)
            print(f"ratio to {name}: {ratio:.2f}")


if __name__ == "__main__":
    main()
