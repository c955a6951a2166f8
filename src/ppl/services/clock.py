"""The clocks: wall time tells what time it is, a steady clock how long something takes.

Wall time is set by people and by NTP, forwards and backwards. Whatever waits or measures uses a steady clock.
"""

import time
from typing import Any

#: Most seconds between two reads of the reactor's clock, and the gap beyond which the process must have stood still.
BEAT, STOOD_STILL = 0.25, 1.0


def wall_clock() -> int:
    """Microseconds since 1970-01-01T00:00:00Z."""
    return time.time_ns() // 1000


def steady_clock() -> int:
    """Microseconds of a clock that is never set; only differences mean anything."""
    return time.monotonic_ns() // 1000


def make_steady(reactor: Any) -> None:
    """Make the timers of ``reactor`` count only time in which it runs; call this before anything is scheduled.

    Twisted's own clock is wall time: when that is set back, every timer is late by as much; when it is set forward, all
    fire at once. And after the process was suspended, timers fire before anything is read, so that peers whose answers
    wait in the kernel are taken for silent. ``reactor.seconds`` begins at wall time, since other libraries take it for
    that, and then counts neither changes of wall time nor any time in which the process was suspended.
    """
    reactor.seconds = _Steady()

    def beat() -> None:
        reactor.callLater(BEAT, beat)

    beat()


class _Steady:
    """A clock in seconds: time between two calls counts unless it is longer than ``STOOD_STILL``."""

    def __init__(self) -> None:
        self._last = time.monotonic()
        self._ahead = time.time() - self._last

    def __call__(self) -> float:
        now = time.monotonic()
        passed, self._last = now - self._last, now
        if passed > STOOD_STILL:
            self._ahead -= passed
        return now + self._ahead
