"""Ids of events: the microsecond of receipt, made unique and strictly increasing per destination."""

from __future__ import annotations

from collections.abc import Mapping

from ppl.model import Clock


class IdSequence:
    """Gives ids above the last stored ones, so that neither a restart nor a clock that jumps back repeats an id.

    Attributes:
        ahead: µs by which the latest ids are ahead of the clock; usually 0.
    """

    def __init__(self, clock: Clock, last_ids: Mapping[int, int]) -> None:
        self._clock = clock
        self._last = dict(last_ids)
        self.ahead = 0

    def take(self, destination_id: int, count: int) -> int:
        """The first of ``count`` consecutive new ids of the destination."""
        now = self._clock()
        first = max(now, self._last.get(destination_id, 0) + 1)
        self._last[destination_id] = first + count - 1
        self.ahead = first - now
        return first

    def not_below(self, last_ids: Mapping[int, int]) -> None:
        """Give only ids above ``last_ids`` (destination id → id) from now on."""
        for destination_id, last in last_ids.items():
            self._last[destination_id] = max(last, self._last.get(destination_id, 0))
