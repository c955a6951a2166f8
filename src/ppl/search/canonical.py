"""A tree written as query text, for the viewer and for programs that build queries. It parses to the same tree."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo

from ppl.model import FACILITIES, SEVERITIES
from ppl.search.attributes import ATTRIBUTES, FIELD
from ppl.search.tree import (
    And,
    Before,
    Contains,
    Everything,
    Exact,
    Facility,
    Field,
    FieldExact,
    FieldGlob,
    FieldNumber,
    FieldRegex,
    FieldWord,
    Glob,
    InField,
    InNetwork,
    Node,
    Not,
    Or,
    Regex,
    Severity,
    Since,
)  # fmt: skip

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PLAIN = re.compile(r"""[^\s()"'/*=“”„‘‚«»-][^\s()*]*""")
_SPECIAL = re.compile(rf"(?:AND|OR|NOT)\Z|(?:{'|'.join(ATTRIBUTES)}):", re.IGNORECASE | re.ASCII)


def canonical(node: Node, zone: tzinfo = UTC) -> str:
    """``node`` in the language; times are written in ``zone``."""
    if isinstance(node, Or):
        return " OR ".join(canonical(each, zone) for each in node.nodes)
    if isinstance(node, And):
        return " ".join(_grouped(each, zone, (Or,)) for each in node.nodes)
    if isinstance(node, Not):
        return "-" + _grouped(node.node, zone, (Or, And))
    return _leaf(node, zone)


def _grouped(node: Node, zone: tzinfo, loose: tuple[type, ...]) -> str:
    text = canonical(node, zone)
    return f"({text})" if isinstance(node, loose) else text


def _leaf(node: Node, zone: tzinfo) -> str:
    if isinstance(node, Contains):
        return _prefix(node.field) + quoted(node.text)
    if isinstance(node, Exact):
        return exact(node.field, node.text)
    if isinstance(node, Glob):
        return _prefix(node.field) + node.pattern
    if isinstance(node, Regex):
        return f"{_prefix(node.field)}/{node.pattern.source}/"
    if isinstance(node, InField):
        return _field(node)
    if isinstance(node, InNetwork):
        whole = node.network.prefixlen == node.network.max_prefixlen
        return f"ip:{node.network.network_address if whole else node.network}"
    if isinstance(node, Severity):
        return "severity:" + _severities(node)
    if isinstance(node, Facility):
        return f"facility:{FACILITIES[node.number]}"
    if isinstance(node, Since):
        return f"after:{_time(node.time, zone)}"
    if isinstance(node, Before):
        return f"before:{_time(node.time, zone)}"
    assert isinstance(node, Everything)
    return ""


def quoted(text: str) -> str:
    """``text`` as a term that is searched for literally: a word if possible, else a phrase in quotes."""
    return text if _PLAIN.fullmatch(text) and not _SPECIAL.match(text) and not FIELD.match(text) else _phrase(text)


def _phrase(text: str) -> str:
    quote = "'" if '"' in text and "'" not in text else '"'
    return quote + text.replace(quote, quote * 2) + quote


def exact(field: Field, text: str) -> str:
    """The term that matches if the whole of ``field`` is ``text``."""
    return f"{_prefix(field)}={quoted(text)}"


def exact_field(name: str, value: str) -> str:
    """The term that matches if a value of the field ``name`` is ``value``.

    A name that the language cannot write, such as one with a blank, gives the term that finds ``value`` anywhere.
    """
    prefix = _field_prefix(name)
    return f"{prefix}={quoted(value)}" if FIELD.match(f"{prefix}=") else quoted(value)


def _field(node: InField) -> str:
    prefix = _field_prefix(node.name)
    if isinstance(node, FieldExact):
        return f"{prefix}={quoted(node.text)}"
    if isinstance(node, FieldGlob):
        # Directly after the name's colon, these would make text of it.
        return prefix + (f"({node.pattern})" if node.pattern.startswith((":", "//")) else node.pattern)
    if isinstance(node, FieldRegex):
        return f"{prefix}/{node.pattern.source}/"
    if isinstance(node, FieldNumber):
        return prefix + node.sign + node.operand
    assert isinstance(node, FieldWord)
    # Without quotes, a comparison or text instead of a field.
    return prefix + (_phrase(node.text) if node.text.startswith((">", "<", ":")) else quoted(node.text))


def _field_prefix(name: str) -> str:
    return f"{'.' if name.lower() in ATTRIBUTES else ''}{name}:"


def _prefix(field: Field) -> str:
    return f"{field.value}:" if field.value else ""


def _severities(node: Severity) -> str:
    if node.first == node.last:
        return SEVERITIES[node.first]
    return f">={SEVERITIES[node.last]}" if node.first == 0 else f"<={SEVERITIES[node.first]}"


def _time(microseconds: int, zone: tzinfo) -> str:
    moment = _EPOCH + timedelta(microseconds=microseconds)
    try:
        text = moment.astimezone(zone).isoformat()
    except OverflowError:
        text = moment.isoformat()  # the last hours of 9999 would be in the year 10000 in a zone east of UTC
    return text.replace("+00:00", "Z")
