"""Live events that match: each is looked at once for all viewers, a few at a time, and only so many may wait."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC

import pytest
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from ppl.live.filtering import Filter, Filters
from ppl.live.gathering import Gathering
from ppl.live.sieve import LONGEST_REST, SLICE_SECONDS, Sieve, SieveTurns
from ppl.model import Event
from ppl.search.query import parse
from tests.live.test_audience import Told
from tests.viewer.test_session import event


def filter_of(text: str, filters: Filters | None = None) -> Filter:
    filter_ = (filters or Filters()).of(parse(text, UTC, 0))
    assert filter_ is not None
    return filter_


class Counting:
    """Counts what a filter looks at; each look takes ``seconds`` of ``clock``."""

    def __init__(self, filter_: Filter, clock: Clock, seconds: float = 0.0) -> None:
        self.looked: list[int] = []
        self._matches, self._clock, self._seconds = filter_.matches, clock, seconds
        filter_.matches = self

    def __call__(self, each: Event) -> bool:
        self.looked.append(each.id)
        self._clock.rightNow += self._seconds
        return self._matches(each)


def numbered(first: int, end: int) -> list[Event]:
    return [event(id_, message="odd" if id_ % 2 else "even") for id_ in range(first, end)]


class Sifted:
    """A sieve, and what it reported."""

    def __init__(self, clock: Clock, filter_: Filter, turns: SieveTurns | None = None, **limits: int) -> None:
        self.found: list[int] = []
        self.missed = 0
        self.failures: list[Failure] = []
        turns = turns or SieveTurns(clock)
        self.sieve = Sieve(filter_, turns, self._found, self._missed, self.failures.append, **limits)

    def _found(self, events: Sequence[Event]) -> None:
        self.found += [each.id for each in events]

    def _missed(self) -> None:
        self.missed += 1


def test_who_searches_for_the_same_shares_a_filter_as_long_as_it_is_in_use() -> None:
    filters = Filters()
    one = filter_of("a  b", filters)
    assert filter_of("a b", filters) is one
    assert filter_of("a c", filters) is not one
    assert filters.of(parse(" ", UTC, 0)) is None


def test_what_matches_is_told_in_order_and_how_far_it_was_looked_at() -> None:
    clock = Clock()
    sifted = Sifted(clock, filter_of("odd"))
    sifted.sieve.announce(numbered(1, 6))
    assert sifted.found == [], "announcing takes no time"
    sifted.sieve.announce(numbered(6, 9))
    clock.advance(0)
    assert (sifted.found, sifted.sieve.seen) == ([1, 3, 5, 7], 8)
    assert clock.getDelayedCalls() == []


def test_a_slow_query_takes_turns_with_everything_else() -> None:
    clock = Clock()
    filter_ = filter_of("odd")
    Counting(filter_, clock, SLICE_SECONDS / 160)
    sifted = Sifted(clock, filter_)
    sifted.sieve.announce(numbered(1, 1001))
    slices, rests = [], []
    while clock.getDelayedCalls():
        before = sifted.sieve.seen
        rests.append(clock.getDelayedCalls()[0].getTime() - clock.seconds())
        clock.advance(rests[-1])
        slices.append(sifted.sieve.seen - before)
    assert [each for each in slices if each] == [175] * 5 + [125], "as many as the time lets it"
    assert all(rest >= SLICE_SECONDS for rest in rests[1:]), "as long for everything else"
    assert sifted.found == list(range(1, 1001, 2))


def test_a_slow_query_does_not_keep_a_quick_one_waiting() -> None:
    clock = Clock()
    turns = SieveTurns(clock)
    slow, quick = filter_of("odd"), filter_of("even")
    Counting(slow, clock, SLICE_SECONDS)
    sifted_slow, sifted_quick = Sifted(clock, slow, turns), Sifted(clock, quick, turns)
    sifted_slow.sieve.announce(numbered(1, 1001))
    sifted_quick.sieve.announce(numbered(1, 11))
    for _ in range(2):
        clock.advance(LONGEST_REST)
    assert sifted_quick.found == [2, 4, 6, 8, 10]
    assert sifted_slow.sieve.seen < 1000


@pytest.mark.parametrize("limits", [{"most_events": 10}, {"most_size": 40}])
def test_what_comes_too_fast_is_left_to_the_store(limits: dict[str, int]) -> None:
    clock = Clock()
    sifted = Sifted(clock, filter_of("odd"), **limits)
    sifted.sieve.announce(numbered(1, 5))
    clock.advance(0)
    sifted.sieve.announce(numbered(5, 30))
    assert (sifted.missed, sifted.sieve.seen) == (1, 4)
    sifted.sieve.announce(numbered(30, 33))
    clock.advance(1)
    assert (sifted.found, sifted.sieve.seen) == ([1, 3, 31], 32)


def test_an_error_of_ours_is_told_and_a_stop_is_none() -> None:
    clock = Clock()
    filter_ = filter_of("odd")
    filter_.matches = lambda each: bool(1 // 0)
    turns = SieveTurns(clock)
    sifted = Sifted(clock, filter_, turns)
    sifted.sieve.announce(numbered(1, 3))
    clock.advance(0)
    assert [failure.type for failure in sifted.failures] == [ZeroDivisionError]
    stopped = Sifted(clock, filter_of("odd"), turns)
    stopped.sieve.announce(numbered(1, 3))
    turns.stop()
    assert stopped.failures == []
    assert clock.getDelayedCalls() == []


def test_all_who_search_for_the_same_are_given_the_same_and_each_event_is_looked_at_once() -> None:
    clock = Clock()
    filter_ = filter_of("odd")
    counting = Counting(filter_, clock)
    gathering = Gathering(clock, SieveTurns(clock), filter_)
    members = [Told() for _ in range(4)]
    for member in members:
        gathering.enter(member, batch=member is not members[3])
    gathering.announce(numbered(1, 8))
    clock.advance(0)
    assert counting.looked == list(range(1, 8))
    assert all(member.ids == [[1, 3, 5, 7]] for member in members)
    assert members[0].batches == members[1].batches == members[2].batches
    gathering.catch_up()
    assert [member.seen for member in members] == [[7]] * 4
    for member in members:
        gathering.leave(member, batch=member is not members[3])
    assert not gathering
    assert clock.getDelayedCalls() == []


def test_who_leaves_in_the_middle_leaves_nothing_to_do() -> None:
    clock = Clock()
    gathering = Gathering(clock, SieveTurns(clock), filter_of("odd"))
    member = Told()
    gathering.enter(member, batch=False)
    gathering.announce(numbered(1, 8))
    gathering.leave(member, batch=False)
    clock.advance(0)
    assert member.batches == []
    assert clock.getDelayedCalls() == []
