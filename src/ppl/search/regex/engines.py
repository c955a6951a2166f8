"""A parsed regular expression in each engine's syntax: PostgreSQL's advanced regular expressions, and RE2."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import re2

from ppl.search.errors import BadValue
from ppl.search.regex.charset import CharSet
from ppl.search.regex.pattern import Chars, Choice, Edge, Part, Pattern, Repeat

_MEMORY = 8 << 20


def for_postgresql(pattern: Pattern) -> str:
    """``pattern`` in PostgreSQL's syntax, for folded text."""
    return _written(pattern.root, lambda code: f"\\U{code:08x}")


@lru_cache(maxsize=256)
def for_re2(pattern: Pattern) -> Callable[[bytes], bool]:
    """A function that tells whether folded text, given as UTF-8, contains ``pattern``.

    Raises:
        BadValue: ``pattern`` needs more memory than RE2 may use.
    """
    options = re2.Options()
    options.dot_nl = True
    options.never_capture = True
    options.log_errors = False
    options.max_mem = _MEMORY
    try:
        search = re2.compile(_written(pattern.root, lambda code: f"\\x{{{code:x}}}"), options).search
    except re2.error as error:
        raise BadValue("a simpler regular expression: this one needs too much memory") from error
    return lambda text: search(text) is not None


def _written(part: Part, escape: Callable[[int], str]) -> str:
    if isinstance(part, Chars):
        return _set(part.chars, escape)
    if isinstance(part, Edge):
        return part.mark
    if isinstance(part, Repeat):
        return f"(?:{_written(part.part, escape)}){_bounds(part)}"
    inner = [_written(each, escape) for each in part.parts]
    return f"(?:{'|'.join(inner)})" if isinstance(part, Choice) else "".join(inner) or "(?:)"


def _bounds(repeat: Repeat) -> str:
    simple = {(0, None): "*", (1, None): "+", (0, 1): "?"}.get((repeat.least, repeat.most))
    if simple:
        return simple
    if repeat.most == repeat.least:
        return f"{{{repeat.least}}}"
    return f"{{{repeat.least},{'' if repeat.most is None else repeat.most}}}"


def _set(chars: CharSet, escape: Callable[[int], str]) -> str:
    if len(chars) == 1 and chars[0][0] == chars[0][1]:
        return _character(chars[0][0], escape)
    ranges = [
        _character(low, escape) if low == high else f"{_character(low, escape)}-{_character(high, escape)}"
        for low, high in chars
    ]
    return f"[{''.join(ranges)}]"


def _character(code: int, escape: Callable[[int], str]) -> str:
    char = chr(code)
    return char if char.isascii() and char.isalnum() else escape(code)
