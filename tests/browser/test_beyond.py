"""Keys for errors, warnings and matches reach beyond the loaded lines: the server looks for the next one."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.looking import boxes, ingest, lines, state, until_settled, until_shown, until_state
from tests.fixtures.running import PplProcess, eventually

pytestmark = [pytest.mark.browser, pytest.mark.long]

_BAD = b"<11>1 - web-01 app - - - bad %d\n"
_ODD = b"<12>1 - web-02 app - - - odd %d\n"


def _open(ppl: PplProcess, open_page: OpenPage, data: bytes, path: str = "/") -> Page:
    who = ppl.register()
    ingest(ppl, who, data)
    page = open_page(ppl, who, path=path)
    until_shown(page, data.decode().splitlines()[-1].split(" - - - ")[1])
    until_settled(page)
    return page


def _is_in_the_middle(page: Page) -> bool:
    row, log = boxes(page.locator("#log .row.chosen"), page.locator("#log"))
    return log["y"] + 100 < row["y"] < log["y"] + log["height"] - 100


def test_the_next_error_is_found_wherever_it_is_and_shown_among_its_lines(
    ppl_process: PplProcess, open_page: OpenPage
) -> None:
    data = lines(*range(300)) + _BAD % 1 + lines(*range(300, 800)) + _BAD % 2 + lines(*range(800, 1100))
    page = _open(ppl_process, open_page, data, "/?q=line+OR+bad")
    chosen = page.locator("#log .row.chosen .message")
    for key, message, before in (("E", "bad 2", "line 799"), ("E", "bad 1", "line 299"), ("e", "bad 2", "line 799")):
        page.keyboard.press(key)
        expect(chosen).to_have_text(message)
        eventually(lambda: _is_in_the_middle(page), "it stands in the middle")
        assert (
            page.locator("#log .row").evaluate_all(
                "rows => rows[rows.findIndex(row => row.classList.contains('chosen')) - 1].lastChild.textContent"
            )
            == before
        )
        until_state(page, "Paused — reading")
        expect(page.locator("#chosen-line")).to_have_text(re.compile(f"{message}$"))
    page.keyboard.press("e")
    expect(page.locator("#status .problem")).to_have_text("No error further down")
    expect(chosen).to_have_text("bad 2")
    page.keyboard.press("W")
    expect(page.locator("#status .problem")).to_have_text("No warning further up")
    page.keyboard.press("End")
    until_state(page, "Live")


def test_around_an_event_the_next_error_is_found_too(ppl_process: PplProcess, open_page: OpenPage) -> None:
    data = _BAD % 1 + lines(*range(500)) + _ODD % 2
    page = _open(ppl_process, open_page, data)
    page.keyboard.press("k")
    page.keyboard.press("c")
    expect(page.locator("#context .anchor .message")).to_have_text("odd 2")
    page.keyboard.press("E")
    expect(page.locator("#context .anchor .message")).to_have_text("bad 1")
    page.keyboard.press("Escape")
    expect(page.locator("#context")).to_be_hidden()
    expect(page.locator("#log .row.chosen .message")).to_have_text("odd 2")


def test_looking_says_so_and_is_ended_by_escape(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page = _open(ppl_process, open_page, _BAD % 1 + lines(*range(500)))
    asked = []
    page.route("**/api/events?**", lambda route: asked.append(route))
    page.keyboard.press("E")
    until_state(page, "Paused — looking for an error further up · Esc cancels")
    eventually(lambda: state(page) and len(asked) == 1, "the server is asked")
    page.keyboard.press("Escape")
    until_state(page, "Paused — reading")
    page.keyboard.press("E")
    eventually(lambda: state(page) and len(asked) == 2, "the server is asked again")
    page.keyboard.press("End")
    until_state(page, "Live")
    page.wait_for_timeout(200)
    assert state(page) == "Live"
    assert page.locator("#status .problem").inner_text() == ""


def test_a_server_that_cannot_be_reached_is_said(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page = _open(ppl_process, open_page, _BAD % 1 + lines(*range(500)))
    page.expected_errors = ["Failed to load resource"]  # type: ignore[attr-defined]
    page.route("**/api/events?**", lambda route: route.abort())
    page.keyboard.press("E")
    expect(page.locator("#status .problem")).to_have_text("The server cannot be reached: try again.")
    until_state(page, "Paused — reading")
