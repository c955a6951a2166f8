"""Token buckets that limit how often something may be tried, in bounded memory; the clock is passed in."""

from __future__ import annotations

from collections import OrderedDict

import attrs

from ppl.model import SECOND, Clock


@attrs.frozen
class Rate:
    """``burst`` at once, then one every ``seconds``."""

    burst: int
    seconds: float


class Throttle:
    """One token bucket of ``rate`` per key. Beyond ``most_keys`` the least recently seen key is dropped."""

    def __init__(self, rate: Rate, clock: Clock, most_keys: int = 20_000) -> None:
        self._burst = rate.burst
        self._interval = int(rate.seconds * SECOND)
        self._clock = clock
        self._most_keys = most_keys
        # Key → the moment at which its bucket will be full again (the generic cell rate algorithm): one number each.
        self._full_at: OrderedDict[str, int] = OrderedDict()

    def take(self, key: str) -> int:
        """Take one token of ``key``: 0 if there was one, else the whole seconds until there will be."""
        now = self._clock()
        full_at = max(self._full_at.pop(key, now), now)
        # A clock set back must not lock anybody out for longer than an empty bucket does.
        full_at = min(full_at, now + self._burst * self._interval)
        wait = full_at + self._interval - now - self._burst * self._interval
        if wait <= 0:
            full_at += self._interval
        self._full_at[key] = full_at
        if len(self._full_at) > self._most_keys:
            self._full_at.popitem(last=False)
        return max(0, -(-wait // SECOND))

    def give_back(self, key: str) -> None:
        """Undo one :meth:`take`: the attempt was not a guess."""
        if key in self._full_at:
            self._full_at[key] -= self._interval

    def forget(self, key: str) -> None:
        """Fill the bucket of ``key``."""
        self._full_at.pop(key, None)

    def __len__(self) -> int:
        return len(self._full_at)
