"""The clocks: what time it is, and how long something takes.

Wall time is set by people and by NTP, forwards and backwards. Whatever waits or measures uses the steady clock.
"""

import time
from typing import Any


def wall_clock() -> int:
    """Microseconds since 1970-01-01T00:00:00Z."""
    return time.time_ns() // 1000


def steady_clock() -> int:
    """Microseconds of a clock that is never set; only differences mean anything."""
    return time.monotonic_ns() // 1000


def make_steady(reactor: Any) -> None:
    """Have the timers of ``reactor`` follow the steady clock; call it before anything is scheduled.

    Twisted's own clock is wall time: set back, it holds every timer for as long; set forward, all fire at once.
    ``reactor.seconds`` begins at wall time, which other libraries take it for, and ignores what the clock is set to.
    """
    began = time.time() - time.monotonic()
    reactor.seconds = lambda: began + time.monotonic()
