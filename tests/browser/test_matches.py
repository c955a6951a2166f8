"""Matches of a search are highlighted in the lines, and keys lead from one match to the next."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.looking import ingest, until_settled, until_shown
from tests.browser.test_search import search
from tests.fixtures.running import PplProcess, eventually

pytestmark = [pytest.mark.browser, pytest.mark.long]

_LINES = (
    b"<13>1 - web-01 nginx 7 - - upstream timed out while reading from upstream one\n"
    b"<11>1 - web-02 app - - - quite another line\n"
    b"<13>1 - db-01 nginx-proxy - - - the query timed out before upstream two\n"
)
_LAST = "the query timed out before upstream two"


def _open(ppl: PplProcess, open_page: OpenPage) -> Page:
    who = ppl.register()
    ingest(ppl, who, _LINES)
    page = open_page(ppl, who)
    until_shown(page, _LAST)
    until_settled(page)
    return page


def _marked(page: Page, place: str) -> list[str]:
    return page.locator(f"#log .{place} mark").all_inner_texts()


def _until_marked(page: Page, place: str, *texts: str) -> None:
    eventually(lambda: _marked(page, place) == list(texts), f"{texts} are marked")


def test_what_a_regular_expression_found_is_marked_and_keys_lead_to_it(
    ppl_process: PplProcess, open_page: OpenPage
) -> None:
    page = _open(ppl_process, open_page)
    search(page, "/timed out.*upstream/ OR quite")
    _until_marked(
        page, "message", "timed out while reading from upstream", "quite", "timed out before upstream"
    )  # fmt: skip
    search(page, "/timed out.*upstream/")
    _until_marked(page, "message", "timed out while reading from upstream", "timed out before upstream")
    chosen = page.locator("#log .row.chosen .message")
    for text in ("before upstream", "while reading"):
        page.keyboard.press("N")
        expect(chosen).to_contain_text(text)


def test_hosts_and_programs_are_marked_and_what_cannot_be_marked_is_stepped_through(
    ppl_process: PplProcess, open_page: OpenPage
) -> None:
    page = _open(ppl_process, open_page)
    search(page, "host:web-* program:(nginx app)")
    _until_marked(page, "host", "web-", "web-")
    _until_marked(page, "program", "nginx", "app")
    expect(page.locator("#log .program").first).to_have_text("nginx[7]")
    page.locator("#log .host").first.click()
    _until_marked(page, "host", "web-01")
    search(page, "severity:notice")
    until_shown(page, _LAST)
    eventually(lambda: page.locator("#log .row").count() == 2, "two matches")
    assert page.locator("#log mark").count() == 0
    chosen = page.locator("#log .row.chosen .message")
    for text in (_LAST, "upstream timed out while"):
        page.keyboard.press("N")
        expect(chosen).to_contain_text(text)
