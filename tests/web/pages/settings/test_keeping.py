"""Retention, and creating and closing destinations, on the settings page."""

from __future__ import annotations

import re

import pytest
import pytest_twisted
from pytest_twisted import ensureDeferred
from twisted.internet.defer import Deferred

from ppl.model import Destination
from tests.fixtures.database import execute
from tests.web.browsing import Browser, Page
from tests.web.conftest import Serve, Served


@pytest.fixture
def owned(served: Served, browser: Browser) -> Destination:
    """The destination that the account of ``browser`` owns."""
    assert pytest_twisted.blockon(Deferred.fromCoroutine(browser.register("user@gmail.com"))).status == 303
    return served.listeners.opened.pop()


async def keep(browser: Browser, destination: Destination, days: str) -> Page:
    return await browser.submit(f"/settings/destinations/{destination.id}/retention", {"days": days}, on="/settings")


async def close(browser: Browser, destination: Destination, confirm: str) -> Page:
    return await browser.submit(f"/settings/destinations/{destination.id}/close", {"confirm": confirm}, on="/settings")


async def shown(browser: Browser) -> str:
    (value,) = re.findall(r'name="days" type="number"[^>]* value="(\d*)"', (await browser.get("/settings")).text)
    return str(value)


@ensureDeferred
async def test_the_owner_decides_for_how_many_days(served: Served, browser: Browser, owned: Destination) -> None:
    assert await shown(browser) == ""
    page = await keep(browser, owned, "30")
    assert (page.status, page.location) == (303, "/settings")
    assert await shown(browser) == "30"
    (destination,) = await served.store.destinations()
    assert destination.retention_days == 30
    assert (await keep(browser, owned, "")).status == 303
    assert await shown(browser) == ""


@pytest.mark.parametrize("days", ["0", "-1", "x", "36501", "99999999", "1.5", "٣"])
@ensureDeferred
async def test_what_is_no_number_of_days_is_refused(browser: Browser, owned: Destination, days: str) -> None:
    page = await keep(browser, owned, days)
    assert page.status == 400
    assert "Give a number of days" in page.text
    assert await shown(browser) == ""


@ensureDeferred
async def test_what_the_installation_says_is_shown(serve: Serve) -> None:
    browser = serve(retention_days=14).browser()
    await browser.register("user@gmail.com")
    assert "default: for 14 days." in (await browser.get("/settings")).text


@pytest.mark.parametrize("limit", ["keep_bytes", "keep_free_bytes"])
@ensureDeferred
async def test_a_page_promises_no_time_for_which_there_may_be_no_room(serve: Serve, limit: str) -> None:
    browser = serve(**{limit: 1 << 30}).browser()
    await browser.register("user@gmail.com")
    assert "default: as long as there is room." in (await browser.get("/settings")).text
    assert "<dd>as long as there is room " in (await browser.get("/dashboard")).text


@ensureDeferred
async def test_a_destination_is_closed_when_its_name_is_typed(
    served: Served, browser: Browser, owned: Destination
) -> None:
    page = await close(browser, owned, "yes")
    assert page.status == 400
    assert f"Type {owned.user_id}" in page.text
    assert served.listeners.closed == []
    page = await close(browser, owned, owned.user_id)
    assert (page.status, page.location) == (303, "/settings")
    assert [each.id for each in served.listeners.closed] == [owned.id]
    assert await served.store.destinations() == []
    assert "receives nothing any more" in (await browser.get("/settings")).text
    assert (await browser.get("/")).status == 200, "its history stays readable"


@ensureDeferred
async def test_others_decide_nothing(served: Served, dsn: str, browser: Browser, owned: Destination) -> None:
    other = served.browser()
    await other.register("other@gmail.com")
    assert (await keep(other, owned, "1")).status == 404
    assert (await close(other, owned, owned.user_id)).status == 404
    execute(dsn, "INSERT INTO membership (account_id, destination_id, role) VALUES (2, %s, 'member')", [owned.id])
    assert (await keep(other, owned, "1")).status == 403
    assert (await close(other, owned, owned.user_id)).status == 403
    assert "Only its owner can change that" in (await other.get("/settings")).text
    (first, _) = await served.store.destinations()
    assert (first.retention_days, first.closed_at) == (None, None)


@ensureDeferred
async def test_who_has_closed_the_last_destination_makes_a_new_one(
    served: Served, browser: Browser, owned: Destination
) -> None:
    assert "It is your only open destination" in (await browser.get("/settings")).text
    await close(browser, owned, owned.user_id)
    page = await browser.get("/settings")
    assert f'<code>{owned.user_id}</code> <span class="closed">closed</span>' in page.text
    assert f"<legend>{owned.user_id} accepts</legend>" not in page.text
    assert "data-closed" in (await browser.get("/")).text
    page = await browser.submit("/settings/destinations", {}, on="/settings")
    (made,) = await served.store.destinations()
    assert (page.status, page.location) == (303, f"/settings#destination-{made.id}")
    assert [each.id for each in served.listeners.opened] == [made.id]
    assert made.user_id != owned.user_id, "its port may still be sent to by others"
    assert [(each.id, role) for each, role in await served.store.destinations_of(1)] == [
        (owned.id, "owner"), (made.id, "owner"),
    ]  # fmt: skip
    page = await browser.get("/dashboard")
    assert f"{owned.user_id} (closed)</option>" in page.text


@ensureDeferred
async def test_an_account_has_so_many_open_destinations_and_each_its_own_port(serve: Serve) -> None:
    served = serve(max_destinations=3)
    browser = served.browser()
    await browser.register("user@gmail.com")
    for _ in range(2):
        assert (await browser.submit("/settings/destinations", {}, on="/settings")).status == 303
    assert "It is your only open destination" not in (await browser.get("/settings")).text
    page = await browser.submit("/settings/destinations", {}, on="/settings")
    assert page.status == 409
    assert "An account may have 3 open destinations" in page.text
    destinations = await served.store.destinations()
    assert len({each.port for each in destinations}) == len(destinations) == 3
    await close(browser, destinations[0], destinations[0].user_id)
    assert (await browser.submit("/settings/destinations", {}, on="/settings")).status == 303


@ensureDeferred
async def test_a_new_destination_needs_the_form_of_the_page(
    served: Served, browser: Browser, owned: Destination
) -> None:
    assert (await browser.post("/settings/destinations", {})).status == 403
    assert len(await served.store.destinations()) == 1
