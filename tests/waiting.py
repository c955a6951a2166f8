"""Waiting in tests that run in the reactor: for conditions, never for time."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import pytest
from twisted.internet import reactor
from twisted.internet.task import deferLater


async def until(condition: Callable[[], object], what: str = "", seconds: float = 15.0) -> None:
    """Until ``condition`` (plain, or a coroutine function) is true; fails the test after ``seconds``.

    ``what`` says what was expected; without it the condition's own source does.
    """
    deadline = reactor.seconds() + seconds
    while True:
        value = condition()
        if await value if inspect.isawaitable(value) else value:
            return
        if reactor.seconds() > deadline:
            pytest.fail(f"within {seconds:g} s expected: {what or inspect.getsource(condition).strip()}")
        await deferLater(reactor, 0.005)


async def turns(count: int = 3) -> None:
    """A few turns of the reactor: what was queued for them has happened."""
    for _ in range(count):
        await deferLater(reactor, 0)
