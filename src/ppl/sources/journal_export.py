"""systemd's Journal Export Format, without I/O: entries of fields, as ``systemd-journal-upload`` sends them.

A field is a line ``NAME=value``, or, if its value holds line breaks or other odd bytes, a line ``NAME``, a length in
eight bytes (little-endian), the value and a line break. A blank line ends an entry. :class:`ExportReader` gives an
entry as soon as it is whole. https://systemd.io/JOURNAL_EXPORT_FORMATS/ has it all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import attrs

#: Bytes of a field's name; systemd itself allows 64.
_LONGEST_NAME = 255
#: Bytes of a value that systemd can store; a length beyond it is no length.
_MOST_VALUE = 768 * 1024 * 1024
#: Bytes of a value that is always kept, however long other fields are.
_SMALL = 256
#: The field that has room of its own.
_FIRST = b"MESSAGE"
#: Fields that are kept of an entry, as many as systemd allows.
_MOST_FIELDS = 1024
_SIZE = 8

_NAME = re.compile(rb"[A-Za-z0-9_.-]{1,64}")
_TEXT = re.compile(rb"([!-<>-~]{1,255})=")
_FIELD = re.compile(rb"([!-<>-~]{1,255})=([^\n]*)\n")
# An entry of nothing but text fields, which most are.
_PLAIN = re.compile(rb"(?:[!-<>-~]{1,255}=[^\n]*+\n)++\n")
_BLANK_LINES = re.compile(rb"\n+")


@attrs.frozen
class ExportEntry:
    """An entry of a journal.

    Attributes:
        fields: names and values, in the order in which they came; a name may come more than once.
        size: about how many bytes it had.
        is_whole: whether its end has come.
    """

    fields: list[tuple[bytes, bytes]]
    size: int
    is_whole: bool = True


class ExportReader:
    """Reads entries from bytes that may be cut anywhere.

    Args:
        most: bytes that are kept of a value. All long values together have room for twice as much, and the message has
            room of its own.

    Attributes:
        spoiled: entries that could not be read so far; what follows their blank line is read again.
    """

    def __init__(self, most: int) -> None:
        self.spoiled = 0
        self._most = most
        self._rest = b""
        # Whether the rest of a line is left out: it is too long.
        self._skips_line = False
        # Of a binary value, the bytes that are still to come, with the line break behind it.
        self._left = 0
        self._name = b""
        self._value = bytearray()
        self._begin_entry()

    def _begin_entry(self) -> None:
        self._fields: list[tuple[bytes, bytes]] = []
        self._room = 2 * self._most
        self._size = 0
        self._has_first = self._is_spoiled = False
        self._has_begun = False

    def feed(self, data: bytes) -> Iterator[ExportEntry]:
        """The entries that ``data`` ends; all of them must be taken before the next call."""
        data, self._rest = self._rest + data, b""
        at = 0
        while at < len(data):
            if self._left:
                at = self._read_value(data, at)
                continue
            if not self._has_begun:
                if not self._skips_line and (blank := _BLANK_LINES.match(data, at)):
                    at = blank.end()
                    continue
                plain = _PLAIN.match(data, at)
                if plain is not None and plain.end() - at <= self._most:
                    fields = _FIELD.findall(data, at, plain.end())
                    if len(fields) <= _MOST_FIELDS:
                        yield ExportEntry(fields, plain.end() - at)
                        at = plain.end()
                        continue
                self._has_begun = True
            end = data.find(b"\n", at)
            if end < 0:
                self._keep_rest(data[at:])
                return
            line, begin, at = data[at:end], at, end + 1
            self._size += at - begin
            if self._skips_line:
                self._skips_line = False
            elif not line:
                yield from self._end_entry(is_whole=True)
            elif not self._is_spoiled and not self._read_text(line):
                at = self._begin_value(line, data, begin, at)
                if at < 0:
                    return

    def finish(self) -> Iterator[ExportEntry]:
        """What is left when nothing more comes: an entry whose end is missing, with the fields that came."""
        if self._left:
            self._put(self._name, bytes(self._value))
        elif self._rest and not self._is_spoiled and not self._skips_line:
            self._read_text(self._rest)
        yield from self._end_entry(is_whole=False)

    def _end_entry(self, is_whole: bool) -> Iterator[ExportEntry]:
        fields, size, is_spoiled = self._fields, self._size, self._is_spoiled
        self._begin_entry()
        if is_spoiled:
            self.spoiled += 1
        elif fields:
            yield ExportEntry(fields, size, is_whole)

    def _put(self, name: bytes, value: bytes) -> None:
        """Keep a field, as far as there is room."""
        if len(self._fields) < _MOST_FIELDS:
            value = value[: self._kept(name)]
            if name == _FIRST and not self._has_first:
                self._has_first = True
            else:
                self._room -= len(value)
            self._fields.append((name, value))

    def _kept(self, name: bytes) -> int:
        """Bytes that may be kept of a value: a few more than the limit, so that it shows that the value is longer."""
        if name == _FIRST and not self._has_first:
            return self._most + 4
        return max(min(self._most + 4, self._room), _SMALL)

    def _read_text(self, line: bytes) -> bool:
        """Whether ``line`` is a text field, which is then kept."""
        name = _TEXT.match(line)
        if name is None:
            return False
        self._put(name[1], line[name.end() :])
        return True

    def _begin_value(self, name: bytes, data: bytes, begin: int, at: int) -> int:
        """Begin the binary value whose name began at ``begin``; gives where it begins, -1 if more must come first."""
        if _NAME.fullmatch(name) is None:
            self._is_spoiled = True
            return at
        if len(data) - at < _SIZE:
            self._size -= at - begin
            self._rest = data[begin:]
            return -1
        size = int.from_bytes(data[at : at + _SIZE], "little")
        if size > _MOST_VALUE:
            self._is_spoiled = True
            return at
        self._name, self._left = name, size + 1
        self._value.clear()
        self._size += _SIZE
        return at + _SIZE

    def _read_value(self, data: bytes, at: int) -> int:
        """Read on in a binary value; gives where it ends, for now."""
        end = min(at + self._left, len(data))
        self._left -= end - at
        self._size += end - at
        end_of_value = end if self._left else end - 1
        self._value += data[at : min(end_of_value, at + self._kept(self._name) - len(self._value))]
        if not self._left:
            if data[end - 1 : end] != b"\n":
                self._is_spoiled = True
                return end - 1
            self._put(self._name, bytes(self._value))
        return end

    def _keep_rest(self, rest: bytes) -> None:
        """Keep a line whose end has not come; of one that is too long, only its beginning."""
        if not self._skips_line and len(rest) <= max(self._most, _SMALL) + _LONGEST_NAME + 8:
            self._rest = rest
            return
        self._size += len(rest)
        if not self._skips_line and not self._is_spoiled and not self._read_text(rest):
            self._is_spoiled = True
        self._skips_line = True
