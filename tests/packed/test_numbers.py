"""Columns of integers: any column that fits comes back, and the width is the least."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppl.packed.numbers import from_planes, in_planes, unzigzag, width_of, zigzag

WIDTHS = (1, 2, 4, 8)


@given(st.sampled_from(WIDTHS).flatmap(lambda width: st.lists(st.integers(0, (1 << 8 * width) - 1), max_size=300)))
def test_numbers_come_back(numbers: list[int]) -> None:
    width = width_of(numbers)
    data = in_planes(numbers, width)
    assert len(data) == width * len(numbers)
    assert from_planes(data, width) == numbers


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1))
def test_the_width_is_the_least_that_holds_all(numbers: list[int]) -> None:
    width = width_of(numbers)
    smaller = [each for each in WIDTHS if each < width]
    assert max(numbers) < 1 << 8 * width
    assert all(max(numbers) >= 1 << 8 * each for each in smaller)


def test_the_lowest_bytes_stand_first() -> None:
    assert in_planes([0x0102, 0x0304], 2) == b"\x02\x04\x01\x03"
    assert in_planes([], 8) == b""


@pytest.mark.parametrize(("numbers", "width"), [([256], 1), ([-1], 8), ([2**64], 8)])
def test_a_number_that_does_not_fit_is_refused(numbers: list[int], width: int) -> None:
    with pytest.raises(OverflowError):
        in_planes(numbers, width)


def test_no_width_holds_more_than_eight_bytes() -> None:
    with pytest.raises(OverflowError):
        width_of([2**64])


@given(st.integers(-(2**63), 2**63 - 1))
def test_signs_come_back(number: int) -> None:
    assert unzigzag(zigzag(number)) == number
    assert 0 <= zigzag(number) < 2**64


def test_small_numbers_stay_small() -> None:
    assert list(map(zigzag, [0, -1, 1, -2, 2])) == [0, 1, 2, 3, 4]
