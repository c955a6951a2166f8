"""Connection limits for senders: how many and how often, per address and per destination.

A listener has one :class:`Admission`, which its ports and its drain ask. A burst of refusals is one line in the log.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TypeVar

import attrs
from twisted.logger import Logger

from ppl.access.throttle import Rate, Throttle
from ppl.listener.limits.silence import Silence, Silent
from ppl.model import Clock, Destination
from ppl.services.bursts import Bursts

T = TypeVar("T")

#: Connections allowed in one burst, in multiples of the rate per second: senders reconnect together.
_BURST_FACTOR = 10


@attrs.frozen
class Limits:
    """Limits for senders; see the options of the same names."""

    max_line_bytes: int
    max_connections: int
    max_connections_per_address: int
    max_connects_per_second: int


@attrs.frozen
class AdmissionStatistics:
    """How much an :class:`Admission` holds in memory.

    Attributes:
        addresses: number of addresses that have connections.
        bursts: number of warnings remembered, so that a burst of each is one line.
    """

    addresses: int
    bursts: int


class Admission:
    """Decides which connections may begin; counts them per address and per destination.

    Args:
        limits: how many connections are admitted, and how often.
        clock: µs, steady.
    """

    _log = Logger()

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self.limits = limits
        self.clock = clock
        rate = Rate(limits.max_connects_per_second * _BURST_FACTOR, 1 / limits.max_connects_per_second)
        self._rates = Throttle(rate, clock)
        self._of_address: Counter[str] = Counter()
        self._of_destination: Counter[int] = Counter()
        self._silence = Silence()
        self._bursts = Bursts(self._log, clock)

    def statistics(self) -> AdmissionStatistics:
        """How much is held in memory."""
        return AdmissionStatistics(addresses=len(self._of_address), bursts=len(self._bursts))

    def connections(self, destination: Destination) -> int:
        """The number of open connections to ``destination``."""
        return self._of_destination[destination.id]

    def admit(self, destination: Destination, address: str) -> bool:
        """Whether a connection from ``address`` may begin; if so, it is counted until :meth:`left`.

        At a limit, the connection that has been silent for longest is closed to make room (see :meth:`began`).
        """
        most, user_id = self.limits.max_connections, destination.user_id
        is_full = self._of_destination[destination.id] >= most
        if is_full and self._silence.longest(destination.id) is None:
            self.say_once(user_id, f"it has {most} connections; more are refused (--max-connections)")
            return False
        if not self._admit(address, user_id, [address, user_id]):
            return False
        # The connection that gave way for the address may have been one of this destination.
        if self._of_destination[destination.id] >= most:
            self._make_room(destination.id, user_id, most, "--max-connections")
        self._of_destination[destination.id] += 1
        return True

    def admit_to_drain(self, address: str) -> bool:
        """Whether a connection for uploads may begin; if so, it is counted until :meth:`left_drain`."""
        return self._admit(address, "the drain", [address])

    def _admit(self, address: str, where: str, throttled: Sequence[str]) -> bool:
        most = self.limits.max_connections_per_address
        is_full = self._of_address[address] >= most
        if is_full and self._silence.longest(address) is None:
            self.say_once(address, f"it has {most} connections; more are refused (--max-connections-per-address)")
        elif any(map(self._rates.take, throttled)):
            self.say_once(address, f"it connects to {where} too often (--max-connects-per-second)")
        else:
            if is_full:
                self._make_room(address, address, most, "--max-connections-per-address")
            self._of_address[address] += 1
            return True
        return False

    def _make_room(self, key: int | str, who: str, most: int, option: str) -> None:
        longest = self._silence.longest(key)
        if longest is not None:
            what = f"it has {most} connections; those that never sent anything are closed to make room ({option})"
            self.say_once(who, what)
            longest.give_way()

    def began(self, connection: Silent, address: str, destination: Destination | None = None) -> None:
        """Note that ``connection`` was admitted and has sent nothing: it may have to give way until :meth:`spoke`."""
        self._silence.add(connection, _counted(address, destination))

    def spoke(self, connection: Silent, address: str, destination: Destination | None = None) -> None:
        """Note that ``connection`` has sent something or has ended."""
        self._silence.remove(connection, _counted(address, destination))

    def is_crowded(self, destination: Destination, address: str) -> bool:
        """Whether the destination or the address uses more than half of the connections it may have."""
        return (
            2 * self._of_destination[destination.id] > self.limits.max_connections
            or 2 * self._of_address[address] > self.limits.max_connections_per_address
        )

    def left(self, destination: Destination, address: str) -> None:
        """A connection that was admitted has ended."""
        uncount(self._of_destination, destination.id)
        uncount(self._of_address, address)

    def left_drain(self, address: str) -> None:
        """A connection for uploads that was admitted has ended."""
        uncount(self._of_address, address)

    def say_once(self, who: str, what: str, detail: str = "") -> None:
        """See :meth:`ppl.services.bursts.Bursts.say_once`."""
        self._bursts.say_once(who, what, detail)


def _counted(address: str, destination: Destination | None) -> list[int | str]:
    return [address] if destination is None else [destination.id, address]


def uncount(counter: Counter[T], key: T) -> None:
    """Count one less of ``key``, and drop a key that reaches zero, to free its memory."""
    counter[key] -= 1
    if not counter[key]:
        del counter[key]
