"""Syslog over UDP (RFC 5426): one message or several in each datagram, on the number of the destination's TCP port.

GELF comes there too, also compressed and in chunks.

UDP has no backpressure: the kernel drops datagrams that it cannot buffer while Ppl does not read, and counts them.
Twisted's own UDP port does not read the kernel's count.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.interfaces import IDelayedCall, IReadDescriptor
from twisted.internet.main import CONNECTION_LOST
from twisted.python.failure import Failure
from zope.interface import implementer

from ppl.listener.limits.addresses import sender_address
from ppl.sources.datagrams import datagram_messages
from ppl.sources.framing import Frames
from ppl.sources.gelf_datagrams import CHUNK_SECONDS, PACKED, ChunkRoom, Chunks, unzipped

#: Bytes of receive buffer that the kernel is asked for (it may grant less: net.core.rmem_max).
RECEIVE_BUFFER = 4 << 20

# Limits of one turn of the reactor, so that a flood leaves turns for others.
_MOST_DATAGRAMS = 256
_MOST_BYTES = 1 << 18
# Of the slowest form, these take two milliseconds; one datagram may hold four times as many.
_MOST_MESSAGES = 256

# From asm-generic/socket.h; Python has no names for them. OVFL: each datagram tells how many were dropped before it.
_SO_RCVBUFFORCE, _SO_RXQ_OVFL = 33, 40
_ANCILLARY = socket.CMSG_SPACE(4)
_PASSING = {errno.EAGAIN, errno.EWOULDBLOCK, errno.EINTR, errno.ECONNREFUSED}

# One buffer for all ports: what is received is copied out at once.
_buffer = bytearray(65_536)
_view = memoryview(_buffer)

#: Takes the address of a sender, its messages in order of receipt, and their bytes as received.
TakeDatagrams = Callable[[str, Frames, int], None]


@implementer(IReadDescriptor)
class DatagramPort:
    """An open UDP port, a :class:`~ppl.listener.writing.writer.Source`.

    Args:
        reactor: watches the socket.
        bound: the bound socket, which the port then owns.
        max_line_bytes: longer messages are cut and marked.
        take: gets the messages.
        lost: told how many more datagrams the kernel has dropped.
        room: the memory for messages in chunks.
        incomplete: told that messages in chunks were given up.
    """

    __slots__ = (
        "__weakref__", "_chunks", "_dropped", "_incomplete", "_is_paused", "_lost", "_max_line_bytes", "_next",
        "_reactor", "_socket", "_take", "_timer", "_waiting",
    )  # fmt: skip

    def __init__(
        self,
        reactor: Any,
        bound: socket.socket,
        max_line_bytes: int,
        take: TakeDatagrams,
        lost: Callable[[int], None],
        room: ChunkRoom,
        incomplete: Callable[[], None],
    ) -> None:
        self._reactor = reactor
        self._max_line_bytes, self._take, self._lost = max_line_bytes, take, lost
        self._dropped = 0
        self._chunks, self._incomplete = Chunks(room), incomplete
        self._timer: IDelayedCall | None = None
        # What was read and did not fit the turn: the address of a sender, its messages, and their bytes.
        self._waiting: deque[tuple[str, Sequence[bytes], int]] = deque()
        self._next: IDelayedCall | None = None
        self._is_paused = False
        bound.setsockopt(socket.SOL_SOCKET, _SO_RXQ_OVFL, 1)
        _enlarge(bound)
        self._socket: socket.socket | None = bound
        reactor.addReader(self)

    def fileno(self) -> int:
        """Twisted: which descriptor to watch."""
        return -1 if self._socket is None else self._socket.fileno()

    def logPrefix(self) -> str:
        """Twisted: the prefix of log lines."""
        return "UDP"

    def doRead(self) -> Any:
        """Twisted: datagrams have arrived."""
        assert self._socket is not None
        sender: str | None = None
        messages: list[bytes] = []
        size = total = count = 0
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
                self._add(sender, messages, size)
                sender, messages, size = address[0], [], 0
            datagram = bytes(_view[:length])
            if _buffer[0] in PACKED:
                total += length
                datagram = self._unpacked(address[0], datagram)
                length = len(datagram)
            found = datagram_messages(datagram, self._max_line_bytes)
            messages += found
            size += length
            total += length
            count += len(found)
            if total >= _MOST_BYTES or count >= _MOST_MESSAGES:
                break
        self._add(sender, messages, size)
        self._hand_on()
        return None

    def _unpacked(self, sender: str, datagram: bytes) -> bytes:
        """What a datagram of GELF holds: compressed, or the last chunk of a message; ``b""`` for any other chunk."""
        text = unzipped(self._chunks.take(sender, datagram, self._reactor.seconds()), self._max_line_bytes)
        self._watch_chunks()
        return text

    def _watch_chunks(self) -> None:
        """Say what was given up, and look again when the time of the other messages is over."""
        if self._chunks.lost:
            self._chunks.lost = 0
            self._incomplete()
        if self._timer is None and not self._chunks.is_empty:
            self._timer = self._reactor.callLater(CHUNK_SECONDS, self._expire_chunks)

    def _expire_chunks(self) -> None:
        self._timer = None
        self._chunks.expire(self._reactor.seconds())
        self._watch_chunks()

    def _add(self, sender: str | None, messages: Sequence[bytes], size: int) -> None:
        if sender is not None:
            self._waiting.append((sender_address(sender), messages, size))

    def _hand_on(self) -> None:
        """Hand on what fits a turn; what is left goes on in the next, and nothing more is read before."""
        room = _MOST_MESSAGES
        while self._waiting and room > 0 and not self._is_paused:
            room -= self._hand_on_first(room)
        self._watch()

    def _hand_on_first(self, most: int) -> int:
        """Hand on at most ``most`` messages of what waits first; gives how many."""
        sender, messages, size = self._waiting.popleft()
        if len(messages) > most:
            rest = messages[most:]
            messages = messages[:most]
            left = size * len(rest) // (len(messages) + len(rest))
            self._waiting.appendleft((sender, rest, left))
            size -= left
        self._take(sender, Frames(messages=tuple(messages)), size)
        return len(messages)

    def _go_on(self) -> None:
        self._next = None
        if not self._is_paused:
            self._hand_on()

    def _watch(self) -> None:
        """Read, or go on with what waits in the next turn, or neither while paused."""
        if self._socket is None:
            return
        if self._is_paused or self._waiting:
            self._reactor.removeReader(self)
        else:
            self._reactor.addReader(self)
        if self._waiting and not self._is_paused and self._next is None:
            self._next = self._reactor.callLater(0, self._go_on)

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
        self._is_paused = True
        self._watch()

    def resume(self) -> None:
        """Source: the writer's queue has room again."""
        self._is_paused = False
        self._watch()

    def connectionLost(self, reason: Failure) -> None:
        """Twisted: the reactor gives up the socket."""
        self.stopListening()

    def stopListening(self) -> None:
        """Close the port; datagrams in the kernel and later ones are lost, unless the socket is kept."""
        while self._waiting:
            self._hand_on_first(_MOST_MESSAGES)
        if self._next is not None:
            self._next.cancel()
            self._next = None
        if self._socket is not None:
            self._reactor.removeReader(self)
            self._socket.close()
            self._socket = None
        self._chunks.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _enlarge(new: socket.socket) -> None:
    """Enlarge the receive buffer: beyond the system's limit where that is allowed (to root), else up to the limit."""
    try:
        new.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, RECEIVE_BUFFER)
    except OSError:
        new.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
