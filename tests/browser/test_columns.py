"""Columns: fields shown beside each line, in history, live, searches and context, kept for the account."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.axe import violations
from tests.browser.conftest import OpenPage
from tests.browser.looking import (
    boxes,
    every_look,
    ingest,
    place_of,
    shown,
    state,
    until_at_rest,
    until_settled,
    until_shown,
    until_state,
)
from tests.browser.pictures import Pictures
from tests.browser.test_found_fields import LINES, ORDER, with_details
from tests.browser.test_search import search
from tests.fixtures.running import PplProcess, Registered, eventually

pytestmark = pytest.mark.browser


def choose(page: Page, text: str, name: str) -> None:
    """Show a field of the line with that text as a column."""
    table = with_details(page, text)
    table.get_by_role("button", name=f"More for {name}", exact=True).click()
    page.get_by_role("button", name="Show as a column").click()
    expect(page.locator("#columns")).to_be_visible()


def cells(page: Page, pane: str = "#log") -> list[str]:
    """The cells of each row, from top to bottom."""
    return page.locator(f"{pane} .row").evaluate_all(
        "rows => rows.map(row => (row.querySelector('.cells')?.textContent ?? '').replaceAll(/ +/g, ' ').trim())"
    )


def until_cells(page: Page, *wanted: str, pane: str = "#log") -> None:
    def found() -> bool:
        nonlocal last
        last = cells(page, pane)
        return last == list(wanted)

    last: list[str] = []
    try:
        eventually(found, f"the cells {wanted}")
    except pytest.fail.Exception as failure:
        pytest.fail(f"{failure}; the last cells: {last}")


def keep(ppl: PplProcess, who: Registered, *names: str, port: int | None = None) -> None:
    """Choose columns for the account, of its own destination or that of ``port``, as if in another browser."""
    ppl.rows(
        "INSERT INTO shown_columns SELECT a.id, d.id, %s::text[] FROM account a, destination d"
        " WHERE a.email = %s AND d.port = %s"
        " ON CONFLICT (account_id, destination_id) DO UPDATE SET names = excluded.names",
        list(names),
        who.email,
        port or who.port,
    )


def opened(ppl: PplProcess, open_page: OpenPage, path: str = "/", **options: object) -> tuple[Page, Registered]:
    who = ppl.register()
    ingest(ppl, who, LINES)
    page = open_page(ppl, who, path, **options)
    until_shown(page, "nothing to see")
    until_settled(page)
    return page, who


def test_a_field_becomes_a_column_of_lines_there_and_to_come(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page, who = opened(ppl_process, open_page)
    choose(page, "Ann Lee", "status")
    until_cells(page, "status=500", "status=200", "", "")
    choose(page, "duration", "duration")
    until_cells(page, "status=500", "status=200 duration=1.5ms", "", "")
    beside = "cells => [cells.previousElementSibling.className, cells.nextElementSibling.className]"
    assert page.locator("#log .cells").first.evaluate(beside) == ["program", "message"]
    page.keyboard.press("Escape")
    page.keyboard.press("End")
    until_state(page, "Live")
    ppl_process.send(who.port, b"<14>1 - web-1 shop - - - duration=2s status=404\n")
    until_cells(page, "status=500", "status=200 duration=1.5ms", "", "", "status=404 duration=2s")


def test_values_that_cannot_be_fetched_come_later(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, LINES)
    page = open_page(ppl_process, who)
    page.expected_errors = ["Failed to load resource"]  # type: ignore[attr-defined]
    until_shown(page, "nothing to see")
    address = "**/api/columns/values*"
    page.route(address, lambda route: route.abort())
    with page.expect_event("requestfailed", lambda request: "/api/columns/values" in request.url):
        choose(page, "Ann Lee", "status")
    page.unroute(address)
    until_cells(page, "status=500", "status=200", "", "")


def test_they_are_there_after_a_reload_and_in_another_browser(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page, who = opened(ppl_process, open_page)
    choose(page, "Ann Lee", "user.name")
    until_cells(page, "user.name=Ann Lee", "", "", "")
    page.reload()
    until_cells(page, "user.name=Ann Lee", "", "", "")
    other = open_page(ppl_process, who)
    until_cells(other, "user.name=Ann Lee", "", "", "")
    search(other, "status")
    until_cells(other, "user.name=Ann Lee", "")


def test_other_accounts_choose_their_own(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page, who = opened(ppl_process, open_page)
    member = ppl_process.register()
    ppl_process.rows(
        "INSERT INTO membership SELECT a.id, d.id, 'member' FROM account a, destination d"
        " WHERE a.email = %s AND d.port = %s",
        member.email,
        who.port,
    )
    choose(page, "Ann Lee", "status")
    until_cells(page, "status=500", "status=200", "", "")
    keep(ppl_process, member, "duration", port=who.port)
    theirs = open_page(ppl_process, member, f"/?user_id={who.user_id}")
    until_cells(theirs, "", "duration=1.5ms", "", "")
    page.reload()
    until_cells(page, "status=500", "status=200", "", "")


def test_the_lines_around_one_have_them_too(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page, who = opened(ppl_process, open_page)
    keep(ppl_process, who, "status")
    page.reload()
    until_cells(page, "status=500", "status=200", "", "")
    until_settled(page)
    with_details(page, "duration")
    page.keyboard.press("c")
    until_cells(page, "status=500", "status=200", "", "", pane="#context")
    choose_in_context = page.locator("#details .found")
    choose_in_context.get_by_role("button", name="More for duration").click()
    page.get_by_role("button", name="Show as a column").click()
    until_cells(page, "status=500", "status=200 duration=1.5ms", "", "", pane="#context")
    page.reload()
    until_cells(page, "status=500", "status=200 duration=1.5ms", "", "", pane="#context")


def test_a_link_shows_the_columns_of_who_shared_it(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page, who = opened(ppl_process, open_page)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    choose(page, "Ann Lee", "status")
    until_cells(page, "status=500", "status=200", "", "")
    page.keyboard.press("Escape")
    page.keyboard.press("Y")
    expect(page.get_by_text("Copied", exact=True)).to_be_visible()
    link = str(page.evaluate("navigator.clipboard.readText()"))
    assert "&columns=status" in link
    keep(ppl_process, who, "duration")
    reader = open_page(ppl_process, who, link.removeprefix(ppl_process.url))
    until_cells(reader, "status=500", "status=200", "", "")
    reader.locator("#columns summary").click()
    expect(reader.get_by_text("These columns came with the link")).to_be_visible()
    reader.get_by_role("button", name="Show mine").click()
    until_cells(reader, "", "duration=1.5ms", "", "")
    expect(reader.get_by_text("These columns came with the link")).to_be_hidden()
    assert "columns" not in reader.url


def test_what_is_no_name_in_a_link_is_left_out(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page, _ = opened(ppl_process, open_page, "/?columns=two%20words,status,,%22,status,é," + "a" * 101)
    until_cells(page, "status=500", "status=200", "", "")
    until_state(page, "Live")


def test_the_menu_orders_removes_and_adds(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page, who = opened(ppl_process, open_page)
    keep(ppl_process, who, "status", "duration", "user.id")
    page.reload()
    until_cells(page, "status=500 user.id=7", "status=200 duration=1.5ms", "", "")
    expect(page.locator("#columns summary")).to_have_text("Columns 3")
    page.locator("#columns summary").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Move status forward")).to_be_disabled()
    page.get_by_role("button", name="Move user.id forward").press("Enter")
    expect(page.locator("#columns li .name")).to_have_text(["status", "user.id", "duration"])
    expect(page.get_by_role("button", name="Move user.id forward")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#columns li .name")).to_have_text(["user.id", "status", "duration"])
    until_cells(page, "user.id=7 status=500", "status=200 duration=1.5ms", "", "")
    page.get_by_role("button", name="Remove the column status").click()
    until_cells(page, "user.id=7", "duration=1.5ms", "", "")
    page.get_by_label("Add a field").fill("path")
    page.keyboard.press("Enter")
    until_cells(page, "user.id=7 path=/a?b=c", "duration=1.5ms", "", "")
    page.reload()
    until_cells(page, "user.id=7 path=/a?b=c", "duration=1.5ms", "", "")
    page.locator("#columns summary").click()
    for name in ("user.id", "duration", "path"):
        page.get_by_role("button", name=f"Remove the column {name}").click()
    until_cells(page, "", "", "", "")
    expect(page.locator("#columns")).to_be_hidden()


def test_changes_that_the_server_has_not_answered_yet_all_hold(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page, who = opened(ppl_process, open_page)
    keep(ppl_process, who, "status", "duration", "path", "user.id")
    page.reload()
    until_cells(page, "status=500 path=/a?b=c user.id=7", "status=200 duration=1.5ms", "", "")
    held: list[Route] = []
    page.route("**/api/columns", lambda route: held.append(route))
    page.locator("#columns summary").click()
    page.get_by_role("button", name="Remove the column status").dblclick()
    page.get_by_role("button", name="Remove the column duration").click()
    page.get_by_role("button", name="Move user.id forward").click()
    page.get_by_label("Add a field").fill("user.name")
    page.keyboard.press("Enter")
    for _ in range(5):
        eventually(lambda: page.title() and held, "the next change is sent")
        held.pop(0).continue_()
    until_cells(page, "user.id=7 path=/a?b=c user.name=Ann Lee", "", "", "")
    page.reload()
    until_cells(page, "user.id=7 path=/a?b=c user.name=Ann Lee", "", "", "")


def test_a_name_typed_before_the_menu_has_loaded_is_added(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page, who = opened(ppl_process, open_page)
    keep(ppl_process, who, "status")
    held: list[Route] = []
    page.route("**/choosing.js", lambda route: held.append(route))
    page.reload()
    until_cells(page, "status=500", "status=200", "", "")
    page.locator("#columns summary").click()
    page.get_by_label("Add a field").fill("duration")
    page.keyboard.press("Enter")
    eventually(lambda: page.title() and held, "the menu is loaded")
    expect(page.get_by_text("These columns came with the link")).to_be_hidden()
    held[0].continue_()
    until_cells(page, "status=500", "status=200 duration=1.5ms", "", "")
    assert page.url == f"{ppl_process.url}/"


def test_there_are_eight_at_most(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page, who = opened(ppl_process, open_page)
    keep(ppl_process, who, *(f"c{number}" for number in range(8)))
    page.reload()
    until_shown(page, "nothing to see")
    until_settled(page)
    page.locator("#columns summary").click()
    expect(page.locator("#columns form")).to_be_hidden()
    page.keyboard.press("Escape")
    with_details(page, "Ann Lee").get_by_role("button", name="More for status").click()
    page.get_by_role("button", name="Show as a column").click()
    expect(page.locator("#status .problem")).to_have_text("There can be at most 8 columns: remove one first.")


def test_a_wrong_name_is_refused_in_the_menu(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page, who = opened(ppl_process, open_page)
    page.expected_errors = ["400 (Bad Request)"]  # type: ignore[attr-defined]
    keep(ppl_process, who, "status")
    page.reload()
    until_shown(page, "nothing to see")
    page.locator("#columns summary").click()
    page.get_by_label("Add a field").fill("two words")
    page.keyboard.press("Enter")
    expect(page.locator("#columns .problem")).to_have_text("'two words' is not the name of a field.")


def test_a_new_column_moves_no_line_that_is_read(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, b"".join(b"<14>1 - web-1 shop - - - line %d n=%d\n" % (n, n) for n in range(600)))
    page = open_page(ppl_process, who)
    until_shown(page, "line 599 n=599")
    until_settled(page)
    page.keyboard.press("g")
    until_state(page, "Paused")
    eventually(lambda: shown(page)[0] != "line 400 n=400", "older lines")
    until_at_rest(page)
    page.locator("#log .row", has_text="line 450 n").locator(".message").click()
    more = page.locator("#details .found").get_by_role("button", name="More for n", exact=True)
    expect(more).to_be_visible()
    until_at_rest(page)
    place = place_of(page, "line 450 n=450")
    more.click()
    page.get_by_role("button", name="Show as a column").click()
    eventually(lambda: cells(page)[-1] == "n=599", "the last has it")
    eventually(lambda: all(cells(page)), "all lines have it")
    assert abs(place_of(page, "line 450 n=450") - place) <= 1
    assert "Paused" in state(page)
    ppl_process.send(who.port, b"<14>1 - web-1 shop - - - line 600 n=600\n")
    expect(page.locator("#pill")).to_contain_text("1 new line")
    page.keyboard.press("Escape")
    page.keyboard.press("End")
    until_shown(page, "line 600 n=600")
    eventually(lambda: cells(page)[-1] == "n=600", "and the new one")
    numbers = [int(each.removeprefix("n=")) for each in cells(page)]
    assert numbers == list(range(numbers[0], 601)), "no line is missing or twice"


@every_look
def test_cells_fit_and_are_accessible(ppl_process: PplProcess, open_page: OpenPage, width: int, scheme: str) -> None:
    options = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
    page, who = opened(ppl_process, open_page, **options)
    long_ = '{"status":503,"path":"/' + "very/" * 60 + '","user":{"id":12}}'
    line = b"<11>1 - db-%d worker - - - status=%d user.id=%d took a while\n"
    more = b"".join(line % (number, 200 + number, number) for number in range(9))
    ingest(ppl_process, who, f"<14>1 - web-1 shop - - - {long_}\n".encode() + more)
    keep(ppl_process, who, "status", "user.id", "path")
    page.reload()
    until_shown(page, "status=208 user.id=8 took a while")
    eventually(lambda: cells(page)[-1] == "status=208 user.id=8", "the cells")
    until_settled(page)
    row = page.locator("#log .row", has_text="Ann Lee")
    message, values = boxes(row.locator(".message"), row.locator(".cells"))
    assert (message["y"] < values["y"]) == (width < 641), "below the line on narrow screens, else before the message"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("#log").evaluate("log => log.scrollWidth <= log.clientWidth")
    assert violations(page) == []
    Pictures().single(page, f"columns-{scheme}-{width}")
    page.locator("#columns summary").click()
    expect(page.locator("#columns li")).to_have_count(3)
    assert violations(page) == []
    Pictures().single(page, f"columns-menu-{scheme}-{width}")
    if width < 641:
        sizes = page.locator("#columns .panel button:visible").evaluate_all(
            "all => all.map(each => each.getBoundingClientRect().height)"
        )
        assert min(sizes) >= 40
    page.keyboard.press("Escape")
    page.set_viewport_size({"width": 1030 - width // 2, "height": 800})
    expect(row.locator(".cells")).to_be_visible()
    assert ORDER in row.inner_text()


def test_cells_move_where_the_page_becomes_narrow(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page, who = opened(ppl_process, open_page)
    keep(ppl_process, who, "status")
    page.reload()
    until_cells(page, "status=500", "status=200", "", "")
    after = "() => [...document.querySelectorAll('#log .cells')].map(each => each.nextElementSibling?.className ?? '')"
    assert page.evaluate(after) == ["message", "message"]
    page.set_viewport_size({"width": 390, "height": 800})
    eventually(lambda: page.evaluate(after) == ["", ""], "below the lines")
    page.set_viewport_size({"width": 1280, "height": 800})
    eventually(lambda: page.evaluate(after) == ["message", "message"], "before the messages")
