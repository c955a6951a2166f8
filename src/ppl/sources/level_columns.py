"""Finds the severities that many texts name, as :func:`ppl.sources.levels.level_of` does for one, but faster.

Most texts hold no word that could name a severity. One pass over all of them finds those that do.
"""

from __future__ import annotations

from collections.abc import Sequence

from ppl.sources.levels import MOST_OF_TEXT, TELLING, TERMINAL, WORDS_ONLY, level_of

#: The same with NUL, which separates the texts.
_WORDS_AND_NUL = b"\0" + WORDS_ONLY[1:]

#: The first words of Redis's lines, which name their levels by signs ("7:M 30 Nov 2026 10:15:00.000 # ..."), and the
#: letter of logcat's that no other text names a level by.
_SIGNED = frozenset((b"m", b"s", b"c", b"x", b"v"))
_BEFORE_SIGNS = frozenset("0123456789V[(")


def levels_of_all(texts: Sequence[str]) -> list[int | None]:
    """The severity that each text names, ``None`` where it names none. No text may hold a NUL."""
    is_long = max(map(len, texts), default=0) > MOST_OF_TEXT
    joined = "\0".join([text[:MOST_OF_TEXT] for text in texts] if is_long else texts)
    beginnings: Sequence[str] = texts
    if "\x1b" in joined:
        joined = TERMINAL.sub("", joined)
        beginnings = joined.split("\0")
    lines = joined.encode("utf-8", "replace").translate(_WORDS_AND_NUL).split(b"\0")
    # Lines of one form differ in numbers only: without them, many are the same.
    telling, signed = set(), set()
    for line in set(lines):
        words = line.split()
        if not TELLING.isdisjoint(words):
            telling.add(line)
        elif words and words[0] in _SIGNED:
            signed.add(line)
    is_telling = [each in telling for each in lines] if telling else [False] * len(lines)
    if "\0<" in joined or joined.startswith("<"):
        is_telling = [each or text.startswith("<") for each, text in zip(is_telling, beginnings, strict=True)]
    if signed:
        is_telling = [
            each or (line in signed and text[0] in _BEFORE_SIGNS)
            for each, line, text in zip(is_telling, lines, beginnings, strict=True)
        ]
    if True not in is_telling:
        return [None] * len(texts)
    return [level_of(text) if each else None for each, text in zip(is_telling, texts, strict=True)]


def with_levels(severities: Sequence[int | None], texts: Sequence[str]) -> Sequence[int | None]:
    """``severities``, with those that texts name where there are none. No text may hold a NUL."""
    if None not in severities:
        return severities
    if severities.count(None) == len(severities):
        return levels_of_all(texts)
    named = iter(levels_of_all([text for each, text in zip(severities, texts, strict=True) if each is None]))
    return [next(named) if each is None else each for each in severities]
