"""GELF, Graylog's format, over HTTP: an object in a body, or several.

Clients do not read the answer, and close the connection before it comes. Some say ``gzip`` and send zlib's format: the
first bytes tell how a body is compressed. :mod:`ppl.sources.gelf_datagrams` has GELF over UDP, and
:mod:`ppl.sources.gelf_fields` what becomes of an object.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from datetime import tzinfo

from ppl.sources.bodies import PIECE_BYTES, PIECE_LINES, BodyTooLarge, BodyUnreadable
from ppl.sources.gelf_fields import GelfReader
from ppl.sources.json_lines import object_pieces
from ppl.sources.kinds import BodyKind, KindReply, Piece, Taken, TokenIn, UploadHead
from ppl.sources.line import BOM

#: Bytes that a compressed body may hold: a few milliseconds of work.
_MOST_UNPACKED = 2_000_000


def gelf_objects(body: bytes, received_at: int, zone: tzinfo, max_line_bytes: int) -> Iterator[Piece]:
    """An object, or several one after another or in an array; see :class:`ppl.sources.kinds.Read`."""
    # syslog-ng ends each with NUL, as over TCP.
    text = body.decode("utf-8", "replace").removeprefix(BOM).rstrip("\0").replace("\0", "\n")
    reader = GelfReader(received_at, zone, max_line_bytes)
    for lines, size in object_pieces(text, reader, PIECE_BYTES, PIECE_LINES):
        yield Piece(lines, size)


def is_zipped(data: bytes) -> bool:
    """Whether ``data`` begins as gzip or as zlib's format does."""
    return data.startswith(b"\x1f\x8b") or (
        len(data) > 1 and data[0] & 0x8F == zlib.DEFLATED and int.from_bytes(data[:2]) % 31 == 0
    )


def _unpacked(body: bytes, most: int) -> bytes:
    """The content of a body that may be compressed.

    Raises:
        BodyTooLarge: it is more than compressed bodies may hold.
        BodyUnreadable: it breaks off, or is not compressed as it seems.
    """
    if not is_zipped(body):
        return body
    most = min(most, _MOST_UNPACKED)
    unzip = zlib.decompressobj(32 + zlib.MAX_WBITS)
    try:
        text = unzip.decompress(body, most + 1)
    except zlib.error as error:
        raise BodyUnreadable("The body begins as a compressed one and cannot be unpacked.") from error
    if len(text) > most:
        raise BodyTooLarge(f"A compressed body may hold at most {most:,} bytes.")
    if not unzip.eof:
        raise BodyUnreadable("The compressed body is cut off.")
    return text


def _accepted(head: UploadHead, taken: Taken) -> KindReply:
    return KindReply(202)


GELF = BodyKind(
    "GELF",
    (),
    gelf_objects,
    addresses=("/gelf",),
    tokens=(TokenIn.BEARER, TokenIn.BASIC),
    accepted=_accepted,
    has_charset=False,
    unpack=_unpacked,
    encodings=("gzip", "deflate"),
    # Nobody sends again what was refused.
    patience=10.0,
    leaves_early=True,
)
