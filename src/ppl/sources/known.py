"""The supported protocols: ways of sending over a connection, and kinds of bodies that are uploaded.

A new one is a module of this package and an entry here: the receiver and the drain ask these tables, and know no
protocol by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import tzinfo
from functools import lru_cache

import attrs

from ppl.sources.addresses import Addresses
from ppl.sources.bodies import json_body, line_body, logplex_body, plain_body
from ppl.sources.elasticsearch import (
    ELASTICSEARCH_BULK,
    ELASTICSEARCH_DOCUMENT,
    ELASTICSEARCH_TYPED,
    ELASTICSEARCH_TYPED_BULK,
)
from ppl.sources.firehose import FIREHOSE
from ppl.sources.gelf import GELF
from ppl.sources.hec import HEC_ACKS, HEC_EVENTS, HEC_RAW
from ppl.sources.journal import JOURNAL
from ppl.sources.kinds import BodyKind, Piece, Probe, Read
from ppl.sources.loki import LOKI_ANY, LOKI_JSON, LOKI_PROTOBUF
from ppl.sources.otlp import OTLP_ANY, OTLP_JSON, OTLP_PROTOBUF, otlp_json
from ppl.sources.relp import MAY_OPEN, OPENING
from ppl.sources.streams import LineStream, RelpStream, Stream, StreamConnection


@attrs.frozen
class StreamKind:
    """A way of sending over a connection.

    Attributes:
        name: for people.
        begins: whether the first bytes of a connection (not empty) begin this kind; ``None``: more are needed.
        make: makes a stream from a connection and the most bytes of a line.
        answers: whether Ppl writes to the sender.
    """

    name: str
    begins: Callable[[bytes], bool | None]
    make: Callable[[StreamConnection, int], Stream]
    answers: bool = False


def _begins_relp(start: bytes) -> bool | None:
    """Whether ``start`` is the beginning of RELP's ``open`` (relp.md)."""
    if OPENING.match(start):
        return True
    return None if MAY_OPEN.fullmatch(start) else False


RELP = StreamKind("RELP", _begins_relp, RelpStream, answers=True)
LINES = StreamKind("syslog lines", lambda start: True, LineStream)

#: The kinds in the order in which they are asked; the last takes everything that the others do not.
STREAMS = (RELP, LINES)


def stream_kind(start: bytes) -> StreamKind | None:
    """The kind that ``start``, the first bytes of a connection (not empty), begins; ``None``: more are needed."""
    for kind in STREAMS:
        begins = kind.begins(start)
        if begins is not False:
            return kind if begins else None
    raise AssertionError("the last kind takes everything")


#: Seconds for which uploads to a token's own address may wait: programs of many kinds send there.
_PATIENCE = 5.0

_OTLP = re.compile(rb'[\s\xef\xbb\xbf]{0,20}\{\s{0,20}"resource_?[lL]ogs"\s{0,20}:')


def _json_or(read: Read) -> Read:
    """``read``, but for a request of OpenTelemetry: its exporters are given a token's own address as a whole one."""

    def read_either(body: bytes, received_at: int, zone: tzinfo, max_line_bytes: int) -> Iterator[Piece]:
        reads = otlp_json if _OTLP.match(body) else read
        return reads(body, received_at, zone, max_line_bytes)

    return read_either


#: The kinds that come to a token's own address.
BODIES = (
    BodyKind("lines", ("text/plain",), line_body, patience=_PATIENCE),
    # curl --data sends the last content type unless told otherwise.
    BodyKind(
        "lines or JSON",
        ("", "application/octet-stream", "binary/octet-stream", "application/x-www-form-urlencoded"),
        _json_or(plain_body),
        patience=_PATIENCE,
    ),
    BodyKind(
        "logplex frames",
        ("application/logplex-1",),
        logplex_body,
        id_header="logplex-frame-id",
        count_header="logplex-msg-count",
        has_charset=False,
        patience=_PATIENCE,
    ),
    FIREHOSE,
    OTLP_PROTOBUF,
    BodyKind(
        "JSON",
        tuple(
            f"{above}/{prefix}{name}"
            for above in ("application", "text")
            for prefix in ("", "x-")
            for name in ("json", "ndjson", "jsonl", "jsonlines", "json-lines", "json-stream", "json-seq")
        ),
        _json_or(json_body),
        patience=_PATIENCE,
    ),
)

_LINES_KIND, *_, _JSON_KIND = BODIES

#: The kinds with addresses of their own. Of several at one address, the last takes what names no type of the others.
ADDRESSED: tuple[BodyKind, ...] = (
    LOKI_JSON,
    LOKI_PROTOBUF,
    LOKI_ANY,
    HEC_EVENTS,
    HEC_RAW,
    OTLP_JSON,
    OTLP_PROTOBUF,
    OTLP_ANY,
    ELASTICSEARCH_BULK,
    ELASTICSEARCH_DOCUMENT,
    ELASTICSEARCH_TYPED,
    ELASTICSEARCH_TYPED_BULK,
    JOURNAL,
    FIREHOSE,
    GELF,
    HEC_ACKS,
)

_SLASHES = re.compile("//+")


def _tidied(address: str) -> str:
    """``address`` without the slashes that some clients send beside those that part it."""
    return _SLASHES.sub("/", address).rstrip("/") or address[:1]


def _all_addresses() -> Iterator[str]:
    for kind in ADDRESSED:
        yield from kind.addresses
        for probe in kind.probes:
            yield from probe.addresses


_ADDRESSES = Addresses(_all_addresses())


@lru_cache(maxsize=256)
def _named(path: str) -> frozenset[str]:
    """The addresses of protocols that ``path`` is."""
    return frozenset(_ADDRESSES.of(_tidied(path)))


def kinds_at(path: str, method: str = "POST", is_below: bool = False) -> tuple[BodyKind, ...]:
    """The kinds that come to a path; empty if there are none.

    Args:
        path: without the token's address before it.
        method: of the request; it matters where only a token tells that a path is no other.
        is_below: whether the path begins with a token's address, or a header is surely for uploads.
    """
    named = _named(path)
    return _kinds_of(named, method, is_below) if named else ()


@lru_cache(maxsize=256)
def _kinds_of(named: frozenset[str], method: str, is_below: bool) -> tuple[BodyKind, ...]:
    return tuple(
        kind
        for kind in ADDRESSED
        if ((is_below or not kind.only_below) and not named.isdisjoint(kind.addresses))
        or _is_probed(kind, method, named, is_below)
    )


def _is_probed(kind: BodyKind, method: str, named: frozenset[str], is_below: bool) -> bool:
    return any(
        not named.isdisjoint(probe.addresses)
        for probe in kind.probes
        if not probe.only_below or (is_below and probe.method == method)
    )


def probe_at(kinds: Iterable[BodyKind], method: str, address: str) -> Probe | None:
    """The probe of one of ``kinds`` that a request to a path is; ``None`` if it is none."""
    named = _named(address)
    if not named:
        return None
    for kind in kinds:
        for probe in kind.probes:
            if probe.method == method and not named.isdisjoint(probe.addresses):
                return probe
    return None


def upload_methods(kinds: Iterable[BodyKind], address: str) -> tuple[str, ...]:
    """The methods that upload to an address of ``kinds``; ``""`` is a token's own."""
    named, is_own = _named(address), not address
    return tuple(
        sorted({method for kind in kinds if is_own or not named.isdisjoint(kind.addresses) for method in kind.methods})
    )


def allowed_methods(kinds: Iterable[BodyKind], address: str) -> tuple[str, ...]:
    """All methods that an address of ``kinds`` knows."""
    kinds = tuple(kinds)
    methods = set(upload_methods(kinds, address))
    named = _named(address)
    probes = {probe.method for kind in kinds for probe in kind.probes if not named.isdisjoint(probe.addresses)}
    return tuple(sorted(methods | probes))


def body_kind(content_type: str, kinds: Sequence[BodyKind] = BODIES) -> BodyKind | None:
    """The one of ``kinds``, those of an address, that a ``Content-Type`` names; ``None`` if it is not supported."""
    # A header that was sent twice comes with a comma.
    name = re.split("[;,]", content_type, maxsplit=1)[0].strip().lower()
    kind = next((kind for kind in kinds if name in kind.content_types), None)
    if kinds is not BODIES:
        return kind or kinds[-1]
    if kind is None and name.startswith("application/") and name.endswith("+json"):
        return _JSON_KIND
    if kind is None and name.startswith("text/"):
        return _LINES_KIND
    return kind


def upload_kind(header: Callable[[str], str], kinds: Sequence[BodyKind]) -> BodyKind | None:
    """The one of ``kinds``, those of an address, that the headers of a request name; ``None`` if it is not supported.

    Args:
        header: gives a header by its name.
    """
    marked = next((kind for kind in kinds if kind.mark and header(kind.mark)), None)
    return marked or body_kind(header("content-type"), kinds)
