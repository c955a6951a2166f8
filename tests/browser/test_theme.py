"""The theme chosen by the reader: on every page, from its first byte on, remembered by the browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import violations
from tests.browser.conftest import OpenPage
from tests.browser.looking import ingest, lines, until_shown, until_state
from tests.fixtures.running import PplProcess

pytestmark = [pytest.mark.browser, pytest.mark.long]

_DARK, _LIGHT = "rgb(15, 20, 26)", "rgb(255, 255, 255)"


def _background(page: Page) -> str:
    return page.evaluate("() => getComputedStyle(document.body).backgroundColor")


def _choose(page: Page, name: str) -> None:
    page.get_by_role("button", name="Theme").click()
    page.get_by_role("radio", name=name).check()
    page.keyboard.press("Escape")
    expect(page.get_by_role("radio", name=name)).to_be_hidden()


def test_a_theme_holds_on_every_page_and_after_a_reload(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, lines(*range(3)))
    page = open_page(ppl_process, who, color_scheme="light")
    until_shown(page, "line 2")
    assert _background(page) == _LIGHT
    page.keyboard.press("k")
    until_state(page, "Paused")
    _choose(page, "dark")
    assert _background(page) == _DARK
    until_state(page, "Paused")
    found = violations(page)
    assert not found, "\n".join(found)
    for path in ("/", "/settings", "/saved", "/senders", "/dashboard", "/login", "/register"):
        page.goto(ppl_process.url + path)
        assert _background(page) == _DARK, path
    page.get_by_role("button", name="Theme").click()
    expect(page.get_by_role("radio", name="dark")).to_be_checked()
    page.keyboard.press("Escape")
    page.goto(ppl_process.url + "/settings")
    _choose(page, "follow the system")
    assert _background(page) == _LIGHT
    page.emulate_media(color_scheme="dark")
    assert _background(page) == _DARK


def test_no_other_theme_is_seen_first_not_even_without_scripts(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page = open_page(ppl_process, None, "/login", color_scheme="dark")
    _choose(page, "light")
    context = page.context
    text = context.request.get(ppl_process.url + "/login").text()
    assert re.search('<html [^>]*data-theme="light"', text)
    assert '<meta name="color-scheme" content="light">' in text
    context.add_cookies([{"name": "ppl_theme", "value": "mauve", "url": ppl_process.url}])
    assert 'data-theme=""' in context.request.get(ppl_process.url + "/login").text()


def test_another_tab_follows_when_it_is_looked_at(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page = open_page(ppl_process, None, "/login", color_scheme="dark")
    other = page.context.new_page()
    other.goto(ppl_process.url + "/login")
    _choose(other, "light")
    assert _background(page) == _DARK
    page.evaluate("() => document.dispatchEvent(new Event('visibilitychange', {bubbles: true}))")
    assert _background(page) == _LIGHT


def test_where_scripts_do_not_run_there_is_no_such_choice(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page = open_page(ppl_process, None, "/login", java_script_enabled=False)
    expect(page.get_by_role("button", name="Log in")).to_be_visible()
    expect(page.get_by_role("button", name="Theme")).to_be_hidden()
