"""The settings page in a browser: scripts make it react to what is typed, and everything works without them too."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.fixtures.running import PplProcess, eventually

pytestmark = pytest.mark.browser


def test_the_time_follows_the_zone_that_is_typed(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page = open_page(ppl_process, ppl_process.register(), path="/settings")
    page.clock.set_fixed_time("2026-07-01T12:00:00Z")
    field = page.get_by_role("combobox", name="Time zone")
    for zone, time in (("Asia/Tokyo", "21:00:00"), ("-03:30", "08:30:00"), ("America/New_York", "08:00:00")):
        field.fill(zone)
        expect(page.locator("#now")).to_have_text(f"In {zone} it is now 2026-07-01 {time}.")
    field.fill("Mars")
    expect(page.locator("#now")).to_have_text("This browser does not know that time zone.")


def test_a_snippet_copies_itself(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who = ppl_process.register()
    page = open_page(ppl_process, who, path="/settings", permissions=["clipboard-read", "clipboard-write"])
    page.get_by_text("Set up a sender").click()
    page.get_by_text("netcat", exact=True).click()
    page.get_by_role("button", name="Copy Send a line (netcat over TCP)").click()
    wanted = f'echo "hello from $(hostname)" | nc -w 1 127.0.0.1 {who.port}'
    eventually(lambda: page.evaluate("() => navigator.clipboard.readText()") == wanted, "the copy")


def test_without_scripts_all_of_it_works(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who = ppl_process.register()
    page = open_page(ppl_process, who, path="/settings", java_script_enabled=False)
    page.get_by_role("combobox", name="Time zone").fill("Asia/Tokyo")
    page.locator("form[action^='/settings/time-zone'] button").click()
    expect(page.locator("#now")).to_contain_text("In Asia/Tokyo it is now 20")
    page.get_by_role("button", name="Send a test line").click()
    expect(page.get_by_role("status")).to_contain_text("Sent and accepted: <14>1 ")
    eventually(lambda: ppl_process.count(who.port) == 1, "the test line")
    page.get_by_text("Set up a sender").click()
    page.get_by_text("Python", exact=True).click()
    for arguments in (f'(("127.0.0.1", {who.port}))', f'(("127.0.0.1", {who.port}), socktype=socket.SOCK_STREAM)'):
        expect(page.get_by_text(f"SysLogHandler{arguments}")).to_be_visible()
    page.get_by_label("encrypted only (TLS, or RELP over TLS; no UDP)").check()
    page.locator("form[action$='/transport#transport'] button").click()
    expect(page.get_by_text("Python", exact=True)).to_have_count(0)
    page.goto(f"{ppl_process.url}/saved?q=severity:err")
    page.get_by_label("Name").fill("errors")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("link", name="errors")).to_be_visible()
    page.get_by_text("Change or delete").first.click()
    page.get_by_role("button", name="Delete errors").click()
    expect(page.get_by_text("Nothing is saved yet")).to_be_visible()
    with page.expect_download() as download:
        page.goto(f"{ppl_process.url}/settings")
        page.get_by_role("button", name="Export").click()
    assert "A test line from Ppl itself" in download.value.path().read_text()


def test_the_list_of_contents_leads_to_every_section_and_says_which_is_read(
    ppl_process: PplProcess, open_page: OpenPage
) -> None:
    page = open_page(ppl_process, ppl_process.register(), path="/settings")
    contents = page.get_by_role("navigation", name="On this page")
    names = contents.get_by_role("link").all_inner_texts()
    assert names == page.locator("main h2").all_inner_texts()
    current = contents.locator("[aria-current]")
    expect(current).to_have_text("Log destinations")
    for name in names[1:]:
        contents.get_by_role("link", name=name).click()
        expect(page.get_by_role("heading", name=name, exact=True)).to_be_in_viewport()
        expect(current).to_have_text(name)
        expect(contents).to_be_in_viewport()
    page.keyboard.press("Home")
    expect(current).to_have_text("Log destinations")


def test_what_cannot_be_undone_does_not_look_like_saving(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page = open_page(ppl_process, ppl_process.register(), path="/settings")
    page.get_by_text("Close 127.0.0.1").click()
    colours = "button => [getComputedStyle(button).backgroundColor, getComputedStyle(button).color]"
    close = page.get_by_role("button", name="Close it").evaluate(colours)
    save = page.get_by_role("button", name="Save quota").evaluate(colours)
    assert close[0] != save[0]
    assert close[1] != save[1]


def test_after_saving_one_is_where_one_was_and_sees_what_is_wrong(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page = open_page(ppl_process, ppl_process.register(), path="/settings", java_script_enabled=False)
    page.get_by_label("Days for which events").fill("7")
    page.locator("section[aria-labelledby=keeping]").get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="How long events are kept")).to_be_in_viewport()
    expect(page.get_by_label("Days for which events")).to_have_value("7")
    page.expected_errors = ["400"]  # type: ignore[attr-defined]
    page.get_by_text("Close 127.0.0.1").click()
    page.get_by_label("to confirm").fill("another")
    page.get_by_role("button", name="Close it").click()
    expect(page.get_by_role("alert")).to_contain_text("to close it for good")
    expect(page.get_by_role("alert")).to_be_in_viewport()
    field = page.get_by_label("to confirm")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_be_in_viewport()
    page.get_by_role("combobox", name="Time zone").fill("Mars")
    page.locator("section[aria-labelledby=time-zone]").get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_be_in_viewport()
