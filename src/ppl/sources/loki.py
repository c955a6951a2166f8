"""Loki's push API: streams of lines under labels, as JSON (in two forms) or as protobuf with snappy.

A line stays as it is. Its time is the entry's, and labels and structured metadata name its host, program and level if
they can; what names nothing is kept as JSON. Clients take nothing but 204 for success, and many never send again what
was refused: a line that cannot be read does not keep the others out. https://grafana.com/docs/loki/latest/reference/
has the API.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from datetime import tzinfo
from functools import cache, lru_cache
from importlib import import_module
from itertools import islice
from typing import Any

import attrs

from ppl.model import COLUMNS, Lines, Row, row_of
from ppl.sources.bodies import BodyTooLarge, BodyUnreadable, decoded
from ppl.sources.json_fields import TRAILERS, ObjectReader, json_text, message_text, stored_text
from ppl.sources.json_walk import BIG, JsonWalk, part_of_value
from ppl.sources.kinds import BodyKind, KindReply, NotTaken, Piece, Taken, TokenIn, UploadHead, as_sent
from ppl.sources.level_columns import with_levels
from ppl.sources.levels import level_of
from ppl.sources.loki_columns import MOST_AT_ONCE, entries_in, plain_columns
from ppl.sources.records import Copies, RowPieces, as_far_as_readable, told_apart, with_turns
from ppl.sources.timestamp import is_sane
from ppl.sources.wire_walk import Span, content, contents, decode_error, runs

#: The moment, the line and the pairs of an entry.
_Entry = tuple[int | None, bytes, Sequence[Any]]

#: Entries of a stream that are read before others get a turn.
_MOST_PARTS = 500
#: From so many entries of a stream on, columns are made of them instead of rows.
_WORTH_COLUMNS = 16
#: Bytes of labels that are copied at a time, unless so few entries have more.
_MOST_COPIED = 256 * 1024
#: What is read at a time of entries that are not plain: bytes of labels that are copied for each, or of the entries. A
#: byte of an entry costs more, as it may be half a pair.
_MOST_COST, _COST_OF_BYTE = 256 * 1024, 8
#: Pairs of structured metadata of an entry.
_MOST_PAIRS = 1000
#: An entry with more bytes is not given to the library whole: it could hold very many pairs.
_MOST_ENTRY = 256 * 1024

#: Labels of a stream, beyond which the rest is one label; and characters of all of them, beyond which they are cut.
_MOST_LABELS, _MOST_LABELS_TEXT = 1000, 64 * 1024
#: Bytes of labels that are kept for when they come again.
_SHORT_LABELS = 1000

_CREATED_AT, _SEVERITY, _STRUCTURED_DATA, _MESSAGE = (
    [column.name for column in COLUMNS].index(name) for name in ("created_at", "severity", "structured_data", "message")
)

#: Labels that name a program where none of the usual keys does.
_PROGRAMS = ("job", "container", "unit", "systemd_unit", "syslog_identifier")

# Label names as clients write them, with characters that Loki itself would not take.
_LABEL = re.compile(r'\s*,?\s*([^\s={},"`]{1,255})\s*=\s*("(?:[^"\\]|\\.)*"|`[^`]*`)', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}
_NANOSECONDS = re.compile(r"[0-9]{17,19}", re.ASCII)
_UNREADABLE = "The body is not protobuf of this protocol."
_FIRST_OF_JSON = re.compile(rb'\s*\{\s*["}]')


def labels_of(text: str) -> dict[str, str]:
    """The labels in ``{name="value", …}``; a text that is not of that form is the label ``labels``."""
    found: dict[str, str] = {}
    inner = text.strip().removeprefix("{").removesuffix("}")[:_MOST_LABELS_TEXT]
    at = 0
    for _ in range(_MOST_LABELS):
        match = _LABEL.match(inner, at)
        if match is None:
            break
        found[match[1]] = _unquoted(match[2])
        at = match.end()
    rest = inner[at:].strip(" ,")
    return {**found, "labels": rest} if rest else found


def _labels_in(data: bytes) -> dict[str, str]:
    """As :func:`labels_of`, of UTF-8; of very long ones no more is looked at than can be kept."""
    if len(data) <= _SHORT_LABELS:
        return _short_labels(data)
    return labels_of(data[: 4 * _MOST_LABELS_TEXT].decode("utf-8", "replace"))


@lru_cache(maxsize=1000)
def _short_labels(data: bytes) -> dict[str, str]:
    """Clients send the same streams again and again; no caller changes the labels."""
    return labels_of(data.decode("utf-8", "replace"))


def _unquoted(quoted: str) -> str:
    if quoted[0] == "`":
        return quoted[1:-1]
    try:
        return str(json.loads(quoted, strict=False))
    except ValueError:
        return _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[1]), quoted[1:-1])


@attrs.frozen
class _Labels:
    """What all entries of a stream share.

    Attributes:
        fields: what the labels say of each.
        rest: the labels that name no field.
        text: ``rest`` as JSON.
        row: an entry with all that and nothing else.
    """

    fields: dict[str, Any]
    rest: dict[str, Any]
    text: str
    row: Row


@attrs.define
class _Entries:
    """Makes rows of the entries of one body.

    Attributes:
        reader: reads labels as the keys of an object.
        copies: bounds the copies of labels.
        pieces: the rows on their way.
    """

    reader: ObjectReader
    copies: Copies
    pieces: RowPieces = attrs.Factory(RowPieces)

    def labels(self, labels: dict[str, Any]) -> _Labels:
        fields, rest = self.reader.fields(labels, ("message", "created_at"))
        for name in _PROGRAMS:
            if "file_name" not in fields and self.reader.name(rest.get(name)):
                fields["file_name"] = self.reader.name(rest.pop(name))
        text = stored_text(json_text(rest), self.reader.most) if rest else ""
        return _Labels(fields, rest, text, row_of({**fields, "structured_data": text}))

    def row(self, labels: _Labels, moment: int | None, line: str, pairs: dict[str, Any]) -> Row | None:
        """The row of an entry; ``None`` if it says nothing."""
        line = message_text(line, self.reader.most)
        if not line and not pairs:
            return None
        has_room = self.copies.take(len(labels.text), 1)
        # What an entry says itself is no copy, and stays without them.
        row = self._with_pairs(labels, labels.rest if has_room else {}, pairs) if pairs else labels.row
        made = list(row)
        if not (has_room or pairs):
            made[_STRUCTURED_DATA] = ""
        if moment is not None and is_sane(moment, self.reader.received_at):
            made[_CREATED_AT] = moment
        if made[_SEVERITY] is None:
            made[_SEVERITY] = level_of(line)
        made[_MESSAGE] = line
        return tuple(made)

    def lines(
        self, labels: _Labels, moments: Sequence[int | None], texts: Sequence[bytes], pairs: Sequence[Sequence[Any]]
    ) -> Lines | None:
        """The lines of entries of one stream; ``None`` if they are not all plain ones, for :meth:`row` to read.

        ``pairs`` may be empty if no entry has any.
        """
        joined = b"\0".join(texts)
        if not any(texts) and not any(pairs):
            return Lines.of_rows(())
        if joined.count(b"\0") >= len(texts) or not all(texts):
            return None
        if max(map(len, texts)) * 4 > self.reader.most or not self._are_sane(moments):
            return None
        messages = joined.decode("utf-8", "replace").split("\0")
        # A NUL of a line's own would have been counted above.
        if b"\n\0" in joined or b"\r\0" in joined or joined.endswith((b"\n", b"\r")):
            messages = [text.rstrip(TRAILERS) for text in messages]
        if not all(messages) or not self.copies.take(len(labels.text) * len(texts), 1):
            return None
        columns: list[Any] = [(each,) * len(texts) for each in labels.row]
        if any(pairs):
            heads = [self._with_pairs(labels, labels.rest, _pairs(each)) if each else labels.row for each in pairs]
            columns = list(zip(*heads, strict=True))
        columns[_CREATED_AT] = moments
        columns[_SEVERITY] = with_levels(columns[_SEVERITY], messages)
        columns[_MESSAGE] = messages
        return Lines(*columns)

    def _are_sane(self, moments: Sequence[int | None]) -> bool:
        known = [each for each in moments if each is not None]
        received_at = self.reader.received_at
        return len(known) == len(moments) and all(is_sane(each, received_at) for each in (min(known), max(known)))

    def _with_pairs(self, labels: _Labels, shared: dict[str, Any], pairs: dict[str, Any]) -> Row:
        """An entry with pairs and no line; its structured data has the labels ``shared`` too."""
        # A field that a label has is not taken from a pair too: both are said of the line.
        found, rest = self.reader.fields(pairs, {"message", "created_at", *labels.fields})
        # Loki's own name for a pair with the name of a label.
        clear = rest
        if not labels.rest.keys().isdisjoint(rest):
            clear = told_apart(rest, "{}_extracted".format, labels.rest.keys(), {*labels.rest, *rest})
        rest = {**shared, **clear}
        text = stored_text(json_text(rest), self.reader.most) if rest else ""
        return row_of({**labels.fields, **found, "structured_data": text})


def loki_json(body: bytes, received_at: int, zone: tzinfo, max_line_bytes: int) -> Iterator[Piece]:
    """``{"streams": […]}``; see :class:`ppl.sources.kinds.Read`."""
    entries = _Entries(ObjectReader(received_at, zone, max_line_bytes), Copies.of_body(len(body)))
    return as_far_as_readable(_json_pieces(body, entries))


def _json_pieces(body: bytes, entries: _Entries) -> Iterator[Piece]:
    text = yield from decoded(body)
    yield from _Json(JsonWalk(text), entries).pieces()


@attrs.define
class _Json:
    walk: JsonWalk
    entries: _Entries

    def pieces(self) -> Iterator[Piece]:
        try:
            for key in self.walk.members():
                if key == "streams" and self.walk.begins_with("["):
                    for _ in self.walk.elements():
                        yield from self._stream()
                        yield from self.entries.pieces.turn()
                else:
                    yield from with_turns(self.walk.pass_over())
                yield from self.entries.pieces.turn()
        except BodyUnreadable:
            yield from self.entries.pieces.rest()
            raise
        yield from self.entries.pieces.rest()

    def _stream(self) -> Iterator[Piece]:
        walk = self.walk
        labels: dict[str, Any] | None = None
        # Entries that come before the labels wait for these.
        early: list[int] = []
        for key in walk.members():
            if key in ("stream", "labels"):
                value = yield from self._value()
                labels = value if isinstance(value, dict) else labels_of(value) if isinstance(value, str) else {}
            elif key in ("values", "entries") and walk.begins_with("[") and labels is not None:
                yield from self._values(labels)
            else:
                if key in ("values", "entries") and walk.begins_with("["):
                    early.append(walk.at)
                yield from with_turns(walk.pass_over())
            yield from self.entries.pieces.turn()
        end = walk.at
        for at in early:
            walk.at = at
            yield from self._values(labels or {})
        walk.at = end

    def _values(self, labels: dict[str, Any]) -> Iterator[Piece]:
        shared = self.entries.labels(labels)
        for _ in self.walk.elements():
            begin = self.walk.at
            entry = yield from self._value()
            row = self._row(shared, entry)
            size = self.walk.at - begin + (len(shared.text) if row else 0)
            yield from self.entries.pieces.add(row, size)
            yield from self.entries.pieces.turn()

    def _value(self) -> Generator[Piece, None, Any]:
        value = self.walk.value_within()
        return (yield from with_turns(part_of_value(self.walk, self.entries.reader.most))) if value is BIG else value

    def _row(self, shared: _Labels, entry: Any) -> Row | None:
        if isinstance(entry, list) and len(entry) > 1:
            stamp, line, *more = entry
            pairs = (more[0] if len(more) == 1 else more) if more else {}
        elif isinstance(entry, dict):
            stamp, line = entry.get("ts", entry.get("timestamp")), entry.get("line", "")
            pairs = entry.get("structuredMetadata", {})
        else:
            stamp, line, pairs = None, entry, {}
        line = line if isinstance(line, str) else json_text(line)
        if not isinstance(pairs, dict):
            pairs = {"structuredMetadata": pairs} if pairs else {}
        return self.entries.row(shared, self._moment(stamp), line, pairs)

    def _moment(self, stamp: Any) -> int | None:
        """µs of nanoseconds, as the API has them; of other forms what they look like."""
        if isinstance(stamp, str) and _NANOSECONDS.fullmatch(stamp):
            return int(stamp) // 1000
        return self.entries.reader.moment(stamp)


def loki_protobuf(body: bytes, received_at: int, zone: tzinfo, max_line_bytes: int) -> Iterator[Piece]:
    """A ``PushRequest``, without its snappy; see :class:`ppl.sources.kinds.Read`."""
    entries = _Entries(ObjectReader(received_at, zone, max_line_bytes), Copies.of_body(len(body)))
    return as_far_as_readable(_unless_none_is_read(_protobuf(body, entries)))


def _unless_none_is_read(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """The pieces as they are.

    Raises:
        BodyUnreadable: they have refused entries, and no others.
    """
    count = refused = 0
    for piece in pieces:
        count += len(piece.lines)
        refused += piece.refused
        yield piece
    if refused and not count:
        raise BodyUnreadable(_UNREADABLE)


def _protobuf(body: bytes, entries: _Entries) -> Iterator[Piece]:
    try:
        for stream in contents(body, 0, len(body), 1):
            yield from entries.pieces.turn()
            if stream.inner == stream.end:
                continue
            is_read = False
            if stream.end - stream.inner <= MOST_AT_ONCE:
                is_read = yield from _at_once(body[stream.inner : stream.end], entries)
            if not is_read:
                yield from _by_runs(body, stream, entries)
    except BodyUnreadable:
        yield from entries.pieces.rest()
        raise
    yield from entries.pieces.rest()


def _at_once(stream: bytes, entries: _Entries) -> Generator[Piece, None, bool]:
    """The rows of a stream of at most :data:`MOST_AT_ONCE` bytes; ``False`` if it is cut off, and nothing is read."""
    found = entries_in(stream)
    if found is None:
        return False
    labels, parts = found
    if parts:
        yield from _parts(stream, parts, entries.labels(_labels_in(labels)), entries)
    return True


def _by_runs(body: bytes, stream: Span, entries: _Entries) -> Iterator[Piece]:
    """The rows of a stream that is big or cut off."""
    labels = yield from with_turns(content(body, stream.inner, stream.end, 1))
    shared = None
    for run in runs(body, stream.inner, stream.end, 2):
        if run.count:
            shared = shared or entries.labels(_labels_in(labels))
            data = body[run.begin : run.end]
            if run.count == 1 and len(data) > _MOST_ENTRY:
                entry = _big_entry(data, entries.reader.most)
                yield from _rows(_readable([entry], entries), shared, len(data), entries)
            elif (found := entries_in(data)) is not None:
                yield from _parts(data, found[1], shared, entries)
            else:
                entries.pieces.refuse(run.count)
        yield from entries.pieces.turn()


def _parts(stream: bytes, parts: Sequence[bytes], shared: _Labels, entries: _Entries) -> Iterator[Piece]:
    """The rows of the entries of ``stream``, which ``parts`` hold each by itself."""
    size = sum(map(len, parts)) // len(parts) + len(shared.text)
    whole: Sequence[Any] | None = None
    most = max(_WORTH_COLUMNS, min(_MOST_PARTS, _MOST_COPIED // (len(shared.text) + 1)))
    for start in range(0, len(parts), most):
        few = parts[start : start + most]
        columns = plain_columns(few) if len(few) >= _WORTH_COLUMNS else None
        if columns is not None:
            lines = entries.lines(shared, *columns, ())
            plain = ((moment, line, ()) for moment, line in zip(*columns, strict=True))
            whole_size = size * len(few)
            yield from _rows(plain, shared, size, entries) if lines is None else _columns(lines, whole_size, entries)
            yield from entries.pieces.turn()
            continue
        if whole is None:
            whole = _read(stream)
            yield from entries.pieces.turn()
        read = whole[start : start + most] or map(_read_one, few)
        for found in _steps(few, read, len(shared.text), entries):
            lines = entries.lines(shared, *zip(*found, strict=True)) if len(found) >= _WORTH_COLUMNS else None
            whole_size = size * len(found)
            yield from _rows(found, shared, size, entries) if lines is None else _columns(lines, whole_size, entries)
            yield from entries.pieces.turn()


def _steps(parts: Sequence[bytes], read: Iterable[Any], copied: int, entries: _Entries) -> Iterator[list[_Entry]]:
    """The entries that ``read`` gives of ``parts``, as many at a time as take a few milliseconds.

    For each entry with pairs, ``copied`` bytes of labels may be copied. Unreadable ones (``None``) are refused.
    """
    found: list[_Entry] = []
    cost = 0
    for part, each in zip(parts, read, strict=True):
        cost += _COST_OF_BYTE * len(part)
        if each is None:
            entries.pieces.refuse()
            continue
        found.append((_micros(each.timestamp), each.line, each.pairs))
        cost += copied if each.pairs else 0
        if cost >= _MOST_COST:
            yield found
            found, cost = [], 0
    if found:
        yield found


def _columns(lines: Lines, size: int, entries: _Entries) -> Iterator[Piece]:
    """Lines of about ``size`` bytes, behind the rows that came before."""
    yield from entries.pieces.rest()
    yield Piece(lines, size)


def _read(stream: bytes) -> Sequence[Any]:
    """The entries of a stream as messages; none if one of them is not readable."""
    try:
        entries: Sequence[Any] = _messages()["Stream"].FromString(stream).entries
    except decode_error():
        return ()
    return entries


def _read_one(data: bytes) -> Any:
    """An entry as a message; ``None`` if it is not readable."""
    try:
        return _messages()["Entry"].FromString(data)
    except decode_error():
        return None


def _readable(found: Iterable[_Entry | None], entries: _Entries) -> Iterator[_Entry]:
    """``found`` without unreadable ones, which are refused."""
    for each in found:
        if each is None:
            entries.pieces.refuse()
        else:
            yield each


def _rows(found: Iterable[_Entry], shared: _Labels, size: int, entries: _Entries) -> Iterator[Piece]:
    """A row for each entry of about ``size`` bytes."""
    for moment, line, pairs in found:
        text = line.decode("utf-8", "replace")
        yield from entries.pieces.add(entries.row(shared, moment, text, _pairs(pairs)), size)


def _big_entry(data: bytes, most_line: int) -> _Entry | None:
    """An entry of which only the first pairs are looked at; ``None`` if it is not readable."""
    messages = _messages()
    try:
        (entry,) = [each for each in contents(data, 0, len(data), 2) if each.count]
        parts = {
            number: [
                data[each.inner : min(each.end, each.inner + most_line + _MOST_ENTRY)]
                for each in islice(contents(data, entry.inner, entry.end, number), most)
                if each.count
            ]
            for number, most in ((1, 1), (2, 1), (3, _MOST_PAIRS))
        }
        stamp = messages["Stamp"].FromString(b"".join(parts[1]))
        pairs = [messages["Pair"].FromString(each) for each in parts[3]]
    except (decode_error(), BodyUnreadable):
        return None
    return _micros(stamp), b"".join(parts[2]), pairs


def _pairs(pairs: Iterable[Any]) -> dict[str, str]:
    if not pairs:
        return {}
    return {
        pair.name.decode("utf-8", "replace"): pair.value.decode("utf-8", "replace")
        for pair in islice(pairs, _MOST_PAIRS)
    }


def _micros(stamp: Any) -> int | None:
    seconds, nanos = stamp.seconds, stamp.nanos
    return seconds * 1_000_000 + nanos // 1000 if seconds or nanos else None


@cache
def _messages() -> dict[str, Any]:
    messages: dict[str, Any] = import_module("ppl.sources.loki_messages").LOKI
    return messages


def _prepare() -> None:
    _messages()
    decode_error()
    import_module("cramjam")


def without_snappy(body: bytes, most: int) -> bytes:
    """The content of a body in snappy's raw format, of at most ``most`` bytes.

    Raises:
        BodyTooLarge: its header says that it has more.
        BodyUnreadable: it is not in that format.
    """
    cramjam = import_module("cramjam")
    snappy = cramjam.snappy
    try:
        size = snappy.decompress_raw_len(body)
        if size > most:
            raise BodyTooLarge(f"A body may hold at most {most:,} bytes, also after unzipping.")
        return bytes(snappy.decompress_raw(body))
    except cramjam.DecompressionError as error:
        raise BodyUnreadable("The body is not in snappy's raw format.") from error


def _untyped(body: bytes) -> bool:
    """Whether a body that names no type is JSON: snappy cannot begin like that."""
    return _FIRST_OF_JSON.match(body) is not None


def _either_unpacked(body: bytes, most: int) -> bytes:
    return body if _untyped(body) else without_snappy(body, most)


def _either(body: bytes, received_at: int, zone: tzinfo, max_line_bytes: int) -> Iterator[Piece]:
    read = loki_json if _untyped(body) and body.rstrip().endswith(b"}") else loki_protobuf
    return read(body, received_at, zone, max_line_bytes)


def _accepted(head: UploadHead, taken: Taken) -> KindReply:
    return KindReply(204)


def _refused(head: UploadHead, why: NotTaken) -> KindReply:
    """Loki's own refusals are texts, which clients show."""
    headers = (*why.headers, ("Content-Type", "text/plain; charset=utf-8"))
    return KindReply(why.status, f"{why.message}\n".encode(), headers)


LOKI_ANY = BodyKind(
    "Loki's push API",
    (),
    _either,
    addresses=("/loki/api/v1/push", "/api/prom/push"),
    tokens=(TokenIn.BASIC, TokenIn.BEARER),
    accepted=_accepted,
    refused=_refused,
    has_charset=False,
    encodings=("snappy",),
    unpack=_either_unpacked,
    prepare=_prepare,
    patience=5.0,
)
LOKI_JSON = attrs.evolve(
    LOKI_ANY,
    content_types=("application/json", "text/json"),
    read=loki_json,
    unpack=as_sent,
    prepare=None,
    encodings=(),
)
LOKI_PROTOBUF = attrs.evolve(
    LOKI_ANY,
    content_types=("application/x-protobuf", "application/protobuf", "application/vnd.google.protobuf"),
    read=loki_protobuf,
    unpack=without_snappy,
)
