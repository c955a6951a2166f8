"""Timers follow a clock that nobody sets and that stops with the process; the access log has wall time."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest
from twisted.internet.epollreactor import EPollReactor
from twisted.web.http_headers import Headers

from ppl.http.client import Proxies
from ppl.http.uploads import log_line
from ppl.listener.limits.partial_input import Unfinished
from ppl.services.clock import BEAT, make_steady


class Times:
    """A wall clock, which the test sets, and a steady clock, which the test advances."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wall, self.steady = time.time(), time.monotonic()
        monkeypatch.setattr(time, "time", lambda: self.wall)
        monkeypatch.setattr(time, "time_ns", lambda: int(self.wall * 1e9))
        monkeypatch.setattr(time, "monotonic", lambda: self.steady)

    def turn(self, reactor: Any, seconds: float) -> None:
        """Let the reactor turn for ``seconds``."""
        end = self.steady + seconds
        while self.steady < end:
            self.steady += BEAT
            reactor.runUntilCurrent()

    def stand_still(self, reactor: Any, seconds: float) -> None:
        """Suspend the process for ``seconds``, then run the timers that are due."""
        self.steady += seconds
        reactor.runUntilCurrent()


@pytest.fixture
def times(monkeypatch: pytest.MonkeyPatch) -> Times:
    return Times(monkeypatch)


@pytest.fixture
def own_reactor() -> Any:
    """A second reactor: the test's own must keep its clock."""
    reactor: Any = EPollReactor()
    yield reactor
    for reader in reactor.removeAll():
        reader.connectionLost(None)
    reactor._poller.close()


def test_timers_wait_for_their_time_whatever_the_clock_is_set_to(times: Times, own_reactor: Any) -> None:
    make_steady(own_reactor)
    assert own_reactor.seconds() == pytest.approx(times.wall)
    fired: list[str] = []
    own_reactor.callLater(3_000, fired.append, "late")
    own_reactor.callLater(1, fired.append, "soon")
    times.wall -= 7_200
    times.turn(own_reactor, 2)
    assert fired == ["soon"]
    times.wall += 14_400
    times.turn(own_reactor, 2)
    assert fired == ["soon"]
    times.turn(own_reactor, 3_000)
    assert fired == ["soon", "late"]


def test_time_in_which_the_process_stood_still_does_not_count(times: Times, own_reactor: Any) -> None:
    make_steady(own_reactor)
    fired: list[str] = []
    own_reactor.callLater(10, fired.append, "nothing came")
    times.turn(own_reactor, 9)
    times.stand_still(own_reactor, 3_600)
    assert not fired
    times.turn(own_reactor, 0.5)
    assert not fired
    times.turn(own_reactor, 1)
    assert fired


class _Half:
    """A connection in the middle of a line."""

    is_overdue = False
    has_expired = False

    def expire(self) -> None:
        self.has_expired = True


def test_a_begun_line_whose_rest_came_while_the_process_stood_still_is_not_cut(times: Times, own_reactor: Any) -> None:
    make_steady(own_reactor)
    unfinished, ended, silent = Unfinished(1_000, 4, own_reactor), _Half(), _Half()
    for each in (ended, silent):
        unfinished.changed(each, 0, 10)
    times.turn(own_reactor, 3)
    assert ended.is_overdue
    times.stand_still(own_reactor, 40)
    assert not ended.has_expired
    unfinished.changed(ended, 10, 0)  # its rest is read
    times.turn(own_reactor, 2)
    assert (ended.has_expired, silent.has_expired) == (False, True)
    unfinished.stop()


class _Request:
    method, uri, clientproto, code, sentLength = b"GET", b"/", b"HTTP/1.1", 200, 0
    requestHeaders = Headers()
    site = SimpleNamespace(proxies=Proxies())

    def getClientAddress(self) -> None:
        """None: the request has no client."""

    def getHeader(self, name: bytes) -> None:
        """None: the request has no headers."""


def test_the_access_log_tells_wall_time(times: Times) -> None:
    times.wall += 400 * 86_400
    year = time.gmtime(times.wall).tm_year
    assert f"/{year}:" in log_line("[01/Jan/1970:00:00:00 +0000]", _Request())
