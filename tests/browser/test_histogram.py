"""Finding a time: the histogram, zoomed by drag, touch and keys; ranges; and going to a time given in words."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.looking import ingest, lines, shown, until_at_rest, until_shown, until_state
from tests.browser.test_search import search, until_all_shown
from tests.fixtures.database import BY_SEVERITY
from tests.fixtures.running import PplProcess, Registered, eventually

pytestmark = [pytest.mark.browser, pytest.mark.long]

_MINUTE = 60_000_000


def spread(ppl: PplProcess, who: Registered) -> int:
    """Send lines 0 to 39 and move them back in time, to one per minute; returns the time (µs) of the last."""
    data = b"".join(
        b"<%d>1 - web-%02d app - - - line %d\n" % (8 + {0: 3, 1: 4}.get(n % 10, 6), n % 2, n) for n in range(40)
    )
    ingest(ppl, who, data)
    last = time.time_ns() // 1000 // _MINUTE * _MINUTE - _MINUTE // 2
    ((here, lower),) = ppl.rows("SELECT id, (SELECT min(lower) FROM slot) FROM destination WHERE port = %s", who.port)
    if lower > last - 40 * _MINUTE:
        before = lower - 3600_000_000
        ppl.rows(
            f"CREATE TABLE event_{before} (LIKE event INCLUDING ALL);"
            f"ALTER TABLE event ATTACH PARTITION event_{before} FOR VALUES FROM ({before}) TO ({lower});"
            f"INSERT INTO slot (lower, upper) VALUES ({before}, {lower})"
        )
    for number, (id_,) in enumerate(ppl.rows("SELECT id FROM event WHERE destination_id = %s ORDER BY id", here)):
        moved = last - (39 - number) * _MINUTE
        ppl.rows("UPDATE event SET id = %s WHERE destination_id = %s AND id = %s", moved, here, id_)
    ppl.rows(
        f"DELETE FROM event_count WHERE destination_id = {here};"
        f"DELETE FROM event_minute WHERE destination_id = {here};"
        "INSERT INTO event_count SELECT destination_id, lower, count(*), max(id) FROM event JOIN slot"
        f" ON id >= lower AND id < upper WHERE destination_id = {here} GROUP BY 1, 2;"
        f"INSERT INTO event_minute SELECT destination_id, id / 60000000, {BY_SEVERITY} FROM event"
        f" WHERE destination_id = {here} GROUP BY 1, 2"
    )
    return last


def label(page: Page) -> str:
    return page.locator("#histogram .label").inner_text()


def until_counted(page: Page, text: str) -> None:
    """Wait until the lines are counted; once lines are shown, nothing counts again what was counted before them."""
    counted = page.locator("#histogram:not(.stale)")
    eventually(lambda: counted.is_visible() and text in label(page), f"the label {text!r}", 30)


@pytest.fixture
def filled(ppl_process: PplProcess, open_page: OpenPage) -> tuple[Page, int]:
    """The page of a destination with a line per minute for 40 minutes, and the time (µs) of the last."""
    who = ppl_process.register()
    now = spread(ppl_process, who)
    page = open_page(ppl_process, who)
    until_shown(page, "line 39")
    until_counted(page, "40 lines")
    return page, now


def drag(page: Page, first: float, last: float) -> None:
    """Drag over the histogram, from one part of its width (0 to 1) to another."""
    box = page.locator("#histogram .plot").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * first, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * last, box["y"] + 20, steps=4)
    page.mouse.up()


def press_until(page: Page, key: str, done: Callable[[], bool]) -> None:
    """Press a key until `done`: how many bars lie between a line and the end grows with each minute that passes."""
    for _ in range(10):
        page.keyboard.press(key)
        if done():
            return
    pytest.fail(f"{key}, ten times: {label(page)!r}")


def query(page: Page) -> str:
    return page.get_by_label("Search", exact=True).input_value()


def test_bars_add_up_to_what_there_is_by_severity_with_errors_lowest(filled: tuple[Page, int]) -> None:
    page, _ = filled
    drawn = page.locator("#histogram path:not(.before, .here)").evaluate_all(
        "paths => paths.map(path => path.getAttribute('d'))"
    )
    other, warning, errors = ([float(y) for y in re.findall(r"M[\d.]+ ([\d.]+)V", path)] for path in drawn)
    assert (len(errors), len(warning), len(other)) == (4, 4, 32)
    assert set(errors) == {100.0}, "errors stand on the baseline"
    assert "max 1/min" in label(page)
    search(page, "severity:err")
    until_counted(page, "4 lines · max")
    search(page, "nothing")
    expect(page.locator("#histogram")).to_be_hidden()


def test_a_drag_zooms_and_back_leads_out_again(filled: tuple[Page, int]) -> None:
    page, _ = filled
    drag(page, 0.5, 0.8)
    eventually(lambda: re.fullmatch(r'after:"[-\d]+ \d\d:\d\d" before:"[-\d]+ \d\d:\d\d"', query(page)), "the range")
    # The list and the count come one after the other, and the list maybe in parts.
    eventually(lambda: 0 < len(shown(page)) < 40 and label(page).startswith(f"{len(shown(page))} lines"), "fewer", 30)
    expect(page.locator("#chips button")).to_have_count(2)
    page.go_back()
    until_counted(page, "40 lines")
    assert query(page) == ""
    until_shown(page, "line 39")


def test_arrow_keys_move_select_and_zoom(filled: tuple[Page, int]) -> None:
    page, last = filled
    plot = page.get_by_role("slider")
    plot.focus()
    minute = f"{datetime.fromtimestamp(last / 1e6, UTC):%H:%M}"
    press_until(page, "ArrowLeft", lambda: label(page).startswith(minute) and label(page).endswith(" · 1 line"))
    told, said = page.locator("#histogram").evaluate(
        "room => [room.querySelector('.plot').ariaValueText, room.querySelector('.label').innerText]"
    )
    assert told == said
    page.keyboard.press("Escape")
    assert "40 lines" in label(page)
    page.keyboard.press("End")
    press_until(page, "Shift+ArrowLeft", lambda: " · 3 lines" in label(page))
    page.keyboard.press("Enter")
    until_all_shown(page, "line 37", "line 38", "line 39")
    assert "before:" not in query(page), "what ends now goes on"
    until_state(page, "Live")


def test_a_drag_leaves_no_ring_and_a_key_shows_one(filled: tuple[Page, int]) -> None:
    page, _ = filled
    plot = page.get_by_role("slider")
    outline = "plot => [plot === document.activeElement, getComputedStyle(plot).outlineStyle]"
    drag(page, 0.5, 0.8)
    eventually(lambda: "after:" in query(page), "the range")
    assert plot.evaluate(outline) == [True, "none"]
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    assert plot.evaluate(outline) == [True, "solid"]


def test_the_histogram_has_all_keys_of_a_slider(filled: tuple[Page, int]) -> None:
    page, _ = filled
    plot = page.get_by_role("slider")
    plot.focus()
    keys = ("ArrowDown", "ArrowDown", "PageDown", "ArrowUp", "PageUp", "Home", "PageDown", "End")

    def walked() -> list[tuple[int, int]]:
        """The bar that each key leads to, and the last bar at that time."""
        page.keyboard.press("Escape")
        places = []
        for key in keys:
            page.keyboard.press(key)
            now, last = plot.evaluate("plot => [Number(plot.ariaValueNow), Number(plot.ariaValueMax)]")
            places.append((now, last))
        return places

    def within_a_minute() -> list[tuple[int, int]] | None:
        """With each minute that passes there is a bar more: the keys are pressed again then."""
        places = walked()
        return places if len({last for _, last in places}) == 1 else None

    places = eventually(within_a_minute, "the same bars from the first key to the last")
    last = places[0][1]
    assert [now for now, _ in places] == [last, last - 1, last - 11, last - 10, last, 0, 0, last]
    until_state(page, "Live")


def test_what_comes_is_counted_in_quietly(
    ppl_process: PplProcess, open_page: OpenPage, filled: tuple[Page, int]
) -> None:
    page, _ = filled
    ((port,),) = ppl_process.rows("SELECT port FROM destination ORDER BY id DESC LIMIT 1")
    search(page, "line")
    until_counted(page, "40 lines")
    ppl_process.send(port, lines(40, 41))
    until_shown(page, "line 41")
    until_counted(page, "42 lines")


def test_a_range_of_the_menu_and_one_in_words_stand_in_the_query(filled: tuple[Page, int]) -> None:
    page, _ = filled
    menu = page.locator("#range")
    menu.select_option("Last 15 min")
    eventually(lambda: shown(page)[:1] in (["line 25"], ["line 26"]), "the last 15 minutes")
    assert query(page) == "after:15m"
    menu.select_option("custom")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("From")).to_have_value("15m")
    dialog.get_by_label("From").fill("whenever")
    dialog.get_by_role("button", name="Show").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Expected")
    dialog.get_by_label("From").fill("35 minutes ago")
    dialog.get_by_label("Until").fill("30m")
    dialog.get_by_role("button", name="Show").click()
    eventually(lambda: query(page) == 'after:"35 minutes ago" before:30m', "the query")
    eventually(lambda: len(shown(page)) == 5, "five minutes")
    assert re.search(r"\d\d:\d\d.* – .*\d\d:\d\d", menu.evaluate("menu => menu.selectedOptions[0].text"))
    menu.select_option("Any time")
    until_shown(page, "line 39")


def test_a_time_in_words_is_gone_to_without_losing_what_is_around_it(filled: tuple[Page, int]) -> None:
    page, last = filled

    def first_since_20_minutes() -> int:
        """The number of the first line that came in the last 20 minutes."""
        return 39 - (last - (time.time_ns() // 1000 - 20 * _MINUTE)) // _MINUTE

    page.keyboard.press("t")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Time").fill("20 minutes ago")
    lowest = first_since_20_minutes()
    page.keyboard.press("Enter")
    until_state(page, "Paused — at ")
    highest = first_since_20_minutes()
    eventually(lambda: len(shown(page)) == 40, "what is before and after")
    until_at_rest(page)
    top = page.evaluate(
        "() => { const log = document.getElementById('log').getBoundingClientRect();"
        " return [...document.querySelectorAll('.row')].find(row => row.getBoundingClientRect().top >= log.top - 1)"
        ".querySelector('.message').textContent; }"
    )
    assert top in {f"line {number}" for number in range(lowest, highest + 1)} or page.evaluate(
        "() => { const log = document.getElementById('log'); return log.scrollHeight <= log.clientHeight * 2 }"
    )
    assert shown(page) == [f"line {number}" for number in range(40)]
    page.keyboard.press("End")
    until_state(page, "Live")
    page.keyboard.press("t")
    dialog.get_by_label("Time").fill("tomorrow")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_have_text("That time is in the future: there are no lines yet.")
    dialog.get_by_label("Time").fill("2016-10-07 17:30")
    page.keyboard.press("Enter")
    until_state(page, "Paused — nothing at 7 October 2016, 17:30:00, the next line is from ")
    eventually(lambda: shown(page)[:1] == ["line 0"], "the next line")
    page.keyboard.press("t")
    dialog.get_by_label("Time").fill("now")
    page.keyboard.press("Enter")
    expect(page.locator("#status .problem")).to_contain_text("Nothing came after ")
    until_state(page, "Live")
    until_shown(page, "line 39")


def test_a_finger_zooms(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who = ppl_process.register()
    spread(ppl_process, who)
    page = open_page(ppl_process, who, viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True)
    until_shown(page, "line 39")
    until_counted(page, "40 lines")
    box = page.locator("#histogram .plot").bounding_box()
    assert box is not None
    assert box["height"] >= 40
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + 20)
    eventually(lambda: "after:" in query(page), "a minute")
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("width", [1280, 390])
def test_pictures_of_a_search(
    ppl_process: PplProcess, open_page: OpenPage, tmp_path: Path, scheme: str, width: int
) -> None:
    """Pictures for people to look at: pytest keeps the temporary directories of the last runs."""
    who = ppl_process.register()
    spread(ppl_process, who)
    page = open_page(ppl_process, who, color_scheme=scheme, viewport={"width": width, "height": 800})
    until_shown(page, "line 39")
    until_counted(page, "40 lines")
    page.mouse.move(width / 2, 100)
    pictures = {"live": page.screenshot(path=tmp_path / "live.png")}
    search(page, "line -nginx severity:>=warning")
    until_counted(page, "8 lines")
    pictures["chips"] = page.screenshot(path=tmp_path / "chips.png")
    page.keyboard.press("/")
    page.keyboard.type("line host:")
    expect(page.locator("#suggestions li").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    pictures["options"] = page.screenshot(path=tmp_path / "options.png")
    page.keyboard.press("Escape")
    search(page, "line severity:bad")
    expect(page.locator("#search-error")).not_to_be_empty()
    pictures["wrong"] = page.screenshot(path=tmp_path / "wrong.png")
    page.keyboard.press("Escape")
    expect(page.locator("#search-error")).to_be_empty()
    search(page, "nothing after:1h")
    expect(page.locator(".note")).to_contain_text("No lines match")
    pictures["no-match"] = page.screenshot(path=tmp_path / "no-match.png")
    page.keyboard.press("t")
    expect(page.get_by_role("dialog")).to_be_visible()
    pictures["goto"] = page.screenshot(path=tmp_path / "goto.png")
    assert len(set(pictures.values())) == len(pictures), "every state looks like itself"
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("hours", [-3, 3])
def test_a_browser_whose_clock_is_off_shows_what_the_server_has_received(
    ppl_process: PplProcess, open_page: OpenPage, hours: int
) -> None:
    who = ppl_process.register()
    spread(ppl_process, who)
    page = open_page(ppl_process, who, path="/login")
    page.add_init_script(f"const real = Date.now; Date.now = () => real() + {hours} * 3600e3;")
    page.goto(f"{ppl_process.url}/")
    until_shown(page, "line 39")
    until_counted(page, "40 lines")
    bars = int(page.locator("#histogram .plot").get_attribute("aria-valuemax") or 0)
    assert 40 <= bars <= 62, "an hour of minutes, no hours without a line"
    ppl_process.send(who.port, lines(50))
    until_shown(page, "line 50")
    until_counted(page, "41 lines")
    page.goto(f"{ppl_process.url}/settings")
    before = time.time()
    told = datetime.fromisoformat(page.locator("#now time").inner_text()).replace(tzinfo=UTC).timestamp()
    assert before - 5 < told < time.time() + 5
