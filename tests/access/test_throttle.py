"""Token buckets, on a clock that the test moves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppl.access.throttle import Rate, Throttle
from ppl.model import SECOND
from ppl.web.http.answers import TooManyRequests, spend


class Hand:
    """A clock moved by hand."""

    now = 1_000_000 * SECOND

    def __call__(self) -> int:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += int(seconds * SECOND)


def test_a_burst_passes_then_one_every_interval() -> None:
    clock = Hand()
    throttle = Throttle(Rate(burst=3, seconds=10), clock)
    assert [throttle.take("a") for _ in range(5)] == [0, 0, 0, 10, 10]
    clock.advance(9.5)
    assert throttle.take("a") == 1
    clock.advance(0.5)
    assert [throttle.take("a") for _ in range(2)] == [0, 10]


def test_keys_do_not_disturb_each_other() -> None:
    throttle = Throttle(Rate(burst=1, seconds=10), Hand())
    assert (throttle.take("a"), throttle.take("b"), throttle.take("a")) == (0, 0, 10)


def test_a_token_given_back_can_be_taken_again() -> None:
    throttle = Throttle(Rate(burst=1, seconds=10), Hand())
    throttle.take("a")
    throttle.give_back("a")
    throttle.give_back("unknown")
    assert (throttle.take("a"), throttle.take("a")) == (0, 10)


def test_a_forgotten_key_has_its_whole_burst() -> None:
    throttle = Throttle(Rate(burst=2, seconds=10), Hand())
    throttle.take("a")
    throttle.take("a")
    throttle.forget("a")
    assert [throttle.take("a") for _ in range(3)] == [0, 0, 10]


def test_a_clock_that_jumps_back_locks_nobody_out_for_long() -> None:
    clock = Hand()
    throttle = Throttle(Rate(burst=2, seconds=10), clock)
    throttle.take("a")
    throttle.take("a")
    clock.advance(-86_400)
    assert throttle.take("a") == 10
    clock.advance(10)
    assert throttle.take("a") == 0


def test_memory_is_bounded_and_the_least_recently_seen_key_is_dropped() -> None:
    throttle = Throttle(Rate(burst=1, seconds=10), Hand(), most_keys=100)
    for number in range(1000):
        throttle.take(str(number))
        throttle.take("again and again")
    assert len(throttle) == 100
    assert throttle.take("again and again") == 10


@given(st.lists(st.floats(0, 30), max_size=60))
def test_never_more_than_the_burst_and_the_rate_allow(pauses: list[float]) -> None:
    clock = Hand()
    throttle = Throttle(Rate(burst=4, seconds=10), clock)
    began, passed = clock(), 0
    for pause in pauses:
        clock.advance(pause)
        passed += throttle.take("a") == 0
        assert passed <= 4 + (clock() - began) / (10 * SECOND)


def test_a_refusal_says_how_long_to_wait() -> None:
    throttle = Throttle(Rate(burst=1, seconds=10), Hand())
    spend(throttle, "a")
    with pytest.raises(TooManyRequests) as refused:
        spend(throttle, "a")
    assert dict(refused.value.headers)["Retry-After"] == "10"
    assert "10 seconds" in refused.value.advice
