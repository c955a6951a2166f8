"""Registration: the account, its destination, its port and its session."""

from __future__ import annotations

import hashlib
import socket
from contextlib import closing
from typing import Any

import psycopg2
import pytest
from pytest_twisted import ensureDeferred
from twisted.internet.defer import Deferred, gatherResults

from tests.fixtures.running import free_ports
from tests.web.browsing import PASSWORD, Browser
from tests.web.conftest import Serve, Served


def rows(dsn: str, sql: str) -> list[tuple[Any, ...]]:
    with closing(psycopg2.connect(dsn)) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


@ensureDeferred
async def test_registering_opens_the_port_and_leads_to_the_viewer(served: Served, browser: Browser) -> None:
    page = await browser.register("user@gmail.com", "+02.00")
    assert (page.status, page.location) == (303, "/")
    (destination,) = served.listeners.opened
    assert destination.time_zone == "+02.00"
    viewer = await browser.get("/")
    assert viewer.status == 200
    assert destination.user_id in viewer.text


@ensureDeferred
async def test_the_session_cookie_is_for_this_site_alone_and_ends(browser: Browser) -> None:
    page = await browser.register("user@gmail.com")
    _name, *attributes = page.set_cookies["ppl_session"].split("; ")
    assert set(attributes) == {"Path=/", "HttpOnly", "SameSite=Lax", f"Max-Age={30 * 24 * 3600}"}
    assert "ppl_form" not in browser.cookies, "the form's cookie has done its service"


@ensureDeferred
async def test_behind_tls_cookies_are_secure_and_bound_to_the_host(serve: Serve) -> None:
    browser = serve(public_url="https://logs.example.com").browser()
    form = await browser.get("/register")
    page = await browser.register("user@gmail.com")
    assert page.status == 303
    for cookie in (form.set_cookies["__Host-ppl_form"], page.set_cookies["__Host-ppl_session"]):
        assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert (await browser.get("/settings")).status == 200


@ensureDeferred
async def test_secrets_are_stored_only_as_hashes(browser: Browser, dsn: str) -> None:
    await browser.register("user@gmail.com")
    ((password_hash,),) = rows(dsn, "SELECT password_hash FROM account")
    assert password_hash.startswith("$argon2id$v=19$")
    ((secret_hash,),) = rows(dsn, "SELECT secret_hash FROM session")
    assert bytes(secret_hash) == hashlib.sha256(browser.cookies["ppl_session"].encode()).digest()
    everything = str([rows(dsn, f"SELECT * FROM {table}") for table in ("account", "session", "destination")])
    assert PASSWORD not in everything
    assert browser.cookies["ppl_session"] not in everything


@ensureDeferred
async def test_without_a_listener_one_is_registered_and_told_so(served: Served, browser: Browser) -> None:
    served.listeners.away = True
    page = await browser.register("user@gmail.com")
    assert page.status == 200
    assert "is being opened" in page.text
    assert "20000" in page.text
    assert (await browser.get("/settings")).status == 200


@pytest.mark.parametrize("zone", ["+02.00", "+02:00", "-11:30", "Europe/Berlin"])
@ensureDeferred
async def test_a_time_zone_is_kept_as_it_was_given(browser: Browser, zone: str) -> None:
    assert (await browser.register("user@gmail.com", zone)).status == 303
    assert f'value="{zone}"' in (await browser.get("/settings")).text


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("email", "nobody", "Enter an email address"),
        ("email", "", "Enter an email address"),
        ("password", "short", "8 to 1,024 characters"),
        ("password", "x" * 1025, "8 to 1,024 characters"),
        ("timeZone", "Mars/Olympus", "is not a time zone"),
    ],
)
@ensureDeferred
async def test_a_wrong_field_is_named_and_the_form_kept(
    served: Served, browser: Browser, field: str, value: str, sentence: str
) -> None:
    fields = {"email": "user@gmail.com", "password": PASSWORD, "timeZone": "+02.00", field: value}
    page = await browser.submit("/register", fields)
    assert page.status == 400
    assert sentence in page.text
    assert 'role="alert"' in page.text
    assert f'value="{fields["email"]}"' in page.text
    assert f'value="{fields["timeZone"]}"' in page.text
    assert "password" not in fields or fields["password"] not in page.text
    assert await served.store.count_accounts() == 0
    assert served.listeners.opened == []


@ensureDeferred
async def test_an_email_address_registers_once(served: Served) -> None:
    assert (await served.browser().register("user@gmail.com")).status == 303
    page = await served.browser().register(" USER@gmail.com")
    assert page.status == 409
    assert "log in instead" in page.text
    assert await served.store.count_accounts() == 1


@ensureDeferred
async def test_markup_in_an_email_address_stays_text(browser: Browser) -> None:
    for email in ('"><script>alert(1)</script>', "\"'<img/src=x>@example.com"):
        page = await browser.submit("/register", {"email": email, "password": "short"})
        assert page.status == 400
        assert email not in page.text
        assert page.text.count("<script") == page.text.count('<script type="module" src="/static/'), "the page's own"
        assert "&lt;" in page.text


@ensureDeferred
async def test_markup_in_a_registered_email_address_stays_text(browser: Browser) -> None:
    email = "<script>alert(1)</script>@example.com"
    assert (await browser.register(email)).status == 303
    page = await browser.get("/settings")
    assert email not in page.text
    assert "&lt;script&gt;alert(1)" in page.text


# Policies


@ensureDeferred
async def test_closed_registration_says_so_and_takes_nobody(serve: Serve) -> None:
    served = serve(registration="closed")
    browser = served.browser()
    page = await browser.get("/register")
    assert (page.status, "Registration is closed" in page.text) == (403, True)
    token = (await browser.get("/login")).csrf_token
    page = await browser.post("/register", {"csrf_token": token, "email": "a@b.example", "password": PASSWORD})
    assert page.status == 403
    assert await served.store.count_accounts() == 0
    assert "/register" not in (await browser.get("/login")).text


@ensureDeferred
async def test_by_default_only_the_first_may_register(serve: Serve) -> None:
    served = serve(registration="first")
    late = served.browser()
    form = await late.get("/register")
    assert (await served.browser().register("first@example.com")).status == 303
    page = await late.post(
        "/register", {"csrf_token": form.csrf_token, "email": "late@example.com", "password": PASSWORD}
    )
    assert (page.status, "Registration is closed" in page.text) == (403, True)
    assert (await late.get("/register")).status == 403


@ensureDeferred
async def test_of_many_who_register_at_once_one_is_first(serve: Serve) -> None:
    served = serve(registration="first")
    browsers = [served.browser() for _ in range(6)]
    # All have the form before any of them is first: the page says afterwards that registration is closed.
    forms = [(await browser.get("/register")).csrf_token for browser in browsers]
    pages = await gatherResults(
        [
            Deferred.fromCoroutine(
                browser.post(
                    "/register", {"csrf_token": token, "email": f"user{number}@example.com", "password": PASSWORD}
                )
            )
            for number, (browser, token) in enumerate(zip(browsers, forms, strict=True))
        ]
    )
    assert sorted(page.status for page in pages) == [303, 403, 403, 403, 403, 403]
    assert await served.store.count_accounts() == 1
    assert len(served.listeners.opened) == 1


@ensureDeferred
async def test_when_no_port_is_left_registration_waits_for_the_operator(serve: Serve) -> None:
    served = serve(ports=range(20000, 20001))
    assert (await served.browser().register("first@example.com")).status == 303
    page = await served.browser().register("second@example.com")
    assert page.status == 503
    assert "--ports" in page.text
    assert await served.store.count_accounts() == 1


@ensureDeferred
async def test_who_is_logged_in_has_no_need_to_register(browser: Browser) -> None:
    await browser.register("user@gmail.com")
    assert (await browser.get("/register")).location == "/"
    token = (await browser.get("/settings")).csrf_token
    page = await browser.post("/register", {"csrf_token": token, "email": "b@example.com", "password": PASSWORD})
    assert (page.status, page.location) == (303, "/")


@ensureDeferred
async def test_registration_is_throttled_by_address(served: Served, browser: Browser) -> None:
    await served.browser().register("user@gmail.com")
    served.clock.stop()
    form = await browser.get("/register")
    # Registering an email that has an account takes no port, but it counts as an attempt.
    fields = {"csrf_token": form.csrf_token, "email": "user@gmail.com", "password": PASSWORD, "timeZone": "UTC"}
    statuses = [(await browser.post("/register", fields)).status for _ in range(100)]
    assert set(statuses[:99]) == {409}
    assert statuses[99] == 429
    served.clock.advance(3600)
    assert (await browser.post("/register", fields)).status == 409


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
@ensureDeferred
async def test_a_port_that_something_else_has_is_not_given_out(serve: Serve, kind: socket.SocketKind) -> None:
    ports = free_ports(3)
    served = serve(ports=ports, listen_interface="127.0.0.1")
    with socket.socket(socket.AF_INET, kind) as other:
        if kind == socket.SOCK_STREAM:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", ports[0]))
        if kind == socket.SOCK_STREAM:
            other.listen()
        await served.browser().register("one@example.com")
    await served.browser().register("other@example.com")
    assert [each.port for each in served.listeners.opened] == [ports[1], ports[0]]


@ensureDeferred
async def test_the_first_visit_of_a_fresh_installation_leads_to_registering(serve: Serve) -> None:
    served = serve(registration="first")
    assert (await served.browser().get("/")).location == "/register"
    await served.browser().register("user@gmail.com")
    assert (await served.browser().get("/")).location == "/login"
    assert (await serve(registration="closed").browser().get("/")).location == "/login"


@pytest.mark.parametrize(("written", "meant"), [("Berlin", "Europe/Berlin"), ("new york", "America/New_York")])
@ensureDeferred
async def test_a_city_names_its_time_zone(served: Served, browser: Browser, written: str, meant: str) -> None:
    assert (await browser.register("user@gmail.com", time_zone=written)).status == 303
    assert f'value="{meant}"' in (await browser.get("/settings")).text
