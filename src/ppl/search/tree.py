"""The tree of a query: frozen values that compare by meaning. ``ppl.search.language`` builds it; other modules read it.

``And`` and ``Or`` hold two nodes or more and never one of their own kind; ``Not`` never holds a ``Not``. The functions
:func:`conjunction`, :func:`disjunction` and :func:`negation` ensure this.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from ipaddress import IPv4Network, IPv6Network

import attrs

from ppl.search.regex.pattern import Pattern


class Field(Enum):
    """Where a text is searched for; the value is the attribute's name in the language."""

    ANY = ""
    """In any text of the event: hostname, address, program, PROCID, MSGID, structured data or message."""
    SENDER = "sender"
    """In hostname or address."""
    HOST = "host"
    IP = "ip"
    PROGRAM = "program"
    PROCID = "procid"
    MSGID = "msgid"
    STRUCTURED_DATA = "structured_data"
    MESSAGE = "message"


@attrs.frozen
class Everything:
    """Every event: the empty query."""


@attrs.frozen
class Contains:
    """The field contains ``text``."""

    field: Field
    text: str


@attrs.frozen
class Exact:
    """The whole field equals ``text``, case included; ``""`` matches an empty field."""

    field: Field
    text: str


@attrs.frozen
class Glob:
    """The whole field matches ``pattern``, where each ``*`` stands for any text; ``*`` alone is any non-empty field."""

    field: Field
    pattern: str


@attrs.frozen
class Regex:
    """The regular expression is found in the field."""

    field: Field
    pattern: Pattern


@attrs.frozen
class FieldWord:
    """A value of the field ``name`` has ``text`` as a whole word or phrase, or is the same number.

    So does an event in whose texts ``name:text`` stands as it was written.
    """

    name: str
    text: str


@attrs.frozen
class FieldExact:
    """A value of the field ``name`` equals ``text``, case included."""

    name: str
    text: str


@attrs.frozen
class FieldGlob:
    """A whole value of the field ``name`` matches ``pattern``, as for :class:`Glob`."""

    name: str
    pattern: str


@attrs.frozen
class FieldRegex:
    """The regular expression is found in a value of the field ``name``."""

    name: str
    pattern: Pattern


@attrs.frozen
class FieldNumber:
    """A value of the field ``name`` is a number for which ``sign operand`` is true.

    The sign is ``<``, ``<=``, ``>`` or ``>=``; the operand is as it was written: ``ppl.search.quantity`` reads it.
    """

    name: str
    sign: str
    operand: str


@attrs.frozen
class InNetwork:
    """The sender's address is in ``network``."""

    network: IPv4Network | IPv6Network


@attrs.frozen
class Severity:
    """``first <= severity <= last``, 0 (emerg) to 7 (debug). An event without severity does not match."""

    first: int
    last: int


@attrs.frozen
class Facility:
    """The facility is ``number``, 0 to 23. An event without facility does not match."""

    number: int


@attrs.frozen
class Since:
    """Received at ``time`` (µs) or later."""

    time: int


@attrs.frozen
class Before:
    """Received before ``time`` (µs)."""

    time: int


@attrs.frozen
class Not:
    """The events that ``node`` does not match."""

    node: Node


@attrs.frozen
class And:
    """The events that all of ``nodes`` match."""

    nodes: tuple[Node, ...]


@attrs.frozen
class Or:
    """The events that any of ``nodes`` matches."""

    nodes: tuple[Node, ...]


InField = FieldWord | FieldExact | FieldGlob | FieldRegex | FieldNumber
Leaf = Everything | InField | Contains | Exact | Glob | Regex | InNetwork | Severity | Facility | Since | Before
Node = Leaf | Not | And | Or


def conjunction(nodes: Sequence[Node]) -> Node:
    """The node that matches if all of ``nodes`` (at least one) do."""
    flat = [each for node in nodes for each in (node.nodes if isinstance(node, And) else (node,))]
    return flat[0] if len(flat) == 1 else And(tuple(flat))


def disjunction(nodes: Sequence[Node]) -> Node:
    """The node that matches if any of ``nodes`` (at least one) does."""
    flat = [each for node in nodes for each in (node.nodes if isinstance(node, Or) else (node,))]
    return flat[0] if len(flat) == 1 else Or(tuple(flat))


def negation(node: Node) -> Node:
    """The node that matches if ``node`` does not."""
    return node.node if isinstance(node, Not) else Not(node)


def written(node: FieldWord) -> tuple[Contains, ...]:
    """What else matches: the texts of the event with the field's name and value as they were written."""
    return (
        Contains(Field.ANY, f"{node.name}:{node.text}"),
        Contains(Field.ANY, f'{node.name}:"{node.text}"'),
    )


def with_joint_refusal(nodes: Sequence[Node]) -> list[Node]:
    """``nodes`` of an :class:`And` with all negated nodes merged into one ``Not`` at the end: one scan of a text."""
    refused = [node.node for node in nodes if isinstance(node, Not)]
    wanted: list[Node] = [node for node in nodes if not isinstance(node, Not)]
    return [*wanted, Not(disjunction(refused))] if refused else wanted


def split_words(nodes: Sequence[Node], separator: str) -> tuple[list[str], list[Node]]:
    """The texts among ``nodes`` that may be in any field and contain no ``separator``, and the other nodes."""
    texts: list[str] = []
    others: list[Node] = []
    for node in nodes:
        if isinstance(node, Contains) and node.field is Field.ANY and separator not in node.text:
            texts.append(node.text)
        else:
            others.append(node)
    return texts, others
