"""How long events are kept, and the end of a destination, on the settings page."""

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
    """What the account of ``browser`` owns."""
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
