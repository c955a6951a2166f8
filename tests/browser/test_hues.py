"""Each host has its own colour, which is readable on every tint, and colours can be switched off."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.looking import ingest, until_shown
from tests.browser.test_reading import contrasts
from tests.fixtures.running import PplProcess

pytestmark = [pytest.mark.browser, pytest.mark.long]


def _colours(page: Page) -> dict[str, str]:
    hosts = page.locator("#log .host").evaluate_all(
        "all => all.map(each => [each.textContent, getComputedStyle(each).color])"
    )
    found = dict(hosts)
    assert len({*map(tuple, hosts)}) == len(found), "a host has one colour"
    return found


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_each_host_has_a_colour_that_can_be_read_on_every_tint(
    ppl_process: PplProcess, open_page: OpenPage, scheme: str
) -> None:
    who = ppl_process.register()
    data = b"".join(
        b"<%d>1 - web-%02d app - - - line %d of %d\n" % (8 + severity, host, severity, host)
        for host in range(10)
        for severity in (2, 3, 4, 5, 6, 7)
    )
    ingest(ppl_process, who, data)
    page = open_page(ppl_process, who, color_scheme=scheme)
    until_shown(page, "line 7 of 9")
    colours = _colours(page)
    assert len(set(colours.values())) == 10
    assert {each: ratio for each, ratio in contrasts(page).items() if ratio < 4.5} == {}


def test_the_colours_of_hosts_are_switched_off_and_stay_so(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, b"<13>1 - web-01 app - - - one\n<13>1 - web-02 app - - - two\n")
    page = open_page(ppl_process, who)
    until_shown(page, "two")
    before = _colours(page)
    assert len(set(before.values())) == 2
    page.reload()
    until_shown(page, "two")
    assert _colours(page) == before, "the same ones always"
    page.keyboard.press("?")
    page.get_by_label("a colour for each").uncheck()
    page.keyboard.press("Escape")
    assert len(set(_colours(page).values())) == 1
    page.reload()
    until_shown(page, "two")
    assert len(set(_colours(page).values())) == 1
    page.keyboard.press("?")
    expect(page.get_by_label("a colour for each")).not_to_be_checked()
