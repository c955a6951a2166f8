"""The HTTP API for programs: the account, test lines, health."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import pytest_twisted
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock

from ppl.errors import StatementTimeout
from ppl.version import version
from ppl.web.api.health import Health
from ppl.web.http.visit import Visit
from tests.web.browsing import Browser, Page
from tests.web.conftest import AwayStore, Serve, Served


class Listening(Factory):
    """A listener for one client: ``received`` fires with what arrived once the client has closed."""

    def __init__(self) -> None:
        self.received: Deferred[bytes] = Deferred()

    def buildProtocol(self, address: Any) -> Protocol:
        return _Received(self.received)


class _Received(Protocol):
    def __init__(self, received: Deferred[bytes]) -> None:
        self._received, self._data = received, b""

    def dataReceived(self, data: bytes) -> None:
        self._data += data

    def connectionLost(self, reason: Any = None) -> None:
        if not self._received.called:
            self._received.callback(self._data)


@pytest.fixture
def listening() -> Iterator[Any]:
    """A TCP port on loopback where a listener would be."""
    port = reactor.listenTCP(0, Listening(), interface="127.0.0.1")
    yield port
    pytest_twisted.blockon(maybeDeferred(port.stopListening))


def code(page: Page) -> str:
    error = json.loads(page.text)["error"]
    assert set(error) == {"code", "message"}
    assert error["message"].endswith(".")
    return error["code"]


@ensureDeferred
async def test_api_me_says_exactly_what_the_protocol_page_says(serve: Serve) -> None:
    served = serve(public_host="logs.example.com", ports=range(20005, 20010))
    browser = served.browser()
    await browser.register("user@gmail.com", "+02.00")
    page = await browser.get("/api/me")
    assert page.header("content-type") == "application/json; charset=utf-8"
    assert json.loads(page.text) == {
        "email": "user@gmail.com",
        "timeZone": "+02.00",
        "destinations": [
            {"user_id": "logs.example.com:20005", "host": "logs.example.com", "port": 20005, "role": "owner"}
        ],
    }


@ensureDeferred
async def test_api_me_tells_a_program_with_a_token_the_same(served: Served, browser: Browser) -> None:
    await browser.register("user@gmail.com")
    token = await browser.create_token()
    for scheme in ("Bearer", "bearer"):
        page = await served.browser().get("/api/me", {"Authorization": f"{scheme} {token}"})
        assert page.text == (await browser.get("/api/me")).text


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer guess"}, {"Cookie": "ppl_session=guess"}])
@ensureDeferred
async def test_api_me_answers_401_to_strangers(browser: Browser, headers: dict[str, str]) -> None:
    page = await browser.get("/api/me", headers)
    assert (page.status, code(page)) == (401, "not_logged_in")
    assert page.header("www-authenticate") == "Bearer"


@ensureDeferred
async def test_a_wrong_token_is_not_made_good_by_a_cookie(browser: Browser) -> None:
    await browser.register("user@gmail.com")
    assert (await browser.get("/api/me", {"Authorization": "Bearer guess"})).status == 401


# The test line


async def send(browser: Browser, user_id: str, **headers: str) -> Page:
    token = (await browser.get("/settings")).csrf_token
    return await browser.post("/api/test-line", {"user_id": user_id}, {"X-CSRF-Token": token, **headers})


@ensureDeferred
async def test_a_test_line_goes_over_tcp_to_the_destinations_port(serve: Serve, listening: Any) -> None:
    number = listening.getHost().port
    browser = serve(public_host="127.0.0.1", ports=range(number, number + 1)).browser()
    await browser.register("user@gmail.com")
    page = await send(browser, f"127.0.0.1:{number}")
    assert page.status == 200
    received = (await listening.factory.received).decode()
    assert received == json.loads(page.text)["line"] + "\n"
    assert received.startswith("<14>1 ")
    assert f"A test line from Ppl itself: 127.0.0.1:{number} receives." in received


@ensureDeferred
async def test_a_test_line_may_be_asked_for_in_json(serve: Serve, listening: Any) -> None:
    number = listening.getHost().port
    browser = serve(public_host="127.0.0.1", ports=range(number, number + 1)).browser()
    await browser.register("user@gmail.com")
    body = {"user_id": f"127.0.0.1:{number}", "csrf_token": (await browser.get("/settings")).csrf_token}
    headers = {"Content-Type": "application/json", "Origin": browser.url}
    page = await browser.request("POST", "/api/test-line", headers, data=json.dumps(body).encode())
    assert page.status == 200
    assert await listening.factory.received


@ensureDeferred
async def test_where_the_public_name_leads_nowhere_this_machine_is_tried(serve: Serve, listening: Any) -> None:
    number = listening.getHost().port
    await listening.stopListening()
    browser = serve(public_host="logs.invalid", ports=range(number, number + 1), listen_interface="127.0.0.1").browser()
    await browser.register("user@gmail.com")
    opened = reactor.listenTCP(number, Listening(), interface="127.0.0.1")
    assert (await send(browser, f"logs.invalid:{number}")).status == 200
    assert b"logs.invalid" in await opened.factory.received
    await opened.stopListening()


@ensureDeferred
async def test_a_port_that_is_not_open_is_told(serve: Serve, listening: Any) -> None:
    number = listening.getHost().port
    await listening.stopListening()
    browser = serve(public_host="127.0.0.1", ports=range(number, number + 1)).browser()
    await browser.register("user@gmail.com")
    page = await send(browser, f"127.0.0.1:{number}")
    assert (page.status, code(page)) == (503, "destination_unreachable")


@ensureDeferred
async def test_a_test_line_goes_to_ones_own_destinations_only(served: Served, browser: Browser) -> None:
    await served.browser().register("other@example.com")
    (foreign,) = served.listeners.opened
    await browser.register("user@gmail.com")
    for user_id in (foreign.user_id, "127.0.0.1:22", "x"):
        page = await send(browser, user_id)
        assert (page.status, code(page)) == (403, "forbidden"), user_id
    assert (await send(browser, "")).status == 400


@ensureDeferred
async def test_a_test_line_needs_a_login_and_the_form_token(browser: Browser) -> None:
    page = await browser.post("/api/test-line", {"user_id": "x"})
    assert (page.status, code(page)) == (401, "not_logged_in")
    await browser.register("user@gmail.com")
    for headers in ({}, {"X-CSRF-Token": "wrong"}):
        page = await browser.post("/api/test-line", {"user_id": "x"}, headers)
        assert (page.status, code(page)) == (403, "bad_csrf_token")


@ensureDeferred
async def test_test_lines_are_throttled(serve: Serve, listening: Any) -> None:
    number = listening.getHost().port
    served = serve(public_host="127.0.0.1", ports=range(number, number + 1))
    served.clock.stop()
    browser = served.browser()
    await browser.register("user@gmail.com")
    pages = [await send(browser, f"127.0.0.1:{number}") for _ in range(6)]
    assert [page.status for page in pages] == [200] * 5 + [429]
    assert code(pages[-1]) == "too_many_requests"
    assert pages[-1].header("retry-after")


# Health


@ensureDeferred
async def test_healthz_says_ok_while_the_store_answers(browser: Browser) -> None:
    page = await browser.get("/healthz")
    said = f"ok (Ppl {version()})"
    assert (page.status, page.text, page.header("content-type")) == (200, said, "text/plain; charset=utf-8")


@ensureDeferred
async def test_pages_show_the_version_at_their_foot(browser: Browser) -> None:
    foot = f'<footer class="foot">Ppl {version()}</footer>'
    assert foot in (await browser.get("/login")).text
    await browser.register("user@example.com")
    assert foot in (await browser.get("/settings")).text
    assert f"Ppl {version()}" in (await browser.get("/")).text


@ensureDeferred
async def test_healthz_says_503_while_it_does_not(serve: Serve) -> None:
    page = await serve(over=AwayStore()).browser().get("/healthz")
    assert page.status == 503
    assert page.header("retry-after")
    assert page.header("content-type") == "text/plain; charset=utf-8"
    assert page.text == "The database cannot be reached."


class StuckStore:
    """A store that does not answer until the test makes it."""

    def __init__(self) -> None:
        self.asked: list[Deferred[int]] = []

    async def count_accounts(self) -> int:
        self.asked.append(Deferred())
        return await self.asked[-1]


@ensureDeferred
async def test_healthz_says_soon_that_the_database_is_stuck_and_asks_it_no_more_meanwhile() -> None:
    store, clock = StuckStore(), Clock()
    health = Health(store, clock)
    visit = Visit("GET", "/healthz", "/healthz", {}, {}, b"", "", False, False)
    asking = [Deferred.fromCoroutine(health.show(visit, None)) for _ in range(3)]
    clock.advance(2)
    answers = [await each for each in asking]
    assert {(each.status, each.body, each.content_type) for each in answers} == {
        (503, b"The database does not answer.", "text/plain; charset=utf-8")
    }
    assert len(store.asked) == 1
    later = Deferred.fromCoroutine(health.show(visit, None))
    store.asked[0].callback(1)
    assert (await later).status == 200
    assert len(store.asked) == 1
    again = Deferred.fromCoroutine(health.show(visit, None))
    store.asked[1].errback(StatementTimeout("slow"))
    assert (await again).status == 503


@ensureDeferred
async def test_what_cannot_be_read_is_refused_as_json_too(browser: Browser) -> None:
    for query in ("user_id=a&user_id=b", "q=%FF", "&".join(f"{number}=" for number in range(100))):
        page = await browser.get(f"/api/events?{query}")
        assert page.status == 400
        assert json.loads(page.text)["error"]["code"] == "bad_request"


@ensureDeferred
async def test_the_version_is_for_those_who_are_logged_in(browser: Browser) -> None:
    assert (await browser.get("/api/version")).status == 401
    await browser.register("a@example.com")
    assert json.loads((await browser.get("/api/version")).text) == {"version": version()}
