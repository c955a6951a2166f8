"""The viewer with a screen reader: the lines are a list, and the line selected by key is read aloud."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import violations
from tests.browser.conftest import OpenPage
from tests.browser.looking import ingest, lines, until_settled, until_shown
from tests.fixtures.running import PplProcess, eventually

pytestmark = pytest.mark.browser

_HEARD = """() => {
    globalThis.heard = [];
    const region = document.getElementById("chosen-line");
    new MutationObserver(() => heard.push(region.textContent)).observe(region, {childList: true});
}"""


def _active(page: Page) -> str:
    """The text of the focused element's active descendant."""
    return page.evaluate(
        "() => document.getElementById(document.activeElement.getAttribute('aria-activedescendant'))?.textContent ?? ''"
    )


def test_lines_are_items_of_lists_and_the_chosen_one_is_read_once(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, lines(*range(60)) + b"<11>1 - web-01 app - - - bad\n")
    page = open_page(ppl_process, who)
    until_shown(page, "bad")
    until_settled(page)
    expect(page.locator("#log").get_by_role("listitem")).to_have_count(61)
    items = page.locator("#log").get_by_role("list").get_by_role("listitem")
    expect(items).to_have_count(61)
    page.evaluate(_HEARD)
    page.keyboard.press("k")
    expect(page.locator("#log")).to_be_focused()
    page.keyboard.press("k")
    eventually(lambda: "line 59" in _active(page), "the chosen line is the active one")
    heard = page.evaluate("() => heard")
    assert len(heard) == 2, "one announcement for a line"
    assert heard[0].endswith("web-01 app ERR bad")
    assert heard[1].endswith("web-01 app line 59")
    assert page.locator("#log .row[id]").count() == 1
    outline = page.locator("#log .row.chosen").evaluate("row => getComputedStyle(row).outline")
    assert outline.endswith("solid 2px"), "it is seen that the focus is there"
    found = violations(page)
    assert not found, "\n".join(found)


def test_lines_around_an_event_are_items_too_and_the_event_is_the_active_one(
    ppl_process: PplProcess, open_page: OpenPage
) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, lines(*range(20)))
    page = open_page(ppl_process, who)
    until_shown(page, "line 19")
    until_settled(page)
    page.keyboard.press("k")
    page.keyboard.press("c")
    expect(page.locator("#context").get_by_role("listitem")).to_have_count(20)
    eventually(lambda: "line 19" in _active(page), "the event is the active line")
    assert page.evaluate("() => { const all = [...document.querySelectorAll('[id]')].map(each => each.id);"
                         " return all.length - new Set(all).size; }") == 0  # fmt: skip
    page.keyboard.press("k")
    eventually(lambda: "line 18" in _active(page), "the chosen line is the active one")
    found = violations(page)
    assert not found, "\n".join(found)
