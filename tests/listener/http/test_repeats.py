"""What is known of lines that were sent before: every number once, in bounded memory."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ppl.listener.http.repeats import Ranges, SeenLines


@given(st.lists(st.integers(0, 60)))
def test_each_number_is_new_once(numbers: list[int]) -> None:
    ranges, known = Ranges(), set()
    for number in numbers:
        assert ranges.add(number) == (number not in known)
        known.add(number)
        assert len(ranges) == len([each for each in known if each - 1 not in known]), "neighbours are one range"


def test_the_lowest_numbers_are_forgotten() -> None:
    ranges = Ranges(most=3)
    for number in range(0, 100, 2):
        assert ranges.add(number)
        assert len(ranges) <= 3
    assert not ranges.add(98)
    assert ranges.add(0)


def test_large_numbers_are_numbers() -> None:
    ranges = Ranges()
    assert ranges.add(2**64 - 1)
    assert ranges.add(0)
    assert not ranges.add(2**64 - 1)


def test_destinations_and_series_are_told_apart() -> None:
    seen = SeenLines()
    assert [seen.add(1, ("a", 1)), seen.add(2, ("a", 1)), seen.add(1, ("b", 1)), seen.add(1, ("a", 2))] == [True] * 4
    assert not seen.add(1, ("a", 1))


def test_old_series_are_forgotten() -> None:
    seen = SeenLines()
    for number in range(12_000):
        assert seen.add(1, (f"series {number}", 0))
        assert not seen.add(1, ("series 0", 0)), "what is still in use is kept"
    assert seen.add(1, ("series 5", 0))
