"""The settings page: time zone, tokens, destinations."""

from __future__ import annotations

import re
import socket

import pytest
from pytest_twisted import ensureDeferred

from ppl.access.secrets import secret_hash
from ppl.timezone import local_text, parse_time_zone
from ppl.web.pages.snippets import SNIPPETS
from tests.listener.receiving import free_port
from tests.web.browsing import Browser
from tests.web.conftest import Serve, Served


@pytest.fixture
def member(served: Served) -> Browser:
    """Another browser of the site, for :func:`logged_in` to log in."""
    return served.browser()


async def logged_in(browser: Browser, email: str = "user@gmail.com") -> Browser:
    assert (await browser.register(email)).status == 303
    return browser


async def me(served: Served, token: str) -> int:
    return (await served.browser().get("/api/me", {"Authorization": f"Bearer {token}"})).status


@ensureDeferred
async def test_the_page_shows_the_account_and_its_destinations(served: Served, browser: Browser) -> None:
    page = await (await logged_in(browser)).get("/settings")
    (destination,) = served.listeners.opened
    assert page.status == 200
    assert "user@gmail.com" in page.text
    assert f"<code>{destination.port}</code>" in page.text
    assert "owner" in page.text


@ensureDeferred
async def test_a_time_zone_can_be_changed(served: Served, browser: Browser) -> None:
    await logged_in(browser)
    page = await browser.submit("/settings/time-zone", {"timeZone": "+05:30"}, on="/settings")
    assert (page.status, page.location) == (303, "/settings")
    assert 'value="+05:30"' in (await browser.get("/settings")).text
    (destination,) = await served.store.destinations()
    assert destination.time_zone == "+05:30"


@ensureDeferred
async def test_the_present_time_in_the_zone_is_shown(served: Served, browser: Browser) -> None:
    served.clock.stop()
    await logged_in(browser)
    await browser.submit("/settings/time-zone", {"timeZone": "+05:30"}, on="/settings")
    now = local_text(served.clock(), parse_time_zone("+05:30"))
    assert f"In +05:30 it is now <time>{now}</time>." in (await browser.get("/settings")).text


@ensureDeferred
async def test_snippets_are_filled_in_and_only_for_what_the_port_takes(served: Served, browser: Browser) -> None:
    page = await (await logged_in(browser)).get("/settings")
    (destination,) = await served.store.destinations()
    for sender in SNIPPETS:
        assert f"<summary>{sender}</summary>" in page.text
    assert f"| nc -w 1 {destination.host} {destination.port}" in page.text
    assert "{host}" not in page.text
    fields = {"transport": "tls"}
    await browser.submit(f"/settings/destinations/{destination.id}/transport", fields, on="/settings")
    page = await browser.get("/settings")
    assert "(rsyslog over RELP over TLS)</span></figcaption>" in page.text
    assert "over TCP)<" not in page.text
    assert "Over TCP<" not in page.text
    assert "<summary>Python</summary>" not in page.text


@ensureDeferred
async def test_a_test_line_that_nobody_takes_is_said_on_the_page(serve: Serve) -> None:
    port = free_port()
    served = serve(ports=range(port, port + 1), public_host="127.0.0.1")
    browser = await logged_in(served.browser())
    (destination,) = await served.store.destinations()
    with socket.socket() as held:
        # Bound and not listening: no program of this machine, such as the Ppl of another test, can take the line.
        held.bind(("", port))
        path = f"/settings/destinations/{destination.id}/test-line"
        page = await browser.submit(path, {}, on="/settings")
        assert page.status == 503
        assert f"No connection to {destination.user_id}" in page.text
        assert "<h1>Settings</h1>" in page.text
        assert (await browser.get(path)).location == "/settings"


@ensureDeferred
async def test_nobody_sends_test_lines_to_what_is_not_theirs(served: Served, browser: Browser, member: Browser) -> None:
    await logged_in(browser)
    (destination,) = await served.store.destinations()
    await logged_in(member, "other@example.com")
    path = f"/settings/destinations/{destination.id}/test-line"
    assert (await member.submit(path, {}, on="/settings")).status == 404


@ensureDeferred
async def test_a_wrong_time_zone_is_refused_and_kept_in_the_form(browser: Browser) -> None:
    await logged_in(browser)
    page = await browser.submit("/settings/time-zone", {"timeZone": "<Mars>"}, on="/settings")
    assert page.status == 400
    assert "is not a time zone" in page.text
    assert 'value="&lt;Mars&gt;"' in page.text
    assert 'value="UTC"' in (await browser.get("/settings")).text


@ensureDeferred
async def test_a_token_is_shown_once_and_stored_hashed(served: Served, browser: Browser) -> None:
    await logged_in(browser)
    token = await browser.create_token("backup script")
    assert await me(served, token) == 200
    page = await browser.get("/settings")
    assert "backup script" in page.text
    assert token not in page.text
    found = await served.store.session(secret_hash(token))
    assert found
    assert (found[0].kind, found[0].label, found[0].expires_at) == ("token", "backup script", None)


@ensureDeferred
async def test_a_revoked_token_is_worth_nothing(served: Served, browser: Browser) -> None:
    await logged_in(browser)
    token, kept = await browser.create_token("one"), await browser.create_token("two")
    path = re.findall(r'action="(/settings/tokens/\d+/delete)"', (await browser.get("/settings")).text)[0]
    page = await browser.submit(path, {}, on="/settings")
    assert (page.status, page.location) == (303, "/settings")
    assert (await me(served, token), await me(served, kept)) == (401, 200)


@ensureDeferred
async def test_nobody_revokes_the_token_of_another(served: Served, browser: Browser, member: Browser) -> None:
    await logged_in(browser)
    token = await browser.create_token()
    path = re.findall(r'action="(/settings/tokens/\d+/delete)"', (await browser.get("/settings")).text)[0]
    await logged_in(member, "other@example.com")
    assert (await member.submit(path, {}, on="/settings")).status == 404
    assert await me(served, token) == 200


@ensureDeferred
async def test_a_browser_session_is_not_revoked_as_a_token(served: Served, browser: Browser) -> None:
    await logged_in(browser)
    found = await served.store.session(secret_hash(browser.cookies["ppl_session"]))
    assert found
    assert (await browser.submit(f"/settings/tokens/{found[0].id}/delete", {}, on="/settings")).status == 404
    assert (await browser.get("/settings")).status == 200


@pytest.mark.parametrize("token_id", ["0", "999999999999999999", "x", "-1", "1.0", "9999999999999999999"])
@ensureDeferred
async def test_an_unknown_token_is_not_found(browser: Browser, token_id: str) -> None:
    await logged_in(browser)
    assert (await browser.submit(f"/settings/tokens/{token_id}/delete", {}, on="/settings")).status == 404


@pytest.mark.parametrize("path", ["/settings/tokens", "/settings/time-zone"])
@ensureDeferred
async def test_an_address_that_forms_are_sent_to_leads_back_to_the_page(browser: Browser, path: str) -> None:
    await logged_in(browser)
    assert (await browser.get(path)).location == "/settings"


@pytest.mark.parametrize("label", ["", "x" * 101, "a\nb"])
@ensureDeferred
async def test_a_token_wants_a_name(served: Served, browser: Browser, label: str) -> None:
    await logged_in(browser)
    page = await browser.submit("/settings/tokens", {"label": label}, on="/settings")
    assert page.status == 400
    assert "Give the token a name" in page.text
    assert "new-token" not in page.text


@ensureDeferred
async def test_markup_in_a_label_stays_text(browser: Browser) -> None:
    await logged_in(browser)
    await browser.create_token("<b>\"'&")
    page = await browser.get("/settings")
    assert "<b>" not in page.text
    assert "&lt;b&gt;" in page.text


@ensureDeferred
async def test_tokens_are_made_at_a_bounded_rate(served: Served, browser: Browser) -> None:
    served.clock.stop()
    await logged_in(browser)
    token = (await browser.get("/settings")).csrf_token
    fields = {"csrf_token": token, "label": "x"}
    statuses = [(await browser.post("/settings/tokens", fields)).status for _ in range(31)]
    assert statuses == [200] * 30 + [429]


@pytest.mark.parametrize("path", ["/settings/time-zone", "/settings/tokens", "/settings/tokens/1/delete"])
@ensureDeferred
async def test_without_a_login_forms_lead_there_and_back_to_the_page(browser: Browser, path: str) -> None:
    page = await browser.post(path, {"csrf_token": "x"})
    assert (page.status, page.location) == (303, "/login?next=/settings")
