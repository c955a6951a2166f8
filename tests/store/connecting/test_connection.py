"""Sockets that libpq closes while the reactor watches them."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.interfaces import IReadWriteDescriptor
from zope.interface import implementer

from ppl.store.connecting.connection import Connection, WatchedReactor
from tests.waiting import until


@implementer(IReadWriteDescriptor)
class Watched:
    """A socket that the reactor watches, as it does txpostgres's cursors."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.reads = 0

    def fileno(self) -> int:
        return self.number

    def doRead(self) -> None:
        self.reads += 1
        reactor.removeReader(self)

    def doWrite(self) -> None:
        reactor.removeWriter(self)

    def connectionLost(self, reason: Any) -> None: ...

    def logPrefix(self) -> str:
        return "watched"


@pytest.mark.parametrize("ways", [("addReader",), ("addWriter",), ("addReader", "addWriter")])
@pytest.mark.parametrize("removal", ["forget", "removeReader", "removeWriter"])
@ensureDeferred
async def test_the_next_socket_with_the_number_of_a_closed_one_is_watched(ways: tuple[str, ...], removal: str) -> None:
    watching = WatchedReactor(reactor, Connection(reactor))
    ours, theirs = socket.socketpair()
    first = Watched(ours.fileno())
    for way in ways:
        getattr(watching, way)(first)
    number, first.number = ours.fileno(), -1
    ours.close()
    getattr(watching, removal)(first)

    other, sender = socket.socketpair()
    assert other.fileno() == number, "the kernel gives the lowest free number"
    second = Watched(number)
    reactor.addReader(second)
    sender.send(b"hello")
    await until(lambda: second.reads, "the socket is read")
    reactor.removeReader(second)
    for each in (theirs, other, sender):
        each.close()
