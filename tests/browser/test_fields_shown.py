"""What only fields hold is shown: a line without a message shows MSGID and structured data, a match there its place."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import violations
from tests.browser.conftest import OpenPage
from tests.browser.looking import every_look, ingest, until_settled, until_shown
from tests.browser.pictures import Pictures
from tests.browser.test_search import search
from tests.fixtures.running import PplProcess

pytestmark = [pytest.mark.browser, pytest.mark.long]

_DATA = '[junos@2636 source-address="192.0.2.9" policy-name="deny-all"]'
_LINES = (
    f"<14>1 - srx-1 RT_FLOW - RT_FLOW_SESSION_DENY {_DATA}\n"
    '<11>1 - web-1 shop 4711 - [trace@32473 id="a1b2c3" path="/customers?limit=5"] order accepted\n'
    "<14>1 - web-1 shop 4711 - - plain line\n"
).encode()


def _open(ppl: PplProcess, open_page: OpenPage, **options: object) -> Page:
    who = ppl.register()
    ingest(ppl, who, _LINES)
    page = open_page(ppl, who, **options)
    until_shown(page, "plain line")
    until_settled(page)
    return page


def test_a_line_without_a_message_shows_msgid_and_structured_data(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page = _open(ppl_process, open_page)
    instead = page.locator("#log .message.instead")
    expect(instead).to_have_count(1)
    expect(instead).to_have_text(f"RT_FLOW_SESSION_DENY {_DATA}")
    expect(instead).to_have_attribute("title", "No message: MSGID and structured data")
    search(page, "deny-all")
    expect(page.locator("#log .message.instead mark")).to_have_text("deny-all")
    expect(page.locator("#log .row")).to_have_count(1)
    expect(page.locator("#log .elsewhere")).to_have_count(0)


def test_a_match_in_structured_data_is_shown_beside_the_message(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page = _open(ppl_process, open_page)
    search(page, "customers?limit=5")
    expect(page.locator("#log .row")).to_have_count(1)
    expect(page.locator("#log .elsewhere")).to_have_text('…2473 id="a1b2c3" path="/customers?limit=5"]')
    expect(page.locator("#log .elsewhere mark")).to_have_text("customers?limit=5")
    search(page, "4711")
    expect(page.locator("#log .procid mark").first).to_have_text("4711")
    expect(page.locator("#log .program").first).to_have_text("shop[4711]")


def test_a_field_of_the_details_narrows_the_search(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page = _open(ppl_process, open_page)
    page.locator("#log .message.instead").click()
    page.locator("#details").get_by_title("msgid:=RT_FLOW_SESSION_DENY", exact=True).click()
    expect(page.locator("#log .row")).to_have_count(1)
    expect(page.locator("#log .message.instead mark")).to_have_text("RT_FLOW_SESSION_DENY")


@every_look
def test_both_are_readable_in_both_themes(
    ppl_process: PplProcess, open_page: OpenPage, width: int, scheme: str
) -> None:
    page = _open(ppl_process, open_page, color_scheme=scheme, viewport={"width": width, "height": 800})
    Pictures().single(page, f"fields-{scheme}-{width}")
    search(page, "customers OR deny-all")
    expect(page.locator("#log .elsewhere")).to_be_visible()
    expect(page.locator("#log .instead")).to_have_count(2)
    until_settled(page)
    assert violations(page) == []
    Pictures().single(page, f"fields-found-{scheme}-{width}")
    page.locator("#log .message.instead").click()
    Pictures().single(page, f"fields-details-{scheme}-{width}")
