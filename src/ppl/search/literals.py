"""The literal texts that every match must contain: terms for a trigram index, and a quick way to rule an event out.

The result is a tuple of sets, all of which must hold: at least one text of each set occurs in one of the event's texts,
folded. Negated nodes (``Not``), numbers and times contribute nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ppl.search.quantity import in_full, measured
from ppl.search.regex.charset import SEPARATOR
from ppl.search.regex.folding import fold
from ppl.search.regex.pattern import Chars, Choice, Edge, Part, Repeat, Sequence
from ppl.search.tree import (
    And,
    Contains,
    Exact,
    Field,
    FieldExact,
    FieldGlob,
    FieldRegex,
    FieldWord,
    Glob,
    InField,
    Node,
    Or,
    Regex,
)  # fmt: skip

Alternatives = frozenset[str]
_MOST_ALTERNATIVES = 16
#: What no program escapes within a value, so that it stands in the event's text as it stands in the value.
_UNESCAPED = re.compile(r"[a-z0-9_.,:;@ -]+")


def literals(node: Node) -> tuple[Alternatives, ...]:
    """The folded texts that every event matched by ``node`` must contain."""
    if isinstance(node, And):
        return _distinct(each for part in node.nodes for each in literals(part))
    if isinstance(node, Or):
        return _either([literals(part) for part in node.nodes])
    if isinstance(node, Contains):
        if node.field is Field.ANY and SEPARATOR in node.text:
            return ()
        return (frozenset([fold(node.text)]),)
    if isinstance(node, Exact):
        return (frozenset([fold(node.text)]),) if node.text else ()
    if isinstance(node, Glob):
        return _distinct(frozenset([fold(text)]) for text in node.pattern.split("*") if text)
    if isinstance(node, Regex):
        return literals_of_regex(node.pattern.root)
    if isinstance(node, InField):
        # Part of the meaning: a field whose name or value is written in escapes only is not found.
        return _distinct([*literals_of_value(node), *literals_of_name(node)])
    return ()


def literals_of_name(node: InField) -> tuple[Alternatives, ...]:
    """The folded parts of the field's name."""
    return _distinct(frozenset([part]) for part in fold(node.name).split(".") if part)


def literals_of_value(node: InField) -> tuple[Alternatives, ...]:
    """The folded texts that stand in the event's text where a value matches ``node``."""
    return _distinct(_of_value(node))


def _of_value(node: InField) -> Iterator[Alternatives]:
    if isinstance(node, FieldWord):
        number = measured(node.text, "number")
        if number is not None:
            # 7.0 finds 7 and 7.00, and 1e3 finds 1000.
            yield frozenset([fold(node.text), in_full(number)])
            return
    if isinstance(node, FieldWord | FieldExact):
        yield from _unescaped(node.text)
    elif isinstance(node, FieldGlob):
        for part in node.pattern.split("*"):
            yield from _unescaped(part)
    elif isinstance(node, FieldRegex):
        for alternatives in literals_of_regex(node.pattern.root):
            runs = [max(_UNESCAPED.findall(text), key=len, default="") for text in alternatives]
            if all(runs):
                yield frozenset(runs)


def _unescaped(text: str) -> Iterator[Alternatives]:
    for run in _UNESCAPED.findall(fold(text)):
        yield frozenset([run])


def literals_of_regex(part: Part) -> tuple[Alternatives, ...]:
    """The folded texts that every text matched by ``part`` must contain."""
    return _distinct(_walk(part))


def _walk(part: Part) -> Iterator[Alternatives]:
    run = ""
    for each in _flat(part):
        char = _only_character(each)
        if char:
            run += char
            continue
        if isinstance(each, Edge):
            continue
        repeated = _only_character(each.part) if isinstance(each, Repeat) and each.least > 0 else ""
        if repeated:
            # aa+b: the literal before the repetition ends with one "a", the literal after it begins with one.
            yield from _literal(run + repeated)
            run = repeated
            continue
        yield from _literal(run)
        run = ""
        if isinstance(each, Choice):
            yield from _either([_distinct(_walk(branch)) for branch in each.parts])
        elif isinstance(each, Repeat) and each.least > 0:
            yield from _walk(each.part)
    yield from _literal(run)


def _flat(part: Part) -> Iterator[Part]:
    if isinstance(part, Sequence):
        for each in part.parts:
            yield from _flat(each)
    else:
        yield part


def _only_character(part: Part) -> str:
    if isinstance(part, Chars) and len(part.chars) == 1 and part.chars[0][0] == part.chars[0][1]:
        return chr(part.chars[0][0])
    return ""


def _literal(text: str) -> tuple[Alternatives, ...]:
    return (frozenset([text]),) if text else ()


def _either(branches: list[tuple[Alternatives, ...]]) -> tuple[Alternatives, ...]:
    """One set of alternatives that holds whichever branch matches: the longest literals of each branch."""
    if not all(branches):
        return ()
    best = [max(branch, key=lambda texts: min(map(len, texts))) for branch in branches]
    texts = frozenset().union(*best)
    return (texts,) if len(texts) <= _MOST_ALTERNATIVES else ()


def _distinct(alternatives: Iterable[Alternatives]) -> tuple[Alternatives, ...]:
    return tuple(dict.fromkeys(alternatives))
