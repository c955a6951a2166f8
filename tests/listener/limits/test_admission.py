"""Limits per address and per destination, and one line of log for a burst of refusals."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import pytest
from twisted.logger import globalLogPublisher

from ppl.listener.limits.admission import Admission
from ppl.model import SECOND, Destination
from tests.listener.receiving import LIMITS

ONE, OTHER = Destination(1, "h", 1, "UTC"), Destination(2, "h", 2, "UTC")


@pytest.fixture
def warned() -> Iterator[list[str]]:
    said: list[str] = []

    def observe(event: dict) -> None:
        if "what" in event:
            said.append(f"{event['who']}: {event['what']}{event['more']}")

    globalLogPublisher.addObserver(observe)
    yield said
    globalLogPublisher.removeObserver(observe)


class Clock:
    now = 1_000 * SECOND

    def __call__(self) -> int:
        return self.now


def admission(**limits: int) -> tuple[Admission, Clock]:
    clock = Clock()
    return Admission(attrs.evolve(LIMITS, **limits), clock), clock


def test_a_destination_has_a_bounded_number_of_connections_and_others_are_not_concerned(warned: list[str]) -> None:
    door, _ = admission(max_connections=2)
    assert [door.admit(ONE, f"192.0.2.{host}") for host in range(4)] == [True, True, False, False]
    assert door.admit(OTHER, "192.0.2.9")
    assert warned == ["h:1: it has 2 connections; more are refused (--max-connections)"]
    door.left(ONE, "192.0.2.0")
    assert door.connections(ONE) == 1
    assert door.admit(ONE, "192.0.2.5")


def test_an_address_has_a_bounded_number_of_connections_to_all_destinations(warned: list[str]) -> None:
    door, _ = admission(max_connections_per_address=2)
    assert [door.admit(each, "192.0.2.1") for each in (ONE, OTHER, OTHER)] == [True, True, False]
    assert door.admit(OTHER, "192.0.2.2")
    assert len(warned) == 1
    door.left(ONE, "192.0.2.1")
    assert door.admit(OTHER, "192.0.2.1")


def test_connecting_too_often_is_refused_until_a_while_has_passed(warned: list[str]) -> None:
    door, clock = admission(max_connects_per_second=5)
    for _ in range(50):
        assert door.admit(ONE, "192.0.2.1")
        door.left(ONE, "192.0.2.1")
    assert not door.admit(ONE, "192.0.2.1")
    assert not door.admit(ONE, "192.0.2.2"), "the destination has had its share"
    assert door.admit(OTHER, "192.0.2.3")
    clock.now += SECOND
    assert door.admit(OTHER, "192.0.2.1")


def test_a_burst_is_one_line_and_the_next_tells_how_much_it_was(warned: list[str]) -> None:
    door, clock = admission()
    for _ in range(1000):
        door.say_once("192.0.2.1", "no")
        clock.now += SECOND
    assert warned == ["192.0.2.1: no"]
    clock.now += 61 * SECOND
    door.say_once("192.0.2.1", "no")
    assert warned[1:] == ["192.0.2.1: no (999 more in the previous burst)"]


def test_what_comes_with_other_details_is_the_same_burst(warned: list[str]) -> None:
    door, _ = admission()
    for detail in ("this", "that", ""):
        door.say_once("192.0.2.1", "no", detail)
    assert warned == ["192.0.2.1: no (this)"]
    for detail in ("this", "that"):
        door.say_once("192.0.2.1", "no {detail} here", detail)
    assert warned[1:] == ["192.0.2.1: no this here"]


def test_strangers_cannot_fill_the_memory() -> None:
    door, _ = admission()
    for number in range(3000):
        door.say_once(str(number), "no")
        assert door.admit(ONE, str(number)) or True
        door.left(ONE, str(number)) if door.connections(ONE) else None
    assert door.statistics().bursts <= 1000
    assert door.statistics().addresses == 0
