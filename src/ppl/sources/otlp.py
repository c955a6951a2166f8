"""OpenTelemetry's logs over HTTP (OTLP), as protobuf or JSON.

The body is the message. The resource names host, program and process id; attributes, ids of trace and span, the scope
and the rest of the resource are kept as JSON, under their own names. Clients give up after 10 seconds in all, and lose
what is answered with another status than 429, 502, 503 or 504. https://opentelemetry.io/docs/specs/otlp/ has it all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator, Iterable, Iterator
from datetime import tzinfo
from functools import cache
from importlib import import_module
from itertools import islice
from typing import Any

import attrs

from ppl.model import SEVERITY_WORDS, Row, row_of
from ppl.sources.bodies import BodyUnreadable, decoded
from ppl.sources.json_fields import ObjectReader, json_text, message_text, stored_text
from ppl.sources.json_walk import BIG, JsonWalk, part_of_value
from ppl.sources.kinds import BodyKind, KindReply, NotTaken, Piece, Taken, TokenIn, UploadHead
from ppl.sources.levels import level_of
from ppl.sources.otlp_columns import WORTH_COLUMNS, ColumnRecords
from ppl.sources.otlp_rows import QuickRecords, SharedParts
from ppl.sources.otlp_values import OtlpRecord, json_attributes, json_text_of, message_attributes, of_json, of_message
from ppl.sources.records import Copies, RowPieces, as_far_as_readable, told_apart, with_turns
from ppl.sources.timestamp import is_sane
from ppl.sources.wire_walk import content, contents, decode_error, runs, small_fields

#: A record with more bytes is not given to the library whole: it could hold very many values.
_MOST_RECORD = 256 * 1024
_MOST_SHARED = 256 * 1024
#: Bytes of records that are made columns together: a millisecond or two.
_MOST_RUN = 96 * 1024
#: Bytes of copies of what they share, beyond which their lines go into several pieces.
_MOST_COPIED = 256 * 1024
#: What is read of a field, and of all fields, of such a record, beside a body that is a text.
_BIG_FIELD, _BIG_FIELDS = 4096, 64 * 1024
#: Numbers at which severities begin; what lies between says more than the severity that is shown.
_NAMED_NUMBERS = frozenset((1, 5, 9, 13, 17, 21))
_NOT_OF_A_RESOURCE = frozenset(("message", "created_at", "severity", "facility", "msgid"))
_FIRST_OF_JSON = re.compile(rb'\s*\{\s*["}]')
_EMPTY = "Records without anything in them, and those that cannot be read, are not stored."


@attrs.frozen
class _Shared:
    """What all records of a scope share.

    Attributes:
        fields: those that the resource names.
        rest: what else is known of resource and scope.
        text: ``rest`` as JSON, without its braces.
        parts: the same for the quick reader.
    """

    fields: dict[str, Any]
    rest: dict[str, Any]
    text: str
    parts: SharedParts


@attrs.define
class _Records:
    """Makes rows of the records of one body.

    Attributes:
        reader: reads resources as objects.
        copies: bounds the copies of what records share.
        pieces: the rows on their way.
        quick: makes the rows of most records.
        columns: makes columns of most runs of records.
    """

    reader: ObjectReader
    copies: Copies
    pieces: RowPieces = attrs.Factory(RowPieces)
    quick: QuickRecords = attrs.field(init=False)
    columns: ColumnRecords = attrs.field(init=False)

    @quick.default
    def _quick(self) -> QuickRecords:
        return QuickRecords(self.severity, self.moment, self.reader.most)

    @columns.default
    def _columns(self) -> ColumnRecords:
        return ColumnRecords(self.quick, self.reader.received_at)

    def shared(self, resource: dict[str, Any], name: str, version: str, of_scope: dict[str, Any]) -> _Shared:
        fields, rest = self.reader.fields(resource, _NOT_OF_A_RESOURCE)
        if "file_name" not in fields and self.reader.name(name):
            fields["file_name"] = self.reader.name(name)
        else:
            of_scope = {**({"otel.scope.name": name} if name else {}), **of_scope}
        if version:
            of_scope = {**of_scope, "otel.scope.version": version}
        # A resource's attribute with the name of one of the scope is told apart.
        rest = of_scope | told_apart(rest, "resource.{}".format, of_scope.keys(), {*of_scope, *rest})
        text = json_text(rest)[1:-1]
        return _Shared(fields, rest, text, SharedParts.of(fields, rest, text))

    def add_flat(self, shared: _Shared, records: Iterable[Any], size: int) -> Iterator[Piece]:
        """Add each ``FlatLogRecord`` of about ``size`` bytes."""
        copied, pieces, copies = len(shared.text), self.pieces, self.copies
        for record in records:
            if not record.ByteSize():
                pieces.refuse()
                continue
            row = self.quick.row(record, shared.parts, copies.left >= copied)
            if row is None:
                yield from self._add_whole(shared, record, size)
                yield from pieces.turn()
            elif pieces.is_full_with(row, size + copied if copies.take(copied, 1) else size):
                yield from pieces.rest()

    def _add_whole(self, shared: _Shared, record: Any, size: int) -> Iterator[Piece]:
        try:
            found = of_message(_messages()["LogRecord"].FromString(record.SerializeToString()))
        except decode_error():
            self.pieces.refuse()
        else:
            yield from self.add(shared, found, size)

    def add(self, shared: _Shared, record: OtlpRecord, size: int) -> Iterator[Piece]:
        if record.says_nothing:
            self.pieces.refuse()
            return
        row, more = self._row(shared, record)
        yield from self.pieces.add(row, size + more)

    def _row(self, shared: _Shared, record: OtlpRecord) -> tuple[Row, int]:
        """The row of a record, and how many bytes are copied into it."""
        most = self.reader.most
        fields: dict[str, Any] = dict(shared.fields)
        own = dict(record.attributes)
        found, more_of_severity = self.severity(record.number, record.text)
        if found is not None:
            fields["severity"] = found
        message = self._message(record.body, fields, own)
        if fields.get("severity") is None:
            fields["severity"] = level_of(message)
        for key, each in (
            ("trace_id", record.trace_id),
            ("span_id", record.span_id),
            ("trace_flags", record.flags),
            *more_of_severity.items(),
            ("dropped_attributes_count", record.dropped),
        ):
            if each and key in own:
                own |= told_apart({key: each}, "{}#1".format, own.keys(), {*own})
            elif each:
                own[key] = each
        if record.event_name:
            name = self.reader.name(record.event_name)
            if name:
                fields["msgid"] = name
            else:
                own["event_name"] = record.event_name
        fields["created_at"] = self.moment(record.times)
        text, copied = self._data(shared, own)
        fields["structured_data"] = stored_text(text, most) if text else ""
        fields["message"] = message
        return row_of(fields), copied

    def _message(self, body: Any, fields: dict[str, Any], own: dict[str, Any]) -> str:
        """The message in a body. What else an object holds becomes fields and attributes."""
        if isinstance(body, str):
            return message_text(body, self.reader.most)
        if body is None:
            return ""
        if isinstance(body, dict):
            found, rest = self.reader.fields(body, {"created_at", *fields})
            if "message" in found:
                message = str(found.pop("message"))
                fields.update(found)
                own |= told_apart(rest, "body.{}".format, own.keys(), {*own, *rest})
                return message
        return stored_text(json_text(body), self.reader.most)

    def severity(self, number: int, text: str) -> tuple[int | None, dict[str, Any]]:
        """The severity that a number and a text name, and what of these says more than that."""
        found = self.reader.otel_level(number) if number else None
        if found is None and text:
            found = self.reader.level(text)
        more: dict[str, Any] = {} if number in _NAMED_NUMBERS or not number else {"severity_number": number}
        if text.lower() not in SEVERITY_WORDS and text:
            more["severity_text"] = text
        return found, more

    def moment(self, times: tuple[int, int]) -> int | None:
        """µs of the first of two times in ns that can be right."""
        for nanoseconds in times:
            if nanoseconds and is_sane(nanoseconds // 1000, self.reader.received_at):
                return nanoseconds // 1000
        return None

    def _data(self, shared: _Shared, own: dict[str, Any]) -> tuple[str, int]:
        """The JSON of what is no field, and how many bytes of it are copies."""
        if not shared.text or not self.copies.take(len(shared.text), 1):
            return (json_text(own) if own else ""), 0
        if not own:
            return f"{{{shared.text}}}", len(shared.text)
        if not own.keys().isdisjoint(shared.rest):
            rest = told_apart(shared.rest, "resource.{}".format, own.keys(), {*own, *shared.rest})
            return json_text(own | rest), len(shared.text)
        return f"{json_text(own)[:-1]},{shared.text}}}", len(shared.text)


def otlp_protobuf(body: bytes, received_at: int, zone: tzinfo, max_line_bytes: int) -> Iterator[Piece]:
    """An ``ExportLogsServiceRequest``; see :class:`ppl.sources.kinds.Read`."""
    records = _Records(ObjectReader(received_at, zone, max_line_bytes), Copies.of_body(len(body)))
    return as_far_as_readable(_ended(_protobuf(body, records), records))


def otlp_json(body: bytes, received_at: int, zone: tzinfo, max_line_bytes: int) -> Iterator[Piece]:
    """``{"resourceLogs": […]}``; see :class:`ppl.sources.kinds.Read`."""
    records = _Records(ObjectReader(received_at, zone, max_line_bytes), Copies.of_body(len(body)))
    return as_far_as_readable(_ended(_json_pieces(body, records), records))


def _json_pieces(body: bytes, records: _Records) -> Iterator[Piece]:
    text = yield from decoded(body)
    yield from _Json(JsonWalk(text), records).pieces()


def _ended(pieces: Iterator[Piece], records: _Records) -> Iterator[Piece]:
    """``pieces`` and what is left of the rows, also when the body breaks off."""
    try:
        yield from pieces
    except BodyUnreadable:
        yield from records.pieces.rest()
        raise
    yield from records.pieces.rest()


def _protobuf(body: bytes, records: _Records) -> Iterator[Piece]:
    for group in contents(body, 0, len(body), 1):
        yield from records.pieces.turn()
        if group.inner == group.end:
            continue
        resource = yield from with_turns(content(body, group.inner, group.end, 1))
        for scoped in contents(body, group.inner, group.end, 2):
            yield from records.pieces.turn()
            if scoped.inner == scoped.end:
                continue
            scope = yield from with_turns(content(body, scoped.inner, scoped.end, 1))
            shared = None
            for run in runs(body, scoped.inner, scoped.end, 2, _MOST_RUN):
                if run.count:
                    shared = shared or _shared(resource, scope, records)
                    yield from _run(body[run.begin : run.end], run.count, shared, records)
                yield from records.pieces.turn()


def _shared(resource: bytes, scope: bytes, records: _Records) -> _Shared:
    messages, error = _messages(), decode_error()
    # Read again for each scope, so that very many scopes make a big resource a costly one.
    resource = resource if records.copies.take(len(resource), 1) else b""
    try:
        of_resource = messages["Resource"].FromString(_within(resource, _MOST_SHARED))
        of_scope = messages["InstrumentationScope"].FromString(_within(scope, _MOST_SHARED))
    except error:
        return records.shared({}, "", "", {})
    return records.shared(
        message_attributes(of_resource.attributes),
        of_scope.name.decode("utf-8", "replace"),
        of_scope.version.decode("utf-8", "replace"),
        message_attributes(of_scope.attributes),
    )


def _within(data: bytes, most: int) -> bytes:
    return data if len(data) <= most else small_fields(data, _BIG_FIELD, _BIG_FIELDS)


def _run(data: bytes, count: int, shared: _Shared, records: _Records) -> Iterator[Piece]:
    """The lines of ``count`` records of a scope."""
    if count < WORTH_COLUMNS:
        yield from _short_run(data, count, shared, records)
        return
    copied = len(shared.text) * count
    lines = None
    if copied <= min(_MOST_COPIED, records.copies.left):
        lines = records.columns.lines(data, shared.parts)
    if lines is None:
        yield from records.pieces.turn()
        for run in runs(data, 0, len(data), 2):
            yield from _short_run(data[run.begin : run.end], run.count, shared, records)
            yield from records.pieces.turn()
        return
    yield from records.pieces.rest()
    records.copies.take(copied, 1)
    yield Piece(lines, len(data) + copied)


def _short_run(data: bytes, count: int, shared: _Shared, records: _Records) -> Iterator[Piece]:
    """The rows of ``count`` records of a scope."""
    messages, error = _messages(), decode_error()
    size = len(data) // count
    if count > 1 or size <= _MOST_RECORD:
        try:
            found = messages["FlatScopeLogs"].FromString(data).log_records
        except error:
            pass
        else:
            yield from records.add_flat(shared, found, size)
            return
    # One of them cannot be read, or it is very big: one by one.
    for span in contents(data, 0, len(data), 2):
        if not span.count:
            continue
        try:
            record = _record(data[span.inner : span.end], records.reader.most)
        except (error, BodyUnreadable):
            records.pieces.refuse()
        else:
            yield from records.add(shared, record, span.end - span.begin)


def _record(data: bytes, most: int) -> OtlpRecord:
    """The record in ``data``; of a very big one, the small attributes and a body that is a text."""
    message = _messages()["LogRecord"]
    if len(data) <= _MOST_RECORD:
        return of_message(message.FromString(data))
    found = of_message(message.FromString(small_fields(data, _BIG_FIELD, _BIG_FIELDS)))
    # The body is the first or among the first fields; others are not looked through for it.
    for span in islice(contents(data, 0, len(data), 5), 1):
        for text in islice(contents(data, span.inner, span.end, 1), 1):
            kept = data[text.inner : min(text.end, text.inner + most + 4)]
            return attrs.evolve(found, body=kept.decode("utf-8", "replace"))
    return found


@cache
def _messages() -> dict[str, Any]:
    messages: dict[str, Any] = import_module("ppl.sources.otlp_messages").OTLP
    return messages


def _prepare() -> None:
    _messages()
    decode_error()


@attrs.define
class _Json:
    walk: JsonWalk
    records: _Records

    def pieces(self) -> Iterator[Piece]:
        for key in self.walk.members():
            if key in ("resourceLogs", "resource_logs") and self.walk.begins_with("["):
                for _ in self.walk.elements():
                    yield from self._grouped(("resource",), ("scopeLogs", "scope_logs"), self._scopes)
                    yield from self.records.pieces.turn()
            else:
                yield from self._passed()

    def _scopes(self, resource: Any) -> Iterator[Piece]:
        heads = ("scope", "instrumentationLibrary")
        for _ in self.walk.elements():
            yield from self._grouped(heads, ("logRecords", "log_records"), lambda scope: self._rows(resource, scope))
            yield from self.records.pieces.turn()

    def _grouped(
        self, heads: tuple[str, ...], lists: tuple[str, ...], visit: Callable[[Any], Iterator[Piece]]
    ) -> Iterator[Piece]:
        """Visit the list of an object with what stands beside it, also where that comes after it."""
        walk = self.walk
        head: Any = None
        early: list[int] = []
        for key in walk.members():
            if key in heads:
                head = yield from self._value()
            elif key not in lists or not walk.begins_with("["):
                yield from self._passed()
            elif head is None:
                early.append(walk.at)
                yield from self._passed()
            else:
                yield from visit(head)
        end = walk.at
        for at in early:
            walk.at = at
            yield from visit(head)
        walk.at = end

    def _passed(self) -> Iterator[Piece]:
        """Walk past a value, however long it is."""
        yield from with_turns(self.walk.pass_over())
        yield from self.records.pieces.turn()

    def _value(self) -> Generator[Piece, None, Any]:
        value = self.walk.value_within()
        return (yield from with_turns(part_of_value(self.walk, self.records.reader.most))) if value is BIG else value

    def _rows(self, resource: Any, scope: Any) -> Iterator[Piece]:
        resource, scope = (each if isinstance(each, dict) else {} for each in (resource, scope))
        shared = self.records.shared(
            json_attributes(resource.get("attributes")),
            json_text_of(scope.get("name")),
            json_text_of(scope.get("version")),
            json_attributes(scope.get("attributes")),
        )
        for _ in self.walk.elements():
            begin = self.walk.at
            value = yield from self._value()
            record = of_json(value if isinstance(value, dict) else {"body": value})
            yield from self.records.add(shared, record, self.walk.at - begin)
            yield from self.records.pieces.turn()


def _is_json(head: UploadHead) -> bool:
    return "json" in head.header("content-type").lower()


def _accepted(head: UploadHead, taken: Taken) -> KindReply:
    """Success, in the type of the request; of refused records their number."""
    if _is_json(head):
        partial = {"partialSuccess": {"rejectedLogRecords": str(taken.refused), "errorMessage": _EMPTY}}
        return _reply(200, json.dumps(partial if taken.refused else {}).encode("ascii"), "application/json")
    inner = b"\x08" + _varint(taken.refused) + b"\x12" + _varint(len(_EMPTY)) + _EMPTY.encode("ascii")
    whole = b"\x0a" + _varint(len(inner)) + inner if taken.refused else b""
    return _reply(200, whole, "application/x-protobuf")


def _refused(head: UploadHead, why: NotTaken) -> KindReply:
    """A ``Status`` with the sentence. What may succeed later is 503 and nothing else, or clients lose it."""
    status, headers = why.status, why.headers
    if why.code in ("too_slow", "internal_error"):
        status, headers = 503, (*headers, ("Retry-After", "1"))
    if _is_json(head):
        return _reply(status, json.dumps({"message": why.message}).encode("ascii"), "application/json", headers)
    text = why.message.encode("utf-8")
    return _reply(status, b"\x12" + _varint(len(text)) + text, "application/x-protobuf", headers)


def _reply(status: int, body: bytes, content_type: str, headers: tuple[tuple[str, str], ...] = ()) -> KindReply:
    return KindReply(status, body, (*headers, ("Content-Type", content_type)))


def _varint(number: int) -> bytes:
    made = bytearray()
    while number > 127:
        made.append(number & 127 | 128)
        number >>= 7
    return bytes([*made, number])


def _either(body: bytes, received_at: int, zone: tzinfo, max_line_bytes: int) -> Iterator[Piece]:
    is_json = _FIRST_OF_JSON.match(body) is not None and body.rstrip().endswith(b"}")
    return (otlp_json if is_json else otlp_protobuf)(body, received_at, zone, max_line_bytes)


OTLP_ANY = BodyKind(
    "OpenTelemetry's logs",
    (),
    _either,
    addresses=("/v1/logs",),
    tokens=(TokenIn.BEARER, TokenIn.BASIC, TokenIn.API_KEY),
    accepted=_accepted,
    refused=_refused,
    has_charset=False,
    prepare=_prepare,
    patience=5.0,
    retry_seconds=3,
)
OTLP_JSON = attrs.evolve(OTLP_ANY, content_types=("application/json",), read=otlp_json, prepare=None)
OTLP_PROTOBUF = attrs.evolve(
    OTLP_ANY, content_types=("application/x-protobuf", "application/protobuf"), read=otlp_protobuf
)
