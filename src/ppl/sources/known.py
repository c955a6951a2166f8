"""The supported protocols: ways of sending over a connection, and kinds of bodies that are uploaded.

A new one is a module of this package and an entry here: the receiver and the drain ask these tables, and know no
protocol by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import tzinfo
from typing import Protocol

import attrs

from ppl.sources.bodies import Piece, json_body, line_body, logplex_body, plain_body
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


class Read(Protocol):
    """Reads a whole body, piece by piece, in order."""

    def __call__(self, body: bytes, received_at: int, zone: tzinfo, max_line_bytes: int) -> Iterator[Piece]:
        """The lines of ``body``.

        Args:
            body: as uploaded, unzipped.
            received_at: µs of receipt.
            zone: time zone of timestamps that name none.
            max_line_bytes: longer lines are cut and marked.
        """


@attrs.frozen
class BodyKind:
    """A kind of uploaded body.

    Attributes:
        name: for people.
        content_types: the content types of this kind, in lower case; ``""``: an upload names none.
        read: reads the lines of a body.
        id_header: the header with the id of a body that may be sent twice; ``""``: there is none.
        count_header: the header with the number of messages of a body; ``""``: there is none.
        has_charset: whether the content type may declare a character set; if not, the body is read as it is.
    """

    name: str
    content_types: tuple[str, ...]
    read: Read
    id_header: str = ""
    count_header: str = ""
    has_charset: bool = True


BODIES = (
    BodyKind("lines", ("text/plain",), line_body),
    # curl --data sends the last content type unless told otherwise.
    BodyKind(
        "lines or JSON",
        ("", "application/octet-stream", "binary/octet-stream", "application/x-www-form-urlencoded"),
        plain_body,
    ),
    BodyKind(
        "logplex frames",
        ("application/logplex-1",),
        logplex_body,
        "logplex-frame-id",
        "logplex-msg-count",
        has_charset=False,
    ),
    BodyKind(
        "JSON",
        tuple(
            f"{above}/{prefix}{name}"
            for above in ("application", "text")
            for prefix in ("", "x-")
            for name in ("json", "ndjson", "jsonl", "jsonlines", "json-lines", "json-stream", "json-seq")
        ),
        json_body,
    ),
)

_BODIES = {content_type: kind for kind in BODIES for content_type in kind.content_types}
_LINES_KIND, *_, _JSON_KIND = BODIES


def body_kind(content_type: str) -> BodyKind | None:
    """The kind that a ``Content-Type`` names; ``None`` if it is not supported."""
    # A header that was sent twice comes with a comma.
    name = re.split("[;,]", content_type, maxsplit=1)[0].strip().lower()
    kind = _BODIES.get(name)
    if kind is None and name.startswith("application/") and name.endswith("+json"):
        return _JSON_KIND
    if kind is None and name.startswith("text/"):
        return _LINES_KIND
    return kind
