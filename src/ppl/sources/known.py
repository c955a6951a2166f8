"""What can come in: the ways of sending over a connection, and the kinds of bodies that are uploaded.

A further one is a module of this room and an entry here: the receiver and the drain ask these tables, and know no
protocol by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import tzinfo
from typing import Protocol

import attrs

from ppl.sources.bodies import Piece, json_body, line_body, logplex_body
from ppl.sources.relp import MAY_OPEN, OPENING
from ppl.sources.streams import LineStream, RelpStream, Stream, StreamConnection


@attrs.frozen
class StreamKind:
    """A way of sending over a connection.

    Attributes:
        name: for people.
        begins: whether a connection whose first bytes (not empty) are these speaks it; ``None``: more must come.
        make: a stream for a connection, with the most bytes of a line.
        answers: whether it writes to its sender.
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

#: In the order in which they are asked; the last takes whatever begins no other.
STREAMS = (RELP, LINES)


def stream_kind(start: bytes) -> StreamKind | None:
    """What ``start`` (not empty), the first bytes of a connection, begins; ``None``: more must come to tell."""
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
            zone: of timestamps that name none.
            max_line_bytes: longer lines are cut and marked.
        """


@attrs.frozen
class BodyKind:
    """A kind of uploaded bodies.

    Attributes:
        name: for people.
        content_types: by which it is told, in lower case; ``""``: an upload that names none.
        read: its lines.
        id_header: the header that names a body which its sender may send twice, ``""``: there is none.
        count_header: the header that tells how many messages it holds, ``""``: there is none.
    """

    name: str
    content_types: tuple[str, ...]
    read: Read
    id_header: str = ""
    count_header: str = ""


BODIES = (
    # The last is what curl says of --data unless told otherwise.
    BodyKind("lines", ("", "text/plain", "application/x-www-form-urlencoded"), line_body),
    BodyKind("logplex frames", ("application/logplex-1",), logplex_body, "logplex-frame-id", "logplex-msg-count"),
    BodyKind(
        "JSON",
        tuple(
            f"application/{name}" for name in ("json", "x-ndjson", "ndjson", "jsonl", "x-json-stream", "stream+json")
        ),
        json_body,
    ),
)

_BODIES = {content_type: kind for kind in BODIES for content_type in kind.content_types}


def body_kind(content_type: str) -> BodyKind | None:
    """What a ``Content-Type`` names; ``None`` for what is not read."""
    return _BODIES.get(content_type.partition(";")[0].strip().lower())
