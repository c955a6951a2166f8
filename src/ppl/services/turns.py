"""A site's share of the reactor's turns: in each, one request per connection, and a limit to the work of all together.

Clients may send many requests at once on one connection (pipelining, RFC 9112 section 9.3.2), and responses that need
not wait for anything would all be made in one turn, while no line is received and nothing else is served. Work that
does not fit into a turn waits for the next ones: addresses take turns, and so do the connections of an address.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from time import perf_counter
from typing import Any

from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

#: Seconds of each turn of the reactor for the work of one site's connections.
TURN_SECONDS = 0.005

Work = Callable[[], object]


class Turns:
    """Shares the reactor's turns out among the connections of one site.

    Attributes:
        number: counts the turns; it goes up after every turn in which something was done.

    Args:
        reactor: the reactor whose turns are shared out.
        seconds: a clock for how long work takes.
    """

    _log = Logger()

    def __init__(self, reactor: Any, seconds: Callable[[], float] = perf_counter) -> None:
        self.number = 1
        self._reactor = reactor
        self._seconds = seconds
        self._spent = 0.0
        self._is_working, self._began = False, 0.0
        self._waiting: OrderedDict[str, deque[Work]] = OrderedDict()
        self._next_turn: IDelayedCall | None = None

    @property
    def is_spent(self) -> bool:
        """Whether this turn has no room for more work."""
        under_way = self._seconds() - self._began if self._is_working else 0.0
        return self._spent + under_way > TURN_SECONDS

    def do(self, work: Work) -> None:
        """Do ``work`` now; the time that it takes belongs to this turn."""
        self._wake()
        if self._is_working:
            work()
            return
        self._is_working = True
        self._began = self._seconds()
        try:
            work()
        finally:
            self._is_working = False
            self._spent += self._seconds() - self._began

    def later(self, address: str, work: Work) -> None:
        """Do ``work``, of a connection from ``address``, in a later turn."""
        self._waiting.setdefault(address, deque()).append(work)
        self._wake()

    def _wake(self) -> None:
        if self._next_turn is None:
            self._next_turn = self._reactor.callLater(0, self._turn)

    def _turn(self) -> None:
        self._next_turn = None
        self.number += 1
        self._spent = 0.0
        for _ in range(sum(map(len, self._waiting.values()))):
            if self.is_spent:
                break
            try:
                self.do(self._take())
            except Exception:
                self._log.failure("A request that had waited for its turn failed")
        if self._waiting:
            self._wake()

    def _take(self) -> Work:
        address, works = self._waiting.popitem(last=False)
        work = works.popleft()
        if works:
            self._waiting[address] = works
        return work
