"""Rows of the OTLP records that exporters write, made from protobuf without plain values in between.

Such a record has a text as its body, and attributes that are plain values with names of their own. Any other is left to
:mod:`ppl.sources.otlp`, which gives the same rows for these too; a property test holds both equal. The JSON of an
attribute is made from its bytes, once for all records of a body in which these bytes come again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from json.encoder import encode_basestring  # type: ignore[attr-defined]
from struct import unpack
from typing import Any

import attrs

from ppl.model import Row, row_of
from ppl.sources.json_fields import TRAILERS, json_text
from ppl.sources.levels import level_of
from ppl.sources.wire_walk import varint

#: Attributes of a record with more are left to the complete reader.
MOST_ATTRIBUTES = 100
#: Attributes, and severities, that are kept for when they come again, and the most bytes of one.
MOST_KEPT, _LONGEST_KEPT = 1000, 100

#: Names that the record's own ids and the like have beside its attributes.
RESERVED = frozenset(
    ("trace_id", "span_id", "trace_flags", "severity_number", "severity_text", "dropped_attributes_count")
)
# Tags of what is in an attribute and in its value; a length below the last is one byte.
_KEY, _VALUE, _TEXT, _BOOL, _INT, _DOUBLE, _ONE_BYTE = 0x0A, 0x12, 0x0A, 0x10, 0x18, 0x21, 0x80

#: The name of an attribute, and the attribute as JSON.
_Member = tuple[str, str]


@attrs.frozen
class SharedParts:
    """What the records of one scope share.

    Attributes:
        row: a record with the fields that they share, and nothing else.
        names: names in their structured data that come from resource and scope.
        text: these as JSON, without braces.
        is_plain: whether none of the names could be one of a record's own.
    """

    row: Row
    names: frozenset[str]
    text: str
    is_plain: bool = attrs.field(init=False)

    @is_plain.default
    def _is_plain(self) -> bool:
        return RESERVED.isdisjoint(self.names)

    @classmethod
    def of(cls, fields: Mapping[str, Any], rest: Mapping[str, Any], text: str) -> SharedParts:
        """The parts of what :class:`ppl.sources.otlp` knows of a scope."""
        return cls(row_of(fields), frozenset(rest), text)


@attrs.define
class QuickRecords:
    """Makes rows of the records of one body.

    Attributes:
        severity: the severity for a number and a text, and what of both says more, as an object.
        moment: µs of one of two times in ns.
        most: bytes at which texts are cut, so that longer ones are left to the complete reader.
    """

    severity: Callable[[int, str], tuple[int | None, dict[str, Any]]]
    moment: Callable[[tuple[int, int]], int | None]
    most: int
    _members: dict[bytes, _Member] = attrs.field(factory=dict, init=False)
    # Names, and each as it begins a member.
    _names: dict[bytes, _Member] = attrs.field(factory=dict, init=False)
    _severities: dict[tuple[int, bytes], tuple[int | None, str]] = attrs.field(factory=dict, init=False)
    # Lists of names without a name that occurs twice.
    _distinct: set[tuple[str, ...]] = attrs.field(factory=set, init=False)

    def row(self, record: Any, shared: SharedParts, is_copied: bool) -> Row | None:
        """The row of a ``FlatLogRecord``; ``None`` if another reader must make it.

        Args:
            record: the message.
            shared: what its scope says.
            is_copied: whether the JSON of that is copied into the row.
        """
        # Of a body that came twice, the complete reader makes one, as the protobuf library does.
        body = _field(record.body[0], 0, _TEXT) if len(record.body) == 1 else None
        if body is None or not shared.is_plain or record.event_name or b"\0" in body or len(body) * 4 > self.most:
            return None
        severity, more = self.severity_of(record.severity_number, record.severity_text)
        data = self._data(record, shared, more, is_copied)
        if data is None:
            return None
        message = body.decode("utf-8", "replace").rstrip(TRAILERS)
        moment = self.moment((record.time_unix_nano, record.observed_time_unix_nano))
        _, facility, _, hostname, file_name, procid, msgid, _, _ = shared.row
        severity = level_of(message) if severity is None else severity
        return moment, facility, severity, hostname, file_name, procid, msgid, data, message

    def _data(self, record: Any, shared: SharedParts, more: str, is_copied: bool) -> str | None:
        """The structured data of a record; ``None`` if it is not plain."""
        names: tuple[str, ...] = ()
        texts: list[str] = []
        if attributes := record.attributes:
            if len(attributes) > MOST_ATTRIBUTES:
                return None
            known = self._members
            members = [known.get(raw) or self._member(raw) for raw in attributes]
            if None in members:
                return None
            names, made = zip(*members, strict=True)  # type: ignore[arg-type]
            if names not in self._distinct and not self._are_distinct(names):
                return None
            if not shared.names.isdisjoint(names):
                return None
            texts = list(made)
        if trace_id := record.trace_id:
            texts.append(f'"trace_id":"{trace_id.hex()}"')
        if span_id := record.span_id:
            texts.append(f'"span_id":"{span_id.hex()}"')
        if flags := record.flags:
            texts.append(f'"trace_flags":{flags}')
        if more:
            texts.append(more)
        if dropped := record.dropped_attributes_count:
            texts.append(f'"dropped_attributes_count":{dropped}')
        if is_copied and shared.text:
            texts.append(shared.text)
        text = f"{{{','.join(texts)}}}" if texts else ""
        return text if len(text) * 4 <= self.most else None

    def _are_distinct(self, names: tuple[str, ...]) -> bool:
        if len(set(names)) < len(names) or not RESERVED.isdisjoint(names):
            return False
        if len(self._distinct) < MOST_KEPT and sum(map(len, names)) <= MOST_KEPT:
            self._distinct.add(names)
        return True

    def _member(self, raw: bytes) -> _Member | None:
        """A ``KeyValue`` with a name and a plain value; ``None`` if it is another, or written in another way."""
        size = len(raw)
        if size < 6 or raw[0] != _KEY or (end := raw[1] + 2) > size - 4 or raw[1] >= _ONE_BYTE:
            return None
        name, text = self._names.get(raw[2:end]) or self._name(raw[2:end])
        if raw[end + 3] == size - end - 4 < _ONE_BYTE - 2 and raw[end + 2] == _TEXT and raw[end] == _VALUE:
            # Most values are short texts.
            is_plain = raw[end + 1] == size - end - 2
            written = encode_basestring(raw[end + 4 :].decode("utf-8", "replace")) if is_plain else None
        else:
            value = _field(raw, end, _VALUE)
            written = _written(value) if value else None
        if written is None:
            return None
        member = name, text + written
        if size <= _LONGEST_KEPT and len(self._members) < MOST_KEPT:
            self._members[raw] = member
        return member

    def _name(self, data: bytes) -> _Member:
        name = data.decode("utf-8", "replace")
        found = name, f"{encode_basestring(name)}:"
        if len(self._names) < MOST_KEPT:
            self._names[data] = found
        return found

    def severity_of(self, number: int, text: bytes) -> tuple[int | None, str]:
        """The severity that both name, and what of them says more, as members of an object."""
        found = self._severities.get((number, text))
        if found is None:
            severity, more = self.severity(number, text.decode("utf-8", "replace"))
            found = severity, json_text(more)[1:-1]
            if len(text) <= _LONGEST_KEPT and len(self._severities) < MOST_KEPT:
                self._severities[number, text] = found
        return found


def _written(value: bytes) -> str | None:
    """An ``AnyValue`` with a text, a truth, an integer or a fraction, as JSON."""
    kind = value[0]
    if kind == _TEXT:
        text = _field(value, 0, _TEXT)
        return None if text is None else str(encode_basestring(text.decode("utf-8", "replace")))
    if kind == _DOUBLE and len(value) == 9:
        number = unpack("<d", value[1:])[0]
        # Neither infinite nor NaN.
        return repr(number) if number - number == 0 else None
    if kind == _BOOL and len(value) == 2 and value[1] < 2:
        return "true" if value[1] else "false"
    # Negative ones have ten bytes.
    if kind == _INT and 1 < len(value) < 10:
        number, end = varint(value, 1, len(value))
        return str(number) if end == len(value) else None
    return None


def _field(data: bytes, at: int, tag: int) -> bytes | None:
    """The content of the field that begins at ``at``, if it has this tag and is the last one."""
    if len(data) < at + 2 or data[at] != tag:
        return None
    length, begin = data[at + 1], at + 2
    if length >= _ONE_BYTE:
        if len(data) < at + 4 or data[at + 2] >= _ONE_BYTE:
            return None
        length, begin = length & 0x7F | data[at + 2] << 7, at + 3
    return data[begin:] if begin + length == len(data) else None
