"""How case is folded: each character to its simple lower-case form of Unicode 16, as PostgreSQL's ``pg_c_utf8`` does.

``ß`` stays ``ß``, ``Σ`` becomes ``σ`` wherever it stands, ``İ`` becomes ``i`` and the Kelvin sign ``k``: one character
for one, whatever its neighbours, so that a part of a text folds as it does within the whole. A test compares every code
point with the database.
"""

from __future__ import annotations

import re
from functools import cache

#: Where ``str.lower`` of some Python differs: full or contextual mappings, and letters younger than Python 3.11.
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
    """``text`` with every character in its simple lower-case form; as long as before."""
    if not text.isascii() and _EXCEPTION.search(text):
        text = text.translate(_EXCEPTIONS)
    return text.lower()


@cache
def folded_codes() -> dict[int, int]:
    """The code points that :func:`fold` changes, with what they become."""
    # The last letters with case are those of Adlam, U+1E900; a test over all code points would notice another.
    return {code: ord(fold(chr(code))) for code in range(0x20000) if fold(chr(code)) != chr(code)}
