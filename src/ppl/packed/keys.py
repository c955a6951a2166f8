"""The keys of the index: what of a text is noted for each frame, and looked up for a text that is searched.

A text has two kinds of keys, each of which is a number below :data:`KEYS`:

- its *trigrams*: three bytes each, of UTF-8;
- *marks of its identifiers*. Trigrams do not tell identifiers apart: those of digits are in nearly every frame. Of each
  eight bytes of digits, hexadecimal letters, dots, colons and hyphens with two digits or more, one run of five bytes is
  noted: the one with the least hash (a minimizer). A text has the marks of every text within it that has eight such
  bytes, since they depend on those eight bytes only.

Several texts may have the same key; then a frame is opened for nothing. The builder computes the keys of whole frames
with numpy, a search those of a few words in plain Python; a test holds the two equal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_TRIGRAM_BITS, _MARK_BITS = 18, 15
_MARKS = 1 << _TRIGRAM_BITS

#: Number of keys, and the bits of each.
KEYS = _MARKS + (1 << _MARK_BITS)
KEY_BITS = KEYS.bit_length()

#: Bytes of a run that is noted, runs of which one is noted, and digits that these have at least.
_RUN, _OF_RUNS, _LEAST_DIGITS = 5, 4, 2
_SPAN = _RUN + _OF_RUNS - 1

#: Multipliers of 32 and 64 bits (Fibonacci hashing), odd and without a pattern.
_TRIGRAM_FACTOR, _RUN_FACTOR, _MARK_FACTOR = 0x9E3779B1, 0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93
_32, _64 = (1 << 32) - 1, (1 << 64) - 1

_DIGITS = frozenset(b"0123456789")
_OF_IDENTIFIERS = _DIGITS | frozenset(b"abcdef.:-")


def keys_of(text: bytes) -> list[int]:
    """The keys of a folded text in UTF-8 without NUL, those of its identifiers first; each once."""
    return list(dict.fromkeys([*_marks(text), *_trigrams(text)]))


def _trigrams(text: bytes) -> list[int]:
    numbers = (
        first << 16 | second << 8 | third for first, second, third in zip(text, text[1:], text[2:], strict=False)
    )
    return [(number * _TRIGRAM_FACTOR & _32) >> 32 - _TRIGRAM_BITS for number in numbers]


def _marks(text: bytes) -> list[int]:
    hashes = [
        int.from_bytes(text[at : at + _RUN], "big") * _RUN_FACTOR & _64 for at in range(max(0, len(text) - _RUN + 1))
    ]
    return [
        _MARKS + ((min(hashes[at : at + _OF_RUNS]) * _MARK_FACTOR & _64) >> 64 - _MARK_BITS)
        for at in range(max(0, len(text) - _SPAN + 1))
        if _OF_IDENTIFIERS.issuperset(text[at : at + _SPAN])
        and sum(byte in _DIGITS for byte in text[at : at + _SPAN]) >= _LEAST_DIGITS
    ]


class KeyFinder:
    """Finds the keys of whole frames, with numpy; keeps its tables and its room from frame to frame."""

    def __init__(self) -> None:
        import numpy as np

        self._np: Any = np
        self._is_seen = np.zeros(KEYS, np.bool_)
        self._is_digit = np.isin(np.arange(256), sorted(_DIGITS)).astype(np.uint8)
        self._is_of_identifiers = np.isin(np.arange(256), sorted(_OF_IDENTIFIERS))

    def keys(self, texts: bytes) -> NDArray[np.uint32]:
        """The keys of folded texts in UTF-8, separated by NUL, in ascending order."""
        np, seen = self._np, self._is_seen
        data = np.frombuffer(texts, np.uint8)
        if len(data) >= 3:
            seen[self._trigrams(data)] = True
        if len(data) >= _SPAN:
            seen[self._marks(data)] = True
        found = np.flatnonzero(seen)
        seen[found] = False
        return found.astype(np.uint32)  # type: ignore[no-any-return]

    def _trigrams(self, data: Any) -> Any:
        np = self._np
        wide = data.astype(np.uint32)
        numbers = wide[:-2] << np.uint32(16) | wide[1:-1] << np.uint32(8) | wide[2:]
        is_whole = data != 0
        numbers = numbers[is_whole[:-2] & is_whole[1:-1] & is_whole[2:]]
        return numbers * np.uint32(_TRIGRAM_FACTOR) >> np.uint32(32 - _TRIGRAM_BITS)

    def _marks(self, data: Any) -> Any:
        np = self._np
        are_all, digits = self._is_of_identifiers[data], self._is_digit[data]
        # Of two neighbours, of two pairs, and of two fours: then of all eight.
        for step in (1, 2, 4):
            are_all = are_all[:-step] & are_all[step:]
            digits = digits[:-step] + digits[step:]
        places = np.flatnonzero(are_all & (digits >= _LEAST_DIGITS))
        if not len(places):
            return places
        # Only the runs that a span may need are hashed.
        needed = np.zeros(len(data) - _RUN + 1, np.bool_)
        for number in range(_OF_RUNS):
            needed[places + number] = True
        starts = np.flatnonzero(needed)
        numbers = np.zeros(len(starts), np.uint64)
        for number in range(_RUN):
            numbers = numbers << np.uint64(8) | data[starts + number].astype(np.uint64)
        hashes = np.zeros(len(needed), np.uint64)
        hashes[starts] = numbers * np.uint64(_RUN_FACTOR)
        least = hashes[places]
        for number in range(1, _OF_RUNS):
            np.minimum(least, hashes[places + number], out=least)
        return (least * np.uint64(_MARK_FACTOR) >> np.uint64(64 - _MARK_BITS)).astype(np.int64) + _MARKS
