"""Time zones, events on the wire, and services in sequence."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_twisted
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import formatEvent, globalLogPublisher

from ppl.errors import ProtocolError
from ppl.model import FACILITIES, HOUR, SEVERITIES, Event, Sender, SendersSeen
from ppl.services.sequence import LONGEST_STOP, SequentialService, Together
from ppl.timezone import UnknownTimeZone, local_text, parse_time_zone, utc_text
from ppl.wire import link_event, read_link_event, viewer_event

MOMENT = 1_475_791_199_123_456


@pytest.mark.parametrize("text", ["+02.00", "+02:00", "Europe/Kyiv", "Etc/GMT-2"])
def test_an_offset_or_a_name_is_a_time_zone(text: str) -> None:
    winter = 1_452_117_599_000_000
    assert local_text(winter, parse_time_zone(text)) == "2016-01-06 23:59:59"


@pytest.mark.parametrize(
    "text",
    ["", "+2", "02:00", "+24:00", "+02:60", "Mars/Olympus", "../../etc/passwd", "Europe", "x" * 100, "+02:00\n", "\0"],
)
def test_anything_else_is_none(text: str) -> None:
    with pytest.raises(UnknownTimeZone):
        parse_time_zone(text)


def test_a_negative_offset_and_utc() -> None:
    assert parse_time_zone("-05.30").utcoffset(None) == -timedelta(hours=5, minutes=30)
    assert utc_text(MOMENT) == "2016-10-06T21:59:59.123456Z"


@given(
    st.integers(-62_135_000_000_000_000, 253_402_000_000_000_000),
    st.sampled_from(["UTC", "+02.00", "-09:30", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns"]),
)
def test_a_time_is_written_as_the_standard_library_does(moment: int, name: str) -> None:
    zone = parse_time_zone(name)
    then = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=moment)
    assert utc_text(moment) == then.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert local_text(moment, zone) == then.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def test_a_viewers_event_has_the_four_fields_and_leaves_out_what_is_unknown() -> None:
    zone = parse_time_zone("+02.00")
    assert viewer_event(Event(MOMENT, MOMENT, "127.0.0.1", "", ""), zone) == {
        "created_at": "2016-10-06 23:59:59",
        "sender_ip": "127.0.0.1",
        "file_name": "",
        "message": "",
        "id": str(MOMENT),
        "time": "2016-10-06T21:59:59.123456Z",
        "received_at": "2016-10-06T21:59:59.123456Z",
    }


texts = st.text(st.characters(exclude_categories=["Cs"]))
events = st.builds(
    Event,
    st.integers(1, 10**16),
    st.integers(631_152_000_000_000, 4_000_000_000_000_000),
    st.sampled_from(["127.0.0.1", "::1"]),
    texts,
    texts,
    texts,
    texts,
    texts,
    texts,
    st.one_of(st.none(), st.integers(0, len(FACILITIES) - 1)),
    st.one_of(st.none(), st.integers(0, len(SEVERITIES) - 1)),
)


@settings(max_examples=100)
@given(events)
def test_an_event_comes_over_the_link_as_it_was(event: Event) -> None:
    written = link_event(event, "a:1", parse_time_zone("+02.00"))
    assert read_link_event(written) == ("a:1", event)
    assert read_link_event({**written, "time": written["time"].lower()}) == ("a:1", event), "RFC 3339, 5.6"


@pytest.mark.parametrize(
    "change", [{"user_id": ""}, {"message": 7}, {"id": "-1"}, {"time": "now"}, {"time": "2016-10-06"}]
)
def test_a_broken_event_is_refused(change: dict[str, Any]) -> None:
    data = link_event(Event(MOMENT, MOMENT, "127.0.0.1", "f", "m"), "a:1", parse_time_zone("UTC"))
    with pytest.raises(ProtocolError):
        read_link_event({**data, **change})


class Part(Service):
    """Writes down when it starts and stops; ``gate`` holds its start."""

    def __init__(
        self, name: str, log: list[str], gate: Deferred[None] | None = None, error: Exception | None = None
    ) -> None:
        self.name, self._log, self._gate, self._error = name, log, gate, error

    def startService(self) -> Deferred[None] | None:  # type: ignore[override]
        self._log.append(f"start {self.name}")
        if self._error is not None:
            raise self._error
        return self._gate

    def stopService(self) -> None:
        self._log.append(f"stop {self.name}")


@pytest_twisted.ensureDeferred
async def test_parts_start_one_after_the_other_and_stop_in_reverse() -> None:
    log: list[str] = []
    gate: Deferred[None] = Deferred()
    service = SequentialService([Part("store", log, gate), Part("writer", log)], Clock())
    starting = service.startService()
    assert log == ["start store"]
    gate.callback(None)
    await starting
    await service.stopService()
    assert log == ["start store", "start writer", "stop writer", "stop store"]


@pytest_twisted.ensureDeferred
async def test_a_failed_start_is_told_and_what_had_started_is_stopped() -> None:
    log: list[str] = []
    told: list[Any] = []
    service = SequentialService(
        [Part("store", log), Part("web", log, error=ValueError("busy")), Part("last", log)], Clock()
    )
    service.on_failed_start(told.append)
    await service.startService()
    assert told[0].getErrorMessage() == "busy"
    await service.stopService()
    assert log == ["start store", "start web", "stop web", "stop store"]


@pytest_twisted.ensureDeferred
async def test_a_stop_during_the_start_starts_nothing_more() -> None:
    log: list[str] = []
    gate: Deferred[None] = Deferred()
    service = SequentialService([Part("store", log, gate), Part("writer", log)], Clock())
    starting = service.startService()
    await service.stopService()
    gate.callback(None)
    await starting
    assert log == ["start store", "stop store"]


class Hanging(Part):
    """Stops when ``gone`` fires."""

    def __init__(self, name: str, log: list[str]) -> None:
        super().__init__(name, log)
        self.gone: Deferred[None] = Deferred()

    def stopService(self) -> Deferred[None]:  # type: ignore[override]
        super().stopService()
        return self.gone


@pytest.fixture
def said() -> Iterator[list[str]]:
    """What is logged, in words."""
    lines: list[str] = []

    def observe(event: dict[str, Any]) -> None:
        lines.append(formatEvent(event))

    globalLogPublisher.addObserver(observe)
    yield lines
    globalLogPublisher.removeObserver(observe)


@pytest_twisted.ensureDeferred
async def test_a_stop_says_what_it_waits_for_and_ends_without_a_part_that_hangs(
    said: list[str], nothing_left_behind: list[str]
) -> None:
    log: list[str] = []
    clock = Clock()
    hanging = Hanging("Retention", log)
    service = SequentialService([Part("store", log), hanging], clock)
    await service.startService()
    stopping = service.stopService()
    clock.advance(5)
    assert said == ["Still stopping: Retention has not ended after 5 s"]
    clock.pump([25, LONGEST_STOP - 30.1])
    assert said[1:] == [f"Still stopping: Retention has not ended after {seconds} s" for seconds in (30, 60)]
    assert not stopping.called
    clock.advance(0.1)
    await stopping
    assert log[-1] == "stop store"
    assert nothing_left_behind.pop().startswith("Retention did not stop within")
    # However late it ends, nobody minds.
    hanging.gone.errback(ValueError("too late"))
    assert "did not stop cleanly" in nothing_left_behind.pop()


@pytest_twisted.ensureDeferred
async def test_parts_that_are_together_stop_at_once() -> None:
    log: list[str] = []
    clock = Clock()
    first, second = Hanging("first", log), Hanging("second", log)
    service = SequentialService([Part("store", log), Together([first, second], clock)], clock)
    await service.startService()
    assert log == ["start store", "start first", "start second"]
    stopping = service.stopService()
    assert log[3:] == ["stop first", "stop second"]
    second.gone.callback(None)
    assert "stop store" not in log
    first.gone.callback(None)
    await stopping
    assert log[-1] == "stop store"
    assert not clock.getDelayedCalls()


def test_who_is_not_counted_yet_is_not_silent() -> None:
    last = MOMENT - 5 * HOUR
    steady = Sender("host", "steady", 0, last, 9, (0,) * 24, 9, 0)
    behind = SendersSeen(last, False, (steady,))
    assert not steady.is_silent(behind.known_to(MOMENT))
    assert steady.is_silent(SendersSeen(last, True, (steady,)).known_to(MOMENT))
    assert SendersSeen(None, False, ()).known_to(MOMENT) == MOMENT
