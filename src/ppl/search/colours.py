"""Leaves terminal colours out of the messages that are searched, so that searches match what the page shows.

These are the escape sequences that the page applies instead of showing them: SGR of ECMA-48, as in
``ppl/web/static/js/ansi.js``. Every other escape stays in the text, and the page shows it. The predicate uses
:func:`without_colours`, the database :func:`uncoloured`; a property test holds the two equal.
"""

from __future__ import annotations

import re

_ESCAPE = "\x1b"

#: As in ansi.js. Its only repetition ends at a character that it cannot contain, so every engine finds the same parts.
_PATTERN = r"\[[0-9;:]{0,64}m"
_COLOUR = re.compile(_ESCAPE + _PATTERN)


def without_colours(text: str) -> str:
    """``text`` without colour sequences."""
    return _COLOUR.sub("", text) if _ESCAPE in text else text


def uncoloured(column: str) -> str:
    """The SQL expression, immutable, for the text of ``column`` without colour sequences."""
    # Few texts have an escape, and looking for one costs much less than a regular expression.
    pattern = _PATTERN.replace("\\", "\\\\")
    return (
        f"CASE WHEN position(E'\\x1b' in {column}) > 0"
        f" THEN regexp_replace({column}, E'\\x1b{pattern}', '', 'g') ELSE {column} END"
    )
