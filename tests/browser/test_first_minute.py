"""What the page of a new account must say: the shortest way to a first line, and where senders send to."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.looking import boxes, ingest, lines, until_shown
from tests.fixtures.running import PplProcess

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [1280, 390])
def test_the_shortest_way_to_a_line_stands_first_and_stays_where_it_is(
    ppl_process: PplProcess, open_page: OpenPage, width: int
) -> None:
    page = open_page(ppl_process, ppl_process.register(), viewport={"width": width, "height": 800})
    button = page.get_by_role("button", name="Send a test line")
    expect(button).to_be_in_viewport(ratio=1)
    tabs = page.get_by_role("tab")
    place, first = boxes(button, tabs.first)
    assert place["y"] < first["y"]
    for tab in tabs.all():
        tab.click()
        now, box, panel = boxes(button, tab, page.get_by_role("tabpanel"))
        assert now == place
        assert box["y"] + box["height"] <= panel["y"] + 1


def test_the_events_say_where_senders_send_to(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, lines(1))
    page = open_page(ppl_process, who)
    until_shown(page, "line 1")
    address = page.get_by_role("link", name=who.user_id)
    expect(address).to_be_in_viewport(ratio=1)
    address.click()
    expect(page.get_by_role("heading", name="Log destinations")).to_be_in_viewport()


def test_what_host_means_in_a_query_is_said_where_one_is_typed(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page = open_page(ppl_process, ppl_process.register(), path="/saved")
    for path in ("/saved", "/settings"):
        page.goto(ppl_process.url + path)
        expect(page.get_by_text("host:=web-1 finds only that one")).to_be_visible()
