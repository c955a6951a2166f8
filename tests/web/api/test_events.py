"""History for programs over the real store: searches, context, permalinks, histograms, exports."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections.abc import Callable
from contextlib import closing
from datetime import UTC
from typing import Any

import attrs
import psycopg2
import pytest
import treq
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol

from ppl.errors import StatementTimeout, StoreUnavailable
from ppl.model import DAY, MINUTE, SECOND, Counted, Destination
from ppl.search.query import parse
from ppl.services.clock import wall_clock
from ppl.store.connecting.pool import Pool
from ppl.store.events.searching import MOST_SEARCHES, EventSearch, Searches, SearchLimits
from ppl.store.postgres import PostgresStore
from ppl.store.walker import TRIES
from ppl.timezone import parse_time_zone, utc_text
from ppl.web.api import events as events_api
from ppl.web.http.limits import SiteLimits
from tests.fixtures.database import execute
from tests.store.samples import events
from tests.waiting import turns, until
from tests.web.browsing import Browser, Page
from tests.web.conftest import Serve, Served


@attrs.frozen
class Filled:
    """An account with events, one per minute, the last one now."""

    browser: Browser
    served: Served
    destination: Destination
    ids: list[int]

    async def get(self, path: str) -> Any:
        page = await self.browser.get(path)
        assert page.status == 200, page.text
        return json.loads(page.text)


async def fill(served: Served, count: int = 20) -> Filled:
    browser = served.browser()
    assert (await browser.register("user@gmail.com", "+02:00")).status == 303
    (destination,) = await served.store.destinations()
    now = served.clock()
    ids = []
    for number in range(count):
        at = now - (count - 1 - number) * MINUTE
        batch = events(
            at, [f"message {number} {'odd' if number % 2 else 'even'}"], destination=destination,
            hostname=["web-1"], file_name=["nginx"], severity=[3 if number % 5 == 0 else 6], facility=[16],
            sender_ip="192.0.2.1" if number % 3 else "192.0.2.2",
        )  # fmt: skip
        await served.store.append([batch])
        ids.append(at)
    return Filled(browser, served, destination, ids)


def code(page: Page) -> str:
    return str(json.loads(page.text)["error"]["code"])


def numbers(found: Any) -> list[int]:
    return [int(event["message"].split()[1]) for event in found]


@ensureDeferred
async def test_the_newest_that_match_come_with_how_far_the_search_came(served: Served) -> None:
    filled = await fill(served)
    got = await filled.get("/api/events?q=odd&limit=3")
    assert numbers(got["events"]) == [15, 17, 19]
    assert not got["complete"]
    assert got["events"][0]["id"] == got["reached"]
    more = await filled.get(f"/api/events?q=odd&limit=100&before={got['reached']}")
    assert numbers(more["events"]) == [1, 3, 5, 7, 9, 11, 13]
    assert more["complete"]
    assert set(more["events"][0]) >= {"id", "created_at", "sender_ip", "file_name", "message", "hostname", "severity"}


@ensureDeferred
async def test_the_oldest_first_and_within_a_range(served: Served) -> None:
    filled = await fill(served)
    got = await filled.get(f"/api/events?order=oldest&limit=2&after={filled.ids[3]}")
    assert numbers(got["events"]) == [4, 5]
    since, end = got["events"][0]["received_at"], got["events"][1]["received_at"]
    got = await filled.get(f"/api/events?from={since}&to={end}")
    assert numbers(got["events"]) == [4]
    got = await filled.get("/api/events?q=severity:err")
    assert numbers(got["events"]) == [0, 5, 10, 15]


@pytest.mark.parametrize("most_searches", [1])
@ensureDeferred
async def test_a_histogram_takes_no_search_from_the_list_beside_it(served: Served) -> None:
    filled = await fill(served, 2)
    account, _ = await served.store.credentials("user@gmail.com")  # type: ignore[misc]
    listing = served.store.search(account.id, filled.destination.id, parse("odd", parse_time_zone("UTC"), 0))
    assert (await filled.browser.get("/api/histogram?q=odd")).status == 200
    assert (await filled.browser.get("/api/events?q=odd")).status == 429
    listing.close()
    assert (await filled.browser.get("/api/events?q=odd")).status == 200


@ensureDeferred
@pytest.mark.parametrize("search_limits", [SearchLimits(seconds=60)], ids=["patient"])
@pytest.mark.parametrize("most_searches", [1])
@pytest.mark.parametrize("path", ["/api/events?q=odd", "/api/histogram?q=odd"])
async def test_an_account_has_so_many_searches_and_those_who_went_have_none(
    served: Served, store: PostgresStore, dsn: str, path: str
) -> None:
    filled = await fill(served, 2)
    cookie = "; ".join(f"{name}={value}" for name, value in filled.browser.cookies.items())
    with closing(psycopg2.connect(dsn)) as holder, holder.cursor() as cursor:
        cursor.execute("LOCK TABLE event_count IN ACCESS EXCLUSIVE MODE")
        client = await connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", served.port), Protocol())
        client.transport.write(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nCookie: {cookie}\r\n\r\n".encode()
        )
        waiting = (
            "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%%FROM event_count%%'"
        )
        await until(lambda: execute(dsn, waiting), "it searches")
        refused = await filled.browser.get(path)
        assert (refused.status, code(refused)) == (429, "too_many_requests")
        client.transport.abortConnection()
        await until(lambda: not store.searches.open, "it is given up")
        holder.rollback()
    assert (await filled.browser.get(path)).status == 200


@ensureDeferred
async def test_a_query_is_read_without_searching(served: Served) -> None:
    filled = await fill(served, 1)
    assert await filled.get("/api/query?q=error") == {"from": None, "to": None, "hints": []}
    got = await filled.get("/api/query?q=after:2026-11-23+before:%222026-11-23+17:30%22+x")
    bounds = {"from": "2026-11-22T22:00:00.000000Z", "to": "2026-11-23T15:30:00.000000Z"}
    assert got == {**bounds, "hints": []}, "in the user's zone"
    (hint,) = (await filled.get("/api/query?q=x+hostname:a"))["hints"]
    assert hint == {"position": 2, "message": "hostname: looks for a field of this name; the attribute is host:."}
    refused = await filled.browser.get("/api/query?q=error+(")
    assert (refused.status, code(refused)) == (200, "bad_query"), "a mistake is what was asked about"
    assert json.loads(refused.text)["error"]["position"] == 7
    assert code(await served.browser().get("/api/query?q=error")) == "not_logged_in"


@pytest.mark.parametrize(
    ("address", "code_"),
    [
        ("/api/events?q=(", "bad_query"),
        ("/api/events?limit=0", "bad_request"),
        ("/api/events?limit=99999999", "bad_request"),
        ("/api/events?before=x", "bad_request"),
        ("/api/events?before=9999999999999999999999", "bad_request"),
        ("/api/events?from=yesterday", "bad_request"),
        ("/api/events?from=99999-01-01T00:00:00Z", "bad_request"),
        ("/api/events?order=sideways", "bad_request"),
        ("/api/events?user_id=someone:1", "forbidden"),
        ("/api/histogram?minutes=0", "bad_request"),
        ("/api/histogram?from=0&minutes=1", "bad_request"),
        ("/api/histogram?seconds=0", "bad_request"),
        ("/api/histogram?seconds=31&from=1000000&to=2000000", "bad_request"),
        ("/api/histogram?seconds=5&minutes=1&from=1970-01-01T00:10:00Z&to=1970-01-01T00:20:00Z", "bad_request"),
        ("/api/histogram?seconds=30&from=1970-01-01T00:10:00Z&to=1970-01-01T01:10:01Z", "bad_request"),
        ("/api/histogram?seconds=1&from=1970-01-01T00:10:00Z&to=1970-01-01T01:10:00Z", "bad_request"),
        ("/api/histogram?from=100&to=50", "bad_request"),
        ("/api/export?format=exe", "bad_request"),
        ("/api/export?name=../x", "bad_request"),
        ("/api/export/nothing", "not_found"),
        ("/api/events/1/context?before=100000", "bad_request"),
    ],
)
@ensureDeferred
async def test_what_is_wrong_is_said_with_a_stable_code(served: Served, address: str, code_: str) -> None:
    filled = await fill(served, 1)
    page = await filled.browser.get(address)
    assert 400 <= page.status < 500
    assert code(page) == code_


@ensureDeferred
async def test_a_wrong_query_says_where(served: Served) -> None:
    filled = await fill(served, 1)
    error = json.loads((await filled.browser.get("/api/events?q=a%20OR")).text)["error"]
    assert error["position"] == 4
    assert error["expected"]


@pytest.mark.parametrize(
    "path", ["/api/events", "/api/events/5", "/api/events/5/context", "/api/histogram", "/api/export", "/api/export/x"]
)
@ensureDeferred
async def test_strangers_read_nothing(served: Served, path: str) -> None:
    filled = await fill(served, 1)
    assert (await served.browser().get(path)).status == 401
    other = served.browser()
    assert (await other.register("other@gmail.com")).status == 303
    page = await other.get(f"{path}?user_id={filled.destination.user_id}")
    assert (page.status, code(page)) in {(403, "forbidden"), (404, "not_found")}


@ensureDeferred
async def test_a_bearer_token_reads_what_its_account_reads(served: Served) -> None:
    filled = await fill(served, 2)
    token = await filled.browser.create_token()
    page = await served.browser().get("/api/events", {"Authorization": f"Bearer {token}"})
    assert numbers(json.loads(page.text)["events"]) == [0, 1]


@ensureDeferred
async def test_context_is_what_came_before_and_after_whatever_the_search(served: Served) -> None:
    filled = await fill(served)
    got = await filled.get(f"/api/events/{filled.ids[10]}/context?before=2&after=3")
    assert numbers(got["before"]) == [8, 9]
    assert numbers([got["event"]]) == [10]
    assert numbers(got["after"]) == [11, 12, 13]
    assert not got["is_oldest_reached"]
    got = await filled.get(f"/api/events/{filled.ids[9]}/context?before=2&after=2&sender=same")
    assert numbers(got["before"]) == [3, 6]
    assert numbers(got["after"]) == [12, 15]


@ensureDeferred
async def test_a_permalink_means_something_after_the_event_is_gone(serve: Serve) -> None:
    served = serve(retention_days=7)
    filled = await fill(served, 3)
    got = await filled.get(f"/api/events/{filled.ids[1]}")
    assert numbers([got["event"]]) == [1]
    page = await filled.browser.get(f"/api/events/{filled.ids[1] + 1}")
    assert (page.status, code(page)) == (404, "not_found")
    page = await filled.browser.get(f"/api/events/{filled.ids[1] - 8 * DAY}")
    assert (page.status, code(page)) == (410, "expired")
    assert "was received on" in page.text
    assert "was kept until" in page.text


@ensureDeferred
async def test_a_histogram_adds_up_to_the_events_also_of_a_search(served: Served) -> None:
    filled = await fill(served)
    got = await filled.get("/api/histogram?minutes=5")
    assert got["complete"]
    assert sum(sum(bucket["counts"].values()) for bucket in got["buckets"]) == 20
    assert sum(bucket["counts"].get("err", 0) for bucket in got["buckets"]) == 4
    got = await filled.get("/api/histogram?minutes=5&q=odd")
    assert got["complete"]
    assert sum(sum(bucket["counts"].values()) for bucket in got["buckets"]) == 10


@ensureDeferred
async def test_a_histogram_of_seconds_counts_the_events_of_a_short_range(served: Served) -> None:
    filled = await fill(served)
    since, until = (utc_text(filled.ids[number]) for number in (2, 7))
    for query, expected in (("", [2, 3, 4, 5, 6]), ("&q=odd", [3, 5])):
        got = await filled.get(f"/api/histogram?seconds=5&from={since}&to={until}{query}")
        assert got["complete"]
        assert got["seconds"] == 5
        assert "minutes" not in got
        starts = [utc_text(filled.ids[number] // (5 * SECOND) * 5 * SECOND) for number in expected]
        assert [bucket["time"] for bucket in got["buckets"]] == starts
        counts = [bucket["counts"] for bucket in got["buckets"]]
        assert counts == [{"err": 1} if number % 5 == 0 else {"info": 1} for number in expected]


@pytest.mark.parametrize("search_limits", [SearchLimits(first_scan=4)], ids=["small steps"])
@ensureDeferred
async def test_a_histogram_of_seconds_is_gone_on_with_where_its_time_is_up(serve: Serve) -> None:
    filled = await fill(serve(limits=SiteLimits(search_seconds=0)))
    since, until = utc_text(filled.ids[0]), utc_text(filled.ids[-1] + 1)
    total, before, answers = 0, "", 0
    while answers < 20:
        got = await filled.get(f"/api/histogram?seconds=10&from={since}&to={until}{before}")
        total += sum(sum(bucket["counts"].values()) for bucket in got["buckets"])
        before = f"&before={got['reached']}"
        answers += 1
        if got["complete"]:
            break
    assert total == 20
    assert answers > 1


@pytest.mark.parametrize("search_limits", [SearchLimits(first_scan=4)], ids=["small steps"])
@ensureDeferred
async def test_a_histogram_says_how_far_it_came_where_a_step_takes_too_long(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = EventSearch.count
    steps: list[int] = []

    async def slow(search: EventSearch, width: int) -> Counted:
        steps.append(width)
        if 2 <= len(steps) <= 1 + TRIES:
            raise StatementTimeout
        return await count(search, width)

    monkeypatch.setattr(EventSearch, "count", slow)
    filled = await fill(served)
    got = await filled.get("/api/histogram?q=message")
    assert not got["complete"]
    more = await filled.get(f"/api/histogram?q=message&before={got['reached']}")
    assert more["complete"]
    assert sum(sum(each["counts"].values()) for each in (*got["buckets"], *more["buckets"])) == 20


@pytest.mark.parametrize("search_limits", [SearchLimits(first_scan=4)], ids=["small steps"])
@ensureDeferred
async def test_a_search_answers_with_what_it_has_when_its_time_is_up(serve: Serve) -> None:
    filled = await fill(serve(limits=SiteLimits(search_seconds=0)))
    found: list[int] = []
    before = ""
    for _ in range(50):
        got = await filled.get(f"/api/events?q=odd{before}")
        found = numbers(got["events"]) + found
        before = f"&before={got['reached']}"
        if got["complete"]:
            break
    assert found == list(range(1, 20, 2))


@ensureDeferred
async def test_an_export_is_the_whole_result_in_any_format(serve: Serve) -> None:
    filled = await fill(serve(limits=SiteLimits(export_events=3)))
    odd = [f"message {number} odd" for number in range(1, 20, 2)]
    page = await filled.browser.get("/api/export?q=odd")
    assert [line.partition(" nginx[42]: ")[2] for line in page.text.splitlines()] == odd
    assert page.header("content-disposition") == f'attachment; filename="localhost-{filled.destination.port}.log"'
    page = await filled.browser.get("/api/export?q=odd&format=json")
    assert [json.loads(line)["message"] for line in page.text.splitlines()] == odd
    page = await filled.browser.get("/api/export?q=odd&format=csv")
    assert [row["message"] for row in csv.DictReader(io.StringIO(page.text))] == odd
    page = await filled.browser.get("/api/export?q=odd&format=papertrail")
    rows = [line.split("\t") for line in page.text.splitlines()]
    assert [row[9] for row in rows] == odd
    assert rows[0][4:9] == ["web-1", "192.0.2.1", "Local0", "Info", "nginx"]
    response = await treq.get(
        filled.served.url + "/api/export?q=odd&format=json&gzip=1&name=mine",
        headers={"Cookie": "; ".join(f"{name}={value}" for name, value in filled.browser.cookies.items())},
        persistent=False,
    )
    unzipped = gzip.decompress(await response.content()).decode()
    assert [json.loads(line)["message"] for line in unzipped.splitlines()] == odd
    progress = await filled.get("/api/export/mine")
    assert (progress["events"], progress["part"], progress["complete"]) == (10, 1.0, True)


@ensureDeferred
async def test_hostile_texts_stay_one_row_and_no_formula(served: Served) -> None:
    filled = await fill(served, 1)
    nasty = '=cmd|"/c calc"!A1,\n\tx\\y\r"quoted"'
    at = served.clock() + SECOND
    await served.store.append([events(at, [nasty], destination=filled.destination)])
    page = await filled.browser.get(f"/api/export?format=csv&after={at - 1}")
    (row,) = csv.DictReader(io.StringIO(page.text, newline=""))
    assert row["message"] == "'" + nasty
    page = await filled.browser.get(f"/api/export?format=papertrail&after={at - 1}")
    (line,) = page.text.split("\n")[:-1]
    assert line.split("\t")[9] == nasty.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace(
        "\r", "\\r"
    )
    page = await filled.browser.get(f"/api/export?after={at - 1}")
    assert page.text.count("\n") == 1


@ensureDeferred
@pytest.mark.parametrize("path", ["/api/events?q=odd", "/api/histogram?q=odd", "/api/export?name=x&q=odd"])
async def test_who_goes_while_the_search_waits_for_a_connection_leaves_nothing(
    serve: Serve, pool: Pool, dsn: str, path: str
) -> None:
    narrow = Pool(reactor, dsn, 1, wait=60)
    await narrow.startService()
    searches = Searches(narrow, 1)
    served = serve(over=PostgresStore(pool, wall_clock, 3600, searches))
    filled = await fill(served, 2)
    cookie = "; ".join(f"{name}={value}" for name, value in filled.browser.cookies.items())
    occupied = Deferred.fromCoroutine(narrow.run("SELECT pg_sleep(60)"))
    client = await connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", served.port), Protocol())
    client.transport.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nCookie: {cookie}\r\n\r\n".encode())
    await until(lambda: narrow.statistics().waiting, "the search waits for a connection")
    client.transport.abortConnection()
    await until(lambda: not searches.open, "it is given up")
    assert not narrow.statistics().waiting
    occupied.cancel()
    with pytest.raises(StoreUnavailable):
        await occupied
    await narrow.stopService()


class Taking(Protocol):
    """A client that keeps what it receives, and can be paused."""

    def __init__(self) -> None:
        self.data = b""

    def dataReceived(self, data: bytes) -> None:
        self.data += data


@ensureDeferred
async def test_an_export_goes_at_the_pace_of_its_client_and_ends_when_that_goes(served: Served) -> None:
    filled = await fill(served, 1)
    at = served.clock() + SECOND
    for number in range(40):
        texts = ["x" * 2000] * 1000
        await served.store.append([events(at + number * 10_000, texts, destination=filled.destination)])
    taking = Taking()
    await connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", served.port), taking)
    transport: Any = taking.transport
    cookies = "; ".join(f"{name}={value}" for name, value in filled.browser.cookies.items())
    transport.write(f"GET /api/export?name=slow HTTP/1.1\r\nHost: x\r\nCookie: {cookies}\r\n\r\n".encode())
    await until(lambda: b"xxx" in taking.data, "the first part")
    transport.pauseProducing()
    before = -1
    while (await filled.get("/api/export/slow"))["events"] != before:
        before = (await filled.get("/api/export/slow"))["events"]
        await turns(50)
    assert before < 30_000, "not gathered in memory"
    searches = served.store.searches
    assert searches.open == 1
    transport.abortConnection()
    await until(lambda: not searches.open, "the search is closed")


# Bytes


@ensureDeferred
async def test_an_answer_of_long_events_is_bounded_and_gone_on_with_without_a_gap(served: Served) -> None:
    filled = await fill(served, 1)
    first = filled.ids[0] - MINUTE
    batch = ["x" * 60_000] * 200
    await served.store.append([events(first, batch, destination=filled.destination)])
    wanted = [str(first + number) for number in range(200)] + [str(filled.ids[0])]
    for order, bound in (("newest", "before"), ("oldest", "after")):
        for query in ("", "&q=x"):
            found: list[str] = []
            path = f"/api/events?limit=10000&order={order}{query}"
            answer = await filled.get(path)
            while True:
                texts = sum(len(each["message"]) for each in answer["events"])
                assert texts < events_api.MOST_BYTES + 60_000
                ids = [each["id"] for each in answer["events"]]
                found = [*ids, *found] if order == "newest" else [*found, *ids]
                if answer["complete"]:
                    break
                reached = int(answer["reached"]) - (0 if order == "newest" else 1)
                answer = await filled.get(f"{path}&{bound}={reached}")
            assert found == wanted


@ensureDeferred
async def test_context_of_long_events_is_bounded_and_says_that_there_is_more(served: Served) -> None:
    filled = await fill(served, 1)
    first = filled.ids[0] - MINUTE
    await served.store.append([events(first, ["x" * 60_000] * 100, destination=filled.destination)])
    got = await filled.get(f"/api/events/{first + 50}/context?before=1000&after=1000")
    assert 10 < len(got["before"]) < 30
    assert 10 < len(got["after"]) < 30
    assert (got["is_oldest_reached"], got["is_newest_reached"]) == (False, False)


@ensureDeferred
async def test_answers_that_their_client_does_not_read_are_no_more_than_it_may_search(served: Served) -> None:
    filled = await fill(served, 1)
    first = filled.ids[0] - MINUTE
    await served.store.append([events(first, ["x" * 60_000] * 100, destination=filled.destination)])
    cookies = "; ".join(f"{name}={value}" for name, value in filled.browser.cookies.items())
    request = f"GET /api/events?limit=1000 HTTP/1.1\r\nHost: x\r\nCookie: {cookies}\r\n\r\n".encode()
    searches = served.store.searches
    clients = [Taking() for _ in range(MOST_SEARCHES)]
    for number, client in enumerate(clients):
        await connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", served.port), client)
        transport: Any = client.transport
        transport.write(request * 50)
        transport.pauseProducing()
        await until(lambda number=number: searches.open == number + 1, "one more is under way")
    assert (await filled.browser.get("/api/events")).status == 429
    await turns(50)
    assert searches.open == len(clients), "one of a connection, until it has been read"
    transport = clients[0].transport
    transport.resumeProducing()
    await until(lambda: clients[0].data.count(b"HTTP/1.1 200 ") > 3, "who reads is answered on")
    for client in clients:
        transport = client.transport
        transport.abortConnection()
    await until(lambda: not searches.open, "all are closed")


@ensureDeferred
async def test_context_counts_among_the_searches_of_the_account(served: Served) -> None:
    filled = await fill(served, 3)
    known = await served.store.credentials("user@gmail.com")
    assert known
    everything, most = parse("", UTC, 0), MOST_SEARCHES
    others = [served.store.search(known[0].id, filled.destination.id, everything) for _ in range(most)]
    path = f"/api/events/{filled.ids[1]}/context"
    assert (await filled.browser.get(path)).status == 429
    for each in others:
        each.close()
    for _ in range(MOST_SEARCHES + 1):
        assert (await filled.browser.get(path)).status == 200


# Control characters


def unescaped(text: str) -> str:
    """Undo an export's escaping, as the documentation describes it."""
    plain = {"\\": "\\", "t": "\t", "n": "\n", "r": "\r"}

    def of(match: re.Match[str]) -> str:
        return plain.get(match[1]) or chr(int(match[1][1:], 16))

    return re.sub(r"\\(\\|[tnr]|x[0-9a-f]{2}|u[0-9a-f]{4})", of, text)


NASTY = "a\\n\\x1b C:\\new" + "".join(map(chr, (*range(1, 32), *range(127, 160), 0x2028, 0x2029))) + "\nFORGED line"


@pytest.mark.parametrize("form", ["text", "papertrail"])
@ensureDeferred
async def test_an_event_is_one_line_without_control_characters_whatever_its_texts(served: Served, form: str) -> None:
    filled = await fill(served, 1)
    at = filled.ids[0] + MINUTE
    nasty = events(
        at, [f"message {NASTY}"], destination=filled.destination,
        hostname=[f"host {NASTY}"], file_name=[f"program {NASTY}"], procid=[NASTY],
    )  # fmt: skip
    await served.store.append([nasty])
    page = await filled.browser.get(f"/api/export?format={form}&after={at - 1}")
    line, after = page.text.split("\n")
    assert after == ""
    assert not re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029]", line.replace("\t", "") if form == "papertrail" else line)
    if form == "text":
        assert unescaped(line).endswith(f" host {NASTY} program {NASTY}[{NASTY}]: message {NASTY}")
    else:
        columns = [unescaped(column) for column in line.split("\t")]
        assert (columns[3], columns[8], columns[9]) == (f"host {NASTY}", f"program {NASTY}", f"message {NASTY}")


# What only fields hold


MSGIDS = ["RT_FLOW_SESSION_DENY", "", "ID 47", "-", ""]
DATA = ['[junos@2636 policy-name="deny-all"]', '{"path":"C:\\\\new"}', "", '[a@1 b="\n"]', ""]
MESSAGES = ["", "", "opened", "x", "plain"]


@ensureDeferred
async def test_each_format_of_an_export_has_what_only_fields_hold(served: Served) -> None:
    filled = await fill(served, 1)
    at = filled.ids[0] + MINUTE
    lines = events(at, MESSAGES, destination=filled.destination, msgid=MSGIDS, structured_data=DATA)
    await served.store.append([lines])
    path = f"/api/export?after={at - 1}"
    rows = [json.loads(line) for line in (await filled.browser.get(f"{path}&format=json")).text.splitlines()]
    assert [row.get("msgid", "") for row in rows] == MSGIDS
    assert [row.get("structured_data", "") for row in rows] == DATA
    table = csv.DictReader(io.StringIO((await filled.browser.get(f"{path}&format=csv")).text, newline=""))
    unquoted = [(row["procid"], row["msgid"].removeprefix("'"), row["structured_data"]) for row in table]
    assert unquoted == [("42", msgid, data) for msgid, data in zip(MSGIDS, DATA, strict=True)]
    page = await filled.browser.get(f"{path}&format=papertrail")
    columns = [[unescaped(column) for column in line.split("\t")] for line in page.text.split("\n")[:-1]]
    assert [row[10:] for row in columns] == [["42", msgid, data] for msgid, data in zip(MSGIDS, DATA, strict=True)]
    assert [row[9] for row in columns] == [f"{MSGIDS[0]} {DATA[0]}", DATA[1], "opened", "x", "plain"]


@ensureDeferred
async def test_a_text_export_has_fields_after_a_tab_and_all_texts_can_be_recovered(served: Served) -> None:
    filled = await fill(served, 1)
    at = filled.ids[0] + MINUTE
    lines = events(at, MESSAGES, destination=filled.destination, msgid=MSGIDS, structured_data=DATA)
    await served.store.append([lines])
    page = await filled.browser.get(f"/api/export?after={at - 1}")
    first, *_, last = page.text.split("\n")[:-1]
    assert first.endswith('web1 app.log[42]: \tRT_FLOW_SESSION_DENY [junos@2636 policy-name="deny-all"]')
    assert last.endswith(" web1 app.log[42]: plain"), "a line without these fields is as it was"
    recovered = []
    for line in page.text.split("\n")[:-1]:
        message, _, more = line.partition("app.log[42]: ")[2].partition("\t")
        msgid, _, data = more.partition(" ")
        recovered.append([unescaped("" if text == "-" else text) for text in (msgid, data, message)])
    assert recovered == [list(row) for row in zip(MSGIDS, DATA, MESSAGES, strict=True)]


@ensureDeferred
async def test_a_text_export_tells_a_newline_from_a_backslash_and_an_n(served: Served) -> None:
    filled = await fill(served, 1)
    at = filled.ids[0] + MINUTE
    await served.store.append([events(at, ["a\\nb", "a\nb"], destination=filled.destination)])
    page = await filled.browser.get(f"/api/export?after={at - 1}")
    assert [line.rpartition(": ")[2] for line in page.text.splitlines()] == [r"a\\nb", r"a\nb"]


@pytest.mark.parametrize("change", [str.lower, str.upper])
@ensureDeferred
async def test_a_time_may_be_written_in_lower_case(served: Served, change: Callable[[str], str]) -> None:
    filled = await fill(served)
    since, until = (change(utc_text(filled.ids[number])) for number in (2, 7))
    assert numbers((await filled.get(f"/api/events?from={since}&to={until}"))["events"]) == [2, 3, 4, 5, 6]
