"""Finds the time at the beginning of a line, in the forms that programs and devices are seen to write.

:func:`read_stamp` takes a position in a line and gives the moment and where the text goes on. It knows RFC 3164's
``Oct 11 22:14:15`` with everything that vendors add (a year before, within or after it, a weekday, a fraction, a zone),
RFC 3339 and its relatives, other orders of day, month and year, and seconds since the epoch.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, timedelta, tzinfo
from functools import lru_cache

from ppl.model import SECOND
from ppl.sources.timestamp import (
    AMBIGUOUS_ZONES,
    MONTHS,
    ZONE_HOURS,
    epoch,
    moment_of,
    named_zone,
    place_zone,
    year_of,
)  # fmt: skip

_DAY = 86_400 * SECOND
_YEAR = 366 * _DAY

_MONTH = "((?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec))[a-z]{0,6}"
_WEEKDAY = r"((?i:mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6},? +)?"
_CLOCK = (
    r"([0-9]{1,2}):([0-9]{2}):([0-9]{2})(?:(?:(?!,[0-9]{10})[.,]|:(?=[0-9]{3} ?[AP]M\b))([0-9]{1,12})"
    r"(?:\.[0-9]{1,2}(?= |[+-][0-9]{2}:))?)?"
    r"(?: ?([AaPp])\.?[Mm]\.?([0-9]{3})?(?=[\s,;:\])]|\Z))?"
)

# RFC 3164, the year within or not; H3C writes milliseconds after a colon.
_BSD = re.compile(
    _WEEKDAY + _MONTH + r"\.? +([0-9]{1,2}),? +(?:([0-9]{4}),? +)?" + _CLOCK + r"(?::([0-9]{3})(?= [0-9]{4} ))?"
)
# What follows a time and can be no part of it: neither half of the day, nor an offset, a zone's name or a year.
_NOTHING_MORE = (
    r"(?=: | (?:DEBUG|INFO|WARN|ERROR|FATAL)\b| (?!(?:[AaPp]\.?[Mm]\.?|[A-Z][A-Za-z]{0,7}|z)(?:[\s:\]+\-.,;)>\"]|\Z))"
    r"(?![A-Z][A-Za-z]{1,10}/)"
    r"(?:[^\W0-9]|[0-9]{1,3}[^0-9/:\-]|[\[%:]))"
)
# The two usual forms, as nearly all write them; the patterns above and below would read the same.
_PLAIN = re.compile(
    r"((?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ 0123][0-9]) (?:([0-9]{4}) )?([012][0-9]:[0-5][0-9])"
    r":([0-5][0-9])(?:\.([0-9]{1,6}))?" + _NOTHING_MORE
)
_PLAIN_DIGITS = re.compile(
    r"([0-9]{4})(-[0-9]{2}-[0-9]{2}|/[0-9]{2}/[0-9]{2})([T ])([012][0-9]:[0-5][0-9]):([0-5][0-9])(?:[.,]([0-9]{1,6}))?"
    r"(?:(Z|[+-][0-9]{2}:[0-9]{2})(?=[ \"\]])|" + _NOTHING_MORE + ")"
)
# With hyphens, Boost.Log's.
_YEAR_FIRST = re.compile(r"([0-9]{4})([ \-])" + _MONTH + r"(?: +|(?<=-[A-Za-z]{3})-)([0-9]{1,2}) " + _CLOCK)
# ntpd and Node-RED leave the year out; Minecraft's servers leave out what separates.
_DAY_FIRST = re.compile(
    _WEEKDAY + r"([0-9]{1,2})[ /-]?" + _MONTH + r"(?:[ /-]?([0-9]{4})(?: |::?)|[ /-]([0-9]{2}) | )" + _CLOCK
)
# RouterOS's file: nov/30/2026; Nextflow: Nov-30.
_MONTH_FIRST = re.compile(_MONTH + r"(?:/([0-9]{1,2})(?:/([0-9]{4}))?|-([0-9]{2})) " + _CLOCK)
# The date in digits: RFC 3339, nginx's and Go's 2026/11/30, Sophos's 2026:11:30-, ClickHouse's 2026.11.30, 20261130,
# NetScaler's 2026/11/30:, Rust's fern with 2026-11-30][. Some write the milliseconds after a colon.
_DIGITS = re.compile(
    _WEEKDAY
    + r"([0-9]{4})([-/:.]?)([0-9]{2})\3([0-9]{2})(?:[Tt\-\t_]| {1,2}|\]\[|(?<=/[0-9]{2}):)"
    + _CLOCK
    + r"(?::([0-9]{3}(?=[ |])|[0-9]{1,2}(?=\|)))?"
)
# The day of the year: z/OS, and ISO 8601.
_ORDINAL = re.compile(
    r"([0-9]{4})([.\-]?)([0-3][0-9]{2})([ T])([012][0-9]:[0-5][0-9]):([0-5][0-9])(?:[.,]([0-9]{1,9}))?(?![0-9A-Ya-y_:])"
    r"(?:(Z)(?!\w)|([+-][0-9]{2}):?([0-9]{2})(?![0-9]))?"
)
# HDFS, with the number of a thread and a level behind it, as twelve digits may be any.
_COMPACT = re.compile(
    r"([0-9]{2})([0-9]{2})([0-9]{2}) ([012][0-9])([0-5][0-9])([0-5][0-9])"
    r"(?= [0-9]{1,10} (?:TRACE|DEBUG|INFO|WARN|ERROR|FATAL) )"
)
# The basic form of ISO 8601.
_BASIC = re.compile(
    r"([0-9]{4})([0-9]{2})([0-9]{2})([Tt \-]?)([0-9]{2})([0-9]{2})([0-9]{2})(?:[.,]([0-9]{1,12}))?"
    r"(?=[Zz+\-\s\]):,]|\Z)"
)
# Db2's diagnostic log, with an offset in minutes.
_POINTS = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})-([0-9]{2})\.([0-9]{2})\.([0-9]{2})(?:\.([0-9]{1,12}))?(?:([+-])([0-9]{3}))?"
    r"(?=\s|\Z)"
)
# 11/29/2026:23:55:12 (NetScaler), 11/29/2026-23:55:12 and 29/11/2026 -- 23:55:12 (Suricata) and 29.11.2026 23:55:12.
_YEAR_LAST = re.compile(r"([0-9]{1,2})([/.\-])([0-9]{1,2})\2([0-9]{4})(?:,?[ :T]+|-| --? )" + _CLOCK)
# Two digits of the year, in any order: Spark's 26/11/30, WebSphere's 11/30/26 and 23:55:12:123, MySQL 5's 261130.
_SHORT_YEAR = re.compile(
    r"([0-9]{2})(?:([/.\-])([0-9]{2})\2([0-9]{2})(?:, ?| |[-T])|([0-9]{2})([0-9]{2}) {1,2})"
    + _CLOCK
    + r"(?::([0-9]{3})(?= ))?"
)
# Snort's alerts, Android's logcat, go-ethereum, SQL Anywhere.
_NO_YEAR = re.compile(
    r"([0-9]{2})([/\-])([0-9]{2})(?:(?<=/[0-9]{2})[\- ]|(?<=-[0-9]{2})[ |])([0-9]{2}):([0-9]{2}):([0-9]{2})"
    r"(?:\.([0-9]{3}|[0-9]{6}))?(?=[ .\]])"
)
_NO_SECONDS = re.compile(
    r"([0-9]{4})([-/])([0-9]{2})\2([0-9]{2})(?:T|( ))([0-9]{2}):([0-9]{2})"
    r"(?=Z(?!\w)|[+-][0-9]{2}:?[0-9]{2}| (?!(?:- )?[0-9]{2}:[0-9])|\]|\Z)"
)
_BSD_NO_SECONDS = re.compile(_MONTH + r" +([0-9]{1,2}) ([0-9]{2}):([0-9]{2})(?= [\w(\[])")
# The number with which a time may begin.
_NUMBER = re.compile(r"[0-9]{1,19}")
_EPOCH = re.compile(r"(1[0-9]{9}(?:[0-9]{3}){0,3})(?:[.,]([0-9]{1,9}))?(?=[ \t\])|]|:[ 0-9])")

# zap's console.
_EXPONENT = re.compile(r"1\.([0-9]{5,18})e\+09(?=[\t ])")

# Right after the clock time, or after a blank, where fewer things are an offset.
_OFFSET = re.compile(
    r" ?(?:([Zz])(?![\w.\-])(?!:[^ ]))|([+-][0-9]{2}):?([0-9]{2})(?![0-9]|:[0-9])"
    r"|([+-][0-9]{2})(?=[ \t]|:(?![0-9]{2})|\Z)"
    r"| ?(?:UTC|GMT)?([+-](?:0[0-9]|1[0-4])):?(00|15|30|45)(?![0-9]|:[0-9])"
    r"| (?:UTC|GMT|TZ)([+-][0-9]{1,2})(?![0-9]|:[0-9])"
)
# RFC 5322 repeats the zone's name in a comment, Go without; Huawei says that an offset is that of summer.
# Java repeats it as a place's name.
_COMMENT = re.compile(
    r" \([A-Z][A-Za-z]{1,4}\)| DST(?= )| ([A-Z]{3,4})(?=[ \t\]]|\Z)|\[([A-Z][A-Za-z]{1,11}/[A-Za-z0-9_/+\-]{1,40})\]"
)
_ZONE_NAME = re.compile(r"(?: |:(?=[A-Z]{3,5}\]))([A-Z][A-Za-z]{1,4})(?=[ \t\],>\"]|\Z| ?:)")
_PLACE = re.compile(r" ([A-Z][A-Za-z]{1,11}/[A-Z][A-Za-z0-9_/+\-]{1,40})(?=[\s\],:]|\Z)")
# Cisco's administrators name the zone as they like.
_CISCO_ZONE = re.compile(r" ([A-Z][A-Za-z]{1,7})(?= ?: ?%)")
# asctime(3) and date(1), which begin with a weekday, end with the year.
_LAST_YEAR = re.compile(r" ([0-9]{4})(?=[ :,\])]|\Z)")
# After the time: only where a host and a tag, or a colon follow; "2026 visits" is text.
_LATE_YEAR = re.compile(
    r" ([0-9]{4})(?= +[^\s:]+ +[^\s:\[]+(?:\[[^\[\]\s]*\]|:)| +[^\s:]+ +: | +(?:[^\s:<|]+ )?[<|][0-9A-Za-z]"
    r"| +(?:[0-9]{1,3}\.){3}[0-9]{1,3} | +[^\s:]+: %| ?: ?%|: |\Z)"
)

#: The first three letters of all that a time may begin with.
_NAMES = frozenset((*MONTHS, "mon", "tue", "wed", "thu", "fri", "sat", "sun"))
_BEFORE_ZONE = frozenset("Zz+- :")
# What begins neither an offset nor a name.
_NO_ZONE = frozenset((": ", *(f" {character}" for character in "abcdefghijklmnopqrstuvwxy0123456789[({<|%:*#")))

Stamp = tuple[int | None, int, bool]
"""The moment in µs (``None``: it is not sane), where the text goes on, and whether the form is one of syslog's own.

The forms of syslog's own are RFC 3164's, which no other program writes so, and RFC 3339's with ``T``.
"""


def read_stamp(text: str, start: int, received_at: int, zone: tzinfo) -> Stamp | None:
    """The time that ``text`` has at ``start``; ``None`` if there is none.

    Args:
        text: the line.
        start: where the time must begin.
        received_at: µs of receipt.
        zone: time zone of times that name none.
    """
    first = text[start : start + 1]
    if first.isalpha():
        found = _PLAIN.match(text, start)
        if found:
            day, year, minute, second, fraction = found.groups()
            minute = f"{_month_and_day(day)}T{minute}"
            return moment_of(year, minute, second, fraction, received_at, zone), found.end(), True
        if text[start : start + 3].lower() not in _NAMES:
            return None
        found = _BSD.match(text, start)
        if found:
            weekday, month, day, year, hour, minute, second, fraction, half, behind, thousandths = found.groups()
            clock = (hour, minute, second, fraction or thousandths, half, behind)
            late = _LAST_YEAR if weekday else _LATE_YEAR
            return _finished(text, found.end(), (year, month, day), clock, received_at, zone, late, is_syslog=True)
        for pattern, read in _AFTER_NAME:
            found = pattern.match(text, start)
            if found:
                return read(text, found, received_at, zone)
        return None
    number = _NUMBER.match(text, start)
    by_mark = _BY_NUMBER.get(number.end() - start) if number else None
    if number is None or by_mark is None:
        return None
    forms = by_mark.get(text[number.end() : number.end() + 1]) or by_mark.get("", ())
    if forms is _OF_DIGITS and (found := _PLAIN_DIGITS.match(text, start)):
        year, day, mark, minute, second, fraction, offset = found.groups()
        minute = f"{day.replace('/', '-')}T{minute}{offset or ''}"
        return moment_of(year, minute, second, fraction, received_at, zone), found.end(), mark == "T"
    for pattern, read in forms:
        found = pattern.match(text, start)
        if found and (stamp := read(text, found, received_at, zone)):
            return stamp
    return None


@lru_cache(maxsize=512)
def _month_and_day(text: str) -> str:
    """``-11-05`` for ``Nov  5``."""
    return f"-{MONTHS[text[:3].lower()]:02}-{text[3:].strip():0>2}"


_Read = Callable[[str, "re.Match[str]", int, tzinfo], Stamp | None]


def _year_first(text: str, found: re.Match[str], received_at: int, zone: tzinfo) -> Stamp | None:
    year, mark, month, day, *clock = found.groups()
    return _finished(text, found.end(), (year, month, day), clock, received_at, zone, is_syslog=mark == " ")


def _day_first(text: str, found: re.Match[str], received_at: int, zone: tzinfo) -> Stamp | None:
    weekday, day, month, year, short, *clock = found.groups()
    date = (f"20{short}" if short else year, month, day)
    late = _LAST_YEAR if weekday else _LATE_YEAR
    return _finished(text, found.end(), date, clock, received_at, zone, late, is_syslog=False)


def _month_first(text: str, found: re.Match[str], received_at: int, zone: tzinfo) -> Stamp | None:
    month, day, year, alone, *clock = found.groups()
    day = day or alone
    return _finished(text, found.end(), (year, month, day), clock, received_at, zone, is_syslog=False)


def _in_digits(text: str, found: re.Match[str], received_at: int, zone: tzinfo) -> Stamp | None:
    weekday, year, mark, month, day, *clock, thousandths = found.groups()
    # HealthApp leaves zeros out.
    clock[-1] = clock[-1] or (thousandths and thousandths.zfill(3))
    before = text[found.start(6) - 1]
    is_syslog = bool(weekday) or mark == ":" or before in "Tt"
    # runit's svlogd writes UTC.
    zone = UTC if before == "_" else zone
    return _finished(text, found.end(), (year, month, day), clock, received_at, zone, is_syslog=is_syslog)


def _ordinal(text: str, found: re.Match[str], received_at: int, zone: tzinfo) -> Stamp | None:
    year, mark, number, before, minute, second, fraction, zulu, hours, minutes = found.groups()
    day = date(int(year), 1, 1) + timedelta(int(number) - 1) if year > "0000" and number > "000" else None
    if day is None or day.year != int(year):
        return None
    offset = "+00:00" if zulu else f"{hours}:{minutes}" if hours else ""
    moment = moment_of(year, f"{day:-%m-%d}T{minute}{offset}", second, fraction, received_at, zone)
    # Seven digits may be any number; z/OS writes hundredths.
    is_plain = len(fraction or "") == 2 if before == " " else mark == "-"
    is_near = moment is not None and abs(moment - received_at) <= _DAY
    return (moment, found.end(), is_plain) if moment is not None and (is_plain or is_near) else None


def _compact(text: str, found: re.Match[str], received_at: int, zone: tzinfo) -> Stamp | None:
    year, month, day, hour, minute, second = found.groups()
    moment = moment_of(f"20{year}", f"-{month}-{day}T{hour}:{minute}", second, None, received_at, zone)
    return None if moment is None else (moment, found.end(), False)


def _year_last(text: str, found: re.Match[str], received_at: int, zone: tzinfo) -> Stamp | None:
    one, mark, two, year, *clock = found.groups()
    # With slashes the month comes first in America and second elsewhere: take what is a date, or the nearer one.
    orders = [(year, two, one)] if mark == "." else [(year, one, two), (year, two, one)]
    stamps = [_finished(text, found.end(), each, clock, received_at, zone, is_syslog=False) for each in orders]
    return _nearest_stamp(stamps, received_at) or stamps[0]


def _short_year(text: str, found: re.Match[str], received_at: int, zone: tzinfo) -> Stamp | None:
    one, mark, two, three, month, day, *clock, thousandths = found.groups()
    clock[-1] = clock[-1] or thousandths
    # Which number is what is not written: what is not of the last year may be anything.
    dates = [(one, month, day)] if mark is None else [(one, two, three), (three, two, one)]
    if mark and mark != ".":
        dates.append((three, one, two))
    stamps = [
        _finished(text, found.end(), (f"20{year}", in_year, in_month), clock, received_at, zone, is_syslog=False)
        for year, in_year, in_month in dates
    ]
    stamp = _nearest_stamp(stamps, received_at)
    return stamp if stamp and abs((stamp[0] or 0) - received_at) <= _YEAR else None


def _no_year(text: str, found: re.Match[str], received_at: int, zone: tzinfo) -> Stamp | None:
    month, _, day, *clock = found.groups()
    clock += [None, None]
    stamp = _finished(text, found.end(), (None, month, day), clock, received_at, zone, is_syslog=False)
    return stamp if stamp[0] is not None else None


def _nearest_stamp(stamps: list[Stamp], received_at: int) -> Stamp | None:
    """The one of ``stamps`` whose moment is nearest to the receipt; ``None`` if none has a moment."""
    dated = [stamp for stamp in stamps if stamp[0] is not None]
    return min(dated, key=lambda stamp: abs((stamp[0] or 0) - received_at), default=None)


def _no_seconds(text: str, found: re.Match[str], received_at: int, zone: tzinfo) -> Stamp | None:
    year, _, month, day, blank, hour, minute = found.groups()
    clock = (hour, minute, "00", None, None, None)
    return _finished(text, found.end(), (year, month, day), clock, received_at, zone, is_syslog=not blank)


def _bsd_no_seconds(text: str, found: re.Match[str], received_at: int, zone: tzinfo) -> Stamp | None:
    month, day, hour, minute = found.groups()
    clock = (hour, minute, "00", None, None, None)
    stamp = _finished(text, found.end(), (None, month, day), clock, received_at, zone, is_syslog=True)
    # Few programs write so, and texts tell of dates.
    return stamp if stamp[0] is not None and abs(stamp[0] - received_at) <= _DAY else None


def _basic(text: str, found: re.Match[str], received_at: int, zone: tzinfo) -> Stamp | None:
    year, month, day, mark, *clock = found.groups()
    is_named = mark in ("T", "t")
    clock += [None, None]
    stamp = _finished(text, found.end(), (year, month, day), clock, received_at, zone, is_syslog=is_named)
    # Fourteen digits may be any number.
    return stamp if is_named or (stamp[0] is not None and abs(stamp[0] - received_at) <= _YEAR) else None


def _points(text: str, found: re.Match[str], received_at: int, zone: tzinfo) -> Stamp | None:
    year, month, day, hour, minute, second, fraction, sign, ahead = found.groups()
    offset = f"{sign}{int(ahead) // 60:02}:{int(ahead) % 60:02}" if sign else ""
    moment = moment_of(year, f"-{month}-{day}T{hour}:{minute}{offset}", second, fraction, received_at, zone)
    return moment, found.end(), False


def _since_epoch(text: str, found: re.Match[str], received_at: int, zone: tzinfo) -> Stamp | None:
    moment = epoch(found[1], found[2] or "", received_at)
    # A number alone may be anything; one that is a moment of this year is hardly anything else.
    if moment is None or (not found[2] and abs(moment - received_at) > _YEAR):
        return None
    return moment, found.end(), bool(found[2])


def _with_exponent(text: str, found: re.Match[str], received_at: int, zone: tzinfo) -> Stamp | None:
    digits = found[1].ljust(9, "0")
    moment = epoch(f"1{digits[:9]}", digits[9:], received_at)
    return None if moment is None else (moment, found.end(), False)


_Forms = tuple[tuple[re.Pattern[str], _Read], ...]

_OF_DIGITS: _Forms = (
    (_DIGITS, _in_digits),
    (_NO_SECONDS, _no_seconds),
    (_POINTS, _points),
    (_YEAR_FIRST, _year_first),
    (_ORDINAL, _ordinal),
)
_OF_NAME: _Forms = ((_DAY_FIRST, _day_first),)
_OF_DAY: _Forms = (*_OF_NAME, (_YEAR_LAST, _year_last), (_SHORT_YEAR, _short_year), (_NO_YEAR, _no_year))
#: How many digits a text begins with → what follows them (``""``: anything else) → the forms of a time that begin so.
_BY_NUMBER: dict[int, dict[str, _Forms]] = {
    1: {"": _OF_NAME, ".": ((_EXPONENT, _with_exponent), *_OF_DAY), **dict.fromkeys("/-", _OF_DAY)},
    2: {"": _OF_NAME, **dict.fromkeys("/-.", _OF_DAY)},
    4: {" ": ((_YEAR_FIRST, _year_first),), **dict.fromkeys("-/:.", _OF_DIGITS)},
    6: {" ": ((_COMPACT, _compact), (_SHORT_YEAR, _short_year))},
    7: dict.fromkeys(" T", ((_ORDINAL, _ordinal),)),
    8: {"": ((_DIGITS, _in_digits), (_BASIC, _basic))},
    14: {"": ((_BASIC, _basic),)},
    **{length: {"": ((_EPOCH, _since_epoch),)} for length in (10, 13, 16, 19)},
}
_AFTER_NAME: _Forms = (
    (_DIGITS, _in_digits),
    (_DAY_FIRST, _day_first),
    (_MONTH_FIRST, _month_first),
    (_BSD_NO_SECONDS, _bsd_no_seconds),
)


def _finished(
    text: str,
    end: int,
    date: tuple[str | None, str, str],
    clock: tuple[str | None, ...] | list[str | None],
    received_at: int,
    zone: tzinfo,
    late: re.Pattern[str] = _LATE_YEAR,
    *,
    is_syslog: bool,
) -> Stamp:
    """The stamp of a date (year, month, day) and a clock time; the zone and the year may follow at ``end``."""
    year, month, day = date
    hour, minute, second, fraction, half, behind = clock
    fraction = fraction or behind
    assert hour is not None
    assert minute is not None
    assert second is not None
    month = f"{MONTHS[month.lower()]:02}" if month.isalpha() else month.zfill(2)
    if half:
        hour = f"{int(hour) % 12 + (12 if half in 'Pp' else 0)}"
    minutes = f"-{month}-{day:0>2}T{hour:0>2}:{minute}"
    if year is None:
        year, end = _late_year(late, text, end, received_at)
    offset = ""
    if text[end : end + 1] in _BEFORE_ZONE and text[end : end + 2] not in _NO_ZONE:
        found = _OFFSET.match(text, end)
        if found:
            offset, end = _offset(found), found.end()
            comment = _COMMENT.match(text, end)
            if comment and (comment[1] or "UTC") in ZONE_HOURS and (not comment[2] or place_zone(comment[2])):
                end = comment.end()
        else:
            zone, end = _zone(text, end, f"{year or year_of(received_at // _DAY):0>4}{minutes}", zone)
        if year is None:
            # A name that says nothing here stays in the text; the year may stand behind it.
            is_unknown = text[end + 1 : end + 4] in AMBIGUOUS_ZONES
            year, after = _late_year(late, text, end + 4 if is_unknown else end, received_at)
            end = end if is_unknown else after
    return moment_of(year, minutes + offset, second, fraction, received_at, zone), end, is_syslog


def _late_year(late: re.Pattern[str], text: str, end: int, received_at: int) -> tuple[str | None, int]:
    """The year that follows a time at ``end``, and where that ends."""
    found = late.match(text, end)
    if found and 1970 <= int(found[1]) <= year_of(received_at // _DAY) + 1:
        return found[1], found.end()
    return None, end


def _offset(found: re.Match[str]) -> str:
    """``+01:00`` for a match of :data:`_OFFSET`."""
    zulu, hours, minutes, short, late_hours, late_minutes, bare = found.groups()
    if zulu:
        return "+00:00"
    if bare:
        return f"{bare[0]}{bare[1:]:0>2}:00"
    return f"{short}:00" if short else f"{hours or late_hours}:{minutes or late_minutes}"


def _zone(text: str, end: int, minute: str, zone: tzinfo) -> tuple[tzinfo, int]:
    """The zone that is named at ``end``, else ``zone``; and where the text goes on."""
    found = _CISCO_ZONE.match(text, end) or _ZONE_NAME.match(text, end)
    known = named_zone(found[1], minute, zone) if found else None
    if known is None:
        found = _PLACE.match(text, end)
        known = place_zone(found[1]) if found else None
    return (known, found.end()) if found and known else (zone, end)
