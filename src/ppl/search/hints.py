"""Hints on query text that looks like syntax but is searched for literally, shown to a reader who finds nothing.

The parser calls :func:`hint_of` for each value; the sentences are for a person.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from difflib import get_close_matches

import attrs

from ppl.search.attributes import Kind, Value

MOST_HINTS = 5
"""Maximum number of hints per query."""
_LONGEST_SHOWN = 40

# Not `http://…`, `std::string`, `12:30`.
_LIKE_ATTRIBUTE = re.compile(r"([A-Za-z_@][\w.@-]+):(?=[^\s:/\\])", re.ASCII)
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


def hint_of(value: Value, start: int, is_named: bool, names: Collection[str]) -> Hint | None:
    """The hint on a value, if there is one to give.

    Args:
        value: as it was written.
        start: index of its first character in the query.
        is_named: whether it is the value of an attribute.
        names: the names of all attributes.
    """
    message = None
    if value.kind is Kind.PHRASE and is_named and "*" in value.text and not value.is_exact:
        message = f"In quotes, * is an ordinary character: without quotes, {_shown(value.text)} is a pattern."
    elif value.kind is Kind.WORD and value.text[:1] in _TYPED_QUOTES:
        message = f"{value.text[0]} is searched for as text, as no closing quote follows: put phrases in \" or '."
    elif value.kind is Kind.WORD and not is_named:
        message = _of_word(value.text, names)
    return None if message is None else Hint(start, message)


def _of_word(word: str, names: Collection[str]) -> str | None:
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
    attribute = _LIKE_ATTRIBUTE.match(word)
    if attribute is not None:
        instead = _instead(attribute[1].lower(), names)
        return f"{_shown(attribute[1])}: is not an attribute{instead}. It is searched for as text."
    pair = _LIKE_PAIR.match(word)
    if pair is not None:
        return f"{shown} is searched for as text; JSON has a colon after {_shown(pair[1])}: try the value alone."
    if _LIKE_REGEX.search(word):
        return f"{shown} is searched for as text: put a regular expression between slashes, as in /a.*b/."
    if "*" in word:
        return f"* is an ordinary character in {shown}: words match anywhere in a text already, so leave it out."
    return None


def _instead(name: str, names: Collection[str]) -> str:
    known = _ALSO_CALLED.get(name) or next(iter(get_close_matches(name[:_LONGEST_SHOWN], names, 1, 0.75)), "")
    return f", {known}: is" if known else ""


def _shown(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
