"""When viewers are told of events, with a clock of the test's own: at once after a silence, then together."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock

from ppl.live.audience import SECONDS_EACH, Audience
from ppl.live.batch import PART_EVENTS, Batch
from ppl.live.portion import PAGE_BYTES
from ppl.model import Event
from tests.viewer.test_session import event


class Told:
    """A member that keeps the batches it was given."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.seen: list[int] = []

    def live(self, batch: Batch) -> None:
        self.batches.append(batch)

    def catch_up(self, seen: int) -> None:
        self.seen.append(seen)

    def close(self, code: int, reason: str) -> None:
        raise AssertionError(reason)

    @property
    def ids(self) -> list[list[int]]:
        """The ids of each batch."""
        return [[each.id for each in batch] for batch in self.batches]


def audience(clock: Clock, least_seconds: float = 0.02, size: int = 1) -> tuple[Audience, list[Told]]:
    made = Audience(clock, least_seconds)
    members = [Told() for _ in range(size)]
    made.members.update(members)
    return made, members


def events(*ids: int) -> tuple[Event, ...]:
    return tuple(map(event, ids))


def test_what_comes_after_a_silence_is_told_at_once_and_the_rest_together_at_the_tick() -> None:
    clock = Clock()
    audience_, (member,) = audience(clock)
    audience_.announce(events(1))
    audience_.announce(events(2, 3))
    audience_.announce(events(4))
    assert member.ids == [[1]]
    clock.advance(0.02)
    assert member.ids == [[1], [2, 3, 4]]
    audience_.announce(events(5))
    assert member.ids == [[1], [2, 3, 4]]
    clock.advance(0.02)
    clock.advance(0.02)
    assert member.ids == [[1], [2, 3, 4], [5]]
    assert clock.getDelayedCalls() == [], "a silence needs no clock"
    audience_.announce(events(6))
    assert member.ids[-1] == [6]


def test_all_members_are_given_the_very_same_batch() -> None:
    audience_, members = audience(Clock(), size=3)
    audience_.announce(events(1, 2))
    first = members[0].batches[0]
    assert all(member.batches == [first] for member in members)


def test_few_who_take_one_event_a_frame_do_not_wait() -> None:
    clock = Clock()
    audience_, (member,) = audience(clock, 0.0)
    audience_.announce(events(1))
    audience_.announce(events(2))
    assert member.ids == [[1], [2]]
    assert clock.getDelayedCalls() == []


@pytest.mark.parametrize("least_seconds", [0.0, 0.02])
def test_a_crowd_is_told_less_often(least_seconds: float) -> None:
    clock = Clock()
    audience_, members = audience(clock, least_seconds, 500)
    audience_.announce(events(1))
    audience_.announce(events(2))
    clock.advance(500 * SECONDS_EACH * 0.9)
    assert all(member.ids == [[1]] for member in members)
    clock.advance(500 * SECONDS_EACH * 0.2)
    assert all(member.ids == [[1], [2]] for member in members)


def test_what_fills_a_frame_does_not_wait() -> None:
    audience_, (member,) = audience(Clock())
    audience_.announce(events(1))
    audience_.announce(events(*range(2, 2 + PART_EVENTS)))
    audience_.announce((event(5000, message="x" * PAGE_BYTES),))
    assert list(map(len, member.batches)) == [1, PART_EVENTS, 1]


def test_what_is_announced_again_is_no_part_of_an_ascending_batch() -> None:
    clock = Clock()
    audience_, (member,) = audience(clock)
    audience_.announce(events(1))
    audience_.announce(events(2, 3))
    audience_.announce(events(3, 4))
    clock.advance(0.02)
    assert member.ids == [[1], [2, 3], [3, 4]]


def test_who_leaves_is_told_no_more_and_nothing_is_left_behind() -> None:
    clock = Clock()
    audience_, (one, other) = audience(clock, size=2)
    audience_.announce(events(1))
    audience_.announce(events(2))
    audience_.members.remove(one)
    clock.advance(0.02)
    assert (one.ids, other.ids) == ([[1]], [[1], [2]])
    audience_.members.remove(other)
    audience_.close()
    assert clock.getDelayedCalls() == []
