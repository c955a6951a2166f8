"""Who may connect, how often, and what is said of those who may not: limits per address and per destination.

One for the whole listener. A burst of refusals is one line in the log.
"""

from __future__ import annotations

from collections import Counter, OrderedDict

import attrs
from twisted.logger import Logger

from ppl.model import SECOND, Clock, Destination
from ppl.throttle import Rate, Throttle

#: A burst has ended when nothing more of its kind came for so long.
BURST_SECONDS = 60
_MOST_BURSTS = 1000

#: Connections that may come at once, in multiples of what may come in a second: senders return together.
_BURST_FACTOR = 10


@attrs.frozen
class Limits:
    """What a sender may; see the options of the same names."""

    max_line_bytes: int
    max_connections: int
    max_connections_per_address: int
    max_connects_per_second: int


class Admission:
    """Counts connections of addresses and of destinations.

    Args:
        limits: how many are admitted.
        clock: µs.
    """

    _log = Logger()

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self.limits = limits
        self._clock = clock
        rate = Rate(limits.max_connects_per_second * _BURST_FACTOR, 1 / limits.max_connects_per_second)
        self._rates = Throttle(rate, clock)
        self._of_address: Counter[str] = Counter()
        self._of_destination: Counter[int] = Counter()
        # What was said → when it last happened, and how often since it was said.
        self._bursts: OrderedDict[tuple[str, str], tuple[int, int]] = OrderedDict()

    def connections(self, destination: Destination) -> int:
        """How many are open to ``destination``."""
        return self._of_destination[destination.id]

    def admit(self, destination: Destination, address: str) -> bool:
        """Whether a connection from ``address`` may begin; it is counted until :meth:`left`."""
        limits, user_id = self.limits, destination.user_id
        if self._of_destination[destination.id] >= limits.max_connections:
            most = limits.max_connections
            self.say_once(user_id, f"it has {most} connections; more are refused (--max-connections)")
        elif self._of_address[address] >= limits.max_connections_per_address:
            most = limits.max_connections_per_address
            self.say_once(address, f"it has {most} connections; more are refused (--max-connections-per-address)")
        elif self._rates.take(address) or self._rates.take(user_id):
            self.say_once(address, f"it connects to {user_id} too often (--max-connects-per-second)")
        else:
            self._of_destination[destination.id] += 1
            self._of_address[address] += 1
            return True
        return False

    def left(self, destination: Destination, address: str) -> None:
        """A connection that was admitted has ended."""
        for counter, key in ((self._of_destination, destination.id), (self._of_address, address)):
            counter[key] -= 1  # type: ignore[index]
            if not counter[key]:  # type: ignore[index]
                del counter[key]  # type: ignore[arg-type]

    def say_once(self, who: str, what: str, detail: str = "") -> None:
        """Warn that ``who`` (an address or a ``user_id``) meets a limit or errs, once per burst.

        ``detail`` is that of the one that is said; with other details it is still the same burst.
        """
        now = self._clock()
        last, times = self._bursts.pop((who, what), (0, 0))
        if now - last > BURST_SECONDS * SECOND:
            more = f" ({times} times more in the burst before)" if times else ""
            said = f"{what} ({detail})" if detail else what
            self._log.warn("{who}: {what}{more}", who=who, what=said, more=more)
            times = -1
        self._bursts[who, what] = now, times + 1
        if len(self._bursts) > _MOST_BURSTS:
            self._bursts.popitem(last=False)
