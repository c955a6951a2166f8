"""Waiting for a condition while the reactor runs."""

from __future__ import annotations

import inspect
import time
from collections.abc import Awaitable, Callable

from twisted.internet import reactor
from twisted.internet.task import deferLater


async def until(condition: Callable[[], bool | Awaitable[bool]], seconds: float = 15) -> None:
    """Return once ``condition`` (plain or a coroutine function) is true; fails the test after ``seconds``."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if await value if inspect.isawaitable(value) else value:
            return
        assert time.monotonic() < deadline, f"never came true: {inspect.getsource(condition).strip()}"
        await deferLater(reactor, 0.01, lambda: None)
