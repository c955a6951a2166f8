"""The test of one value of a field, for the predicate over live events; ``ppl.search.sql`` has the same test in SQL."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence

from ppl.search.quantity import measured, parse_quantity
from ppl.search.regex.engines import for_re2
from ppl.search.regex.folding import fold
from ppl.search.regex.pattern import Pattern
from ppl.search.regex.words import LONGEST_WORDS, whole_words
from ppl.search.tree import FieldExact, FieldGlob, FieldNumber, FieldRegex, FieldWord, InField

ValueTest = Callable[[str], bool]

_SIGNS = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}


def value_test(node: InField) -> ValueTest:
    """A function that tells whether a value of the field is what ``node`` looks for."""
    if isinstance(node, FieldExact):
        wanted = node.text
        return lambda value: value == wanted
    if isinstance(node, FieldGlob):
        matches = like(fold(node.pattern).split("*"))
        return lambda value: matches(fold(value))
    if isinstance(node, FieldRegex):
        return _found(node.pattern)
    if isinstance(node, FieldNumber):
        return _compared(node)
    assert isinstance(node, FieldWord)
    return _word(node.text)


def like(parts: Sequence[str]) -> Callable[[str], bool]:
    """A function that tells whether a whole text consists of ``parts`` with any text between them, and is not empty."""
    if not any(parts):
        return bool
    first, *middle, last = parts

    def matches(text: str) -> bool:
        if len(text) < len(first) + len(last) or not (text.startswith(first) and text.endswith(last)):
            return False
        # Taking the leftmost match of each part leaves the most text for the next.
        at, end = len(first), len(text) - len(last)
        for part in middle:
            at = text.find(part, at, end)
            if at < 0:
                return False
            at += len(part)
        return True

    return matches


def _found(pattern: Pattern) -> ValueTest:
    search = for_re2(pattern)
    return lambda value: search(fold(value).encode("utf-8", "replace"))


def _compared(node: FieldNumber) -> ValueTest:
    compare, quantity = _SIGNS[node.sign], parse_quantity(node.operand)
    assert quantity is not None

    def matches(value: str) -> bool:
        number = measured(value, quantity.measure)
        return number is not None and bool(compare(number, quantity.number))

    return matches


def _word(text: str) -> ValueTest:
    folded, number = fold(text), measured(text, "number")
    search = _found(whole_words(text)) if len(text) <= LONGEST_WORDS else lambda value: True

    def matches(value: str) -> bool:
        if folded in fold(value) and search(value):
            return True
        return number is not None and measured(value, "number") == number

    return matches
