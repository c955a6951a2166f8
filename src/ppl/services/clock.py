"""The clocks: what time it is, and how long something takes.

Wall time is set by people and by NTP, forwards and backwards. Whatever waits or measures uses a steady clock.
"""

import time
from typing import Any

#: Seconds between two looks at the reactor's clock at the most, and after which the process has stood still meanwhile.
BEAT, STOOD_STILL = 0.25, 1.0


def wall_clock() -> int:
    """Microseconds since 1970-01-01T00:00:00Z."""
    return time.time_ns() // 1000


def steady_clock() -> int:
    """Microseconds of a clock that is never set; only differences mean anything."""
    return time.monotonic_ns() // 1000


def make_steady(reactor: Any) -> None:
    """Have the timers of ``reactor`` count the time in which it turns; call it before anything is scheduled.

    Twisted's own clock is wall time: set back, it holds every timer for as long; set forward, all fire at once. And
    after the process was suspended, timers fire before anything is read, so that peers whose answers wait in the kernel
    are taken for silent. ``reactor.seconds`` begins at wall time, for which other libraries take it, then counts
    neither what the clock is set to nor any time in which the process stood still.
    """
    reactor.seconds = _Steady()

    def beat() -> None:
        reactor.callLater(BEAT, beat)

    beat()


class _Steady:
    """Seconds; what passes between two calls counts if it is less than ``STOOD_STILL``."""

    def __init__(self) -> None:
        self._last = time.monotonic()
        self._ahead = time.time() - self._last

    def __call__(self) -> float:
        now = time.monotonic()
        passed, self._last = now - self._last, now
        if passed > STOOD_STILL:
            self._ahead -= passed
        return now + self._ahead
