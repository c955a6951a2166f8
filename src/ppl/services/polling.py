"""Bounds how much the reactor takes from the kernel in one turn, and how much garbage gathers before it is collected.

A committed line needs several turns on its way to a viewer, and everybody's line waits for the longest of them. Without
a bound, thousands of connections that are opened or closed at once, or much garbage, make one turn of a tenth of a
second.
"""

from __future__ import annotations

import gc
from typing import Any

from twisted.internet.epollreactor import EPollReactor

#: Most sockets that are read or written in one turn. Others follow in the next ones: epoll rotates them. With 100 the
#: p99 of a quiet client beside 200 connections at full speed was 75 ms instead of 50: it waited for more turns.
MOST_EVENTS = 500

#: Most connections that a port accepts in one turn. Twisted begins with 100, and goes up.
MOST_ACCEPTS = 20

#: New objects after which Python collects garbage among them. Lines in flight are many and without cycles, so frequent
#: collections find nothing; ended connections are cycles, and 100,000 such objects take an eighth of a second to free.
MOST_YOUNG = 10_000


def bound_turns(reactor: Any, most_events: int = MOST_EVENTS) -> None:
    """Bound each turn of ``reactor`` to ``most_events`` sockets, and the garbage that gathers in this process."""
    if isinstance(reactor, EPollReactor):
        reactor._poller = _Bounded(reactor._poller, most_events)
    gc.set_threshold(MOST_YOUNG, 10, 100)
    # Imported modules stay anyway, so they need not be looked at.
    gc.freeze()


def bound_accepts(port: Any) -> None:
    """Have Twisted's ``port`` accept no more than ``MOST_ACCEPTS`` connections in one turn."""
    read = port.doRead

    def do_read() -> None:
        port.numberAccepts = min(port.numberAccepts, MOST_ACCEPTS)
        read()

    port.doRead = do_read


class _Bounded:
    """An ``epoll`` that returns at most ``most`` events at once."""

    def __init__(self, poller: Any, most: int) -> None:
        self._poller, self._most = poller, most

    def __getattr__(self, name: str) -> Any:
        return getattr(self._poller, name)

    def poll(self, timeout: float, most: int) -> Any:
        return self._poller.poll(timeout, min(most, self._most))
