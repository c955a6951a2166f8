"""The senders page and its API over the real store."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import attrs
import pytest
from pytest_twisted import ensureDeferred
from twisted.internet import reactor

from ppl.model import HOUR, MINUTE, SECOND, Destination
from ppl.search.query import parse
from ppl.store.upkeep.census import Census, CensusLimits
from ppl.timezone import local_text, parse_time_zone
from ppl.web.api.events import time_text
from tests.fixtures.database import execute
from tests.store.samples import events
from tests.waiting import until
from tests.web.browsing import Browser
from tests.web.conftest import Serve, Served

ZONE = "+02:00"


@attrs.frozen
class Watched:
    """An account whose destination has senders; the clock is stopped."""

    browser: Browser
    served: Served
    destination: Destination
    dsn: str
    now: int

    async def take(self, ago: int, hostname: str, number: int = 1, **columns: Any) -> None:
        """Store ``number`` lines of a host, received ``ago`` µs ago."""
        batch = events(
            self.now - ago, ["x"] * number, destination=self.destination, hostname=[hostname] * number, **columns
        )
        await self.served.store.append([batch])

    async def count(self, **limits: int) -> None:
        """Have the census count all events."""
        census = Census(reactor, self.dsn, self.served.clock, limits=CensusLimits(**limits))
        await census.run()
        census.stop()
        await until(lambda: not execute(self.dsn, "SELECT pid FROM pg_locks WHERE locktype = 'advisory'"))

    async def page(self, path: str = "/senders") -> str:
        page = await self.browser.get(path)
        assert page.status == 200, page.text
        return page.text

    async def listed(self, **fields: str) -> Any:
        query = "&".join(f"{name}={value}" for name, value in fields.items())
        return json.loads(await self.page(f"/api/senders?{query}"))


async def watch(served: Served, dsn: str) -> Watched:
    served.clock.stop()
    browser = served.browser()
    assert (await browser.register("user@gmail.com", ZONE)).status == 303
    (destination,) = await served.store.destinations()
    return Watched(browser, served, destination, dsn, served.clock())


def rows(text: str) -> list[list[str]]:
    """The table's cells as text, row by row."""
    found = []
    for row in re.findall(r"<tr>(.*?)</tr>", text.partition("<tbody>")[2], re.DOTALL):
        cells = re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)
        found.append([" ".join(unescape(re.sub(r"<[^>]+>", "", cell)).split()) for cell in cells])
    return found


def names(text: str) -> list[str]:
    return [cells[0] for cells in rows(text)]


@ensureDeferred
async def test_hosts_are_shown_with_when_how_fast_and_how_many(served: Served, dsn: str) -> None:
    watched = await watch(served, dsn)
    await watched.take(3 * HOUR, "db", 5)
    await watched.take(20 * SECOND, "web-1", 120)
    await watched.count()
    text = await watched.page()
    rate = "2.0" if (watched.now - 20 * SECOND) // HOUR == watched.now // HOUR else None
    web, db = rows(text)
    assert web[:2] == ["web-1", "seen 19 seconds ago"]
    assert rate is None or web[2] == f"{rate} lines/min"
    assert web[4:] == ["120 lines", "20 seconds ago"]
    assert db[:2] == ["db", "seen 2 hours ago"] or db[:2] == ["db", "seen 3 hours ago"]
    assert db[4] == "5 lines"
    exact = local_text(watched.now - 20 * SECOND + 119, parse_time_zone(ZONE))
    assert f'title="{exact}"' in text, "in the reader's zone"
    assert 'aria-label="120 lines in 24 hours, 120 in the busiest hour"' in text
    assert "style=" not in text
    scripts = re.findall(r"<script[^>]*>", text)
    assert all("theme.js" in each for each in scripts), "nothing that is shown needs a script"


@ensureDeferred
async def test_a_name_leads_to_its_lines_whatever_it_is(served: Served, dsn: str) -> None:
    watched = await watch(served, dsn)
    odd = ["web-1", 'a"b', "with blank", "OR", "it's", "<script>alert(1)</script>", "x*", "%_\\", "(", "/etc"]
    for number, hostname in enumerate(odd):
        await watched.take(MINUTE + number * SECOND, hostname, file_name=[f"{hostname}.log"], sender_ip="2001:db8::1")
    await watched.take(0, "plain")
    await watched.count()
    zone = parse_time_zone(ZONE)
    text = await watched.page()
    assert "<script>" not in text
    links = [unescape(link) for link in re.findall(r'<th scope="row" class="name"><a[^>]* href="([^"]+)"', text)]
    assert links[1] == f"/?user_id={quote(watched.destination.user_id, safe='')}&q=host%3A%3Dweb-1"
    for path in ("/senders?kind=host", "/senders?kind=file", "/senders?kind=address"):
        text = await watched.page(path)
        for name, link in zip(names(text), re.findall(r'class="name"><a[^>]* href="([^"]+)"', text), strict=True):
            fields = parse_qs(urlsplit(unescape(link)).query)
            assert fields["user_id"] == [watched.destination.user_id]
            query = parse(fields["q"][0], zone, watched.now)
            search = served.store.search(1, watched.destination.id, query)
            found = ()
            while not found and not search.is_complete:
                found = (await search.step(100)).events
            search.close()
            assert found, name
            kind = path.rpartition("=")[2]
            attribute = {"host": "hostname", "file": "file_name", "address": "sender_ip"}[kind]
            values = {getattr(each, attribute) for each in found}
            assert values == {name}


@ensureDeferred
async def test_lines_without_a_host_lead_to_those_without(served: Served, dsn: str) -> None:
    watched = await watch(served, dsn)
    await watched.take(0, "")
    await watched.take(MINUTE, "web-1")
    await watched.count()
    text = await watched.page()
    assert names(text) == ["no host", "web-1"]
    assert "q=host%3A%3D%22%22" in text


@ensureDeferred
async def test_columns_sort_by_links(served: Served, dsn: str) -> None:
    watched = await watch(served, dsn)
    await watched.take(30 * MINUTE, "Beta", 3)
    await watched.take(50 * MINUTE, "alpha", 2)
    await watched.take(2 * MINUTE, "gamma", 1)
    await watched.count()
    text = await watched.page()
    assert names(text) == ["gamma", "Beta", "alpha"], "who was seen last comes first"
    assert re.findall(r'class="(\w+)" aria-sort="(\w+)"', text) == [("last_seen", "descending")]
    for column, expected in (
        ("name", ["alpha", "Beta", "gamma"]),
        ("count", ["Beta", "alpha", "gamma"]),
        ("day", ["Beta", "alpha", "gamma"]),
        ("first_seen", ["gamma", "Beta", "alpha"]),
    ):
        (link,) = re.findall(rf'class="{column}"[^>]*>\s*<a href="([^"]+)"', text)
        sorted_ = await watched.page(unescape(link))
        assert names(sorted_) == expected, column
        (link,) = re.findall(rf'class="{column}" aria-sort="\w+">\s*<a href="([^"]+)"', sorted_)
        assert names(await watched.page(unescape(link))) == expected[::-1]
    for wrong in ("sort=x", "order=up", "kind=y"):
        assert (await watched.browser.get(f"/senders?{wrong}")).status == 400


@ensureDeferred
async def test_who_was_regular_and_is_silent_is_marked(served: Served, dsn: str) -> None:
    watched = await watch(served, dsn)
    for hours in range(2, 8):
        await watched.take(hours * HOUR, "gone")
        await watched.take((hours - 2) * HOUR, "steady")
    await watched.take(6 * HOUR + 5, "once")
    await watched.count()
    text = await watched.page()
    assert names(text) == ["steady", "gone silent", "once"]
    assert "1 host silent for longer than usual" in text
    assert "at most an hour without lines" in text
    listed = await watched.listed(kind="host")
    assert {each["name"]: each["silent"] for each in listed["senders"]} == {
        "steady": False, "gone": True, "once": False,
    }  # fmt: skip


@ensureDeferred
async def test_programs_get_all_kinds_with_their_hours(served: Served, dsn: str) -> None:
    watched = await watch(served, dsn)
    await watched.take(0, "web-1", 3, file_name=["a", "a", "b"])
    listed = await watched.listed()
    assert (listed["senders"], listed["reached"], listed["complete"]) == ([], None, False)
    await watched.count()
    listed = await watched.listed()
    assert [(each["kind"], each["name"], each["events"]) for each in listed["senders"]] == [
        ("host", "web-1", 3), ("file", "a", 2), ("file", "b", 1), ("address", "192.0.2.1", 3),
    ]  # fmt: skip
    host = listed["senders"][0]
    assert host["hours"] == [0] * 23 + [3]
    assert host["rate_per_minute"] == 0.05
    assert host["query"] == "host:=web-1"
    assert host["last_seen"] == time_text(watched.now + 2)
    assert listed["hours_from"] == time_text(watched.now - watched.now % HOUR - 23 * HOUR)
    assert listed["complete"]
    assert len((await watched.listed(kind="file"))["senders"]) == 2
    assert (await watched.browser.get("/api/senders?kind=x")).status == 400


@ensureDeferred
async def test_the_rest_has_a_row_without_a_link(served: Served, dsn: str) -> None:
    watched = await watch(served, dsn)
    await watched.take(MINUTE, "web-1")
    await watched.take(0, "random-1")
    await watched.take(SECOND, "random-2")
    await watched.count(names=1)
    text = await watched.page()
    assert names(text)[-1] == "all others"
    assert 'Hosts <span class="count">1</span>' in text
    assert [each["name"] for each in (await watched.listed(kind="host"))["senders"]] == ["web-1", None]


@pytest.mark.parametrize("path", ["/senders", "/dashboard", "/api/senders"])
@ensureDeferred
async def test_nobody_sees_what_is_not_theirs(served: Served, dsn: str, path: str) -> None:
    watched = await watch(served, dsn)
    await watched.take(0, "secret-host")
    await watched.count()
    stranger = served.browser()
    page = await stranger.get(path)
    assert page.status == (401 if path.startswith("/api") else 303)
    other = served.browser()
    await other.register("other@gmail.com")
    assert "secret-host" not in (await other.get(path)).text
    of_other = f"{path}?user_id={quote(watched.destination.user_id)}"
    refused = await other.get(of_other)
    assert refused.status == 403
    assert refused.text == (await other.get(f"{path}?user_id=nowhere%3A1")).text, "and not whether there is such"
    execute(dsn, "INSERT INTO membership (account_id, destination_id, role) VALUES (2, %s, 'member')",
            [watched.destination.id])  # fmt: skip
    assert "secret-host" in (await other.get(of_other)).text, "a member does"


@ensureDeferred
async def test_with_several_destinations_one_is_chosen(serve: Serve, dsn: str) -> None:
    served = serve()
    watched = await watch(served, dsn)
    assert "<select" not in await watched.page()
    other = served.browser()
    await other.register("other@gmail.com")
    _, second = await served.store.destinations()
    execute(dsn, "INSERT INTO membership (account_id, destination_id, role) VALUES (1, %s, 'member')", [second.id])
    for path in ("/senders", "/dashboard"):
        assert f'<option value="{watched.destination.user_id}" selected>' in await watched.page(path)
        text = await watched.page(f"{path}?user_id={quote(second.user_id)}")
        assert f'<option value="{second.user_id}" selected>' in text
    assert (await watched.browser.get("/api/senders")).status == 400


@ensureDeferred
async def test_without_any_destination_the_pages_say_so(served: Served, dsn: str) -> None:
    watched = await watch(served, dsn)
    execute(dsn, "DELETE FROM membership")
    for path in ("/senders", "/dashboard"):
        assert "You have no log destination" in await watched.page(path)


@ensureDeferred
async def test_reading_them_is_throttled_by_account_over_all_pages(served: Served, dsn: str) -> None:
    watched = await watch(served, dsn)
    paths = ["/api/senders", "/senders", "/dashboard"]
    statuses = [(await watched.browser.get(paths[number % 3])).status for number in range(33)]
    assert statuses == [200] * 30 + [429] * 3
    other = served.browser()
    assert (await other.register("other@gmail.com", ZONE)).status == 303
    assert (await other.get("/senders")).status == 200
