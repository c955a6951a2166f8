"""Reads the viewer page for tests, and waits for what it shows."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.fixtures.running import PplProcess, Registered, eventually

#: Values for ``width`` and ``scheme``: wide and narrow, dark and light; all four combinations in the long suite.
every_look = pytest.mark.parametrize(
    ("width", "scheme"),
    [
        (1280, "dark"),
        (390, "light"),
        pytest.param(1280, "light", marks=pytest.mark.long),
        pytest.param(390, "dark", marks=pytest.mark.long),
    ],
)


def lines(*numbers: int) -> bytes:
    return b"".join(b"<13>1 - web-01 app - - - line %d\n" % number for number in numbers)


def ingest(ppl: PplProcess, who: Registered, data: bytes) -> None:
    """Send lines and wait until they are stored."""
    wanted = ppl.count(who.port) + data.count(b"\n")
    ppl.send(who.port, data)
    eventually(lambda: ppl.count(who.port) == wanted, f"{wanted} rows")


def shown(page: Page) -> list[str]:
    """The messages in the list, from top to bottom."""
    return page.locator("#log .message").all_text_contents()


def until_shown(page: Page, text: str) -> None:
    """Wait until the last message is ``text``."""
    eventually(lambda: shown(page)[-1:] == [text], f"the last line {text!r}")


def state(page: Page) -> str:
    return page.locator("#status .state .text").inner_text()


def until_state(page: Page, text: str) -> None:
    eventually(lambda: text in state(page), f"the state {text!r}")


def scroll(page: Page) -> dict[str, Any]:
    """``top``, ``height`` and ``room`` of the log, in pixels."""
    return page.evaluate(
        "() => { const log = document.getElementById('log');"
        " return {top: log.scrollTop, height: log.scrollHeight, room: log.clientHeight}; }"
    )


def place_of(page: Page, message: str) -> float:
    """The vertical place of the row with that message, in pixels."""
    box = page.locator("#log .row", has=page.get_by_text(message, exact=True)).bounding_box()
    assert box is not None, f"no row {message!r}"
    return box["y"]


def retry_now(page: Page) -> None:
    """Press the banner's button, unless the page has reconnected before that."""
    page.locator("#offline").evaluate("banner => banner.hidden || banner.querySelector('button').click()")


def wheel(page: Page, pixels: int) -> None:
    page.mouse.move(600, 400)
    page.mouse.wheel(0, pixels)
