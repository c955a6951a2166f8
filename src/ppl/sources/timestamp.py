"""Timestamps of syslog messages as µs since the epoch: RFC 3339, its relatives, and RFC 3164's without a year.

A timestamp counts only when it is *sane*: a real calendar time, not before 1990 and not more than a day after the
receipt. All functions give ``None`` for any other; the time of receipt is used in its place.
"""

from __future__ import annotations

import re
from calendar import timegm
from datetime import UTC, datetime, tzinfo
from functools import lru_cache

from ppl.model import SECOND

_OLDEST = timegm((1990, 1, 1, 0, 0, 0)) * SECOND
_MOST_AHEAD = 86_400 * SECOND

_MONTH_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, 1)}

#: Seconds as text → µs. RFC 3339 knows leap seconds: ``60`` is the next minute's first.
SECONDS = {f"{number:02}": number * SECOND for number in range(61)}


def latest_sane(received_at: int) -> int:
    """The latest timestamp that is believed in a line received at ``received_at``."""
    return received_at + _MOST_AHEAD


def is_sane(microseconds: int, received_at: int) -> bool:
    """Whether a sender's timestamp is believed."""
    return _OLDEST <= microseconds <= latest_sane(received_at)


class Memo(dict[str, int | None]):
    """Caches the result of :meth:`find` for each text; when it holds too many, it forgets all."""

    _most = 4096

    def __missing__(self, text: str) -> int | None:
        if len(self) >= self._most:
            self.clear()
        value = self[text] = self.find(text)
        return value

    def find(self, text: str) -> int | None:
        """The value that ``text`` stands for; ``None`` if there is none."""
        raise NotImplementedError


class Minutes(Memo):
    """``2026-11-23T12:00+02:00`` → µs of that minute, ``None`` for text that is not a time or is before 1990.

    Timestamps of a read share a few minutes, so parsing each minute once leaves only an addition per line.
    """

    def find(self, text: str) -> int | None:
        """See :class:`Memo`."""
        return minute_microseconds(text, UTC)


@lru_cache(maxsize=4096)
def minute_microseconds(text: str, zone: tzinfo) -> int | None:
    """``2026-11-23T12:00`` with ``Z``, ``+02:00`` or nothing (then in ``zone``) as µs; ``None`` if it is not a time."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
        value = int(moment.timestamp()) * SECOND
        return value if value >= _OLDEST else None
    except (ValueError, OverflowError):
        return None


_ISO = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}):([0-9]{2})(?:[.,]([0-9]{1,9}))?"
    r"(?:([Zz])|([+-][0-9]{2}):?([0-9]{2}))?"
)


def iso(text: str, received_at: int, zone: tzinfo) -> int | None:
    """RFC 3339 and its near variants (no zone, ``+0200``, a blank for ``T``) as µs; digits beyond µs are dropped."""
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    date, minute, seconds, fraction, zulu, hours, minutes = match.groups()
    suffix = "+00:00" if zulu else f"{hours}:{minutes}" if hours else ""
    base = minute_microseconds(f"{date}T{minute}{suffix}", zone)
    return _sum(base, seconds, fraction, received_at)


def bsd(
    month: str, day: str, clock: str, fraction: str | None, year: str | None, received_at: int, zone: tzinfo
) -> int | None:
    """RFC 3164 section 4.1.2's ``Oct 11 22:14:15`` in ``zone``; without a year, the one nearest to the receipt."""
    minute, seconds = clock[:5], clock[6:]
    this_year = datetime.fromtimestamp(received_at // SECOND, UTC).year
    years = [int(year)] if year else [this_year, this_year - 1, this_year + 1]
    found = []
    for each in years:
        base = minute_microseconds(f"{each:04}-{MONTHS[month]:02}-{int(day):02}T{minute}", zone)
        moment = _sum(base, seconds, fraction, received_at)
        if moment is not None:
            found.append(moment)
    return min(found, key=lambda moment: abs(moment - received_at), default=None)


def _sum(base: int | None, seconds: str, fraction: str | None, received_at: int) -> int | None:
    within = SECONDS.get(seconds)
    if base is None or within is None:
        return None
    moment = base + within + microseconds(fraction or "")
    return moment if is_sane(moment, received_at) else None


def microseconds(fraction: str) -> int:
    """The digits after the point as µs: ``5`` is 500,000; beyond six they are dropped."""
    return int((fraction + "000000")[:6])
