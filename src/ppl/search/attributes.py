"""The attributes of the language (``sender:``, ``severity:`` …): which values each accepts, and what they mean."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import tzinfo
from enum import Enum, auto
from fnmatch import fnmatchcase
from ipaddress import ip_network

import attrs

from ppl.model import FACILITIES, FACILITY_WORDS, SEVERITIES, SEVERITY_WORDS
from ppl.search.errors import BadValue
from ppl.search.fields import LONGEST_NAME
from ppl.search.quantity import parse_quantity
from ppl.search.regex.engines import for_re2
from ppl.search.regex.parser import parse_regex
from ppl.search.regex.pattern import Pattern
from ppl.search.tree import (
    Before,
    Contains,
    Exact,
    Facility,
    Field,
    FieldExact,
    FieldGlob,
    FieldNumber,
    FieldRegex,
    FieldWord,
    Glob,
    InNetwork,
    Leaf,
    Node,
    Regex,
    Severity,
    Since,
    disjunction,
)  # fmt: skip
from ppl.search.when import parse_time


class Kind(Enum):
    """How a value was written."""

    WORD = auto()
    PHRASE = auto()
    REGEX = auto()


@attrs.frozen
class Value:
    """A word, the text within quotes or the expression between slashes; exact if ``=`` precedes it."""

    kind: Kind
    text: str
    is_exact: bool = False


@attrs.frozen
class ReadingContext:
    """The reader's zone, for times without one, and ``now`` in µs, for times such as ``3 hours ago``."""

    zone: tzinfo
    now: int


Meaning = Callable[[Value, ReadingContext], Node]


_EXACT = "a value without * (write it without = if * is to match any text, or in quotes if * is meant literally)"


@attrs.frozen
class TextIn:
    """Values are searched for in ``field``; words with ``*`` and exact values are compared with the whole field."""

    field: Field

    def __call__(self, value: Value, reader: ReadingContext) -> Leaf:
        field = self.field
        if value.kind is Kind.REGEX:
            return Regex(field, _pattern(value))
        has_star = value.kind is Kind.WORD and "*" in value.text
        if value.is_exact:
            if has_star:
                raise BadValue(_EXACT)
            return Exact(field, value.text)
        return Glob(field, value.text) if has_star and field is not Field.ANY else Contains(field, value.text)

    @property
    def takes_exact(self) -> bool:
        """Whether ``=`` may stand before a value."""
        return self.field is not Field.ANY


FIELD = re.compile(rf"\.?([A-Za-z_@][A-Za-z0-9_.@-]{{0,{LONGEST_NAME - 1}}}):(?!:|//)(?=[^\s)])")
"""The name of a field, with its colon and with a dot before it if it may also be an attribute; a value follows."""


@attrs.frozen
class InNamedField:
    """Values are searched for in the field ``name`` of JSON, of ``key=value`` pairs or of structured data."""

    name: str

    def __call__(self, value: Value, reader: ReadingContext) -> Leaf:
        if value.kind is Kind.REGEX:
            return FieldRegex(self.name, _pattern(value))
        if value.kind is Kind.PHRASE:
            return FieldExact(self.name, value.text) if value.is_exact else FieldWord(self.name, value.text)
        if value.is_exact and "*" in value.text:
            raise BadValue(_EXACT)
        if value.is_exact:
            return FieldExact(self.name, value.text)
        if "*" in value.text:
            return FieldGlob(self.name, value.text)
        sign = next((sign for sign in _COMPARISONS if value.text.startswith(sign)), "")
        operand = value.text.removeprefix(sign)
        if sign and parse_quantity(operand) is not None:
            return FieldNumber(self.name, sign, operand)
        return FieldWord(self.name, value.text)

    @property
    def takes_exact(self) -> bool:
        """Always: ``=`` may stand before a value."""
        return True


def _pattern(value: Value) -> Pattern:
    pattern = parse_regex(value.text)
    for_re2(pattern)  # raises BadValue here if the expression needs more memory than RE2 may use
    return pattern


_COMPARISONS = (">=", "<=", ">", "<", "=")
_SEVERITY = f"a severity: {', '.join(SEVERITIES)}, or a comparison such as >=warning"
_FACILITY = f"a facility: {', '.join(FACILITIES)}"
_ADDRESS = "an address such as 192.0.2.7, a network such as 192.0.2.0/24, or a pattern such as 192.0.2.*"


def _unsigned(text: str) -> str:
    return text.removeprefix(next((sign for sign in _COMPARISONS if text.startswith(sign)), ""))


def _severity(value: Value, reader: ReadingContext) -> Node:
    text = _word(value, _SEVERITY)
    sign = next((sign for sign in _COMPARISONS if text.startswith(sign)), "")
    numbers = _numbers(text.removeprefix(sign), SEVERITY_WORDS, len(SEVERITIES))
    if not numbers or (sign and len(numbers) > 1):
        raise BadValue(_SEVERITY)
    if not sign:
        if numbers == list(range(len(SEVERITIES))):
            return Severity(0, len(SEVERITIES) - 1)
        return disjunction([Severity(number, number) for number in numbers])
    # "At least warning" is warning and everything worse; worse severities have lower numbers.
    number, worst, mildest = numbers[0], 0, len(SEVERITIES) - 1
    first, last = {
        ">=": (worst, number), ">": (worst, number - 1), "<=": (number, mildest), "<": (number + 1, mildest),
        "=": (number, number),
    }[sign]  # fmt: skip
    if first > last:
        raise BadValue(f"a severity with others {'above' if sign == '>' else 'below'} it")
    return Severity(first, last)


class SeverityOrField:
    """``level:``: the severity, as most other tools call it, or what a field of this name has."""

    def __call__(self, value: Value, reader: ReadingContext) -> Node:
        in_field = InNamedField("level")(value, reader)
        try:
            severity = _severity(value, reader)
        except BadValue:
            if _unsigned(value.text.lower()) in SEVERITY_WORDS:
                raise  # as of `severity:`: none is above emerg, and none below debug
            return in_field
        is_compared = value.is_exact or value.text.startswith(_COMPARISONS)
        return severity if is_compared else disjunction([severity, in_field])

    @property
    def takes_exact(self) -> bool:
        """Always: ``=`` may stand before a value."""
        return True


def _facility(value: Value, reader: ReadingContext) -> Node:
    numbers = _numbers(_word(value, _FACILITY), FACILITY_WORDS, len(FACILITIES))
    if not numbers:
        raise BadValue(_FACILITY)
    return disjunction([Facility(number) for number in numbers])


def _word(value: Value, expected: str) -> str:
    if value.kind is Kind.REGEX:
        raise BadValue(expected)
    return value.text.lower()


def _numbers(text: str, names: dict[str, int], count: int) -> list[int]:
    """The numbers, ascending, that ``text`` names: by a keyword, a pattern of keywords or a number."""
    if text.isascii() and text.isdecimal() and len(text) <= 2:
        return [int(text)] if int(text) < count else []
    if "*" in text and len(text) <= 64:
        pattern = text.replace("[", "[[]").replace("?", "[?]")
        return sorted({number for name, number in names.items() if fnmatchcase(name, pattern)})
    return [names[text]] if text in names else []


def _ip(value: Value, reader: ReadingContext) -> Node:
    if value.kind is Kind.REGEX or (value.kind is Kind.WORD and "*" in value.text):
        return TextIn(Field.IP)(value, reader)
    try:
        if "%" in value.text:
            raise ValueError  # an IPv6 zone id: stored addresses have none
        return InNetwork(ip_network(value.text, strict=False))
    except ValueError as error:
        raise BadValue(_ADDRESS) from error


def _since(value: Value, reader: ReadingContext) -> Leaf:
    return Since(_time(value, reader))


def _before(value: Value, reader: ReadingContext) -> Leaf:
    return Before(_time(value, reader))


def _time(value: Value, reader: ReadingContext) -> int:
    if value.kind is Kind.REGEX:
        raise BadValue("a time")
    return parse_time(value.text, reader.zone, reader.now)


ATTRIBUTES: dict[str, Meaning] = {
    "sender": TextIn(Field.SENDER),
    "host": TextIn(Field.HOST),
    "ip": _ip,
    "program": TextIn(Field.PROGRAM),
    "file": TextIn(Field.PROGRAM),
    "procid": TextIn(Field.PROCID),
    "msgid": TextIn(Field.MSGID),
    "structured_data": TextIn(Field.STRUCTURED_DATA),
    "message": TextIn(Field.MESSAGE),
    "severity": _severity,
    "level": SeverityOrField(),
    "facility": _facility,
    "after": _since,
    "before": _before,
}
ANYWHERE = TextIn(Field.ANY)
"""The meaning of words without an attribute."""
