"""Durable rows per second from TCP, against raw ``COPY`` of the same rows into the same table in the same run.

Run ``python -m benchmarks.ingest`` from the project's root. Each round sends the lines over TCP into a running Ppl and
waits until the last is committed; then PostgreSQL alone copies the very rows that were stored from a file into an
empty twin of the table. The ratio is of the medians.
"""

from __future__ import annotations

import argparse
import socket
import statistics
import threading
import time
from contextlib import closing

import psycopg2

from benchmarks.running import running_ppl, spread
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
    """Everything over one connection."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(data)


def until_stored(dsn: str, count: int) -> None:
    """Until ``count`` rows are committed, by the counts kept in the same transactions; looks every 20 ms."""
    with closing(psycopg2.connect(dsn)) as connection, connection.cursor() as cursor:
        connection.autocommit = True

        def stored() -> bool:
            cursor.execute("SELECT coalesce(sum(count), 0) FROM event_count")
            ((stored,),) = cursor.fetchall()
            return int(stored) >= count

        eventually(stored, f"{count} rows", 600)


def ingest(dsn: str, port: int, shares: list[bytes], count: int) -> float:
    """Rows per second from the first byte sent to the last row committed."""
    senders = [threading.Thread(target=send, args=(port, share)) for share in shares]
    start = time.perf_counter()
    for sender in senders:
        sender.start()
    until_stored(dsn, count)
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


def main() -> None:
    """Parse the arguments, run the rounds, print both rates and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=500_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--senders", type=int, default=1)
    arguments = parser.parse_args()
    count = arguments.lines // arguments.senders * arguments.senders
    each = count // arguments.senders
    data = lines(count)
    shares = [data[index * each * 154 : (index + 1) * each * 154] for index in range(arguments.senders)]
    ours: list[float] = []
    theirs: list[float] = []
    with running_ppl() as (ppl, who):
        administrator = as_administrator(ppl.dsn, "ppl")
        ((data_directory,),) = execute(administrator, "SHOW data_directory")
        path = f"{data_directory}/twin.copy"
        execute(administrator, "CREATE TABLE twin (LIKE event INCLUDING ALL) PARTITION BY RANGE (id)")
        execute(administrator, "CREATE TABLE twin_all PARTITION OF twin FOR VALUES FROM (MINVALUE) TO (MAXVALUE)")
        for round_ in range(arguments.rounds):
            execute(administrator, "TRUNCATE event, event_count")
            execute(administrator, "CHECKPOINT")
            ours.append(ingest(ppl.dsn, who.port, shares, count))
            assert ppl.rows("SELECT count(*) FROM event") == [(count,)]
            # Not "COPY event": a partitioned table is copied out by a query.
            execute(administrator, f"COPY (SELECT * FROM event) TO '{path}'")
            theirs.append(copy(administrator, path, count))
            print(f"round {round_ + 1}: Ppl {ours[-1]:,.0f} rows/s, COPY {theirs[-1]:,.0f} rows/s", flush=True)
    print(f"Ppl, {arguments.senders} sender(s): {spread(ours)} rows/s")
    print(f"COPY: {spread(theirs)} rows/s")
    print(f"ratio: {statistics.median(ours) / statistics.median(theirs):.2f}")


if __name__ == "__main__":
    main()
