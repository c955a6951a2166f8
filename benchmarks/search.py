"""Milliseconds of pages, searches and histograms over ten million events while lines come in, beside ``grep``.

Run ``python -m benchmarks.search`` from the project's root. A hundred clients' lines are made in the slots of a running
Ppl (:mod:`benchmarks.history`). Ppl seals the past slots; the newest slot is open and as full as the others. Then one
reader asks questions for ``--seconds`` (:mod:`benchmarks.questions`) while ``--rate`` lines a second come in over TCP.
A tenth of them are the searching client's; each line is timed to a WebSocket client. The same run also measures
``grep -F`` and ripgrep, where installed, over the searching client's lines and over all lines in a file; bytes per
event; and what the one joint text costs against separate columns.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import socket
import subprocess
import time
from array import array
from pathlib import Path

from benchmarks.crowd import Seen, milliseconds, watch
from benchmarks.history import History, make_history
from benchmarks.questions import Taken, ask
from benchmarks.running import percentile, running_ppl
from ppl.search.sql import searched
from tests.fixtures.database import as_administrator, execute
from tests.fixtures.running import PplProcess, Registered

_HEAD = b"<134>1 - web-01 access.log - - - #%08d "
#: Messages of the lines, in turn; they resemble those of the history.
_SAID = (b"connection to db-01:5432 timed out after 3000 ms (attempt %d), retrying request_id=%016x\n",) + 8 * (
    b"GET /api/v1/orders?page=%d HTTP/1.1 200 request_id=%016x\n",
)

#: Upper bounds of the issue about search: kind → (percentile, ms).
BARS = {
    "page, newest": (99, 10),
    "page, any depth": (99, 10),
    "page, oldest": (99, 10),
    "page, up to the oldest": (99, 10),
    "word, once": (95, 200),
    "word, once in the open slot": (95, 200),
    "word, nowhere": (100, 1000),
    "words, nowhere, of frequent parts": (100, 1000),
    "word, nowhere, but with others": (100, 1000),
    "first page of a word in 2 of 3 events": (95, 20),
    "histogram of 24 h": (95, 50),
}

#: Seconds that the sender sleeps at least when it is ahead of its rate; then it sends all lines that are due.
_TURN = 0.002

_spawn = multiprocessing.get_context("spawn")


class Load:
    """``rate`` lines a second from two senders for ``seconds``; each line is timed to a viewer of its client.

    Every tenth line is the searching client's, the first of the two. The viewers take many events in a frame, as the
    page does.
    """

    def __init__(self, url: str, clients: tuple[Registered, Registered], rate: int, seconds: int) -> None:
        self._clients, self._rate, self._seconds = clients, rate, seconds
        self._counts = (rate * seconds // 10, rate * seconds - rate * seconds // 10)
        self._pipes, self._watching = [], []
        for who, count in zip(clients, self._counts, strict=True):
            here, there = _spawn.Pipe()
            process = _spawn.Process(target=watch, args=(url, who, 1, count, True, seconds, there))
            process.start()
            there.close()
            assert here.recv() == "ready"
            self._pipes.append(here)
            self._watching.append(process)

    def run(self) -> list[Seen]:
        """Send the lines; gives what the two viewers saw."""
        sent = (array("q"), array("q"))
        sockets = [socket.create_connection(("127.0.0.1", who.port)) for who in self._clients]
        for each in sockets:
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        start = time.monotonic()
        total = sum(self._counts)
        for number in range(total):
            wait = start + number / self._rate - time.monotonic()
            if wait > 0:
                time.sleep(max(wait, _TURN))
            which = 0 if number % 10 == 0 else 1
            own = len(sent[which])
            line = _HEAD % own + _SAID[own % 9] % (own // 9 % 20, time.monotonic_ns())
            sent[which].append(time.monotonic_ns())
            sockets[which].sendall(line)
        for each in sockets:
            each.close()
        seen = []
        for pipe, process, times in zip(self._pipes, self._watching, sent, strict=True):
            assert pipe.recv() == "done"
            pipe.send(times)
            seen.append(pipe.recv())
            process.join()
        return seen


def under_load(
    history: History, ppl: PplProcess, clients: tuple[Registered, Registered], rate: int, seconds: int
) -> tuple[Taken, list[Seen]]:
    """Ask while lines come in."""
    here, there = _spawn.Pipe()
    # Ask for a little less, so that lines come in until the last answer.
    asking = _spawn.Process(target=ask, args=(history, ppl.url, clients[0], seconds * 0.8, there))
    asking.start()
    there.close()
    assert here.recv() == "ready"
    seen = Load(ppl.url, clients, rate, seconds).run()
    taken: Taken = here.recv()
    asking.join()
    return taken, seen


def report(taken: Taken, seen: list[Seen]) -> None:
    """Print the percentiles of each kind, and whether it keeps its bar."""
    for name, values in taken.items():
        p50, p95, p99 = (percentile(values, percent) for percent in (50, 95, 99))
        bar = ""
        if name in BARS:
            percent, most = BARS[name]
            bar = f"; p{percent} at most {most} ms: {'yes' if percentile(values, percent) <= most else 'NO'}"
        print(
            f"{name}: p50 {p50:.1f}, p95 {p95:.1f}, p99 {p99:.1f}, most {max(values):.1f} ms of {len(values)}{bar}",
            flush=True,
        )
    ratio = percentile(taken["regular expression, once"], 50) / percentile(taken["its literal"], 50)
    print(f"regular expression with a literal part: {ratio:.2f} times its literal")
    for name, each in zip(("the searching client's", "another's"), seen, strict=True):
        print(
            f"lines, {name}: p50 {milliseconds(each.tenths, 50):.1f}, p99 {milliseconds(each.tenths, 99):.1f} ms;"
            f" complete: {each.complete}"
        )


def beside(history: History, word: str) -> None:
    """Print how long ``grep -F`` and ripgrep search for ``word`` in the lines as a file that is in memory."""
    administrator = as_administrator(history.dsn, "ppl")
    ((directory,),) = execute(administrator, "SHOW data_directory")
    text = "concat_ws(' ', to_timestamp(id / 1e6), hostname, host(sender_ip), file_name, message)"
    for name, condition in (
        ("the searching client's lines", f"destination_id = {history.searcher}"),
        ("all lines", "true"),
    ):
        path = Path(directory) / "lines.txt"
        execute(administrator, f"COPY (SELECT {text} FROM event WHERE {condition}) TO '{path}'")
        size = os.path.getsize(path)
        with path.open("rb") as file:
            while file.read(1 << 24):
                pass
        for tool in (["grep", "-F", "-c"], ["grep", "-F", "-i", "-c"], ["rg", "-F", "-c"], ["rg", "-F", "-i", "-c"]):
            if shutil.which(tool[0]) is None:
                continue
            start = time.monotonic()
            subprocess.run(
                [*tool, word, str(path)], env={**os.environ, "LC_ALL": "C.UTF-8"}, stdout=subprocess.PIPE, check=False
            )
            print(f"{' '.join(tool[:-1])}, {name} ({size / 1e6:,.0f} MB): {(time.monotonic() - start) * 1000:,.0f} ms")
        path.unlink()


def sizes(history: History) -> None:
    """Print the bytes per event of the sealed slots."""
    ((table, key, text, count),) = history.rows(
        "SELECT sum(pg_relation_size('event_' || lower)), sum(pg_relation_size('event_' || lower || '_pkey')),"
        " sum((SELECT sum(pg_relation_size(indexrelid)) FROM pg_index"
        "  WHERE indrelid = ('event_' || lower)::regclass AND NOT indisprimary)),"
        " (SELECT sum(count) FROM event_count c JOIN slot s ON s.lower = c.slot_lower WHERE s.indexed_at IS NOT NULL)"
        " FROM slot WHERE indexed_at IS NOT NULL"
    )
    print(f"bytes per event: table {table / count:.0f}, primary key {key / count:.0f}, text index {text / count:.0f}")


def joint_text(history: History) -> None:
    """Print what the one joint text costs against separate columns, in a copy of a slot without an index."""
    administrator = as_administrator(history.dsn, "ppl")
    source = f"event_{history.lowers[-1]}"
    execute(administrator, f"CREATE TABLE twin AS SELECT * FROM {source}")
    execute(administrator, "VACUUM (ANALYZE) twin")
    columns = ("message", "file_name", "hostname", "host(sender_ip)", "procid", "msgid", "structured_data")
    separate = " OR ".join(f"{each} ILIKE '%q7zx%'" for each in columns)
    times = {}
    for name, condition in (("joint", f"{searched()} LIKE '%q7zx%'"), ("separate", separate)):
        taken = []
        for _ in range(5):
            start = time.monotonic()
            execute(
                administrator,
                f"SET max_parallel_workers_per_gather = 0; SELECT count(*) FROM twin WHERE {condition}",
            )
            taken.append(time.monotonic() - start)
        times[name] = percentile(taken, 50)
    message = searched().replace(searched()[7 : searched().index(") COLLATE")], "message")
    for name, expression in (("joint", searched()), ("message", message)):
        execute(administrator, f"CREATE INDEX twin_{name} ON twin USING gin (({expression}) gin_trgm_ops)")
    ((ratio,),) = execute(
        administrator, "SELECT pg_relation_size('twin_joint')::float / pg_relation_size('twin_message')"
    )
    execute(administrator, "DROP TABLE twin")
    print(f"one scan of the joint text: {times['joint'] / times['separate']:.2f} of the time of seven ILIKE")
    print(f"its index: {ratio:.2f} times the size of one on the message alone")


def main() -> None:
    """Parse the arguments, make the lines, ask, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--slots", type=int, default=25, help="number of slots, of an hour each, the last one open")
    parser.add_argument("--rate", type=int, default=5000, help="lines a second that come in meanwhile")
    parser.add_argument("--seconds", type=int, default=90)
    arguments = parser.parse_args()
    with running_ppl() as (ppl, who):
        other = ppl.register("other@example.com")
        ((searcher,),) = ppl.rows("SELECT id FROM destination WHERE port = %s", who.port)
        start = time.monotonic()
        history = make_history(ppl.dsn, searcher, arguments.events, arguments.slots)
        execute(as_administrator(ppl.dsn, "ppl"), "CHECKPOINT")
        took = time.monotonic() - start
        print(f"{arguments.events:,} events in {arguments.slots} slots, made and sealed in {took:.0f} s")
        sizes(history)
        taken, seen = under_load(history, ppl, (who, other), arguments.rate, arguments.seconds)
        report(taken, seen)
        beside(history, "00c0ffee00c0ffee")
        joint_text(history)


if __name__ == "__main__":
    main()
