r"""The fields of an event: names and values that its structured data and its message hold, without configuration.

Fields are read from RFC 5424 structured data (``iut``, and ``exampleSDID@32473.iut``), from structured data that is a
JSON object, from a JSON object that is the message, or its end after some text (``@cee:`` too), and from ``key=value``
pairs in the text. Names within objects are joined by dots; each element of an array is a value. Values are texts: a
string without its escapes, a number as it is written, ``true``, ``false`` or ``null``.

The details of an event, live searches and columns use this module. ``event_field`` in the database (migration 0016)
finds the same values; a property test holds the two equal, so each pattern here means the same to both engines.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cached_property
from itertools import count, islice
from typing import Any

from ppl.search.colours import without_colours

MOST_FIELDS = 200
"""How many fields :func:`fields_in` lists."""
LONGEST_NAME = 256
"""Maximum length of a field's name, in characters."""
DEEPEST_FIELD = 32
"""Maximum nesting of the objects and arrays in which fields are looked for."""
LONG_JSON, DEEPEST_IN_LONG_JSON = 8192, 8
"""For an object with more characters the maximum nesting is lower: the database reads it again for each level."""
PAIRS_WITHIN = 16_384
"""Pairs and parameters are read from so many characters at the beginning of a message and of structured data."""
MOST_VALUES = 200
"""How many values of a field :func:`values_of` finds."""
MOST_CONTAINERS = 500
"""An object with more objects and arrays than this has no fields: both parsers recur for each level."""

#: A JSON object begins here, in an empty object there is no field.
_BRACE = re.compile(r'\{[ \t\n\r]*"')
#: One that never closes, in what is no JSON, ends with the text: else each quote in it would begin another search.
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_HIGH = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F][0-9a-fA-F]{2})")
_LOW = re.compile(r"(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
#: A quoted value: what stands in it is no pair.
_QUOTED = re.compile(r'="((?:[^"\\]|\\.)*)"', re.DOTALL)
_KEY = r"[A-Za-z_@][A-Za-z0-9_.@-]*"
#: `key=value`, or `key="number"` for a quoted value; a value ends at a blank, and before a comma with another key.
_PAIR = re.compile(
    rf"(?:^|[ \t\n\r\f\v,;|(\[{{])({_KEY})=(?![=>~])"
    rf'("[0-9]*"|(?:[^ \t\n\r\f\v",;|(\[{{]|[,;|](?![ \t\n\r\f\v,;|]|\Z|{_KEY}=)|[(\[{{](?!{_KEY}=))*)'
)
#: The id of an element, or a parameter with its value.
_PARAMETER = re.compile(r'\[([^ \t\n\r="\]]+)|[ ]([^ \t\n\r="\]]+)="((?:[^"\\]|\\.)*)"', re.DOTALL)
_OPENING = re.compile(r"[(\[{]")
_ESCAPED = re.compile(r'\\(["\\\]])')

_ABSENT = object()


def fields_in(message: str, structured_data: str) -> list[tuple[str, str]]:
    """The fields of an event as names with values, in order, at most :data:`MOST_FIELDS`.

    Args:
        message: as the event has it, with its colours.
        structured_data: as the event has it.
    """
    return list(islice(FieldSource(message, structured_data).fields(), MOST_FIELDS))


def values_of(message: str, structured_data: str, name: str) -> list[str]:
    """The values of the field ``name`` of an event, in order, at most :data:`MOST_VALUES`.

    Args:
        message, structured_data: as for :func:`fields_in`.
        name: with its dots, in the case in which the event has it.
    """
    return FieldSource(message, structured_data).values(name)


class FieldSource:
    """The texts of an event, each parsed once for any number of names. Arguments as for :func:`fields_in`."""

    def __init__(self, message: str, structured_data: str) -> None:
        sd_text, self._sd_object = _split(structured_data)
        self._sd_levels = _levels(len(structured_data) - len(sd_text))
        # Structured data is parameters or an object, never pairs.
        self._sd_text = sd_text[:PAIRS_WITHIN] if sd_text.startswith("[") else ""
        message = without_colours(message)
        text, self._object = _split(message)
        self._levels = _levels(len(message) - len(text))
        self._text = text[:PAIRS_WITHIN]

    def fields(self) -> Iterator[tuple[str, str]]:
        """All fields, in order; none has a name longer than :data:`LONGEST_NAME`, for which no search can ask."""
        yield from ((name, value) for _, name, value in self._parameters if len(name) <= LONGEST_NAME)
        yield from _leaves(self._sd_object, None, self._sd_levels)
        yield from ((name, value) for name, value in self._pairs if len(name) <= LONGEST_NAME)
        yield from _leaves(self._object, None, self._levels)

    def values(self, name: str) -> list[str]:
        """The values of the field ``name``, in order, at most :data:`MOST_VALUES`."""
        if len(name) > LONGEST_NAME:
            return []
        found: list[str] = []
        # A look for the name costs a small part of what parsing costs.
        if self._sd_text and f'{name.rpartition(".")[2]}="' in self._sd_text:
            found += [value for element, key, value in self._parameters if name in (key, f"{element}.{key}")]
        found += islice(_values(self._sd_object, name, self._sd_levels), MOST_VALUES)
        if f"{name}=" in self._text:
            found += [value for key, value in self._pairs if key == name]
        found += islice(_values(self._object, name, self._levels), MOST_VALUES)
        return found[:MOST_VALUES]

    @cached_property
    def _parameters(self) -> list[tuple[str, str, str]]:
        return list(_parameters(self._sd_text))

    @cached_property
    def _pairs(self) -> list[tuple[str, str]]:
        return list(_pairs(self._text))


def _split(text: str) -> tuple[str, Any]:
    """``text`` before the JSON object at its end, and that object; without one, the whole of it and ``None``."""
    begin = _BRACE.search(text)
    if begin is None:
        return text, None
    found = _json(text[begin.start() :])
    return (text, None) if found is None else (text[: begin.start()], found)


def _levels(length: int) -> int:
    return DEEPEST_FIELD if length <= LONG_JSON else DEEPEST_IN_LONG_JSON


def _json(text: str) -> Any:
    """The object that ``text``, which begins with a brace, is: numbers are texts. ``None`` if it is not JSON."""
    if _has_many_containers(text):
        return None
    if "\\u0000" in text or _SURROGATE.search(text):
        # PostgreSQL raises an error for these. Where no backslash is doubled, each begins an escape.
        text = text.replace("\\\\", "\\u005c").replace("\\u0000", "\\ufffd")
        text = _LOW.sub(r"\\ufffd", _HIGH.sub(r"\\ufffd", text))
    try:
        return json.loads(text, parse_int=str, parse_float=str, parse_constant=_refused)
    except ValueError:
        return None


def _refused(constant: str) -> Any:
    raise ValueError(constant)


def _has_many_containers(text: str) -> bool:
    if len(text) <= MOST_CONTAINERS or text.count("{") + text.count("[") <= MOST_CONTAINERS:
        return False
    outside = _STRING.sub("", text)
    return outside.count("{") + outside.count("[") > MOST_CONTAINERS


def _leaves(node: Any, name: str | None, levels: int) -> Iterator[tuple[str, str]]:
    """The names and values in ``node``, whose own name is ``name``, down to ``levels`` of objects and arrays."""
    if isinstance(node, dict):
        if levels:
            for key, value in node.items():
                joined = key if name is None else f"{name}.{key}"
                if len(joined) <= LONGEST_NAME:
                    yield from _leaves(value, joined, levels - 1)
    elif isinstance(node, list):
        if levels:
            for each in node:
                yield from _leaves(each, name, levels - 1)
    elif name is not None:
        yield name, _text(node)


def _values(node: Any, name: str | None, levels: int) -> Iterator[str]:
    """The values in ``node`` of the field that is called ``name`` from there on; ``None``: ``node`` itself."""
    if isinstance(node, dict):
        if levels and name is not None:
            whole = node.get(name, _ABSENT)
            if whole is not _ABSENT:
                yield from _values(whole, None, levels - 1)
            at = name.find(".")
            while at >= 0:
                part = node.get(name[:at])
                if isinstance(part, dict | list):
                    yield from _values(part, name[at + 1 :], levels - 1)
                at = name.find(".", at + 1)
    elif isinstance(node, list):
        if levels:
            for each in node:
                yield from _values(each, name, levels - 1)
    elif name is None and node is not _ABSENT:
        yield _text(node)


def _text(value: Any) -> str:
    if value is None:
        return "null"
    return value if isinstance(value, str) else "true" if value else "false"


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    if "=" not in text:
        return
    quoted = _QUOTED.findall(text) if '="' in text else []
    if quoted:
        numbers = count()
        text = _QUOTED.sub(lambda _: f'="{next(numbers)}"', text)
    for key, value in _PAIR.findall(text):
        if value.startswith('"'):
            yield key, _ESCAPED.sub(r"\1", quoted[int(value[1:-1])])
        else:
            yield key, _bare(value)


def _bare(value: str) -> str:
    """``value`` without what closes a text around it: ``(user=root)``, ``{a=1, b=2}``, ``msg='op=login'``."""
    return (value if _OPENING.search(value) else value.rstrip(")]}'")).strip("'")


def _parameters(text: str) -> Iterator[tuple[str, str, str]]:
    """The parameters of structured data, each with the id of its element, its name and its value."""
    element = ""
    for opened, name, value in _PARAMETER.findall(text):
        if opened:
            element = opened
        else:
            yield element, name, _ESCAPED.sub(r"\1", value)
