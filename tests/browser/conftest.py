"""A real Chromium over a running Ppl. Every page must stay free of console errors and policy violations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.scripted import ScriptedServer
from tests.fixtures.programs import program
from tests.fixtures.running import PplProcess, Registered

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]

# As long as ``eventually`` waits: a busy machine may take more than the usual five seconds.
expect.set_options(timeout=20_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the long tests of the browser run beside others: each has an account or a Ppl of its own, as all of them."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and item.get_closest_marker("long"):
            item.add_marker("beside")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, headless."""
    path = program("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def ppl_process(module_ppl: PplProcess) -> PplProcess:
    """One Ppl per module, since a page changes nothing in Ppl that other tests would notice."""
    return module_ppl


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[OpenPage]:
    """Opens the viewer of an account; keyword arguments are those of Playwright's ``new_context``.

    With ``server``, that scripted server answers the page's WebSockets instead of Ppl.

    At the end of the test, no page may have logged an error; ``page.expected_errors`` (a list of texts) names those
    that a test provokes.
    """
    opened: list[tuple[Any, list[str]]] = []

    def open_(
        ppl: PplProcess,
        who: Registered | None = None,
        path: str = "/",
        server: ScriptedServer | None = None,
        **options: Any,
    ) -> Page:
        options.setdefault("viewport", {"width": 1280, "height": 800})
        context = chromium.new_context(**options)
        if who is not None:
            context.add_cookies([{"name": name, "value": value, "url": ppl.url} for name, value in who.cookies.items()])
        page = context.new_page()
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda line: problems.append(line.text) if line.type in ("error", "warning") else None)
        opened.append((page, problems))
        if server is not None:
            page.route_web_socket("**/ws", server.opened)
        page.goto(ppl.url + path)
        return page

    yield open_
    for page, problems in opened:
        expected = getattr(page, "expected_errors", [])
        page.context.close()
        left = [each for each in problems if not any(text in each for text in expected)]
        assert not left, f"the page's console: {left}"
