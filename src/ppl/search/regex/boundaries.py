r"""Word boundaries (``\y``, ``\m``, ``\M``, and ``\b`` as other engines write it), rewritten to agree in both engines.

RE2 knows ASCII words only, PostgreSQL those of the locale. At the beginning of an expression, before a word character,
a boundary is equivalent to "the field's beginning or a non-word character"; likewise at its end. Boundaries elsewhere
are refused.
"""

from __future__ import annotations

from collections.abc import Sequence as Many

import attrs

from ppl.search.errors import BadValue
from ppl.search.regex import charset
from ppl.search.regex.pattern import Chars, Choice, Edge, Part, Repeat, Sequence

_WORD = charset.named_class("word") or ()
_OUTSIDE = charset.without_separator(charset.complement(charset.folded(_WORD)))


@attrs.frozen
class Boundary:
    """A word boundary: the letter after its backslash, and the boundary's offset in the expression."""

    letter: str
    offset: int


def without_boundaries(parts: Many[Part | Boundary], may_have: bool) -> list[Part]:
    """``parts`` of a sequence with the boundaries at its ends replaced.

    Raises:
        BadValue: a boundary is elsewhere or not next to a word character, or is not allowed here (``may_have``).
    """
    plain = [part for part in parts if not isinstance(part, Boundary)]
    before: list[Part] = []
    after: list[Part] = []
    for index, part in enumerate(parts):
        if not isinstance(part, Boundary):
            continue
        if may_have and index == 0 and part.letter != "M" and plain and _is_word(plain[0], first=True):
            before.append(Choice((Edge("^"), Chars(_OUTSIDE))))
        elif may_have and index == len(parts) - 1 and part.letter != "m" and plain and _is_word(plain[-1], first=False):
            after.append(Choice((Edge("$"), Chars(_OUTSIDE))))
        else:
            raise BadValue(
                "a word boundary only at the beginning or the end of the expression, or of one of its"
                " alternatives, next to a word character",
                part.offset,
            )
    return [*before, *plain, *after]


def _is_word(part: Part, first: bool) -> bool:
    """Whether ``part`` always begins (or, unless ``first``, ends) with a word character."""
    if isinstance(part, Chars):
        return charset.union([*part.chars, *_WORD]) == _WORD
    if isinstance(part, Repeat):
        return part.least > 0 and _is_word(part.part, first)
    if isinstance(part, Choice):
        return all(_is_word(each, first) for each in part.parts)
    if isinstance(part, Sequence):
        return bool(part.parts) and _is_word(part.parts[0 if first else -1], first)
    return False
