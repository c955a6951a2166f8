"""Ten thousand destinations: how soon all listen, and what memory they and as many idle senders take.

Run ``python -m benchmarks.scale`` from the project's root. The senders are sockets of a helper process, one to each
destination, from twenty addresses of this machine. There are as many as the limit on open files lets Ppl accept; the
limit of connections from one address is raised.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import socket
import time
from multiprocessing.connection import Connection

from benchmarks.running import resident, running_ppl, verdict
from tests.fixtures.running import PplProcess, eventually

#: Upper bounds of issue 3: seconds until all listen, MB of Ppl's process then, KB (10^3 bytes) of an idle connection.
START_BAR, MEMORY_BAR, CONNECTION_BAR = 10.0, 250.0, 8.0

_ADDRESSES = 20
_SPARE_FILES = 100
_LINE = b"<134>1 - web-01 access.log - - - GET /api/v1/orders\n"


def connect(ports: range, count: int, pipe: Connection) -> None:
    """Run in a process of its own: connect, send a line over each connection when told to, and wait for the end."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    connections = []
    for number in range(count):
        address = f"127.0.0.{2 + number % _ADDRESSES}"
        port = ports[number % len(ports)]
        connections.append(socket.create_connection(("127.0.0.1", port), 30, source_address=(address, 0)))
    pipe.send("connected")
    pipe.recv()
    for connection in connections:
        connection.sendall(_LINE)
    pipe.send("sent")
    pipe.recv()


def listening(ports: range) -> int:
    """How many of ``ports`` are open for TCP on this machine."""
    wanted = {f"{port:04X}" for port in ports}
    with open("/proc/net/tcp", encoding="ascii") as table:
        rows = [line.split() for line in table]
    return len({local.rpartition(":")[2] for _, local, _, state, *_ in rows[1:] if state == "0A"} & wanted)


def open_files(ppl: PplProcess) -> int:
    """How many files Ppl has open."""
    return len(os.listdir(f"/proc/{ppl.pid}/fd"))


def open_files_limit(ppl: PplProcess) -> int:
    """How many files Ppl may have open."""
    return resource.prlimit(ppl.pid, resource.RLIMIT_NOFILE)[0]


def settled(ppl: PplProcess) -> float:
    """Ppl's resident memory in MB, once it has not changed for a second."""
    seen: list[float] = []

    def is_settled() -> bool:
        seen.append(resident(ppl.pid))
        return len(seen) > 50 and max(seen[-50:]) - min(seen[-50:]) < 0.1

    eventually(is_settled, "memory does not change", 60)
    return seen[-1]


def main() -> None:
    """Parse the arguments, start Ppl with many destinations, connect, print times and memory."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--destinations", type=int, default=10_000)
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--first-port", type=int, default=20_000)
    parser.add_argument("--udp", choices=("on", "off"), default="on")
    arguments = parser.parse_args()
    ports = range(arguments.first_port, arguments.first_port + arguments.destinations)
    here, there = multiprocessing.Pipe()
    with running_ppl(PPL_UDP=arguments.udp, PPL_MAX_CONNECTIONS_PER_ADDRESS="1000000") as (ppl, _):
        print(f"one destination: {settled(ppl):.0f} MB")
        ppl.rows(
            "INSERT INTO destination (host, port, time_zone, created_at)"
            " SELECT '127.0.0.1', port, 'UTC', 0 FROM generate_series(%s, %s) AS port RETURNING id",
            ports[0],
            ports[-1],
        )
        ppl.stop()
        began = time.monotonic()
        ppl.start()
        seconds = time.monotonic() - began
        assert listening(ports) == len(ports), f"{listening(ports)} of {len(ports)} listen"
        before = settled(ppl)
        print(f"{len(ports):,} destinations listen after {seconds:.1f} s; {verdict(seconds, START_BAR, 's')}")
        print(f"with {open_files(ppl):,} open files: {before:.0f} MB; {verdict(before, MEMORY_BAR, 'MB')}", flush=True)
        files = open_files(ppl)
        count = min(arguments.connections, open_files_limit(ppl) - files - _SPARE_FILES)
        sender = multiprocessing.Process(target=connect, args=(ports, count, there), daemon=True)
        sender.start()
        assert here.recv() == "connected"
        eventually(lambda: open_files(ppl) >= files + count, "every connection is taken", 60)
        each = (settled(ppl) - before) * 1000 / count
        print(f"{count:,} idle connections: {each:.1f} KB each; {verdict(each, CONNECTION_BAR, 'KB')}", flush=True)
        here.send("send")
        assert here.recv() == "sent"
        eventually(lambda: ppl.rows("SELECT count(*) FROM event") == [(count,)], "a line of each", 60)
        each = (settled(ppl) - before) * 1000 / count
        print(f"after a line of each: {each:.1f} KB each", flush=True)
        here.send("end")
        sender.join()


if __name__ == "__main__":
    main()
