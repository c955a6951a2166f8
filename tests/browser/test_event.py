"""One event: its details, its neighbours, the link to it, and the keys that lead there."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.looking import (
    boxes,
    ingest,
    lines,
    place_of,
    scroll,
    shown,
    state,
    until_at_rest,
    until_scrolled,
    until_settled,
    until_shown,
    until_state,
    wheel,
)
from tests.fixtures.running import PplProcess, Registered, eventually

pytestmark = [pytest.mark.browser, pytest.mark.long]

_TRACE = "Traceback (most recent call last):\n  File 1\n    call()\n  File 2\n    raise\nError: \x1b[31mred\x1b[0m"
_JSON = '{"event": "order.created", "id": 12345678901234567890, "user": {"plan": "pro", "tags": []}, "ok": true}'


def _counted(text: str) -> bytes:
    data = text.encode()
    return b"%d %s" % (len(data), data)


def _open(ppl: PplProcess, open_page: OpenPage, data: bytes, last: str, **options: object) -> tuple[Registered, Page]:
    who = ppl.register(time_zone="+02.00")
    ingest(ppl, who, data)
    page = open_page(ppl, who, **options)
    until_shown(page, last)
    until_settled(page)
    return who, page


def _fields(page: Page) -> dict[str, str]:
    return page.locator("#details dl").evaluate(
        """list => {
            const texts = selector => [...list.querySelectorAll(selector)].map(each => each.innerText);
            const [names, values] = [texts("dt"), texts("dd .value")];
            if (names.length !== values.length) throw new Error("not a value for each name");
            return Object.fromEntries(names.map((name, at) => [name, values[at]]));
        }"""
    )


def _row(page: Page, message: str, room: str = "#log"):
    return page.locator(f"{room} .row", has=page.get_by_text(message, exact=True))


def test_a_click_opens_every_field_of_an_event_and_holds_the_lines(
    ppl_process: PplProcess, open_page: OpenPage
) -> None:
    line = b'<132>1 2026-11-07T09:23:20.060123Z db-primary app 4711 ID47 [a@1 b="c"] hello\n'
    _, page = _open(ppl_process, open_page, lines(*range(60)) + line, "hello")
    _row(page, "hello").locator(".message").click()
    fields = _fields(page)
    assert fields["time"] == "2026-11-07 09:23:20.060123 UTC"
    assert fields["local"] == "2026-11-07 11:23:20.060123 UTC+02:00"
    assert fields["received"].startswith("+")
    assert fields["ip"] == "127.0.0.1"
    assert fields["host"] == "db-primary"
    assert (fields["program"], fields["procid"], fields["msgid"]) == ("app", "4711", "ID47")
    assert (fields["severity"], fields["facility"]) == ("warning (4)", "local0 (16)")
    assert fields["structured data"] == '[a@1 b="c"]'
    assert page.locator("#details .text").inner_text() == "hello"
    until_state(page, "Paused — reading")
    page.keyboard.press("Escape")
    expect(page.locator("#details")).to_be_hidden()
    assert state(page) == "Paused — reading"


@pytest.mark.parametrize("width", [1280, 390])
def test_the_message_stands_before_the_fields_which_fold(
    ppl_process: PplProcess, open_page: OpenPage, width: int
) -> None:
    options = {"viewport": {"width": width, "height": 800}}
    _, page = _open(ppl_process, open_page, lines(1), "line 1", **options)
    page.locator("#log .message").last.click()
    details = page.locator("#details")
    expect(details).to_be_visible()
    top, message, fields = boxes(details, details.locator(".text"), details.locator("dl"))
    assert message["y"] - top["y"] < 200, "at once in sight"
    assert message["y"] < fields["y"]
    details.get_by_text("The line").click()
    expect(details.locator("dl")).to_be_hidden()
    page.evaluate("() => { document.getElementById('details').style.height = '120px' }")
    details.evaluate("details => { details.scrollTop = 40 }")
    expect(details.get_by_role("button", name="Context")).to_be_in_viewport()


def test_opening_and_closing_the_details_leaves_the_line_where_it_is(
    ppl_process: PplProcess, open_page: OpenPage
) -> None:
    long = b"".join(b"<13>1 - h a - - - " + b"word " * 60 + b"%d\n" % number for number in range(200))
    _, page = _open(ppl_process, open_page, long + lines(1), "line 1")
    top = scroll(page)["top"]
    wheel(page, -900)
    until_state(page, "Paused")
    until_scrolled(page, top)
    page.mouse.click(500, 600)
    expect(page.locator("#details")).to_be_visible()
    until_at_rest(page)
    chosen = "() => document.querySelector('#log .row.chosen').getBoundingClientRect().top"
    during = page.evaluate(chosen)
    page.keyboard.press("Escape")
    expect(page.locator("#details")).to_be_hidden()
    until_at_rest(page)
    assert 600 - 80 < during <= 600, "the line that was clicked is still beneath the hand"
    assert abs(page.evaluate(chosen) - during) <= 1


def test_json_is_written_out_to_the_letter_and_a_trace_is_folded(ppl_process: PplProcess, open_page: OpenPage) -> None:
    data = _counted(f"<11>1 - h a - - - {_TRACE}") + _counted(f"<14>1 - h a - - - order {_JSON}")
    who = ppl_process.register()
    ppl_process.send(who.port, data)
    page = open_page(ppl_process, who)
    until_shown(page, f"order {_JSON}")
    until_settled(page)
    trace = page.locator("#log .row").first
    assert trace.locator(".message").inner_text().startswith("Traceback (most recent call last):\n  File 1\n    call()")
    page.get_by_role("button", name="▸ 3 more lines").click()
    assert (
        trace.locator(".message").inner_text() == _TRACE.replace("\x1b[31m", "").replace("\x1b[0m", "") + "▾ show less"
    )
    red = trace.locator(".message span").last
    assert red.inner_text() == "red"
    assert red.evaluate("red => getComputedStyle(red).color !== getComputedStyle(red.parentElement).color")
    page.locator("#log .message").last.click()
    assert page.locator("#details .text").inner_text() == "order"
    written = page.locator("#details .json").inner_text()
    assert "12345678901234567890" in written
    assert written.splitlines()[:2] == ["{", '  "event": "order.created",']
    assert json.loads(written) == json.loads(_JSON)
    assert page.locator("#details .json .key").first.inner_text() == '"event"'


def test_what_is_copied_is_the_line_the_event_and_a_command(ppl_process: PplProcess, open_page: OpenPage) -> None:
    line = b"<13>1 2026-11-07T09:23:20Z web-01 app 7 - - hello\n"
    who, page = _open(ppl_process, open_page, line, "hello", permissions=["clipboard-read", "clipboard-write"])

    def copied(name: str) -> str:
        page.locator("#details").get_by_text(name, exact=True).click()
        expect(page.locator("#details").get_by_text("Copied", exact=True)).to_be_visible()
        text = page.evaluate("() => navigator.clipboard.readText()")
        expect(page.locator("#details").get_by_text("Copied", exact=True)).to_have_count(0)
        return text

    page.locator("#log .message").click()
    assert copied("Copy text") == "2026-11-07T11:23:20.000000+02:00 web-01 app[7] notice: hello"
    event = json.loads(copied("Copy JSON"))
    assert (event["message"], event["hostname"]) == ("hello", "web-01")
    command = copied("Copy as curl")
    assert f"{ppl_process.url}/api/events/{event['id']}" in command
    assert copied("Permalink").startswith(f"{ppl_process.url}/events/{event['id']}?user_id=")
    assert who.port


def test_a_copy_moves_nothing_and_one_button_says_so_at_a_time(ppl_process: PplProcess, open_page: OpenPage) -> None:
    _, page = _open(ppl_process, open_page, lines(1), "line 1", permissions=["clipboard-read", "clipboard-write"])
    page.locator("#log .message").click()
    boxes = "all => all.map(each => each.getBoundingClientRect().toJSON())"
    acts = page.locator("#details .acts > *")
    before = acts.evaluate_all(boxes)
    for name in ("Copy text", "Copy JSON", "Copy as curl", "Permalink"):
        page.locator("#details").get_by_text(name, exact=True).click()
        expect(page.locator("#details").get_by_text("Copied", exact=True)).to_have_count(1)
        assert acts.evaluate_all(boxes) == before
    expect(page.locator("#details").get_by_text("Permalink", exact=True)).to_have_text("Permalink")
    assert acts.evaluate_all(boxes) == before


def test_selected_rows_are_copied_with_day_zone_and_severity(ppl_process: PplProcess, open_page: OpenPage) -> None:
    data = b"".join(b"<13>1 2026-11-07T09:23:20.060Z h a - - - line %d\n" % number for number in range(3))
    _, page = _open(ppl_process, open_page, data, "line 2", permissions=["clipboard-read", "clipboard-write"])
    select = (
        "(to) => { const [first, second, third] = document.querySelectorAll('#log .row');"
        " getSelection().setBaseAndExtent(first, 0, to ? third : second, 0) }"
    )

    def copied() -> str:
        return page.evaluate("() => navigator.clipboard.readText()")

    page.evaluate(select, True)
    page.keyboard.press("Control+c")
    line = "2026-11-07T11:23:20.060000+02:00 h a notice: line"
    eventually(lambda: copied() == f"{line} 0\n{line} 1", "both rows")
    page.evaluate(select, False)
    page.keyboard.press("Control+c")
    eventually(lambda: copied().strip().endswith("line 0"), "one row")
    assert "2026" not in copied(), "of one row what is selected"


def test_on_a_tablet_all_acts_of_the_details_are_of_one_height(ppl_process: PplProcess, open_page: OpenPage) -> None:
    options = {"viewport": {"width": 1024, "height": 768}, "has_touch": True}
    _, page = _open(ppl_process, open_page, lines(1), "line 1", **options)
    page.locator("#log .message").tap()
    acts = page.locator("#details .head button, #details .permalink")
    assert set(acts.evaluate_all("all => all.map(each => each.getBoundingClientRect().height)")) == {40}
    words = (
        "all => all.map(each => { const words = document.createRange(); words.selectNodeContents("
        "each.querySelector('.label') ?? each);"
        " const { top } = words.getBoundingClientRect(); return top - each.getBoundingClientRect().top })"
    )
    tops = acts.evaluate_all(words)
    assert max(tops) - min(tops) < 0.5


def test_each_field_that_can_be_searched_for_narrows_the_search(ppl_process: PplProcess, open_page: OpenPage) -> None:
    data = (
        b"<11>1 - web-01 app - - - one\n<13>1 - web-01 cron - - - two\n<13>1 - db-01 app - - - three\n"
        b"<38>1 - web-01 cron - - - four\n"
    )
    _, page = _open(ppl_process, open_page, data, "four")
    _row(page, "one").locator(".message").click()
    details = page.locator("#details")
    names = details.locator("dd .link").all_text_contents()
    assert names == [
        f"{what} {sign}{term}"
        for term in ("ip:127.0.0.1", "host:=web-01", "program:=app", "severity:err", "facility:user")
        for what, sign in (("only", ""), ("exclude", "-"))
    ]
    details.get_by_role("button", name="only host:=web-01").click()
    eventually(lambda: shown(page) == ["one", "two", "four"], "the lines of the host")
    details.get_by_role("button", name="exclude -program:=app").click()
    eventually(lambda: shown(page) == ["two", "four"], "the lines of other programs")
    details.get_by_role("button", name="only facility:user").click()
    eventually(lambda: shown(page) == ["two"], "the lines of the facility")
    expect(page.locator("#q")).to_have_value("host:=web-01 -program:=app facility:user")


def test_a_value_of_json_is_searched_for_as_it_is_written(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who = ppl_process.register()
    texts = [f'{{"status": {status}, "path": "/a \\"b\\"", "tags": ["x", 7]}}' for status in (500, 200, 500)]
    ingest(ppl_process, who, b"".join(f"<13>1 - h a - - - {text}\n".encode() for text in texts))
    page = open_page(ppl_process, who, permissions=["clipboard-read", "clipboard-write"])
    until_shown(page, texts[2])
    page.locator("#log .message").last.click()
    values = page.locator("#details .json [role=button]")
    expect(values).to_have_text(["500", '"/a \\"b\\""', '"x"', "7"])
    values.nth(1).click()
    menu = page.locator(".values")
    menu.get_by_role("button", name="Copy value").click()
    expect(menu.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("() => navigator.clipboard.readText()") == '/a "b"'
    page.keyboard.press("Escape")
    expect(menu).to_have_count(0)
    expect(page.locator("#details")).to_be_visible()
    values.nth(0).focus()
    page.keyboard.press("ArrowDown")
    expect(values.nth(1)).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(menu.locator("code")).to_have_text('"status": 500')
    page.keyboard.press("Enter")
    eventually(lambda: shown(page) == [texts[0], texts[2]], "the lines with that status")
    expect(page.locator("#q")).to_have_value("'\"status\": 500'")
    values.nth(0).click()
    menu.get_by_role("button", name="Exclude").click()
    eventually(lambda: page.locator("#q").input_value() == "-'\"status\": 500'", "the opposite")
    eventually(lambda: shown(page) == [texts[1]], "the other line")


def test_without_its_script_json_is_shown_as_it_came(ppl_process: PplProcess, open_page: OpenPage) -> None:
    _, page = _open(ppl_process, open_page, f"<13>1 - h a - - - {_JSON}\n".encode(), _JSON)
    page.expected_errors = ["ERR_FAILED"]  # type: ignore[attr-defined]
    page.route("**/jsonview.js", lambda route: route.abort())
    page.locator("#log .message").click()
    expect(page.locator("#details .json")).to_have_text(_JSON)


def test_newlines_within_json_are_written_out(ppl_process: PplProcess, open_page: OpenPage) -> None:
    trace = "Error: boom\n    at a (/b.js:1:2)\r\n\tat c"
    who = ppl_process.register()
    ingest(ppl_process, who, b"<13>1 - h a - - - " + json.dumps({"stack": trace, "path": "C:\\new"}).encode() + b"\n")
    page = open_page(ppl_process, who)
    eventually(lambda: len(shown(page)) == 1, "the line")
    page.locator("#log .message").click()
    assert page.locator("#details .json").inner_text().splitlines() == [
        "{",
        '  "stack": "Error: boom',
        "        at a (/b.js:1:2)",
        '    \tat c",',
        '  "path": "C:\\\\new"',
        "}",
    ]


def test_the_details_are_as_wide_as_one_draws_them_and_stay_so(ppl_process: PplProcess, open_page: OpenPage) -> None:
    _, page = _open(ppl_process, open_page, lines(*range(100)), "line 99")
    _row(page, "line 95").locator(".message").click()
    panel, edge = page.locator("#details"), page.get_by_role("separator", name="Width of the details")

    def width() -> float:
        return panel.bounding_box()["width"]  # type: ignore[index]

    assert width() == pytest.approx(1280 * 0.34, abs=1)
    box = edge.bounding_box()
    assert box is not None
    place = place_of(page, "line 95")
    page.mouse.move(box["x"] + 5, 400)
    page.mouse.down()
    page.mouse.move(700, 400, steps=3)
    page.mouse.up()
    eventually(lambda: abs(width() - 580) <= 2, "drawn by the mouse")
    assert abs(place_of(page, "line 95") - place) <= 1
    edge.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    eventually(lambda: abs(width() - 532) <= 2, "narrower by keys")
    page.keyboard.press("End")
    eventually(lambda: width() == 960, "as wide as leaves room for lines")
    expect(edge).to_have_attribute("aria-valuenow", "100")
    page.keyboard.press("Home")
    eventually(lambda: width() == 280, "the least")
    assert state(page) == "Paused — reading"
    page.reload()
    until_shown(page, "line 99")
    until_settled(page)
    _row(page, "line 95").locator(".message").click()
    assert width() == 280
    edge.dblclick()
    eventually(lambda: abs(width() - 1280 * 0.34) <= 1, "the usual")


def test_context_opens_over_the_search_and_back_leads_to_the_very_place(
    ppl_process: PplProcess, open_page: OpenPage
) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, lines(*range(1000)))
    page = open_page(ppl_process, who, path="/?q=program%3Aapp+line")
    until_shown(page, "line 999")
    until_settled(page)
    top = scroll(page)["top"]
    wheel(page, -1500)
    until_state(page, "Paused")
    until_scrolled(page, top)
    before = scroll(page)
    message = page.evaluate(
        "() => { const log = document.getElementById('log').getBoundingClientRect();"
        " return document.elementFromPoint(log.left + 300, log.top + 200).closest('.row')"
        ".querySelector('.message').textContent }"
    )
    place = place_of(page, message)
    _row(page, message).locator(".message").click()
    page.keyboard.press("c")
    anchor = page.locator("#context .row.anchor .message")
    expect(anchor).to_have_text(message)
    number = int(message.split()[1])
    texts = page.locator("#context .message").all_text_contents()
    first, last = (int(text.split()[1]) for text in (texts[0], texts[-1]))
    assert first <= number - 50
    assert last >= number + 50
    assert texts == [f"line {each}" for each in range(first, last + 1)]
    assert "/events/" in page.url
    assert "q=program%3Aapp+line" in page.url
    inert = "() => document.getElementById('log').inert"
    eventually(lambda: page.evaluate(inert), "nothing beneath can be reached")
    # Scrolling continues beyond the first fifty lines, without gap, duplicate or jump.
    at = "() => document.querySelector('#context .anchor').getBoundingClientRect().top"
    scrolled = "() => { document.querySelector('#context .lines').scrollTop = 100; return (" + at + ")(); }"
    top = page.evaluate(scrolled)
    older = page.locator("#context .message").first
    eventually(lambda: int(older.inner_text().split()[1]) < first, "older lines")
    assert abs(page.evaluate(at) - top) <= 1
    texts = page.locator("#context .message").all_text_contents()
    first, last = (int(text.split()[1]) for text in (texts[0], texts[-1]))
    assert texts == [f"line {each}" for each in range(first, last + 1)]
    page.keyboard.press("Escape")
    expect(page.locator("#details")).to_be_hidden()
    page.get_by_role("button", name="← Back").click()
    expect(page.locator("#context")).to_be_hidden()
    assert not page.evaluate(inert)
    assert page.url.endswith("/?q=program%3Aapp+line")
    until_at_rest(page)
    assert scroll(page) == before
    assert abs(place_of(page, message) - place) <= 1
    assert "Paused" in state(page)
    page.go_forward()
    expect(anchor).to_have_text(message)
    page.go_back()
    expect(page.locator("#context")).to_be_hidden()
    page.keyboard.press("End")
    until_state(page, "Live")


def test_a_link_opens_around_its_event_survives_a_reload_and_leads_to_the_live_lines(
    ppl_process: PplProcess, open_page: OpenPage
) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, lines(*range(300)))
    found = "SELECT e.id FROM event e JOIN destination d ON d.id = destination_id WHERE port = %s AND message = %s"
    ((event_id,),) = ppl_process.rows(found, who.port, "line 150")
    page = open_page(ppl_process, who, path=f"/events/{event_id}")
    anchor = page.locator("#context .row.anchor .message")
    expect(anchor).to_have_text("line 150")
    page.reload()
    expect(anchor).to_have_text("line 150")
    page.get_by_role("button", name="← Back").click()
    until_shown(page, "line 299")
    until_state(page, "Live")
    assert page.url == f"{ppl_process.url}/"
    page.go_back()
    expect(anchor).to_have_text("line 150")


def test_a_link_to_nothing_says_so(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who = ppl_process.register()
    page = open_page(ppl_process, who, path="/events/1790000000000001")
    page.expected_errors = ["404"]  # type: ignore[attr-defined]
    expect(page.get_by_role("heading")).to_have_text("Not found")


def test_keys_choose_rows_and_open_them(ppl_process: PplProcess, open_page: OpenPage) -> None:
    marked = b"<11>1 - h a - - - bad %d\n<12>1 - h a - - - odd %d\n"
    data = lines(*range(40)) + marked % (1, 1) + lines(*range(40, 80)) + marked % (2, 2) + lines(*range(80, 120))
    _, page = _open(ppl_process, open_page, data, "line 119")
    chosen = page.locator("#log .row.chosen .message")
    for key, message in (
        ("k", "line 119"), ("k", "line 118"), ("j", "line 119"), ("E", "bad 2"), ("W", "odd 1"), ("E", "bad 1"),
        ("e", "bad 2"), ("w", "odd 2"), ("j", "line 80"), ("k", "odd 2"),
    ):  # fmt: skip
        page.keyboard.press(key)
        expect(chosen).to_have_text(message)
        expect(chosen).to_be_in_viewport()
    assert state(page) == "Paused — reading"
    page.keyboard.press("w")
    expect(page.locator("#status .problem")).to_have_text("No warning further down")
    page.locator("#log").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#details .text")).to_have_text("odd 2")
    expect(page.locator("#details")).to_be_focused()
    page.keyboard.press("j")
    expect(page.locator("#details .text")).to_have_text("line 80")
    page.keyboard.press("Escape")
    expect(page.locator("#details")).to_be_hidden()
    expect(page.locator("#log")).to_be_focused()
    page.keyboard.press("c")
    expect(page.locator("#context .row.anchor .message")).to_have_text("line 80")
    page.keyboard.press("k")
    expect(page.locator("#context .row.chosen .message")).to_have_text("odd 2")
    page.keyboard.press("Escape")
    expect(page.locator("#context")).to_be_hidden()
    expect(chosen).to_have_text("line 80")


def test_matches_are_marked_and_keys_lead_from_one_to_the_next(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who = ppl_process.register()
    data = lines(*range(10)) + b"<13>1 - h a - - - a TimeOut here\n" + lines(*range(10, 20))
    ingest(ppl_process, who, data)
    ppl_process.send(who.port, _counted("<13>1 - h a - - - 1\n2\n3\n4\n5 timeout"))
    page = open_page(ppl_process, who, path="/?q=timeout")
    eventually(lambda: page.locator("#log .row").count() == 2, "two matches")
    expect(page.locator("#log mark")).to_have_text(["TimeOut"])
    expect(page.locator("#log .more.hit")).to_contain_text("2 more lines with matches")
    page.keyboard.press("N")
    page.keyboard.press("N")
    expect(page.locator("#log .row.chosen .message")).to_have_text("a TimeOut here")


def test_lines_stand_as_close_as_one_likes_and_stay_so(ppl_process: PplProcess, open_page: OpenPage) -> None:
    _, page = _open(ppl_process, open_page, lines(*range(3)), "line 2")
    row = page.locator("#log .row").last
    for name, height in (("compact", 17), ("roomy", 24)):
        page.keyboard.press("?")
        page.get_by_label(name).check()
        page.keyboard.press("Escape")
        # A key pressed while the dialog closes still goes to the dialog.
        expect(page.locator("dialog[open]")).to_have_count(0)
        assert row.bounding_box()["height"] == height  # type: ignore[index]
    page.reload()
    until_shown(page, "line 2")
    assert row.bounding_box()["height"] == 24  # type: ignore[index]


def test_a_phone_chooses_how_lines_look(ppl_process: PplProcess, open_page: OpenPage) -> None:
    options = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "is_mobile": True}
    _, page = _open(ppl_process, open_page, lines(*range(3)), "line 2", **options)
    button = page.get_by_role("button", name="View", exact=True)
    assert button.bounding_box()["height"] >= 40  # type: ignore[index]
    button.tap()
    page.get_by_label("roomy").check()
    page.get_by_label("wrapped").uncheck()
    expect(page.locator("#help dl")).to_be_hidden()
    page.get_by_role("dialog").get_by_role("button", name="Close").tap()
    row = page.locator("#log .row").last
    assert row.bounding_box()["height"] == 24  # type: ignore[index]
    assert row.evaluate("row => getComputedStyle(row).whiteSpace") == "pre"
    page.reload()
    until_shown(page, "line 2")
    assert row.evaluate("row => getComputedStyle(row).whiteSpace") == "pre"


def test_help_lists_each_key_once(ppl_process: PplProcess, open_page: OpenPage) -> None:
    _, page = _open(ppl_process, open_page, lines(1), "line 1")
    page.get_by_role("button", name="shortcuts").click()
    keys = page.locator("#help dt").evaluate_all("all => all.flatMap(each => each.textContent.split(/\\s+/))")
    assert len(keys) > 20
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_on_a_phone_the_details_are_a_sheet_that_fits(
    ppl_process: PplProcess, open_page: OpenPage, scheme: str
) -> None:
    options = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "color_scheme": scheme}
    data = lines(*range(30)) + b"<13>1 - h a - - - " + b"x" * 500 + b"\n"
    _, page = _open(ppl_process, open_page, data, "x" * 500, **options)
    page.locator("#log .message").last.click()
    box = page.locator("#details").bounding_box()
    assert box is not None
    assert (box["x"], box["width"]) == (0, 390)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    sizes = page.locator("#details button:visible, #details a").evaluate_all(
        "all => all.map(each => each.getBoundingClientRect().height)"
    )
    assert min(sizes) >= 40
    page.get_by_role("button", name="Close").first.click()
    expect(page.locator("#details")).to_be_hidden()


@pytest.mark.parametrize("width", [1280, 390])
def test_context_scrolls_its_own_lines_and_never_the_page(
    ppl_process: PplProcess, open_page: OpenPage, width: int
) -> None:
    """Rows of severity notice hold a word for screen readers only, which must not add to the page's height."""
    data = b"".join(b"<165>1 - web-01 app - - - line %d\n" % number for number in range(300))
    options = {"viewport": {"width": width, "height": 800}}
    _, page = _open(ppl_process, open_page, data, "line 299", **options)
    _row(page, "line 290").locator(".message").click()
    expect(page.locator("#details")).to_be_visible()
    page.get_by_role("button", name="Context ±50").click()
    expect(page.locator("#context .row.anchor .message")).to_have_text("line 290")
    page.wait_for_timeout(200)
    assert page.evaluate("() => [scrollY, document.scrollingElement.scrollHeight]") == [0, 800]
    assert page.locator("nav.top").bounding_box()["y"] == 0  # type: ignore[index]
    anchor, room = boxes(page.locator("#context .row.anchor"), page.locator("#context .lines"))
    assert room["y"] < anchor["y"] < room["y"] + room["height"]
    seen = page.locator("#context .row.anchor").evaluate(
        "row => { const { x, y } = row.getBoundingClientRect();"
        " return row.contains(document.elementFromPoint(x + 60, y + 5)); }"
    )
    assert seen, "nothing lies over it"
    # A sheet over the lines closes; a panel beside them stays.
    expect(page.locator("#details")).to_be_visible(visible=width == 1280)
