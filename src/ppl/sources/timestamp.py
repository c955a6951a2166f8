"""Times of log lines as µs since the epoch: RFC 3339, its relatives, RFC 3164's without a year, and epochs.

A timestamp counts only when it is *sane*: a real calendar time, not before 1990 and not more than a day after the
receipt. All functions give ``None`` for any other; the time of receipt is used in its place.

A local time can mean several moments: RFC 3164 leaves out the year, and the hour that a zone repeats in autumn comes
twice. The moment nearest to the receipt is taken.
"""

from __future__ import annotations

import re
from calendar import timegm
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import TypeVar
from zoneinfo import ZoneInfo, available_timezones

from ppl.model import SECOND

_OLDEST = timegm((1990, 1, 1, 0, 0, 0)) * SECOND
_DAY = _MOST_AHEAD = 86_400 * SECOND
_NEAR = 150 * _DAY

_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
#: The first three letters of a month's name in lower case → its number.
MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, 1)}

#: Seconds as text → µs. RFC 3339 knows leap seconds: ``60`` is the next minute's first.
SECONDS = {f"{number:02}": number * SECOND for number in range(61)}

#: Hours ahead of UTC for names of zones: RFC 5322 section 4.3's, and others that mean one zone only.
ZONE_HOURS = {
    "UTC": 0.0, "GMT": 0.0, "UT": 0.0, "Z": 0.0,
    "EST": -5.0, "EDT": -4.0, "CST": -6.0, "CDT": -5.0, "MST": -7.0, "MDT": -6.0, "PST": -8.0, "PDT": -7.0,
    "AKST": -9.0, "AKDT": -8.0, "HST": -10.0, "BRT": -3.0, "BRST": -2.0, "ART": -3.0, "COT": -5.0,
    "WET": 0.0, "WEST": 1.0, "BST": 1.0, "CET": 1.0, "CEST": 2.0, "MEZ": 1.0, "MESZ": 2.0, "MET": 1.0, "MEST": 2.0,
    "EET": 2.0, "EEST": 3.0, "MSK": 3.0, "TRT": 3.0, "SAST": 2.0, "PKT": 5.0, "HKT": 8.0, "SGT": 8.0, "AWST": 8.0,
    "JST": 9.0, "KST": 9.0, "ACST": 9.5, "ACDT": 10.5, "AEST": 10.0, "AEDT": 11.0, "ChST": 10.0,
    "NZST": 12.0, "NZDT": 13.0,
}  # fmt: skip

#: Names that several countries use for different zones: only an account in one of them tells which is meant.
AMBIGUOUS_ZONES = frozenset({"IST", "AST", "ADT", "WIB", "PHT", "GST", "ICT"})


def latest_sane(received_at: int) -> int:
    """The latest timestamp that is believed in a line received at ``received_at``."""
    return received_at + _MOST_AHEAD


def is_sane(moment: int, received_at: int) -> bool:
    """Whether a sender's timestamp is believed."""
    return _OLDEST <= moment <= latest_sane(received_at)


_Value = TypeVar("_Value")


class Memo(dict[str, _Value]):
    """Caches the result of :meth:`find` for each text; when it holds too many, it forgets all."""

    _most = 4096

    def __missing__(self, text: str) -> _Value:
        if len(self) >= self._most:
            self.clear()
        value = self[text] = self.find(text)
        return value

    def find(self, text: str) -> _Value:
        """The value that ``text`` stands for."""
        raise NotImplementedError


class Minutes(Memo[int | None]):
    """``2026-11-23T12:00+02:00`` → µs of that minute, ``None`` for text that is not a time or is before 1990.

    Timestamps of a read share a few minutes, so parsing each minute once leaves only an addition per line.
    """

    def find(self, text: str) -> int | None:
        """See :class:`Memo`."""
        moments = minute_moments(text, UTC)
        return moments[0] if moments else None


@lru_cache(maxsize=4096)
def minute_moments(text: str, zone: tzinfo) -> tuple[int, ...]:
    """The moments, in µs, that a minute can mean: two in the hour that ``zone`` repeats, none if it is not a time.

    ``text`` is ``2026-11-23T12:00`` with ``Z``, ``+02:00`` or nothing, which means in ``zone``.
    """
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            readings = [moment]
        else:
            first, second = (moment.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
            # In the hour that is skipped in spring, the second reading is the earlier one, and neither clock showed it.
            is_repeated = second.utcoffset() != first.utcoffset() and second.timestamp() > first.timestamp()
            readings = [first, second] if is_repeated else [first]
        found = [int(each.timestamp()) * SECOND for each in readings]
        return tuple(each for each in found if each >= _OLDEST)
    except (ValueError, OverflowError):
        return ()


@lru_cache(maxsize=256)
def named_zone(name: str, minute: str, zone: tzinfo) -> tzinfo | None:
    """The zone that ``name`` means in a line of ``minute`` for an account in ``zone``; ``None``: it is not known.

    ``CST`` is China's time for an account there, and RFC 5322's everywhere else.
    """
    try:
        local = datetime.fromisoformat(minute)
        for fold in (0, 1):
            aware = local.replace(tzinfo=zone, fold=fold)
            offset = aware.utcoffset()
            if aware.tzname() == name and offset is not None:
                return timezone(offset)
    except (ValueError, OverflowError):
        return None
    hours = ZONE_HOURS.get(name)
    if hours is None and not name.isupper():
        hours = ZONE_HOURS.get(name.upper())
    return None if hours is None else UTC if not hours else timezone(timedelta(hours=hours))


def place_zone(name: str) -> tzinfo | None:
    """The zone of an IANA name such as ``Europe/Berlin``; ``None``: there is none of that name."""
    return ZoneInfo(name) if name in _place_names() else None


@lru_cache(maxsize=1)
def _place_names() -> frozenset[str]:
    # Asking for one name that is not there reads directories each time: a sender could keep the process busy.
    return frozenset(available_timezones())


def nearest(minutes: tuple[int, ...], within: int, received_at: int) -> int | None:
    """Of the moments ``within`` (µs) each of ``minutes`` the nearest to the receipt, if that is sane."""
    if not minutes:
        return None
    moment = minutes[0] + within
    # Other years are as good as always further away, and need not be looked at.
    if len(minutes) > 1 and (abs(moment - received_at) > _NEAR or abs(minutes[1] - minutes[0]) < _NEAR):
        moment = min((each + within for each in minutes), key=lambda each: abs(each - received_at))
    return moment if is_sane(moment, received_at) else None


_ISO = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}):([0-9]{2})(?:[.,]([0-9]{1,12}))?"
    r"(?:([Zz])|([+-][0-9]{2})(?::?([0-9]{2}))?)?"
)


def iso(text: str, received_at: int, zone: tzinfo) -> int | None:
    """RFC 3339 and its near variants (no zone, ``+0200``, a blank for ``T``) as µs; digits beyond µs are dropped."""
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    date, minute, seconds, fraction, zulu, hours, minutes = match.groups()
    suffix = "+00:00" if zulu else f"{hours}:{minutes or '00'}" if hours else ""
    return moment_of(date[:4], f"{date[4:]}T{minute}{suffix}", seconds, fraction, received_at, zone)


@lru_cache(maxsize=4096)
def yearless_moments(date: str, around: int, zone: tzinfo) -> tuple[int, ...]:
    """The moments, in µs, that ``-11-23T12:00`` can mean in the year ``around`` and its neighbours."""
    return tuple(
        moment for year in (around, around - 1, around + 1) for moment in minute_moments(f"{year:04}{date}", zone)
    )


def moment_of(
    year: str | None, minute: str, second: str, fraction: str | None, received_at: int, zone: tzinfo
) -> int | None:
    """The moment, in µs, of ``-11-23T12:00`` (perhaps with an offset) and a second, if that is sane.

    Args:
        year: ``None``: the one nearest to the receipt.
        minute: as above.
        second: two digits.
        fraction: the digits after the point.
        received_at: µs of receipt.
        zone: time zone of a time without an offset.
    """
    within = SECONDS.get(second)
    if within is None:
        return None
    if fraction:
        within += microseconds(fraction)
    if year:
        return nearest(minute_moments(year + minute, zone), within, received_at)
    return nearest(yearless_moments(minute, year_of(received_at // _DAY), zone), within, received_at)


@lru_cache(maxsize=64)
def year_of(day: int) -> int:
    """The year, in UTC, of a ``day`` since the epoch."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)).year


def microseconds(fraction: str) -> int:
    """The digits after the point as µs: ``5`` is 500,000; beyond six they are dropped."""
    return int((fraction + "000000")[:6])


def epoch(digits: str, fraction: str, received_at: int) -> int | None:
    """A number of seconds, ms, µs or ns since the epoch, by its size, as µs; ``None`` if that is not sane."""
    number = int(digits)
    for factor in (SECOND, 1000, 1):
        moment = number * factor + (microseconds(fraction) if factor == SECOND else 0)
        if is_sane(moment, received_at):
            return moment
    moment = number // 1000
    return moment if is_sane(moment, received_at) else None
