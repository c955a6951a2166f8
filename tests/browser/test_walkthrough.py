"""The first minute with Ppl for a new user: from registration to the line that the user looks for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.looking import until_state, wheel
from tests.browser.pictures import Pictures
from tests.fixtures.running import PplProcess, eventually

pytestmark = [pytest.mark.browser, pytest.mark.long]

_SAID = (
    b'<134>1 - web-01 nginx - - - 10.0.3.117 - - "GET /api/v2/orders/57%03d?page=4 HTTP/1.1" 200 2062 rt=0.122',
    b"<134>1 - worker-7 app worker.2 - - \x1b[32mINFO\x1b[0m  \x1b[36mmailer\x1b[0m sent \x1b[1mfb%03d\x1b[0m in 65 ms",
    b'<134>1 - web-02 nginx - - - 10.0.4.54 - - "GET /api/v2/orders/24%03d?page=2 HTTP/1.1" 301 3566 rt=0.733',
    b"<132>1 - db-primary postgres 10488 - - duration: 2%03d.426 ms  statement: SELECT id, total FROM orders",
    b'<134>1 - web-01 app web.1 - - {"level":"info","event":"order.created","order_id":48%03d,"user":{"id":2302}}',
    b'<134>1 - edge-fra-2 nginx - - - 10.0.9.11 - - "GET /api/v2/orders/98%03d?page=6 HTTP/1.1" 200 8302 rt=0.739',
    b"<131>1 - web-02 app web.2 - - payment 77%03d failed: connection to db-primary:5432 timed out after 3000 ms",
    b"<133>1 - db-primary sshd 26%03d - - Accepted publickey for deploy from 10.0.4.154 port 43020 ssh2",
)


@contextmanager
def sending(ppl: PplProcess, port: int) -> Iterator[None]:
    """Send some lines every tenth of a second."""
    ending = threading.Event()

    def run() -> None:
        number = 0
        while not ending.is_set():
            ppl.send(
                port, b"".join(_SAID[each % len(_SAID)] % (each % 1000) + b"\n" for each in range(number, number + 4))
            )
            number += 4
            ending.wait(0.1)

    sender = threading.Thread(target=run)
    sender.start()
    try:
        yield
    finally:
        ending.set()
        sender.join()


def test_the_first_minute(ppl_process: PplProcess, open_page: OpenPage) -> None:
    pictures = Pictures()
    page = open_page(ppl_process, None, "/register", color_scheme="dark")
    page.get_by_label("Email").fill("ada@example.com")
    page.get_by_label("Password").fill("correct horse battery")
    pictures.frame(page, 1.5)
    page.get_by_role("button", name="Register").click()
    first_line = page.locator("#first-line")
    expect(first_line.locator(".snippet pre").first).to_contain_text("127.0.0.1")
    pictures.frame(page, 3)
    page.get_by_role("button", name="Send a test line").click()
    expect(page.locator("#log .row")).to_have_count(1)
    expect(first_line).to_be_hidden()
    pictures.frame(page, 1.5)
    port = int(page.locator("#destination option").first.get_attribute("data-port") or 0)
    with sending(ppl_process, port):
        _tail(page, pictures)
        _search(page, pictures)
    page.goto(f"{ppl_process.url}/senders")
    eventually(lambda: "db-primary" in page.reload().text(), "senders that are counted", 30)
    pictures.frame(page, 2.5)
    pictures.assemble("walkthrough")


def _tail(page: Page, pictures: Pictures) -> None:
    rows = page.locator("#log .row")
    for _ in range(6):
        before = rows.last.get_attribute("data-id")
        expect(rows.last).not_to_have_attribute("data-id", before or "")
        page.wait_for_timeout(250)
        pictures.frame(page, 0.4)
    wheel(page, -600)
    until_state(page, "scrolled up")
    expect(page.locator("#pill")).to_contain_text("new line")
    pictures.frame(page, 2)
    page.locator("#pill").click()
    until_state(page, "Live")
    expect(page.locator("#histogram")).to_be_visible(timeout=60_000)
    page.wait_for_timeout(400)
    pictures.frame(page, 1)
    pictures.single(page, "viewer-dark")


def _search(page: Page, pictures: Pictures) -> None:
    field = page.locator("#q")
    field.click()
    field.press_sequentially('severity:>=err "timed out"')
    pictures.frame(page, 1)
    field.press("Enter")
    expect(page.locator("#chips .chip")).to_have_count(2)
    found = page.locator("#log .row.err mark")
    expect(found.first).to_have_text("timed out")
    expect(page.locator("#log .row:not(.err)")).to_have_count(0)
    pictures.frame(page, 2)
    page.locator("#log .row .message").last.click()
    details = page.locator("#details")
    expect(details).to_contain_text("web-02")
    pictures.frame(page, 2.5)
    pictures.single(page, "details-dark")
    page.keyboard.press("Escape")
    expect(details).to_be_hidden()
