"""Milliseconds of searches in fields and of top values over a million JSON lines of one client, beside plain words.

Run ``python -m benchmarks.fields`` from the project's root. The lines are made in the slots of a running Ppl
(:mod:`benchmarks.history`), which seals all slots but the open one. Each question goes to the running Ppl over HTTP, as
a page asks it, in turns with the literal search that narrows it.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import urlencode, urlsplit

from benchmarks.history import History, make_history
from benchmarks.questions import Taken
from benchmarks.running import percentile, running_ppl, verdict
from tests.fixtures.database import as_administrator, execute

_LINES = """
INSERT INTO event_{lower} (destination_id, id, created_at, sender_ip, facility, severity, hostname, file_name, message)
SELECT {searcher}, id, id - 700, '192.0.2.7', 16, 6, 'web-' || h % 16, 'orders', json_build_object(
    'time', to_timestamp(id / 1000000), 'level', CASE WHEN h % 50 = 0 THEN 'error' ELSE 'info' END,
    'msg', 'request of user ' || h % 50000 || ' answered', 'request_id', hex,
    'user', json_build_object('id', h % 50000, 'plan', 'plan-' || h % 3),
    'status', (ARRAY[200, 200, 200, 200, 200, 200, 201, 304, 404, 500])[1 + h / 50 % 10],
    'duration', round((h % 100000) / 100.0, 2), 'path', '/api/v1/orders/' || h % 1000000)::text
FROM (
    SELECT {lower}::bigint + n * {step} + abs(hashint8({lower} + n))::bigint % 7 AS id,
           abs(hashint8({lower} + n))::bigint AS h, md5(({lower} + n)::text) AS hex
    FROM generate_series(0::bigint, {count} - 1) AS n
) AS line
"""
_SAMPLE = (
    "SELECT message::json ->> 'request_id' FROM event WHERE destination_id = {searcher} AND id >= {first}"
    " ORDER BY random() LIMIT 2000"
)

#: Upper bounds of the issue about fields: kind → (percentile, ms).
BARS = {
    "field, once": (95, 200),
    "whole value, once": (95, 200),
    "number and word, once": (95, 200),
    "top values of status, first figures": (95, 200),
    "top values of status, exact": (95, 3_000),
}
#: Kind → the kind of the literal search that narrows it.
NARROWED = {
    "field, once": "its literal",
    "whole value, once": "its literal",
    "first page of status:500": "first page of 500",
    "first page of level:error": "first page of error",
}


class _Client:
    """Asks a running Ppl, and notes the milliseconds of each answer in ``taken``."""

    def __init__(self, url: str, cookie: str) -> None:
        address = urlsplit(url)
        self._where, self._cookie = (str(address.hostname), address.port), cookie
        self.taken: Taken = defaultdict(list)

    def get(self, path: str, **fields: str) -> Any:
        with closing(http.client.HTTPConnection(*self._where, timeout=60)) as connection:
            connection.request("GET", f"{path}?{urlencode(fields)}", headers={"Cookie": self._cookie})
            answer = connection.getresponse()
            text = answer.read()
            assert answer.status == 200, text
            return json.loads(text)

    def search(self, kind: str, query: str) -> int:
        """How many events the first answer has."""
        start = time.monotonic()
        found = len(self.get("/api/events", q=query)["events"])
        self.taken[kind].append((time.monotonic() - start) * 1000)
        return found

    def top_values(self, name: str) -> int:
        """How many values are counted in the end."""
        start = time.monotonic()
        total, got = 0, {"complete": False}
        before: dict[str, str] = {}
        while not got["complete"]:
            got = self.get("/api/top-values", field=name, **{"from": "0"}, **before)
            if not before:
                self.taken[f"top values of {name}, first figures"].append((time.monotonic() - start) * 1000)
            total += sum(each["count"] for each in got["values"]) + got["others"]["count"]
            before = {"before": got["reached"]}
        self.taken[f"top values of {name}, exact"].append((time.monotonic() - start) * 1000)
        return total


def ask(client: _Client, history: History, events: int, seconds: float) -> None:
    """Ask in turns for ``seconds``, and each kind at least three times."""
    ids = [value for (value,) in history.rows(_SAMPLE)]
    rounds = 0
    ends = time.monotonic() + seconds
    while rounds < 3 or time.monotonic() < ends:
        rounds += 1
        for _ in range(4):
            value = random.choice(ids)
            assert client.search("field, once", f"request_id:{value}") == 1
            assert client.search("its literal", value) == 1
            assert client.search("whole value, once", f"request_id:={value}") == 1
            assert client.search("number and word, once", f"status:<600 {value}") == 1
        assert client.search("first page of status:500", "status:500") == 100
        assert client.search("first page of 500", "500") == 100
        assert client.search("first page of level:error", ".level:error") == 100
        assert client.search("first page of error", "error") == 100
        assert client.search("first page of status:>=500", "status:>=500") == 100
        assert client.search("first page of duration:>=999.5 (1 of 2,000)", "duration:>=999.5") > 0
        client.top_values("user.id") if rounds % 4 == 1 else None
        assert client.top_values("status") == events


def figures(taken: Taken) -> Iterator[str]:
    """The figures as lines of text."""
    for kind, values in taken.items():
        percent, bar = BARS.get(kind, (95, 0))
        text = f"{kind}: p50 {percentile(values, 50):,.0f} ms, p95 {percentile(values, 95):,.0f} ms ({len(values)})"
        if kind in NARROWED:
            ratio = percentile(values, 50) / percentile(taken[NARROWED[kind]], 50)
            text += f", {ratio:.2f} times that of {NARROWED[kind]}"
        yield text + (f"; {verdict(percentile(values, percent), bar, 'ms')}" if bar else "")


def main() -> None:
    """Parse the arguments, make the lines, ask, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--slots", type=int, default=25, help="number of slots, of an hour each, the last one open")
    parser.add_argument("--seconds", type=int, default=60)
    arguments = parser.parse_args()
    with running_ppl() as (ppl, who):
        ((searcher,),) = ppl.rows("SELECT id FROM destination WHERE port = %s", who.port)
        start = time.monotonic()
        history = make_history(ppl.dsn, searcher, arguments.events, arguments.slots, _LINES)
        execute(as_administrator(ppl.dsn, "ppl"), "CHECKPOINT")
        print(f"{arguments.events:,} JSON lines in {arguments.slots} slots, made in {time.monotonic() - start:.0f} s")
        client = _Client(ppl.url, who.cookie_header)
        ask(client, history, arguments.events // arguments.slots * arguments.slots, arguments.seconds)
        print("\n".join(figures(client.taken)))


if __name__ == "__main__":
    main()
