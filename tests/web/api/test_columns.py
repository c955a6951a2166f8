"""Columns and fields of events for the page and for programs, over the real store."""

from __future__ import annotations

import json
from typing import Any

from pytest_twisted import ensureDeferred

from ppl.model import SECOND
from tests.store.samples import events
from tests.web.api.test_events import Filled, code
from tests.web.browsing import Page
from tests.web.conftest import Served

TEXTS = ('{"status": 500, "user": {"name": "Ann Lee"}}', "status=200 odd", "nothing")


async def with_fields(served: Served, *texts: str) -> Filled:
    """A new account with a line for each text, a second apart."""
    browser = served.browser()
    assert (await browser.register("user@gmail.com", "+02:00")).status == 303
    (destination,) = await served.store.destinations()
    first = served.clock() - len(texts) * SECOND
    ids = [first + number * SECOND for number in range(len(texts))]
    for at, text in zip(ids, texts, strict=True):
        await served.store.append([events(at, [text], destination=destination)])
    return Filled(browser, served, destination, ids)


async def post(filled: Filled, columns: str) -> Page:
    token = (await filled.browser.get("/settings")).csrf_token
    body = json.dumps({"user_id": filled.destination.user_id, "columns": columns}).encode()
    headers = {"X-CSRF-Token": token, "Content-Type": "application/json", "Origin": filled.browser.origin}
    return await filled.browser.request("POST", "/api/columns", headers, data=body)


@ensureDeferred
async def test_the_fields_of_an_event_come_with_the_terms_that_find_them(served: Served) -> None:
    filled = await with_fields(served, *TEXTS)
    got = await filled.get(f"/api/events/{filled.ids[0]}/fields")
    assert got == {
        "fields": [
            {"name": "status", "value": "500", "query": "status:=500"},
            {"name": "user.name", "value": "Ann Lee", "query": 'user.name:="Ann Lee"'},
        ]
    }
    assert await filled.get(f"/api/events/{filled.ids[2]}/fields") == {"fields": []}
    assert await filled.get("/api/events/17/fields") == {"fields": []}


@ensureDeferred
async def test_columns_are_kept_and_events_carry_their_values(served: Served) -> None:
    filled = await with_fields(served, *TEXTS)
    user_id = filled.destination.user_id
    assert await filled.get("/api/columns") == {"columns": [{"user_id": user_id, "names": []}]}
    changed = await post(filled, "user.name,status")
    assert (changed.status, json.loads(changed.text)) == (200, {"user_id": user_id, "names": ["user.name", "status"]})
    assert await filled.get("/api/columns") == {"columns": [{"user_id": user_id, "names": ["user.name", "status"]}]}
    assert 'data-columns="user.name,status"' in (await filled.browser.get("/")).text
    assert 'data-columns="user.name,status"' in (await filled.browser.get(f"/events/{filled.ids[0]}")).text

    def values(found: list[Any]) -> list[Any]:
        return [each.get("columns") for each in found]

    wanted = [{"user.name": "Ann Lee", "status": "500"}, {"status": "200"}, None]
    asked = "columns=status,user.name"
    assert values((await filled.get(f"/api/events?{asked}"))["events"]) == wanted
    assert values((await filled.get(f"/api/events?q=odd&{asked}"))["events"]) == [wanted[1]]
    assert values([(await filled.get(f"/api/events/{filled.ids[0]}?{asked}"))["event"]]) == [wanted[0]]
    around = await filled.get(f"/api/events/{filled.ids[1]}/context?{asked}")
    assert values([*around["before"], around["event"], *around["after"]]) == wanted
    assert values((await filled.get("/api/events"))["events"]) == [None] * 3


@ensureDeferred
async def test_wrong_columns_are_refused(served: Served) -> None:
    filled = await with_fields(served, *TEXTS)
    for wrong in ("a b", ",".join(f"c{number}" for number in range(9)), "status,"):
        assert (await post(filled, wrong)).status == 400
        got = await filled.browser.get(f"/api/events?columns={wrong.replace(' ', '%20')}")
        assert (got.status, code(got)) == (400, "bad_request")
    for ids in ("", "x", "1,", ",".join(["1"] * 201)):
        assert (await filled.browser.get(f"/api/columns/values?columns=a&ids={ids}")).status == 400


@ensureDeferred
async def test_the_values_of_events_come_by_their_ids_as_far_as_texts_fit(served: Served) -> None:
    long_ = "status=1 " + "x" * 600_000
    filled = await with_fields(served, *TEXTS, long_, long_, long_)
    ids = [str(each) for each in filled.ids]
    got = await filled.get(f"/api/columns/values?columns=status&ids={','.join(ids[:3])},17")
    assert got == {"values": {ids[0]: {"status": "500"}, ids[1]: {"status": "200"}, ids[2]: {}}}
    got = await filled.get(f"/api/columns/values?columns=status&ids={','.join(ids)}")
    assert list(got["values"]) == ids[-2:]
    assert got["left"] == ids[:-2]
    got = await filled.get(f"/api/columns/values?columns=status&ids={','.join(got['left'])}")
    assert list(got["values"]) == ids[:-2]
    assert "left" not in got
