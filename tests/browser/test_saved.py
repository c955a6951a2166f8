"""Saved searches beside the search box: saving the current search, opening one as another member, by key alone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import OpenPage
from tests.browser.looking import ingest, shown, until_shown, until_state
from tests.browser.test_search import search
from tests.fixtures.running import PplProcess, eventually

pytestmark = pytest.mark.browser

LINES = b"<11>1 - web-01 app - - - bad\n<14>1 - web-01 app - - - good\n"


def menu(page: Page) -> None:
    page.locator("#saved summary").click()
    expect(page.locator("#saved ul li").first).to_be_visible()


def test_what_one_saves_another_opens(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who, other = ppl_process.register(), ppl_process.register()
    ingest(ppl_process, who, LINES)
    ppl_process.rows(
        "INSERT INTO membership SELECT a.id, d.id, 'member' FROM account a, destination d"
        " WHERE a.email = %s AND port = %s",
        other.email,
        who.port,
    )
    page = open_page(ppl_process, who, path="/?q=severity%3Aerr")
    until_shown(page, "bad")
    menu(page)
    page.get_by_label("Save severity:err as").fill("Errors <b>")
    page.keyboard.press("Enter")
    expect(page.locator("#saved .said")).to_contain_text("Saved as Errors <b>, for everyone who can read")
    expect(page.locator("#saved li button")).to_have_text("Errors <b>severity:err")

    page = open_page(ppl_process, other, path=f"/?user_id={who.user_id}")
    until_shown(page, "good")
    menu(page)
    page.locator("#saved li button").click()
    eventually(lambda: shown(page) == ["bad"], "only what the search finds")
    expect(page.get_by_label("Search", exact=True)).to_have_value("severity:err")
    assert "q=severity%3Aerr" in page.url
    page.goto(f"{ppl_process.url}/saved")
    page.get_by_role("link", name="Errors <b>").click()
    until_shown(page, "bad")


def test_a_name_that_was_taken_meanwhile_is_said_in_place(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, LINES)
    page = open_page(ppl_process, who, path="/?q=bad")
    page.expected_errors = ["409"]  # type: ignore[attr-defined]
    until_shown(page, "bad")
    menu(page)

    def meanwhile(route: Route) -> None:
        ppl_process.rows(
            "INSERT INTO saved_search (destination_id, name, query, created_at)"
            " SELECT id, 'mine', 'good', 0 FROM destination WHERE port = %s",
            who.port,
        )
        route.continue_()

    page.route("**/api/saved", meanwhile)
    page.get_by_label("Save bad as").fill("mine")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#saved .problem")).to_contain_text("of that name already")


def test_the_menu_says_which_is_in_use_and_replaces_it(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, LINES)
    page = open_page(ppl_process, who, path="/?q=bad")
    until_shown(page, "bad")
    summary = page.locator("#saved summary")
    expect(summary).to_have_text("Saved")
    menu(page)
    page.get_by_label("Save bad as").fill("Mine")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#saved .said")).to_contain_text("Saved as Mine")
    expect(summary).to_have_text("Mine")
    expect(page.locator("#saved li button[aria-current=true]")).to_have_text("Minebad")
    page.reload()
    expect(summary).to_have_text("Mine")
    search(page, "good")
    until_shown(page, "good")
    expect(summary).to_have_text("Saved")
    menu(page)
    name = page.get_by_label("Save good as")
    expect(name).to_have_value("Mine")
    expect(page.locator("#saved .instead")).to_have_text("Replaces bad for everyone who can read the destination.")
    name.fill("other")
    expect(page.get_by_role("button", name="Save", exact=True)).to_be_visible()
    name.fill(" mine")
    page.get_by_role("button", name="Replace").click()
    expect(page.locator("#saved .said")).to_contain_text("Replaced Mine")
    expect(page.locator("#saved li button")).to_have_text("Minegood")
    expect(summary).to_have_text("Mine")


def test_the_menu_is_used_by_key_alone_and_keeps_the_pages_keys_out(
    ppl_process: PplProcess, open_page: OpenPage
) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, LINES)
    page = open_page(ppl_process, who)
    until_shown(page, "good")
    summary = page.locator("#saved summary")
    summary.focus()
    page.keyboard.press(" ")
    expect(page.locator("#saved .panel")).to_be_visible()
    until_state(page, "Live")
    expect(page.locator("#saved li")).to_have_text("Nothing is saved yet: search for something, then save it here.")
    expect(page.locator("#saved form")).to_be_hidden()
    page.keyboard.press("Escape")
    expect(page.locator("#saved .panel")).to_be_hidden()
    expect(summary).to_be_focused()
    page.keyboard.press("Enter")
    page.mouse.click(400, 600)
    expect(page.locator("#saved .panel")).to_be_hidden()
