"""GELF over UDP: datagrams that are compressed, and messages that come in chunks.

A chunk begins with two bytes, the eight bytes of its message's id, its number and how many there are. :class:`Chunks`
puts together those of one destination's port. Memory is bounded: for all destinations together by :class:`ChunkRoom`,
of which each has an equal part, and within a destination the sender that holds most gives way.
"""

from __future__ import annotations

import zlib
from collections import Counter

import attrs

from ppl.sources.gelf import is_zipped

#: The first bytes of such datagrams: chunks, gzip and zlib's format.
PACKED = frozenset((0x1E, 0x1F, 0x78))

#: Seconds within which all chunks of a message must come.
CHUNK_SECONDS = 5.0

_MAGIC = b"\x1e\x0f"
_HEADER = 12
_MOST_CHUNKS = 128
#: Bytes that one destination may hold, and all together. Messages and chunks count as more than they have, so that very
#: many small ones are bounded too.
_MOST_OF_DESTINATION = 4 << 20
_MOST_OF_ALL = 64 << 20
_MESSAGE_OVERHEAD, _CHUNK_OVERHEAD = 8192, 128
#: Ids of whole messages that are remembered, as a network may repeat a datagram.
_MOST_WHOLE = 256


def unzipped(datagram: bytes, most: int) -> bytes:
    """The content of a compressed datagram, up to one byte more than ``most``; one that is not compressed as it is."""
    if not is_zipped(datagram):
        return datagram
    unzip = zlib.decompressobj(32 + zlib.MAX_WBITS)
    try:
        text = unzip.decompress(datagram, most + 1)
    except zlib.error:
        return datagram
    # Its end has a checksum: text that only begins like this has none.
    return text if unzip.eof or len(text) > most else datagram


@attrs.define
class ChunkRoom:
    """The memory for chunks of all destinations together.

    Attributes:
        holders: how many destinations hold chunks.
    """

    holders: int = 0

    @property
    def part(self) -> int:
        """Bytes that a destination which holds chunks may have."""
        return min(_MOST_OF_DESTINATION, _MOST_OF_ALL // max(1, self.holders))


@attrs.define(eq=False)
class _Message:
    count: int
    until: float
    parts: dict[int, bytes] = attrs.Factory(dict)
    size: int = 0


#: The address of a sender, and the id that it gave a message.
_Key = tuple[str, bytes]


class Chunks:
    """The chunks of one destination whose messages are not whole yet.

    Args:
        room: what all destinations share.

    Attributes:
        held: bytes of the chunks, and what it costs to hold them.
        lost: messages that were given up, because chunks were missing or there was no room.
    """

    __slots__ = ("_messages", "_room", "_sizes", "_whole", "held", "lost")

    def __init__(self, room: ChunkRoom) -> None:
        self.held = self.lost = 0
        self._room = room
        # In the order in which they began, and in which they became whole.
        self._messages: dict[_Key, _Message] = {}
        self._whole: dict[_Key, float] = {}
        self._sizes: Counter[str] = Counter()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is held, nor remembered."""
        return not self._messages and not self._whole

    def take(self, sender: str, datagram: bytes, now: float) -> bytes:
        """The message that ``datagram`` makes whole; ``b""`` if chunks are missing, and for a repeated one.

        What is no chunk is a message of its own.

        Args:
            sender: the address that it came from.
            datagram: as received.
            now: seconds of a clock that is never set.
        """
        if len(datagram) < _HEADER or not datagram.startswith(_MAGIC):
            return datagram
        number, count = datagram[10], datagram[11]
        if not number < count <= _MOST_CHUNKS:
            return datagram
        self.expire(now)
        key = (sender, datagram[2:10])
        message = self._messages.get(key)
        if key in self._whole or (message is not None and (number in message.parts or count != message.count)):
            return b""
        part = datagram[_HEADER:]
        if message is None:
            message = self._begin(key, count, now)
        message.parts[number] = part
        self._grow(key, message, len(part) + _CHUNK_OVERHEAD)
        return self._completed(key, message, now) if len(message.parts) == count else b""

    def expire(self, now: float) -> None:
        """Give up messages whose chunks did not come in time, and forget the ids of whole ones."""
        while self._messages and next(iter(self._messages.values())).until <= now:
            self._give_up(next(iter(self._messages)))
        while self._whole and next(iter(self._whole.values())) <= now:
            del self._whole[next(iter(self._whole))]

    def clear(self) -> None:
        """Give up everything: the port closes."""
        for key in list(self._messages):
            self._give_up(key)
        self._whole.clear()

    def _begin(self, key: _Key, count: int, now: float) -> _Message:
        if not self._messages:
            self._room.holders += 1
        message = self._messages[key] = _Message(count, now + CHUNK_SECONDS)
        self._grow(key, message, _MESSAGE_OVERHEAD)
        return message

    def _grow(self, key: _Key, message: _Message, size: int) -> None:
        """Count ``size`` more bytes. If that is too much, the sender that holds most loses its oldest messages."""
        if key not in self._messages:
            return
        message.size += size
        self._sizes[key[0]] += size
        self.held += size
        while self.held > self._room.part:
            largest = max(self._sizes, key=self._sizes.__getitem__)
            self._give_up(next(each for each in self._messages if each[0] == largest))

    def _completed(self, key: _Key, message: _Message, now: float) -> bytes:
        if key not in self._messages:
            return b""
        self._forget(key)
        self._whole[key] = now + CHUNK_SECONDS
        if len(self._whole) > _MOST_WHOLE:
            del self._whole[next(iter(self._whole))]
        return b"".join(message.parts[number] for number in range(message.count))

    def _give_up(self, key: _Key) -> None:
        self.lost += 1
        self._forget(key)

    def _forget(self, key: _Key) -> None:
        message = self._messages.pop(key)
        self.held -= message.size
        self._sizes[key[0]] -= message.size
        if not self._sizes[key[0]]:
            del self._sizes[key[0]]
        if not self._messages:
            self._room.holders -= 1
