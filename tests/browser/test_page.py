"""The viewer page around the list: first line, time zone, lost connection, narrow and wide, dark and light."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.looking import every_look, ingest, lines, retry_now, shown, state, until_shown, until_state
from tests.fixtures.running import PplProcess, eventually

pytestmark = pytest.mark.browser


def test_registering_leads_to_the_first_line_page_that_goes_live_by_itself(
    ppl_process: PplProcess, open_page: OpenPage
) -> None:
    page = open_page(ppl_process, path="/register")
    page.get_by_label("Email").fill("new@example.com")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Register").click()
    port = str(ppl_process.ports[0])
    expect(page.get_by_role("heading", name="Send your first log line")).to_be_visible()
    for name in ("remote_syslog2", "rsyslog", "syslog-ng", "Docker", "netcat"):
        page.get_by_role("tab", name=name, exact=True).click()
        snippet = page.locator("#snippet pre").first.inner_text()
        assert "127.0.0.1" in snippet
        assert port in snippet
    eventually(lambda: state(page) == "Waiting", "nothing has come yet")
    ppl_process.send(int(port), b"hello from a server\n")
    until_shown(page, "hello from a server")
    expect(page.locator("#first-line")).to_be_hidden()
    until_state(page, "Live")


def test_registering_suggests_the_time_zone_of_the_browser(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page = open_page(ppl_process, path="/register", timezone_id="Asia/Tokyo")
    field = page.get_by_label("Time zone")
    expect(field).to_have_value("Asia/Tokyo")
    expect(field).to_be_hidden()
    page.get_by_text("Time zone: Asia/Tokyo").click()
    page.get_by_label("Email").fill("other@example.com")
    page.get_by_label("Password").fill("correct horse battery")
    field.fill("Nowhere/Land")
    page.expected_errors = ["400 (Bad Request)"]
    page.get_by_role("button", name="Register").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(field).to_have_value("Nowhere/Land")
    expect(field).to_be_focused()
    expect(page.get_by_label("Email")).to_have_value("other@example.com")
    field.fill("Asia/Tokyo")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Register").click()
    expect(page.get_by_role("heading", name="Send your first log line")).to_be_visible()
    expect(page.locator("#status")).to_contain_text("Asia/Tokyo")


def test_without_scripts_registering_offers_utc(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page = open_page(ppl_process, path="/register", timezone_id="Asia/Tokyo", java_script_enabled=False)
    expect(page.get_by_label("Time zone")).to_have_value("UTC")


def test_a_test_line_makes_the_empty_page_live(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who = ppl_process.register()
    page = open_page(ppl_process, who)
    page.get_by_role("button", name="Send a test line").click()
    eventually(lambda: len(shown(page)) == 1, "the test line")
    expect(page.locator("#first-line")).to_be_hidden()


def test_a_snippet_is_copied(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who = ppl_process.register()
    page = open_page(ppl_process, who, permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy Send a line").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("() => navigator.clipboard.readText()")
    assert copied == f'echo "hello from $(hostname)" | nc -w 1 127.0.0.1 {who.port}'


@pytest.mark.parametrize(
    ("zone", "clock", "name"),
    [("+02.00", "01:59:59.123", "UTC+02:00"), ("America/New_York", "19:59:59.123", "America/New_York")],
)
def test_times_are_in_the_users_zone(
    ppl_process: PplProcess, open_page: OpenPage, zone: str, clock: str, name: str
) -> None:
    who = ppl_process.register(time_zone=zone)
    ingest(ppl_process, who, b"<13>1 2016-10-06T23:59:59.123456Z web-01 app - - - x\n")
    page = open_page(ppl_process, who)
    until_shown(page, "x")
    assert page.locator("#log .time").inner_text() == clock
    day = "Friday 7 October 2016" if zone.startswith("+") else "Thursday 6 October 2016"
    expect(page.locator("#day")).to_have_text(f"{day} · {name}")
    expect(page.locator("#status .zone")).to_have_text(name)


def test_severity_is_a_tag_and_not_colour_alone(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, b"<11>1 - h a - - - bad\n<12>1 - h a - - - odd\n<14>1 - h a - - - fine\n")
    page = open_page(ppl_process, who)
    until_shown(page, "fine")
    assert page.locator("#log .tag").all_inner_texts() == ["ERR", "WARN"]


def test_a_lost_server_is_said_and_on_return_nothing_is_missing(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, lines(*range(10)))
    page = open_page(ppl_process, who)
    page.expected_errors = ["WebSocket", "ERR_CONNECTION_REFUSED", "Failed to load resource", "ERR_"]  # type: ignore[attr-defined]
    until_shown(page, "line 9")
    ppl_process.kill()
    banner = page.locator("#offline")
    expect(banner).to_contain_text("Reconnecting in")
    assert state(page) == "Offline"
    assert shown(page)[-1] == "line 9", "rows stay readable"

    def attempt() -> int:
        found = re.search(r"attempt (\d+)", banner.inner_text())
        return int(found[1]) if found else 0

    before = eventually(lambda: number if (number := attempt()) > 1 else 0, "another attempt", 30)
    page.get_by_role("button", name="Retry now").click()
    eventually(lambda: attempt() > before, "one at once", 30)
    ppl_process.start()
    ingest(ppl_process, who, lines(*range(10, 40)))
    retry_now(page)
    expect(banner).to_be_hidden(timeout=20_000)
    until_shown(page, "line 39")
    ppl_process.send(who.port, lines(40))
    until_shown(page, "line 40")
    assert shown(page) == [f"line {number}" for number in range(41)]


def test_a_session_that_ended_leads_to_login_and_back(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, lines(1))
    page = open_page(ppl_process, who, path="/?q=ip%3A127.0.0.1")
    page.expected_errors = ["WebSocket", "Failed to load resource"]  # type: ignore[attr-defined]
    until_shown(page, "line 1")
    ppl_process.rows("DELETE FROM session")
    ppl_process.stop()
    ppl_process.start()
    page.wait_for_url("**/login?next=*", timeout=40_000)
    page.get_by_label("Email").fill(who.email)
    page.get_by_label("Password").fill(who.password)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/?q=ip%3A127.0.0.1")
    until_shown(page, "line 1")


@pytest.mark.long
@every_look
def test_no_page_scrolls_sideways(ppl_process: PplProcess, open_page: OpenPage, scheme: str, width: int) -> None:
    who = ppl_process.register()
    options = {"color_scheme": scheme, "viewport": {"width": width, "height": 800}}
    page = open_page(ppl_process, who, **options)
    until_state(page, "Waiting")
    assert _fits(page)
    ingest(ppl_process, who, b"<11>1 - web-01 app - - - " + b"x" * 3000 + b"\n" + lines(*range(60)))
    until_shown(page, "line 59")
    assert _fits(page)
    for path in ("/settings", "/login", "/register", "/nowhere"):
        page = open_page(ppl_process, who if path == "/settings" else None, path, **options)
        page.expected_errors = ["404"]  # type: ignore[attr-defined]
        assert _fits(page), path
        assert page.evaluate("() => getComputedStyle(document.body).backgroundColor") == (
            "rgb(15, 20, 26)" if scheme == "dark" else "rgb(255, 255, 255)"
        )


def _fits(page) -> bool:
    return page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


def test_keys_work_and_are_left_alone_in_fields(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, lines(*range(100)))
    page = open_page(ppl_process, who)
    until_shown(page, "line 99")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.keyboard.press("/")
    page.keyboard.type("127 ")
    eventually(lambda: state(page) == "Live", "Space in a field does not pause")
    page.keyboard.press("Escape")
    page.keyboard.press(" ")
    until_state(page, "Paused — Space")
    page.keyboard.press(" ")
    until_state(page, "Live")
    page.keyboard.press("g")
    until_state(page, "Paused")
    page.keyboard.press("G")
    until_state(page, "Live")


def test_what_few_need_is_loaded_when_it_is_wanted(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who = ppl_process.register()
    page = open_page(ppl_process, who)
    expect(page.locator("#first-line")).to_be_visible()
    ingest(ppl_process, who, lines(1))
    until_shown(page, "line 1")
    page.reload()
    until_shown(page, "line 1")
    loaded = "() => performance.getEntriesByType('resource').map(each => each.name.split('/').pop())"
    assert {"firstline.js", "suggest.js", "asking.js"}.isdisjoint(page.evaluate(loaded))
    page.keyboard.press("/")
    page.keyboard.type("severity:e")
    expect(page.get_by_role("option", name="severity:err", exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.keyboard.press("t")
    expect(page.get_by_role("dialog", name="Go to a time")).to_be_visible()
    assert {"suggest.js", "asking.js"} <= set(page.evaluate(loaded))


def test_without_the_server_a_dialog_that_is_not_loaded_says_so(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, lines(1))
    page = open_page(ppl_process, who)
    until_shown(page, "line 1")
    page.expected_errors = ["asking.js", "ERR_FAILED"]  # type: ignore[attr-defined]
    page.route("**/asking.js", lambda route: route.abort())
    page.keyboard.press("t")
    expect(page.locator("#status .problem")).to_have_text("The server cannot be reached.")
