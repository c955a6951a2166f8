"""What holds for every response: headers, limits, errors, and the opening of WebSockets."""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import Any

import pytest
from autobahn.twisted.websocket import WebSocketServerFactory
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol
from twisted.logger import globalLogPublisher

from ppl.options import default_settings
from ppl.services.clock import wall_clock
from ppl.store.connecting.pool import Pool
from ppl.store.interface import Store
from ppl.store.postgres import PostgresStore
from ppl.web.http.request import MAX_CHUNKS
from ppl.web.site import make_site
from tests.store.proxy import Proxy
from tests.web.browsing import PASSWORD, Browser, speak
from tests.web.conftest import AwayStore, OpenedPorts, Serve, Served

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
EVERYWHERE = ["/", "/login", "/register", "/settings", "/api/me", "/healthz", "/nowhere", "/static/", "/ws"]


@pytest.mark.parametrize("path", EVERYWHERE)
@ensureDeferred
async def test_every_answer_has_the_security_headers(browser: Browser, path: str) -> None:
    page = await browser.get(path)
    assert page.header("content-security-policy") == CSP
    assert page.header("x-content-type-options") == "nosniff"
    assert page.header("referrer-policy") == "same-origin"
    assert page.header("x-frame-options") == "DENY"
    assert page.header("cache-control") == "no-store"
    assert page.header("strict-transport-security") is None
    assert page.header("server") == "Ppl"


@ensureDeferred
async def test_assets_have_them_too(browser: Browser) -> None:
    address = re.search(r'href="(/static/[^"]+)"', (await browser.get("/login")).text)
    assert address
    page = await browser.get(address[1])
    assert page.header("content-type") == "text/css; charset=utf-8"
    assert page.header("content-security-policy") == CSP
    assert page.header("x-content-type-options") == "nosniff"
    assert page.header("cache-control") == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("path", ["/login", "/api/me", "/nowhere"])
@ensureDeferred
async def test_behind_tls_browsers_are_told_to_stay_there(serve: Serve, path: str) -> None:
    page = await serve(public_url="https://logs.example.com").browser().get(path)
    assert page.header("strict-transport-security") == "max-age=31536000"


@pytest.mark.parametrize("path", ["/login", "/register", "/healthz", "/api/me", "/nowhere"])
@ensureDeferred
async def test_head_is_get_without_the_body(served: Served, path: str) -> None:
    def of(answer: bytes) -> tuple[bytes, list[bytes], bytes]:
        head, _, body = answer.partition(b"\r\n\r\n")
        first, *headers = head.split(b"\r\n")
        return first, sorted(line for line in headers if not line.startswith((b"Date:", b"Set-Cookie:"))), body

    asked = f" {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    got, headed = of(await speak(served.port, b"GET" + asked)), of(await speak(served.port, b"HEAD" + asked))
    assert headed == (*got[:2], b"")
    assert f"Content-Length: {len(got[2])}".encode() in headed[1]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/login", "GET, POST, HEAD"),
        ("DELETE", "/", "GET, HEAD"),
        ("GET", "/logout", "POST"),
        ("POST", "/settings", "GET, HEAD"),
        ("OPTIONS", "/api/me", "GET, HEAD"),
        ("FETCH", "/healthz", "GET, HEAD"),
        ("POST", "/ws", "GET"),
        ("POST", "/static/x/app.css", "GET, HEAD"),
    ],
)
@ensureDeferred
async def test_a_method_that_is_not_possible_is_told(browser: Browser, method: str, path: str, allowed: str) -> None:
    page = await browser.request(method, path, {"Origin": browser.url})
    assert (page.status, page.header("allow")) == (405, allowed)


@pytest.mark.parametrize(
    "path",
    ["/nowhere", "/login/", "//login", "/login%00", "/%ff", "/../login", "/settings/x", "/LOGIN", "/static"],
)
@ensureDeferred
async def test_what_is_not_there_is_not_found_and_says_what_to_do(served: Served, path: str) -> None:
    answer = await speak(served.port, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b'<a href="/">' in answer


# Limits


def post(length: int, sent: int) -> bytes:
    head = f"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\nConnection: close\r\n"
    return f"{head}Content-Type: application/x-www-form-urlencoded\r\n\r\n".encode() + b"a" * sent


@ensureDeferred
async def test_an_error_page_has_the_menu_of_who_is_logged_in(served: Served, browser: Browser) -> None:
    await browser.register("user@gmail.com")
    for path in ("/nope", "/events/123", "/senders?user_id=x:1"):
        page = await browser.get(path)
        assert page.status in (403, 404, 410)
        assert 'action="/logout"' in page.text
        assert 'href="/dashboard"' in page.text
    assert 'action="/logout"' not in (await served.browser().get("/nope")).text


@ensureDeferred
async def test_a_body_of_64_kib_is_read(served: Served) -> None:
    assert b" 403 " in (await speak(served.port, post(65_536, 65_536)))[:20]


@ensureDeferred
async def test_a_longer_body_is_refused_with_a_page(served: Served) -> None:
    answer = await speak(served.port, post(65_537, 65_537))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"at most 65,536 bytes" in answer


@ensureDeferred
async def test_a_body_far_too_long_is_refused_before_it_comes(served: Served) -> None:
    assert (await speak(served.port, post(10**12, 0))).startswith(b"HTTP/1.1 413 ")
    assert (await speak(served.port, post(10**12, 100_000))).startswith(b"HTTP/1.1 413 ")


@ensureDeferred
async def test_a_long_body_in_chunks_is_refused_too(served: Served) -> None:
    head = b"POST /login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    chunk = b"8000\r\n" + b"a" * 0x8000 + b"\r\n"
    answer = await speak(served.port, head + chunk * 3 + b"0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"at most 65,536 bytes" in answer
    assert (await speak(served.port, head + chunk * 40)).startswith(b"HTTP/1.1 413 ")


@ensureDeferred
async def test_a_body_in_very_many_chunks_is_cut_short(served: Served) -> None:
    head = b"POST /login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    answer = await speak(served.port, head + b"1\r\na\r\n" * MAX_CHUNKS + b"0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 ")
    assert b" 413 " not in answer[:14]
    assert (await speak(served.port, head + b"1\r\na\r\n" * (MAX_CHUNKS + 1))).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: a\r\n" * 2_000 + b"\r\n",
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST /login HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    ],
)
@ensureDeferred
async def test_a_request_beyond_the_limits_or_no_request_ends_the_connection(served: Served, head: bytes) -> None:
    assert (await speak(served.port, head))[:13] in (b"HTTP/1.1 400 ", b"")


def test_idle_connections_are_closed(store: Store) -> None:
    site = make_site(store, OpenedPorts(), WebSocketServerFactory(), default_settings(), reactor, wall_clock)
    assert site.timeOut == 60


@pytest.mark.parametrize("host", ["a b", "x/y", "[::1", "a,b", "x" * 300])
@ensureDeferred
async def test_a_malformed_host_is_refused(served: Served, host: str) -> None:
    answer = await speak(served.port, f"GET /login HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 400 ")


@ensureDeferred
async def test_an_address_that_cannot_be_read_is_refused(browser: Browser) -> None:
    for path in ("/login?next=%FF", "/login?next=/a&next=/b", "/login?" + "&".join("a" * n for n in range(1, 30))):
        page = await browser.get(path)
        assert (page.status, page.header("content-security-policy")) == (400, CSP)


@ensureDeferred
async def test_a_client_that_leaves_before_its_answer_costs_nothing(served: Served, browser: Browser) -> None:
    whole = b"GET /register HTTP/1.1\r\nHost: x\r\n\r\n" * 5
    leaving = await connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", served.port), Protocol())
    leaving.transport.write(whole)
    leaving.transport.abortConnection()
    assert (await browser.get("/healthz")).status == 200


# Internal errors


class BrokenStore:
    """A store with a bug."""

    async def count_accounts(self) -> int:
        raise RuntimeError("secret detail of the fault")


@ensureDeferred
async def test_a_fault_shows_a_page_without_its_details_and_logs_them(
    serve: Serve, nothing_left_behind: list[str]
) -> None:
    page = await serve(over=BrokenStore(), registration="first").browser().get("/register")
    assert page.status == 500
    assert "look in Ppl" in page.text
    assert "secret detail" not in page.text
    assert "Traceback" not in page.text
    assert len(nothing_left_behind) == 1
    assert "secret detail" in nothing_left_behind.pop()


@ensureDeferred
async def test_while_the_store_is_away_pages_say_so(serve: Serve) -> None:
    page = await serve(over=AwayStore(), registration="first").browser().get("/register")
    assert page.status == 503
    assert "database cannot be reached" in page.text
    assert page.header("retry-after")


# Opening WebSockets

UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
CLOSE = b"\x88\x82\x00\x00\x00\x00\x03\xe8"


@ensureDeferred
async def test_a_websocket_opens_at_ws(served: Served) -> None:
    answer = await speak(served.port, UPGRADE, CLOSE)
    assert answer.startswith(b"HTTP/1.1 101 ")
    assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in answer, "RFC 6455 section 1.3"


@ensureDeferred
async def test_without_an_upgrade_it_says_what_it_is(served: Served) -> None:
    answer = await speak(served.port, b"GET /ws HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 426 ")
    assert b"Upgrade: websocket\r\n" in answer


@ensureDeferred
async def test_the_viewers_factory_starts_and_stops_with_the_site(store: Store) -> None:
    factory: Any = WebSocketServerFactory()
    site = make_site(store, OpenedPorts(), factory, default_settings(), reactor, wall_clock)
    port: Any = reactor.listenTCP(0, site, interface="127.0.0.1")
    assert factory.numPorts == 1
    await port.stopListening()
    assert factory.numPorts == 0


# Behind proxies


@pytest.mark.parametrize(("trusted", "logged"), [("127.0.0.0/8", "198.51.100.7"), ("10.0.0.0/8", "127.0.0.1")])
@ensureDeferred
async def test_the_access_log_names_the_client_before_the_trusted_proxies(
    serve: Serve, trusted: str, logged: str
) -> None:
    browser = serve(trusted_proxies=(ip_network(trusted),)).browser()
    lines: list[str] = []

    def observe(event: Any) -> None:
        lines.append(str(event.get("log_text") or event.get("message") or event))

    globalLogPublisher.addObserver(observe)
    try:
        await browser.get("/login", {"X-Forwarded-For": "6.6.6.6, 198.51.100.7:4711"})
    finally:
        globalLogPublisher.removeObserver(observe)
    (line,) = [line for line in lines if "GET /login" in line]
    assert f'"{logged}" - - ' in line


@ensureDeferred
async def test_a_trusted_proxy_that_speaks_tls_makes_cookies_secure_and_forms_its_own(serve: Serve) -> None:
    for trusted, status in (("127.0.0.0/8", 303), ("10.0.0.0/8", 403)):
        browser = serve(trusted_proxies=(ip_network(trusted),)).browser()
        said = {"X-Forwarded-Proto": "https", "Origin": browser.url.replace("http:", "https:")}
        form = await browser.get("/register", said)
        is_secure = "Secure" in next(iter(form.set_cookies.values()))
        assert is_secure == (status == 303)
        fields = {"csrf_token": form.csrf_token, "email": f"{status}@x.org", "password": PASSWORD, "timeZone": "UTC"}
        assert (await browser.post("/register", fields, said)).status == status


@ensureDeferred
async def test_a_frozen_database_holds_up_a_page_only_for_as_long_as_a_small_lookup(serve: Serve, dsn: str) -> None:
    proxy = Proxy(reactor, dsn)
    await proxy.start()
    pool = Pool(reactor, proxy.dsn, 3, statement_timeout=600, grace=0.2, look_up_seconds=0.3)
    await pool.startService()
    browser = serve(over=PostgresStore(pool, wall_clock, 3600)).browser()
    await browser.register("a@example.com")
    proxy.mode = "silent"
    page = await browser.get("/settings")
    assert page.status == 503
    await pool.stopService()
    await proxy.stop()
