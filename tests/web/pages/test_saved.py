"""Saved searches: the page without JavaScript, and the same over HTTP for programs."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from pytest_twisted import ensureDeferred

from tests.fixtures.database import execute
from tests.web.browsing import Browser, Page
from tests.web.conftest import Served


async def destination_id(served: Served) -> str:
    return str((await served.store.destinations())[-1].id)


async def add(served: Served, browser: Browser, name: str, query: str) -> Page:
    fields = {"destination": await destination_id(served), "name": name, "query": query}
    return await browser.submit("/saved", fields)


async def call(browser: Browser, method: str, path: str, **fields: str) -> Page:
    token = (await browser.get("/settings")).csrf_token
    headers = {"Origin": browser.origin, "X-CSRF-Token": token, "Content-Type": "application/json"}
    return await browser.request(method, path, headers, data=json.dumps(fields).encode() if fields else None)


def error(page: Page) -> dict[str, Any]:
    return dict(json.loads(page.text)["error"])


async def listed(browser: Browser, **headers: str) -> list[dict[str, Any]]:
    return list(json.loads((await browser.get("/api/saved", headers)).text)["saved"])


# The page


@ensureDeferred
async def test_a_saved_search_is_listed_with_a_link_that_opens_it(served: Served, browser: Browser) -> None:
    await browser.register("user@gmail.com")
    (destination,) = await served.store.destinations()
    page = await add(served, browser, "Slow & odd", 'host:web-* "took <9 s" -health')
    assert (page.status, page.location) == (303, "/saved")
    page = await browser.get("/saved")
    host = destination.user_id.replace(":", "%3A")
    query = "host%3Aweb-%2A+%22took+%3C9+s%22+-health"
    assert f'href="/?user_id={host}&amp;q={query}">Slow &amp; odd</a>' in page.text
    assert "host:web-* &#34;took &lt;9 s&#34; -health" in page.text
    assert "by user@gmail.com" in page.text


@ensureDeferred
async def test_a_wrong_query_is_refused_with_the_place_and_what_was_typed_stays(
    served: Served, browser: Browser
) -> None:
    await browser.register("user@gmail.com")
    page = await add(served, browser, "mine", "severity:(")
    assert page.status == 400
    assert "At character 11 of the query: expected" in page.text
    assert 'value="severity:("' in page.text
    assert 'value="mine"' in page.text
    assert re.search(r'id="query".*?aria-invalid="true"', page.text, re.S)
    assert await listed(browser) == []


@pytest.mark.parametrize(
    ("name", "query", "status"), [("", "x", 400), ("x" * 101, "x", 400), ("a\u202eb", "x", 400), ("x", " ", 400)]
)
@ensureDeferred
async def test_a_search_wants_a_name_and_a_query(
    served: Served, browser: Browser, name: str, query: str, status: int
) -> None:
    await browser.register("user@gmail.com")
    assert (await add(served, browser, name, query)).status == status
    assert await listed(browser) == []


@ensureDeferred
async def test_a_name_that_is_taken_is_refused(served: Served, browser: Browser) -> None:
    await browser.register("user@gmail.com")
    await add(served, browser, "Errors", "severity:err")
    page = await add(served, browser, "errors", "severity:crit")
    assert page.status == 409
    assert "of that name already" in page.text
    await add(served, browser, "other", "x")
    (other,) = [each for each in await listed(browser) if each["name"] == "other"]
    page = await browser.submit(f"/saved/{other['id']}/rename", {"name": "ERRORS"}, on="/saved")
    assert page.status == 409
    assert 'value="ERRORS"' in page.text


@ensureDeferred
async def test_it_is_renamed_and_deleted(served: Served, browser: Browser) -> None:
    await browser.register("user@gmail.com")
    await add(served, browser, "one", "severity:err")
    (saved,) = await listed(browser)
    page = await browser.submit(f"/saved/{saved['id']}/rename", {"name": "two"}, on="/saved")
    assert (page.status, page.location) == (303, "/saved")
    assert [each["name"] for each in await listed(browser)] == ["two"]
    assert (await browser.get(f"/saved/{saved['id']}/rename")).location == "/saved"
    page = await browser.submit(f"/saved/{saved['id']}/delete", {}, on="/saved")
    assert (page.status, page.location) == (303, "/saved")
    assert await listed(browser) == []


@ensureDeferred
async def test_its_query_is_changed_and_a_wrong_one_is_refused_in_place(served: Served, browser: Browser) -> None:
    await browser.register("user@gmail.com")
    await add(served, browser, "one", "severity:err")
    (saved,) = await listed(browser)
    path = f"/saved/{saved['id']}/rename"
    page = await browser.submit(path, {"name": "one", "query": "severity:("}, on="/saved")
    assert page.status == 400
    assert re.search(rf'id="query-{saved["id"]}".*?value="severity:\(".*?aria-invalid="true"', page.text, re.S)
    page = await browser.submit(path, {"name": "one", "query": "severity:>=err"}, on="/saved")
    assert (page.status, page.location) == (303, "/saved")
    assert [(each["name"], each["query"]) for each in await listed(browser)] == [("one", "severity:>=err")]


@ensureDeferred
async def test_the_form_takes_query_and_destination_from_the_address(served: Served, browser: Browser) -> None:
    await browser.register("user@gmail.com")
    page = await browser.get("/saved?q=%22%3E%3Cb%3E")
    assert 'value="&#34;&gt;&lt;b&gt;"' in page.text


@pytest.mark.parametrize("path", ["/saved", "/saved/1/rename", "/saved/1/delete"])
@ensureDeferred
async def test_without_a_login_the_page_leads_there_and_back(browser: Browser, path: str) -> None:
    assert (await browser.get("/saved?q=x")).location == "/login?next=/saved%3Fq%3Dx"
    page = await browser.post(path, {"csrf_token": "x"})
    assert (page.status, page.location) == (303, "/login?next=/saved")


# Over HTTP


@ensureDeferred
async def test_programs_save_list_and_delete(served: Served, browser: Browser) -> None:
    await browser.register("user@gmail.com")
    (destination,) = await served.store.destinations()
    page = await call(browser, "POST", "/api/saved", name="errors", query="severity:err")
    assert page.status == 201
    saved = json.loads(page.text)["saved"]
    assert set(saved) == {"id", "user_id", "name", "query", "saved_by", "created_at"}
    assert (saved["user_id"], saved["query"]) == (destination.user_id, "severity:err")
    token = await browser.create_token()
    stranger = served.browser()
    assert await listed(stranger, Authorization=f"Bearer {token}") == [saved]
    assert json.loads((await browser.get(f"/api/saved?user_id={destination.user_id}")).text) == {"saved": [saved]}
    page = await call(browser, "POST", f"/api/saved/{saved['id']}", name="errors", query="severity:>=err")
    changed = json.loads(page.text)["saved"]
    assert (page.status, changed) == (200, {**saved, "query": "severity:>=err", "created_at": changed["created_at"]})
    assert await listed(browser) == [changed]
    assert (await call(browser, "DELETE", f"/api/saved/{saved['id']}")).status == 200
    assert (await call(browser, "DELETE", f"/api/saved/{saved['id']}")).status == 404
    assert await listed(browser) == []


@ensureDeferred
async def test_what_is_wrong_is_said_as_elsewhere(served: Served, browser: Browser) -> None:
    await browser.register("user@gmail.com")
    page = await call(browser, "POST", "/api/saved", name="x", query="(a")
    refusal = error(page)
    assert (page.status, refusal["code"], refusal["position"]) == (400, "bad_query", 2)
    assert refusal["expected"]
    assert (await call(browser, "POST", "/api/saved", name="", query="a")).status == 400
    assert (await call(browser, "POST", "/api/saved", name="x", query="a")).status == 201
    page = await call(browser, "POST", "/api/saved", name="X", query="b")
    assert (page.status, error(page)["code"]) == (409, "already_exists")
    assert (await call(browser, "POST", "/api/saved", name="z", query="a")).status == 201
    (last,) = [each["id"] for each in await listed(browser) if each["name"] == "z"]
    page = await call(browser, "POST", f"/api/saved/{last}", name="x", query="b")
    assert (page.status, error(page)["code"]) == (409, "already_exists")
    page = await call(browser, "POST", f"/api/saved/{last}", name="z", query="(a")
    assert (page.status, error(page)["code"]) == (400, "bad_query")
    assert (await call(browser, "POST", f"/api/saved/{last}", name="z", query=" ")).status == 400
    page = await call(browser, "POST", "/api/saved", name="y", query="b", user_id="elsewhere:1")
    assert (page.status, error(page)["code"]) == (403, "forbidden")


@ensureDeferred
async def test_a_destination_has_at_most_200(served: Served, browser: Browser, dsn: str) -> None:
    await browser.register("user@gmail.com")
    execute(
        dsn,
        "INSERT INTO saved_search (destination_id, name, query, created_at)"
        " SELECT %s, 'n' || i, 'x', 0 FROM generate_series(1, 200) i",
        [await destination_id(served)],
    )
    page = await call(browser, "POST", "/api/saved", name="one more", query="x")
    assert (page.status, error(page)["code"]) == (409, "too_many_saved")
    assert (await add(served, browser, "one more", "x")).status == 409


@ensureDeferred
async def test_nothing_is_changed_without_the_forms_token_or_from_another_site(
    served: Served, browser: Browser
) -> None:
    await browser.register("user@gmail.com")
    await add(served, browser, "mine", "x")
    (saved,) = await listed(browser)
    path = f"/api/saved/{saved['id']}"
    assert error(await browser.request("DELETE", path, {"Origin": browser.origin}))["code"] == "bad_csrf_token"
    token = (await browser.get("/settings")).csrf_token
    foreign = {"Origin": "https://evil.example", "X-CSRF-Token": token}
    assert error(await browser.request("DELETE", path, foreign))["code"] == "foreign_origin"
    assert error(await browser.post("/api/saved", {"name": "a", "query": "b"}))["code"] == "bad_csrf_token"
    assert (await browser.post("/saved", {"name": "a", "query": "b"})).status == 403
    assert error(await browser.post(path, {"name": "a", "query": "b"}))["code"] == "bad_csrf_token"
    bearer = {"Authorization": f"Bearer {await browser.create_token()}"}
    assert (await served.browser().request("DELETE", path, bearer)).status == 401
    assert await listed(browser) == [saved]


@ensureDeferred
async def test_members_share_and_strangers_see_nothing(served: Served, browser: Browser, dsn: str) -> None:
    await browser.register("owner@example.com")
    (destination,) = await served.store.destinations()
    await add(served, browser, "shared", "severity:err")
    (saved,) = await listed(browser)
    other = served.browser()
    await other.register("other@example.com")
    assert (await other.get(f"/api/saved?user_id={destination.user_id}")).status == 403
    assert "shared" not in (await other.get("/saved")).text
    for action in ("rename", "delete"):
        page = await other.submit(f"/saved/{saved['id']}/{action}", {"name": "stolen"}, on="/saved")
        assert page.status == 404
    assert (await call(other, "DELETE", f"/api/saved/{saved['id']}")).status == 404
    assert (await call(other, "POST", f"/api/saved/{saved['id']}", name="stolen", query="x")).status == 404
    fields = {"destination": str(destination.id), "name": "planted", "query": "x"}
    assert (await other.submit("/saved", fields)).status == 404
    assert await listed(browser) == [saved]
    execute(
        dsn,
        "INSERT INTO membership SELECT id, %s, 'member' FROM account WHERE email = 'other@example.com'",
        [destination.id],
    )
    assert await listed(other) == [saved]
    assert "shared" in (await other.get("/saved")).text
    assert (await other.submit("/saved", fields)).status == 303
    assert {each["saved_by"] for each in await listed(browser)} == {"owner@example.com", "other@example.com"}
    assert (await other.submit(f"/saved/{saved['id']}/delete", {}, on="/saved")).status == 303
    assert [each["name"] for each in await listed(browser)] == ["planted"]
