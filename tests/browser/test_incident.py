"""The histogram during an incident: seconds, zooming out, one severity only, the reader's place, the day before."""

from __future__ import annotations

import re
from functools import partial
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.looking import ingest, lines, shown, state, until_shown, until_state
from tests.browser.test_histogram import drag, filled, label, press_until, query, spread, until_counted
from tests.fixtures.running import PplProcess, eventually

__all__ = ["filled"]

pytestmark = [pytest.mark.browser, pytest.mark.long]

_DAY_MINUTES = 1440


def _drawn(page: Page, name: str) -> str:
    return page.locator(f"#histogram path.{name}").get_attribute("d") or ""


def _bars(page: Page) -> int:
    return int(page.get_by_role("slider").get_attribute("aria-valuemax") or 0) + 1


def _place(page: Page) -> float:
    """The marker's place in the histogram, from 0 to 1; -1 if there is none."""
    found = re.match(r"M([\d.]+) ", _drawn(page, "here"))
    return float(found[1]) / 10 / _bars(page) if found else -1


def _is_other(page: Page, former: str) -> bool:
    """Whether a query other than ``former`` is in the field and in effect."""
    (taken,) = parse_qs(urlsplit(page.url).query).get("q", [""])
    return taken == query(page) != former


def test_a_short_range_is_counted_in_seconds_and_one_second_can_be_chosen(filled: tuple[Page, int]) -> None:
    page, _ = filled
    bars = _bars(page)
    drag(page, 1 - 8.5 / bars, 1 - 5.5 / bars)
    until_counted(page, "4 lines")
    eventually(lambda: _bars(page) == 240, "a bar each second of four minutes")
    assert "max 1.0/s" in label(page)
    plot = page.get_by_role("slider")
    plot.focus()
    page.keyboard.press("Home")
    assert re.match(r"\d\d:\d\d–\d\d:\d\d:01 · 0 lines", label(page))
    # Each line was received in the middle of its minute.
    for _ in range(3):
        page.keyboard.press("PageUp")
    assert re.match(r"\d\d:\d\d:30–\d\d:\d\d:31 · 1 line", label(page))
    page.keyboard.press("Enter")
    eventually(
        lambda: re.fullmatch(r'after:"[-\d]+ \d\d:\d\d:30" before:"[-\d]+ \d\d:\d\d:31"', query(page)), "a second"
    )
    eventually(lambda: len(shown(page)) == 1, "its line")


def test_on_a_tablet_a_thumb_hits_the_legend_and_zooms_out(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who = ppl_process.register()
    spread(ppl_process, who)
    tablet = {"viewport": {"width": 820, "height": 1000}, "has_touch": True, "is_mobile": True}
    page = open_page(ppl_process, who, "/?q=after:20m", **tablet)
    until_shown(page, "line 39")
    eventually(lambda: "in 10 s" in label(page), "bars of ten seconds")
    sizes = page.locator(".legend button, #histogram .out").evaluate_all(
        "all => all.map(each => each.getBoundingClientRect()).map(({ width, height }) => Math.min(width, height))"
    )
    assert len(sizes) > 1
    assert min(sizes) >= 40
    page.get_by_role("button", name="Zoom out").tap()
    until_counted(page, "40 lines")


def test_zooming_out_leads_to_three_times_the_time_and_in_the_end_to_everything(filled: tuple[Page, int]) -> None:
    page, _ = filled
    button = page.get_by_role("button", name="Zoom out")
    expect(button).to_be_hidden()
    bars = _bars(page)
    drag(page, 1 - 14.5 / bars, 1 - 12.5 / bars)
    until_counted(page, "3 lines")
    button.click()
    until_counted(page, "9 lines")
    page.get_by_role("slider").focus()
    page.keyboard.press("-")
    eventually(lambda: len(shown(page)) > 20, "more lines")
    for _ in range(12):
        eventually(lambda: state(page).startswith(("Live", "Closed range")), "what was asked for")
        if not button.is_visible():
            break
        former = query(page)
        button.click()
        eventually(partial(_is_other, page, former), "a wider range")
    assert query(page) == ""
    until_counted(page, "40 lines")
    expect(button).to_be_hidden()


def test_a_click_on_the_legend_counts_one_severity_only(filled: tuple[Page, int]) -> None:
    page, _ = filled
    errors, warnings = (page.get_by_role("button", name=re.compile(name)) for name in ("^Errors", "^Warnings"))
    expect(errors).to_have_text("Errors 4")
    expect(warnings).to_have_text("Warnings 4")
    expect(page.locator(".legend .other")).to_have_text("Other 32")
    errors.click()
    expect(errors).to_have_attribute("aria-pressed", "true")
    until_counted(page, "4 lines")
    assert _drawn(page, "err").count("z") == 4
    assert _drawn(page, "warning") == _drawn(page, "other") == ""
    warnings.click()
    expect(errors).to_have_attribute("aria-pressed", "false")
    assert _drawn(page, "warning").count("z") == 4
    assert len(shown(page)) == 40, "the lines stay"
    warnings.click()
    until_counted(page, "40 lines")
    assert _drawn(page, "other").count("z") == 32


def test_a_marker_says_where_the_reader_is_while_that_is_not_the_end(
    ppl_process: PplProcess, open_page: OpenPage
) -> None:
    who = ppl_process.register()
    spread(ppl_process, who)
    ingest(ppl_process, who, lines(*range(100, 140)))
    page = open_page(ppl_process, who, viewport={"width": 1280, "height": 600})
    until_shown(page, "line 139")
    until_counted(page, "80 lines")
    assert _place(page) == -1
    page.keyboard.press("g")
    until_state(page, "Paused")
    eventually(lambda: 0 <= _place(page) < 0.5, "the marker at the oldest line")
    first = _place(page)
    page.locator("#log").evaluate("log => { log.scrollTop = log.scrollHeight / 3; }")
    eventually(lambda: _place(page) > first, "the marker farther on")
    page.keyboard.press("End")
    until_state(page, "Live")
    eventually(lambda: _place(page) == -1, "no marker")


def test_the_day_before_is_a_line_at_the_same_time(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who = ppl_process.register()
    last = spread(ppl_process, who)
    ppl_process.rows(
        "INSERT INTO event_minute SELECT destination_id, minute - %s, 0, 0, 0, 2, 0, 0, 3, 0, 0 FROM event_minute"
        " WHERE minute > %s",
        _DAY_MINUTES,
        last // 60_000_000 - 10,
    )
    page = open_page(ppl_process, who)
    until_shown(page, "line 39")
    until_counted(page, "40 lines")
    expect(page.locator("#histogram .compared")).to_be_visible()
    assert _drawn(page, "before").startswith("M0 ")
    page.get_by_role("slider").focus()
    page.keyboard.press("End")
    press_until(page, "ArrowLeft", lambda: label(page).endswith("· 1 line, 5 the day before"))
    page.get_by_role("button", name=re.compile("^Errors")).click()
    page.get_by_role("slider").focus()
    page.keyboard.press("End")
    press_until(page, "ArrowLeft", lambda: label(page).endswith(" · 0 lines, 2 the day before"))
