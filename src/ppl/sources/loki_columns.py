"""Reads plain entries of Loki's protobuf column by column, without a message in Python for each of them.

What the protobuf library reads of two messages, one after the other in the same bytes, it merges: all values of a field
become one list. So the bytes of many entries that hold a time and a line each give all times and all lines, in C.
Whether each entry holds one of each, and in this order, is seen by its first bytes and its length. Any others are left
to :mod:`ppl.sources.loki`, whose rows for plain ones are the same; a property test holds both equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from itertools import repeat
from operator import add, floordiv, getitem, itemgetter, sub
from typing import Any

from ppl.sources.wire_walk import decode_error

#: A stream with more bytes is not given to the library whole: with very many empty entries, 128 KiB take 3 ms.
MOST_AT_ONCE = 128 * 1024

# Tags of an entry's time and of its line. A length below the third is one byte, one below the fourth two.
_TIME, _LINE, _ONE_BYTE, _TWO_BYTES = 0x0A, 0x12, 0x80, 0x4000

# Where the field behind a time begins, by the time's length.
_BEHIND = tuple(range(2, 2 + _ONE_BYTE))

# Tags of a time's seconds and nanos; seconds of the years 1978 to 3058 take five bytes.
_SECONDS, _NANOS, _SHORTEST_STAMP = 0x08, 0x10, 8

_first, _second, _behind_seconds = itemgetter(0), itemgetter(1), itemgetter(6)


def entries_in(stream: bytes) -> tuple[bytes, Sequence[bytes]] | None:
    """The labels of a stream and the bytes of each entry; ``None`` if it is not a message.

    Args:
        stream: a ``Stream``, or some fields of one.
    """
    try:
        found = _messages()["FlatStream"].FromString(stream)
    except decode_error():
        return None
    # Of labels that are there twice, the first count.
    return next(iter(found.labels), b""), list(found.entries)


def plain_columns(entries: Sequence[bytes]) -> tuple[Sequence[int], Sequence[bytes]] | None:
    """The times, in µs, and the lines of ``entries``; ``None`` if one of these is not plain."""
    try:
        found = _messages()["MergedEntries"].FromString(b"".join(entries))
    except decode_error():
        return None
    stamps, lines, count = list(found.timestamps), list(found.lines), len(entries)
    if not len(stamps) == len(lines) == count or found.pairs or not _are_plain(entries, lines):
        return None
    try:
        return _plain_times(stamps) or _times(stamps), lines
    except decode_error():
        return None


def _plain_times(stamps: Sequence[bytes]) -> Sequence[int]:
    """The times of ``stamps``, in µs; none if one of these does not have its seconds in five bytes, then its nanos.

    All begin with the tag of seconds and have that of nanos behind five bytes, which these numbers of seconds take. So
    if there are as many numbers of both as stamps, each stamp has one of both.
    """
    if min(map(len, stamps)) < _SHORTEST_STAMP or {*map(_first, stamps)} != {_SECONDS}:
        return ()
    if {*map(_behind_seconds, stamps)} != {_NANOS}:
        return ()
    found = _messages()["MergedStamps"].FromString(b"".join(stamps))
    seconds, nanos = list(found.seconds), list(found.nanos)
    if not len(seconds) == len(nanos) == len(stamps) or min(seconds) < 1 << 28 or max(seconds) >= 1 << 35:
        return ()
    return list(map(add, map((1_000_000).__mul__, seconds), map(floordiv, nanos, repeat(1000))))


def _times(stamps: Sequence[bytes]) -> Sequence[int]:
    """The times of any ``stamps``, in µs."""
    read = map(_messages()["Stamp"].FromString, stamps)
    return [each.seconds * 1_000_000 + each.nanos // 1000 for each in read]


def _are_plain(entries: Sequence[bytes], lines: Sequence[bytes]) -> bool:
    """Whether each entry consists of a time and of the line that is in the same place of ``lines``.

    If the first entries do, the next begins where the library took it to begin. So its first field is a time, whose
    length is its second byte; the field behind that is a line, and its length tells that the entry ends with it.
    """
    of_entries, of_lines = list(map(len, entries)), list(map(len, lines))
    if min(of_entries) < 2 or min(of_lines) == 0 or max(of_lines) >= _TWO_BYTES:
        return False
    of_times = list(map(_second, entries))
    if set(map(_first, entries)) != {_TIME} or max(of_times) >= _ONE_BYTE:
        return False
    rests = list(map(sub, of_entries, of_times))
    # The tags and lengths of both fields.
    heads = set(map(sub, rests, of_lines))
    if not heads <= {4, 5} or set(map(getitem, entries, map(_BEHIND.__getitem__, of_times))) != {_LINE}:
        return False
    if len(heads) == 1:
        return max(of_lines) < _ONE_BYTE if heads == {4} else min(of_lines) >= _ONE_BYTE
    return all(rest - line == (4 if line < _ONE_BYTE else 5) for rest, line in zip(rests, of_lines, strict=True))


@cache
def _messages() -> dict[str, Any]:
    messages: dict[str, Any] = import_module("ppl.sources.loki_messages").LOKI
    return messages
