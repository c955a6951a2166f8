"""Hints on query text that looks like syntax but is searched for literally, shown to a reader who finds nothing.

The parser calls :func:`hint_of` for each value, :func:`of_field` for each field, :func:`of_field_term` for each term
with a field and :func:`of_level` for each value of ``level:``; the sentences are for a person.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from difflib import get_close_matches

import attrs

from ppl.model import SEVERITY_WORDS
from ppl.search.attributes import Kind, Value
from ppl.search.tree import FieldExact, FieldGlob, FieldNumber, FieldRegex, FieldWord, Node

MOST_HINTS = 5
"""Maximum number of hints per query."""
_LONGEST_SHOWN = 40

_LIKE_REGEX = re.compile(r"\.[*+]|\\[dswbDSWB]|\][*+]|\w\|\w")
_LIKE_OPERATOR = {
    "or": "OR", "and": "AND", "not": "NOT", "||": "OR", "|": "OR", "&&": "AND", "&": "AND",
}  # fmt: skip
_PIPES = frozenset(("|=", "|~", "!=", "!~", "|>"))
# Not `==`, `=>`, `<=`, nor a command's `--option=value`.
_LIKE_PAIR = re.compile(r"([A-Za-z_@][\w.@-]*)=(?=[^=>~])", re.ASCII)
_TYPED_QUOTES = "“”„‘‚«»"
#: Names that other tools use for Ppl's attributes.
_ALSO_CALLED = {
    "lvl": "severity", "priority": "severity", "loglevel": "severity", "log.level": "severity",
    "severity_text": "severity", "hostname": "host", "server": "host", "machine": "host", "source": "sender",
    "from": "sender", "app": "program", "appname": "program", "service": "program", "process": "program",
    "logger": "program", "tag": "program", "pid": "procid",
    "msg": "message", "_msg": "message", "@message": "message",
    "log": "message", "text": "message", "addr": "ip", "address": "ip", "since": "after", "time": "after",
    "_time": "after", "until": "before", "to": "before",
}  # fmt: skip


@attrs.frozen
class Hint:
    """A hint on one value of a query.

    Attributes:
        position: index of the value's first character in the query.
        message: a sentence for the reader.
    """

    position: int
    message: str


def hint_of(value: Value, is_named: bool) -> str | None:
    """The sentence of a hint on a value, if there is one to give.

    Args:
        value: as it was written.
        is_named: whether it is the value of an attribute or a field.
    """
    if value.kind is Kind.PHRASE and is_named and "*" in value.text and not value.is_exact:
        return f"In quotes, * is an ordinary character: without quotes, {_shown(value.text)} is a pattern."
    if value.kind is Kind.WORD and value.text[:1] in _TYPED_QUOTES:
        return f"{value.text[0]} is searched for as text, as no closing quote follows: put phrases in \" or '."
    return _of_word(value.text) if value.kind is Kind.WORD and not is_named else None


def of_field(name: str, names: Collection[str]) -> str | None:
    """The sentence of a hint on a field that may be meant as an attribute, if there is one to give.

    Args:
        name: of the field; a dot before it says that a field is meant.
        names: the names of all attributes.
    """
    if name.startswith("."):
        return None
    known = _ALSO_CALLED.get(name.lower()) or next(iter(get_close_matches(name[:_LONGEST_SHOWN], names, 1, 0.75)), "")
    return f"{_shown(name)}: looks for a field of this name; the attribute is {known}:." if known else None


def of_field_term(name: str, written: str, node: Node) -> str | None:
    """The sentence of a hint on a term that is looked for in fields only, though it may be meant as text.

    Args:
        name: of the field, as for :func:`of_field`.
        written: the term as it was written.
        node: its meaning.
    """
    is_only_in_fields = isinstance(node, FieldExact | FieldNumber | FieldRegex) or (
        isinstance(node, FieldGlob) and node.pattern.strip("*") != ""
    )
    if name.startswith(".") or not is_only_in_fields:
        return None
    return f"{_shown(name)}: is searched for in fields: to find the text {_shown(written)} itself, put it in quotes."


def of_level(value: Value, node: Node) -> str | None:
    """The sentence of a hint on a value of ``level:`` that is nearly a severity's name, if there is one to give.

    Args:
        value: as it was written.
        node: its meaning.
    """
    if not isinstance(node, FieldWord | FieldExact):
        return None
    written = value.text.lower().lstrip("<=>")
    near = get_close_matches(written[:_LONGEST_SHOWN], SEVERITY_WORDS, 1, 0.75)
    return f"level: looks for a field with {_shown(value.text)}; the severity is {near[0]}." if near else None


def _of_word(word: str) -> str | None:
    shown = _shown(word)
    if word in _LIKE_OPERATOR:
        return f"{word} is searched for as text: the operator is {_LIKE_OPERATOR[word]}."
    if word in _PIPES:
        return f"{word} is searched for as text: words and phrases need no operator before them."
    if re.match(r"\+[\w\"'(]", word):
        return f"{shown} is searched for as text: all words must be there already, so leave out the +."
    if word.startswith("-") and len(word) > 1:
        return f'-{shown} excludes the text {shown}: to find -{shown}, write "-{shown}".'
    if re.match(r"![\w\"'(]", word):
        return f"{shown} is searched for as text: to exclude a word, put - before it."
    pair = _LIKE_PAIR.match(word)
    if pair is not None:
        return f"{shown} is searched for as text: to look in fields, write a colon after {_shown(pair[1])}."
    if _LIKE_REGEX.search(word):
        return f"{shown} is searched for as text: put a regular expression between slashes, as in /a.*b/."
    if "*" in word:
        return f"* is an ordinary character in {shown}: words match anywhere in a text already, so leave it out."
    return None


def _shown(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
