"""Comfort of the viewer: titles, folding, wrapping, the search field, and panels that cover rows."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.looking import boxes, ingest, lines, scroll, shown, until_settled, until_shown, until_state
from tests.browser.test_search import search, until_all_shown
from tests.fixtures.running import PplProcess, eventually

pytestmark = [pytest.mark.browser, pytest.mark.long]

_TRACE = "Traceback:\n  File 1\n    call()\n" + "\n".join(f"  line {number}" for number in range(12)) + "\nError: last"


def _open(ppl: PplProcess, open_page: OpenPage, data: bytes, last: str, **options: object) -> Page:
    who = ppl.register()
    ingest(ppl, who, data)
    page = open_page(ppl, who, **options)
    until_shown(page, last)
    until_settled(page)
    return page


def _is_above_the_pill(page: Page) -> bool:
    """Whether the chosen row ends where the pill begins, or above it."""
    expect(page.locator("#pill")).to_be_visible()
    row, pill = boxes(page.locator("#log .row.chosen"), page.locator("#pill"))
    return row["y"] + row["height"] <= pill["y"]


def test_the_pill_covers_no_row_that_is_chosen(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page = _open(ppl_process, open_page, lines(*range(200)), "line 199")
    page.keyboard.press("k")
    expect(page.locator("#log .row.chosen .message")).to_have_text("line 199")
    until_settled(page)
    assert _is_above_the_pill(page)
    page.keyboard.press("End")
    until_state(page, "Live")
    eventually(lambda: (now := scroll(page))["height"] - now["top"] - now["room"] <= 4, "the newest line in sight")


@pytest.mark.parametrize("width", [1280, 390])
def test_the_pill_covers_no_row_that_is_clicked(ppl_process: PplProcess, open_page: OpenPage, width: int) -> None:
    page = _open(ppl_process, open_page, lines(*range(200)), "line 199", viewport={"width": width, "height": 800})
    page.locator("#log .row").last.click()
    expect(page.locator("#details")).to_be_visible()
    page.get_by_role("button", name="Close").first.click()
    expect(page.locator("#log .row.chosen .message")).to_have_text("line 199")
    until_settled(page)
    assert _is_above_the_pill(page)


def test_what_is_unfolded_by_key_comes_into_sight_and_is_folded_again(
    ppl_process: PplProcess, open_page: OpenPage
) -> None:
    framed = _TRACE.encode()
    who = ppl_process.register()
    ingest(ppl_process, who, lines(*range(100)))
    data = b"<11>1 - web-01 app - - - " + framed
    ppl_process.send(who.port, b"%d %s" % (len(data), data))
    eventually(lambda: ppl_process.count(who.port) == 101, "the trace")
    page = open_page(ppl_process, who)
    eventually(lambda: any("Traceback" in each for each in shown(page)[-1:]), "the trace is shown")
    until_settled(page)
    page.keyboard.press("k")
    more = page.locator("#log .row.chosen .more")
    expect(more).to_have_attribute("aria-expanded", "false")
    assert more.evaluate("each => each.tabIndex") == -1
    page.keyboard.press("o")
    expect(page.locator("#log .row.chosen")).to_contain_text("Error: last")
    expect(more).to_have_attribute("aria-expanded", "true")
    until_settled(page)
    assert _is_above_the_pill(page)
    page.keyboard.press("o")
    expect(page.locator("#log .row.chosen")).not_to_contain_text("Error: last")


def test_a_long_line_is_folded_and_a_long_word_breaks_where_the_row_ends(
    ppl_process: PplProcess, open_page: OpenPage
) -> None:
    text = "GET /search?" + "q" * 3900
    data = b"<13>1 - web-01 app - - - " + text.encode() + b"\n"
    page = _open(ppl_process, open_page, data, text[:1000] + "▸ 2,912 more characters")
    height, top = page.locator("#log .message .long").first.evaluate(
        "long => { const word = long.getClientRects()[0], row = long.closest('.row').getBoundingClientRect();"
        " return [row.height, word.top - row.top]; }"
    )
    assert height <= 9 * 20
    assert top < 20, "it begins on the row's first line"


def test_the_title_says_what_is_searched_and_how_much_is_new(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, lines(*range(3)))
    page = open_page(ppl_process, who)
    until_all_shown(page, "line 0", "line 1", "line 2")
    expect(page).to_have_title("Events · Ppl")
    search(page, "line severity:>=notice")
    expect(page).to_have_title("line severity:>=notice · Ppl")
    # The lines of the previous search stay until the new ones arrive.
    until_state(page, "Live")
    until_shown(page, "line 2")
    page.keyboard.press(" ")
    until_state(page, "Paused")
    ingest(ppl_process, who, lines(3, 4))
    expect(page).to_have_title("(2) line severity:>=notice · Ppl")
    page.keyboard.press("End")
    expect(page).to_have_title("line severity:>=notice · Ppl")


def test_wrapping_is_remembered(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page = _open(ppl_process, open_page, lines(*range(3)), "line 2")
    page.keyboard.press("l")
    assert page.locator("html.unwrapped").count() == 1
    page.reload()
    until_shown(page, "line 2")
    assert page.locator("html.unwrapped").count() == 1
    page.keyboard.press("l")
    page.reload()
    until_shown(page, "line 2")
    assert page.locator("html.unwrapped").count() == 0


def test_a_half_typed_query_stays_and_a_click_clears_the_search(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page = _open(ppl_process, open_page, lines(*range(3)), "line 2")
    clear = page.locator("#search").get_by_role("button", name="Clear the search")
    expect(clear).to_be_hidden()
    page.keyboard.press("/")
    page.keyboard.type('"line 1"')
    page.keyboard.press("Escape")
    assert page.locator("#q").input_value() == '"line 1"'
    assert shown(page)[-1] == "line 2", "nothing was searched for"
    page.get_by_role("button", name="Search", exact=True).click()
    until_all_shown(page, "line 1")
    clear.click()
    until_shown(page, "line 2")
    assert page.locator("#q").input_value() == ""
    expect(clear).to_be_hidden()


def test_the_menu_of_ranges_says_a_range_in_words(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page = _open(ppl_process, open_page, lines(*range(3)), "line 2")
    search(page, 'after:"2026-11-01 10:00" before:"2026-11-01 11:30"')
    menu = page.get_by_role("combobox", name="Time range")
    words = "1 November 2026, 10:00 – 1 November 2026, 11:30"
    eventually(lambda: menu.evaluate("each => each.selectedOptions[0].text") == words, "the range in words")
    until_state(page, "Closed range: until 1 November 2026, 11:30")


@pytest.mark.parametrize(("width", "least"), [(1280, 360), (390, 150)])
def test_the_search_field_keeps_its_room_beside_what_starts_from_it(
    ppl_process: PplProcess, open_page: OpenPage, width: int, least: int
) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, lines(1))
    viewport = {"width": width, "height": 800}
    page = open_page(ppl_process, who, path="/?q=line", viewport=viewport, has_touch=width == 390)
    until_shown(page, "line 1")
    acts = [page.locator("#saved summary"), page.get_by_role("button", name="Notify me of new hits")]
    acts += [page.locator("#download summary"), page.get_by_role("button", name="Similar")]
    for each in acts:
        expect(each).to_be_visible()
    until_settled(page)
    field, *others = boxes(page.locator("#q"), *acts)
    tops = [box["y"] for box in (field, *others)]
    assert max(tops) - min(tops) < 10, "in one row"
    assert field["width"] >= least
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    assert page.locator("#saved summary").inner_text() in ("Saved", "Saved▾"), "its name where it is an icon too"
