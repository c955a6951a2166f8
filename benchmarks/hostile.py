"""A quiet client's latency without and with each attack of ``tests/fixtures/hostile.py``, in the same run.

Run ``python -m benchmarks.hostile`` from the project's root. An attack goes to another client's port or to the site's.
The quiet client sends 50 lines a second, and a viewer watches them. The viewer and the attacker are processes of their
own; times are of the machine's monotonic clock. The first row is without an attack. The last column is the highest
resident memory of Ppl's process.
"""

from __future__ import annotations

import argparse
import multiprocessing
import threading
import time
from typing import Any

from benchmarks.running import percentile, resident, running_ppl
from benchmarks.stopwatch import latency
from tests.fixtures.hostile import (
    ACCOUNT_ATTACKS,
    ATTACKS,
    BODY_ATTACKS,
    SITE_ATTACKS,
    attack_from,
    attack_with,
    upload_from,
)
from tests.fixtures.running import PplProcess, Registered

NAMES = [*ATTACKS, *ACCOUNT_ATTACKS, *BODY_ATTACKS]

#: The attacked destination holds 300 of these, for attacks that ask for its pages.
LONGEST = b"<13>" + b"long " * 19_600 + b"\n"


class Most(threading.Thread):
    """Measures the highest resident memory of a process until stopped."""

    def __init__(self, pid: int) -> None:
        super().__init__()
        self._pid = pid
        self._stop_looking = threading.Event()
        self.megabytes = 0

    def run(self) -> None:
        while not self._stop_looking.wait(0.05):
            self.megabytes = max(self.megabytes, int(resident(self._pid)))

    def stop(self) -> int:
        """Stop measuring; gives the highest, in MB."""
        self._stop_looking.set()
        self.join()
        return self.megabytes


def settle(ppl: PplProcess) -> None:
    """Wait until nothing more is stored: the kernel buffers megabytes of a connection, even after its sender left."""
    before = -1
    while True:
        ((stored,),) = ppl.rows("SELECT coalesce(sum(count), 0) FROM event_count")
        if stored == before:
            return
        before = stored
        time.sleep(1)


def under(
    name: str, ppl: PplProcess, quiet: Registered, attacked: Registered, rate: int, seconds: int
) -> tuple[list[float], int]:
    """Run the attack ``name``; gives the quiet client's latencies in ms, and Ppl's highest memory in MB."""
    attacker = None
    address = f"127.0.1.{1 + NAMES.index(name)}" if name in NAMES else ""
    if name in ACCOUNT_ATTACKS:
        arguments: tuple[Any, ...] = (address, name, attacked.host, ppl.http_port, seconds + 2.0)
        attacker = multiprocessing.Process(target=attack_with, args=(ppl.create_token(attacked), *arguments))
    elif name in BODY_ATTACKS:
        body = BODY_ATTACKS[name][1]()
        token = ppl.create_drain(attacked)
        arguments = (token, address, name, body, attacked.host, ppl.drain_port, seconds + 2.0)
        attacker = multiprocessing.Process(target=upload_from, args=arguments)
    elif name in ATTACKS:
        port = ppl.http_port if name in SITE_ATTACKS else attacked.port
        attacker = multiprocessing.Process(target=attack_from, args=(address, name, attacked.host, port, seconds + 2.0))
    if attacker is not None:
        attacker.start()
    most = Most(ppl.pid)
    most.start()
    taken = latency(ppl, quiet, rate, seconds)
    if attacker is not None:
        attacker.join()
    return taken, most.stop()


def main() -> None:
    """Parse the arguments, run the attacks one after the other, print a row for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=50, help="lines a second of the quiet client")
    parser.add_argument("--seconds", type=int, default=6, help="length of each attack")
    parser.add_argument("--only", nargs="+", default=NAMES, help="names of attacks")
    arguments = parser.parse_args()
    print(f"{'':36} {'p50 ms':>8} {'p99 ms':>8} {'most ms':>8} {'MB':>6}")
    with running_ppl() as (ppl, quiet):
        attacked = ppl.register()
        ppl.send(attacked.port, LONGEST * 300)
        for name in ("nothing else", *arguments.only):
            taken, megabytes = under(name, ppl, quiet, attacked, arguments.rate, arguments.seconds)
            figures = (percentile(taken, 50), percentile(taken, 99), max(taken))
            print(f"{name:36} {' '.join(f'{figure:8.1f}' for figure in figures)} {megabytes:6}", flush=True)
            settle(ppl)
        print(f"log: {ppl.text().count('#warn]')} warnings, {ppl.text().count('Traceback')} tracebacks")


if __name__ == "__main__":
    main()
