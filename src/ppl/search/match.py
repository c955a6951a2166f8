"""A tree compiled to a predicate over live events: the same answer as the condition in SQL, without a database.

The predicate is built of closures, once per query. Each takes time at most linear in the event's text: substring
searches, and RE2.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from ppl.model import Event
from ppl.search.colours import without_colours
from ppl.search.fields import FieldSource
from ppl.search.literals import literals
from ppl.search.regex.charset import SEPARATOR
from ppl.search.regex.engines import for_re2
from ppl.search.regex.folding import fold
from ppl.search.tree import (
    And,
    Before,
    Contains,
    Exact,
    Facility,
    Field,
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
    split_words,
    with_joint_refusal,
    written,
)  # fmt: skip
from ppl.search.values import like, value_test

Predicate = Callable[[Event], bool]


def predicate(node: Node) -> Predicate:
    """A function that tells whether ``node`` matches an event."""
    test = _compiled(node)
    return lambda event: test(_Folded(event))


class _Folded:
    """An event and its texts, each folded on first use; its fields are read on first use."""

    __slots__ = ("_fields", "_texts", "_values", "event")

    def __init__(self, event: Event) -> None:
        self.event = event
        self._texts: dict[Field, str] = {}
        self._fields: FieldSource | None = None
        self._values: dict[str, list[str]] = {}

    def values(self, name: str) -> list[str]:
        """The values of the field ``name``."""
        values = self._values.get(name)
        if values is None:
            if self._fields is None:
                self._fields = FieldSource(self.event.message, self.event.structured_data)
            values = self._values[name] = self._fields.values(name)
        return values

    def text(self, field: Field) -> str:
        """The folded text of ``field``; for ``ANY``, the texts of all fields joined by :data:`SEPARATOR`."""
        text = self._texts.get(field)
        if text is None:
            text = self._texts[field] = fold(_TEXTS[field](self.event))
        return text


_TEXTS: dict[Field, Callable[[Event], str]] = {
    Field.HOST: lambda event: event.hostname,
    Field.IP: lambda event: event.sender_ip,
    Field.PROGRAM: lambda event: event.file_name,
    Field.PROCID: lambda event: event.procid,
    Field.MSGID: lambda event: event.msgid,
    # As it was received: so the details, the exports and the API show it, and so it is copied into a search.
    Field.STRUCTURED_DATA: lambda event: event.structured_data,
    Field.MESSAGE: lambda event: without_colours(event.message),
}
_FIELDS = {
    Field.SENDER: (Field.HOST, Field.IP),
    Field.ANY: tuple(_TEXTS),
}


def _joint(event: Event) -> str:
    texts = (
        event.hostname, event.sender_ip, event.file_name, event.procid, event.msgid, event.structured_data,
        without_colours(event.message),
    )  # fmt: skip
    return SEPARATOR.join(texts)


_TEXTS[Field.ANY] = _joint

_Test = Callable[[_Folded], bool]


def _compiled(node: Node) -> _Test:
    if isinstance(node, Not):
        test = _compiled(node.node)
        return lambda folded: not test(folded)
    if isinstance(node, And):
        tests = [_compiled(each) for each in with_joint_refusal(node.nodes)]
        return lambda folded: all(test(folded) for test in tests)
    if isinstance(node, Or):
        return _any(node)
    if isinstance(node, Contains):
        return _contains(node)
    if isinstance(node, Exact):
        return _equal(node)
    if isinstance(node, Glob):
        return _in_any(_FIELDS.get(node.field, (node.field,)), like(fold(node.pattern).split("*")))
    if isinstance(node, Regex):
        return _found(node)
    if isinstance(node, InField):
        return _field(node)
    return _other(node)


def _any(node: Or) -> _Test:
    texts, others = split_words(node.nodes, SEPARATOR)
    words = [fold(text) for text in texts]
    tests = [_compiled(each) for each in others]

    def test(folded: _Folded) -> bool:
        if words:
            whole = folded.text(Field.ANY)
            for word in words:
                if word in whole:
                    return True
        return any(test(folded) for test in tests)

    return test


def _contains(node: Contains) -> _Test:
    text = fold(node.text)
    fields = _fields(node.field, as_one=SEPARATOR not in text)
    return _in_any(fields, lambda whole: text in whole)


def _equal(node: Exact) -> _Test:
    texts, wanted = [_TEXTS[field] for field in _FIELDS.get(node.field, (node.field,))], node.text
    return lambda folded: any(text(folded.event) == wanted for text in texts)


def _fields(field: Field, as_one: bool) -> tuple[Field, ...]:
    return (field,) if field is Field.ANY and as_one else _FIELDS.get(field, (field,))


def _in_any(fields: tuple[Field, ...], matches: Callable[[str], bool]) -> _Test:
    if len(fields) == 1:
        only = fields[0]
        return lambda folded: matches(folded.text(only))
    return lambda folded: any(matches(folded.text(field)) for field in fields)


def _found(node: Regex) -> _Test:
    search = for_re2(node.pattern)
    fields = _fields(node.field, as_one=not node.pattern.is_anchored)
    needed = literals(node)

    def matches(text: str) -> bool:
        return all(any(each in text for each in texts) for texts in needed) and search(text.encode("utf-8", "replace"))

    return _in_any(fields, matches)


def _field(node: InField) -> _Test:
    needed, matches, name = literals(node), value_test(node), node.name
    as_written = [_contains(each) for each in written(node)] if isinstance(node, FieldWord) else []

    def test(folded: _Folded) -> bool:
        whole = folded.text(Field.ANY)
        if not all(any(each in whole for each in texts) for texts in needed):
            return False
        return any(test(folded) for test in as_written) or any(map(matches, folded.values(name)))

    return test


def _other(node: Node) -> _Test:
    if isinstance(node, InNetwork):
        network = node.network
        return lambda folded: (address := _address(folded.event.sender_ip)) is not None and address in network
    if isinstance(node, Severity):
        first, last = node.first, node.last
        return lambda folded: folded.event.severity is not None and first <= folded.event.severity <= last
    if isinstance(node, Facility):
        number = node.number
        return lambda folded: folded.event.facility == number
    if isinstance(node, Since):
        since = node.time
        return lambda folded: folded.event.id >= since
    if isinstance(node, Before):
        before = node.time
        return lambda folded: folded.event.id < before
    return lambda folded: True


@lru_cache(maxsize=4096)
def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
