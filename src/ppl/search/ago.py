"""Durations such as ``3 hours``, ``1h30m``, ``half an hour``, subtracted from a time in the reader's zone."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, datetime, timedelta

UNITS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), "seconds"),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), "minutes"),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), "hours"),
    **dict.fromkeys(("d", "day", "days"), "days"),
    **dict.fromkeys(("w", "wk", "week", "weeks"), "weeks"),
    **dict.fromkeys(("mo", "month", "months"), "months"),
    **dict.fromkeys(("y", "yr", "year", "years"), "years"),
}
_NUMBERS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6,
    "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12,
}  # fmt: skip
_HALF = re.compile(r"\bhalf\s+an?\b")
_AMOUNT = re.compile(r"(\d{1,6}(?:\.\d{1,6})?|[a-z]+)\s*([a-z]+)[\s,]*(?:and\s+)?")


class NotAnAmount(ValueError):
    """The text is not a sum of amounts such as ``3 hours``."""


def back(text: str, local: datetime) -> datetime:
    """``local`` minus the amounts in ``text``: ``3 hours``, ``1h30m``, ``2 days and 4 hours``.

    Raises:
        NotAnAmount: the text is not a sum of amounts.
        OverflowError: the result's year is out of range.
    """
    text, at = _HALF.sub("0.5", text), 0
    while at < len(text):
        match = _AMOUNT.match(text, at)
        unit = UNITS.get(match[2]) if match else None
        if match is None or unit is None:
            raise NotAnAmount
        local = _part_less(local, match[1], unit) if "." in match[1] else _whole_less(local, match[1], unit)
        at = match.end()
    return local


def _whole_less(local: datetime, number: str, unit: str) -> datetime:
    count = int(number) if number.isdecimal() else _NUMBERS.get(number)
    if count is None:
        raise NotAnAmount
    return less(local, count, unit)


def _part_less(local: datetime, number: str, unit: str) -> datetime:
    """``local`` minus a part of ``unit``, as elapsed time; a part of a month or year has no definite length."""
    if unit in ("months", "years"):
        raise NotAnAmount
    return (local.astimezone(UTC) - timedelta(**{unit: float(number)})).astimezone(local.tzinfo)


def less(local: datetime, count: int, unit: str) -> datetime:
    """``local`` minus ``count`` of ``unit``. Days and longer keep the time of day. Raises ``OverflowError``."""
    if unit in ("seconds", "minutes", "hours"):
        # Elapsed time, computed in UTC: a clock change in between does not matter.
        return (local.astimezone(UTC) - timedelta(**{unit: count})).astimezone(local.tzinfo)
    if unit in ("days", "weeks"):
        return local - timedelta(**{unit: count})
    months = local.year * 12 + local.month - 1 - count * (12 if unit == "years" else 1)
    year, month = divmod(months, 12)
    if not 1 <= year <= 9999:
        raise OverflowError
    return local.replace(year=year, month=month + 1, day=min(local.day, monthrange(year, month + 1)[1]))
