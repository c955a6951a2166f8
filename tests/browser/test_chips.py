"""Searches made by clicking: chips, hosts and programs in rows, menus, and suggestions under the field."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.axe import violations
from tests.browser.conftest import OpenPage
from tests.browser.looking import ingest, shown, state, until_settled, until_shown
from tests.browser.test_search import search, until_all_shown
from tests.fixtures.running import PplProcess, Registered, eventually

pytestmark = [pytest.mark.browser, pytest.mark.long]

_LINES = (
    b"<11>1 - web-01 nginx - - - broken\n<14>1 - web-01 cron - - - done\n"
    b'<12>1 - db-01 odd"name - - - slow\n<14>1 - - nginx - - - nameless\n'
)


@pytest.fixture
def page(ppl_process: PplProcess, open_page: OpenPage) -> Page:
    who = ppl_process.register()
    ingest(ppl_process, who, _LINES)
    page = open_page(ppl_process, who)
    until_all_shown(page, "broken", "done", "slow", "nameless")
    until_settled(page)
    return page


def field(page: Page) -> str:
    return page.get_by_label("Search", exact=True).input_value()


def test_a_click_on_a_host_or_program_narrows_and_with_alt_leaves_out(page: Page) -> None:
    page.locator("#log .host", has_text="web-01").first.click()
    until_all_shown(page, "broken", "done")
    page.locator("#log .program", has_text="cron").click(modifiers=["Alt"])
    until_all_shown(page, "broken")
    assert field(page) == "host:=web-01 -program:=cron"
    chips = page.locator("#chips button")
    expect(chips).to_have_text(["host:=web-01 ×", "-program:=cron ×"])
    expect(page.locator("#chips .excluded")).to_have_text("-program:=cron ×")
    page.get_by_role("button", name="Remove host:=web-01").click()
    until_all_shown(page, "broken", "slow", "nameless")
    page.get_by_role("button", name="Remove -program:=cron").click()
    until_all_shown(page, "broken", "done", "slow", "nameless")
    expect(page.locator("#chips")).to_be_hidden()
    assert "q=" not in page.url


def test_a_click_with_ctrl_leaves_out_too(page: Page) -> None:
    page.locator("#log .host", has_text="web-01").first.click(modifiers=["Control"])
    until_all_shown(page, "slow", "nameless")
    assert field(page) == "-host:=web-01"


def test_a_finger_chooses_what_to_do_with_a_host(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, b"<13>1 - web-01 nginx 7 - - one\n<13>1 - db-01 app - - - two\n")
    page = open_page(ppl_process, who, has_touch=True, viewport={"width": 390, "height": 800})
    until_all_shown(page, "one", "two")
    until_settled(page)
    page.locator("#log .host").first.tap()
    menu = page.get_by_role("dialog", name="web-01")
    expect(menu.get_by_role("button")).to_have_text(
        ["Only this host", "Without this host", "Details of the line", "Cancel"]
    )
    heights = menu.get_by_role("button").evaluate_all("all => all.map(each => each.getBoundingClientRect().height)")
    assert min(heights) >= 40
    found = violations(page)
    assert not found, "\n".join(found)
    menu.get_by_role("button", name="Without this host").tap()
    expect(page.get_by_role("dialog")).to_have_count(0)
    until_all_shown(page, "two")
    assert field(page) == "-host:=web-01"
    page.locator("#log .program").first.tap()
    page.get_by_role("dialog", name="app").get_by_role("button", name="Details of the line").tap()
    expect(page.locator("#details .text")).to_have_text("two")


def test_a_name_that_needs_quotes_gets_them(page: Page) -> None:
    page.locator("#log .program", has_text="odd").click()
    until_all_shown(page, "slow")
    assert field(page) == 'program:=odd"name'
    page.go_back()
    until_shown(page, "nameless")
    page.locator("#log .host", has_text="127.0.0.1").click()
    eventually(lambda: field(page) == "ip:127.0.0.1", "a sender without a name is its address")


def test_menus_say_a_part_of_the_search(page: Page) -> None:
    page.get_by_label("Severity", exact=True).select_option("Warning or worse")
    until_all_shown(page, "broken", "slow")
    page.get_by_label("Sender", exact=True).select_option("db-01")
    until_all_shown(page, "slow")
    assert field(page) == "severity:>=warning host:=db-01"
    page.get_by_label("Severity", exact=True).select_option("Error or worse")
    expect(page.locator(".note")).to_contain_text("No lines match")
    page.get_by_label("Sender", exact=True).select_option("All senders")
    until_all_shown(page, "broken")
    assert field(page) == "severity:>=err"
    search(page, "severity:info -host:x ip:127.0.0.0/8")
    until_all_shown(page, "done", "nameless")
    assert page.get_by_label("Severity", exact=True).evaluate("menu => menu.selectedOptions[0].text") == "severity:info"
    assert page.get_by_label("Sender", exact=True).evaluate("menu => menu.selectedOptions[0].text") == "ip:127.0.0.0/8"
    page.locator("#range").select_option("Last hour")
    eventually(lambda: field(page) == "severity:info -host:x ip:127.0.0.0/8 after:1h", "the range in the query")
    until_all_shown(page, "done", "nameless")


def test_changes_of_the_search_that_the_server_has_not_answered_yet_all_hold(page: Page) -> None:
    search(page, "severity:>=warning -program:cron broken")
    until_all_shown(page, "broken")
    held: list[Route] = []
    page.route("**/api/query?*", lambda route: held.append(route))
    page.get_by_role("button", name="Remove broken").click()
    page.get_by_role("button", name="Remove severity:>=warning").click()
    page.get_by_label("Sender", exact=True).select_option("web-01")
    page.locator("#range").select_option("Last hour")
    eventually(lambda: page.title() and len(held) == 4, "the server is asked")
    for route in reversed(held):
        route.continue_()
    eventually(lambda: field(page) == "-program:cron host:=web-01 after:1h", "what all changes lead to")
    expect(page.locator("#chips .chip")).to_have_text(["-program:cron ×", "host:=web-01 ×", "after:1h ×"])
    until_all_shown(page, "broken")


def test_the_field_offers_what_was_seen_and_searches_of_before(page: Page) -> None:
    box = page.get_by_role("combobox", name="Search")
    options = page.locator("#suggestions").get_by_role("option")
    box.click()
    page.keyboard.type("done -pro")
    expect(options).to_have_text(["-program:"])
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert field(page) == "done -program:"
    expect(options).to_have_text(["-program:=nginx", "-program:=cron", '-program:=odd"name'])
    page.keyboard.type("ngi")
    page.keyboard.press("ArrowDown")
    expect(box).to_have_attribute("aria-activedescendant", "option-0")
    page.keyboard.press("Enter")
    assert field(page) == "done -program:=nginx "
    page.keyboard.press("Enter")
    until_all_shown(page, "done")
    expect(options).to_have_count(0)
    search(page, " ")
    until_shown(page, "nameless")
    box.click()
    expect(options).to_have_text(["done -program:=nginx"])
    options.first.click()
    until_all_shown(page, "done")
    page.keyboard.press("/")
    page.keyboard.press("Escape")
    eventually(lambda: state(page) == "Live", "it is live all the time")


def test_searches_of_before_are_bounded_and_survive_what_is_not_ours(
    ppl_process: PplProcess, open_page: OpenPage
) -> None:
    who: Registered = ppl_process.register()
    ingest(ppl_process, who, _LINES)
    page = open_page(ppl_process, who)
    until_shown(page, "nameless")
    key = f"searches {who.user_id}"
    page.evaluate("key => localStorage.setItem(key, '{]')", key)
    search(page, "broken")
    until_all_shown(page, "broken")
    assert page.evaluate("key => localStorage.getItem(key)", key) == '["broken"]'
    page.evaluate("key => localStorage.setItem(key, JSON.stringify([...Array(50).keys()].map(String)))", key)
    search(page, "slow")
    until_all_shown(page, "slow")
    kept = page.evaluate("key => JSON.parse(localStorage.getItem(key))", key)
    assert kept == ["slow", *map(str, range(19))]
    assert shown(page) == ["slow"]


def test_the_field_and_the_menu_offer_senders_of_long_ago_too(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, b"<14>1 - long-ago app - - - first\n")
    ingest(ppl_process, who, b"".join(b"<14>1 - web-01 app - - - line %d\n" % number for number in range(300)))
    counted = (
        "SELECT 1 FROM sender JOIN destination ON destination.id = destination_id WHERE port = %s AND name = 'long-ago'"
    )
    eventually(lambda: ppl_process.rows(counted, who.port), "the census")
    page = open_page(ppl_process, who)
    until_shown(page, "line 299")
    assert "first" not in shown(page)
    page.get_by_role("combobox", name="Search").click()
    page.keyboard.type("host:long")
    options = page.locator("#suggestions").get_by_role("option")
    eventually(lambda: page.locator("#senders option").all_text_contents().count("long-ago") == 1, "the menu has it")
    page.keyboard.type("-")
    expect(options).to_have_text(["host:=long-ago"])


def test_a_click_means_exactly_that_host_or_program(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who = ppl_process.register()
    names = [("app-1", "sshd"), ("app-12", "sshd"), ("app-1b", "sshd-session"), ("App-1", "SSHD")]
    data = b"".join(b"<14>1 - %s %s - - - from %s\n" % (h.encode(), p.encode(), h.encode()) for h, p in names)
    ingest(ppl_process, who, data)
    page = open_page(ppl_process, who)
    until_all_shown(page, *(f"from {host}" for host, _ in names))
    until_settled(page)
    host = page.locator("#log .host", has_text=re.compile(r"^app-1$"))
    host.click(modifiers=["Alt"])
    until_all_shown(page, "from app-12", "from app-1b", "from App-1")
    page.go_back()
    until_all_shown(page, *(f"from {host}" for host, _ in names))
    host.click()
    until_all_shown(page, "from app-1")
    search(page, " ")
    until_all_shown(page, *(f"from {host}" for host, _ in names))
    page.locator("#log .program", has_text=re.compile(r"^sshd$")).first.click()
    until_all_shown(page, "from app-1", "from app-12")
    # Live lines are matched by Ppl, stored ones by PostgreSQL.
    ingest(ppl_process, who, data)
    until_all_shown(page, "from app-1", "from app-12", "from app-1", "from app-12")
    page.get_by_label("Sender", exact=True).select_option("app-1")
    until_all_shown(page, "from app-1", "from app-1")
