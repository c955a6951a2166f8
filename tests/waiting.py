"""Waiting in tests that run in the reactor: for conditions, never for time."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from twisted.internet import reactor
from twisted.internet.task import deferLater


async def until(condition: Callable[[], object], what: str, seconds: float = 10.0) -> None:
    """Until ``condition`` is true; fails the test with ``what`` after ``seconds``."""
    deadline = reactor.seconds() + seconds
    while not condition():
        if reactor.seconds() > deadline:
            pytest.fail(f"within {seconds:g} s expected: {what}")
        await deferLater(reactor, 0.005)


async def turns(count: int = 3) -> None:
    """A few turns of the reactor: what was queued for them has happened."""
    for _ in range(count):
        await deferLater(reactor, 0)
