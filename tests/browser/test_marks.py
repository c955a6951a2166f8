"""Marks: made by key with a note, seen by all who read the destination, and moving no line of a paused view."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import violations
from tests.browser.conftest import OpenPage
from tests.browser.looking import (
    boxes,
    ingest,
    lines,
    places_of,
    until_at_rest,
    until_settled,
    until_shown,
    until_state,
)
from tests.fixtures.running import PplProcess, Registered, eventually

pytestmark = [pytest.mark.browser, pytest.mark.long]

HOSTILE = "<img src=x onerror=alert(1)> here it began"


def row(page: Page, message: str, room: str = "#log") -> Any:
    return page.locator(f"{room} .row", has=page.get_by_text(message, exact=True))


def mark(page: Page, note: str) -> None:
    """Mark the selected line with the keyboard alone."""
    page.keyboard.press("m")
    expect(page.get_by_role("dialog", name="Mark this line")).to_be_visible()
    page.keyboard.type(note)
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)


def share(ppl: PplProcess, who: Registered, other: Registered) -> None:
    ppl.rows(
        "INSERT INTO membership SELECT a.id, d.id, 'member' FROM account a, destination d"
        " WHERE a.email = %s AND port = %s",
        other.email,
        who.port,
    )


def test_a_line_is_marked_by_key_and_the_others_stay_where_they_are(
    ppl_process: PplProcess, open_page: OpenPage
) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, lines(*range(60)))
    page = open_page(ppl_process, who)
    until_shown(page, "line 59")
    until_settled(page)
    page.keyboard.press("m")
    expect(page.locator("#status .problem")).to_contain_text("Choose the line to mark first")
    for _ in range(5):
        page.keyboard.press("k")
    until_at_rest(page)
    places = places_of(page, "line 50", "line 55", "line 56", "line 59")
    mark(page, HOSTILE)
    pin = row(page, "line 55").locator(".pin")
    expect(pin).to_have_text(HOSTILE)
    assert places_of(page, *places) == places
    expect(page.locator("#marks summary")).to_contain_text("1")
    assert pin.evaluate("pin => pin.childNodes.length === 1 && pin.firstChild.nodeType === Node.TEXT_NODE")
    note, line = boxes(pin, row(page, "line 55"))
    assert note["height"] <= line["height"]

    page.reload()
    until_shown(page, "line 59")
    expect(pin).to_have_text(HOSTILE)
    until_settled(page)
    marked, following = places_of(page, "line 55", "line 56").values()
    assert following - marked > 30, "a line of its own where nothing is held still"
    page.keyboard.press(" ")
    until_state(page, "Paused")
    until_at_rest(page)
    places = places_of(page, "line 50", "line 56")
    pin.click()
    expect(page.get_by_role("dialog", name="Change the mark")).to_be_visible()
    page.get_by_role("button", name="Remove the mark").click()
    expect(pin).to_have_text("Mark removed")
    assert places_of(page, *places) == places
    expect(page.locator("#marks")).to_be_hidden()
    page.keyboard.press("End")
    expect(pin).to_have_count(0)


def test_others_see_it_at_once_and_their_lines_stay_too(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who, other = ppl_process.register(), ppl_process.register()
    share(ppl_process, who, other)
    ingest(ppl_process, who, lines(*range(60)))
    watching = open_page(ppl_process, other, path=f"/?user_id={who.user_id}")
    until_shown(watching, "line 59")
    until_settled(watching)
    watching.keyboard.press(" ")
    until_state(watching, "Paused")
    until_at_rest(watching)
    places = places_of(watching, "line 50", "line 58", "line 59")
    page = open_page(ppl_process, who)
    until_shown(page, "line 59")
    page.keyboard.press("k")
    page.keyboard.press("k")
    mark(page, "look here")
    expect(row(watching, "line 58").locator(".pin")).to_have_text("look here")
    assert places_of(watching, *places) == places
    # The note gets a line of its own once the lines move anyway.
    watching.keyboard.press("End")
    expect(row(watching, "line 58")).to_have_class("row pinned")
    expect(row(page, "line 58").locator(".pin")).to_have_attribute("title", f"look here\nby {who.email}")


def test_what_is_marked_while_the_connection_is_away_shows_when_it_returns(
    ppl_process: PplProcess, open_page: OpenPage
) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, lines(1, 2))
    page = open_page(ppl_process, who)
    until_shown(page, "line 2")
    page.expected_errors = ["ERR_INTERNET_DISCONNECTED", "Failed to load"]  # type: ignore[attr-defined]
    page.context.set_offline(True)
    page.evaluate("() => dispatchEvent(new Event('offline'))")
    expect(page.locator("#offline")).to_be_visible()
    ppl_process.rows(
        "INSERT INTO mark (destination_id, event_id, note, created_at) SELECT destination_id, e.id, 'meanwhile', 0"
        " FROM event e JOIN destination d ON d.id = destination_id WHERE port = %s AND message = 'line 1'",
        who.port,
    )
    page.context.set_offline(False)
    expect(row(page, "line 1").locator(".pin")).to_have_text("meanwhile")


def test_the_menu_lists_when_where_and_what_and_opens_the_line(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, lines(*range(10)))
    ppl_process.rows(
        "INSERT INTO mark (destination_id, event_id, note, created_at)"
        " SELECT id, 1600000000000000, 'long ago', 0 FROM destination WHERE port = %s",
        who.port,
    )
    page = open_page(ppl_process, who)
    until_shown(page, "line 9")
    page.keyboard.press("k")
    mark(page, "the last")
    page.keyboard.press("k")
    mark(page, "")
    summary = page.locator("#marks summary")
    expect(summary).to_contain_text("3")
    summary.focus()
    page.keyboard.press("Enter")
    items = page.locator("#marks li")
    expect(items).to_have_count(3)
    expect(items.nth(0)).to_contain_text("web-01 app line 9")
    expect(items.nth(0)).to_contain_text("the last")
    expect(items.nth(1)).to_contain_text("line 8")
    expect(items.nth(2)).to_contain_text("13 September 2020, 12:26:40")
    expect(items.nth(2)).to_contain_text("expired")
    assert not violations(page)
    page.keyboard.press("Escape")
    expect(page.locator("#marks .panel")).to_be_hidden()
    expect(summary).to_be_focused()
    page.keyboard.press("Enter")
    items.nth(0).get_by_role("link").click()
    expect(page.locator("#context .row.anchor .pin")).to_have_text("the last")
    assert "/events/" in page.url
    page.reload()
    expect(page.locator("#context .row.anchor.pinned .pin")).to_have_text("the last")


def test_the_form_says_what_is_wrong_and_keeps_what_was_typed(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, lines(1))
    page = open_page(ppl_process, who)
    until_shown(page, "line 1")
    page.expected_errors = ["400"]  # type: ignore[attr-defined]
    until_settled(page)
    row(page, "line 1").locator(".message").click()
    page.locator("#details").get_by_role("button", name="Mark m").click()
    dialog = page.get_by_role("dialog", name="Mark this line")
    assert not violations(page)
    expect(dialog.locator(".excerpt")).to_contain_text("web-01 app line 1")
    expect(dialog.get_by_label("Note")).to_be_focused()
    dialog.get_by_label("Note").fill("a\u0007b")
    dialog.get_by_role("button", name="Mark", exact=True).click()
    expect(dialog.get_by_role("alert")).to_contain_text("an invisible character")
    dialog.get_by_label("Note").fill("two")
    page.keyboard.press("End")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("lines")
    page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    expect(row(page, "line 1").locator(".pin")).to_have_text("two\nlines")
    eventually(lambda: ppl_process.rows("SELECT note FROM mark WHERE note = %s", "two\nlines") != [], "the note kept")


def test_without_the_server_the_form_is_not_opened_and_that_is_said(
    ppl_process: PplProcess, open_page: OpenPage
) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, lines(1))
    page = open_page(ppl_process, who)
    until_shown(page, "line 1")
    page.expected_errors = ["Failed to load"]  # type: ignore[attr-defined]
    page.route("**/marking.js", lambda route: route.abort())
    page.keyboard.press("k")
    page.keyboard.press("m")
    expect(page.locator("#status .problem")).to_have_text("The server cannot be reached.")
