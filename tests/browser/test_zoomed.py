"""The viewer under other display settings: zoomed to 400 %, on a phone in landscape, in forced colours."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.axe import violations
from tests.browser.conftest import OpenPage
from tests.browser.looking import ingest, lines, until_shown
from tests.fixtures.running import PplProcess

pytestmark = [pytest.mark.browser, pytest.mark.long]

_QUERY = "/?q=line+-nginx+severity:%3E%3Ddebug+host:web-01"


def _height(part: Locator) -> float:
    box = part.bounding_box()
    assert box is not None
    return box["height"]


def _is_covered(part: Locator) -> bool:
    """Whether something lies over the middle of ``part``."""
    return part.evaluate(
        "part => { const box = part.getBoundingClientRect();"
        " return !part.contains(document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2)); }"
    )


@pytest.fixture
def open_searched(ppl_process: PplProcess, open_page: OpenPage) -> OpenPage:
    """Opens a search with four terms; keyword arguments are those of Playwright's ``new_context``."""
    who = ppl_process.register()
    ingest(ppl_process, who, lines(*range(40)))

    def open_(**options: object) -> Page:
        page = open_page(ppl_process, who, _QUERY, **options)
        until_shown(page, "line 39")
        return page

    return open_


@pytest.mark.parametrize(("width", "height", "least"), [(320, 256, 100), (640, 400, 240), (844, 390, 240)])
def test_zoomed_in_the_room_is_for_lines_and_the_menus_are_behind_a_button(
    open_searched: OpenPage, width: int, height: int, least: int
) -> None:
    page = open_searched(viewport={"width": width, "height": height})
    expect(page.locator("#chips li")).to_have_count(4)
    assert _height(page.locator("#log")) >= least
    assert _height(page.locator("#chips")) < 50, "one row"
    for part in page.locator("#bar > :not(#search, #more, #chips, .unseen)").all():
        expect(part).to_be_hidden()
    expect(page.locator("#histogram")).to_be_hidden()
    button, settings = page.get_by_role("button", name="Menus"), page.get_by_role("link", name="Settings")
    expect(settings).to_be_hidden()
    button.focus()
    page.keyboard.press("Enter")
    expect(button).to_have_attribute("aria-expanded", "true")
    for part in (settings, page.get_by_role("button", name="Log out"), page.locator("#range"), page.locator("#q")):
        part.scroll_into_view_if_needed()
        assert not _is_covered(part)
    page.locator("#severity").select_option("severity:>=err")
    expect(page.locator(".note")).to_contain_text("No lines match")
    button.click()
    expect(settings).to_be_hidden()
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    found = violations(page)
    assert not found, "\n".join(found)


def test_with_room_there_is_no_such_button(open_searched: OpenPage) -> None:
    page = open_searched(viewport={"width": 390, "height": 800})
    expect(page.get_by_role("button", name="Menus")).to_be_hidden()
    expect(page.locator("#histogram")).to_be_visible()
    expect(page.get_by_role("link", name="Settings")).to_be_visible()


def test_in_the_colours_of_the_system_it_is_seen_where_one_is(open_searched: OpenPage) -> None:
    page = open_searched(forced_colors="active")
    line = "part => getComputedStyle(part).textDecorationLine"
    assert page.get_by_role("link", name="Events").evaluate(line) == "underline"
    assert page.get_by_role("link", name="Senders").evaluate(line) == "none"
    legend = page.locator(".legend .warning")
    expect(legend).to_be_visible()
    assert legend.evaluate(line) == "none"
    legend.click()
    assert legend.evaluate(line) == "underline"
    page.keyboard.press("k")
    page.keyboard.press("c")
    anchor = page.locator("#context .row.anchor")
    expect(anchor).to_be_visible()
    assert anchor.evaluate("row => getComputedStyle(row).outlineWidth") == "2px"
