"""Sets of characters for regular expressions: sorted, disjoint ranges of code points, both ends included."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from ppl.search.regex.folding import fold, folded_codes

CharSet = tuple[tuple[int, int], ...]

HIGHEST = 0x10FFFF
#: Separates the fields where they are searched as one text; no regular expression matches it.
SEPARATOR = "\x01"
_FEW = 256


def union(ranges: Iterable[tuple[int, int]]) -> CharSet:
    """The set of all code points in ``ranges``, sorted and merged."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        else:
            merged.append((low, high))
    return tuple(merged)


def complement(chars: CharSet) -> CharSet:
    """All code points except ``chars`` and NUL, which PostgreSQL texts cannot contain."""
    ends = [(0, 0), *chars, (HIGHEST + 1, HIGHEST + 1)]
    return tuple((low + 1, high - 1) for (_, low), (high, _) in pairwise(ends) if low + 1 <= high - 1)


def without_separator(chars: CharSet) -> CharSet:
    """``chars`` without :data:`SEPARATOR`."""
    code = ord(SEPARATOR)
    return complement(union([*complement(chars), (code, code)]))


def folded(chars: CharSet) -> CharSet:
    """``chars`` folded. Large sets keep their upper-case members, which never occur in folded text."""
    if sum(high - low + 1 for low, high in chars) <= _FEW:
        codes = [ord(fold(chr(code))) for low, high in chars for code in range(low, high + 1)]
        return union((code, code) for code in codes)
    added = [
        (lower, lower)
        for code, lower in folded_codes().items()
        if any(low <= code <= high for low, high in chars)  # a few thousand comparisons, once per set
    ]
    return union([*chars, *added])


def of(text: str) -> CharSet:
    """The characters of ``text``."""
    return union((ord(char), ord(char)) for char in text)


def named_class(name: str) -> CharSet | None:
    """The set of a POSIX class such as ``alpha``, the same in every locale. ``None`` if the name is unknown."""
    return _NAMED.get(name)


# Letters beyond ASCII, approximated by few ranges, since every range makes an expression slower. The blocks of
# controls, punctuation, currency, symbols, private use and emoji are left out; combining marks are included.
_FOREIGN: CharSet = (
    (0xAA, 0xAA), (0xB5, 0xB5), (0xBA, 0xBA), (0xC0, 0xD6), (0xD8, 0xF6), (0xF8, 0x167F), (0x1681, 0x1FFF),
    (0x2C00, 0x2DFF), (0x3005, 0x3007), (0x3021, 0x302F), (0x3031, 0xD7FF), (0xF900, 0xFDFF), (0xFE70, 0xFEFE),
    (0xFF10, 0xFF19), (0xFF21, 0xFF3A), (0xFF41, 0xFF5A), (0xFF66, 0xFFDC), (0x10000, 0x1CFFF), (0x1D400, 0x1EFFF),
    (0x20000, 0x3FFFF),
)  # fmt: skip
_DIGITS = of("0123456789")
_LETTERS = union([(0x41, 0x5A), (0x61, 0x7A), *_FOREIGN])
_NAMED = {
    "alpha": _LETTERS,
    "upper": _LETTERS,
    "lower": _LETTERS,
    "digit": _DIGITS,
    "alnum": union([*_LETTERS, *_DIGITS]),
    "word": union([*_LETTERS, *_DIGITS, *of("_")]),
    "xdigit": of("0123456789abcdefABCDEF"),
    "space": union([(28, 31), (0x2000, 0x200A), *of(" \t\n\r\f\v\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000")]),
    "blank": of(" \t"),
    "cntrl": ((1, 31), (127, 159)),
    "punct": of("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
}
