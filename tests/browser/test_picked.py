"""Picking lines by Shift-click or by keys: copying them as text or Markdown, and linking to all of them."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.looking import ingest, lines, place_of, shown, until_at_rest, until_settled, until_shown, until_state
from tests.fixtures.running import PplProcess, eventually

pytestmark = pytest.mark.browser

CLIPBOARD = ["clipboard-read", "clipboard-write"]


def _open(ppl: PplProcess, open_page: OpenPage, count: int = 60, **options: object) -> Page:
    who = ppl.register(time_zone="+02.00")
    data = b"".join(
        b"<11>1 2026-11-07T09:23:20.06012%dZ web-01 app 7 - - line %d\n" % (number % 10, number)
        for number in range(count)
    )
    ingest(ppl, who, data)
    page = open_page(ppl, who, permissions=CLIPBOARD, **options)
    until_shown(page, f"line {count - 1}")
    until_settled(page)
    return page


def _row(page: Page, number: int, room: str = "#log"):
    return page.locator(f"{room} .row", has=page.get_by_text(f"line {number}", exact=True)).locator(".message")


def _picked(page: Page) -> list[str]:
    return page.locator("#log .row.picked .message").all_text_contents()


def _copied(page: Page, name: str) -> str:
    button = page.locator("#picked").get_by_role("button", name=name)
    button.click()
    expect(page.locator("#picked").get_by_text("Copied")).to_be_visible()
    return page.evaluate("() => navigator.clipboard.readText()")


def test_shift_click_picks_lines_which_are_copied_with_day_and_zone(
    ppl_process: PplProcess, open_page: OpenPage
) -> None:
    page = _open(ppl_process, open_page)
    _row(page, 50).click()
    expect(page.locator("#details")).to_be_visible()
    until_at_rest(page)
    place = place_of(page, "line 50")
    _row(page, 52).click(modifiers=["Shift"])
    expect(page.locator("#picked .words")).to_have_text("3 lines picked")
    assert _picked(page) == ["line 50", "line 51", "line 52"]
    assert abs(place_of(page, "line 50") - place) <= 1
    assert page.evaluate("() => getSelection().isCollapsed")
    until_state(page, "Paused — reading")
    wanted = [
        f"2026-11-07T11:23:20.06012{number % 10}+02:00 web-01 app[7] err: line {number}" for number in (50, 51, 52)
    ]
    assert _copied(page, "Copy text").split("\n") == wanted
    # A second Shift-click picks upwards from the same line.
    _row(page, 49).click(modifiers=["Shift"])
    expect(page.locator("#picked .words")).to_have_text("2 lines picked")
    assert _picked(page) == ["line 49", "line 50"]
    page.keyboard.press("Escape")
    expect(page.locator("#picked")).to_be_hidden()
    assert _picked(page) == []
    expect(page.locator("#details")).to_be_visible()


def test_keys_pick_lines_one_more_and_one_less(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page = _open(ppl_process, open_page)
    for _ in range(3):
        page.keyboard.press("k")
    expect(page.locator("#log .row.chosen .message")).to_have_text("line 57")
    for key, words in (("J", "2 lines"), ("J", "3 lines"), ("K", "2 lines"), ("K", "1 line"), ("K", "2 lines")):
        page.keyboard.press(key)
        expect(page.locator("#picked .words")).to_have_text(f"{words} picked")
    assert _picked(page) == ["line 56", "line 57"]
    page.locator("#log").click(position={"x": 600, "y": 100})
    expect(page.locator("#picked")).to_be_hidden()


def test_markdown_has_a_link_and_a_fence_that_no_line_ends(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page = _open(ppl_process, open_page, 2)
    ppl_process.send(int(page.locator("#destination").input_value().rsplit(":", 1)[1]), b"<13>1 - h a - - - ````\n")
    until_shown(page, "````")
    _row(page, 0).click(modifiers=["Shift"])
    expect(page.locator("#picked .words")).to_have_text("1 line picked")
    page.locator("#log .message").last.click(modifiers=["Shift"])
    expect(page.locator("#picked .words")).to_have_text("3 lines picked")
    text = _copied(page, "Copy Markdown").split("\n")
    assert text[0].startswith("[3 lines · 2026-11-07T11:23:20.060120+02:00 – 20")
    assert "&to=" in text[0]
    assert text[2] == "`````text"
    assert [text[3][-6:], text[5][-4:], text[6]] == ["line 0", "````", "`````"]


def test_one_link_opens_all_that_was_picked_with_what_is_around(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page = _open(ppl_process, open_page, 600)
    _row(page, 590).click()
    _row(page, 594).click(modifiers=["Shift"])
    expect(page.locator("#picked .words")).to_have_text("5 lines picked")
    link = _copied(page, "Copy link")
    page.goto(link)
    anchors = page.locator("#context .row.anchor .message")
    expect(anchors).to_have_text([f"line {number}" for number in range(590, 595)])
    expect(page.locator("#context .words")).to_contain_text("Marked lines from 11:23:20.060 on Saturday 7 November")
    expect(_row(page, 585, "#context")).to_be_visible()
    page.get_by_role("button", name="← Back").click()
    until_shown(page, "line 599")
    assert "/events/" not in page.url
    assert "to=" not in page.url
    page.go_back()
    expect(anchors).to_have_count(5)


def test_a_long_range_is_marked_as_far_as_one_scrolls(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, lines(*range(600)))
    found = "SELECT e.id FROM event e JOIN destination d ON d.id = destination_id WHERE port = %s AND message = %s"
    first, last = (ppl_process.rows(found, who.port, f"line {number}")[0][0] for number in (100, 500))
    page = open_page(ppl_process, who, path=f"/events/{first}?to={last}")
    expect(page.locator("#context .row.anchor .message").first).to_have_text("line 100")

    def is_at_the_end() -> bool:
        page.evaluate("() => { const room = document.querySelector('#context .lines'); room.scrollTop = 1e6 }")
        return _row(page, 599, "#context").count() == 1

    eventually(is_at_the_end, "the last line, scrolled to")
    expect(page.locator("#context .row.anchor")).to_have_count(401)
    expect(page.locator("#context .row.anchor .message").last).to_have_text("line 500")


def test_another_search_forgets_what_was_picked(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page = _open(ppl_process, open_page)
    _row(page, 58).click(modifiers=["Shift"])
    expect(page.locator("#picked .words")).to_have_text("1 line picked")
    page.keyboard.press("/")
    page.keyboard.type('"line 5"')
    page.keyboard.press("Enter")
    expect(page.locator("#picked")).to_be_hidden()
    wanted = ["line 5", *(f"line {number}" for number in range(50, 60))]
    eventually(lambda: shown(page) == wanted, "what is searched for")


def test_without_its_script_picking_says_so(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page = _open(ppl_process, open_page)
    page.expected_errors = ["ERR_FAILED"]  # type: ignore[attr-defined]
    page.route("**/picked.js", lambda route: route.abort())
    _row(page, 58).click(modifiers=["Shift"])
    expect(page.locator("#status .problem")).to_have_text("The server cannot be reached: try again.")
