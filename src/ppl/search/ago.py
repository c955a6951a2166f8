"""Durations such as ``3 hours``, ``1h30m``, ``2 days and 4 hours``, subtracted from a time in the reader's zone."""

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
_NUMBERS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}
_AMOUNT = re.compile(r"(\d{1,6}|[a-z]+)\s*([a-z]+)[\s,]*(?:and\s+)?")


class NotAnAmount(ValueError):
    """The text is not a sum of amounts such as ``3 hours``."""


def back(text: str, local: datetime) -> datetime:
    """``local`` minus the amounts in ``text``: ``3 hours``, ``1h30m``, ``2 days and 4 hours``.

    Raises:
        NotAnAmount: the text is not a sum of amounts.
        OverflowError: the result's year is out of range.
    """
    at = 0
    while at < len(text):
        match = _AMOUNT.match(text, at)
        unit = UNITS.get(match[2]) if match else None
        if match is None or unit is None:
            raise NotAnAmount
        count = int(match[1]) if match[1].isdecimal() else _NUMBERS.get(match[1])
        if count is None:
            raise NotAnAmount
        local = less(local, count, unit)
        at = match.end()
    return local


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
