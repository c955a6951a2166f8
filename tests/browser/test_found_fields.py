"""The fields of an event in its details: each filters, excludes and is copied, by mouse, finger and keyboard."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.axe import violations
from tests.browser.conftest import OpenPage
from tests.browser.looking import boxes, every_look, ingest, shown, until_settled, until_shown
from tests.browser.pictures import Pictures
from tests.fixtures.running import PplProcess, Registered, eventually

pytestmark = pytest.mark.browser

ORDER = '{"status":500,"user":{"id":7,"name":"Ann Lee"},"path":"/a?b=c","tags":["x","y"],"odd key":1}'
LINES = (
    f"<14>1 - web-1 shop - - - {ORDER}\n"
    "<14>1 - web-1 shop - - - status=200 duration=1.5ms\n"
    '<14>1 - web-1 shop - - [trace@32473 iut="3"] started\n'
    "<14>1 - web-1 shop - - - nothing to see\n"
).encode()


def opened(ppl: PplProcess, open_page: OpenPage, **options: object) -> tuple[Page, Registered]:
    """The viewer of a new account that has :data:`LINES`."""
    who = ppl.register()
    ingest(ppl, who, LINES)
    page = open_page(ppl, who, **options)
    until_shown(page, "nothing to see")
    until_settled(page)
    return page, who


def with_details(page: Page, text: str) -> Locator:
    """Open the details of the line with that text, and give the table of its fields."""
    page.locator("#log .row", has_text=text).locator(".message").click()
    table = page.locator("#details .found")
    expect(table).to_be_visible()
    return table


def rows(table: Locator) -> list[list[str]]:
    return table.locator("tr").evaluate_all(
        "rows => rows.map(row => [row.querySelector('th').textContent, row.querySelector('td').textContent])"
    )


def test_the_details_list_the_fields_below_the_message(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page, _ = opened(ppl_process, open_page)
    table = with_details(page, "Ann Lee")
    expected = [
        ["status", "500"], ["user.id", "7"], ["user.name", "Ann Lee"], ["path", "/a?b=c"], ["tags", "x"], ["tags", "y"],
        ["odd key", "1"],
    ]  # fmt: skip
    eventually(lambda: rows(table) == expected, "the fields of the object")
    expect(table.locator("summary")).to_have_text("Fields 7")
    tops = [box["y"] for box in boxes(page.locator("#details .body"), table, page.locator("#details dl"))]
    assert tops == sorted(tops)
    with_details(page, "duration")
    eventually(lambda: rows(table) == [["status", "200"], ["duration", "1.5ms"]], "those of another line")
    with_details(page, "started")
    eventually(lambda: rows(table) == [["iut", "3"]], "those of structured data")
    page.locator("#log .row", has_text="nothing to see").click()
    expect(table).to_be_hidden()


def test_fields_that_cannot_be_fetched_are_not_shown_as_none(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page, _ = opened(ppl_process, open_page)
    page.expected_errors = ["Failed to load resource"]  # type: ignore[attr-defined]
    address = "**/api/events/*/fields*"
    page.route(address, lambda route: route.abort())
    table = with_details(page, "Ann Lee")
    expect(table.locator("summary")).to_have_text("Fields not loaded: the server did not answer")
    assert rows(table) == []
    page.unroute(address)
    with_details(page, "duration")
    with_details(page, "Ann Lee")
    expect(table.locator("summary")).to_have_text("Fields 7")


def test_a_field_filters_and_excludes_in_quotes_where_needed(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page, _ = opened(ppl_process, open_page)
    table = with_details(page, "Ann Lee")
    table.get_by_role("button", name="only status:=500", exact=True).click()
    eventually(lambda: shown(page) == [ORDER], "only that line")
    table.get_by_role("button", name='only user.name:="Ann Lee"', exact=True).click()
    eventually(lambda: page.locator("#q").input_value() == 'status:=500 user.name:="Ann Lee"', "both terms")
    expect(page.locator("#chips .chip")).to_have_text(["status:=500 ×", 'user.name:="Ann Lee" ×'])
    eventually(lambda: shown(page) == [ORDER], "the line has both")
    expect(page.locator("#log mark").first).to_have_text("500")
    for chip in ("status:=500", 'user.name:="Ann Lee"'):
        page.get_by_role("button", name=f"Remove {chip}").click()
    eventually(lambda: len(shown(page)) == 4, "all lines")
    table.get_by_role("button", name="not -status:=500", exact=True).click()
    eventually(lambda: len(shown(page)) == 3 and ORDER not in shown(page), "all but that line")


def test_a_name_that_the_language_cannot_write_is_only_copied(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page, _ = opened(ppl_process, open_page)
    table = with_details(page, "Ann Lee")
    odd = table.locator("tr", has_text="odd key")
    expect(odd.get_by_role("button")).to_have_count(1)
    odd.get_by_role("button", name="More for odd key").click()
    page.get_by_role("button", name="Copy value").click()
    expect(page.locator(".values").get_by_text("Copied")).to_be_visible()


def test_a_value_is_copied_as_it_is(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page, _ = opened(ppl_process, open_page)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    with_details(page, "Ann Lee").get_by_role("button", name="More for user.name").click()
    page.get_by_role("button", name="Copy value").click()
    expect(page.locator(".values").get_by_text("Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "Ann Lee"
    page.keyboard.press("Escape")
    expect(page.locator(".values")).to_have_count(0)
    expect(page.locator("#details")).to_be_visible()


def test_fields_are_reached_by_the_keyboard(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page, _ = opened(ppl_process, open_page)
    table = with_details(page, "Ann Lee")
    expect(table.locator("button[tabindex='0']")).to_have_count(1)
    table.locator("summary").focus()
    page.keyboard.press("Tab")
    expect(table.get_by_role("button", name="only status:=500")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    expect(table.get_by_role("button", name="not -user.id:=7")).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(table.get_by_role("button", name="More for user.id")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Copy value")).to_be_focused()
    page.keyboard.press("Escape")
    expect(table.get_by_role("button", name="More for user.id")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    eventually(lambda: page.locator("#q").input_value() == "-user.id:=7", "it is excluded")


def test_fields_that_come_late_belong_to_the_line_that_is_open(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page, _ = opened(ppl_process, open_page)
    held: list[Route] = []
    page.route("**/fields?*", lambda route: held.append(route) if not held else route.continue_())
    page.locator("#log .row", has_text="Ann Lee").locator(".message").click()
    eventually(lambda: page.title() and held, "the first are asked for")
    table = with_details(page, "duration")
    eventually(lambda: rows(table)[:1] == [["status", "200"]], "those of the second")
    held[0].continue_()
    page.evaluate("() => fetch('/api/me').then((answer) => answer.text())")
    assert rows(table)[:1] == [["status", "200"]]


def test_values_of_lines_stay_text(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, b'<14>1 - h a - - - {"<b>x</b>":"<img src=x onerror=alert(1)>\\u202e"}\n')
    page = open_page(ppl_process, who)
    until_settled(page)
    page.locator("#log .message").click()
    table = page.locator("#details .found")
    eventually(lambda: rows(table) == [["<b>x</b>", "<img src=x onerror=alert(1)>⟦U+202E⟧"]], "text")
    assert table.locator("img, b").count() == 0


@every_look
def test_the_table_fits_and_is_accessible(
    ppl_process: PplProcess, open_page: OpenPage, width: int, scheme: str
) -> None:
    who = ppl_process.register()
    long_ = '{"a.name.that.is.rather.long_and_goes_on":"' + "word" * 200 + '","status":500,"duration_ms":12.5}'
    ingest(ppl_process, who, LINES + f"<14>1 - web-1 shop - - - {long_}\n".encode())
    page = open_page(ppl_process, who, viewport={"width": width, "height": 800}, color_scheme=scheme)
    until_settled(page)
    table = with_details(page, "Ann Lee")
    eventually(lambda: len(rows(table)) == 7, "the fields")
    assert violations(page) == []
    assert table.evaluate("table => table.scrollWidth <= table.clientWidth")
    table.scroll_into_view_if_needed()
    Pictures().single(page, f"found-{scheme}-{width}")
    if width < 640:
        sizes = table.locator("td button").evaluate_all("all => all.map(each => each.getBoundingClientRect().height)")
        assert min(sizes) >= 44
        page.keyboard.press("Escape")
    table = with_details(page, "rather.long")
    eventually(lambda: len(rows(table)) == 3, "the long ones")
    assert table.evaluate("table => table.scrollWidth <= table.clientWidth")
    Pictures().single(page, f"found-long-{scheme}-{width}")
