"""Many requests at once on one connection: each turn of the reactor answers one, on every path, and none is lost."""

from __future__ import annotations

import re
from typing import Any

import pytest
from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from ppl.access.throttle import Rate
from ppl.listener.http.site import DrainSite
from ppl.options import default_settings
from ppl.services.clock import wall_clock
from ppl.store.interface import Store
from ppl.web.http.limits import SiteLimits
from ppl.web.site import make_site
from tests.waiting import turns, until
from tests.web.browsing import speak
from tests.web.conftest import OpenedPorts, Serve, Served

BURST = 65_536


class Uploads:
    """A drain that fails at once on every upload."""

    def takes(self, method: bytes, path: bytes, header: Any) -> bool:
        return path.startswith(b"/logs/")

    def begin(self, request: Any, length: int | None) -> Any:
        raise NotImplementedError


@pytest.fixture
def site(store: Store) -> Any:
    viewers = WebSocketServerFactory()
    viewers.protocol = WebSocketServerProtocol
    return make_site(store, OpenedPorts(), viewers, default_settings(http_hosts=("x",)), reactor, wall_clock)


def connected(site: Any, address: str = "192.0.2.1") -> tuple[Any, StringTransport]:
    peer = IPv4Address("TCP", address, 1234)
    transport = StringTransport(peerAddress=peer)
    channel = site.buildProtocol(peer)
    channel.makeConnection(transport)
    return channel, transport


def answers(transport: StringTransport) -> int:
    return len(re.findall(rb"HTTP/1\.1 \d{3} ", transport.value()))


async def counted(site: Any, request: bytes) -> list[int]:
    """The number of responses after each turn of the reactor, to a burst of ``request``."""
    channel, transport = connected(site)
    burst = request * (BURST // len(request))
    # One call, as the transport delivers one read.
    channel.dataReceived(burst)
    counts = [answers(transport)]
    for _ in range(20):
        await turns(1)
        counts.append(answers(transport))
    channel.connectionLost(Failure(ConnectionDone()))
    await turns(2)
    return counts


PATHS = {
    "not found": b"GET /nope HTTP/1.1\r\nHost: x\r\n\r\n",
    "not allowed": b"PUT /login HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
    "a redirection": b"GET /settings HTTP/1.1\r\nHost: x\r\n\r\n",
    "an asset": b"GET /static/x/nope.css HTTP/1.1\r\nHost: x\r\n\r\n",
    "no upgrade": b"GET /ws HTTP/1.1\r\nHost: x\r\n\r\n",
    "not readable": b"GET /?a=1&a=2 HTTP/1.1\r\nHost: x\r\n\r\n",
    "too large": b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n\r\n" + b"a" * 65_537,
}


@pytest.mark.parametrize("path", list(PATHS))
@ensureDeferred
async def test_a_connection_has_one_answer_in_a_turn(site: Any, path: str) -> None:
    counts = await counted(site, PATHS[path])
    assert max(after - before for before, after in zip([0, *counts], counts, strict=False)) <= 1
    assert counts[-1] > counts[0] or path == "too large"


@ensureDeferred
async def test_the_drains_own_endpoint_answers_one_in_a_turn_too() -> None:
    counts = await counted(DrainSite(Uploads(), reactor), PATHS["not found"])
    assert max(after - before for before, after in zip([0, *counts], counts, strict=False)) == 1
    assert counts[-1] > counts[0]


@ensureDeferred
async def test_what_is_not_answered_yet_is_not_read_on(site: Any) -> None:
    channel, transport = connected(site)
    channel.dataReceived(PATHS["not found"] * 1000)
    assert transport.producerState == "paused"
    channel.connectionLost(Failure(ConnectionDone()))
    await turns(3)
    assert answers(transport) <= 1, "nobody is there any more"


@ensureDeferred
async def test_when_the_turn_is_used_up_others_wait_for_the_next_one(site: Any) -> None:
    site.turns.do(lambda: None)
    site.turns._spent = 1.0
    others = [connected(site, f"192.0.2.{number}") for number in range(3)]
    for channel, transport in others:
        channel.dataReceived(PATHS["not found"][:20])
        channel.dataReceived(PATHS["not found"][20:])
        assert (answers(transport), transport.producerState) == (0, "paused")
    await until(lambda: [answers(transport) for _, transport in others] == [1, 1, 1], "each is answered")
    await turns(3)
    assert {transport.producerState for _, transport in others} == {"producing"}
    for channel, _ in others:
        channel.connectionLost(Failure(ConnectionDone()))


@ensureDeferred
async def test_a_site_that_stops_says_nothing_else_to_connections_that_are_still_open(site: Any) -> None:
    site.doStart()
    channel, transport = connected(site)
    site.doStop()
    channel.dataReceived(b"GET /api/me HTTP/1.1\r\nHost: x\r\n\r\n")
    await until(lambda: answers(transport), "an answer")
    assert transport.value().startswith(b"HTTP/1.1 503 "), "not that the session has ended, which would lead to a login"
    channel.connectionLost(Failure(ConnectionDone()))


@ensureDeferred
async def test_every_request_of_a_burst_is_answered_in_its_order(served: Served) -> None:
    requests = [f"GET /{number} HTTP/1.1\r\nHost: x\r\n\r\n".encode() for number in range(300)]
    requests.append(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    statuses = re.findall(rb"HTTP/1\.1 (\d{3}) ", await speak(served.port, b"".join(requests)))
    assert statuses == [b"404"] * 300 + [b"200"]


_REQUEST = b"GET /nope HTTP/1.1\r\nHost: x\r\n\r\n"
_LAST = b"GET /nope HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


#: Twenty requests without a login at once, then ten per second.
_RATIONED = SiteLimits(strangers=Rate(burst=20, seconds=0.1))


def rationed(serve: Serve) -> Served:
    """A site with the limits :data:`_RATIONED` and a stopped clock."""
    served = serve(limits=_RATIONED)
    served.clock.stop()
    return served


@ensureDeferred
async def test_requests_without_a_login_have_a_rate_for_each_address(serve: Serve) -> None:
    served = rationed(serve)
    answer = await speak(served.port, _REQUEST * 20 + _LAST)
    assert answer.count(b"HTTP/1.1 404 ") == 20
    assert answer.count(b"HTTP/1.1 429 ") == 1
    assert b"Retry-After: 1\r\n" in answer
    served.clock.advance(1)
    assert b" 404 " in (await speak(served.port, _LAST))[:20]


@ensureDeferred
async def test_requests_that_come_too_often_are_said_once(serve: Serve, logged: list[str]) -> None:
    served = rationed(serve)
    answer = await speak(served.port, _REQUEST * 50 + _LAST)
    assert answer.count(b"HTTP/1.1 429 ") == 31
    assert len([line for line in logged if '"GET /nope' in line]) == 20
    said = "127.0.0.1: it sends too many requests; those answered 429 are not in the access log"
    assert [line for line in logged if "too many" in line] == [said]
    served.clock.advance(120)
    await speak(served.port, _REQUEST * 20 + _LAST)
    assert logged[-1] == f"{said} (30 more in the previous burst)"


@pytest.mark.parametrize("path", [b"/?a=1&a=2", b"/logs/nope"])
@ensureDeferred
async def test_refusals_of_an_address_have_so_many_lines_in_the_access_log(
    serve: Serve, logged: list[str], path: bytes
) -> None:
    served = serve(limits=SiteLimits(refusals=Rate(burst=10, seconds=1)))
    served.clock.stop()
    request = b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n"
    await speak(served.port, request * 30 + b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert len([line for line in logged if '"GET /' in line]) == 10
    said = "127.0.0.1: too many refused requests; further ones are not in the access log"
    assert [line for line in logged if "too many" in line] == [said]


@ensureDeferred
async def test_the_drains_own_endpoint_bounds_them_too(logged: list[str]) -> None:
    site = DrainSite(Uploads(), reactor, refusals=Rate(burst=10, seconds=1))
    port = reactor.listenTCP(0, site, interface="127.0.0.1")
    answer = await speak(port.getHost().port, PATHS["not found"] * 30 + _LAST)
    await port.stopListening()
    assert answer.count(b"HTTP/1.1 404 ") == 31
    assert len([line for line in logged if '"GET /nope' in line]) == 10


@ensureDeferred
async def test_requests_with_a_login_are_not_counted(serve: Serve) -> None:
    served = serve(limits=_RATIONED)
    browser = served.browser()
    await browser.register("user@gmail.com")
    token = await browser.create_token()
    served.clock.stop()
    served.clock.advance(10)
    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    for header in (f"Cookie: {cookie}", f"Authorization: Bearer {token}"):
        request = f"GET /api/me HTTP/1.1\r\nHost: x\r\n{header}\r\n\r\n".encode()
        last = request[:-2] + b"Connection: close\r\n\r\n"
        answer = await speak(served.port, request * 30 + last)
        assert answer.count(b"HTTP/1.1 200 ") == 31
