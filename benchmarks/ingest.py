"""Durable rows per second from TCP, against raw ``COPY`` of the same rows, and against rsyslog, in the same run.

Run ``python -m benchmarks.ingest`` from the project's root. Each round has three steps. It sends the lines over TCP
into a running Ppl and waits until the last is committed. Then PostgreSQL alone copies the very rows that were stored
from a file into an empty twin of the table. Then the same senders send a part of the same lines to rsyslog, which
stores them in the same PostgreSQL; without rsyslogd (Debian: ``rsyslog``, ``rsyslog-pgsql``) this step is left out. The
ratios are of the medians.
"""

from __future__ import annotations

import argparse
import socket
import statistics
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, closing

import psycopg2

from benchmarks.rsyslog import find_rsyslogd, running_rsyslog
from benchmarks.running import running_ppl, spread, verdict
from tests.fixtures.database import as_administrator, execute
from tests.fixtures.running import eventually

#: 154 bytes with its newline, as remote_syslog2 would send a web server's line.
LINE = (
    "<134>1 2026-11-23T12:%02d:%02d.%06d+02:00 web-%02d access.log - - - "
    "GET /api/v1/orders/%08d?page=3 HTTP/1.1 200 5123 0.012 Mozilla/5.0 (X11; Linux) %s\n"
)


def lines(count: int) -> bytes:
    """``count`` lines, each different, each 154 bytes."""
    texts = []
    for number in range(count):
        text = LINE % (number // 60 % 60, number % 60, number % 1_000_000, number % 16, number, "")
        texts.append(text[:-1].ljust(153, "x") + "\n")
    return "".join(texts).encode()


def send(port: int, data: bytes) -> None:
    """Send all of ``data`` over one connection."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(data)


def until_stored(dsn: str, stored: str, count: int) -> None:
    """Wait until the statement ``stored`` gives ``count``; runs it every 20 ms."""
    with closing(psycopg2.connect(dsn)) as connection, connection.cursor() as cursor:
        connection.autocommit = True

        def is_stored() -> bool:
            cursor.execute(stored)
            ((found,),) = cursor.fetchall()
            return int(found) >= count

        eventually(is_stored, f"{count} rows", 600)


def until_ppl_stored(dsn: str, count: int) -> None:
    """Wait until ``count`` events are committed, by the counts that the same transactions keep."""
    until_stored(dsn, "SELECT coalesce(sum(count), 0) FROM event_count", count)


def until_rsyslog_stored(dsn: str, count: int) -> None:
    """Wait until ``count`` rows are committed. The highest id is cheap to read, but two workers commit out of order."""
    until_stored(dsn, "SELECT coalesce(max(id), 0) FROM rival", count)
    until_stored(dsn, "SELECT count(*) FROM rival", count)


def ingest(port: int, shares: list[bytes], count: int, until: Callable[[], None]) -> float:
    """Rows per second, from the first byte sent until ``until`` returns: then the last row is committed."""
    senders = [threading.Thread(target=send, args=(port, share)) for share in shares]
    start = time.perf_counter()
    for sender in senders:
        sender.start()
    until()
    seconds = time.perf_counter() - start
    for sender in senders:
        sender.join()
    return count / seconds


def copy(administrator: str, path: str, count: int) -> float:
    """Rows per second of ``COPY`` from the file into the empty twin."""
    execute(administrator, "TRUNCATE twin")
    execute(administrator, "CHECKPOINT")
    start = time.perf_counter()
    execute(administrator, f"COPY twin FROM '{path}'")
    return count / (time.perf_counter() - start)


def shares_of(data: bytes, count: int, senders: int) -> list[bytes]:
    """The first ``count`` lines of ``data`` in equal parts, one for each sender."""
    each = count // senders * 154
    return [data[index * each : (index + 1) * each] for index in range(senders)]


def main() -> None:
    """Parse the arguments, run the rounds, print the rates and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=500_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--senders", type=int, default=1)
    parser.add_argument("--rsyslog-lines", type=int, default=200_000, help="0: without rsyslog")
    arguments = parser.parse_args()
    count = arguments.lines // arguments.senders * arguments.senders
    fewer = min(arguments.rsyslog_lines, count) // arguments.senders * arguments.senders
    data = lines(count)
    ours: list[float] = []
    copied: list[float] = []
    rsyslogs: list[float] = []
    rsyslogd = find_rsyslogd() if fewer else None
    with running_ppl() as (ppl, who), ExitStack() as stack:
        administrator = as_administrator(ppl.dsn, "ppl")
        ((data_directory,),) = execute(administrator, "SHOW data_directory")
        path = f"{data_directory}/twin.copy"
        execute(administrator, "CREATE TABLE twin (LIKE event INCLUDING ALL) PARTITION BY RANGE (id)")
        execute(administrator, "CREATE TABLE twin_all PARTITION OF twin FOR VALUES FROM (MINVALUE) TO (MAXVALUE)")
        if rsyslogd is not None:
            stack.enter_context(running_rsyslog(rsyslogd, ppl.dsn, ppl.log.parent, ppl.ports[-1]))
        for round_ in range(arguments.rounds):
            execute(administrator, "TRUNCATE event, event_count")
            execute(administrator, "CHECKPOINT")
            shares = shares_of(data, count, arguments.senders)
            ours.append(ingest(who.port, shares, count, lambda: until_ppl_stored(ppl.dsn, count)))
            assert ppl.rows("SELECT count(*) FROM event") == [(count,)]
            # Not "COPY event": PostgreSQL copies a partitioned table out only through a query.
            execute(administrator, f"COPY (SELECT * FROM event) TO '{path}'")
            copied.append(copy(administrator, path, count))
            said = f"round {round_ + 1}: Ppl {ours[-1]:,.0f} rows/s, COPY {copied[-1]:,.0f} rows/s"
            if rsyslogd is not None:
                execute(administrator, "TRUNCATE rival RESTART IDENTITY")
                execute(administrator, "CHECKPOINT")
                shares = shares_of(data, fewer, arguments.senders)
                rsyslogs.append(ingest(ppl.ports[-1], shares, fewer, lambda: until_rsyslog_stored(ppl.dsn, fewer)))
                said += f", rsyslog {rsyslogs[-1]:,.0f} rows/s"
            print(said, flush=True)
    print(f"Ppl, {arguments.senders} sender(s): {spread(ours)} rows/s")
    for name, theirs, bar in (("COPY", copied, 0.7), ("rsyslog", rsyslogs, 4.0)):
        if theirs:
            ratio = statistics.median(ours) / statistics.median(theirs)
            print(f"{name}: {spread(theirs)} rows/s; ratio: {ratio:.2f}; {verdict(ratio, bar, 'times', is_least=True)}")
    if rsyslogd is None and fewer:
        print("rsyslog with ompgsql is not installed (Debian: rsyslog, rsyslog-pgsql)")


if __name__ == "__main__":
    main()
