"""Which connections a destination's port accepts, on the settings page."""

from __future__ import annotations

import re

import pytest
import pytest_twisted
from pytest_twisted import ensureDeferred
from twisted.internet.defer import Deferred

from ppl.model import Destination
from tests.fixtures.database import execute
from tests.web.browsing import Browser, Page
from tests.web.conftest import Served


async def change(browser: Browser, destination: Destination, transport: str) -> Page:
    path = f"/settings/destinations/{destination.id}/transport"
    return await browser.submit(path, {"transport": transport}, on="/settings")


@pytest.fixture
def owned(served: Served, browser: Browser) -> Destination:
    """The destination that the account of ``browser`` owns."""
    assert pytest_twisted.blockon(Deferred.fromCoroutine(browser.register("user@gmail.com"))).status == 303
    return served.listeners.opened.pop()


async def stored(served: Served, destination: Destination) -> str:
    found = await served.store.destination(destination.host, destination.port)
    assert found
    return found.transport


async def chosen(browser: Browser) -> list[str]:
    return re.findall(r'type="radio" value="(\w+)" checked>', (await browser.get("/settings")).text)


@pytest.mark.parametrize("transport", ["plain", "tls", "either"])
@ensureDeferred
async def test_its_owner_decides_and_the_listener_is_told(
    served: Served, browser: Browser, owned: Destination, transport: str
) -> None:
    assert await chosen(browser) == ["either"]
    page = await change(browser, owned, transport)
    assert (page.status, page.location) == (303, "/settings")
    assert await chosen(browser) == [transport]
    assert await stored(served, owned) == transport
    assert [each.id for each in served.listeners.opened] == [owned.id]


@ensureDeferred
async def test_it_is_saved_and_said_when_no_listener_answers(
    served: Served, browser: Browser, owned: Destination
) -> None:
    served.listeners.away = True
    page = await change(browser, owned, "tls")
    assert page.status == 200
    assert "No listener has confirmed it yet" in page.text
    assert await stored(served, owned) == "tls"
    assert await chosen(browser) == ["tls"]


@pytest.mark.parametrize("transport", ["", "TLS", "udp", "either\0", "<b>"])
@ensureDeferred
async def test_what_is_no_choice_is_refused(
    served: Served, browser: Browser, owned: Destination, transport: str
) -> None:
    page = await change(browser, owned, transport)
    assert page.status == 400
    assert "Choose which connections the port accepts." in page.text
    assert await stored(served, owned) == "either"
    assert served.listeners.opened == []


@ensureDeferred
async def test_a_member_sees_it_and_cannot_change_it(
    served: Served, browser: Browser, owned: Destination, dsn: str
) -> None:
    member = served.browser()
    await member.register("member@example.com")
    execute(
        dsn,
        "INSERT INTO membership SELECT id, %s, 'member' FROM account WHERE email = 'member@example.com'",
        [owned.id],
    )
    await change(browser, owned, "tls")
    served.listeners.opened.clear()
    page = await member.get("/settings")
    assert f"<code>{owned.user_id}</code> accepts: encrypted only" in page.text
    assert f"/settings/destinations/{owned.id}/transport" not in page.text
    assert (await change(member, owned, "plain")).status == 403
    assert await stored(served, owned) == "tls"
    assert served.listeners.opened == []


@ensureDeferred
async def test_nobody_changes_or_sees_that_of_another(served: Served, browser: Browser, owned: Destination) -> None:
    stranger = served.browser()
    await stranger.register("other@example.com")
    served.listeners.opened.clear()
    assert (await change(stranger, owned, "plain")).status == 404
    assert owned.user_id not in (await stranger.get("/settings")).text
    assert await stored(served, owned) == "either"
    assert served.listeners.opened == []


@ensureDeferred
async def test_it_needs_a_login_and_the_form_token(served: Served, browser: Browser, owned: Destination) -> None:
    path = f"/settings/destinations/{owned.id}/transport"
    page = await served.browser().post(path, {"transport": "tls"})
    assert (page.status, page.location) == (303, "/login?next=/settings")
    assert (await browser.post(path, {"transport": "tls", "csrf_token": "wrong"})).status == 403
    token = (await browser.get("/settings")).csrf_token
    foreign = await browser.post(
        path, {"transport": "tls", "csrf_token": token}, {"Origin": "https://elsewhere.example"}
    )
    assert foreign.status == 403
    assert await stored(served, owned) == "either"
    assert (await browser.get(path)).location == "/settings"


@ensureDeferred
async def test_it_changes_at_a_bounded_rate(served: Served, browser: Browser, owned: Destination) -> None:
    served.clock.stop()
    token = (await browser.get("/settings")).csrf_token
    path, fields = f"/settings/destinations/{owned.id}/transport", {"csrf_token": token, "transport": "tls"}
    statuses = [(await browser.post(path, fields)).status for _ in range(21)]
    assert statuses == [303] * 20 + [429]
