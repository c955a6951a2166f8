"""Protection against pages of other sites that act in a visitor's name."""

from __future__ import annotations

import json

import pytest
from pytest_twisted import ensureDeferred

from ppl.access.secrets import csrf_token, new_secret
from tests.web.browsing import PASSWORD, Browser
from tests.web.conftest import Serve, Served

FORMS = ["/logout", "/settings/time-zone", "/settings/tokens", "/settings/tokens/1/delete", "/api/test-line"]
FIELDS = {"email": "user@gmail.com", "password": PASSWORD, "timeZone": "UTC", "label": "x", "user_id": "x:1"}


@pytest.mark.parametrize("path", ["/register", "/login"])
@ensureDeferred
async def test_a_strangers_form_needs_the_token_of_that_browser(served: Served, browser: Browser, path: str) -> None:
    token = (await browser.get(path)).csrf_token
    other = await served.browser().get(path)
    for given in ("", "wrong", other.csrf_token, csrf_token("")):
        page = await browser.post(path, {**FIELDS, "csrf_token": given})
        assert page.status == 403, given
        assert "too old" in page.text
    assert (await browser.post(path, FIELDS)).status == 403
    assert (await served.browser().post(path, {**FIELDS, "csrf_token": token})).status == 403, "without the cookie"
    assert await served.store.count_accounts() == 0


@pytest.mark.parametrize("path", FORMS)
@ensureDeferred
async def test_a_form_needs_the_token_of_that_session(served: Served, browser: Browser, path: str) -> None:
    stranger = (await browser.get("/login")).csrf_token
    form_cookie = browser.cookies["ppl_form"]
    await browser.register("user@gmail.com")
    other = served.browser()
    await other.register("other@gmail.com")
    browser.cookies["ppl_form"] = form_cookie
    for token in ("", "wrong", stranger, (await other.get("/settings")).csrf_token):
        assert (await browser.post(path, {**FIELDS, "csrf_token": token})).status == 403, token
    assert (await browser.post(path, FIELDS)).status == 403
    assert (await browser.get("/settings")).status == 200, "still logged in"


@ensureDeferred
async def test_a_planted_form_cookie_of_the_wrong_form_is_replaced(browser: Browser) -> None:
    browser.cookies["ppl_form"] = "planted"
    await browser.get("/login")
    assert browser.cookies["ppl_form"] != "planted"
    kept = browser.cookies["ppl_form"]
    await browser.get("/register")
    assert browser.cookies["ppl_form"] == kept, "two tabs may be open"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "", "Referer": "http://evil.example/"},
        {"Origin": "", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "", "Sec-Fetch-Site": "same-site"},
    ],
)
@pytest.mark.parametrize("path", ["/register", "/login", *FORMS])
@ensureDeferred
async def test_a_post_of_another_site_is_refused(browser: Browser, path: str, headers: dict[str, str]) -> None:
    token = (await browser.get("/register")).csrf_token
    page = await browser.post(path, {**FIELDS, "csrf_token": token}, headers)
    assert page.status == 403
    if path.startswith("/api/"):
        assert json.loads(page.text)["error"]["code"] == "foreign_origin"
    else:
        assert "another site" in page.text


@ensureDeferred
async def test_a_program_that_says_no_origin_may_send_forms(browser: Browser) -> None:
    token = (await browser.get("/register")).csrf_token
    page = await browser.post("/register", {**FIELDS, "csrf_token": token}, {"Origin": ""})
    assert page.status == 303


@ensureDeferred
async def test_with_a_public_url_its_origin_alone_is_own(serve: Serve) -> None:
    served = serve(public_url="https://logs.example.com")
    browser = served.browser()
    token = (await browser.get("/register")).csrf_token
    page = await browser.post("/register", {**FIELDS, "csrf_token": token}, {"Origin": served.url})
    assert page.status == 403
    assert "Open Ppl at https://logs.example.com" in page.text
    assert (await browser.post("/register", {**FIELDS, "csrf_token": token})).status == 303


@ensureDeferred
async def test_over_tls_a_cookie_without_the_prefix_is_not_a_session(serve: Serve) -> None:
    browser = serve(public_url="https://logs.example.com").browser()
    await browser.register("user@gmail.com")
    browser.cookies["ppl_session"] = browser.cookies.pop("__Host-ppl_session")
    assert (await browser.get("/settings")).status == 303


@ensureDeferred
async def test_a_forged_session_is_nobody(browser: Browser) -> None:
    browser.cookies["ppl_session"] = new_secret()
    assert (await browser.get("/settings")).status == 303
    assert (await browser.get("/api/me")).status == 401


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--x--', 415),
        ("text/plain", b"csrf_token=x", 415),
        ("application/json", b"{}", 415),
        ("application/x-www-form-urlencoded", b"a=%FF", 400),
        ("application/x-www-form-urlencoded", b"csrf_token=a&csrf_token=b", 400),
        ("application/x-www-form-urlencoded", b"&".join(b"%d=" % number for number in range(1000)), 400),
    ],
)
@ensureDeferred
async def test_a_form_that_is_none_is_refused(browser: Browser, kind: str, body: bytes, status: int) -> None:
    headers = {"Content-Type": kind, "Origin": browser.url}
    page = await browser.request("POST", "/login", headers, data=body)
    assert page.status == status


@pytest.mark.parametrize("path", ["/", "/login", "/register", "/settings", "/api/me", "/ws", "/nowhere", "/static/x"])
@ensureDeferred
async def test_a_page_whose_name_was_rebound_to_ppl_gets_nothing(browser: Browser, path: str) -> None:
    await browser.register("user@gmail.com")
    rebound = {"Host": "evil.example:8080", "Origin": "http://evil.example:8080"}
    page = await browser.get(path, rebound)
    assert page.status == 421
    if path.startswith("/api/"):
        assert json.loads(page.text)["error"]["code"] == "unknown_host"
    else:
        assert "Open Ppl at http://localhost:8080" in page.text
    assert not page.set_cookies
    token = (await browser.get("/settings")).csrf_token
    assert (await browser.post("/settings/time-zone", {"csrf_token": token, "timeZone": "UTC"}, rebound)).status == 421


@ensureDeferred
async def test_a_refused_name_is_told_the_right_address_and_health_has_any(serve: Serve) -> None:
    browser = serve(public_url="https://logs.example.com").browser()
    page = await browser.get("/login", {"Host": "evil.example"})
    assert page.status == 421
    assert "Open Ppl at https://logs.example.com" in page.text
    assert (await browser.get("/healthz", {"Host": "balancer.internal"})).status == 200
    named = serve(http_hosts=("logs.internal",)).browser()
    assert (await named.get("/login", {"Host": "logs.internal:80"})).status == 200
