"""Searching in the viewer: a query applies to history and live lines, is in the address, and shows its errors."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.looking import (
    ingest,
    lines,
    painted,
    retry_now,
    shown,
    state,
    until_at_rest,
    until_settled,
    until_shown,
    until_state,
)
from tests.fixtures.running import PplProcess, eventually

pytestmark = pytest.mark.browser


def search(page: Page, text: str) -> None:
    page.keyboard.press("/")
    page.keyboard.type(text)
    page.keyboard.press("Enter")


def until_all_shown(page: Page, *messages: str) -> None:
    eventually(lambda: shown(page) == list(messages), f"just {messages}")


def test_a_search_holds_for_history_and_live_and_stands_in_the_address(
    ppl_process: PplProcess, open_page: OpenPage
) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, lines(*range(1, 30)))
    page = open_page(ppl_process, who)
    until_shown(page, "line 29")
    search(page, '"line 2" -29')
    expected = ["line 2", *(f"line {number}" for number in range(20, 29))]
    until_all_shown(page, *expected)
    assert "q=%22line+2%22+-29" in page.url
    ppl_process.send(who.port, lines(30, 200, 31))
    until_all_shown(page, *expected, "line 200")
    page.reload()
    expect(page.get_by_label("Search", exact=True)).to_have_value('"line 2" -29')
    until_all_shown(page, *expected, "line 200")
    page.keyboard.press(" ")
    until_state(page, "Paused")
    ppl_process.send(who.port, lines(32, 201))
    expect(page.locator("#pill")).to_contain_text("1 new line ")
    page.keyboard.press("End")
    until_all_shown(page, *expected, "line 200", "line 201")
    assert page.locator(".gap").count() == 0
    page.go_back()
    eventually(lambda: shown(page)[:1] == ["line 1"], "lines that the search had left out")
    until_shown(page, "line 201")
    assert page.get_by_label("Search", exact=True).input_value() == ""


def test_a_query_that_cannot_be_understood_is_marked_where_it_goes_wrong(
    ppl_process: PplProcess, open_page: OpenPage
) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, lines(1, 2))
    page = open_page(ppl_process, who)
    until_shown(page, "line 2")
    search(page, "👍 line severity:bad x")
    alert = page.locator("#search-error[role=alert]")
    expect(alert).to_contain_text("Expected a severity: emerg")
    assert page.locator("#search-error mark").inner_text() == "b"
    field = page.get_by_label("Search", exact=True)
    assert field.get_attribute("aria-invalid") == "true"
    assert field.evaluate("field => field.value.slice(field.selectionStart)") == "bad x"
    assert shown(page) == ["line 1", "line 2"], "the lines stay"
    assert "q=" not in page.url
    page.keyboard.press("Escape")
    expect(alert).to_be_hidden()
    assert field.input_value() == "👍 line severity:bad x", "what is half typed stays"
    search(page, '"line 2"')
    until_all_shown(page, "line 2")
    expect(alert).to_be_hidden()
    assert field.get_attribute("aria-invalid") == "false"


def test_what_is_said_of_a_wrong_query_does_not_move_a_log_that_is_held_still(
    ppl_process: PplProcess, open_page: OpenPage
) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, lines(*range(1, 151)))
    page = open_page(ppl_process, who)
    until_shown(page, "line 150")
    until_settled(page)
    page.keyboard.press(" ")
    until_state(page, "Paused")
    until_at_rest(page)
    page.locator("#log").evaluate("log => { log.scrollTop -= 300; }")
    place = "() => [...document.querySelectorAll('#log .row')].at(-30).getBoundingClientRect().top"
    until_at_rest(page)
    before = page.evaluate(place)
    search(page, "severity:bad")
    expect(page.locator("#search-error")).to_contain_text("Expected a severity")
    painted(page)
    assert abs(page.evaluate(place) - before) < 1


def test_an_address_with_a_wrong_query_says_so(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who = ppl_process.register()
    page = open_page(ppl_process, who, path="/?q=%28")
    counted: list[str] = []
    page.on("request", lambda request: counted.append(request.url) if "/api/histogram" in request.url else None)
    expect(page.locator("#search-error")).to_contain_text("Expected")
    page.get_by_label("Search", exact=True).fill("x")
    page.keyboard.press("Enter")
    expect(page.locator(".note")).to_contain_text("No lines match")
    eventually(lambda: page.evaluate("() => true") and counted, "what is searched for now is counted")
    assert not [url for url in counted if "q=%28&" in url], "what cannot be understood is not"


def test_without_a_match_the_range_that_was_searched_is_said_and_can_be_widened(
    ppl_process: PplProcess, open_page: OpenPage
) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, lines(1))
    page = open_page(ppl_process, who)
    until_shown(page, "line 1")
    search(page, 'line before:"2016-10-07 02:00"')
    note = page.locator(".note")
    expect(note).to_contain_text("No lines match. Searched from the oldest line until 7 October 2016, 02:00:00.")
    assert page.locator("#first-line").is_hidden()
    note.get_by_role("button", name="Search all of history").click()
    until_all_shown(page, "line 1")
    assert page.get_by_label("Search", exact=True).input_value() == "line"
    search(page, "nothing")
    expect(note).to_contain_text("Searched from the oldest line until now.")
    ppl_process.send(who.port, b"<13>1 - h a - - - nothing is as it was\n")
    until_all_shown(page, "nothing is as it was")
    expect(note).to_have_text("Beginning of history")
    page.keyboard.press("/")
    selected = page.get_by_label("Search", exact=True).evaluate("field => [field.selectionStart, field.selectionEnd]")
    assert selected == [0, len("nothing")], "to be typed over"
    page.keyboard.press("Escape")
    eventually(lambda: state(page) == "Live", "it is live all the time")


def test_a_search_without_a_match_says_which_words_are_text_and_no_syntax(
    ppl_process: PplProcess, open_page: OpenPage
) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, lines(1, 2))
    page = open_page(ppl_process, who)
    until_shown(page, "line 2")
    search(page, "lin* hostname:a")
    hints = page.locator(".note .hint")
    expected = [
        "* is an ordinary character in lin*: words match anywhere in a text already, so leave it out.",
        "hostname: looks for a field of this name; the attribute is host:.",
    ]
    expect(hints).to_have_text(expected)
    page.reload()
    expect(hints).to_have_text(expected)
    ppl_process.send(who.port, b"<13>1 - h a - - - lin* hostname:a\n")
    until_shown(page, "lin* hostname:a")
    expect(hints).to_have_count(0)


def test_lines_that_cannot_be_counted_leave_the_histogram_as_it_was(
    ppl_process: PplProcess, open_page: OpenPage
) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, lines(*range(1, 30)))
    page = open_page(ppl_process, who)
    page.expected_errors = ["Failed to load resource"]  # type: ignore[attr-defined]
    counted = page.locator("#histogram:not(.stale) .label")
    expect(counted).to_contain_text("29 lines")
    page.route("**/api/histogram*", lambda route: route.abort())
    with page.expect_event("requestfailed", lambda request: "/api/histogram" in request.url):
        search(page, '"line 2"')
    until_all_shown(page, "line 2", *(f"line {number}" for number in range(20, 30)))
    expect(page.locator("#histogram.stale .label")).to_contain_text("29 lines")
    page.unroute("**/api/histogram*")
    expect(counted).to_contain_text("11 lines", timeout=30_000)


def test_a_search_without_a_connection_leaves_the_lines_until_the_server_is_there(
    ppl_process: PplProcess, open_page: OpenPage
) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, lines(*range(1, 30)))
    page = open_page(ppl_process, who)
    page.expected_errors = ["WebSocket", "Failed to load resource"]  # type: ignore[attr-defined]
    until_shown(page, "line 29")
    expect(page.locator("#histogram")).to_be_visible()
    ppl_process.kill()
    try:
        expect(page.locator("#offline")).to_contain_text("Reconnecting in")
        search(page, '"line 2"')
        until_state(page, "Offline: lines of the previous search")
        assert shown(page) == [f"line {number}" for number in range(1, 30)]
        expect(page.locator("#histogram")).to_be_visible()
        page.keyboard.press(" ")
        until_state(page, "Offline")
    finally:
        ppl_process.start()
    retry_now(page)
    until_all_shown(page, "line 2", *(f"line {number}" for number in range(20, 30)))
    until_state(page, "Live")
