"""Amazon Data Firehose's HTTP endpoint: records in base64, each of which holds lines, JSON or CloudWatch's events.

CloudWatch Logs sends its events gzipped within a record. Firehose takes nothing but 200 with the id of its request for
success, and sends everything else again. https://docs.aws.amazon.com/firehose/ has the request and the answer.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Generator, Iterator
from datetime import tzinfo
from typing import Any

import attrs

from ppl.model import Row, row_of
from ppl.sources.bodies import BodyUnreadable, plain_body
from ppl.sources.json_fields import ObjectReader, json_text, message_text, stored_text
from ppl.sources.json_walk import JsonWalk
from ppl.sources.kinds import BodyKind, KindReply, NotTaken, Piece, Read, Taken, TokenIn, UploadHead
from ppl.sources.levels import level_of
from ppl.sources.line import BOM
from ppl.sources.packed import Unpacking, Zip
from ppl.sources.records import TURN, Copies, RowPieces, as_far_as_readable

#: Bytes of a record after it was unzipped; Firehose itself sends at most 1 MB.
_MOST_RECORD = 16_000_000
_UNPACKED = 64 * 1024
_GZIP = b"\x1f\x8b"

_ID = re.compile(rb'"requestId"\s*:\s*"([^"\\]{1,200})"')
#: Bytes at both ends of a body in which its id is looked for.
_ENDS = 1000
#: What CloudWatch sends to see whether there is a receiver.
_CONTROL = "CONTROL_MESSAGE"
#: What is said of an event by others than its text.
_NOT_KEPT = frozenset(("messageType", "subscriptionFilters", "logEvents"))


@attrs.define
class _Records:
    """Makes rows of the records of one body.

    Attributes:
        reader: reads times and names.
        room: bounds what is unzipped, and the copies of what events share.
        pieces: the rows on their way.
    """

    reader: ObjectReader
    room: Copies
    pieces: RowPieces = attrs.Factory(RowPieces)

    def record(self, record: Any) -> Iterator[Piece]:
        """The lines of one record."""
        try:
            data = yield from self._content(record)
        except BodyUnreadable:
            yield from self.pieces.rest(refused=1)
            return
        text = data[:_ENDS].decode("utf-8", "replace")
        if '"messageType"' not in text and '"logEvents"' not in text:
            yield from self._plain(data)
            return
        seen = False
        try:
            for piece in self._cloudwatch(data.decode("utf-8", "replace").removeprefix(BOM)):
                seen = True
                yield piece
        except BodyUnreadable:
            if seen or self.pieces.rows:
                yield from self.pieces.rest(refused=1)
            else:
                yield from self._plain(data)

    def _content(self, record: Any) -> Generator[Piece, None, bytes]:
        """The bytes of a record, as what the generator returns."""
        encoded = record.get("data") if isinstance(record, dict) else None
        if not isinstance(encoded, str):
            raise BodyUnreadable("A record has no data.")
        try:
            data = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError) as error:
            raise BodyUnreadable("A record is not in base64.") from error
        if not data.startswith(_GZIP):
            return data
        unpacking, found = Unpacking(Zip.GZIP), bytearray()
        unpacking.feed(data)
        while part := unpacking.read(_UNPACKED):
            found += part
            if len(found) > _MOST_RECORD or not self.room.take(len(part), 1):
                raise BodyUnreadable("A record is too large.")
            yield TURN
        unpacking.finish()
        return bytes(found)

    def _plain(self, data: bytes) -> Iterator[Piece]:
        """Lines or JSON."""
        for piece in plain_body(data, self.reader.received_at, self.reader.zone, self.reader.most):
            size = piece.size // max(len(piece.lines), 1)
            for row in piece.lines.rows():
                yield from self.pieces.add(row, size)

    def _cloudwatch(self, text: str) -> Iterator[Piece]:
        """The events of CloudWatch's objects, one after another."""
        walk = JsonWalk(text)
        while not walk.is_at_end():
            shared: dict[str, Any] = {}
            events = -1
            for key in walk.members():
                if key == "logEvents" and walk.begins_with("["):
                    events = walk.at
                    for count, _ in enumerate(walk.elements(), 1):
                        walk.value()
                        if count % 1000 == 0:
                            yield TURN
                else:
                    shared[key] = walk.value()
            end = walk.at
            if events < 0:
                raise BodyUnreadable("The body is no object of CloudWatch.")
            if shared.get("messageType") != _CONTROL:
                walk.at = events
                yield from self._events(walk, shared)
            walk.at = end

    def _events(self, walk: JsonWalk, shared: dict[str, Any]) -> Iterator[Piece]:
        data = {key: value for key, value in shared.items() if key not in _NOT_KEPT}
        program = self.reader.name(data.get("logGroup"))
        if program is not None:
            del data["logGroup"]
        size = len(json_text(data))
        for _ in walk.elements():
            begin = walk.at
            event = walk.value()
            has_room = self.room.take(size, 1)
            row = self._row(event, program or "", data if has_room else {})
            yield from self.pieces.add(row, walk.at - begin + size * has_room)

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


def firehose_body(body: bytes, received_at: int, zone: tzinfo, max_line_bytes: int) -> Iterator[Piece]:
    """``{"requestId", "timestamp", "records": [{"data"}]}``; see :class:`ppl.sources.kinds.Read`."""
    records = _Records(ObjectReader(received_at, zone, max_line_bytes), Copies.of_body(len(body)))
    text = body.decode("utf-8", "replace").removeprefix(BOM)
    return as_far_as_readable(_pieces(JsonWalk(text), records))


def _pieces(walk: JsonWalk, records: _Records) -> Iterator[Piece]:
    has_records = False
    try:
        for key in walk.members():
            if key != "records" or not walk.begins_with("["):
                walk.value()
                continue
            has_records = True
            for _ in walk.elements():
                yield from records.record(walk.value())
        if not has_records:
            raise BodyUnreadable("The body has no records of Firehose.")
    except BodyUnreadable:
        yield from records.pieces.rest()
        raise
    yield from records.pieces.rest()


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
)
