"""Logging in and out."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from argon2 import PasswordHasher, extract_parameters
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults

from ppl.access.passwords import Passwords
from ppl.access.secrets import new_secret, secret_hash
from ppl.model import SECOND
from ppl.services.clock import wall_clock
from ppl.web.http.limits import SiteLimits
from tests.web.browsing import PASSWORD, Browser
from tests.web.conftest import Serve, Served

EMAIL = "user@gmail.com"


@ensureDeferred
async def test_login_leads_to_the_viewer(served: Served, browser: Browser) -> None:
    await served.browser().register(EMAIL)
    page = await browser.log_in(" User@Gmail.com")
    assert (page.status, page.location) == (303, "/")
    assert "HttpOnly" in page.set_cookies["ppl_session"]
    assert EMAIL in (await browser.get("/settings")).text


@ensureDeferred
async def test_without_a_login_every_page_leads_there_and_back(served: Served, browser: Browser) -> None:
    await served.browser().register(EMAIL)
    assert (await browser.get("/")).location == "/login"
    page = await browser.get("/settings")
    assert page.location == "/login?next=/settings"
    form = await browser.get(page.location)
    assert 'name="next" value="/settings"' in form.text
    deep = await browser.get("/?q=a%20b&id=1")
    assert deep.location == "/login?next=/%3Fq%3Da%2520b%26id%3D1"
    form = await browser.get(deep.location)
    fields = {"csrf_token": form.csrf_token, "email": EMAIL, "password": PASSWORD, "next": "/?q=a%20b&id=1"}
    assert (await browser.post("/login", fields)).location == "/?q=a%20b&id=1"
    assert (await browser.get("/login?next=/settings")).location == "/settings"


@pytest.mark.parametrize("path", ["//evil.example", "https://evil.example/", "/\\evil.example", "/\t/evil.example"])
@ensureDeferred
async def test_login_leads_to_no_other_site(served: Served, browser: Browser, path: str) -> None:
    await served.browser().register(EMAIL)
    assert (await browser.log_in(EMAIL, next=path)).location == "/"
    assert (await browser.request("GET", "/login", params={"next": path})).location == "/"


@ensureDeferred
async def test_a_wrong_password_and_an_unknown_email_look_the_same(served: Served) -> None:
    await served.browser().register(EMAIL)
    wrong = await served.browser().log_in(EMAIL, "wrong horse battery")
    unknown = await served.browser().log_in("nobody@example.com", "wrong horse battery")
    strange = await served.browser().log_in("\0", "wrong horse battery")
    assert {page.status for page in (wrong, unknown, strange)} == {400}
    assert "Wrong email address or password." in wrong.text

    def without_what_differs(text: str, email: str, token: str) -> str:
        return text.replace(email, "").replace(token, "")

    assert without_what_differs(wrong.text, EMAIL, wrong.csrf_token) == without_what_differs(
        unknown.text, "nobody@example.com", unknown.csrf_token
    )
    assert f'value="{EMAIL}"' in wrong.text
    assert "wrong horse" not in wrong.text
    assert "ppl_session" not in wrong.set_cookies


@ensureDeferred
async def test_a_session_planted_before_login_is_worth_nothing_after(served: Served, browser: Browser) -> None:
    await served.browser().register(EMAIL)
    planted = new_secret()
    browser.cookies["ppl_session"] = planted
    await browser.log_in(EMAIL)
    assert browser.cookies["ppl_session"] != planted
    thief = served.browser()
    thief.cookies["ppl_session"] = planted
    assert (await thief.get("/settings")).status == 303


@ensureDeferred
async def test_a_new_login_ends_the_session_there_was(served: Served, browser: Browser) -> None:
    await browser.register(EMAIL)
    before = browser.cookies["ppl_session"]
    token = (await browser.get("/settings")).csrf_token
    await browser.post("/login", {"csrf_token": token, "email": EMAIL, "password": PASSWORD})
    assert browser.cookies["ppl_session"] != before
    thief = served.browser()
    thief.cookies["ppl_session"] = before
    assert (await thief.get("/settings")).status == 303


@ensureDeferred
async def test_logging_out_ends_the_session_here_and_in_the_store(served: Served, browser: Browser) -> None:
    await browser.register(EMAIL)
    secret = browser.cookies["ppl_session"]
    page = await browser.submit("/logout", {}, on="/settings")
    assert (page.status, page.location) == (303, "/login")
    assert "ppl_session" not in browser.cookies
    assert await served.store.session(secret_hash(secret)) is None


@ensureDeferred
async def test_logging_out_leaves_other_browsers_logged_in(served: Served, browser: Browser) -> None:
    await browser.register(EMAIL)
    other = served.browser()
    await other.log_in(EMAIL)
    await browser.submit("/logout", {}, on="/settings")
    assert (await other.get("/settings")).status == 200


@ensureDeferred
async def test_who_is_not_logged_in_is_logged_out_already(browser: Browser) -> None:
    page = await browser.post("/logout", {})
    assert (page.status, page.location) == (303, "/login")


@ensureDeferred
async def test_an_expired_session_is_refused(served: Served, browser: Browser) -> None:
    await served.browser().register(EMAIL)
    known = await served.store.credentials(EMAIL)
    assert known
    secret = new_secret()
    await served.store.create_session(known[0].id, secret_hash(secret), "browser", "", wall_clock() - SECOND)
    browser.cookies["ppl_session"] = secret
    assert (await browser.get("/settings")).status == 303
    assert (await browser.get("/api/me")).status == 401


@ensureDeferred
async def test_a_hash_of_older_parameters_is_renewed_at_login(serve: Serve) -> None:
    served = serve(passwords=Passwords(reactor))
    browser = served.browser()
    old = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    await served.store.register(EMAIL, old, "UTC", "localhost", range(20000, 20010), only_first=False)
    assert (await browser.log_in(EMAIL)).status == 303
    known = await served.store.credentials(EMAIL)
    assert known
    assert extract_parameters(known[1]) == extract_parameters(PasswordHasher().hash("x"))
    assert (await served.browser().log_in(EMAIL)).status == 303


# Throttling


@ensureDeferred
async def test_guessing_the_password_of_one_email_is_throttled(served: Served, browser: Browser) -> None:
    await served.browser().register(EMAIL)
    form = await browser.get("/login")
    fields = {"csrf_token": form.csrf_token, "email": EMAIL, "password": "wrong horse battery"}
    served.clock.stop()
    statuses = [(await browser.post("/login", fields)).status for _ in range(10)]
    assert set(statuses) == {400}
    page = await browser.post("/login", {**fields, "password": PASSWORD})
    assert page.status == 429
    assert int(page.header("retry-after") or 0) in range(1, 31)
    assert "try again" in page.text
    served.clock.advance(31)
    assert (await browser.post("/login", {**fields, "password": PASSWORD})).status == 303


@ensureDeferred
async def test_guessing_from_one_address_is_throttled_whatever_the_email(served: Served, browser: Browser) -> None:
    served.clock.stop()
    form = await browser.get("/login")
    statuses = []
    for number in range(21):
        fields = {"csrf_token": form.csrf_token, "email": f"user{number}@example.com", "password": "guess guess"}
        statuses.append((await browser.post("/login", fields)).status)
    assert statuses == [400] * 20 + [429]


@ensureDeferred
async def test_logins_that_succeed_are_not_throttled(served: Served) -> None:
    await served.browser().register(EMAIL)
    for _ in range(25):
        assert (await served.browser().log_in(EMAIL)).status == 303


@pytest.mark.long
@pytest.mark.beside
@ensureDeferred
async def test_strangers_who_guess_do_not_lock_the_owner_out(serve: Serve) -> None:
    served = serve(trusted_proxies=(ip_network("127.0.0.0/8"),))
    known, new, stranger = served.browser(), served.browser(), served.browser()
    await known.register(EMAIL)
    await known.submit("/logout", {}, on="/settings")
    page = await known.log_in(EMAIL)
    assert "HttpOnly" in page.set_cookies["ppl_device"]
    await known.submit("/logout", {}, on="/settings")
    served.clock.stop()
    form = await stranger.get("/login")
    fields = {"csrf_token": form.csrf_token, "email": EMAIL, "password": "wrong horse battery"}
    statuses = []
    for _ in range(11):
        statuses.append((await stranger.post("/login", fields, {"X-Forwarded-For": "198.51.100.1"})).status)
    assert statuses == [400] * 10 + [429]
    for number in range(2, 12):
        for _ in range(10):
            statuses.append((await stranger.post("/login", fields, {"X-Forwarded-For": f"198.51.100.{number}"})).status)
    assert statuses[-20:].count(429) >= 10, "all guesses together have an end"
    assert (await new.log_in(EMAIL)).status == 429, "from a device that the account has never logged in on"
    assert (await known.log_in(EMAIL)).status == 303


@ensureDeferred
async def test_guesses_from_one_address_hold_up_no_other(serve: Serve) -> None:
    served = serve(trusted_proxies=(ip_network("127.0.0.0/8"),))
    await served.browser().register(EMAIL)
    served.clock.stop()
    stranger = served.browser()
    form = await stranger.get("/login")
    fields = {"csrf_token": form.csrf_token, "email": EMAIL, "password": "wrong horse battery"}
    for _ in range(15):
        last = await stranger.post("/login", fields, {"X-Forwarded-For": "198.51.100.1"})
    assert last.status == 429
    assert (await served.browser().log_in(EMAIL)).status == 303


@pytest.mark.parametrize("cookie", ["é", "x" * 5000, ""])
@ensureDeferred
async def test_a_device_cookie_that_ppl_never_made_is_a_strangers(
    served: Served, browser: Browser, cookie: str
) -> None:
    await browser.register(EMAIL)
    stranger = served.browser()
    stranger.cookies["ppl_device"] = cookie
    assert (await stranger.log_in(EMAIL, "wrong password")).status == 400
    assert (await stranger.log_in(EMAIL)).status == 303


@ensureDeferred
async def test_a_device_that_is_known_to_one_account_is_a_stranger_to_another(served: Served, browser: Browser) -> None:
    await served.browser().register("other@gmail.com")
    await browser.register(EMAIL)
    await browser.submit("/logout", {}, on="/settings")
    await browser.log_in(EMAIL)
    await browser.submit("/logout", {}, on="/settings")
    served.clock.stop()
    form = await browser.get("/login")
    fields = {"csrf_token": form.csrf_token, "email": "other@gmail.com", "password": "wrong horse battery"}
    assert [(await browser.post("/login", fields)).status for _ in range(11)] == [400] * 10 + [429]
    fields["email"] = EMAIL
    assert [(await browser.post("/login", fields)).status for _ in range(11)] == [400] * 10 + [429], "guesses there too"


@ensureDeferred
async def test_several_accounts_log_in_at_once_from_one_address(served: Served) -> None:
    emails = [f"user{number}@example.com" for number in range(5)]
    for email in emails:
        await served.browser().register(email)
    pages = await gatherResults([Deferred.fromCoroutine(served.browser().log_in(email)) for email in emails * 2])
    assert [page.status for page in pages] == [303] * 10


@ensureDeferred
async def test_right_logins_have_a_rate_too_and_the_oldest_session_ends(serve: Serve) -> None:
    served = serve(limits=SiteLimits(sessions=3))
    browser = served.browser()
    await browser.register(EMAIL)
    for _ in range(2):
        assert (await served.browser().log_in(EMAIL)).status == 303
    assert (await browser.get("/settings")).status == 200
    served.clock.stop()
    statuses = [(await served.browser().log_in(EMAIL)).status for _ in range(55)]
    assert 429 in statuses
    assert (await browser.get("/settings")).status == 303, "the first ended"
    known = await served.store.credentials(EMAIL)
    assert known
    assert len(await served.store.sessions_of(known[0].id, "browser")) == 3
