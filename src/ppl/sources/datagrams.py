"""Splits a datagram into its messages: one as RFC 5426 wants it, or several by senders that fill datagrams."""

from __future__ import annotations

import json
import re

from ppl.sources.framing import whole_message
from ppl.sources.framing_signs import BYTE_ORDER_MARK, INNER_HEADER, PRI
from ppl.sources.unfinished_line import TRAILERS

#: Most lines that a datagram is split into; what follows stays together, as the last of them.
MOST_LINES_OF_DATAGRAM = 1024

_MESSAGE_BEGINS = re.compile(rb"\n(?=" + PRI.pattern + rb")|(?=" + INNER_HEADER.pattern + rb")")


def datagram_messages(datagram: bytes, max_line_bytes: int) -> list[bytes]:
    """The messages of ``datagram``, in order; none if it is empty.

    A datagram that begins with a PRI is one message, with its line breaks, but for where LF and another PRI stand, or a
    header. Any other is lines, unless it is one JSON object.

    Args:
        datagram: as received; a byte order mark, NUL and line breaks around it are left out.
        max_line_bytes: longer messages are cut and marked.
    """
    text = datagram.removeprefix(BYTE_ORDER_MARK).lstrip(TRAILERS)
    if text.startswith(b"<") and PRI.match(text):
        # Nearly all are whole: another message begins with "<".
        parts = [text] if text.find(b"<", 1) < 0 else _split_at_messages(text)
    elif text.find(b"\n") < 0 or _is_object(text):
        parts = [text]
    else:
        parts = text.split(b"\n", MOST_LINES_OF_DATAGRAM - 1)
    messages = (whole_message(part, max_line_bytes) for part in parts)
    return [message for message in messages if message]


def _split_at_messages(text: bytes) -> list[bytes]:
    parts = []
    start = 0
    for found in _MESSAGE_BEGINS.finditer(text, 1):
        parts.append(text[start : found.start()])
        start = found.end()
        if len(parts) == MOST_LINES_OF_DATAGRAM - 1:
            break
    return [*parts, text[start:]]


def _is_object(text: bytes) -> bool:
    if not text.startswith(b"{") or not text.rstrip(TRAILERS + b" \t").endswith(b"}"):
        return False
    try:
        json.loads(text.rstrip(TRAILERS))
    except (ValueError, RecursionError):
        return False
    return True
