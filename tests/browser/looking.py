"""Reads the viewer page for tests, and waits for what it shows."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

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


def painted(page: Page) -> None:
    """Wait until the page has drawn what it was changed to, and has acted on its sizes."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def at_rest(page: Page) -> bool:
    """Whether the log keeps its scroll position and its height for ten frames."""
    return page.evaluate(
        """async () => {
            const log = document.getElementById("log");
            const { scrollTop, scrollHeight } = log;
            // After a pause, chunks far away get their true heights one by one.
            if (!log.classList.contains("live") && log.querySelector(".far")) return false;
            for (let frame = 0; frame < 10; frame += 1) {
                await new Promise(requestAnimationFrame);
                if (log.scrollTop !== scrollTop || log.scrollHeight !== scrollHeight) return false;
            }
            return true;
        }"""
    )


def until_at_rest(page: Page) -> None:
    eventually(lambda: at_rest(page), "the scroll at rest")


def until_scrolled(page: Page, from_top: float) -> None:
    """Wait until the log has left a scroll position, and rests: a wheel and keys scroll smoothly, and begin late."""
    eventually(lambda: scroll(page)["top"] != from_top, "the scroll")
    until_at_rest(page)


def until_settled(page: Page) -> None:
    """Wait until nothing moves the lines any more: the histogram is there, which moves them when it appears."""
    expect(page.locator("#histogram:not(.stale)")).to_be_visible()
    until_at_rest(page)


def boxes(*parts: Locator) -> list[dict[str, float]]:
    """The boxes of elements in pixels (``x``, ``y``, ``width``, ``height``), all read in one moment.

    Boxes that are compared must not be read one after the other: the page may move between two reads.
    """
    elements = [part.element_handle() for part in parts]
    found = elements[0].evaluate(
        "(_, all) => all.map(each => each.checkVisibility() ? each.getBoundingClientRect().toJSON() : null)", elements
    )
    assert all(found), f"not visible: {[part for part, box in zip(parts, found, strict=True) if not box]}"
    return found


def places_of(page: Page, *messages: str) -> dict[str, float]:
    """The vertical places of the rows with those messages, in pixels, all read in one moment."""
    rows = (page.locator("#log .row", has=page.get_by_text(message, exact=True)) for message in messages)
    return {message: box["y"] for message, box in zip(messages, boxes(*rows), strict=True)}


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
