"""How the page handles frames that a real server sends rarely, or in an order that is hard to provoke."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import OpenPage
from tests.browser.looking import place_of, retry_now, scroll, until_at_rest, until_state
from tests.browser.scripted import ScriptedServer, event, ids
from tests.browser.test_search import search
from tests.fixtures.running import PplProcess, eventually

pytestmark = [pytest.mark.browser, pytest.mark.long]

Scripted = Callable[..., tuple[Page, ScriptedServer]]


@pytest.fixture
def scripted(ppl_process: PplProcess, open_page: OpenPage) -> Scripted:
    """Opens the viewer on a scripted server that has sent the events with those ids.

    ``before`` is a script that runs before those of the page.
    """

    def open_(*numbers: int, is_oldest: bool = False, before: str = "") -> tuple[Page, ScriptedServer]:
        server = ScriptedServer()
        page = open_page(ppl_process, ppl_process.register(), server=server)
        _until_identified(page, server, 1)
        if before:
            page.add_init_script(before)
            page.reload()
            _until_identified(page, server, 2)
        server.logs(*numbers, is_oldest=is_oldest)
        eventually(lambda: ids(page) == list(numbers), "the first portion")
        until_state(page, "Live" if numbers else "Waiting")
        return page, server

    return open_


def _until_identified(page: Page, server: ScriptedServer, times: int) -> None:
    _until_heard(page, lambda: len(server.asks("send_user_data")) >= times, f"send_user_data number {times}")


def _until_asked(page: Page, server: ScriptedServer, name: str, wanted: dict[str, str]) -> None:
    _until_heard(page, lambda: wanted in server.asks(name), f"{name} {wanted}")


def _until_heard(page: Page, heard: Callable[[], bool], what: str) -> None:
    # Playwright delivers the page's frames only during a call to it.
    eventually(lambda: page.evaluate("() => true") and heard(), what)


def test_lines_that_the_server_left_out_are_a_gap_that_loads(scripted: Scripted) -> None:
    page, server = scripted(*range(1, 101))
    server.say("live_gap", skipped=300, **{"from": "101", "to": "400"})
    server.live(401, 402)
    expect(page.locator(".gap")).to_have_text("300 lines skipped – load")
    page.locator(".gap button").click()
    _until_asked(page, server, "get_logs", {"after": "100", "before": "401"})
    until_state(page, "Paused — reading")
    server.logs(*range(101, 301), after="100", before="401")
    _until_asked(page, server, "get_logs", {"after": "300", "before": "401"})
    server.logs(*range(301, 401), after="300", before="401")
    _until_asked(page, server, "get_logs", {"after": "400", "before": "401"})
    server.logs(after="400", before="401")
    expect(page.locator(".gap")).to_have_count(0)
    assert ids(page) == list(range(1, 403))


@pytest.mark.parametrize(("found", "is_loaded"), [(250, False), (50, True)])
def test_the_previous_error_is_looked_for_among_lines_left_out_too(
    scripted: Scripted, found: int, is_loaded: bool
) -> None:
    page, server = scripted(*range(1, 50))
    server.say("live_update_logs", events=[event(50) | {"severity": "err"}], isOldestEventReached="false")
    eventually(lambda: ids(page)[-1] == 50, "the error")
    server.say("live_gap", skipped=300, **{"from": "51", "to": "350"})
    server.live(351, 352)
    expect(page.locator(".gap")).to_have_count(1)
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(json={"events": [event(found)], "complete": False, "reached": str(found)})

    page.route("**/api/events?**", answer)
    page.keyboard.press("E")
    _until_heard(page, lambda: bool(asked), "the server is asked")
    assert "before=351" in asked[0].split("&")
    assert "order=newest" in asked[0].split("&")
    if is_loaded:
        expect(page.locator("#log .row.chosen .message")).to_have_text("line 50")
        assert page.locator(".gap").count() == 1
    else:
        _until_asked(page, server, "get_logs", {"after": "249"})
        server.logs(*range(250, 353), after="249")
        expect(page.locator("#log .row.chosen .message")).to_have_text("line 250")


def test_the_previous_match_is_looked_for_beyond_the_lines_loaded(scripted: Scripted) -> None:
    page, server = scripted(*range(201, 401))
    search(page, "line OR x")
    _until_identified(page, server, 2)
    server.logs(*range(201, 401))
    expect(page.locator("#log mark")).to_have_count(200)
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        found = [event(50)] if len(asked) == 2 else []
        route.fulfill(
            json={"events": found, "complete": False, "reached": "100", "reached_time": "2026-11-01T00:01:40Z"}
        )

    page.route("**/api/events?**", answer)
    page.keyboard.press("Home")
    page.keyboard.press("k")
    expect(page.locator("#log .row.chosen .message")).to_have_text("line 201")
    page.keyboard.press("N")
    _until_heard(page, lambda: len(asked) == 2, "the server is asked until it has found")
    assert "q=line+OR+x" in asked[0].split("&")
    assert "before=201" in asked[0].split("&")
    assert "before=100" in asked[1].split("&")
    _until_asked(page, server, "get_logs", {"after": "49"})
    server.logs(*range(50, 250), after="49")
    expect(page.locator("#log .row.chosen .message")).to_have_text("line 50")


def test_a_huge_gap_loads_a_thousand_lines_for_a_click(scripted: Scripted) -> None:
    page, server = scripted(*range(1, 101))
    server.say("live_gap", skipped=12_340, **{"from": "101", "to": "12440"})
    server.live(12_441)
    page.locator(".gap button").click()
    for first in range(101, 1101, 200):
        _until_asked(page, server, "get_logs", {"after": str(first - 1), "before": "12441"})
        server.logs(*range(first, first + 200), after=str(first - 1), before="12441")
    expect(page.locator(".gap")).to_have_text("11,340 lines skipped – load")
    assert ids(page) == [*range(1, 1101), 12_441]
    assert len([data for data in server.asks("get_logs") if data.get("after") == "1100"]) == 0


@pytest.mark.parametrize("how", ["refused", "disconnected"])
def test_a_gap_that_could_not_be_loaded_can_be_tried_again(scripted: Scripted, how: str) -> None:
    page, server = scripted(*range(1, 101))
    server.say("live_gap", skipped=5, **{"from": "101", "to": "105"})
    server.live(106)
    page.locator(".gap button").click()
    expect(page.locator(".gap .words")).to_have_text("Loading…")
    if how == "refused":
        server.say("error", code="store_unavailable", message="PostgreSQL is away.", event="get_logs")
        expect(page.locator("#status .problem")).to_have_text("PostgreSQL is away.")
    else:
        server.close()
        expect(page.locator("#offline")).to_be_visible()
    expect(page.locator(".gap")).to_have_text("5 lines skipped – load")


def test_what_is_new_is_counted_on_through_a_reconnect(scripted: Scripted) -> None:
    page, server = scripted(*range(1, 101))
    page.keyboard.press(" ")
    until_state(page, "Paused")
    server.say("paused_count", new="50")
    expect(page.locator("#pill")).to_contain_text("50 new lines")
    server.close()
    expect(page.locator("#offline")).to_contain_text("Reconnecting in")
    assert "50 new lines" in page.locator("#pill").inner_text()
    retry_now(page)
    _until_identified(page, server, 2)
    assert "since" not in server.asks("send_user_data")[-1]
    server.logs(*range(31, 171))
    expect(page.locator("#pill")).to_contain_text("70 new lines")
    _until_asked(page, server, "pause_live_update", {})
    server.say("paused_count", new="1")
    expect(page.locator("#pill")).to_contain_text("71 new lines")
    assert ids(page) == list(range(1, 101)), "paused is paused"
    page.keyboard.press("End")
    _until_asked(page, server, "resume_live_update", {})
    server.logs(*range(32, 172))
    eventually(lambda: ids(page) == list(range(1, 172)), "what is new joined to what was shown")
    assert page.locator(".gap").count() == 0


def test_a_reconnect_goes_on_after_the_newest_line_shown(scripted: Scripted) -> None:
    page, server = scripted(*range(1, 101))
    server.live(101, 102)
    eventually(lambda: ids(page)[-1] == 102, "the live lines")
    server.close()
    retry_now(page)
    _until_identified(page, server, 2)
    assert server.asks("send_user_data")[-1]["since"] == "102"
    server.logs(103, 104, since="102")
    server.logs(105, since="104")
    server.live(105, 106)
    eventually(lambda: ids(page) == list(range(1, 107)), "no gap and no duplicate")


def test_an_answer_to_resume_that_comes_after_the_next_pause_moves_nothing(scripted: Scripted) -> None:
    page, server = scripted(*range(1, 201))
    page.keyboard.press(" ")
    page.keyboard.press(" ")
    page.keyboard.press(" ")
    until_state(page, "Paused")
    until_at_rest(page)
    before, place = scroll(page), place_of(page, "line 190")
    server.logs(*range(51, 251))
    expect(page.locator("#pill")).to_contain_text("50 new lines")
    assert scroll(page) == before
    assert place_of(page, "line 190") == place
    assert ids(page)[-1] == 200


def test_lines_under_way_at_the_pause_are_counted_and_not_shown(scripted: Scripted) -> None:
    page, server = scripted(*range(1, 201))
    page.keyboard.press(" ")
    server.live(201, 202)
    server.say("paused_count", new="3")
    expect(page.locator("#pill")).to_contain_text("5 new lines")
    assert ids(page)[-1] == 200


def test_where_nothing_lies_between_what_was_shown_and_what_is_new_no_gap_stays(scripted: Scripted) -> None:
    page, server = scripted(*range(1, 201))
    page.keyboard.press(" ")
    server.say("paused_count", new="200")
    expect(page.locator("#pill")).to_contain_text("200 new lines")
    page.keyboard.press("End")
    server.logs(*range(201, 401))
    _until_asked(page, server, "get_logs", {"after": "200", "before": "201"})
    server.logs(after="200", before="201")
    expect(page.locator(".gap")).to_have_count(0)
    assert ids(page) == list(range(1, 401))


def _tall_rows(scripted: Scripted, before: str = "") -> Page:
    """801 rows of several lines each, the newest in sight: chunks out of sight are far from their estimated height."""
    page, server = scripted(1, before=before)
    for first in range(2, 802, 200):
        events = [event(number, "word " * 150 + f"line {number}") for number in range(first, first + 200)]
        server.say("live_update_logs", events=events, isOldestEventReached="false")
        eventually(lambda last=first + 199: ids(page)[-1] == last, "the rows")  # type: ignore[misc]
    assert len(ids(page)) == 801
    eventually(lambda: _bottom(page) <= 4, "the newest line in sight")
    until_at_rest(page)
    return page


def test_pausing_leaves_the_rows_where_they_are_though_those_above_were_never_drawn(scripted: Scripted) -> None:
    page = _tall_rows(scripted)
    place = _place_of_last(page)
    # In one turn of the page: the status changes at once, before chunks far away are laid out.
    said, far = page.evaluate(
        """() => {
            document.body.dispatchEvent(new KeyboardEvent("keydown", {key: " ", bubbles: true}));
            const said = document.querySelector("#status .state .text").textContent;
            return [said, document.querySelectorAll("#log .far").length];
        }"""
    )
    assert said == "Paused — Space"
    assert far >= 10
    eventually(lambda: page.locator("#log .far").count() == 0, "every chunk at its true height")
    assert abs(_place_of_last(page) - place) <= 1
    heights = page.locator("#log .chunk").evaluate_all(
        "all => all.map(each => getComputedStyle(each).contentVisibility)"
    )
    assert set(heights) == {"visible"}


#: A browser that is never idle: it calls only when the time has passed for which it may wait, twenty times as fast.
_NEVER_IDLE = """
globalThis.requestIdleCallback = (act, options) => {
  globalThis.wasAsked = true;
  if (options && options.timeout) setTimeout(act, options.timeout / 20);
};
"""


def test_where_the_browser_is_never_idle_a_paused_view_gets_its_true_heights_too(scripted: Scripted) -> None:
    page = _tall_rows(scripted, before=_NEVER_IDLE)
    place = _place_of_last(page)
    page.keyboard.press(" ")
    until_state(page, "Paused")
    eventually(lambda: page.locator("#log .far").count() == 0, "every chunk at its true height")
    assert page.evaluate("() => globalThis.wasAsked"), "the page waits for the browser to be idle"
    assert abs(_place_of_last(page) - place) <= 1


def test_a_leap_right_after_the_pause_shows_rows_that_stay(scripted: Scripted) -> None:
    page = _tall_rows(scripted)
    place = page.evaluate(
        """() => new Promise(resolve => {
            document.body.dispatchEvent(new KeyboardEvent("keydown", {key: " ", bubbles: true}));
            const log = document.getElementById("log");
            log.scrollTop = log.scrollHeight / 2;
            requestAnimationFrame(() => requestAnimationFrame(() => {
                const { top } = log.getBoundingClientRect();
                const rows = [...log.querySelectorAll(".row")];
                globalThis.seen = rows.find(row => row.checkVisibility({contentVisibilityAuto: true})
                    && row.getBoundingClientRect().bottom > top);
                resolve(seen.getBoundingClientRect().top);
            }));
        })"""
    )
    eventually(lambda: page.locator("#log .far").count() == 0, "every chunk at its true height")
    assert abs(page.evaluate("() => seen.getBoundingClientRect().top") - place) <= 1


def test_the_banner_leaves_the_rows_where_they_are(scripted: Scripted) -> None:
    page, server = scripted(*range(1, 201))
    page.keyboard.press(" ")
    until_at_rest(page)
    page.evaluate("() => { document.getElementById('log').scrollTop = 1500 }")
    until_at_rest(page)
    place = place_of(page, "line 90")
    server.close()
    expect(page.locator("#offline")).to_be_visible()
    assert abs(place_of(page, "line 90") - place) <= 1
    retry_now(page)
    expect(page.locator("#offline")).to_be_hidden()
    assert abs(place_of(page, "line 90") - place) <= 1


def _bottom(page: Page) -> float:
    now = scroll(page)
    return now["height"] - now["top"] - now["room"]


def _place_of_last(page: Page) -> float:
    return page.locator("#log .row").last.evaluate("row => row.getBoundingClientRect().top")


def test_days_stand_between_the_lines_and_above_them(scripted: Scripted) -> None:
    page, server = scripted(*range(86_390, 86_411))
    expect(page.locator("#log .day")).to_have_text(["Monday 2 November 2026"])
    expect(page.locator("#day")).to_have_text("Sunday 1 November 2026 · UTC")
    assert page.locator("#log .day + .row").get_attribute("data-id") == "86400"
    server.live(*range(172_790, 172_900))
    expect(page.locator("#log .day")).to_have_text(["Monday 2 November 2026", "Tuesday 3 November 2026"])
    expect(page.locator("#day")).to_have_text("Tuesday 3 November 2026 · UTC")


@pytest.mark.parametrize("width", [1280, 390])
def test_the_day_stands_exactly_above_the_lines(scripted: Scripted, width: int) -> None:
    page, _ = scripted(86_398, 86_399, 86_400)
    page.set_viewport_size({"width": width, "height": 800})
    expect(page.locator("#day")).not_to_be_empty()
    lefts = page.evaluate(
        """() => ["#day", "#log .day", "#log .time"].map(each => {
            const range = document.createRange();
            range.selectNodeContents(document.querySelector(each));
            return range.getBoundingClientRect().left;
        })"""
    )
    assert max(lefts) - min(lefts) <= 0.5, lefts


def test_a_day_row_stays_right_when_older_lines_come_before_it(scripted: Scripted) -> None:
    page, server = scripted(*range(86_400, 86_600))
    assert page.locator("#log .day").count() == 0
    page.keyboard.press("g")
    _until_asked(page, server, "get_logs", {"before": "86400"})
    server.logs(*range(86_300, 86_400), before="86400", is_oldest=True)
    expect(page.locator("#log .day")).to_have_text(["Monday 2 November 2026"])
    assert page.locator("#log .day + .row").get_attribute("data-id") == "86400"


def test_a_refusal_is_said_and_forgotten_with_the_next_answer(scripted: Scripted) -> None:
    page, server = scripted(1)
    server.say("error", code="something_new", message="Not today.", event="resume_live_update")
    expect(page.locator("#status .problem")).to_have_text("Not today.")
    server.logs(2, since="1")
    expect(page.locator("#status .problem")).to_be_hidden()


def test_events_of_a_newer_server_are_passed_over(scripted: Scripted) -> None:
    page, server = scripted(1)
    server.say("something_new", more="x")
    server.live(2)
    eventually(lambda: ids(page) == [1, 2], "the live line")


@pytest.fixture
def searching(ppl_process: PplProcess, open_page: OpenPage) -> tuple[Page, ScriptedServer]:
    """The viewer on a scripted server, with a search that the server has not answered yet."""
    server = ScriptedServer()
    page = open_page(ppl_process, ppl_process.register(), path="/?q=rare", server=server)
    _until_identified(page, server, 1)
    assert server.asks("send_user_data")[0]["query"] == "rare"
    return page, server


Searching = tuple[Page, ScriptedServer]
_NOON_US = 1_446_379_200_000_000  # 1 November 2015, 12:00 UTC


def _reached(seconds: int) -> dict[str, str]:
    return {"reached": str(_NOON_US + seconds * 1_000_000), "searchedBackTo": "as reached"}


def _ids(*seconds: int) -> list[int]:
    return [_NOON_US + each * 1_000_000 for each in seconds]


def test_a_search_says_how_far_it_looked_and_its_parts_come_before_what_is_shown(searching: Searching) -> None:
    page, server = searching
    server.say("send_logs", events=[], isOldestEventReached="false", isPartial="true", **_reached(900))
    note = page.locator(".note")
    expect(note).to_have_text("Searching: 0 so far, back to 1 November 2015, 12:15:00 Cancel")
    bar = note.get_by_role("progressbar", name="Searched")
    assert bar.evaluate("bar => bar.position") == -1, "how much there is, is not known"
    server.say("search_progress", found="0", left="4000", **_reached(850))
    note.get_by_role("button", name="Cancel").focus()
    server.say("search_progress", found="0", left="1000", **_reached(800))
    expect(note).to_contain_text("12:13:20")
    assert bar.evaluate("bar => bar.position") == 0.75
    expect(note.get_by_role("button", name="Cancel")).to_be_focused()
    server.live(*_ids(1000))
    eventually(lambda: ids(page) == _ids(1000), "live goes on meanwhile")
    expect(note.get_by_role("status")).to_have_text("Searching further")
    server.logs(*_ids(700, 710), isPartial="true", **_reached(700))
    eventually(lambda: ids(page) == _ids(700, 710, 1000), "the second part before it")
    server.logs(*_ids(600), is_oldest=True)
    expect(note).to_have_text("Beginning of history")
    expect(bar).to_be_hidden()
    assert ids(page) == _ids(600, 700, 710, 1000)
    assert server.asks("get_logs") == []


def test_a_search_goes_on_by_itself_until_it_has_found_something(searching: Searching) -> None:
    page, server = searching
    server.logs(**_reached(900))
    note = page.locator(".note")
    first, second = (str(each) for each in _ids(900, 800))
    _until_asked(page, server, "get_logs", {"before": first})
    expect(note.get_by_role("button", name="Cancel")).to_be_visible()
    server.logs(before=first, **_reached(800))
    _until_asked(page, server, "get_logs", {"before": second})
    server.logs(*_ids(790), before=second, **_reached(780))
    eventually(lambda: ids(page) == _ids(790), "the hit")
    expect(note.get_by_role("button", name="Continue")).to_be_visible()
    assert len(server.asks("get_logs")) == 2


def test_a_search_that_is_cancelled_stays_where_it_is(searching: Searching) -> None:
    page, server = searching
    server.logs(**_reached(900))
    before, then = (str(each) for each in _ids(900, 850))
    _until_asked(page, server, "get_logs", {"before": before})
    page.get_by_role("button", name="Cancel").click()
    _until_asked(page, server, "cancel_search", {})
    server.logs(before=before, **_reached(850))
    expect(page.locator(".note")).to_have_text(
        "No lines match so far. Searched back to 1 November 2015, 12:14:10 Continue"
    )
    assert len(server.asks("get_logs")) == 1
    page.get_by_role("button", name="Continue").click()
    _until_asked(page, server, "get_logs", {"before": then})


def test_a_time_is_gone_to_in_a_search_that_says_how_far_it_is_and_can_be_cancelled(searching: Searching) -> None:
    page, server = searching
    server.logs(*_ids(2000), is_oldest=True)
    eventually(lambda: ids(page) == _ids(2000), "the first portion")
    page.keyboard.press("t")
    page.get_by_role("dialog").get_by_label("Time").fill("2015-11-01T12:10Z")
    page.keyboard.press("Enter")
    after = str(_ids(600)[0] - 1)
    _until_asked(page, server, "get_logs", {"after": after})
    note = page.locator(".note")
    expect(note.get_by_role("status")).to_have_text("Searching: 0 so far")
    server.say("search_progress", found="0", left="10", reached=str(_ids(700)[0]), searchedUpTo="as reached")
    expect(note).to_contain_text(", up to 1 November 2015, 12:11:40")
    note.get_by_role("button", name="Cancel").click()
    _until_asked(page, server, "cancel_search", {})
    reached = str(_ids(900)[0])
    server.logs(after=after, reached=reached)
    expect(note).to_have_text("No lines match so far. Searched up to 1 November 2015, 12:15:00 Continue")
    note.get_by_role("button", name="Continue").click()
    _until_asked(page, server, "get_logs", {"after": reached})
    server.logs(*_ids(2000), after=reached)
    eventually(lambda: ids(page) == _ids(2000), "the next line")
    until_state(page, "Paused — nothing at 1 November 2015, 12:10:00, the next line is from ")


def test_after_a_pause_a_search_closes_the_gap_from_its_newer_end(searching: Searching) -> None:
    page, server = searching
    server.logs(*_ids(*range(1, 101)), is_oldest=True)
    eventually(lambda: len(ids(page)) == 100, "the first portion")
    page.keyboard.press(" ")
    server.say("paused_count", new="3")
    expect(page.locator("#pill")).to_contain_text("3 new lines")
    page.keyboard.press("End")
    _until_asked(page, server, "resume_live_update", {})
    server.logs(isPartial="true", **_reached(400))
    expect(page.locator(".gap .words")).to_have_text("Loading…")
    server.live(*_ids(500))
    server.logs(*_ids(300, 310), isPartial="true", **_reached(300))
    eventually(lambda: ids(page)[98:] == _ids(99, 100, 300, 310, 500), "the part after the gap")
    server.logs(*_ids(98, 99, 100, 200), isPartial="true", **_reached(98))
    eventually(lambda: ids(page)[98:] == _ids(99, 100, 200, 300, 310, 500), "no duplicate")
    expect(page.locator(".gap")).to_have_count(0)
    _until_asked(page, server, "cancel_search", {})
    server.logs(**_reached(90))
    server.live(*_ids(501))
    eventually(lambda: ids(page)[99:] == _ids(100, 200, 300, 310, 500, 501), "live goes on")


def test_a_gap_left_by_a_search_of_which_the_time_was_over_loads_on_click(searching: Searching) -> None:
    page, server = searching
    server.logs(*_ids(1, 2), is_oldest=True)
    eventually(lambda: ids(page) == _ids(1, 2), "the first portion")
    page.keyboard.press(" ")
    server.say("paused_count", new="3")
    expect(page.locator("#pill")).to_contain_text("3 new lines")
    page.keyboard.press("End")
    _until_asked(page, server, "resume_live_update", {})
    server.logs(*_ids(500), **_reached(400))
    expect(page.locator(".gap")).to_have_text("About 2 lines skipped – load")
    page.locator(".gap button").click()
    known, reached = (str(each) for each in _ids(2, 400))
    _until_asked(page, server, "get_logs", {"after": known, "before": reached})
    middle = str(_ids(100)[0])
    server.logs(*_ids(50), after=known, before=reached, isPartial="true", reached=str(_ids(60)[0]))
    server.logs(after=known, before=reached, reached=middle)
    _until_asked(page, server, "get_logs", {"after": middle, "before": reached})
    server.logs(*_ids(110), after=middle, before=reached)
    last = str(_ids(110)[0])
    _until_asked(page, server, "get_logs", {"after": last, "before": reached})
    server.logs(after=last, before=reached)
    expect(page.locator(".gap")).to_have_count(0)
    assert ids(page) == _ids(1, 2, 50, 110, 500)
