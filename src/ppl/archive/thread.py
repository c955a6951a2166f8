"""Runs blocking work in threads that the end of the process does not wait for: a hanging server holds up nothing."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

T = TypeVar("T")


def in_thread(reactor: Any, act: Callable[[], T]) -> Deferred[T]:
    """Run ``act`` in a thread; gives what it returns or raises. Cancelling ends the waiting, while ``act`` goes on."""
    result: Deferred[T] = Deferred()

    def give(outcome: T | Failure) -> None:
        if not result.called:
            result.callback(outcome)

    def run() -> None:
        try:
            outcome: T | Failure = act()
        except BaseException:
            outcome = Failure()
        reactor.callFromThread(give, outcome)

    Thread(target=run, name="archive", daemon=True).start()
    return result
