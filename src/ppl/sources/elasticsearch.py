"""Elasticsearch's bulk API, and what its clients ask before they use it.

A document is an event, read as any JSON object. Each has an answer of its own, in order, as clients read that and not
the status. Many never send again after another status than 200: so documents that cannot be taken are refused one by
one, and when Ppl is busy, the connection is closed, after which they all send again.
https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk has the API.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterable, Iterator
from datetime import tzinfo
from functools import partial
from hashlib import blake2b
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import attrs

from ppl.model import COLUMNS, Lines, Row, row_of
from ppl.sources.bodies import PIECE_BYTES, BodyUnreadable
from ppl.sources.framing import whole_message
from ppl.sources.json_fields import ObjectReader, json_text, storable
from ppl.sources.json_lines import text_event
from ppl.sources.kinds import BodyKind, KindReply, LineKey, NotTaken, Piece, Probe, Read, Taken, TokenIn, UploadHead
from ppl.sources.levels import level_of
from ppl.sources.records import TURN, Copies, RowPieces

#: The version that clients are told.
_VERSION = "9.5.1"
_PRODUCT = ("X-Elastic-Product", "Elasticsearch")
_JSON = (_PRODUCT, ("Content-Type", "application/json"))
_TEXT = (_PRODUCT, ("Content-Type", "text/plain; charset=utf-8"))
_NO_TEXT = KindReply(200, b"", _TEXT)
_DONE = {"acknowledged": True}
_SHARDS = {"total": 1, "successful": 1, "failed": 0}
#: What clients set up of an index, or of all with such names.
_OF_INDICES = (
    "/_alias/<name>", "/<name>/_alias/<name>", "/<name>/_mapping", "/<name>/_settings",
    "/_plugins/_ism/policies/<name>", "/_opendistro/_ism/policies/<name>",
)  # fmt: skip

#: Longer documents are kept as text: reading them would take long at once.
_MOST_DOCUMENT = 128 * 1024
_MOST_ACTION = 4096
#: Characters that are kept of the name of an index, and of an id.
_MOST_NAME = 512
#: Lines of a request after which others have a turn: a few milliseconds of work.
_MOST_LINES = 250
#: Refused documents of a request whose answers say why.
_MOST_REASONS = 1000

_BLANKS = re.compile(rb"[ \t\r\n]*")
_STORING, _CHANGING = ("create", "index"), ("update", "delete")
_SEVERITY, _DATA, _MESSAGE = (
    [column.name for column in COLUMNS].index(name) for name in ("severity", "structured_data", "message")
)

_EXAMPLE = 'such as {"create":{}}'
_NO_BULK = f"The body is no bulk request: it does not begin with an action {_EXAMPLE}."
_NO_ACTION = f"This line is not an action {_EXAMPLE}."
_ONLY_NEW = "Ppl keeps events as they came: send them with create or index."
_NO_BODY = "The document is missing."
_NO_OBJECT = "The document is not a JSON object."
_NO_DOCUMENT = "The line of the document is missing."

#: What a reader that looks for the next line gives meanwhile, and the line; ``None`` at the end.
_NextLine = Generator[Piece, None, bytes | None]


@attrs.frozen
class _Action:
    """What a line of a bulk request says of the document in the next line.

    Attributes:
        name: such as ``create``.
        where: the names of its index and of its document, as far as they are given, as JSON without braces.
        identity: both, if the document has a name; ``""``: it has none.
    """

    name: str
    where: str
    identity: str


@attrs.define
class _Bulk:
    """Reads one bulk request: a line with an action and a line with a document in turn.

    Attributes:
        body: the request.
        objects: reads the documents.
        index: the index of documents whose action names none.
        copies: bounds the copies of that name.
        pieces: the rows on their way.
        items: the answers to the documents since the last piece.
        refused: how many of these are refusals.
        reasons: how many answers of the whole request said why.
    """

    body: bytes
    objects: ObjectReader
    index: str
    copies: Copies
    pieces: RowPieces = attrs.Factory(RowPieces)
    items: list[bytes] = attrs.Factory(list)
    refused: int = 0
    reasons: int = 0
    _at: int = 0
    _lines: int = 0
    # Most lines with an action are equal to the one before.
    _last: tuple[bytes, _Action | None] = (b"", None)

    def read(self) -> Iterator[Piece]:
        """The documents, and the answer to each.

        Raises:
            BodyUnreadable: it does not begin with an action.
        """
        is_first, is_broken = True, False
        while (line := (yield from self._line())) is not None:
            action = self._action(line)
            if action is None:
                if is_first:
                    raise BodyUnreadable(_NO_BULK)
                # Lines that follow a broken one may belong to it: all of them are one refusal.
                if not is_broken:
                    self._refuse("index", _NO_ACTION)
                is_broken = True
                yield from self._added(None, len(line))
                continue
            is_first = is_broken = False
            document = None if action.name == "delete" else (yield from self._line())
            size = len(line) + len(document or b"")
            if action.name in _CHANGING:
                self._refuse(action.name, _ONLY_NEW)
                yield from self._added(None, size)
            elif document is None:
                self._refuse(action.name, _NO_DOCUMENT)
            else:
                self.items.append(b'{"%b":{"status":201}}' % action.name.encode("ascii"))
                row = _event(document, self.objects)
                row = row and _with_members(row, action.where)
                yield from self._added(row, size + len(action.where), _key(action.identity, document))
        yield from self._answering(self.pieces.rest())
        if self.items:
            yield from self._answering([Piece(Lines.of_rows(()), 0)])

    def _line(self) -> _NextLine:
        """The next line that is not blank, without its end."""
        body = self.body
        while self._at < len(body):
            blanks = _BLANKS.match(body, self._at, self._at + PIECE_BYTES)
            assert blanks is not None
            if blanks.end() == self._at:
                end = body.find(b"\n", self._at)
                end = len(body) if end < 0 else end
                line = body[self._at : end]
                self._at = end + 1
                self._lines += 1
                if self._lines % _MOST_LINES == 0:
                    yield from self._answering(self.pieces.rest())
                    yield TURN
                return line
            size, self._at = blanks.end() - self._at, blanks.end()
            yield from self._added(None, size)
        return None

    def _action(self, line: bytes) -> _Action | None:
        """The action in a line; ``None`` if there is none. Some clients write more than an action's name into it."""
        if line == self._last[0]:
            found = self._last[1]
        else:
            found = _action_of(line, self.index)
            self._last = line, found
        own = found is not None and not self.index
        if found is None or own or not found.where or self.copies.take(len(found.where), 1):
            return found
        return attrs.evolve(found, where="")

    def _added(self, row: Row | None, size: int, key: LineKey | None = None) -> Iterator[Piece]:
        return self._answering(self.pieces.add(row, size, key))

    def _answering(self, pieces: Iterable[Piece]) -> Iterator[Piece]:
        """``pieces``, with the answers that have gathered."""
        for piece in pieces:
            items, refused = b",".join(self.items), self.refused
            self.items, self.refused = [], 0
            yield attrs.evolve(piece, items=items, refused=refused)

    def _refuse(self, name: str, reason: str) -> None:
        self.reasons += 1
        outcome: dict[str, Any] = {"status": 400}
        if self.reasons <= _MOST_REASONS:
            outcome["error"] = {"type": "illegal_argument_exception", "reason": reason}
        self.items.append(json.dumps({name: outcome}).encode("ascii"))
        self.refused += 1


def _action_of(line: bytes, index: str) -> _Action | None:
    if len(line) > _MOST_ACTION:
        return None
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    name = next((each for each in (*_STORING, *_CHANGING) if each in value), None) if isinstance(value, dict) else None
    if name is None or not (value[name] is None or isinstance(value[name], dict)):
        return None
    more = value[name] or {}
    where, identity = more.get("_index") or index, more.get("_id")
    if isinstance(identity, int) and not isinstance(identity, bool):
        identity = str(identity)
    return _Action(name, _members(where, identity), _identity(where, identity))


def _identity(index: Any, identity: Any) -> str:
    # Both may have any characters: none could separate them.
    return json_text([index, identity]) if isinstance(identity, str) and identity else ""


def _key(identity: str, document: bytes) -> LineKey | None:
    """By which a document is recognised that is sent again as it was; one without a name never is."""
    if not identity:
        return None
    name = blake2b(identity.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    digest = blake2b(document, digest_size=8, person=name).digest()
    return "", int.from_bytes(digest)


def _members(index: Any, identity: Any) -> str:
    """The names of an index and of a document as JSON without braces, as far as they are given."""
    named = {"_index": index, "_id": identity}
    texts = {name: storable(each[:_MOST_NAME]) for name, each in named.items() if isinstance(each, str) and each}
    return json_text(texts)[1:-1]


def _event(document: bytes, objects: ObjectReader) -> Row | None:
    """The event of a document; what is not JSON is kept as text."""
    if len(document) > _MOST_DOCUMENT:
        text = whole_message(document[: objects.most + 1], objects.most).decode("utf-8", "replace")
        return row_of({"message": storable(text)})
    row = text_event(document.decode("utf-8", "replace").strip(), objects)
    if row is None or row[_SEVERITY] is not None:
        return row
    return (*row[:_SEVERITY], level_of(row[_MESSAGE]), *row[_SEVERITY + 1 :])


def _with_members(row: Row, members: str) -> Row:
    """``row`` with further members of the object that its structured data is."""
    data = row[_DATA]
    # Data that was cut is no object any more.
    if not members or (data and not data.endswith("}")):
        return row
    made = list(row)
    made[_DATA] = f"{data[:-1]},{members}}}" if len(data) > 2 else f"{{{members}}}"
    return tuple(made)


def _index_of(head: UploadHead) -> str:
    """The name of the index in an address such as ``/logs/_bulk``."""
    first, _, rest = head.address.lstrip("/").partition("/")
    return unquote(first, errors="replace")[:_MOST_NAME] if rest else ""


def _name_of(head: UploadHead) -> str:
    """The name of the document in an address such as ``/logs/_doc/7``."""
    parts = [each for each in head.address.split("/") if each]
    return unquote(parts[2], errors="replace") if len(parts) == 3 else ""


def bulk_documents(
    body: bytes, received_at: int, zone: tzinfo, max_line_bytes: int, index: str = ""
) -> Iterator[Piece]:
    """Actions and documents in turn, each on a line; see :class:`ppl.sources.kinds.Read`."""
    objects = ObjectReader(received_at, zone, max_line_bytes)
    return _Bulk(body, objects, index, Copies.of_body(len(body))).read()


def _bulk_at(head: UploadHead) -> Read:
    index = _index_of(head)

    def read(body: bytes, received_at: int, zone: tzinfo, max_line_bytes: int) -> Iterator[Piece]:
        return bulk_documents(body, received_at, zone, max_line_bytes, index)

    return read


def one_document(
    body: bytes, received_at: int, zone: tzinfo, max_line_bytes: int, index: str = "", name: str = ""
) -> Iterator[Piece]:
    """A body that is one document; see :class:`ppl.sources.kinds.Read`."""
    if not body.strip():
        raise BodyUnreadable(_NO_BODY)
    row = _event(body, ObjectReader(received_at, zone, max_line_bytes))
    if row is not None:
        pieces = RowPieces()
        yield from pieces.add(_with_members(row, _members(index, name)), len(body), _key(_identity(index, name), body))
        yield from pieces.rest()


def _document_at(head: UploadHead) -> Read:
    return partial(one_document, index=_index_of(head), name=_name_of(head))


def typed_document(
    body: bytes, received_at: int, zone: tzinfo, max_line_bytes: int, index: str = ""
) -> Iterator[Piece]:
    """A body that is one object; see :class:`ppl.sources.kinds.Read`. Anything else is not for Elasticsearch."""
    if not (body.lstrip().startswith(b"{") and body.rstrip().endswith(b"}")):
        raise BodyUnreadable(_NO_OBJECT)
    return one_document(body, received_at, zone, max_line_bytes, index)


def _typed_at(head: UploadHead) -> Read:
    return partial(typed_document, index=_index_of(head))


def _reply(content: Any, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> KindReply:
    return KindReply(status, json.dumps(content).encode("ascii"), (*headers, *_JSON))


def _answers(head: UploadHead, taken: Taken) -> KindReply:
    """An answer for each document."""
    start = b'{"took":0,"errors":%b,"items":[' % (b"true" if taken.refused else b"false")
    return KindReply(200, b"".join((start, b",".join(taken.items), b"]}")), _JSON)


def _made(head: UploadHead, taken: Taken) -> KindReply:
    """The answer to a single document."""
    made = {
        "_index": _index_of(head), "_id": _name_of(head) or uuid4().hex, "_version": 1, "result": "created",
        "_shards": _SHARDS, "_seq_no": 0, "_primary_term": 1,
    }  # fmt: skip
    return _reply(made, 201)


#: Status of a refusal → the type that Elasticsearch's have.
_TYPES = {401: "security_exception", 403: "security_exception", 404: "security_exception"}


def _refused(head: UploadHead, why: NotTaken) -> KindReply:
    """The error as Elasticsearch says it; no answer at all to what is to be sent again."""
    if why.status in (429, 503):
        return KindReply(why.status, hangs_up=True)
    error = {"type": _TYPES.get(why.status, "illegal_argument_exception"), "reason": why.message}
    return _reply({"error": {"root_cause": [error], **error}, "status": why.status}, why.status, why.headers)


def _probes() -> Iterator[Probe]:
    version = {
        "number": _VERSION, "build_flavor": "default", "build_type": "docker", "build_snapshot": False,
        "lucene_version": "10.0.0", "minimum_wire_compatibility_version": "8.19.0",
        "minimum_index_compatibility_version": "8.0.0",
    }  # fmt: skip
    about = {"name": "ppl", "cluster_name": "ppl", "cluster_uuid": "ppl", "version": version}
    health = {
        "cluster_name": "ppl", "status": "green", "timed_out": False, "number_of_nodes": 1, "number_of_data_nodes": 1,
        "active_primary_shards": 1, "active_shards": 1, "relocating_shards": 0, "initializing_shards": 0,
        "unassigned_shards": 0, "delayed_unassigned_shards": 0, "number_of_pending_tasks": 0,
        "number_of_in_flight_fetch": 0, "task_max_waiting_in_queue_millis": 0, "active_shards_percent_as_number": 100.0,
    }  # fmt: skip
    licence = {"license": {"status": "active", "uid": "ppl", "type": "basic", "mode": "basic"}}
    there = ("GET", "HEAD")
    yield from _asked(there, ("/",), _reply({**about, "tagline": "You Know, for Search"}), only_below=True)
    yield from _asked(there, ("/_cluster/health",), _reply(health))
    yield from _asked(there, ("/_cat/health",), KindReply(200, b"- - ppl green 1 1 1 1 0 0 0 0 0 - 100.0%\n", _TEXT))
    yield from _asked(("GET",), ("/_license",), _reply(licence))
    yield from _asked(("GET",), ("/_xpack",), _reply({**licence, "features": {}}))
    # What a client sets up for its indices is taken to be there already.
    addresses: tuple[str, ...]
    for addresses, found in (
        (("/_index_template/<name>",), {"index_templates": []}),
        (("/_component_template/<name>",), {"component_templates": []}),
        (("/_template/<name>", "/_ilm/policy/<name>", "/_ingest/pipeline/<name>"), {}),
        (("/_data_stream/<name>",), {"data_streams": []}),
    ):
        yield from _asked(there, addresses, _reply(found))
        yield from _asked(("PUT",), addresses, _reply(_DONE))
    for addresses, reply in (
        (("/_cluster/health/<name>",), _reply(health)),
        (("/_xpack/license",), _reply(licence)),
        (("/_ilm/status",), _reply({"operation_mode": "RUNNING"})),
        (("/_ilm/policy", "/_ingest/pipeline", "/<name>/_alias", "/<index>"), _reply({})),
        # These are texts, in which clients look for a name in vain.
        (("/_cat/templates", "/_cat/templates/<name>", "/_cat/indices", "/_cat/indices/<name>"), _NO_TEXT),
        (_OF_INDICES, _reply({})),
    ):
        yield from _asked(there, addresses, reply, only_below=True)
    for addresses in (("/_index_template/<name>", "/_template/<name>"), _OF_INDICES, ("/_aliases",)):
        yield from _asked(("POST",), addresses, _reply(_DONE), only_below=True)
    yield from _asked(("PUT",), _OF_INDICES, _reply(_DONE), only_below=True)
    yield from _asked(("PUT",), ("/<index>",), _reply({**_DONE, "shards_acknowledged": True}), only_below=True)
    refreshed = ("/_refresh", "/<name>/_refresh", "/<name>/_flush")
    yield from _asked(("POST",), refreshed, _reply({"_shards": _SHARDS}), only_below=True)


def _asked(
    methods: tuple[str, ...], addresses: tuple[str, ...], reply: KindReply, only_below: bool = False
) -> Iterator[Probe]:
    for method in methods:
        yield Probe(method, addresses, reply, needs_token=True, only_below=only_below)


ELASTICSEARCH_BULK = BodyKind(
    "Elasticsearch's bulk API",
    (),
    bulk_documents,
    read_at=_bulk_at,
    addresses=("/_bulk", "/<name>/_bulk"),
    tokens=(TokenIn.API_KEY, TokenIn.BASIC, TokenIn.BEARER),
    methods=("POST", "PUT"),
    probes=tuple(_probes()),
    accepted=_answers,
    refused=_refused,
    has_charset=False,
    # Clients give up after 10 seconds.
    patience=7.0,
)
ELASTICSEARCH_DOCUMENT = attrs.evolve(
    ELASTICSEARCH_BULK,
    name="a document of Elasticsearch",
    keys_of=ELASTICSEARCH_BULK.name,
    addresses=("/<name>/_doc", "/<name>/_doc/<id>", "/<name>/_create/<id>"),
    read=one_document,
    read_at=_document_at,
    probes=(),
    accepted=_made,
)
# Addresses from before Elasticsearch 8, which rsyslog uses unless told otherwise. They could be anybody's.
ELASTICSEARCH_TYPED = attrs.evolve(
    ELASTICSEARCH_DOCUMENT,
    name="a document of Elasticsearch with a type",
    addresses=("/<index>/<type>",),
    only_below=True,
    read=typed_document,
    read_at=_typed_at,
    methods=("POST",),
)
ELASTICSEARCH_TYPED_BULK = attrs.evolve(
    ELASTICSEARCH_BULK,
    name="Elasticsearch's bulk API with a type",
    keys_of=ELASTICSEARCH_BULK.name,
    addresses=("/<index>/<type>/_bulk",),
    only_below=True,
    probes=(),
)
