"""Timers follow a clock that is never set; wall time is asked for where it is meant."""

from __future__ import annotations

import time
from typing import Any

import pytest
from twisted.internet.epollreactor import EPollReactor

from ppl.clock import make_steady
from ppl.uploading import log_line


class WallTime:
    """Wall time that is set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._ahead = 0.0
        now, now_ns = time.time, time.time_ns
        monkeypatch.setattr(time, "time", lambda: now() + self._ahead)
        monkeypatch.setattr(time, "time_ns", lambda: now_ns() + int(self._ahead * 1e9))

    def set(self, seconds: float) -> None:
        self._ahead += seconds


@pytest.fixture
def wall_time(monkeypatch: pytest.MonkeyPatch) -> WallTime:
    return WallTime(monkeypatch)


@pytest.fixture
def own_reactor() -> Any:
    """A reactor beside the test's own, which shall keep its clock."""
    reactor: Any = EPollReactor()
    yield reactor
    for reader in reactor.removeAll():
        reader.connectionLost(None)
    reactor._poller.close()


def test_timers_wait_for_their_time_whatever_the_clock_is_set_to(wall_time: WallTime, own_reactor: Any) -> None:
    make_steady(own_reactor)
    assert own_reactor.seconds() == pytest.approx(time.time(), abs=1)
    fired: list[str] = []
    own_reactor.callLater(3_000, fired.append, "late")
    own_reactor.callLater(0, fired.append, "at once")
    wall_time.set(-7_200)
    own_reactor.runUntilCurrent()
    assert fired == ["at once"]
    wall_time.set(14_400)
    own_reactor.runUntilCurrent()
    assert fired == ["at once"]
    assert own_reactor.timeout() == pytest.approx(3_000, abs=60)


class _Request:
    method, uri, clientproto, code, sentLength = b"GET", b"/", b"HTTP/1.1", 200, 0

    def getClientAddress(self) -> None:
        """Of nobody."""

    def getHeader(self, name: bytes) -> None:
        """None."""


def test_the_access_log_tells_wall_time(wall_time: WallTime) -> None:
    wall_time.set(400 * 86_400)
    year = time.gmtime(time.time()).tm_year
    assert f"/{year}:" in log_line("[01/Jan/1970:00:00:00 +0000]", _Request())
