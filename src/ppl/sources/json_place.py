"""Shows the text of a JSON object without what is in the objects and arrays within it."""

from __future__ import annotations

import re

_PART = re.compile(r'"(?:[^"\\]|\\.)*+"?|[{}\[\]]', re.DOTALL)


def has_inner(text: str, end: int) -> bool:
    """Whether an object or an array begins before ``end`` within the object that ``text`` begins with."""
    return text.find("{", 1, end) >= 0 or text.find("[", 1, end) >= 0


def outer_of(text: str) -> str:
    """``text``, the beginning of an object, with blanks in place of what inner objects and arrays hold."""
    pieces, kept, inner, depth = [], 0, 0, 0
    for found in _PART.finditer(text, 1):
        part = found[0]
        if part in ("{", "["):
            if not depth:
                inner = found.end()
                pieces.append(text[kept:inner])
            depth += 1
        elif part in ("}", "]"):
            if not depth:
                break
            depth -= 1
            if not depth:
                kept = found.start()
                pieces.append(" " * (kept - inner))
    pieces.append(" " * (len(text) - inner) if depth else text[kept:])
    return "".join(pieces)
