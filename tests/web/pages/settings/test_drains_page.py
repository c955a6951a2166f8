"""Drain tokens on the settings page."""

from __future__ import annotations

import re

import pytest
from pytest_twisted import ensureDeferred

from ppl.access.secrets import secret_hash
from tests.fixtures.database import execute
from tests.web.browsing import Browser, Page
from tests.web.conftest import Serve, Served


async def create(browser: Browser, destination_id: int = 1, label: str = "Heroku") -> Page:
    fields = {"destination": str(destination_id), "drain_label": label}
    return await browser.submit("/settings/drains", fields, on="/settings")


def shown(page: Page) -> tuple[str, str]:
    """The drain's address that the page shows, and the token in it."""
    found = re.search(r'id="new-drain">([^<]+/logs/([\w-]{43}))<', page.text)
    assert found, page.text
    return found[1], found[2]


async def revoking(browser: Browser) -> list[str]:
    return re.findall(r'action="(/settings/drains/\d+/delete)"', (await browser.get("/settings")).text)


@ensureDeferred
async def test_a_drain_token_is_shown_once_with_what_to_do_with_it(served: Served, browser: Browser) -> None:
    await browser.register("user@gmail.com")
    page = await create(browser)
    url, token = shown(page)
    assert page.status == 200
    assert url == f"{served.url}/logs/{token}"
    assert f"heroku drains:add {url}" in page.text
    assert f"URI              /logs/{token}" in page.text
    (destination,) = await served.store.destinations()
    assert await served.store.drained(secret_hash(token)) == destination
    again = await browser.get("/settings")
    assert "Heroku" in again.text
    assert token not in again.text


@ensureDeferred
async def test_the_address_is_the_public_one_or_the_drains_own(serve: Serve) -> None:
    served = serve(public_url="https://logs.example.com")
    await served.browser().register("a@example.com")
    browser = served.browser()
    await browser.log_in("a@example.com")
    page = await create(browser)
    assert shown(page)[0].startswith("https://logs.example.com/logs/")
    assert "Port             443" in page.text
    other = serve(drain_url="http://drain.example.com:9000").browser()
    await other.log_in("a@example.com")
    page = await create(other)
    assert shown(page)[0].startswith("http://drain.example.com:9000/logs/")
    assert re.search(r"Host +drain.example.com\n +Port +9000\n", page.text)


@ensureDeferred
async def test_a_revoked_drain_leads_nowhere(served: Served, browser: Browser) -> None:
    await browser.register("user@gmail.com")
    token, kept = [shown(await create(browser))[1] for _ in range(2)]
    path = (await revoking(browser))[0]
    page = await browser.submit(path, {}, on="/settings")
    assert (page.status, page.location) == (303, "/settings")
    assert await served.store.drained(secret_hash(token)) is None
    assert await served.store.drained(secret_hash(kept)) is not None
    assert (await browser.submit(path, {}, on="/settings")).status == 404


@ensureDeferred
async def test_only_the_owner_sees_makes_and_revokes(served: Served, browser: Browser, dsn: str) -> None:
    await browser.register("owner@example.com")
    await create(browser, label="of the owner")
    (path,) = await revoking(browser)
    member = served.browser()
    await member.register("member@example.com")
    execute(dsn, "INSERT INTO membership VALUES (2, 1, 'member')")
    assert "of the owner" not in (await member.get("/settings")).text
    assert (await create(member)).status == 403
    assert (await member.submit(path, {}, on="/settings")).status == 404
    assert await revoking(browser) == [path]


@pytest.mark.parametrize("label", ["", "x" * 101, "a\nb"])
@ensureDeferred
async def test_a_drain_wants_a_name(browser: Browser, label: str) -> None:
    await browser.register("user@gmail.com")
    page = await create(browser, label=label)
    assert page.status == 400
    assert "Give the token a name" in page.text
    assert 'id="new-drain"' not in page.text
    assert re.search(r'id="drain-label"[^>]*aria-invalid="true"', page.text)
    assert await revoking(browser) == []


@pytest.mark.parametrize("destination", ["", "x", "999", "-1", "1 "])
@ensureDeferred
async def test_a_drain_wants_a_destination_of_ones_own(browser: Browser, destination: str) -> None:
    await browser.register("user@gmail.com")
    page = await browser.submit("/settings/drains", {"destination": destination, "drain_label": "x"}, on="/settings")
    assert page.status == 404


@ensureDeferred
async def test_a_destination_has_at_most_a_hundred(browser: Browser, dsn: str) -> None:
    await browser.register("user@gmail.com")
    execute(
        dsn,
        "INSERT INTO drain (destination_id, secret_hash, label, created_at)"
        " SELECT 1, n::text::bytea, 'x', 0 FROM generate_series(1, 100) AS n",
    )
    page = await create(browser)
    assert page.status == 400
    assert "at most 100 drain tokens" in page.text


@ensureDeferred
async def test_drains_are_made_at_a_bounded_rate(served: Served, browser: Browser) -> None:
    served.clock.stop()
    await browser.register("user@gmail.com")
    token = (await browser.get("/settings")).csrf_token
    fields = {"csrf_token": token, "destination": "1", "drain_label": "x"}
    statuses = [(await browser.post("/settings/drains", fields)).status for _ in range(31)]
    assert statuses == [200] * 30 + [429]


@ensureDeferred
async def test_where_no_listener_is_uploads_are_not_found_and_the_token_is_not_repeated(served: Served) -> None:
    browser = served.browser()
    page = await browser.request("POST", "/logs/secret-secret-secret", {"Origin": "https://elsewhere.example"})
    assert page.status == 404
    assert page.header("content-type") == "application/json; charset=utf-8"
    assert "secret" not in page.text
