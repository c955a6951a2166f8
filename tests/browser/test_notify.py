"""Notifications of new matches while the page is hidden: switched on by a button, per search, kept over a reload."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.looking import ingest, retry_now, shown, state, until_shown, until_state
from tests.browser.scripted import ScriptedServer
from tests.browser.test_search import search
from tests.fixtures.running import PplProcess, eventually

pytestmark = [pytest.mark.browser, pytest.mark.long]

#: Replaces notifications, which a headless browser does not show: records them, and answers the permission prompt.
_BROWSER = """
window.told = [];
window.Notification = class extends EventTarget {
  static permission = sessionStorage.getItem("permission") ?? "default";
  static async requestPermission() {
    sessionStorage.setItem("permission", "ANSWER");
    return Notification.permission = "ANSWER";
  }
  constructor(title, options) {
    super();
    window.told.push({ title, ...options, isClosed: false });
    this.at = window.told.length - 1;
  }
  close() { window.told[this.at].isClosed = true; }
};
window.look = (isHidden) => {
  Object.defineProperty(document, "hidden", { value: isHidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
};
"""


def opened(ppl: PplProcess, open_page: OpenPage, who: Any, path: str, answer: str = "granted", **options: Any) -> Page:
    page = open_page(ppl, who, path="/saved", **options)
    page.add_init_script(_BROWSER.replace("ANSWER", answer))
    page.goto(ppl.url + path)
    return page


def told(page: Page) -> list[dict[str, Any]]:
    return list(page.evaluate("() => window.told"))


def hide(page: Page) -> None:
    page.evaluate("() => window.look(true)")


def line(text: str) -> bytes:
    return b"<11>1 - web-01 app - - - %s\n" % text.encode()


def test_new_hits_are_told_while_the_tab_is_hidden(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, line("bad 1") + line("fine"))
    page = opened(ppl_process, open_page, who, "/")
    until_shown(page, "fine")
    bell = page.get_by_role("button", name="Notify me of new hits")
    expect(bell).to_be_hidden()
    search(page, "bad")
    until_shown(page, "bad 1")
    bell.click()
    expect(bell).to_have_attribute("aria-pressed", "true")
    eventually(lambda: [each["title"] for each in told(page)] == ["New hits will look like this"], "what it is like")
    ppl_process.send(who.port, line("bad 2"))
    until_shown(page, "bad 2")
    assert len(told(page)) == 1, "whoever looks is told nothing"
    hide(page)
    ppl_process.send(who.port, line("fine") + line("bad \u202e3"))
    eventually(lambda: len(told(page)) == 2, "the hit")
    assert {"title": "1 new hit: bad", "body": "web-01 app: bad ⟦U+202E⟧3", "silent": False}.items() <= told(page)[
        1
    ].items()
    page.evaluate("() => window.look(false)")
    assert told(page)[1]["isClosed"]
    page.reload()
    expect(bell).to_have_attribute("aria-pressed", "true")
    eventually(lambda: shown(page)[-1:] == ["bad ⟦U+202E⟧3"], "the lines again")
    hide(page)
    ppl_process.send(who.port, line("bad 4"))
    eventually(lambda: [each["title"] for each in told(page)] == ["1 new hit: bad"], "also after a reload")
    page.evaluate("() => window.look(false)")
    search(page, "fine")
    expect(bell).to_have_attribute("aria-pressed", "false")
    search(page, "bad")
    expect(bell).to_have_attribute("aria-pressed", "true")
    bell.click()
    expect(bell).to_have_attribute("aria-pressed", "false")
    until_state(page, "Live")
    hide(page)
    ppl_process.send(who.port, line("bad 5"))
    expect(page).to_have_title("(1) bad · Ppl")
    assert len(told(page)) == 1


@pytest.mark.parametrize("answer", ["denied", "default"])
def test_a_browser_that_does_not_allow_it_is_said(ppl_process: PplProcess, open_page: OpenPage, answer: str) -> None:
    page = opened(ppl_process, open_page, ppl_process.register(), "/?q=bad", answer)
    bell = page.get_by_role("button", name="Notify me of new hits")
    expect(page.locator("#log .note")).to_contain_text("No lines match")
    bell.click()
    expect(page.locator("#status .problem")).to_contain_text("The browser blocks notifications from this page")
    expect(bell).to_have_attribute("aria-pressed", "false")
    assert told(page) == []


def test_hits_that_come_while_it_is_paused_or_the_server_was_away_are_told(
    ppl_process: PplProcess, open_page: OpenPage
) -> None:
    server = ScriptedServer()
    page = opened(ppl_process, open_page, ppl_process.register(), "/?q=bad", server=server)
    eventually(lambda: page.evaluate("() => true") and server.asks("send_user_data"), "the search")
    server.logs(is_oldest=True)
    page.get_by_role("button", name="Notify me of new hits").click()
    eventually(lambda: len(told(page)) == 1, "what it is like")
    hide(page)
    server.close()
    expect(page.locator("#offline")).to_be_visible()
    retry_now(page)
    eventually(lambda: page.evaluate("() => true") and len(server.asks("send_user_data")) == 2, "it is back")
    server.logs(1, 2, is_oldest=True)
    eventually(lambda: told(page)[1:] and told(page)[-1]["title"] == "2 new hits: bad", "what came meanwhile")
    page.evaluate("() => window.look(false)")
    page.locator("#log").focus()
    page.keyboard.press(" ")
    until_state(page, "Paused")
    hide(page)
    server.say("paused_count", new="5")
    eventually(lambda: told(page)[-1]["title"] == "5 new hits: bad", "what came during the pause")
    assert told(page)[-1]["body"] == "", "which lines they are is not known"
    assert state(page) == "Paused — Space"


def test_a_burst_is_one_notification_that_counts_on_in_silence(ppl_process: PplProcess, open_page: OpenPage) -> None:
    server = ScriptedServer()
    page = opened(ppl_process, open_page, ppl_process.register(), "/?q=bad", server=server)
    eventually(lambda: page.evaluate("() => true") and server.asks("send_user_data"), "the search")
    server.logs(is_oldest=True)
    page.get_by_role("button", name="Notify me of new hits").click()
    eventually(lambda: len(told(page)) == 1, "what it is like")
    hide(page)
    for number in range(1, 6):
        server.live(number)
    eventually(lambda: len(told(page)) == 3, "the first one, and later all", 30)
    first, last = told(page)[1:]
    assert (first["title"], first["silent"]) == ("1 new hit: bad", False)
    assert (last["title"], last["silent"]) == ("5 new hits: bad", True)
    assert first["tag"] == last["tag"]
