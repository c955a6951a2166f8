"""Numbers with units as people and programs write them: ``500``, ``0.8s``, ``200ms``, ``10KB``, ``95%``.

:func:`parse_quantity` reads the operand of a comparison (``duration:>200ms``), :func:`measured` the value that is
compared. ``event_number`` in the database (migration 0016) reads values in the same way; a property test holds them
equal.
"""

from __future__ import annotations

import re
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from typing import Literal

import attrs

Measure = Literal["number", "any", "time", "bytes"]
"""What values are taken as: numbers without a unit, numbers whatever their unit, nanoseconds, or bytes."""

_LONGEST = 64
_NUMBER = re.compile(r"([-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?)(?:[ ]?([A-Za-zµμ%]+))?\Z")
_TIME = {
    "ns": 1, "us": 1_000, "µs": 1_000, "ms": 1_000_000, "s": 10**9, "sec": 10**9, "seconds": 10**9,
    "m": 60 * 10**9, "min": 60 * 10**9, "h": 3_600 * 10**9, "d": 86_400 * 10**9,
}  # fmt: skip
_BYTES = {
    "b": 1, "bytes": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12,
    "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
}  # fmt: skip
_SMALL = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZμ", "abcdefghijklmnopqrstuvwxyzµ")
# A number of 64 characters times a factor, in full.
_IN_FULL = Context(prec=2_000, Emax=MAX_EMAX, Emin=MIN_EMIN)


@attrs.frozen
class Quantity:
    """The operand of a comparison: a number, in nanoseconds or bytes if it was written with such a unit."""

    number: Decimal
    measure: Measure


def parse_quantity(text: str) -> Quantity | None:
    """The operand ``text``; ``None`` if it is not a number."""
    for measure in ("time", "bytes"):
        number = measured(text, measure)
        if number is not None:
            return Quantity(number, measure)
    number = measured(text, "any")
    return None if number is None else Quantity(number, "any")


def measured(value: str, measure: Measure) -> Decimal | None:
    """The number that ``value`` is in ``measure``; ``None`` if it is not such a number."""
    match = _NUMBER.match(value) if len(value) <= _LONGEST else None
    if match is None:
        return None
    number = Decimal(match[1])
    if match[2] is None:
        return number if measure in ("number", "any") else None
    unit = match[2].translate(_SMALL)
    if measure == "any":
        return number if unit == "%" or unit in _TIME or unit in _BYTES else None
    factor = {"time": _TIME, "bytes": _BYTES}.get(measure, {}).get(unit)
    return None if factor is None else _IN_FULL.multiply(number, Decimal(factor))


def in_full(number: Decimal) -> str:
    """``number`` in digits, without an exponent and without zeros at the end of its fraction."""
    text = format(number, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"
