"""``GET /api/similar`` of a whole Ppl: a search's lines in groups, reported while they are read, and its failures."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import time
import urllib.parse
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from psycopg2.extensions import parse_dsn

from benchmarks.history import make_slots
from ppl.similar.shapes import CUT, Shaper, line_of, readable
from tests.faults.conftest import embedded_ppl
from tests.faults.postgresql import children
from tests.fixtures.database import as_administrator, execute
from tests.fixtures.running import PplProcess, Registered, eventually, running, temporary_directory


@pytest.fixture(scope="module", params=["one", pytest.param("two", marks=[pytest.mark.long, pytest.mark.beside])])
def shared_ppl(request: pytest.FixtureRequest, module_dsn: str) -> Iterator[PplProcess]:
    """As :func:`tests.fixtures.running.shared_ppl`; the long tests have the form of two processes."""
    with temporary_directory() as directory:
        yield from running(PplProcess(module_dsn, directory, request.param))


class Asked:
    """One request: its status, its reports, and its groups by text."""

    def __init__(self, ppl: PplProcess, who: Registered | None, token: str = "", **fields: str) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", ppl.http_port, timeout=60)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if who is not None and not token:
            headers["Cookie"] = who.cookie_header
        connection.request("GET", f"/api/similar?{urllib.parse.urlencode(fields)}", headers=headers)
        answer = connection.getresponse()
        self.status, self.type = answer.status, answer.headers["content-type"]
        self.reports = [json.loads(line) for line in answer.read().splitlines()]
        connection.close()
        self.last: dict[str, Any] = self.reports[-1]
        groups: dict[str, dict[str, Any]] = {}
        for report in self.reports:
            for each in report.get("groups", []):
                groups[each["key"]] = {**groups.get(each["key"], {}), **each}
            for key in report.get("gone", []):
                del groups[key]
        self.groups = {each["text"]: each for each in groups.values()}

    @property
    def counts(self) -> dict[str, int]:
        """Text → count."""
        return {text: each["count"] for text, each in self.groups.items()}


def store(ppl: PplProcess, who: Registered, messages: Sequence[str], at: float | None = None, step: int = 7) -> None:
    """Put lines where ingest would have, the last one now or ``at``, ``step`` µs apart."""
    now = int((at or time.time()) * 1_000_000) - 1
    first = now - step * (len(messages) - 1)
    if not ppl.rows("SELECT FROM slot WHERE lower <= %s AND upper > %s", first, first):
        make_slots(ppl.dsn, first, now)
    with psycopg2.connect(ppl.dsn) as connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO event (destination_id, id, created_at, sender_ip, severity, message)"
            " SELECT id, %s + n * %s::bigint, 0, '192.0.2.7', CASE WHEN n %% 3 = 0 THEN 3 ELSE 6 END, message"
            " FROM destination, unnest(%s) WITH ORDINALITY AS lines (message, number),"
            " LATERAL (SELECT number - 1) AS l (n) WHERE port = %s",
            [first, step, list(messages), who.port],
        )
        cursor.execute(
            "INSERT INTO event_count SELECT destination_id, lower, count(*), max(event.id) FROM event"
            " JOIN destination ON destination.id = destination_id JOIN slot ON event.id >= lower AND event.id < upper"
            " WHERE port = %s GROUP BY 1, 2"
            " ON CONFLICT (destination_id, slot_lower)"
            " DO UPDATE SET count = excluded.count, last_id = excluded.last_id",
            [who.port],
        )
    connection.close()


def workers(ppl: PplProcess) -> list[int]:
    """Process ids of the workers of this Ppl."""
    found = []
    for pid in children(ppl.server_pid):
        # A process that has ended and was not waited for has an empty command line.
        with suppress(OSError):
            if b"ppl.similar.worker" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
    return found


def reading(ppl: PplProcess) -> int:
    """How many workers have a statement running in PostgreSQL."""
    ((count,),) = execute(
        as_administrator(ppl.dsn),
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'ppl similar' AND datname = %s"
        " AND state = 'active'",
        [parse_dsn(ppl.dsn)["dbname"]],
    )
    return int(count)


_TERMINATE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ppl similar'"

LINES = [f"took {number} ms for user '{chr(97 + number % 26)}'" for number in range(300)] + ["ready", "ready"]


def test_lines_are_grouped_by_what_they_have_in_common(shared_ppl: PplProcess) -> None:
    who = shared_ppl.register()
    store(shared_ppl, who, [*LINES, 'tab\there\\n and\nnew line 5 "x"'])
    asked = Asked(shared_ppl, who)
    assert asked.status == 200
    assert asked.type == "application/x-ndjson"
    assert asked.counts == {"took … ms for user '…'": 300, "ready": 2, 'tab\there\\n and\nnew line … "…"': 1}
    assert asked.last["done"]
    assert asked.last["complete"]
    assert asked.last["read"] == 303
    assert asked.last["others"] == 0
    group = asked.groups["took … ms for user '…'"]
    assert group["severity"] == "err"
    assert sum(group["plot"]) == 300
    assert group["first"] < group["last"] <= asked.groups["ready"]["last"]
    assert len(workers(shared_ppl)) == 1


def test_the_query_of_a_group_finds_its_lines_and_no_others(shared_ppl: PplProcess) -> None:
    who = shared_ppl.register()
    store(shared_ppl, who, [*LINES, "took a while for user 'b'"])
    asked = Asked(shared_ppl, who)
    for text, count in asked.counts.items():
        found = Asked(shared_ppl, who, q=asked.groups[text]["query"])
        assert found.counts == {text: count}
        left = Asked(shared_ppl, who, q=f"-{asked.groups[text]['query']}")
        assert left.counts == {each: number for each, number in asked.counts.items() if each != text}


def test_lines_with_colours_are_grouped_as_the_page_shows_them_and_found(shared_ppl: PplProcess) -> None:
    who = shared_ppl.register()
    coloured = [f"\x1b[32mDEBUG\x1b[0m user {number} opened" for number in range(5)]
    store(shared_ppl, who, [*coloured, "DEBUG user 7 opened"])
    asked = Asked(shared_ppl, who)
    assert asked.counts == {"DEBUG user … opened": 6}
    found = Asked(shared_ppl, who, q=asked.groups["DEBUG user … opened"]["query"])
    assert found.counts == asked.counts


def test_only_what_a_search_finds_in_its_range_is_grouped(shared_ppl: PplProcess) -> None:
    who = shared_ppl.register()
    now = time.time()
    store(shared_ppl, who, LINES, at=now - 20)
    store(shared_ppl, who, ["later 1", "later 2"], at=now)
    assert Asked(shared_ppl, who, q="took").counts == {"took … ms for user '…'": 300}
    since = {"from": f"{int(now - 10)}"}
    assert Asked(shared_ppl, who, **since).counts == {"later …": 2}
    assert Asked(shared_ppl, who, to=f"{int(now - 10)}").last["read"] == len(LINES)
    newest = Asked(shared_ppl, who).reports[0]["newest"]
    assert Asked(shared_ppl, who, after=newest).counts == {}
    assert Asked(shared_ppl, who, q="severity:err later").counts == {"later …": 1}
    assert Asked(shared_ppl, who, q="nowhere").last["complete"]


def test_lines_that_were_not_there_before_are_new(shared_ppl: PplProcess) -> None:
    who = shared_ppl.register()
    now = time.time()
    store(shared_ppl, who, ["old 1", "old 2", "old 3", "gone"], at=now - 60)
    store(shared_ppl, who, ["old 4", "new 5"], at=now)
    for fields in ({"from": f"{int(now - 30)}"}, {"q": f"after:{int(now - 30)}"}, {"q": f"-x after:{int(now - 30)}"}):
        asked = Asked(shared_ppl, who, compare="hour", **fields)
        assert asked.last["compared"]
        assert asked.last["complete"]
        assert {text: (each["count"], each["before"]) for text, each in asked.groups.items()} == {
            "old …": (1, 3),
            "new …": (1, 0),
        }


def test_without_a_beginning_the_last_hour_is_compared(shared_ppl: PplProcess) -> None:
    who = shared_ppl.register()
    store(shared_ppl, who, ["old 1"])
    first = Asked(shared_ppl, who, compare="hour").reports[0]
    assert first["compared_from"] < first["from"] < first["to"]


def test_nobody_reads_other_accounts_lines(shared_ppl: PplProcess) -> None:
    who, other = shared_ppl.register(), shared_ppl.register()
    store(shared_ppl, who, LINES)
    store(shared_ppl, other, ["theirs"])
    assert Asked(shared_ppl, None).status == 401
    assert Asked(shared_ppl, who, token="x" * 43).status == 401
    refused = Asked(shared_ppl, who, user_id=other.user_id)
    assert (refused.status, refused.last["error"]["code"]) == (403, "forbidden")
    token = shared_ppl.create_token(other)
    assert Asked(shared_ppl, who, token=token).counts == {"theirs": 1}


@pytest.mark.parametrize(
    ("fields", "code"),
    [({"q": "("}, "bad_query"), ({"from": "x"}, "bad_request"), ({"compare": "year"}, "bad_request")],
)
def test_an_invalid_request_is_refused(shared_ppl: PplProcess, fields: dict[str, str], code: str) -> None:
    who = shared_ppl.register()
    asked = Asked(shared_ppl, who, **fields)
    assert (asked.status, asked.last["error"]["code"]) == (400, code)


def test_little_is_found_among_much(shared_ppl: PplProcess) -> None:
    """No index helps this search: each statement looks at a part of the lines, wherever what matches stands."""
    who = shared_ppl.register()
    lines = [f"cc {number}" for number in range(70_000)]
    for place in (0, 31_999, 32_000, 37_999, 38_000, 69_999):
        lines[place] = "aba"
    store(shared_ppl, who, lines)
    asked = Asked(shared_ppl, who, q="/^[ab]{3}$/")
    assert asked.counts == {"aba": 6}
    assert asked.last["complete"]
    assert asked.last["searched"] == 70_000
    everything = Asked(shared_ppl, who)
    assert everything.counts == {"cc …": 69_994, "aba": 6}


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\\",
        "\\\\n",
        "a\\",
        "a\nb",
        "\n",
        "\r\n",
        "\t",
        "a\tb\\tc",
        "\\N",
        "…",
        "é" * 1200,
        "x" * 1000,
        "x" * 999,
    ],
)
def test_a_line_is_read_as_it_is(shared_ppl: PplProcess, text: str) -> None:
    who = shared_ppl.register()
    store(shared_ppl, who, [text, "another", text])
    asked = Asked(shared_ppl, who)
    assert asked.last["read"] == 3
    other = readable(Shaper().shapes([cut_line_of(text)])[0])
    assert asked.counts == {other: 2, "another": 1}


def cut_line_of(text: str) -> bytes:
    """The line as a worker reads it: its first thousand characters."""
    return line_of(text[:1000]) + (CUT if len(text) >= 1000 else b"")


def test_a_million_shapes_and_long_messages_take_bounded_memory(shared_ppl: PplProcess) -> None:
    who = shared_ppl.register()
    word = "".join
    letters = "abcdefghij"
    shapes = [word(letters[int(digit)] for digit in f"{number:06}") + " said so" for number in range(60_000)]
    store(shared_ppl, who, [*shapes, *["x" * 100_000] * 50, *[f"often {number}" for number in range(1000)]])
    asked = Asked(shared_ppl, who)
    assert asked.last["complete"]
    assert asked.last["read"] == 61_050
    assert len(asked.last["groups"]) + len(asked.counts) > 0
    assert sum(asked.counts.values()) + asked.last["others"] == 61_050
    assert len(asked.counts) <= 1_000
    assert asked.counts["often …"] == 1_000
    assert max(map(len, asked.counts)) < 450
    (worker,) = workers(shared_ppl)
    peak = re.findall(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{worker}/status").read_text("ascii"))[0]
    assert int(peak) < 100_000


def _open(ppl: PplProcess, who: Registered) -> socket.socket:
    """A client that has asked and reads nothing."""
    client = socket.create_connection(("127.0.0.1", ppl.http_port), timeout=30)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.sendall(
        f"GET /api/similar HTTP/1.1\r\nHost: 127.0.0.1:{ppl.http_port}\r\nCookie: {who.cookie_header}\r\n\r\n".encode()
    )
    return client


def _read_until_unavailable(client: socket.socket) -> None:
    """Read until the answer has the error ``store_unavailable``, then disconnect."""
    said = b""
    while b"store_unavailable" not in said:
        part = client.recv(65536)
        assert part, said
        said += part
    client.close()


@contextmanager
def held(ppl: PplProcess) -> Iterator[None]:
    """While this lasts, PostgreSQL gives nobody an event."""
    with closing(psycopg2.connect(ppl.dsn)) as connection:
        connection.cursor().execute("LOCK TABLE event IN ACCESS EXCLUSIVE MODE")
        yield


@contextmanager
def grouping(ppl: PplProcess) -> Iterator[tuple[Registered, socket.socket]]:
    """While this lasts, a client's grouping waits for its first event; gives its account and the client."""
    who = ppl.register()
    store(ppl, who, LINES)
    with held(ppl):
        client = _open(ppl, who)
        eventually(lambda: reading(ppl), "it reads")
        yield who, client


def test_a_client_that_disconnects_ends_its_grouping_at_once(shared_ppl: PplProcess) -> None:
    with grouping(shared_ppl) as (_who, client):
        (worker,) = workers(shared_ppl)
        client.close()
        eventually(lambda: worker not in workers(shared_ppl), "the worker has ended")
        eventually(lambda: not reading(shared_ppl), "PostgreSQL has ended the statement")


def test_an_account_has_its_share_and_others_have_theirs(shared_ppl: PplProcess) -> None:
    who, other = shared_ppl.register(), shared_ppl.register()
    store(shared_ppl, who, LINES)
    store(shared_ppl, other, LINES)
    with held(shared_ppl):
        clients = [_open(shared_ppl, who), _open(shared_ppl, who)]
        eventually(lambda: reading(shared_ppl) == 1, "one of them reads, the other waits")
        refused = Asked(shared_ppl, who)
        assert (refused.status, refused.last["error"]["code"]) == (429, "too_many_requests")
        clients.append(_open(shared_ppl, other))
        eventually(lambda: reading(shared_ppl) == 2, "another account has the other worker")
    for each in clients:
        each.close()
    eventually(lambda: Asked(shared_ppl, who).status == 200, "the account may ask again")
    assert Asked(shared_ppl, other).last["complete"]


def test_a_worker_that_is_killed_is_an_error_and_the_next_request_has_another(shared_ppl: PplProcess) -> None:
    with grouping(shared_ppl) as (who, client):
        (worker,) = workers(shared_ppl)
        os.kill(worker, signal.SIGKILL)
        _read_until_unavailable(client)
    assert Asked(shared_ppl, who).last["complete"]
    assert "A process that groups lines has ended" in shared_ppl.text()


def test_a_restart_of_postgresql_in_the_middle_is_an_error_and_the_worker_goes_on(shared_ppl: PplProcess) -> None:
    with grouping(shared_ppl) as (who, client):
        execute(as_administrator(shared_ppl.dsn), _TERMINATE)
        _read_until_unavailable(client)
    assert Asked(shared_ppl, who).last["complete"]


def test_an_account_may_not_ask_all_the_time(shared_ppl: PplProcess) -> None:
    who, other = shared_ppl.register(), shared_ppl.register()
    statuses = [Asked(shared_ppl, who).status for _ in range(60)]
    assert 429 in statuses
    assert statuses[0] == Asked(shared_ppl, other).status == 200


def test_grouping_works_again_after_postgresql_was_away(shared_ppl: PplProcess) -> None:
    who = shared_ppl.register()
    store(shared_ppl, who, LINES)
    assert Asked(shared_ppl, who).last["complete"]
    execute(as_administrator(shared_ppl.dsn), _TERMINATE)
    assert Asked(shared_ppl, who).last["complete"]


def test_workers_end_with_ppl(ppl_process: PplProcess) -> None:
    with grouping(ppl_process) as (_who, client):
        (worker,) = workers(ppl_process)
        ppl_process.stop()
        client.close()
    assert not Path(f"/proc/{worker}").exists()


def test_workers_end_with_a_ppl_that_is_killed(ppl_process: PplProcess) -> None:
    who = ppl_process.register()
    store(ppl_process, who, LINES)
    assert Asked(ppl_process, who).last["complete"]
    (worker,) = workers(ppl_process)
    ppl_process.kill()
    eventually(lambda: not Path(f"/proc/{worker}").exists(), "the worker has ended too")


@pytest.mark.long
@pytest.mark.beside
def test_grouping_works_on_the_embedded_postgresql(short_directory: Path) -> None:
    for ppl in running(embedded_ppl(short_directory)):
        who = ppl.register()
        store(ppl, who, LINES)
        assert Asked(ppl, who).counts == {"took … ms for user '…'": 300, "ready": 2}
