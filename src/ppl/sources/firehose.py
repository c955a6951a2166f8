"""Amazon Data Firehose's HTTP endpoint: records in base64, each of which holds lines, JSON or CloudWatch's events.

CloudWatch Logs sends its events gzipped within a record. Firehose takes nothing but 200 with the id of its request for
success, and sends everything else again. https://docs.aws.amazon.com/firehose/ has the request and the answer.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import sys
from collections.abc import Generator, Iterator
from datetime import tzinfo
from typing import Any

import attrs

from ppl.model import Row, row_of
from ppl.sources.bodies import PIECE_BYTES, BodyUnreadable, decoded, plain_body
from ppl.sources.json_fields import ObjectReader, json_text, message_text, stored_text
from ppl.sources.json_walk import BIG, JsonWalk, part_of_value
from ppl.sources.kinds import BodyKind, KindReply, NotTaken, Piece, Read, Taken, TokenIn, UploadHead
from ppl.sources.levels import level_of
from ppl.sources.packed import Unpacking, Zip
from ppl.sources.records import Copies, RowPieces, as_far_as_readable, with_turns

#: Bytes of a record after it was unzipped, which other bodies may have in all; Firehose itself sends at most 1 MB.
_MOST_RECORD = 16_000_000
#: Bytes of all records of a body after they were unzipped: for each byte of the body, and in addition.
_UNZIPPED_OF_BODY, _MOST_UNZIPPED = 32, 4 * _MOST_RECORD
#: Bytes that are unzipped at once, and characters in base64 (four make three bytes).
_STEP = 64 * 1024
_GZIP = b"\x1f\x8b"

_ID = re.compile(rb'"requestId"\s*:\s*"([^"\\]{1,200})"')
#: Bytes at both ends of a body in which its id is looked for.
_ENDS = 1000
#: All of a request is acknowledged, or nothing.
_NOT_STORED = "{count} of the records are not stored: too large when unzipped, or not readable. The others are stored."
#: What CloudWatch sends to see whether there is a receiver.
_CONTROL = "CONTROL_MESSAGE"
#: What is said of an event by others than its text.
_NOT_KEPT = frozenset(("messageType", "subscriptionFilters", "logEvents"))
#: Keys beside the events that are read, and characters of what they hold, beside four texts of the most bytes.
_MOST_KEYS, _MOST_SHARED = 1000, 64 * 1024
_MARKS = (b'"messageType"', b'"logEvents"')
#: What a record may begin with, after blanks or none, that is JSON; and a byte order mark, which is left out.
_BEGINS_JSON = re.compile(rb"[ \t\r\n\x1e]*+[{\[]|\xef\xbb\xbf")


@attrs.define
class _Records:
    """Makes rows of the records of one body.

    Attributes:
        reader: reads times and names.
        copies: bounds the copies of what events share.
        unzipped: bytes that may still be unzipped.
        pieces: the rows on their way.
        lines: records of lines that wait to be read together: most hold only one.
        lines_size: their bytes.
        has_events: whether a record gave events of CloudWatch.
    """

    reader: ObjectReader
    copies: Copies
    unzipped: int
    pieces: RowPieces = attrs.Factory(RowPieces)
    lines: list[bytes] = attrs.Factory(list)
    lines_size: int = 0
    has_events: bool = False

    def record(self, walk: JsonWalk) -> Iterator[Piece]:
        """The lines of the record at which ``walk`` stands."""
        encoded = yield from self._encoded(walk)
        try:
            data = yield from self._content(encoded)
        except BodyUnreadable:
            self.pieces.refuse()
            return
        if not data:
            return
        start = data[:_ENDS]
        if not any(mark in start for mark in _MARKS):
            yield from self._plain(data)
            return
        yield from self._waiting()
        self.has_events = False
        try:
            yield from self._cloudwatch((yield from decoded(data)))
        except BodyUnreadable:
            if self.has_events:
                self.pieces.refuse()
            else:
                yield from self._plain(data)

    def rest(self) -> Iterator[Piece]:
        """What is left."""
        yield from self._waiting()
        yield from self.pieces.rest()

    def passed(self, walk: JsonWalk) -> Iterator[Piece]:
        """Walk past a value, however long it is."""
        yield from with_turns(walk.pass_over())
        yield from self.pieces.turn()

    def _encoded(self, walk: JsonWalk) -> Generator[Piece, None, Any]:
        """The data of a record as it was sent, whole; of a long record nothing else is read."""
        record = walk.value_within()
        if record is not BIG:
            return record.get("data") if isinstance(record, dict) else None
        if not walk.begins_with("{"):
            yield from self.passed(walk)
            return None
        data = None
        for key in walk.members():
            if key == "data" and walk.begins_with('"'):
                data = yield from with_turns(walk.text_in_part(sys.maxsize))
            else:
                yield from self.passed(walk)
        return data

    def _content(self, encoded: Any) -> Generator[Piece, None, bytes]:
        """The bytes of a record, as what the generator returns."""
        if not isinstance(encoded, str):
            raise BodyUnreadable("A record has no data.")
        parts: list[bytes] = []
        for start in range(0, len(encoded), _STEP):
            if start and len(parts[-1]) * 4 < _STEP * 3:
                raise BodyUnreadable("A record goes on after the end of its base64.")
            try:
                parts.append(base64.b64decode(encoded[start : start + _STEP], validate=True))
            except (binascii.Error, ValueError) as error:
                raise BodyUnreadable("A record is not in base64.") from error
            if start:
                yield from self.pieces.turn()
        if parts and parts[0].startswith(_GZIP):
            return (yield from self._unzipped(parts))
        return b"".join(parts)

    def _unzipped(self, parts: list[bytes]) -> Generator[Piece, None, bytes]:
        unpacking, found, size = Unpacking(Zip.GZIP), [], 0
        for packed in parts:
            unpacking.feed(packed)
            while part := unpacking.read(_STEP):
                found.append(part)
                size += len(part)
                self.unzipped -= len(part)
                if size > _MOST_RECORD or self.unzipped < 0:
                    raise BodyUnreadable("A record is too large.")
                yield from self.pieces.turn()
        unpacking.finish()
        # What it holds counts as what bodies hold that are not zipped.
        self.copies.left += Copies.of_body(size).left - Copies.of_body(0).left
        return b"".join(found)

    def _plain(self, data: bytes) -> Iterator[Piece]:
        """Lines or JSON."""
        if len(data) < PIECE_BYTES and not _BEGINS_JSON.match(data) and b"\0" not in data:
            self.lines.append(data if data.endswith(b"\n") else data + b"\n")
            self.lines_size += len(data)
            if self.lines_size >= PIECE_BYTES:
                yield from self._waiting()
        else:
            yield from self._waiting()
            yield from self._read(data)

    def _waiting(self) -> Iterator[Piece]:
        """The records of lines that wait."""
        if self.lines:
            data = b"".join(self.lines)
            self.lines, self.lines_size = [], 0
            yield from self._read(data)

    def _read(self, data: bytes) -> Iterator[Piece]:
        pieces = self.pieces
        for piece in plain_body(data, self.reader.received_at, self.reader.zone, self.reader.most):
            size = piece.size // max(len(piece.lines), 1)
            for row in piece.lines.rows():
                if pieces.is_full_with(row, size):
                    yield from pieces.rest()
            yield from pieces.turn()

    def _cloudwatch(self, text: str) -> Iterator[Piece]:
        """The events of CloudWatch's objects, one after another."""
        walk = JsonWalk(text)
        while not walk.is_at_end():
            shared = _Shared(4 * self.reader.most + _MOST_SHARED)
            events = -1
            for key in walk.members():
                if key == "logEvents" and walk.begins_with("["):
                    events = walk.at
                    for _ in walk.elements():
                        yield from self.passed(walk)
                elif shared.takes(key):
                    shared.add(key, (yield from self._value(walk)))
                else:
                    yield from self.passed(walk)
                yield from self.pieces.turn()
            end = walk.at
            if events < 0:
                raise BodyUnreadable("The body is no object of CloudWatch.")
            if shared.kind != _CONTROL:
                walk.at = events
                yield from self._events(walk, text, shared.data)
            walk.at = end
            yield from self.pieces.turn()

    def _value(self, walk: JsonWalk) -> Generator[Piece, None, Any]:
        value = walk.value_within()
        return (yield from with_turns(part_of_value(walk, self.reader.most))) if value is BIG else value

    def _events(self, walk: JsonWalk, text: str, data: dict[str, Any]) -> Iterator[Piece]:
        program = self.reader.name(data.get("logGroup"))
        if program is not None:
            del data["logGroup"]
        size = len(json_text(data))
        for _ in walk.elements():
            begin = walk.at
            event = yield from self._value(walk)
            self.has_events = True
            has_room = self.copies.take(size, 1)
            try:
                row = self._row(event, program or "", data if has_room else {})
            except RecursionError:
                # Its nesting was just shallow enough to be read, but is too deep to be written.
                row = row_of({"message": stored_text(text[begin : walk.at], self.reader.most)})
            yield from self.pieces.add(row, walk.at - begin + size * has_room)
            yield from self.pieces.turn()

    def _row(self, event: Any, program: str, shared: dict[str, Any]) -> Row | None:
        if not isinstance(event, dict):
            event = {"message": event}
        text = event.get("message", "")
        message = message_text(text if isinstance(text, str) else json_text(text), self.reader.most)
        if not message:
            return None
        rest = {key: value for key, value in event.items() if key not in ("message", "timestamp", "id")}
        moment = self.reader.moment(event.get("timestamp"))
        if moment is None and "timestamp" in event:
            rest["timestamp"] = event["timestamp"]
        data = {**shared, **rest}
        return row_of(
            {
                "created_at": moment,
                "severity": level_of(message),
                "file_name": program,
                "structured_data": stored_text(json_text(data), self.reader.most) if data else "",
                "message": message,
            }
        )


@attrs.define
class _Shared:
    """What the events of one object share.

    Attributes:
        left: characters that may still be kept.
        data: what is kept with each event.
        kind: what CloudWatch says that the object is.
    """

    left: int
    data: dict[str, Any] = attrs.Factory(dict)
    kind: Any = None

    def takes(self, key: str) -> bool:
        """Whether the value of ``key`` is worth reading."""
        return key == "messageType" or (key not in _NOT_KEPT and (len(self.data) < _MOST_KEYS or key == "logGroup"))

    def add(self, key: str, value: Any) -> None:
        """Keep ``value``, if there is room."""
        if key == "messageType":
            self.kind = value
            return
        try:
            size = len(key) + len(json_text(value))
        except RecursionError:
            return
        if size <= self.left:
            self.left -= size
            self.data[key] = value


def firehose_body(body: bytes, received_at: int, zone: tzinfo, max_line_bytes: int) -> Iterator[Piece]:
    """``{"requestId", "timestamp", "records": [{"data"}]}``; see :class:`ppl.sources.kinds.Read`."""
    size = len(body)
    reader = ObjectReader(received_at, zone, max_line_bytes)
    records = _Records(reader, Copies.of_body(size), size * _UNZIPPED_OF_BODY + _MOST_UNZIPPED)
    return as_far_as_readable(_pieces(body, records))


def _pieces(body: bytes, records: _Records) -> Iterator[Piece]:
    walk = JsonWalk((yield from decoded(body)))
    has_records = False
    try:
        for key in walk.members():
            if key != "records" or not walk.begins_with("["):
                yield from records.passed(walk)
                continue
            has_records = True
            for _ in walk.elements():
                yield from records.record(walk)
                yield from records.pieces.turn()
        if not has_records:
            raise BodyUnreadable("The body has no records of Firehose.")
    except BodyUnreadable:
        yield from records.rest()
        raise
    yield from records.rest()


def _named_at(head: UploadHead) -> Read:
    """Reads a body whose attributes, which are the same for all of it, may name its host and program."""
    try:
        common = json.loads(head.header("x-amz-firehose-common-attributes") or "{}")["commonAttributes"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return firehose_body
    if not isinstance(common, dict):
        return firehose_body

    def read(body: bytes, received_at: int, zone: tzinfo, max_line_bytes: int) -> Iterator[Piece]:
        named, _ = ObjectReader(received_at, zone, max_line_bytes).fields(common)
        names = {name: named[name] for name in ("hostname", "file_name") if name in named}
        for piece in firehose_body(body, received_at, zone, max_line_bytes):
            filled = {name: [each or value for each in getattr(piece.lines, name)] for name, value in names.items()}
            yield attrs.evolve(piece, lines=attrs.evolve(piece.lines, **filled))

    return read


def request_id(body: bytes) -> str:
    """The id of a request in its body, ``""`` if there is none."""
    found = _ID.search(body[:_ENDS]) or _ID.search(body[-_ENDS:])
    return found[1].decode("utf-8", "replace") if found is not None else ""


def _reply(head: UploadHead, status: int, headers: tuple[tuple[str, str], ...] = (), **more: str) -> KindReply:
    answer = {"requestId": head.id, "timestamp": head.received_at // 1000, **more}
    return KindReply(status, json.dumps(answer).encode("ascii"), (*headers, ("Content-Type", "application/json")))


def _accepted(head: UploadHead, taken: Taken) -> KindReply:
    """Success, unless records could not be stored: Firehose then keeps the request where its owner finds it."""
    if taken.refused:
        return _reply(head, 400, errorMessage=_NOT_STORED.format(count=taken.refused))
    return _reply(head, 200)


def _refused(head: UploadHead, why: NotTaken) -> KindReply:
    return _reply(head, why.status, why.headers, errorMessage=why.message)


FIREHOSE = BodyKind(
    "Amazon Data Firehose",
    (),
    firehose_body,
    read_at=_named_at,
    addresses=("/firehose",),
    tokens=(TokenIn.BEARER, TokenIn.BASIC),
    key_header="x-amz-firehose-access-key",
    mark="x-amz-firehose-request-id",
    accepted=_accepted,
    refused=_refused,
    id_header="x-amz-firehose-request-id",
    id_in=request_id,
    has_charset=False,
    # Firehose waits for three minutes.
    patience=60.0,
    # Its retry duration is two hours at most.
    keys_kept=7200,
)
