"""A turn of the reactor has an end, whatever the kernel has ready: sockets take turns, ports accept a few at a time."""

from __future__ import annotations

import gc
import socket
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.epollreactor import EPollReactor
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.tcp import Port
from twisted.python.failure import Failure

from ppl.services.polling import MOST_ACCEPTS, MOST_YOUNG, bound_accepts, bound_turns

#: Sockets that are looked at in one turn.
SOCKETS = 50


@pytest.fixture
def own_reactor() -> Iterator[Any]:
    """A second reactor beside the test's own."""
    thresholds = gc.get_threshold()
    reactor: Any = EPollReactor()
    bound_turns(reactor, SOCKETS)
    yield reactor
    gc.set_threshold(*thresholds)
    gc.unfreeze()
    for each in reactor.removeAll():
        each.end() if isinstance(each, _Ready) else each.connectionLost(Failure(ConnectionDone()))
    reactor._poller.close()


class _Ready:
    """One end of a pair of sockets from which there is always something to read."""

    disconnected = False

    def __init__(self, read: Counter[_Ready]) -> None:
        self._end, self._other = socket.socketpair()
        self._other.send(b"x")
        self._read = read

    def fileno(self) -> int:
        return self._end.fileno()

    def doRead(self) -> None:
        self._read[self] += 1

    def end(self) -> None:
        self._end.close()
        self._other.close()

    def logPrefix(self) -> str:
        return "-"


def test_sockets_that_are_ready_take_turns(own_reactor: Any) -> None:
    read: Counter[_Ready] = Counter()
    sockets = [_Ready(read) for _ in range(3 * SOCKETS)]
    for each in sockets:
        own_reactor.addReader(each)
    own_reactor.doIteration(0)
    assert read.total() == SOCKETS
    own_reactor.doIteration(0)
    own_reactor.doIteration(0)
    assert {read[each] for each in sockets} == {1}, "each was read before one was read twice"


def test_garbage_is_collected_before_it_takes_long_to_free(own_reactor: Any) -> None:
    assert gc.get_threshold()[0] == MOST_YOUNG


def test_a_port_accepts_a_few_connections_in_a_turn(own_reactor: Any) -> None:
    accepted: list[Protocol] = []

    class Counting(Protocol):
        def connectionMade(self) -> None:
            accepted.append(self)

    port: Any = Port(0, Factory.forProtocol(Counting), backlog=500, interface="127.0.0.1", reactor=own_reactor)
    port.startListening()
    bound_accepts(port)
    clients = [socket.create_connection(("127.0.0.1", port.getHost().port)) for _ in range(5 * MOST_ACCEPTS)]
    port.doRead()
    assert len(accepted) == MOST_ACCEPTS
    for _ in range(4):
        port.doRead()
    assert len(accepted) == len(clients), "and all of them, soon"
    for each in clients:
        each.close()
