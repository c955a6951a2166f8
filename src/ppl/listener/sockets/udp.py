"""Syslog over UDP (RFC 5426): one message a datagram, on the number of the destination's TCP port.

Nothing can hold a sender back here: what the kernel cannot keep while we do not read is lost, and it tells how much.
Twisted's own UDP port reads without the kernel's count.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IReadDescriptor
from twisted.internet.main import CONNECTION_LOST
from twisted.python.failure import Failure
from zope.interface import implementer

from ppl.listener.limits.addresses import sender_address
from ppl.sources.framing import Frames, whole_message

#: Bytes that the kernel is asked to keep for us (it may grant less: net.core.rmem_max).
RECEIVE_BUFFER = 4 << 20

# Of one turn of the reactor, so that a flood leaves turns for others.
_MOST_DATAGRAMS = 256
_MOST_BYTES = 1 << 18

# From asm-generic/socket.h, which Python does not name. OVFL: with each datagram comes how many were dropped before it.
_SO_RCVBUFFORCE, _SO_RXQ_OVFL = 33, 40
_ANCILLARY = socket.CMSG_SPACE(4)
_PASSING = {errno.EAGAIN, errno.EWOULDBLOCK, errno.EINTR, errno.ECONNREFUSED}

# One for all ports: what is received is copied out at once.
_buffer = bytearray(65_536)
_view = memoryview(_buffer)

#: Takes the messages of one sender, in order of receipt, and their bytes as received.
Take = Callable[[str, Frames, int], None]


@implementer(IReadDescriptor)
class DatagramPort:
    """An open UDP port, a :class:`~ppl.listener.writing.writer.Source`.

    Args:
        reactor: watches the socket.
        bound: the socket, which is the port's from here on.
        max_line_bytes: longer messages are cut and marked.
        take: gets what comes.
        lost: told of datagrams that the kernel has dropped, how many more they are.
    """

    __slots__ = ("__weakref__", "_dropped", "_lost", "_max_line_bytes", "_reactor", "_socket", "_take")

    def __init__(
        self, reactor: Any, bound: socket.socket, max_line_bytes: int, take: Take, lost: Callable[[int], None]
    ) -> None:
        self._reactor = reactor
        self._max_line_bytes, self._take, self._lost = max_line_bytes, take, lost
        self._dropped = 0
        bound.setsockopt(socket.SOL_SOCKET, _SO_RXQ_OVFL, 1)
        _enlarge(bound)
        self._socket: socket.socket | None = bound
        reactor.addReader(self)

    def fileno(self) -> int:
        """Twisted: which descriptor to watch."""
        return -1 if self._socket is None else self._socket.fileno()

    def logPrefix(self) -> str:
        """Twisted: who logs."""
        return "UDP"

    def doRead(self) -> Any:
        """Twisted: something has come."""
        assert self._socket is not None
        sender: str | None = None
        messages: list[bytes] = []
        size = total = 0
        for _ in range(_MOST_DATAGRAMS):
            try:
                length, ancillary, _flags, address = self._socket.recvmsg_into([_buffer], _ANCILLARY)
            except OSError as error:
                if error.errno in _PASSING:
                    break
                return CONNECTION_LOST
            if ancillary:
                self._count_dropped(ancillary)
            if address[0] != sender:
                self._hand_on(sender, messages, size)
                sender, messages, size = address[0], [], 0
            messages.append(whole_message(bytes(_view[:length]), self._max_line_bytes))
            size += length
            total += length
            if total >= _MOST_BYTES:
                break
        self._hand_on(sender, messages, size)
        return None

    def _hand_on(self, sender: str | None, messages: list[bytes], size: int) -> None:
        if sender is not None:
            self._take(sender_address(sender), Frames(messages=tuple(messages)), size)

    def _count_dropped(self, ancillary: Any) -> None:
        for level, kind, data in ancillary:
            if level == socket.SOL_SOCKET and kind == _SO_RXQ_OVFL:
                (dropped,) = struct.unpack("I", data)
                more = (dropped - self._dropped) % (1 << 32)
                self._dropped = dropped
                if more:
                    self._lost(more)

    def pause(self) -> None:
        """Source: the writer's queue is full."""
        if self._socket is not None:
            self._reactor.removeReader(self)

    def resume(self) -> None:
        """Source: it has room again."""
        if self._socket is not None:
            self._reactor.addReader(self)

    def connectionLost(self, reason: Failure) -> None:
        """Twisted: the reactor gives it up."""
        self.stopListening()

    def stopListening(self) -> None:
        """Close it; what the kernel still holds is lost, as whatever comes from now on, unless the socket is kept."""
        if self._socket is not None:
            self._reactor.removeReader(self)
            self._socket.close()
            self._socket = None


def _enlarge(new: socket.socket) -> None:
    """Ask for a receive buffer beyond the system's limit, which only root may, else for as much as it allows."""
    try:
        new.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, RECEIVE_BUFFER)
    except OSError:
        new.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
