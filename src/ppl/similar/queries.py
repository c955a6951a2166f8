"""The query that finds the lines of a shape: a regular expression over the whole message.

It matches every line of the shape. It may match others too: lines with a word where the shape has a placeholder.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import accumulate

from ppl.search.regex.charset import SEPARATOR
from ppl.similar.shapes import CUT, LIST, MOST_BYTES, VARIES, readable

#: Expressions for varying text without blanks, and for varying text of any kind.
_WORD, _ANY = "[^ ]*", ".*"

#: Blanks at the end of a message are not part of its shape.
_END = r"\s*$"

#: Stays below the limit of the query language: 500 characters and sets of characters in an expression.
_MOST_CHARACTERS = 490

_PART = re.compile(rb"""("|')?( ?)([%b])""" % (VARIES + LIST + CUT))


def grouping_query(shape: bytes) -> str | None:
    """A query in the language of ``docs/search.rst``; ``None`` if the shape has no text to search for."""
    if not shape:
        return 'message:=""'
    if SEPARATOR.encode() in shape:
        return None
    is_whole = len(shape) < MOST_BYTES and not shape.endswith(CUT)
    parts: list[str] = []
    fixed = end = 0
    for found in _PART.finditer(shape):
        before = readable(shape[end : found.start()]) + (found[1] or b"").decode()
        fixed += len(before.strip())
        parts += _escaped(before)
        is_word = found[3] == VARIES and not found[1]
        # Blanks that pad a number are not part of the shape.
        parts.append(
            f"{' +' if found[2] else ' *' if is_word and not found.start() else ''}{_WORD if is_word else _ANY}"
        )
        end = found.end()
    rest = readable(shape[end:])
    fixed += len(rest.strip())
    if not fixed:
        return None
    parts += _escaped(rest)
    ends = list(accumulate(map(len, parts)))
    taken = bisect_right(ends, _MOST_CHARACTERS)
    return f"message:/^{''.join(parts[:taken])}{_END if is_whole and taken == len(parts) else ''}/"


def _escaped(text: str) -> list[str]:
    return [_character(each) for each in text]


def _character(each: str) -> str:
    if each == "\n":
        return r"\n"
    if each == "\t":
        return r"\t"
    if not each.isprintable():
        return "."
    return f"\\{each}" if each.isascii() and not each.isalnum() and each not in " \"'_,;:=<>@#%&~`!-" else each
