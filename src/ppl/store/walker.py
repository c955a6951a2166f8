"""Takes a search step by step, for a viewer's portion, an answer of the API or an export alike.

Each of them goes on until it has enough, and all treat a failed step in the same way: see :meth:`Walker.step`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from twisted.internet.defer import CancelledError

from ppl.errors import PplError, StatementTimeout
from ppl.store.interface import Search

T = TypeVar("T")

#: How often one step is tried when it exceeds its time limit; each time, the search makes its steps smaller.
TRIES = 6


class Walker:
    """Takes the steps of one search, and closes it.

    Args:
        search: a search that has just begun (:meth:`ppl.store.interface.EventStore.search`).
        seconds: a clock that is never set.
        budget: seconds after which no further step is begun; ``None`` for a walk that must come to its end.
    """

    def __init__(self, search: Search, seconds: Callable[[], float], budget: float | None = None) -> None:
        self.search = search
        self._seconds = seconds
        self._ends = None if budget is None else seconds() + budget
        self._has_stepped = self._is_stopped = False

    @property
    def is_over(self) -> bool:
        """Whether no further step is wanted: the search is at its end, out of time, or stopped."""
        is_late = self._ends is not None and self._has_stepped and self._seconds() >= self._ends
        return self.search.is_complete or self._is_stopped or is_late

    async def step(self, ask: Callable[[], Awaitable[T]]) -> T | None:
        """Take the next step and give its result; ``None`` if the walk ends before it.

        A step that exceeds its time limit is retried. When a step fails for good, a walk with a budget that has taken a
        step ends there: the events found so far are an answer that a later search can continue. So does a stopped walk.

        Args:
            ask: begins the step, such as ``lambda: search.step(100)``.

        Raises:
            StoreUnavailable, StatementTimeout: the first step failed, or any step of a walk without a budget.
        """
        tries = 0
        while not self.is_over:
            tries += 1
            try:
                found = await ask()
            except (PplError, CancelledError) as error:
                if isinstance(error, StatementTimeout) and tries < TRIES and self._has_time:
                    continue
                if self._is_stopped or (self._has_stepped and self._ends is not None):
                    return None
                raise
            self._has_stepped = True
            return found
        return None

    @property
    def _has_time(self) -> bool:
        return self._ends is None or self._seconds() < self._ends

    def stop(self) -> None:
        """End the walk: a statement that runs is cancelled, and the step under way gives ``None``."""
        self._is_stopped = True
        self.close()

    def close(self) -> None:
        """Close the search; may be called again."""
        self.search.close()
