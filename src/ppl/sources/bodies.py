"""Bodies uploaded over HTTP: lines, logplex frames or JSON, without I/O.

:func:`line_body`, :func:`logplex_body` and :func:`json_body` read them in pieces, each a few milliseconds of work.
Nothing is refused for its content. :mod:`ppl.sources.packed` gathers and unpacks them before.
"""

from __future__ import annotations

import json
import re
from codecs import getincrementaldecoder
from collections.abc import Callable, Generator, Iterator
from datetime import tzinfo

from ppl.model import Lines
from ppl.sources.body_errors import BodyTooLarge as BodyTooLarge
from ppl.sources.body_errors import BodyUnreadable as BodyUnreadable
from ppl.sources.framing import Framer, Frames
from ppl.sources.json_lines import WINDOW, begins_with_object, json_pieces
from ppl.sources.kinds import Piece
from ppl.sources.line import BOM
from ppl.sources.message import parse_message

#: Bytes of a piece: a few milliseconds of work.
PIECE_BYTES = 32 * 1024

#: Most lines of a piece.
PIECE_LINES = 1000

#: Bytes that are decoded at once.
_DECODED_BYTES = 256 * 1024

#: What Cloudflare's Logpush sends to see whether an address takes uploads.
_PROBE = {"content": "tests"}

# The header up to MSGID (RFC 5424 section 6); Heroku leaves out STRUCTURED-DATA after it, without a "-" in its place.
_LOGPLEX_HEADER = re.compile(rb"(<[0-9]{1,3}>1(?: [^ \n]+){5})(?: (?:\xef\xbb\xbf)?|\Z)")


def decoded(body: bytes) -> Generator[Piece, None, str]:
    """The text of ``body`` without a byte order mark; gives pieces without lines, so that others get their turn."""
    decoder = getincrementaldecoder("utf-8")("replace")
    parts = []
    for start in range(0, len(body), _DECODED_BYTES):
        if start:
            yield Piece(Lines.of_rows(()), 0)
        parts.append(decoder.decode(body[start : start + _DECODED_BYTES]))
    return "".join([*parts, decoder.decode(b"", True)]).removeprefix(BOM)


def json_body(body: bytes, received_at: int, zone: tzinfo, max_line_bytes: int) -> Iterator[Piece]:
    """JSON objects, one on each line or in an array; see :class:`ppl.sources.kinds.Read`."""
    text = yield from decoded(body)
    if _is_probe(text):
        return
    for lines, size in json_pieces(text, received_at, zone, max_line_bytes, PIECE_BYTES, PIECE_LINES):
        yield Piece(lines, size)


def _is_probe(text: str) -> bool:
    if len(text) > 100:
        return False
    try:
        return bool(json.loads(text) == _PROBE)
    except (ValueError, RecursionError):
        return False


def plain_body(body: bytes, received_at: int, zone: tzinfo, max_line_bytes: int) -> Iterator[Piece]:
    """JSON objects or lines, whichever ``body`` begins with; see :class:`ppl.sources.kinds.Read`.

    For senders that do not say what they send, or say only that it is bytes.
    """
    start = body[:WINDOW].decode("utf-8", "replace").removeprefix(BOM)
    read = json_body if begins_with_object(start, is_cut=len(body) > WINDOW) else line_body
    yield from read(body, received_at, zone, max_line_bytes)


def line_body(body: bytes, received_at: int, zone: tzinfo, max_line_bytes: int) -> Iterator[Piece]:
    """Lines that end with LF, never counted ones; see :class:`ppl.sources.kinds.Read`."""
    if not body.endswith(b"\n"):
        body += b"\n"  # so that the last line comes with those before it
    # A first line such as "3 <b>errors</b>" is text. A connection would take its number for an octet count.
    yield from _framed(body, Framer(max_line_bytes, PIECE_LINES, counted=False), _as_it_is, received_at, zone)


def logplex_body(body: bytes, received_at: int, zone: tzinfo, max_line_bytes: int) -> Iterator[Piece]:
    """Counted messages as Heroku's logplex writes them; see :class:`ppl.sources.kinds.Read`."""
    framer = Framer(max_line_bytes, PIECE_LINES, counted=True)
    yield from _framed(body, framer, _with_structured_data, received_at, zone)


def _framed(
    body: bytes, framer: Framer, mended: Callable[[Frames], Frames], received_at: int, zone: tzinfo
) -> Iterator[Piece]:
    for start in range(0, len(body), PIECE_BYTES):
        data = body[start : start + PIECE_BYTES]
        yield Piece(parse_message(mended(framer.feed(data)), received_at, zone), len(data))
        while framer.has_more:
            yield Piece(parse_message(mended(framer.feed(b"")), received_at, zone), 0)
    rest = parse_message(mended(framer.finish()), received_at, zone)
    if rest:
        yield Piece(rest, 0)


def _as_it_is(frames: Frames) -> Frames:
    return frames


def _with_structured_data(frames: Frames) -> Frames:
    """Insert the ``-`` that Heroku leaves out, and RFC 5424's mark of where the text begins (section 6.4).

    Without them, ``[a b="c"] d`` would be read as structured data, and ``- d`` as the end of a header.
    """
    return Frames(
        messages=tuple(_LOGPLEX_HEADER.sub(b"\\1 - \xef\xbb\xbf", message, count=1) for message in frames.messages)
    )
