"""Runs axe-core on a page while the strict Content-Security-Policy stays in force.

axe runs in an isolated world of the page: it sees the document, the page does not see it, and the page's policy, which
forbids foreign scripts, does not have to be relaxed.
"""

from __future__ import annotations

import json
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

_RUN = """axe.run(document, {resultTypes: ["violations"], preload: false, rules: {"target-size": {enabled: true}}})
    .then((results) => JSON.stringify(results.violations))"""


def violations(page: Page) -> list[str]:
    """The violations that axe finds, each with its rule, its sentence and the elements."""
    session = page.context.new_cdp_session(page)
    frame = session.send("Page.getFrameTree")["frameTree"]["frame"]["id"]
    world = session.send("Page.createIsolatedWorld", {"frameId": frame, "worldName": "axe"})["executionContextId"]
    _evaluate(session, world, AXE_SCRIPT)
    found = json.loads(_evaluate(session, world, _RUN))
    session.detach()
    return [
        f"{each['id']}: {each['help']}: "
        + "; ".join(f"{node['html'][:160]} ({node['failureSummary']})" for node in each["nodes"][:5])
        for each in found
    ]


def _evaluate(session: Any, world: int, expression: str) -> Any:
    answer = session.send(
        "Runtime.evaluate",
        {"expression": expression, "contextId": world, "awaitPromise": True, "returnByValue": True},
    )
    assert "exceptionDetails" not in answer, answer["exceptionDetails"]
    return answer["result"].get("value")
