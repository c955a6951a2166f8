"""Walks the bytes of a protobuf message without parsing what is in its fields.

The fields of a message that holds very many records are found one by one, so that a reader can give runs of them to
the protobuf library and stop in between. https://protobuf.dev/programming-guides/encoding/ has the encoding.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from functools import cache
from importlib import import_module

import attrs

from ppl.sources.bodies import BodyUnreadable

#: Fields of a run: parsing them takes a millisecond or two.
_MOST_FIELDS = 500
#: Bytes of a run, unless one field has more.
_MOST_BYTES = 32 * 1024
#: Fields that are passed over before others get a turn.
_PASSED = 2000

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


@cache
def decode_error() -> type[Exception]:
    """What the protobuf library raises; it is imported at first use, because that takes a while."""
    error: type[Exception] = import_module("google.protobuf.message").DecodeError
    return error


@attrs.frozen
class Span:
    """Where bytes are.

    Attributes:
        begin: where the first field begins, with its tag.
        end: where the last ends.
        count: how many fields there are; 0 for a place where the walk lets others have a turn.
        inner: where the content of the only field, or of the last, begins.
    """

    begin: int
    end: int
    count: int
    inner: int = 0


#: Nothing but a pause.
PAUSE = Span(0, 0, 0)


def runs(data: bytes, begin: int, end: int, number: int, most_bytes: int = _MOST_BYTES) -> Iterator[Span]:
    """The fields ``number``, with bytes in them, of the message in ``data[begin:end]``: neighbours together.

    A run has at most ``most_bytes``, unless one field has more.

    Raises:
        BodyUnreadable: the bytes are not a message. Runs before that place were given.
    """
    wanted = number << 3 | _BYTES
    at = begin
    start, count, passed = begin, 0, 0
    while at < end:
        field = at
        # Most tags are the wanted one, which is one byte.
        tag = data[at]
        if tag == wanted:
            at += 1
        else:
            tag, at = varint(data, at, end)
        if tag != wanted:
            if count:
                yield Span(start, field, count)
                count = 0
            at = _skipped(data, at, end, tag & 7)
            passed += 1
            if passed % _PASSED == 0:
                yield PAUSE
            continue
        # Most fields are short: their length is in one byte or two.
        length = data[at] if at < end else 128
        if length < 128:
            at += 1
        elif at + 1 < end and data[at + 1] < 128:
            length = length & 0x7F | data[at + 1] << 7
            at += 2
        else:
            length, at = varint(data, at, end)
        if length > end - at:
            raise _cut_off()
        if not count:
            start = field
        elif count >= _MOST_FIELDS or at + length - start > most_bytes:
            yield Span(start, field, count)
            start, count = field, 0
        at += length
        count += 1
    if count:
        yield Span(start, at, count)


def contents(data: bytes, begin: int, end: int, number: int) -> Iterator[Span]:
    """Each field ``number`` of the message in ``data[begin:end]`` by itself, with where its content is (``inner``).

    Raises:
        BodyUnreadable: the bytes are not a message.
    """
    wanted = number << 3 | _BYTES
    at, passed = begin, 0
    while at < end:
        field = at
        tag, at = varint(data, at, end)
        if tag == wanted:
            length, at = varint(data, at, end)
            if length > end - at:
                raise _cut_off()
            yield Span(field, at + length, 1, at)
            at += length
        else:
            at = _skipped(data, at, end, tag & 7)
        passed += 1
        if passed % _PASSED == 0:
            yield PAUSE


def content(data: bytes, begin: int, end: int, number: int) -> Generator[Span, None, bytes]:
    """The content of the first field ``number``, ``b""`` if there is none; gives pauses while it is looked for."""
    for span in contents(data, begin, end, number):
        if span.count:
            return data[span.inner : span.end]
        yield PAUSE
    return b""


def small_fields(data: bytes, most: int, in_all: int) -> bytes:
    """A message with the fields of ``data`` that have at most ``most`` bytes, as far as they have ``in_all`` together.

    Raises:
        BodyUnreadable: ``data`` is not a message.
    """
    found: list[bytes] = []
    at = size = count = 0
    while at < len(data) and count < _PASSED:
        field = at
        tag, at = varint(data, at, len(data))
        at = _skipped(data, at, len(data), tag & 7)
        count += 1
        if at - field <= most:
            size += at - field
            if size > in_all:
                break
            found.append(data[field:at])
    return b"".join(found)


def varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """The number at ``at``, and where it ends."""
    value = shift = 0
    while at < end and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 128:
            return value, at
        shift += 7
    raise _cut_off()


def _skipped(data: bytes, at: int, end: int, wire_type: int) -> int:
    """Where the field ends whose tag ends at ``at``."""
    if wire_type == _VARINT:
        return varint(data, at, end)[1]
    if wire_type == _BYTES:
        length, at = varint(data, at, end)
    elif wire_type in (_FIXED64, _FIXED32):
        length = 8 if wire_type == _FIXED64 else 4
    else:
        raise BodyUnreadable("The body is not protobuf.")
    if length > end - at:
        raise _cut_off()
    return at + length


def _cut_off() -> BodyUnreadable:
    return BodyUnreadable("The body is not protobuf, or it is cut off.")
