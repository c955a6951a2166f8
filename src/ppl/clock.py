"""The wall clock in microseconds."""

import time


def wall_clock() -> int:
    """Microseconds since 1970-01-01T00:00:00Z."""
    return time.time_ns() // 1000
