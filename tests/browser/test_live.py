"""The live view in Chromium: tail, pause, resume, history, and hostile lines."""

from __future__ import annotations

import itertools

import pytest

from tests.browser.conftest import OpenPage
from tests.browser.looking import (
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
from tests.fixtures.running import PplProcess, eventually

pytestmark = pytest.mark.browser


def test_a_new_line_appears_by_itself(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, lines(1))
    page = open_page(ppl_process, who)
    until_shown(page, "line 1")
    ppl_process.send(who.port, lines(2))
    until_shown(page, "line 2")
    until_state(page, "Live")
    row = page.locator("#log .row").last
    assert row.locator(".host").inner_text() == "web-01"
    assert row.locator(".program").inner_text() == "app"


@pytest.mark.parametrize("way", ["wheel", "key", "space", "selection", "touch"])
def test_each_way_of_pausing_holds_the_rows_still_and_counts_what_is_new(
    ppl_process: PplProcess, open_page: OpenPage, way: str
) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, lines(*range(300)))
    page = open_page(ppl_process, who, has_touch=way == "touch")
    until_shown(page, "line 299")
    until_settled(page)
    top = scroll(page)["top"]
    if way == "wheel":
        wheel(page, -300)
    elif way == "key":
        page.locator("#log").focus()
        page.keyboard.press("PageUp")
    elif way == "space":
        page.keyboard.press(" ")
    elif way == "selection":
        page.locator("#log .message").last.select_text()
    else:
        page.locator("#log").evaluate(
            """log => {
                const at = y => ({bubbles: true, touches: [new Touch({identifier: 1, target: log, clientY: y})]});
                log.dispatchEvent(new TouchEvent("touchstart", at(300)));
                log.dispatchEvent(new TouchEvent("touchmove", at(340)));
            }"""
        )
    until_state(page, "Paused")
    if way in ("wheel", "key"):
        until_scrolled(page, top)
    until_at_rest(page)
    before, place = scroll(page), place_of(page, "line 290")
    ppl_process.send(who.port, lines(*range(300, 400)))
    eventually(lambda: "100 new lines" in page.locator("#pill").inner_text(), "the count of new lines")
    assert abs(place_of(page, "line 290") - place) <= 1
    assert scroll(page) == before
    assert shown(page)[-1] == "line 299"


@pytest.mark.parametrize("way", ["pill", "end", "bottom"])
def test_resuming_brings_what_came_meanwhile_without_gap_or_duplicate(
    ppl_process: PplProcess, open_page: OpenPage, way: str
) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, lines(*range(300)))
    page = open_page(ppl_process, who)
    until_shown(page, "line 299")
    until_settled(page)
    top = scroll(page)["top"]
    wheel(page, -300)
    until_state(page, "Paused")
    until_scrolled(page, top)
    ppl_process.send(who.port, lines(*range(300, 350)))
    eventually(lambda: "50 new lines" in page.locator("#pill").inner_text(), "the count of new lines")
    if way == "pill":
        page.locator("#pill").click()
    elif way == "end":
        page.keyboard.press("End")
    else:
        wheel(page, 5000)
    until_state(page, "Live")
    until_shown(page, "line 349")
    texts = shown(page)
    first = int(texts[0].split()[1])
    assert texts == [f"line {number}" for number in range(first, 350)]
    ppl_process.send(who.port, lines(350))
    until_shown(page, "line 350")
    eventually(lambda: _is_at_bottom(page), "the list follows the newest line")


def _is_at_bottom(page) -> bool:
    now = scroll(page)
    return now["height"] - now["top"] - now["room"] <= 4


def test_many_lines_missed_in_a_pause_become_a_gap_that_loads(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, lines(*range(100)))
    page = open_page(ppl_process, who)
    until_shown(page, "line 99")
    page.keyboard.press(" ")
    until_state(page, "Paused")
    ingest(ppl_process, who, lines(*range(100, 700)))
    eventually(lambda: "600 new lines" in page.locator("#pill").inner_text(), "the count of new lines")
    page.keyboard.press("End")
    until_shown(page, "line 699")
    assert "400 lines skipped" in page.locator(".gap").inner_text()
    page.locator(".gap button").click()
    eventually(lambda: page.locator(".gap").count() == 0, "the gap filled")
    assert shown(page) == [f"line {number}" for number in range(700)]


#: Scrolls back, and returns the message and the place of the row that is then in the middle of the log.
_SCROLLED_BACK = """() => {
    const log = document.getElementById("log");
    log.scrollTop -= 2500;
    const { top, height } = log.getBoundingClientRect();
    const row = [...log.querySelectorAll(".row")].find((each) => each.getBoundingClientRect().top > top + height / 2);
    return [row.querySelector(".message").textContent, row.getBoundingClientRect().top];
}"""


def test_history_scrolls_to_the_oldest_line_without_gap_duplicate_or_jump(
    ppl_process: PplProcess, open_page: OpenPage
) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, lines(*range(1500)))
    page = open_page(ppl_process, who)
    until_shown(page, "line 1499")
    until_settled(page)
    top = scroll(page)["top"]
    wheel(page, -400)
    until_state(page, "Paused")
    until_scrolled(page, top)
    page.evaluate("() => { document.getElementById('log').scrollTop -= 1 }")
    for _ in range(60):
        if page.locator(".note").count():
            break
        message, place = page.evaluate(_SCROLLED_BACK)
        until_at_rest(page)
        assert abs(place_of(page, message) - place) <= 1, "what is put before moves nothing"
    eventually(lambda: page.locator(".note").count() == 1, "the beginning of history")
    assert page.locator(".note").inner_text() == "Beginning of history"
    assert shown(page) == [f"line {number}" for number in range(1500)]


def test_older_lines_are_put_before_without_moving_the_row_one_looks_at(
    ppl_process: PplProcess, open_page: OpenPage
) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, lines(*range(1000)))
    page = open_page(ppl_process, who)
    until_shown(page, "line 999")
    until_settled(page)
    page.keyboard.press(" ")
    until_state(page, "Paused")
    until_at_rest(page)
    assert shown(page)[0] == "line 800"
    # Near enough to the top that the page asks for the next portion, also if rows turn out higher than was assumed.
    place = page.evaluate(
        """() => {
            document.getElementById("log").scrollTop = 600;
            const rows = [...document.querySelectorAll("#log .row")];
            const row = rows.find(each => each.querySelector(".message").textContent === "line 845");
            return row.getBoundingClientRect().top;
        }"""
    )
    eventually(lambda: shown(page)[0] == "line 600", "the next older portion")
    assert abs(place_of(page, "line 845") - place) <= 1


def test_scrolling_back_down_after_far_history_loads_the_newer_lines_again(
    ppl_process: PplProcess, open_page: OpenPage
) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, lines(*range(4500)))
    page = open_page(ppl_process, who)
    until_shown(page, "line 4499")
    until_settled(page)
    top = scroll(page)["top"]
    wheel(page, -400)
    until_state(page, "Paused")
    until_scrolled(page, top)

    def up() -> bool:
        page.evaluate("() => { document.getElementById('log').scrollTop = 0 }")
        return page.locator(".note").count() == 1

    eventually(up, "the beginning of history", 40)
    assert len(shown(page)) <= 3050, "the window of rows is bounded"

    def down() -> bool:
        page.evaluate("() => { const log = document.getElementById('log'); log.scrollTop = log.scrollHeight }")
        return shown(page)[-1:] == ["line 4499"]

    eventually(down, "the newest line", 40)
    texts = shown(page)
    first = int(texts[0].split()[1])
    assert texts == [f"line {number}" for number in range(first, 4500)]


def test_thousands_of_lines_a_second_keep_the_window_bounded_and_admit_what_is_left_out(
    ppl_process: PplProcess, open_page: OpenPage
) -> None:
    who = ppl_process.register()
    page = open_page(ppl_process, who)
    until_state(page, "Waiting")
    for first in range(0, 12_000, 2000):
        ppl_process.send(who.port, lines(*range(first, first + 2000)))
    until_shown(page, "line 11999")
    assert page.locator("#log .row").count() <= 1100
    texts = [int(text.split()[1]) for text in shown(page)]
    assert texts == sorted(set(texts)), "in order, none twice"
    gaps = page.locator(".gap").count()
    assert gaps or texts == list(range(texts[0], 12_000)), "what was left out is marked"


def test_hostile_text_is_only_ever_text(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, lines(1))
    page = open_page(ppl_process, who)
    until_shown(page, "line 1")
    hostile = [
        "<script>document.title='owned'</script>",
        "<img src=x onerror=\"document.title='owned'\">",
        "javascript:alert(1) &lt;b&gt; {{7*7}} ${7*7}",
        "x" * 90_000,
    ]
    head = "<13>1 - <b>host</b> <i>app</i> - - - "
    ppl_process.send(who.port, "".join(f"{head}{text}\n" for text in hostile).encode())
    eventually(lambda: page.locator("#log .row").count() == 5, "five rows")
    assert page.title() == "Events · Ppl"
    assert shown(page)[1:4] == hostile[:3]
    assert page.locator("#log .host").nth(1).inner_text() == "<b>host</b>"
    page.locator(".more").click()
    assert page.locator("#log .message").last.inner_text() == hostile[3] + "▾ show less"
    assert state(page) == "Paused — reading", "what one opens stays where it is"
    page.keyboard.press("End")
    escapes = "<13>1 - h a - - - \x1b[2J\x1b]0;title\x07\x1b[31mred\x1b[8m \u202egnp.exe\u2066 \u200bend\n"
    ppl_process.send(who.port, escapes.encode())
    eventually(lambda: page.locator("#log .row").count() == 6, "six rows")
    text = page.locator("#log .message").last.inner_text()
    assert text == "␛[2J␛]0;title␇red ⟦U+202E⟧gnp.exe⟦U+2066⟧ ⟦U+200B⟧end", "of all escapes only colours are obeyed"


def test_a_selection_survives_what_comes_live(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, lines(*range(50)))
    page = open_page(ppl_process, who)
    until_shown(page, "line 49")
    page.get_by_text("line 30", exact=True).select_text()
    until_state(page, "Paused")
    ppl_process.send(who.port, lines(*range(50, 80)))
    eventually(lambda: "30 new lines" in page.locator("#pill").inner_text(), "the count")
    assert page.evaluate("() => getSelection().toString()") == "line 30"


def test_a_page_that_slept_goes_on_with_bounded_rows_and_without_a_double(
    ppl_process: PplProcess, open_page: OpenPage
) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, lines(*range(300)))
    page = open_page(ppl_process, who)
    until_shown(page, "line 299")
    browser = page.context.new_cdp_session(page)
    # A browser freezes a tab that was hidden for minutes, and a machine all of them when its lid is closed.
    browser.send("Page.setWebLifecycleState", {"state": "frozen"})
    for start in range(300, 6_300, 500):
        ingest(ppl_process, who, lines(*range(start, start + 500)))
    browser.send("Page.setWebLifecycleState", {"state": "active"})
    until_shown(page, "line 6299")
    until_state(page, "Live")
    numbers = [int(text.split()[1]) for text in shown(page)]
    assert len(numbers) <= 1050
    assert len(set(numbers)) == len(numbers)
    assert numbers == sorted(numbers)
    gaps = sum(following != number + 1 for number, following in itertools.pairwise(numbers))
    eventually(lambda: page.locator("#log .gap").count() == gaps, "what is left out is admitted")
