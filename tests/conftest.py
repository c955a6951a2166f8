"""Fixtures of every test: nothing is left behind, no failure is swallowed.

pytest-twisted ignores logged failures, Deferreds that fail with nobody listening and timers left running; the
``nothing_left_behind`` fixture turns each into a failure.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from twisted.internet import reactor
from twisted.logger import LogLevel, globalLogPublisher

pytest_plugins = ["tests.fixtures.database", "tests.fixtures.running"]


@pytest.fixture(autouse=True)
def nothing_left_behind(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """Fails a test that logged a failure or left a timer.

    Yields the list of unexpected log texts: a test that provokes an error on purpose checks and clears it.
    """
    logged: list[str] = []

    def observe(event: dict) -> None:
        if event.get("log_failure") is not None or event["log_level"] >= LogLevel.error:
            failure = event.get("log_failure")
            logged.append(f"{event.get('log_format')}: {failure.getTraceback() if failure else ''}")

    before = set(reactor.getDelayedCalls())
    globalLogPublisher.addObserver(observe)
    yield logged
    gc.collect()
    globalLogPublisher.removeObserver(observe)
    left = [
        call
        for call in reactor.getDelayedCalls()
        if call not in before and call.active() and "txaio" not in str(call) and "ThreadPool" not in str(call)
    ]
    for call in left:
        call.cancel()
    assert not logged, "errors were logged:\n" + "\n".join(logged)
    assert not left, f"timers were left: {left}"
