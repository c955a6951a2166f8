"""The quota of a destination: what is taken, what is dropped, and when a sender may go on."""

from __future__ import annotations

import attrs
from hypothesis import given
from hypothesis import strategies as st

from ppl.access.quota import BURST_SECONDS, Quota, quota_of
from ppl.listener.limits.meter import Meter
from ppl.model import DAY, HOUR, SECOND, Destination

DESTINATION = Destination(1, "h", 20000, "UTC")


class Time:
    """A wall clock and a steady one, which run together unless the wall clock is set."""

    def __init__(self) -> None:
        self.now = 20_000 * DAY + 12 * HOUR
        self.set_by = 0

    def wall(self) -> int:
        return self.now + self.set_by

    def steady(self) -> int:
        return self.now

    def meter(self, lines: int | None = None, size: int | None = None) -> Meter:
        return Meter(DESTINATION, Quota(lines, size), self.wall, self.steady)


def test_without_a_quota_everything_is_taken_and_counted() -> None:
    time = Time()
    meter = time.meter()
    assert meter.take(1_000_000, 10**12) == 1_000_000
    assert meter.wait() == 0
    assert meter.take_unsaid() == []
    assert meter.unsaved == {time.wall() // HOUR: [1_000_000, 10**12, 0]}


def test_lines_beyond_the_rate_are_dropped_until_there_is_room() -> None:
    time = Time()
    meter = time.meter(lines=100)
    assert meter.take(1500, 1500) == 100 * BURST_SECONDS
    assert meter.take(1, 1) == 0
    time.now += SECOND // 2
    assert meter.take(100, 100) == 50
    assert meter.take_unsaid() == ["551 lines dropped: more than 100 lines/s (quota)"]
    assert meter.take_unsaid() == []
    time.now += 3600 * SECOND
    assert meter.take(5000, 5000) == 100 * BURST_SECONDS, "it never holds more than at first"


def test_a_day_takes_so_many_bytes_and_the_next_as_many() -> None:
    time = Time()
    meter = time.meter(size=1000)
    assert meter.take(10, 900) == 10
    assert meter.take(10, 1000) == 1, "as many as fit"
    assert meter.take(10, 1000) == 0
    assert meter.take_unsaid() == ["19 lines dropped: more than 1,000 bytes a day (quota)"]
    assert meter.wait() == 12 * 3600 + 1
    time.now += DAY
    assert meter.wait() == 0
    assert meter.take(10, 900) == 10
    assert meter.bytes_today == 900


def test_what_came_before_a_restart_counts() -> None:
    time = Time()
    meter = time.meter(size=1000)
    meter.add_earlier(950)
    assert meter.take(10, 100) == 5


def test_an_upload_is_taken_whole_and_paid_for_afterwards() -> None:
    time = Time()
    meter = time.meter(lines=10)
    assert meter.wait() == 0
    meter.take_whole(500, 500)
    assert meter.wait() == 41
    assert meter.take(1, 1) == 0
    time.now += 41 * SECOND
    assert meter.wait() == 0
    meter.drop(1, meter.why(), "upload")
    meter.drop(1, meter.why(), "upload")
    assert "2 uploads refused: more than 10 lines/s (quota)" in meter.take_unsaid()
    assert meter.unsaved[time.wall() // HOUR][2] == 1, "an upload that is sent again is nothing dropped"


def test_a_change_holds_at_once_and_refills_nothing() -> None:
    time = Time()
    meter = time.meter(lines=10)
    assert meter.take(1000, 1000) == 100
    meter.change(attrs.evolve(DESTINATION, max_lines_per_second=5))
    assert meter.take(10, 10) == 0
    meter.change(attrs.evolve(DESTINATION, max_lines_per_second=1000))
    assert meter.quota.lines_per_second == 10, "the operator's bound stays"
    time.now += SECOND
    assert meter.take(1000, 1000) == 10


def test_a_clock_that_is_set_gives_nothing() -> None:
    time = Time()
    meter = time.meter(lines=10)
    meter.take(1000, 1000)
    time.set_by = 6 * HOUR
    assert meter.take(10, 10) == 0
    time.set_by = -6 * HOUR
    assert meter.take(10, 10) == 0


def test_the_lesser_bound_holds() -> None:
    own = attrs.evolve(DESTINATION, max_lines_per_second=5)
    assert quota_of(own, Quota(10, 1000)) == Quota(5, 1000)
    assert quota_of(own, Quota(3, None)) == Quota(3, None)
    assert not quota_of(DESTINATION, Quota())


@given(
    st.lists(st.tuples(st.integers(0, 5_000_000), st.integers(0, 300), st.integers(1, 50)), max_size=40),
    st.integers(1, 50),
    st.integers(1, 5_000),
)
def test_never_more_is_taken_than_the_quota_and_all_is_counted(
    reads: list[tuple[int, int, int]], lines: int, size: int
) -> None:
    time = Time()
    meter = time.meter(lines, size)
    came = taken = 0
    for passed, count, each in reads:
        time.now += passed
        came += count
        taken += meter.take(count, count * each)
        elapsed = sum(passed for passed, _, _ in reads) / SECOND
        assert taken <= lines * (BURST_SECONDS + elapsed) + 1
        assert meter.bytes_today <= size
    counts = [sum(column) for column in zip(*meter.unsaved.values(), strict=True)] or [0, 0, 0]
    assert (counts[0], counts[2]) == (taken, came - taken)
