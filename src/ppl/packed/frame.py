"""A frame: the events of one destination that are packed together, about a hundred, and opened together.

The form, version 1. All integers are little-endian::

    version         1 byte: 1
    flags           1 byte: bit 0, whether a dictionary was used
    count           2 bytes: events, at least one
    first id        8 bytes
    checksum        4 bytes: CRC-32 of the destination's id (8 bytes), of all bytes above, and of the rest
    rest            zstd: the columns

The columns, for n events in order of id:

- 14 bytes: the width of the numbers of ``id`` and of ``created_at``; then for each text column but the message how it
  is written (:class:`_Way`), and how many different texts it has, less one;
- ``id``: each less the one before it, as planes (:mod:`ppl.packed.numbers`);
- which program of its table each event has, if there is a table of several; then which host, likewise, with the events
  of each program side by side; from here on those of each program and host stand side by side, because they are alike;
- for each other text column with a table, which of its texts each event has, or each host of the table;
- ``created_at``: for each its unit (seconds, milliseconds or µs, whichever it is a whole number of), then how many
  units it is before the id, as planes;
- facility and severity, one byte each; 255 for none;
- the texts, separated by NUL (no text has one): the tables, the columns without a table, and the messages.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from enum import IntEnum
from itertools import accumulate, chain, islice, pairwise
from operator import itemgetter
from typing import Any
from zlib import crc32

import attrs

from ppl.model import Event
from ppl.packed.numbers import from_planes, in_planes, unzigzag, width_of, zigzag
from ppl.zstandard import zstd

#: Most events of a frame, and the bytes of texts after which a frame has no further event.
MOST_EVENTS, MOST_TEXT_BYTES = 256, 256 * 1024

#: A compression that costs half of the time of packing: the next levels take twice as long for one byte in thirty.
_LEVEL = 9

_HEAD = struct.Struct("<BBHQ")
_CHECKSUM = struct.Struct("<I")
_DESTINATION = struct.Struct("<Q")
_VERSION, _HAS_DICTIONARY = 1, 1

_NONE = 255

#: Units of a time in µs, from the longest.
_UNITS = (1_000_000, 1_000, 1)

#: Text columns but the message. The first two order the others, the second may give the third.
_COLUMNS = ("file_name", "hostname", "sender_ip", "procid", "msgid", "structured_data")
_NAMES = [field.name for field in attrs.fields(Event)]
_ID, _CREATED_AT, _MESSAGE = (_NAMES.index(name) for name in ("id", "created_at", "message"))
_FACILITY, _SEVERITY = _NAMES.index("facility"), _NAMES.index("severity")
_TEXTS = [_NAMES.index(name) for name in _COLUMNS]
_GROUPING = _TEXTS[:2]


class _Way(IntEnum):
    """How a text column is written: with a table of its texts, one for each host of the table, or as it is."""

    TABLE = 0
    BY_HOST = 1
    PLAIN = 2


EventRow = Sequence[Any]
"""The values of an :class:`~ppl.model.Event`, in its order."""


class FrameDamaged(Exception):
    """A frame was changed, cut off, or packed by a later version; the text says which."""


@attrs.frozen
class FrameHead:
    """What a frame says without being opened.

    Attributes:
        first_id: the id of its first event.
        count: how many events it has.
        has_dictionary: whether it needs the dictionary that it was packed with.
    """

    first_id: int
    count: int
    has_dictionary: bool


def frame_ends(sizes: Sequence[int]) -> Iterator[int]:
    """Where frames end in events whose texts have ``sizes`` bytes; the last end is their number."""
    begin, room = 0, MOST_TEXT_BYTES
    for position, size in enumerate(sizes):
        if position > begin and (position - begin == MOST_EVENTS or size > room):
            yield position
            begin, room = position, MOST_TEXT_BYTES
        room -= size
    if sizes:
        yield len(sizes)


def pack_frame(destination_id: int, rows: Sequence[EventRow], dictionary: zstd.ZstdDict | None = None) -> bytes:
    """Pack events into a frame.

    Args:
        destination_id: the destination that received them.
        rows: at least one, at most 65,535, in order of id.
        dictionary: trained on texts like theirs; opening the frame needs it again.

    Raises:
        ValueError: a text has NUL.
    """
    head = _HEAD.pack(_VERSION, _HAS_DICTIONARY if dictionary else 0, len(rows), rows[0][_ID])
    rest = zstd.compress(frame_columns(rows), _LEVEL, zstd_dict=dictionary)
    return head + _checksum(destination_id, head, rest) + rest


def frame_head(frame: bytes) -> FrameHead:
    """Read the head of a frame.

    Raises:
        FrameDamaged: it is cut off, or of a later version.
    """
    if len(frame) < _HEAD.size + _CHECKSUM.size:
        raise FrameDamaged(f"a frame of {len(frame)} bytes is cut off")
    version, flags, count, first_id = _HEAD.unpack_from(frame)
    if version != _VERSION:
        raise FrameDamaged(f"a frame has form {version}, which this version of Ppl does not know")
    return FrameHead(first_id, count, bool(flags & _HAS_DICTIONARY))


def _checksum(destination_id: int, head: bytes, rest: bytes | memoryview) -> bytes:
    return _CHECKSUM.pack(crc32(rest, crc32(head, crc32(_DESTINATION.pack(destination_id)))))


class _Order:
    """The order in which events are written: those of one program side by side, and within them those of one host.

    Attributes:
        positions: which event, by id, stands at each place.
    """

    def __init__(self, count: int) -> None:
        self.positions = list(range(count))
        self._keys = [0] * count

    def group(self, indexes: bytes) -> None:
        """Group further, by the index that each event has in the present order; no indexes: all have the same."""
        if indexes:
            keys = [key << 8 | index for key, index in zip(self._keys, indexes, strict=True)]
            places = sorted(range(len(keys)), key=keys.__getitem__)
            self.positions = [self.positions[place] for place in places]
            self._keys = [keys[place] for place in places]

    def last(self) -> bytes:
        """The indexes of the last grouping, in the present order."""
        return bytes([key & 255 for key in self._keys])

    def of(self, column: Sequence[Any]) -> list[Any]:
        """The values of a column, which are in order of id, in this order."""
        return [column[position] for position in self.positions]

    def sorted_back(self, values: Sequence[Any]) -> list[Any]:
        """The opposite of :meth:`of`."""
        found = dict(zip(self.positions, values, strict=False))
        return [found[position] for position in range(len(found))]


def frame_columns(rows: Sequence[EventRow]) -> bytes:
    """The columns of a frame, before they are compressed: what a dictionary is trained on.

    Raises:
        ValueError: a text has NUL.
    """
    columns = list(zip(*rows, strict=True))
    ids = columns[_ID]
    steps = [0, *[after - before for before, after in pairwise(ids)]]
    order = _Order(len(rows))
    texts = []
    for column in _GROUPING:
        texts.append(found := _Texts.of(order.of(columns[column])))
        order.group(found.indexes)
    hosts = order.last() if texts[1].indexes else b""
    texts = [each.plain_as(order.of(columns[column])) for each, column in zip(texts, _GROUPING, strict=True)]
    texts += [_Texts.of(order.of(columns[column])) for column in _TEXTS[len(_GROUPING) :]]
    texts[2] = texts[2].by(hosts)
    units, lags = _times(order.of(ids), order.of(columns[_CREATED_AT]))
    widths = width_of(steps), width_of(lags)
    words = [*chain.from_iterable(each.table for each in texts), *chain.from_iterable(each.plain for each in texts)]
    return b"".join(
        [
            bytes([*widths, *chain.from_iterable((each.way, max(0, len(each.table) - 1)) for each in texts)]),
            in_planes(steps, widths[0]),
            *[each.indexes for each in texts],
            units,
            in_planes(lags, widths[1]),
            _small(order.of(columns[_FACILITY])),
            _small(order.of(columns[_SEVERITY])),
            _joined([*words, *order.of(columns[_MESSAGE])]).encode("utf-8", "surrogatepass"),
        ]
    )


@attrs.frozen
class _Texts:
    """A text column as it is written.

    Attributes:
        way: how.
        table: its different texts, in the order in which they occur; empty if it is plain.
        indexes: which of the table each event has, or each host; empty if there is only one text.
        plain: all its texts, if it is plain.
    """

    way: _Way
    table: Sequence[str] = ()
    indexes: bytes = b""
    plain: Sequence[str] = ()

    @classmethod
    def of(cls, texts: Sequence[str]) -> _Texts:
        table = {text: position for position, text in enumerate(dict.fromkeys(texts))}
        # A table of nearly as many texts as there are events would only add to them.
        if len(table) > 256 or 1 < len(texts) // 2 < len(table):
            return cls(_Way.PLAIN, plain=texts)
        indexes = bytes([table[text] for text in texts]) if len(table) > 1 else b""
        return cls(_Way.TABLE, list(table), indexes)

    def plain_as(self, texts: Sequence[str]) -> _Texts:
        """The same column, written as ``texts`` if it is plain."""
        return attrs.evolve(self, plain=texts) if self.way is _Way.PLAIN else self

    def by(self, hosts: bytes) -> _Texts:
        """The same column with one index for each host, if each host has one text only."""
        if not self.indexes or not hosts:
            return self
        pairs = dict(zip(hosts, self.indexes, strict=True))
        if any(pairs[host] != index for host, index in zip(hosts, self.indexes, strict=True)):
            return self
        return attrs.evolve(self, way=_Way.BY_HOST, indexes=bytes(map(pairs.__getitem__, range(len(pairs)))))


def _joined(texts: Sequence[str]) -> str:
    joined = "\0".join(texts)
    if joined.count("\0") != len(texts) - 1:
        raise ValueError("a text with NUL, which PostgreSQL does not have, cannot be packed")
    return joined


def _times(ids: Sequence[int], times: Sequence[int]) -> tuple[bytes, list[int]]:
    """For each time which unit it is a whole number of, and how many units it is before the id, without a sign."""
    units, lags = bytearray(), []
    for received, time in zip(ids, times, strict=True):
        unit = 2 if time == received else 0 if not time % 1_000_000 else 1 if not time % 1_000 else 2
        units.append(unit)
        size = _UNITS[unit]
        lags.append(zigzag(received // size - time // size))
    return bytes(units), lags


def _small(numbers: Sequence[int | None]) -> bytes:
    return bytes([_NONE if number is None else number for number in numbers])


class OpenFrame:
    """The events of an opened frame.

    Attributes:
        head: what the frame says of itself.
        words: all texts of all events, each once or more, separated by NUL; whatever a column of an event holds, except
            numbers, is one of these.

    Args:
        destination_id: the destination whose frame it is.
        frame: the bytes of :func:`pack_frame`.
        dictionary: the dictionary with which it was packed, if it was packed with one.

    Raises:
        FrameDamaged: it was changed or cut off, is of another destination, or was packed by a later version.
    """

    def __init__(self, destination_id: int, frame: bytes, dictionary: zstd.ZstdDict | None = None) -> None:
        self.head = frame_head(frame)
        rest = memoryview(frame)[_HEAD.size + _CHECKSUM.size :]
        if _checksum(destination_id, frame[: _HEAD.size], rest) != frame[_HEAD.size : _HEAD.size + _CHECKSUM.size]:
            raise FrameDamaged("the checksum of a frame is wrong")
        try:
            data = zstd.decompress(rest, zstd_dict=dictionary if self.head.has_dictionary else None)
        except zstd.ZstdError as error:
            raise FrameDamaged(f"a frame cannot be unpacked: {error}") from error
        self._data, self._at = data, self._texts_at(data)
        self.words = data[self._at :].decode("utf-8", "surrogatepass")

    def _texts_at(self, data: bytes) -> int:
        count, size = self.head.count, 0
        for way, last in _ways(data):
            if last:
                size += _last_host(data) + 1 if way == _Way.BY_HOST else count
        return 2 + 2 * len(_TEXTS) + count * (data[0] + 1 + data[1] + 2) + size

    def rows(self) -> list[tuple[Any, ...]]:
        """The values of the events, in the order of :class:`~ppl.model.Event`'s fields."""
        data, count, at = self._data, self.head.count, 2 + 2 * len(_TEXTS)

        def taken(size: int = count) -> bytes:
            nonlocal at
            at += size
            return data[at - size : at]

        columns: list[Sequence[Any]] = [()] * len(_NAMES)
        steps = from_planes(taken(count * data[0]), data[0])
        steps[0] = self.head.first_id
        ids = list(accumulate(steps))
        order, hosts = _Order(count), b""
        words, ways = iter(self.words.split("\0")), dict(zip(_TEXTS, _ways(data), strict=True))
        for column, (way, last) in ways.items():
            table = list(islice(words, last + 1)) if way != _Way.PLAIN else []
            if way == _Way.BY_HOST:
                indexes = bytes(map(taken(_last_host(data) + 1).__getitem__, hosts))
            else:
                indexes = taken() if last else b""
            values = [table[index] for index in indexes] if indexes else table * count
            if column in _GROUPING:
                values = order.sorted_back(values)
                order.group(indexes)
                hosts = order.last() if indexes else b""
            columns[column] = values
        for column in _GROUPING:
            columns[column] = order.of(columns[column]) if columns[column] else []
        units, lags = taken(), from_planes(taken(count * data[1]), data[1])
        columns[_ID] = order.of(ids)
        columns[_CREATED_AT] = [
            (received // size - unzigzag(lag)) * size
            for received, size, lag in zip(columns[_ID], map(_UNITS.__getitem__, units), lags, strict=True)
        ]
        columns[_FACILITY], columns[_SEVERITY] = _large(taken()), _large(taken())
        for column in [*(column for column, (way, _) in ways.items() if way == _Way.PLAIN), _MESSAGE]:
            columns[column] = list(islice(words, count))
        return sorted(zip(*columns, strict=True), key=itemgetter(_ID))


def _ways(data: bytes) -> list[tuple[int, int]]:
    """How each text column is written, and the number of the last text in its table."""
    return [(data[2 + 2 * number], data[3 + 2 * number]) for number in range(len(_TEXTS))]


def _last_host(data: bytes) -> int:
    return data[5]


def _large(numbers: bytes) -> list[int | None]:
    return [None if number == _NONE else number for number in numbers]
