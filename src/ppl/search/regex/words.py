"""A word or phrase as a regular expression that finds it only where no letter or digit continues it."""

from __future__ import annotations

from functools import cache, lru_cache

from ppl.search.regex import charset
from ppl.search.regex.folding import fold
from ppl.search.regex.pattern import Chars, Choice, Edge, Part, Pattern, Sequence

LONGEST_WORDS = 500
"""Longer texts are looked for without a look at what stands around them."""
_ALNUM = charset.named_class("alnum") or ()


@cache
def _outside() -> Chars:
    """All but letters and digits; made at the first use, as that takes a while."""
    return Chars(charset.complement(charset.folded(_ALNUM)))


@lru_cache(maxsize=256)
def whole_words(text: str) -> Pattern:
    """The expression, for folded text, that finds ``text`` as whole words; at an end that is ``/`` …, anything goes."""
    folded = fold(text)
    parts: list[Part] = [Chars(charset.of(char)) for char in folded]
    if _is_alnum(folded[0]):
        parts.insert(0, Choice((Edge("^"), _outside())))
    if _is_alnum(folded[-1]):
        parts.append(Choice((Edge("$"), _outside())))
    # Patterns are told apart by their source, and no expression that somebody wrote has a NUL.
    return Pattern(f"\0{text}", Sequence(tuple(parts)), True)


def _is_alnum(char: str) -> bool:
    return any(low <= ord(char) <= high for low, high in _ALNUM)
