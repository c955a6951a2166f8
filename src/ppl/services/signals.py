"""Stops Ppl at the first signal; further ones while it stops are only logged.

Twisted's own handlers would stop the reactor again, which fails with a traceback.
"""

from __future__ import annotations

import signal
from types import FrameType
from typing import Any

from twisted.logger import Logger

_log = Logger()


def heed_one_signal(reactor: Any) -> None:
    """Once ``reactor`` has started, stop it at the first SIGINT or SIGTERM only."""
    reactor.callWhenRunning(_install, reactor)


def _install(reactor: Any) -> None:
    stopping = False

    def begin() -> None:
        nonlocal stopping
        stopping = True

    reactor.addSystemEventTrigger("before", "shutdown", begin)
    for number in (signal.SIGINT, signal.SIGTERM):
        former = signal.getsignal(number)
        if not callable(former):  # the process was started with this signal ignored
            continue

        def handle(number: int, frame: FrameType | None, former: Any = former) -> None:
            if stopping:
                reactor.callFromThread(
                    _log.info, "Ppl is already stopping; {signal} is ignored", signal=signal.Signals(number).name
                )
            else:
                begin()
                former(number, frame)

        signal.signal(number, handle)
