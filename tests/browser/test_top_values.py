"""Top values of a field beside the log: counts grow while the server counts, and the live tail goes on."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.axe import violations
from tests.browser.conftest import OpenPage
from tests.browser.looking import boxes, every_look, ingest, shown, until_settled, until_shown, until_state
from tests.browser.pictures import Pictures
from tests.browser.test_columns import keep
from tests.browser.test_search import search
from tests.fixtures.running import PplProcess, Registered, eventually

pytestmark = pytest.mark.browser

STATUSES = [200] * 12 + [404] * 5 + [500] * 2
LINES = b"".join(
    b'<14>1 - web-1 shop - - - {"status":%d,"path":"/orders/%d","user":"Ann Lee"}\n' % (status, number % 3)
    for number, status in enumerate(STATUSES)
)


def opened(ppl: PplProcess, open_page: OpenPage, **options: object) -> tuple[Page, Registered]:
    """The viewer of a new account that has :data:`LINES` and a line without fields."""
    who = ppl.register()
    ingest(ppl, who, LINES + b"<14>1 - web-1 shop - - - the end\n")
    page = open_page(ppl, who, **options)
    until_shown(page, "the end")
    until_settled(page)
    return page, who


def open_top(page: Page, name: str, text: str = "orders") -> None:
    """Open the top values of a field of the last line with that text, from its details."""
    page.locator("#log .row", has_text=text).last.locator(".message").click()
    page.locator("#details .found").get_by_role("button", name=f"More for {name}", exact=True).click()
    page.get_by_role("button", name="Top values", exact=True).click()
    expect(page.locator("#top")).to_be_visible()


def values(page: Page) -> list[tuple[str, str]]:
    """The values with their counts, from top to bottom."""
    found = page.locator("#top li").evaluate_all(
        "rows => rows.map(row => ['.value', '.count'].map(part => row.querySelector(part).textContent))"
    )
    return [(value, count) for value, count in found]


def until_values(page: Page, *wanted: tuple[str, str]) -> None:
    eventually(lambda: values(page) == list(wanted), f"the values {wanted}, last: {values(page)}")


def words(page: Page) -> str:
    return page.locator("#top .words").inner_text()


def test_the_values_of_a_field_are_counted_beside_the_log(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page, _ = opened(ppl_process, open_page)
    open_top(page, "status")
    until_values(page, ("200", "12"), ("404", "5"), ("500", "2"))
    eventually(lambda: words(page) == "19 in 3 values", "the words")
    expect(page.locator("#top h2")).to_have_text("Top values of status")
    expect(page.locator("#top .share")).to_have_text(["63 %", "26 %", "11 %"])
    widths = page.locator("#top .bar").evaluate_all("bars => bars.map(bar => bar.getBoundingClientRect().width)")
    assert widths[1] == pytest.approx(widths[0] * 5 / 12, abs=1)
    log, top = boxes(page.locator("#log"), page.locator("#top"))
    assert log["x"] + log["width"] <= top["x"] + 1, "beside the log"
    page.keyboard.press("Escape")
    expect(page.locator("#top")).to_be_hidden()
    expect(page.locator("#details")).to_be_visible()


def test_a_value_filters_and_is_excluded_and_the_counts_follow(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page, _ = opened(ppl_process, open_page)
    open_top(page, "status")
    until_values(page, ("200", "12"), ("404", "5"), ("500", "2"))
    page.get_by_role("button", name="Exclude 200", exact=True).click()
    eventually(lambda: page.locator("#q").input_value() == "-status:=200", "it is excluded")
    page.mouse.move(300, 500)
    until_values(page, ("404", "5"), ("500", "2"))
    page.locator("#top").get_by_role("button", name="404", exact=True).click(modifiers=["Alt"])
    eventually(lambda: page.locator("#q").input_value() == "-status:=200 -status:=404", "so is this")
    page.mouse.move(300, 500)
    until_values(page, ("500", "2"))
    page.locator("#top").get_by_role("button", name="500", exact=True).click()
    eventually(lambda: page.locator("#q").input_value() == "-status:=200 -status:=404 status:=500", "only that")
    eventually(lambda: len(shown(page)) == 2, "its lines")
    search(page, "orders/1")
    page.mouse.move(300, 500)
    until_values(page, ("200", "4"), ("404", "2"))
    search(page, "after:2026-01-01 before:2026-01-02")
    eventually(lambda: words(page) == "No line of this search has the field", "the range is followed")


def test_lines_that_come_are_added_and_the_log_stays_live(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page, who = opened(ppl_process, open_page)
    keep(ppl_process, who, "status")
    page.reload()
    until_shown(page, "the end")
    page.locator("#columns summary").click()
    page.get_by_role("button", name="Top values of status").click()
    until_values(page, ("200", "12"), ("404", "5"), ("500", "2"))
    until_state(page, "Live")
    ingest(ppl_process, who, b"<11>1 - web-1 shop - - - status=503\n" * 3)
    until_shown(page, "status=503")
    until_values(page, ("200", "12"), ("404", "5"), ("503", "3"), ("500", "2"))
    eventually(lambda: words(page) == "22 in 4 values", "the words")


def test_values_are_reached_by_the_keyboard(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page, _ = opened(ppl_process, open_page)
    open_top(page, "user")
    until_values(page, ("Ann Lee", "19"))
    expect(page.locator("#top")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.locator("#top").get_by_role("button", name="Ann Lee", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    eventually(lambda: page.locator("#q").input_value() == 'user:="Ann Lee"', "it filters, in quotes")
    page.locator("#top").focus()
    page.keyboard.press("Escape")
    expect(page.locator("#top")).to_be_hidden()


class Answers:
    """Answers each count with the next of the given answers, and with the last one from then on."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self._answers = list(answers)

    def __call__(self, route: Route) -> None:
        route.fulfill(json=self._answers.pop(0) if len(self._answers) > 1 else self._answers[0])


def answer(reached: str, *found: tuple[str, int], complete: bool = False, others: tuple[int, int] = (0, 0)) -> Any:
    return {
        "field": "status",
        "values": [{"value": value, "count": count} for value, count in found],
        "others": {"values": others[0], "count": others[1]},
        "reached": reached,
        "reached_time": "2026-11-30T09:20:00Z",
        "complete": complete,
        "to": "2026-11-30T10:00:00Z",
    }


def begun(page: Page, first: dict[str, Any]) -> list[Route]:
    """Answer counts that begin with ``first``; gives the list of those that go on, which wait."""
    held: list[Route] = []

    def count(route: Route) -> None:
        if "before=" in route.request.url:
            held.append(route)
        else:
            route.fulfill(json=first)

    page.route("**/api/top-values?*", count)
    return held


def test_first_figures_come_at_once_and_counting_goes_on(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page, who = opened(ppl_process, open_page)
    held = begun(page, answer("70", ("200", 5), ("404", 7)))
    open_top(page, "status")
    until_values(page, ("404", "7"), ("200", "5"))
    eventually(lambda: words(page).startswith("12 in 2 values · counting, back to "), "the words")
    assert page.locator("#top.counting").count() == 1
    eventually(lambda: page.title() and held, "it is asked to go on")
    assert parse_qs(urlsplit(held[0].request.url).query)["before"] == ["70"]
    ppl_process.send(who.port, b"<14>1 - web-1 shop - - - while it counts\n")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.keyboard.press("End")
    until_shown(page, "while it counts")


def test_answers_are_added_up_and_held_still_under_the_pointer(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page, _ = opened(ppl_process, open_page)
    held = begun(page, answer("70", ("404", 7), ("200", 5)))
    open_top(page, "status")
    until_values(page, ("404", "7"), ("200", "5"))
    page.locator("#top").get_by_role("button", name="200", exact=True).hover()
    eventually(lambda: page.title() and held, "it is asked to go on")
    held[0].fulfill(json=answer("5", ("200", 20), ("500", 9), complete=True, others=(3, 4)))
    until_values(page, ("404", "7"), ("200", "25"), ("500", "9"))
    eventually(lambda: words(page) == "45 in 6 values", "all of them")
    page.mouse.move(300, 500)
    until_values(page, ("200", "25"), ("500", "9"), ("404", "7"))


def test_a_failure_is_said(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page, _ = opened(ppl_process, open_page)
    page.expected_errors = ["503"]  # type: ignore[attr-defined]
    error = {"error": {"code": "store_unavailable", "message": "PostgreSQL cannot be read right now."}}
    page.route("**/api/top-values?*", lambda route: route.fulfill(status=503, json=error))
    open_top(page, "status")
    expect(page.locator("#top .problem")).to_have_text("PostgreSQL cannot be read right now.")


def test_many_values_are_bounded_and_stay_text(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page, _ = opened(ppl_process, open_page)
    rest = [(f"value {number}", 600 - number) for number in range(500)]
    many = [("<img src=x>\u202e", 900), ("x" * 1000, 800), *rest]
    page.route("**/api/top-values?*", Answers(answer("5", *many, complete=True)))
    open_top(page, "status")
    expect(page.locator("#top li")).to_have_count(100)
    assert values(page)[0] == ("<img src=x>⟦U+202E⟧", "900")
    assert page.locator("#top img").count() == 0
    assert words(page).endswith("in 502 values · the 100 most frequent")
    long_ = page.locator("#top li").nth(1).get_by_role("button").first
    expect(long_).to_have_attribute("aria-disabled", "true")
    long_.dispatch_event("click")
    assert page.locator("#q").input_value() == ""


@every_look
def test_the_panel_fits_and_is_accessible(
    ppl_process: PplProcess, open_page: OpenPage, width: int, scheme: str
) -> None:
    page, _ = opened(ppl_process, open_page, viewport={"width": width, "height": 800}, color_scheme=scheme)
    many = [("200", 12_845), ("404", 5_120), ("/a/long/path/" * 20, 900), ("", 12), ("500", 2)]
    page.route("**/api/top-values?*", Answers(answer("5", *many, complete=True)))
    open_top(page, "status")
    expect(page.locator("#top li")).to_have_count(5)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("#top ol").evaluate("list => list.scrollWidth <= list.clientWidth")
    assert violations(page) == []
    Pictures().single(page, f"top-{scheme}-{width}")
    if width < 640:
        expect(page.locator("#details")).to_be_hidden()
        sizes = page.locator("#top button").evaluate_all("all => all.map(each => each.getBoundingClientRect().height)")
        assert min(sizes) >= 44
