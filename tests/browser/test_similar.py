"""Groups of similar lines: a panel over the log that fills while the server reads."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.axe import violations
from tests.browser.conftest import OpenPage
from tests.browser.looking import every_look, ingest, shown, until_shown
from tests.fixtures.running import PplProcess, Registered, eventually
from tests.similar.test_similar import store

pytestmark = [pytest.mark.browser, pytest.mark.long]

TIMED_OUT = "connection to db-{} timed out after {} ms"
LINES = [
    *(TIMED_OUT.format(number % 9, number) for number in range(40)),
    *(f'user "{name}" logged in' for name in ("ann", "bob", "a b")),
    "ready",
]


def opened(page: Page, ppl: PplProcess) -> None:
    """Open the panel and wait until all lines are grouped."""
    page.locator("#log .row").first.wait_for()
    page.keyboard.press("s")
    until_grouped(page)


def until_grouped(page: Page) -> None:
    page.locator("#similar .words", has_text="in").wait_for()
    eventually(lambda: "group" in words(page) and "Group" not in words(page), "all is grouped")


def words(page: Page) -> str:
    return page.locator("#similar .words").inner_text()


def texts(page: Page) -> list[str]:
    return page.locator("#similar .group .text").all_text_contents()


def counts(page: Page) -> dict[str, str]:
    pairs = page.locator("#similar .group").evaluate_all(
        "rows => rows.map((row) => ['.text', '.count'].map((part) => row.querySelector(part).textContent))"
    )
    return dict(pairs)


def with_lines(ppl: PplProcess) -> Registered:
    who = ppl.register()
    store(ppl, who, LINES, step=1000)
    return who


def asked(page: Page) -> list[dict[str, list[str]]]:
    """A list that receives the fields of each request for groups, as the page makes it."""
    made: list[dict[str, list[str]]] = []
    page.on(
        "request",
        lambda request: made.append(parse_qs(urlsplit(request.url).query)) if "/api/similar" in request.url else None,
    )
    return made


def test_s_groups_what_is_found_and_escape_leaves(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page = open_page(ppl_process, with_lines(ppl_process))
    opened(page, ppl_process)
    assert counts(page) == {
        "connection to db-… timed out after … ms": "40",
        'user "…" logged in': "3",
        "ready": "1",
    }
    assert words(page).startswith("44 lines in 3 groups, from ")
    status = page.locator("#similar [role=status]")
    eventually(lambda: status.text_content() == words(page), "the same for screen readers")
    first = page.locator("#similar .group").first
    assert first.locator(".share").inner_text() == "91 %"
    assert first.locator(".varying").all_text_contents() == ["…", "…"]
    assert first.locator("path").get_attribute("d")
    page.keyboard.press("Escape")
    page.locator("#similar").wait_for(state="hidden")
    assert page.evaluate("document.activeElement.id") == "log"
    page.get_by_role("button", name="Similar", exact=True).click()
    until_grouped(page)
    page.get_by_role("button", name="Back").click()
    page.locator("#similar").wait_for(state="hidden")


def test_the_log_beneath_stays_out_of_reach_where_a_context_is_still_being_read(
    ppl_process: PplProcess, open_page: OpenPage
) -> None:
    page = open_page(ppl_process, with_lines(ppl_process))
    page.locator("#log .row").first.wait_for()
    held: list[Route] = []
    page.route("**/api/events/*/context*", lambda route: held.append(route))
    page.keyboard.press("k")
    page.keyboard.press("c")
    eventually(lambda: page.title() and held, "the context asked for")
    page.get_by_role("button", name="Similar", exact=True).click()
    until_grouped(page)
    held[0].continue_()
    # An answer that comes later than the one that was held.
    page.evaluate("() => fetch('/api/me').then((answer) => answer.text())")
    eventually(lambda: page.evaluate("document.querySelector('#log').inert"), "the log out of reach")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.locator("#similar").wait_for(state="hidden")
    page.locator("#context").wait_for(state="hidden")
    eventually(lambda: page.evaluate("!document.querySelector('#log').inert"), "the log within reach")


def test_a_click_on_a_group_shows_its_lines(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page = open_page(ppl_process, with_lines(ppl_process))
    opened(page, ppl_process)
    page.get_by_role("button", name='user "…" logged in', exact=True).click()
    page.locator("#similar").wait_for(state="hidden")
    eventually(lambda: shown(page) == LINES[40:43], "the lines of the group")
    assert page.locator("#q").input_value() == 'message:/^user ".*" logged in\\s*$/'


def test_a_group_is_left_out_by_its_button_and_by_alt_click(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page = open_page(ppl_process, with_lines(ppl_process))
    opened(page, ppl_process)
    page.get_by_role("button", name="Hide lines like connection").click()
    eventually(lambda: texts(page) == ['user "…" logged in', "ready"], "the room without them")
    page.get_by_role("button", name='user "…" logged in', exact=True).click(modifiers=["Alt"])
    eventually(lambda: texts(page) == ["ready"], "the room without these")
    page.keyboard.press("Escape")
    eventually(lambda: shown(page) == ["ready"], "what is left")


def test_groups_are_reached_by_the_keyboard(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page = open_page(ppl_process, with_lines(ppl_process))
    opened(page, ppl_process)
    page.keyboard.press("j")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("k")
    assert page.evaluate("document.activeElement.textContent") == 'user "…" logged in'
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == 'Hide lines like user "…" logged in'
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    eventually(lambda: shown(page) == LINES[40:43], "the lines of the group")


def test_lines_that_come_are_added(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who = with_lines(ppl_process)
    page = open_page(ppl_process, who)
    opened(page, ppl_process)
    ingest(
        ppl_process, who, b"<13>1 - web-01 app - - - connection to db-7 timed out after 9 ms\n<11>1 - h a - - - burst\n"
    )
    wanted = {"connection to db-… timed out after … ms": "41", "burst": "1"}
    # The two lines may come in one report or in two.
    eventually(lambda: wanted.items() <= counts(page).items(), "one more, and the other")
    assert page.locator("#similar .group.err .text").all_text_contents().count("burst") == 1
    page.keyboard.press("Escape")
    until_shown(page, "burst")


def test_what_the_hour_before_had_not_is_new(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who = ppl_process.register()
    now = time.time()
    store(ppl_process, who, [*LINES, *LINES], at=now - 1800, step=1000)
    store(ppl_process, who, [*LINES, "out of memory: killed 77"], at=now, step=1000)
    page = open_page(ppl_process, who, "/?q=after%3A15m")
    opened(page, ppl_process)
    assert page.locator("#similar .new").count() == 0
    page.get_by_label("Compare with").select_option("hour")
    eventually(lambda: "compared from" in words(page), "it is compared")
    until_grouped(page)
    assert texts(page)[0] == "out of memory: killed …"
    assert page.locator("#similar .group", has=page.locator(".new")).locator(".text").all_text_contents() == [
        "out of memory: killed …"
    ]
    # Half as many lines in a quarter of the time are twice the rate.
    assert page.locator("#similar .group", has_text="logged in").locator(".times").inner_text() == "2.0×"


class Reports:
    """Answers each request for groups with the next of the given responses, and with the last one from then on."""

    def __init__(self, *answers: list[dict[str, Any]]) -> None:
        self._answers = list(answers)

    def __call__(self, route: Route) -> None:
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        route.fulfill(body="".join(json.dumps(each) + "\n" for each in answer), content_type="application/x-ndjson")


HEAD = {"newest": "9", "from": "2026-11-30T09:00:00Z", "to": "2026-11-30T09:30:00Z", "total": 100}


def group(text: str, count: int) -> dict[str, Any]:
    times = {"first": "2026-11-30T09:01:00Z", "last": "2026-11-30T09:02:00Z", "id": "1"}
    return {"key": text, "text": text, "query": text, "count": count, "before": 0, "plot": [0] * 48, **times}


def test_no_group_slips_from_under_the_pointer(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page = open_page(ppl_process, with_lines(ppl_process))
    page.locator("#log .row").first.wait_for()
    done = {"read": 30, "others": 0, "done": True, "complete": True}
    first = [HEAD, {"groups": [group("much", 20), group("little", 10)], **done}]
    later = [HEAD, {"groups": [group("little", 50), group("fresh", 90)], **done}]
    page.route("**/api/similar?*", Reports(first, later))
    page.keyboard.press("s")
    eventually(lambda: texts(page) == ["much", "little"], "the first groups")
    page.get_by_role("button", name="little", exact=True).hover()
    eventually(lambda: counts(page).get("little") == "60", "what came since")
    assert texts(page) == ["much", "little", "fresh"]
    page.mouse.move(600, 60)
    eventually(lambda: texts(page)[-1] == "much", "the order by count again")


def test_cancel_keeps_what_is_grouped(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page = open_page(ppl_process, with_lines(ppl_process))
    page.locator("#log .row").first.wait_for()
    # A response that never ends.
    page.evaluate(
        """([head, report]) => {
          const real = fetch;
          window.fetch = (address, options) => {
            if (!String(address).startsWith("/api/similar")) return real(address, options);
            const body = new ReadableStream({ start(controller) {
              controller.enqueue(new TextEncoder().encode(head + "\\n" + report + "\\n"));
              options.signal.addEventListener("abort", () => controller.error(options.signal.reason));
            } });
            return Promise.resolve(new Response(body));
          };
        }""",
        [
            json.dumps(HEAD),
            json.dumps({"groups": [group("a …", 20)], "read": 20, "others": 0, "back_to": "2026-11-30T09:20:00Z"}),
        ],
    )
    page.keyboard.press("s")
    eventually(lambda: "Grouped 20 of about 100 lines, back to" in words(page), "how far it is")
    assert page.locator("#similar progress").evaluate("bar => bar.value") == 0.2
    page.get_by_role("button", name="Cancel").click()
    eventually(lambda: "stopped at" in words(page), "that it stopped")
    assert texts(page) == ["a …"]
    expect(page.locator("#similar progress")).to_be_hidden()


def test_what_goes_wrong_is_said(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page = open_page(ppl_process, with_lines(ppl_process))
    page.expected_errors = ["429", "503"]  # type: ignore[attr-defined]
    page.locator("#log .row").first.wait_for()
    error = {"code": "store_unavailable", "message": "PostgreSQL cannot be read right now."}
    page.route("**/api/similar?*", Reports([HEAD, {"error": error, "done": True, "complete": False}]))
    page.keyboard.press("s")
    page.get_by_text("PostgreSQL cannot be read right now.").wait_for()
    page.keyboard.press("Escape")
    page.route(
        "**/api/similar?*", lambda route: route.fulfill(status=429, json={"error": {**error, "message": "Later."}})
    )
    page.keyboard.press("s")
    page.get_by_text("Later.").wait_for()


def test_text_of_lines_stays_text(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who = ppl_process.register()
    hostile = "<img src=x onerror=alert(1)> \u202e\x1b[31m\x1bc <script>x</script>"
    store(ppl_process, who, [hostile, "12345", ""], step=1000)
    page = open_page(ppl_process, who)
    opened(page, ppl_process)
    assert page.locator("#similar img, #similar script").count() == 0
    assert sorted(texts(page)) == sorted(
        ["<img src=x onerror=alert(…)> \u202e\x1bc <script>x</script>", "…", "(an empty message)"]
    )
    page.get_by_role("button", name="…", exact=True).dispatch_event("click")
    assert page.locator("#similar").is_visible()


@every_look
def test_the_room_fits_and_is_accessible(ppl_process: PplProcess, open_page: OpenPage, width: int, scheme: str) -> None:
    who = ppl_process.register()
    store(ppl_process, who, [*LINES, "word" * 300, '{"level":"error","msg":"no","n":5}'], step=1000)
    page = open_page(ppl_process, who, viewport={"width": width, "height": 800}, color_scheme=scheme)
    opened(page, ppl_process)
    page.get_by_label("Compare with").select_option("hour")
    eventually(lambda: "compared from" in words(page), "it is compared")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("#similar .groups").evaluate("list => list.scrollWidth <= list.clientWidth")
    assert violations(page) == []
