"""A response that is sent part by part: in order, no faster than it is taken, and at no cost while a part is made."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import attrs
import pytest
import pytest_twisted
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site

from ppl.web.http.answers import StreamedAnswer
from ppl.web.http.request import Streaming
from tests.waiting import turns, until
from tests.web.browsing import speak

_ASK = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@attrs.define
class Told(Resource):
    """Streams parts that the test gives, one after the other; ``asked`` are those that are waited for."""

    isLeaf = True
    asked: list[Deferred[bytes | None]] = attrs.field(factory=list)
    abandoned: int = 0

    def __attrs_post_init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def render(self, request: Any) -> int:
        """Twisted: answer a request."""
        request.gone = False
        Streaming(request, StreamedAnswer(self._parts(), self._abandon, "text/plain")).begin()
        return NOT_DONE_YET

    def _abandon(self) -> None:
        self.abandoned += 1

    async def _parts(self) -> AsyncIterator[bytes]:
        while True:
            self.asked.append(Deferred())
            part = await self.asked[-1]
            if part is None:
                return
            yield part


@pytest.fixture
def told() -> Iterator[tuple[Told, int]]:
    """The resource, and the port that serves it."""
    resource = Told()
    port = reactor.listenTCP(0, Site(resource), interface="127.0.0.1")
    yield resource, port.getHost().port
    pytest_twisted.blockon(port.stopListening())


@ensureDeferred
async def test_parts_come_in_order_and_empty_ones_cost_nothing(told: tuple[Told, int]) -> None:
    resource, port = told
    answer = speak(port, _ASK)
    coming = Deferred.fromCoroutine(answer)
    for number, part in enumerate([b"one", b"", b"two", None]):
        await until(lambda number=number: len(resource.asked) > number, "the next part asked for")  # type: ignore[misc]
        resource.asked[number].callback(part)
    body = (await coming).partition(b"\r\n\r\n")[2]
    assert body == b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"


@ensureDeferred
async def test_a_part_that_is_still_being_made_keeps_no_turn_of_the_reactor_busy(told: tuple[Told, int]) -> None:
    resource, port = told
    coming = Deferred.fromCoroutine(speak(port, _ASK))
    await until(lambda: resource.asked, "the first part asked for")
    await turns(5)
    due = [call for call in reactor.getDelayedCalls() if call.getTime() <= reactor.seconds() + 0.001]
    assert [call for call in due if "turns" not in str(call) and "Cooperator" in str(call)] == []
    assert len(resource.asked) == 1
    resource.asked[0].callback(None)
    await coming


class _Slow(Protocol):
    """A client that asks and does not read."""

    def connectionMade(self) -> None:
        transport: Any = self.transport
        transport.pauseProducing()
        transport.write(_ASK)


@ensureDeferred
async def test_a_client_that_does_not_read_is_sent_no_more_than_fits(told: tuple[Told, int]) -> None:
    resource, port = told
    client = _Slow()
    await connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", port), client)
    given = 0
    for _ in range(400):
        await turns(3)
        if given == len(resource.asked):
            break
        resource.asked[given].callback(b"x" * 1_000_000)
        given += 1
    assert given < 100, "it stops asking for more"
    transport: Any = client.transport
    transport.resumeProducing()
    await until(lambda: len(resource.asked) > given, "more, once the client reads")
    transport.abortConnection()
    await until(lambda: resource.abandoned, "the parts are abandoned")
