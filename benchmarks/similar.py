"""Seconds and megabytes of grouping a million lines by their shape, and a quiet client's latency meanwhile.

Run ``python -m benchmarks.similar`` from the project's root. ``--events`` lines of several programs (access logs,
requests with ids, JSON, tracebacks, pods, a firewall) are put into the slots of the last six hours, as ingest would
have left them. Then ``/api/similar`` is asked ``--times`` times, and the highest resident memory of its process is
read. The same run also measures ``COPY`` of the same messages into a file, ``sort | uniq -c`` of that file, and the
time that another client's lines take to a WebSocket, with and without a grouping under way.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from io import StringIO
from pathlib import Path
from threading import Thread
from typing import Any

import psycopg2

from benchmarks.history import HOUR, make_slots
from benchmarks.running import percentile, resident, running_ppl, spread, verdict
from benchmarks.stopwatch import latency
from tests.fixtures.database import BY_SEVERITY, as_administrator, execute
from tests.fixtures.running import PplProcess, Registered

_SECONDS, _MEGABYTES, _MILLISECONDS = 3.0, 50.0, 50.0
_HOURS = 6
_USERS = ("alice", "bob", "carol", "dave", "erin", "mallory", "trent")
_SAFE = "bcdfghjklmnpqrstvwxz2456789"


def messages(count: int, seed: int = 5) -> Iterator[tuple[str, int, str]]:
    """Lines as several programs write them, as ``(program, severity, message)``."""
    drawn = random.Random(seed)

    def digits(most: int) -> int:
        return drawn.randrange(most)

    def ip() -> str:
        return ".".join(str(1 + digits(254)) for _ in range(4))

    def identifier(length: int) -> str:
        return f"{drawn.getrandbits(4 * length):0{length}x}"

    kinds: tuple[tuple[float, Callable[[], tuple[str, int, str]]], ...] = (
        (0.30, lambda: ("nginx", 6, f'{ip()} - - [30/Nov/2026:09:{digits(60):02}:{digits(60):02} +0000] '
         f'"GET /api/v1/orders/{digits(10**6)}?page={digits(50)} HTTP/1.1" 200 {digits(9999)} "-" "Mozilla/5.0"')),
        (0.15, lambda: ("pool", 4, f"connection to db-{digits(9):02}:5432 timed out after {digits(9000)} ms"
         f" (attempt {digits(5)}), retrying request_id={identifier(16)}")),
        (0.10, lambda: ("orders", 6, f'{{"level":"info","msg":"order shipped","order":{digits(10**7)},"user":'
         f'"{drawn.choice(_USERS)}","trace_id":"{uuid.UUID(int=drawn.getrandbits(128))}","took":{digits(99) / 8}}}')),
        (0.10, lambda: ("sshd", 6, f"Accepted publickey for {drawn.choice(_USERS)} from {ip()} port {digits(65536)}"
         f" ssh2: RSA SHA256:{identifier(32)}")),
        (0.05, lambda: ("worker", 3, 'Traceback (most recent call last): File "/srv/app/worker.py", line '
         f"{digits(400)}, in run: ValueError: bad value '{drawn.choice(_USERS)}{digits(99)}'")),
        (0.10, lambda: ("kubelet", 6, f"pod/api-{identifier(10)}-{''.join(drawn.choices(_SAFE, k=5))}"
         f" Started container web in {digits(100)}ms")),
        (0.10, lambda: ("kernel", 4, f"[UFW BLOCK] IN=eth0 OUT= MAC={':'.join(identifier(2) for _ in range(14))} "
         f"SRC={ip()} DST={ip()} LEN={digits(1500)} TTL={digits(255)} ID={digits(65536)} PROTO=TCP DPT=22")),
        (0.10, lambda: ("cron", 5, drawn.choice(("session opened for user root(uid=0) by (uid=0)", "health check ok",
         "Reloading configuration")) + f" #{digits(1000)}")),
    )  # fmt: skip
    chosen = drawn.choices([make for _, make in kinds], [share for share, _ in kinds], k=count)
    for make in chosen:
        yield make()


def fill(dsn: str, destination: int, events: int) -> None:
    """Store the lines over the last hours, as ingest would have."""
    now = int(time.time() * 1_000_000)
    first = now - now % HOUR - (_HOURS - 1) * HOUR
    make_slots(dsn, first, now)
    step = (now - 5_000_000 - first) // events
    with closing(psycopg2.connect(dsn)) as connection, connection, connection.cursor() as cursor:
        made = messages(events)
        for begin in range(0, events, 50_000):
            rows = StringIO()
            for number in range(begin, min(events, begin + 50_000)):
                program, severity, message = next(made)
                at = first + number * step
                rows.write(f"{destination}\t{at}\t{at}\t192.0.2.7\t16\t{severity}\tweb-01\t{program}\t{message}\n")
            rows.seek(0)
            cursor.copy_expert(
                "COPY event (destination_id, id, created_at, sender_ip, facility, severity, hostname, file_name,"
                " message) FROM STDIN",
                rows,
            )
        cursor.execute(
            "INSERT INTO event_count SELECT destination_id, lower, count(*), max(id) FROM event JOIN slot"
            " ON id >= lower AND id < upper GROUP BY 1, 2;"
            f"INSERT INTO event_minute SELECT destination_id, id / 60000000, {BY_SEVERITY} FROM event GROUP BY 1, 2"
        )
    execute(as_administrator(dsn, "ppl"), "VACUUM (ANALYZE) event")
    execute(as_administrator(dsn, "ppl"), "CHECKPOINT")


class Grouped:
    """One request: seconds to the first report and to the last, and the last report itself."""

    def __init__(self, ppl: PplProcess, who: Registered) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", ppl.http_port, timeout=120)
        start = time.monotonic()
        connection.request("GET", f"/api/similar?user_id={who.user_id}", headers={"Cookie": who.cookie_header})
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        self.groups: dict[str, dict[str, Any]] = {}
        self.first = 0.0
        self.bytes = 0
        for line in answer:
            self.first = self.first or time.monotonic() - start
            self.bytes += len(line)
            self.last: dict[str, Any] = json.loads(line)
            for each in self.last.get("groups", []):
                self.groups[each["key"]] = {**self.groups.get(each["key"], {}), **each}
        self.seconds = time.monotonic() - start
        connection.close()


def workers(ppl: PplProcess) -> list[int]:
    """Ids of the processes that group lines for this Ppl."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            command = Path(f"/proc/{name}/cmdline").read_bytes()
            parent = int(Path(f"/proc/{name}/stat").read_text("ascii").rpartition(")")[2].split()[1])
        except OSError:
            continue
        if b"ppl.similar.worker" in command and parent == ppl.pid:
            found.append(int(name))
    return found


def processor_seconds(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def beside(dsn: str, destination: int) -> None:
    """Print how long other tools take over the same lines."""
    select = f"SELECT message FROM event WHERE destination_id = {destination} ORDER BY id DESC"
    with tempfile.NamedTemporaryFile() as file, closing(psycopg2.connect(dsn)) as connection:
        start = time.monotonic()
        connection.cursor().copy_expert(f"COPY ({select}) TO STDOUT", file, 1 << 20)
        print(f"COPY of the messages into a file: {time.monotonic() - start:.2f} s")
        start = time.monotonic()
        subprocess.run(
            f"sort {file.name} | uniq -c > /dev/null", shell=True, check=True, env={**os.environ, "LC_ALL": "C"}
        )
        print(f"sort | uniq -c of that file, which groups equal lines only: {time.monotonic() - start:.2f} s")


def main() -> None:
    """Parse the arguments, make the lines, ask, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--rate", type=int, default=200, help="lines a second of the quiet client")
    arguments = parser.parse_args()
    with running_ppl() as (ppl, who):
        quiet = ppl.register("quiet@example.com")
        ((destination,),) = ppl.rows("SELECT id FROM destination WHERE port = %s", who.port)
        fill(ppl.dsn, destination, arguments.events)
        runs = [Grouped(ppl, who) for _ in range(arguments.times)]
        busy = processor_seconds(workers(ppl)[0]) / arguments.times
        last = runs[-1]
        assert last.last["complete"], last.last
        assert last.last["read"] == arguments.events, last.last
        seconds = [run.seconds for run in runs]
        print(
            f"{arguments.events:,} lines in {len(last.groups)} groups: {spread(seconds, '{:.2f}')} s, the first report"
            f" after {spread([run.first for run in runs], '{:.2f}')} s, {last.bytes / 1e3:.0f} kB;"
            f" {verdict(sorted(seconds)[len(seconds) // 2], _SECONDS, 's')}"
        )
        print(f"each grouping took {busy:.2f} s of the grouping process's processor time; it may use one core")
        for each in sorted(last.groups.values(), key=lambda group: -group["count"])[:8]:
            print(f"  {each['count']:9,}  {each['text'][:90]}")
        pid = workers(ppl)[0]
        print(
            f"highest memory of the grouping process: {resident(pid, 'VmHWM'):.0f} MB;"
            f" {verdict(resident(pid, 'VmHWM'), _MEGABYTES, 'MB')}"
        )
        beside(ppl.dsn, destination)
        alone = latency(ppl, quiet, arguments.rate, 10)
        over = False

        def group() -> None:
            while not over:
                Grouped(ppl, who)

        thread = Thread(target=group)
        thread.start()
        under = latency(ppl, quiet, arguments.rate, 10)
        over = True
        thread.join()
        print(
            f"a quiet client's lines, p99: {percentile(alone, 99):.1f} ms alone, {percentile(under, 99):.1f} ms while"
            f" lines are grouped; {verdict(percentile(under, 99), _MILLISECONDS, 'ms')}"
        )


if __name__ == "__main__":
    main()
