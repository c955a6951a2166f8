"""Fixtures of every test: nothing is left behind, no failure is swallowed.

pytest-twisted ignores logged failures, Deferreds that fail with nobody listening and timers left running; the
``nothing_left_behind`` fixture turns each into a failure.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from twisted.internet import reactor
from twisted.logger import LogLevel, formatEvent, globalLogPublisher

# How long an example takes says how busy the machine is.
settings.register_profile("ppl", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ppl")

pytest_plugins = ["tests.fixtures.database", "tests.fixtures.running"]

#: Rooms whose files take longest.
_LONGEST = ("faults", "whole", "similar", "browser", "documents", "peers", "store", "sources", "web", "listener")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files of the longest rooms begin first, so that no worker has a long one left when the others are done."""
    here = Path(__file__).parent
    ranks = {room: rank for rank, room in enumerate(_LONGEST)}
    items.sort(key=lambda item: ranks.get(item.path.relative_to(here).parts[0], len(ranks)))


def pytest_collection_finish() -> None:
    """What is imported is no test's: looking at it again after each of them took a quarter of the whole time."""
    gc.collect()
    gc.freeze()


def _failures_into(logged: list[str]) -> Callable[[dict[str, Any]], None]:
    """An observer that adds the text of each logged failure or error to ``logged``."""

    def observe(event: dict[str, Any]) -> None:
        if event.get("log_failure") is not None or event["log_level"] >= LogLevel.error:
            failure = event.get("log_failure")
            logged.append(f"{formatEvent(event)}: {failure.getTraceback() if failure else ''}")

    return observe


@pytest.fixture(autouse=True, scope="session")
def nothing_failed_unheard() -> Iterator[None]:
    """Fails a run in which a Deferred of several tests, such as one of a module's fixture, failed unheard."""
    yield
    logged: list[str] = []
    observe = _failures_into(logged)
    globalLogPublisher.addObserver(observe)
    gc.unfreeze()
    gc.collect()
    globalLogPublisher.removeObserver(observe)
    assert not logged, "errors were logged:\n" + "\n".join(logged)


@pytest.fixture(autouse=True)
def nothing_left_behind(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """Fails a test that logged a failure or left a timer.

    Yields the list of unexpected log texts: a test that provokes an error on purpose checks and clears it.
    """
    logged: list[str] = []
    observe = _failures_into(logged)
    before = set(reactor.getDelayedCalls())
    globalLogPublisher.addObserver(observe)
    # What is there before a test is not looked at after it: that took half of the time of small tests.
    gc.freeze()
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


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """All that is logged, as text."""
    texts: list[str] = []

    def observe(event: Any) -> None:
        texts.append((formatEvent(event) or str(event.get("log_text", ""))).strip())

    globalLogPublisher.addObserver(observe)
    yield texts
    globalLogPublisher.removeObserver(observe)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Show what tests measured (their property ``measured``), also of a green run."""
    figures = [
        f"{report.nodeid.rpartition('::')[2]}: {value}"
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", "") == "call"
        for name, value in report.user_properties
        if name == "measured"
    ]
    if figures:
        terminalreporter.section("measured")
        terminalreporter.write("\n".join([*figures, ""]))
