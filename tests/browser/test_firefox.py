"""Scrolling in Firefox, whose engine anchors, lays out and reports scrolling differently from Chromium's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.firefox import Firefox, running_firefox
from tests.browser.looking import ingest, lines
from tests.fixtures.running import PplProcess, eventually, temporary_directory

pytestmark = [pytest.mark.browser, pytest.mark.long]


@pytest.fixture(scope="module")
def firefox() -> Iterator[Firefox]:
    with temporary_directory() as directory, running_firefox(directory) as running:
        yield running


@pytest.fixture
def filled(ppl_process: PplProcess, firefox: Firefox) -> int:
    """The port of a destination with lines 0 to 999, whose live viewer is open."""
    who = ppl_process.register()
    ingest(ppl_process, who, lines(*range(1000)))
    firefox.open(ppl_process, who)
    firefox.until_shown("line 999")
    firefox.until_state("Live")
    eventually(lambda: not firefox.evaluate("document.getElementById('histogram').hidden"), "the histogram")
    return who.port


BELOW = (
    "document.getElementById('log').scrollHeight - document.getElementById('log').scrollTop"
    " - document.getElementById('log').clientHeight"
)


def test_the_newest_line_is_followed(ppl_process: PplProcess, firefox: Firefox, filled: int) -> None:
    ppl_process.send(filled, lines(*range(1000, 1100)))
    firefox.until_shown("line 1099")
    eventually(lambda: firefox.evaluate(BELOW) <= 4, "the bottom")
    firefox.until_state("Live")


def test_the_wheel_pauses_and_no_row_moves_while_lines_come(
    ppl_process: PplProcess, firefox: Firefox, filled: int
) -> None:
    firefox.wheel(-300)
    firefox.until_state("Paused — scrolled up")
    # Firefox scrolls only after it has sent the page the wheel event.
    eventually(lambda: firefox.evaluate(BELOW) >= 290, "the scroll")
    message = firefox.first_in_sight()
    place, rows = firefox.place_of(message), firefox.shown()
    for number in range(1000, 1010):
        ppl_process.send(filled, lines(*range(number * 10, number * 10 + 10)))
    pill = "document.getElementById('pill').textContent"
    eventually(lambda: "100 new lines" in firefox.evaluate(pill), "the count of what is new")
    assert abs(firefox.place_of(message) - place) <= 1
    assert firefox.shown() == rows


def test_older_lines_come_without_moving_the_row_one_looks_at(firefox: Firefox, filled: int) -> None:
    firefox.press(" ")
    firefox.until_state("Paused")
    first = firefox.shown()[0]
    firefox.evaluate("document.getElementById('log').scrollTop = 790")
    message = firefox.first_in_sight()
    place = firefox.place_of(message)
    eventually(lambda: firefox.shown()[0] != first, "the next older portion")
    assert abs(firefox.place_of(message) - place) <= 1


def test_history_is_scrolled_to_its_beginning_without_gap_or_duplicate_and_the_bottom_is_live_again(
    firefox: Firefox, filled: int
) -> None:
    def turn(pixels: int) -> bool:
        firefox.wheel(pixels)
        return bool(firefox.shown()[0] == "line 0" if pixels < 0 else firefox.evaluate(BELOW) <= 4)

    eventually(lambda: turn(-2500), "the beginning", 60)
    assert firefox.shown() == [f"line {number}" for number in range(1000)]
    firefox.until_state("Paused")
    eventually(lambda: turn(5000), "the bottom", 60)
    firefox.until_state("Live")
    assert firefox.shown()[-1] == "line 999"
