"""Case folding: each character to its simple lower-case form in Unicode 16, as PostgreSQL's ``pg_c_utf8`` does.

``ß`` stays ``ß``, ``Σ`` always becomes ``σ``, ``İ`` becomes ``i`` and the Kelvin sign ``k``. Each character folds to
one character whatever its neighbours, so that a part of a text folds as it does within the whole. A test compares every
code point with the database.
"""

from __future__ import annotations

import re
from functools import cache

#: Where ``str.lower`` may differ: full or contextual mappings, and letters that Python 3.11 does not know.
_EXCEPTIONS = {
    0x0130: "i",
    0x03A3: "\u03c3",
    0x1C89: "\u1c8a",
    0xA7CB: "\u0264",
    0xA7CC: "\ua7cd",
    0xA7DA: "\ua7db",
    0xA7DC: "\u019b",
    **{code: chr(code + 0x20) for code in range(0x10D50, 0x10D66)},
}
_EXCEPTION = re.compile("[" + "".join(map(chr, _EXCEPTIONS)) + "]")


def fold(text: str) -> str:
    """``text`` with every character in its simple lower-case form; its length does not change."""
    if not text.isascii() and _EXCEPTION.search(text):
        text = text.translate(_EXCEPTIONS)
    return text.lower()


@cache
def folded_codes() -> dict[int, int]:
    """The code points that :func:`fold` changes, each with its folded code point."""
    # Adlam, at U+1E900, has the highest letters with case; a test over all code points would notice higher ones.
    return {code: ord(fold(chr(code))) for code in range(0x20000) if fold(chr(code)) != chr(code)}
