"""Durable lines per second from uploads to Loki's and OpenTelemetry's addresses, and how long a body holds the reactor.

Run ``python -m benchmarks.bodies`` from the project's root. Each round sends the same number of lines over TCP, as
Loki's protobuf with snappy and as OpenTelemetry's protobuf with five attributes a record, in uploads of a thousand over
two connections (``--senders``), each of which waits for an answer before it uploads again, and waits until the last is
committed. The ratios are of the medians.

Then each body of ``tests/fixtures/protocol_bodies.py`` is read in this process, without a database, as the drain reads
it: the longest time that one step took is how long the reactor would be held. Times are of the processor.

With ``--frames``, each round uploads so many logplex frames of each size instead, without ids and with one each, in
turns: what is stored with a frame that has an id, so that it is known when it is sent again, costs the difference.
"""

from __future__ import annotations

import argparse
import gc
import http.client
import statistics
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC
from uuid import uuid4

from benchmarks.ingest import ingest, lines, until_ppl_stored
from benchmarks.running import percentile, running_ppl, spread, verdict
from ppl.sources.bodies import BodyUnreadable, json_body
from ppl.sources.hec import hec_events
from ppl.sources.kinds import Read
from ppl.sources.loki import loki_json, loki_protobuf
from ppl.sources.otlp import otlp_json, otlp_protobuf
from tests.fixtures.database import as_administrator, execute
from tests.fixtures.protocol_bodies import (
    hostile_json,
    hostile_loki,
    hostile_otlp,
    in_loki_json,
    in_object,
    in_otlp_json,
    loki_body,
    otlp_body,
    packed,
)
from tests.fixtures.running import PplProcess

_UPLOAD = 1000
#: Lines of the frames of ``--frames``.
_FRAMES = (1, 20, 200)

#: Protocol → where it goes, and the least lines a second (issue 14).
PROTOCOLS = {"Loki": ("/loki/api/v1/push", 150_000), "OTLP": ("/v1/logs", 60_000)}
#: Milliseconds for which a body may hold the reactor.
HOLD = 10.0
#: Bytes of a body, as --max-drain-bytes has it.
_MOST_BYTES = 12_000_000


def upload(port: int, address: str, body: bytes, heads: Iterable[dict[str, str]]) -> None:
    """Upload ``body`` over one connection, with each of the headers in turn; each time it is stored anew."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=120)) as connection:
        for headers in heads:
            while True:
                connection.request("POST", address, body, headers)
                answer = connection.getresponse()
                answer.read()
                if answer.status not in (429, 503):
                    break
                time.sleep(0.05)
            assert answer.status in (200, 204), answer.status


def all_uploaded(port: int, address: str, body: bytes, heads: list[list[dict[str, str]]]) -> float:
    """Uploads per second, from the first until the last is answered; ``heads`` are the headers of each connection's."""
    senders = [threading.Thread(target=upload, args=(port, address, body, each)) for each in heads]
    start = time.perf_counter()
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    return sum(map(len, heads)) / (time.perf_counter() - start)


def uploaded(ppl: PplProcess, token: str, address: str, body: bytes, count: int, connections: int) -> float:
    """Lines per second of ``count`` lines in protobuf."""
    times = count // _UPLOAD // connections
    headers = {"Content-Type": "application/x-protobuf", "Authorization": f"Bearer {token}"}
    rate = all_uploaded(ppl.drain_port, address, body, [[headers] * times] * connections)
    check_stored(ppl, times * connections * _UPLOAD)
    return rate * _UPLOAD


def check_stored(ppl: PplProcess, expected: int) -> None:
    """Fail unless so many events are stored."""
    ((stored,),) = ppl.rows("SELECT count(*) FROM event")
    assert stored == expected, (stored, expected)


def steps(read: Read, body: bytes) -> Iterator[float]:
    """Milliseconds of the processor that each step of reading ``body`` takes."""
    pieces = None
    while True:
        before = time.thread_time()
        try:
            if pieces is None:
                pieces = read(body, time.time_ns() // 1000, UTC, 100_000)
            next(pieces)
        except (StopIteration, BodyUnreadable):
            yield (time.thread_time() - before) * 1000
            return
        yield (time.thread_time() - before) * 1000


def hostile_bodies(size: int) -> Iterator[tuple[str, Read, bytes]]:
    """What each body is, its reader, and the body."""
    for name, body in hostile_loki(size).items():
        yield f"Loki: {name}", loki_protobuf, body
    for name, body in hostile_otlp(size).items():
        yield f"OTLP: {name}", otlp_protobuf, body
    for name, value in hostile_json(size).items():
        yield f"Loki's JSON: {name}", loki_json, in_loki_json(value)
        yield f"OTLP's JSON: {name}", otlp_json, in_otlp_json(value)
        yield f"HEC: {name}", hec_events, in_object(value)
        yield f"JSON lines: {name}", json_body, in_object(value)


def print_rates(count: int, rounds: int, connections: int) -> None:
    """Run the rounds and print the rates."""
    rates: dict[str, list[float]] = {"TCP": [], **{name: [] for name in PROTOCOLS}}
    bodies = {"Loki": packed(loki_body(_UPLOAD)), "OTLP": otlp_body(_UPLOAD)}
    data = lines(count)
    with running_ppl(PPL_MAX_DRAIN_REQUESTS_PER_SECOND="100000") as (ppl, who):
        token = ppl.create_drain(who)
        administrator = as_administrator(ppl.dsn, "ppl")
        for _ in range(rounds):
            for name, found in rates.items():
                execute(administrator, "TRUNCATE event, event_count")
                execute(administrator, "CHECKPOINT")
                if name == "TCP":
                    found.append(ingest(who.port, [data], count, lambda: until_ppl_stored(ppl.dsn, count)))
                else:
                    found.append(uploaded(ppl, token, PROTOCOLS[name][0], bodies[name], count, connections))
            print(", ".join(f"{name} {found[-1]:,.0f}/s" for name, found in rates.items()), flush=True)
    tcp = statistics.median(rates["TCP"])
    print(f"lines over TCP: {spread(rates['TCP'])}/s")
    for name, (_, bar) in PROTOCOLS.items():
        rate = statistics.median(rates[name])
        print(
            f"{name}: {spread(rates[name])}/s; {rate / tcp:.2f} of TCP; {verdict(rate, bar, 'a second', is_least=True)}"
        )


def frame_heads(count: int, connections: int, has_ids: bool) -> list[list[dict[str, str]]]:
    """The headers of ``count`` frames over some connections; with ids, each has another."""
    own = ({"Logplex-Frame-Id": str(uuid4())} if has_ids else {} for _ in range(count))
    heads = [{"Content-Type": "application/logplex-1", **each} for each in own]
    return [heads[first::connections] for first in range(connections)]


def print_frames(count: int, rounds: int, connections: int) -> None:
    """Upload frames of each size, without ids and with them, and print the rates and their ratios."""
    rates: dict[int, dict[bool, list[float]]] = {size: {False: [], True: []} for size in _FRAMES}
    with running_ppl(PPL_MAX_DRAIN_REQUESTS_PER_SECOND="100000") as (ppl, who):
        address = f"/logs/{ppl.create_drain(who)}"
        administrator = as_administrator(ppl.dsn, "ppl")
        for number in range(rounds + 1):
            for size, found in rates.items():
                body = b"".join(b"%d %s" % (len(line), line) for line in lines(size).splitlines(keepends=True))
                # Each is the first of the two as often as the other.
                for has_ids in (False, True) if number % 2 else (True, False):
                    execute(administrator, "TRUNCATE event, event_count, upload_key")
                    execute(administrator, "CHECKPOINT")
                    heads = frame_heads(count, connections, has_ids)
                    rate = all_uploaded(ppl.drain_port, address, body, heads)
                    check_stored(ppl, count * size)
                    # The first round only warms up.
                    if number:
                        found[has_ids].append(rate)
    print(f"{'uploads a second':20} {'without ids':>24} {'with ids':>24} {'ratio':>6}")
    for size, found in rates.items():
        ratio = statistics.median(found[True]) / statistics.median(found[False])
        print(f"{size:>8} lines each {spread(found[False]):>27} {spread(found[True]):>24} {ratio:6.2f}")


def print_holds(size: int) -> None:
    """Read each hostile body and print its longest step."""
    # As the service has it (ppl.service): a collection of everything would hold the reactor too.
    gc.set_threshold(10_000, 10, 100)
    gc.freeze()
    usual = (("Loki, as usual", loki_protobuf, loki_body(50_000)), ("OTLP, as usual", otlp_protobuf, otlp_body(20_000)))
    print(f"{'milliseconds':42} {'longest':>8} {'p99':>8} {'in all':>8}")
    for name, read, body in (*usual, *hostile_bodies(size)):
        # The best of two: another process can slow the processor down, but not speed it up.
        taken = min((list(steps(read, body)) for _ in range(2)), key=max)
        print(f"{name:42} {max(taken):8.1f} {percentile(taken, 99):8.1f} {sum(taken):8.0f}", flush=True)


def main() -> None:
    """Parse the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3, help="0: without rates")
    parser.add_argument("--senders", type=int, default=2, help="connections that upload at once")
    parser.add_argument("--bytes", type=int, default=_MOST_BYTES, help="of a hostile body; 0: without them")
    parser.add_argument("--frames", type=int, default=0, help="logplex frames of each size; 0: everything else")
    arguments = parser.parse_args()
    if arguments.frames:
        print_frames(arguments.frames, arguments.rounds, arguments.senders)
        return
    if arguments.rounds:
        print_rates(arguments.lines, arguments.rounds, arguments.senders)
    if arguments.bytes:
        print_holds(arguments.bytes)


if __name__ == "__main__":
    main()
