"""Makes columns of many OTLP records at once, where all of them are as exporters usually write them.

The protobuf library reads a run of records twice, in C. First as messages in messages: written again, such a message
has as many bytes as it came in, unless a field that may occur once occurred twice. Then with the records, the
attributes and the values each one after the other, so that all values of a field become one list, as
:mod:`ppl.sources.loki_columns` does it. As no field came twice, the lists have an item for each record where their
length says so. Any other run is left to :mod:`ppl.sources.otlp_rows`, whose rows are the same; a property test holds
both equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from itertools import accumulate
from json.encoder import encode_basestring  # type: ignore[attr-defined]
from math import isfinite
from operator import add, itemgetter
from typing import Any

import attrs

from ppl.model import Lines
from ppl.sources.json_fields import TRAILERS
from ppl.sources.level_columns import with_levels
from ppl.sources.otlp_rows import MOST_ATTRIBUTES, MOST_KEPT, RESERVED, QuickRecords, SharedParts
from ppl.sources.timestamp import is_sane
from ppl.sources.wire_walk import decode_error

#: From so many records of a run on, columns cost less than rows.
WORTH_COLUMNS = 16

# Tags of plain values; an escaped NUL has more characters than one.
_TEXT, _BOOL, _INT, _DOUBLE, _PLAIN = 0x0A, 0x10, 0x18, 0x21, b"\x0a\x10\x18\x21"
_ESCAPED_NUL = 6

_first = itemgetter(0)


@attrs.define
class ColumnRecords:
    """Makes columns of the records of one body.

    Attributes:
        quick: makes the rows of single records.
        received_at: µs of receipt.
    """

    quick: QuickRecords
    received_at: int
    # The beginnings of members, by their names in bytes.
    _heads: dict[bytes, str] = attrs.field(factory=dict, init=False)
    # Names that records of the present scope may have beside one another.
    _sound: set[tuple[bytes, ...]] = attrs.field(factory=set, init=False)
    _scope: SharedParts | None = attrs.field(default=None, init=False)

    def lines(self, run: bytes, shared: SharedParts) -> Lines | None:
        """The lines of a run of records; ``None`` if one of them is not plain.

        Args:
            run: the records as fields of their scope.
            shared: what the scope says; its JSON is copied into each.
        """
        messages = _messages()
        try:
            scope = messages["Scope"].FromString(run)
            if not shared.is_plain or scope.ByteSize() != len(run):
                return None
            raw = messages["FlatScope"].FromString(run).log_records
            merged = messages["MergedRecords"].FromString(b"".join(raw))
            return self._lines(list(scope.log_records), merged, shared)
        except decode_error():
            return None

    def _lines(self, records: Sequence[Any], merged: Any, shared: SharedParts) -> Lines | None:
        count = len(records)
        if len(merged.body) != count or merged.event_name:
            return None
        messages = self._messages_of(list(merged.body))
        if messages is None:
            return None
        numbers = [
            (each.severity_number, each.flags, each.dropped_attributes_count, len(each.attributes)) for each in records
        ]
        of_severities, flags, dropped, of_attributes = zip(*numbers, strict=True)
        # A negative number may be written with more bytes than it came in, which would hide a field that came twice.
        if any(dropped) or max(of_attributes) > MOST_ATTRIBUTES or min(of_severities) < 0:
            return None
        texts = _column(merged.severity_text, records, "severity_text")
        severities, more = zip(*map(self.quick.severity_of, of_severities, texts), strict=True)
        attributes = self._attributes(list(merged.attributes), of_attributes, shared)
        if attributes is None:
            return None
        members = [
            attributes,
            [f'"trace_id":"{each.hex()}"' if each else "" for each in _column(merged.trace_id, records, "trace_id")],
            [f'"span_id":"{each.hex()}"' if each else "" for each in _column(merged.span_id, records, "span_id")],
            [f'"trace_flags":{each}' if each else "" for each in flags],
            more,
            (shared.text,) * count,
        ]
        data = _objects(members)
        if max(map(len, data)) * 4 > self.quick.most:
            return None
        _, facility, _, hostname, file_name, procid, msgid, _, _ = shared.row
        return Lines(
            self._moments(records),
            (facility,) * count,
            with_levels(severities, messages),
            (hostname,) * count,
            (file_name,) * count,
            (procid,) * count,
            (msgid,) * count,
            data,
            messages,
        )

    def _messages_of(self, bodies: Sequence[bytes]) -> list[str] | None:
        """The bodies as messages, if all of them are texts."""
        found = _messages()["MergedValues"].FromString(b"".join(bodies))
        if len(found.texts) != len(bodies) or not all(bodies) or set(map(_first, bodies)) != {_TEXT}:
            return None
        texts = list(found.texts)
        joined = b"\0".join(texts)
        if joined.count(b"\0") >= len(texts) or max(map(len, texts)) * 4 > self.quick.most:
            return None
        return [text.rstrip(TRAILERS) for text in joined.decode("utf-8", "replace").split("\0")]

    def _moments(self, records: Sequence[Any]) -> Sequence[int | None]:
        times = [each.time_unix_nano for each in records]
        if all(is_sane(each // 1000, self.received_at) for each in (min(times), max(times))):
            return [each // 1000 for each in times]
        return [self.quick.moment((each.time_unix_nano, each.observed_time_unix_nano)) for each in records]

    def _attributes(self, raw: Sequence[bytes], counts: Sequence[int], shared: SharedParts) -> list[str] | None:
        """The attributes of each record as members of an object, if all have plain values and names of their own.

        Args:
            raw: the attributes of all records.
            counts: how many each record has.
            shared: what the scope says.
        """
        if not raw:
            return [""] * len(counts)
        found = _messages()["MergedAttributes"].FromString(b"".join(raw))
        names, values = list(found.keys), list(found.values)
        written = _written(values) if len(names) == len(values) == len(raw) else None
        if written is None:
            return None
        ends = list(accumulate(counts))
        begins = [0, *ends[:-1]]
        if shared is not self._scope:
            self._scope = shared
            self._sound.clear()
        if not all(self._are_sound(each) for each in {tuple(names[a:b]) for a, b in zip(begins, ends, strict=True)}):
            return None
        heads = self._heads
        members = list(map(add, [heads.get(each) or self._head(each) for each in names], written))
        return [",".join(members[a:b]) for a, b in zip(begins, ends, strict=True)]

    def _are_sound(self, names: tuple[bytes, ...]) -> bool:
        """Whether attributes with these names may stand beside one another and beside what the scope says."""
        if names in self._sound:
            return True
        decoded = {each.decode("utf-8", "replace") for each in names}
        if len(decoded) < len(names) or not (RESERVED | self._scope_names).isdisjoint(decoded):
            return False
        if len(self._sound) < MOST_KEPT and sum(map(len, names)) <= MOST_KEPT:
            self._sound.add(names)
        return True

    @property
    def _scope_names(self) -> frozenset[str]:
        return self._scope.names if self._scope is not None else frozenset()

    def _head(self, name: bytes) -> str:
        head = f"{encode_basestring(name.decode('utf-8', 'replace'))}:"
        if len(self._heads) < MOST_KEPT and len(name) <= MOST_KEPT:
            self._heads[name] = head
        return head


def _column(found: Any, records: Sequence[Any], name: str) -> Sequence[bytes]:
    """A field of all records, of which ``found`` has those that are there."""
    if len(found) == len(records):
        return list(found)
    return [getattr(each, name) for each in records] if found else (b"",) * len(records)


def _objects(members: Sequence[Sequence[str]]) -> list[str]:
    """An object for each record, made of those members that are not empty; an empty text for one without any."""
    used = [column for column in members if any(column)]
    if not used:
        return [""] * len(members[0])
    if any("" in column for column in used):
        joined = [",".join(filter(None, each)) for each in zip(*used, strict=True)]
        return [f"{{{each}}}" if each else "" for each in joined]
    return [f"{{{each}}}" for each in map(",".join, zip(*used, strict=True))]


def _written(values: Sequence[bytes]) -> list[str] | None:
    """Each value as JSON; ``None`` if one of them is no text, truth, integer or fraction."""
    if not all(values):
        return None
    kinds = bytes(map(_first, values))
    found = _messages()["MergedValues"].FromString(b"".join(values))
    parts = (found.texts, found.truths, found.integers, found.fractions)
    # Each has one at least, by its first byte; so none has two.
    if kinds.translate(None, _PLAIN) or sum(map(len, parts)) != len(values):
        return None
    fractions = list(found.fractions)
    if not all(map(isfinite, fractions)):
        return None
    by_kind = {
        _TEXT: iter(_quoted(list(found.texts))),
        _BOOL: iter(["true" if each else "false" for each in found.truths]),
        _INT: iter(list(map(str, found.integers))),
        _DOUBLE: iter(list(map(repr, fractions))),
    }
    return list(map(next, map(by_kind.__getitem__, kinds)))


def _quoted(texts: Sequence[bytes]) -> list[str]:
    """Each text as JSON."""
    joined = b"\0".join(texts).decode("utf-8", "replace")
    # If nothing but what separates them is escaped, none holds anything that must be.
    if len(encode_basestring(joined)) == len(joined) + 2 + (_ESCAPED_NUL - 1) * (len(texts) - 1):
        return [f'"{each}"' for each in joined.split("\0")]
    return [encode_basestring(each.decode("utf-8", "replace")) for each in texts]


@cache
def _messages() -> dict[str, Any]:
    messages: dict[str, Any] = import_module("ppl.sources.otlp_messages").COLUMNS_OF_OTLP
    return messages
