"""Pauses between retries grow, have jitter, and start again after a success."""

from __future__ import annotations

import pytest

from ppl.services.backoff import Backoff


def test_each_pause_is_about_twice_the_one_before_up_to_a_bound() -> None:
    backoff = Backoff(0.1, 5.0)
    for middle in (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0):
        assert middle / 2 <= backoff.next() <= middle * 1.5


def test_after_a_success_the_first_pause_comes_again() -> None:
    backoff = Backoff(0.1, 5.0)
    for _ in range(2000):
        assert backoff.next() <= 7.5
    backoff.reset()
    assert backoff.next() <= 0.15


def test_clients_that_wait_together_do_not_come_back_together() -> None:
    assert len({Backoff(1.0, 5.0).next() for _ in range(50)}) == 50


@pytest.mark.parametrize(("first", "longest"), [(0.05, 5.0), (10.0, 5.0)])
def test_no_pause_is_longer_than_the_bound(first: float, longest: float) -> None:
    assert Backoff(first, longest).next() <= longest * 1.5
