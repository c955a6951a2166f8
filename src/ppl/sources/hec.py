"""Splunk's HTTP Event Collector: events in envelopes of JSON, one after another, or raw lines.

Docker's log driver checks the address with ``OPTIONS`` before a container starts, and takes nothing but 200 for
success. Clients with a channel ask later whether an upload is stored; as answers come after the commit, everything that
was answered is. https://help.splunk.com has the format of the events and the codes of the answers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import tzinfo
from typing import Any
from urllib.parse import parse_qs

import attrs

from ppl.model import Row, row_of
from ppl.sources.bodies import PIECE_BYTES, PIECE_LINES, decoded, plain_body
from ppl.sources.json_fields import ObjectReader, json_text, message_text, stored_text
from ppl.sources.json_lines import WINDOW, begins_with_object, object_pieces
from ppl.sources.kinds import BodyKind, KindReply, NotTaken, Piece, Probe, Read, Taken, TokenIn, UploadHead
from ppl.sources.levels import level_of
from ppl.sources.line import BOM
from ppl.sources.records import told_apart

_JSON = (("Content-Type", "application/json"),)

#: Code of a refusal → Splunk's status, text and code; the others keep their status and their sentence.
_ANSWERS = {
    "no_token": (401, "Token is required", 2),
    "wrong_token": (403, "Invalid token", 4),
    "unknown_token": (403, "Invalid token", 4),
    "too_many_requests": (503, "Server is busy", 9),
    "over_quota": (503, "Server is busy", 9),
    "unavailable": (503, "Server is busy", 9),
    "internal_error": (500, "Internal server error", 8),
}
_INVALID_DATA = 6

_LONGEST_CHANNEL = 200
#: Bytes of a question for acknowledgements: some ten thousand of them.
_LONGEST_QUESTION = 65_536


@attrs.frozen
class EnvelopeReader(ObjectReader):
    """Reads envelopes: ``{"time", "host", "source", "sourcetype", "index", "event", "fields"}``."""

    def row(self, value: dict[str, Any], text: str) -> Row | None:
        """The event in an envelope; any other object as :class:`~ppl.sources.json_fields.ObjectReader` has it."""
        if "event" not in value:
            return super().row(value, text)
        event, fields = value["event"], value.get("fields")
        if (event is None or event == "") and not fields:
            return None
        envelope = {key: each for key, each in value.items() if key != "event"}
        if isinstance(fields, dict):
            del envelope["fields"]
        taken = self._taken(envelope)
        inner, rest = self._inner(event, taken)
        # What is said of the event by several stays where it was said, but for the first of them.
        without = {"message", "created_at", *taken, *inner}
        named, more = self.fields(fields, without) if isinstance(fields, dict) else ({}, {})
        found = {**named, **inner, **taken}
        # The event's own program says more than where Splunk says that it came from.
        if "file_name" not in found and self.name(envelope.get("source")):
            found["file_name"] = self.name(envelope.pop("source"))
        if found.get("severity") is None:
            found["severity"] = level_of(found["message"])
        rest = _joined(envelope, rest, more)
        if rest:
            found["structured_data"] = stored_text(json_text(rest), self.most)
        return row_of(found)

    def _inner(self, event: Any, taken: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The fields of what is in an envelope, among them a message, and the rest.

        Args:
            event: what is in it.
            taken: the fields that the envelope has; of those, the event keeps in its rest what is not the same.
        """
        if not isinstance(event, dict):
            text = "" if event is None else event if isinstance(event, str) else json_text(event)
            return {"message": message_text(text, self.most)}, {}
        found, rest = self.fields(event)
        others = {field for field, each in taken.items() if found.get(field, each) != each}
        if others:
            found, rest = self.fields(event, others)
        inner = event.get("message")
        if "message" not in found and isinstance(inner, dict):
            # bunyan's and winston's clients: a whole record, beside its severity. Time and host are the envelope's.
            named, more = self.fields(inner, {"created_at", "hostname", *found})
            if "message" in named:
                del rest["message"]
                return {**found, **named}, {
                    **rest,
                    **told_apart(more, "message.{}".format, rest.keys(), {*rest, *more}),
                }
        if "message" not in found and "line" in event:
            # Docker's driver: the line, which may be an object itself, with the container's tag.
            line = rest.pop("line", event["line"])
            found["message"] = message_text(line if isinstance(line, str) else json_text(line), self.most)
        if "message" not in found:
            return {**found, "message": stored_text(json_text(event), self.most)}, {}
        if "file_name" not in found and self.name(rest.get("tag")):
            found["file_name"] = self.name(rest.pop("tag"))
        return found, rest

    def _taken(self, envelope: dict[str, Any]) -> dict[str, Any]:
        """The time and the host that an envelope has, which leave it."""
        taken: dict[str, Any] = {}
        for key, field, read in (("time", "created_at", self.moment), ("host", "hostname", self.name)):
            value = read(envelope[key]) if key in envelope else None
            if value is not None:
                taken[field] = value
                del envelope[key]
        return taken


def _joined(envelope: dict[str, Any], rest: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """All of an envelope, of the ``rest`` of its event and of ``more`` fields; equal names are told apart."""
    used = {*envelope, *rest, *more}
    from_event = told_apart(rest, "event.{}".format, envelope.keys(), used)
    from_fields = told_apart(more, "fields.{}".format, {*rest, *envelope}, used)
    return {**from_event, **from_fields, **envelope}


def hec_events(body: bytes, received_at: int, zone: tzinfo, max_line_bytes: int) -> Iterator[Piece]:
    """Envelopes one after another, on lines or in an array; see :class:`ppl.sources.kinds.Read`."""
    text = yield from decoded(body)
    reader = EnvelopeReader(received_at, zone, max_line_bytes)
    for lines, size in object_pieces(text, reader, PIECE_BYTES, PIECE_LINES):
        yield Piece(lines, size)


def hec_raw(body: bytes, received_at: int, zone: tzinfo, max_line_bytes: int) -> Iterator[Piece]:
    """Lines, each an event; some clients send envelopes here too. See :class:`ppl.sources.kinds.Read`."""
    start = body[:WINDOW].decode("utf-8", "replace").removeprefix(BOM)
    is_json = begins_with_object(start, is_cut=len(body) > WINDOW)
    return (hec_events if is_json else plain_body)(body, received_at, zone, max_line_bytes)


def _raw_at(head: UploadHead) -> Read:
    """Reads raw lines, whose host and source may be in the query."""
    query = parse_qs(head.query, errors="replace", max_num_fields=100) if head.query.count("&") < 100 else {}

    def read(body: bytes, received_at: int, zone: tzinfo, max_line_bytes: int) -> Iterator[Piece]:
        names = ObjectReader(received_at, zone, max_line_bytes)
        host, source = (names.name(query.get(each, [""])[0]) or "" for each in ("host", "source"))
        for piece in hec_raw(body, received_at, zone, max_line_bytes):
            lines = attrs.evolve(
                piece.lines,
                hostname=_filled(piece.lines.hostname, host),
                file_name=_filled(piece.lines.file_name, source),
            )
            yield attrs.evolve(piece, lines=lines)

    return read


def _filled(texts: Iterable[str], default: str) -> list[str]:
    return [text or default for text in texts]


def _reply(status: int, text: str, code: int, headers: tuple[tuple[str, str], ...] = ()) -> KindReply:
    return KindReply(status, json.dumps({"text": text, "code": code}).encode("ascii"), (*headers, *_JSON))


def _accepted(head: UploadHead, taken: Taken) -> KindReply:
    if taken.number is None:
        return _reply(200, "Success", 0)
    return KindReply(200, json.dumps({"text": "Success", "code": 0, "ackId": taken.number}).encode("ascii"), _JSON)


def _channel(head: UploadHead) -> str:
    """The channel of a client that asks for acknowledgements, in a header or in the query."""
    named = head.header("x-splunk-request-channel").strip()
    if not named and head.query.count("&") < 100:
        named = parse_qs(head.query, errors="replace").get("channel", [""])[0]
    return named[:_LONGEST_CHANNEL]


def _acks(head: UploadHead, body: bytes, count: int) -> KindReply:
    """``{"acks": {"0": true, …}}`` for ``{"acks": [0, …]}``."""
    if not _channel(head):
        return _reply(400, "Data channel is missing", 10)
    try:
        asked = json.loads(body)["acks"] if len(body) <= _LONGEST_QUESTION else None
    except (ValueError, KeyError, TypeError, RecursionError):
        asked = None
    if not isinstance(asked, list) or not all(type(each) is int for each in asked):
        return _reply(400, "Invalid data format", _INVALID_DATA)
    acks = {str(each): 0 <= each < count for each in asked}
    return KindReply(200, json.dumps({"acks": acks}).encode("ascii"), _JSON)


def _refused(head: UploadHead, why: NotTaken) -> KindReply:
    status, text, code = _ANSWERS.get(why.code, (why.status, why.message, _INVALID_DATA))
    return _reply(status, text, code, why.headers)


_EVENT = ("/services/collector", "/services/collector/event", "/services/collector/event/1.0")
_RAW = ("/services/collector/raw", "/services/collector/raw/1.0")
_HEALTH = ("/services/collector/health", "/services/collector/health/1.0")
_OPTIONS = KindReply(200, b"{}", (("Allow", "OPTIONS, POST"), *_JSON))

HEC_EVENTS = BodyKind(
    "Splunk's HTTP Event Collector",
    (),
    hec_events,
    addresses=_EVENT,
    tokens=(TokenIn.SPLUNK, TokenIn.BASIC, TokenIn.BEARER),
    probes=(Probe("OPTIONS", _EVENT, _OPTIONS), Probe("GET", _HEALTH, _reply(200, "HEC is healthy", 17))),
    accepted=_accepted,
    refused=_refused,
    channel=_channel,
    has_charset=False,
    # Docker waits for 30 seconds.
    patience=20.0,
    # Clients sleep for as long as they are told, also when the quota is then a larger one.
    retry_seconds=60,
)
HEC_RAW = attrs.evolve(
    HEC_EVENTS,
    addresses=_RAW,
    read=hec_raw,
    read_at=_raw_at,
    probes=(Probe("OPTIONS", _RAW, _OPTIONS),),
)
HEC_ACKS = attrs.evolve(
    HEC_EVENTS,
    addresses=("/services/collector/ack", "/services/collector/ack/1.0"),
    ask=_acks,
    probes=(),
)
