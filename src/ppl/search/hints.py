"""What is written like syntax and is searched for as text: said to whoever finds nothing and wonders why.

``hint_of(value, name, start)`` tells of one value, for the parser; the sentences are for a person.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from difflib import get_close_matches

import attrs

from ppl.search.attributes import Kind, Value

MOST_HINTS = 5
"""Of one query."""
_LONGEST_SHOWN = 40

# Not `http://…`, `std::string`, `12:30`.
_LIKE_ATTRIBUTE = re.compile(r"([A-Za-z_@][\w.@-]+):(?=[^\s:/\\])", re.ASCII)
_LIKE_REGEX = re.compile(r"\.[*+]|\\[dswbDSWB]|\][*+]|\w\|\w")
_LIKE_OPERATOR = {
    "or": "OR", "and": "AND", "not": "NOT", "||": "OR", "|": "OR", "&&": "AND", "&": "AND",
}  # fmt: skip
_TYPED_QUOTES = "“”„‘‚«»"
#: What others call it.
_ALSO_CALLED = {
    "level": "severity", "lvl": "severity", "priority": "severity", "loglevel": "severity", "hostname": "host",
    "server": "host", "machine": "host", "source": "sender", "from": "sender", "app": "program", "appname": "program",
    "service": "program", "process": "program", "logger": "program", "tag": "program", "msg": "message",
    "text": "message", "addr": "ip", "address": "ip", "since": "after", "until": "before", "to": "before",
}  # fmt: skip


@attrs.frozen
class Hint:
    """One of them.

    Attributes:
        position: index of the character where it stands in the query.
        message: a sentence.
    """

    position: int
    message: str


def hint_of(value: Value, start: int, is_named: bool, names: Collection[str]) -> Hint | None:
    """What to say of a value, if anything.

    Args:
        value: as it was written.
        start: where.
        is_named: whether it is an attribute's.
        names: of the attributes.
    """
    message = None
    if value.kind is Kind.PHRASE and is_named and "*" in value.text and not value.is_exact:
        message = f"In quotes * is a plain star: without them {_shown(value.text)} is a pattern."
    elif value.kind is Kind.WORD and value.text[:1] in _TYPED_QUOTES:
        message = f"{value.text[0]} is no quote here: a phrase stands in \" or '."
    elif value.kind is Kind.WORD and not is_named:
        message = _of_word(value.text, names)
    return None if message is None else Hint(start, message)


def _of_word(word: str, names: Collection[str]) -> str | None:
    shown = _shown(word)
    if word in _LIKE_OPERATOR:
        return f"{word} is searched as text: the operator is {_LIKE_OPERATOR[word]}."
    if word.startswith("-") and len(word) > 1:
        return f'-{shown} leaves out the text {shown}: to find it, write "-{shown}".'
    if re.match(r"![\w\"'(]", word):
        return f"{shown} is searched as text: - before a word leaves it out."
    attribute = _LIKE_ATTRIBUTE.match(word)
    if attribute is not None:
        instead = _instead(attribute[1].lower(), names)
        return f"{_shown(attribute[1])}: is no attribute{instead}. It is searched as text."
    if _LIKE_REGEX.search(word):
        return f"{shown} is searched as text: a regular expression stands between slashes, as in /a.*b/."
    if "*" in word:
        return f"* is a plain star in {shown}: words are fragments already, so leave it out."
    return None


def _instead(name: str, names: Collection[str]) -> str:
    known = _ALSO_CALLED.get(name) or next(iter(get_close_matches(name[:_LONGEST_SHOWN], names, 1, 0.75)), "")
    return f", {known}: is" if known else ""


def _shown(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
