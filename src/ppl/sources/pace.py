"""Tells the readers of bodies when to pause, so that no body holds the reactor, whatever it is made of."""

from __future__ import annotations

from time import perf_counter

#: Seconds after which a reader pauses, if it can.
_PACE_SECONDS = 0.003


class Pace:
    """Tells a reader when it has read for a few milliseconds, so that others get a turn also where it finds nothing."""

    def __init__(self) -> None:
        self._due = perf_counter() + _PACE_SECONDS

    def is_due(self) -> bool:
        """Whether the reader must give a piece now, if only one without lines; the time begins again then."""
        now = perf_counter()
        if now < self._due:
            return False
        self._due = now + _PACE_SECONDS
        return True
