"""Times as people write them: ``2026-11-23 17:30``, ``yesterday 5:30pm``, ``3 hours ago``, ``5 AM Friday``.

A time without a zone is in the reader's zone. A time without a day, or with only a weekday, is the latest such time
that is not in the future. A day, week, month or year without a time of day is its beginning.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import attrs

from ppl.model import SECOND
from ppl.search.ago import UNITS, NotAnAmount, back, less
from ppl.search.errors import BadValue

LONGEST = 100
"""Maximum length of a time, in characters."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EXPECTED = 'a time such as 2026-11-23, "2026-11-23 17:30", "yesterday 5:30pm", "3 hours ago" or "5 AM Friday"'
_RANGE = "a time between the years 1970 and 9999"

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_EPOCH_DIGITS = {10: SECOND, 13: 1_000, 16: 1}
_NANOSECONDS_DIGITS = 19
_FRACTION = re.compile(r"(\d{10})\.(\d{1,9})")
#: RFC 2822 section 4.3 and Europe's; of other names, several countries have their own.
_ZONES = {
    "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7, "ut": 0, "wet": 0,
    "west": 1, "cet": 1, "cest": 2, "mez": 1, "mesz": 2, "eet": 2, "eest": 3,
}  # fmt: skip
_ZONE_NAME = re.compile(r"\s\(?([A-Za-z]+(?:/[A-Za-z0-9_+-]+){1,2})\)?\s*\Z")
_DAY_PARTS = {"morning": 6, "afternoon": 12, "evening": 18}
_MINUS = re.compile(r"now\s*-\s*(?=\w)")
_LAST = re.compile(r"(?:in |within |over )?(?:the )?(?:last|past|previous) (?=\d|[a-z]+ [a-z])")
_AMOUNTS = re.compile(r"-?\s*(?=(?:\d+\s*[a-z]+\s*)+\Z)")
_OF_DAY = re.compile(r"(.+?) ago(?: at|,)? (.+)")
_NOISE = frozenset(("at", "on", "the", "of", ","))

_PARTS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern + r"(?![a-z0-9:])"))
    for name, pattern in (
        ("ymd", r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?:t(?=\d))?"),
        ("dmy", r"(\d{1,2})\.(\d{1,2})\.(\d{4})"),
        ("spelled", r"(\d{1,2})([-/])([a-z]{3,9})\2(\d{4})"),
        ("clock", r"(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s*(am|pm|a\.m\.|p\.m\.)?"),
        ("hour", r"(\d{1,2})\s*(am|pm|a\.m\.|p\.m\.)"),
        ("offset", r"([+-])(\d\d):?(\d\d)(?::(\d\d))?"),
        ("zulu", r"(?:z|utc|gmt)"),
        ("year", r"(\d{4})"),
        ("day", r"(\d{1,2})(?:st|nd|rd|th)?"),
        ("word", r"[a-z]+"),
    )
)
# A date or a time of day may be followed directly by "T", a zone or an offset, as in 2026-11-23T12:00Z.
_JOINED = {
    "spelled": re.compile(r"(\d{1,2})(/)([a-z]{3})/(\d{4}):(?=\d)"),
    "ymd": re.compile(r"(\d{4})-(\d\d)-(\d\d)t(?=\d)"),
    "clock": re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?=z|[+-]\d)"),
}


def parse_time(text: str, zone: tzinfo, now: int) -> int:
    """The moment ``text`` names, in µs since 1970 UTC.

    Args:
        text: as a person wrote it.
        zone: used if ``text`` names none.
        now: the present, in µs.

    Raises:
        BadValue: ``text`` is not a time, or is before 1970 or after 9999.
    """
    plain = text.strip()
    if not plain or len(plain) > LONGEST or not plain.isascii():
        raise BadValue(_EXPECTED)
    try:
        plain, named = _without_zone(plain)
        # Grafana's M is a month; in lower case it would be a minute.
        plain = re.sub(r"(?<=\d)M\b", "mo", plain) if _MINUS.match(plain) else plain
        moment = _parse(plain.lower(), named or zone, _EPOCH + timedelta(microseconds=now), named is not None)
        microseconds = (moment - _EPOCH) // timedelta(microseconds=1)
    except (OverflowError, ValueError) as error:
        raise BadValue(_RANGE if isinstance(error, OverflowError) else _EXPECTED) from error
    if microseconds < 0:
        raise BadValue(_RANGE)
    return microseconds


def _without_zone(text: str) -> tuple[str, ZoneInfo | None]:
    """``text`` without the IANA name at its end, and that zone. Raises ``ValueError`` if there is no such zone."""
    match = _ZONE_NAME.search(text)
    if match is None:
        return text, None
    for name in (match[1], match[1].title()):
        try:
            return text[: match.start()], ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            continue  # as for ppl.timezone: unknown, malformed, or a directory
    raise ValueError


def _since_epoch(text: str) -> datetime | None:
    """The moment that a number of seconds, ms, µs or ns since 1970 names; ``None`` if ``text`` is no such number."""
    if text.isdecimal():
        factor = _EPOCH_DIGITS.get(len(text))
        if factor is not None:
            return _EPOCH + timedelta(microseconds=int(text) * factor)
        if len(text) == _NANOSECONDS_DIGITS:
            return _EPOCH + timedelta(microseconds=int(text) // 1000)
    match = _FRACTION.fullmatch(text)
    if match is None:
        return None
    return _EPOCH + timedelta(seconds=int(match[1]), microseconds=int(match[2].ljust(6, "0")[:6]))


def _parse(text: str, zone: tzinfo, now: datetime, has_zone: bool) -> datetime:
    """``has_zone``: whether the text itself has named ``zone``. Raises ``ValueError`` or ``OverflowError``."""
    number = text.removeprefix("@")
    moment = None if has_zone else _since_epoch(number)
    if moment is not None:
        return moment
    if number != text:
        raise ValueError
    local = now.astimezone(zone)
    if text == "now":
        return now
    if text.endswith(" ago"):
        return back(text.removesuffix(" ago"), local)
    of_day = _OF_DAY.fullmatch(text)
    if of_day is not None:
        return _on_day(back(of_day[1], local), of_day[1], of_day[2])
    span = _MINUS.match(text) or _LAST.match(text) or _AMOUNTS.match(text)
    if span is not None:
        try:
            return back(text[span.end() :], local)
        except NotAnAmount:
            pass  # "5 nov", "last friday at noon"
    return _Reading(text, local, zone=zone if has_zone else None).moment()


def _on_day(day: datetime, amounts: str, clock: str) -> datetime:
    """The time of day ``clock`` on ``day``, so many days, weeks, months or years ago."""
    units = {UNITS.get(word) for word in re.findall("[a-z]+", amounts)} - {None}
    if units & {"seconds", "minutes", "hours"} or "." in amounts or "half" in amounts:
        raise ValueError
    reading = _Reading(clock, day)
    reading.read()
    if reading.clock is None or reading != _Reading(clock, day, clock=reading.clock):
        raise ValueError
    return datetime.combine(day.date(), reading.clock, day.tzinfo).astimezone(UTC)


@attrs.define
class _Reading:
    """The parts of a time that have been read so far."""

    text: str
    now: datetime
    day: date | None = None
    weekday: int | None = None
    month: int | None = None
    number: int | None = None
    year: int | None = None
    clock: time | None = None
    zone: tzinfo | None = None
    is_last: bool = False
    is_this: bool = False

    def moment(self) -> datetime:
        """The moment. Raises ``ValueError`` or ``OverflowError``."""
        self.read()
        if self.zone is not None:
            self.now = self.now.astimezone(self.zone)
        return self._combined()

    def read(self) -> None:
        """Read all parts. Raises ``ValueError`` or ``OverflowError``."""
        at = 0
        while at < len(self.text):
            if self.text[at] in " ,":
                at += 1
                continue
            at = self._part(at)
        if self.is_last or self.is_this:
            raise ValueError

    def _part(self, at: int) -> int:
        for name, pattern in (*_JOINED.items(), *_PARTS):
            match = pattern.match(self.text, at)
            if match is not None:
                reader: Callable[[re.Match[str]], None] = getattr(self, f"_{name}")
                reader(match)
                return match.end()
        raise ValueError

    def _set(self, name: str, value: object) -> None:
        if getattr(self, name) is not None:
            raise ValueError  # named twice
        setattr(self, name, value)

    def _ymd(self, match: re.Match[str]) -> None:
        year, month, day = (int(match[0].rstrip("t")[i:j]) for i, j in _spans(match[0].rstrip("t")))
        self._set("day", date(year, month, day))

    def _dmy(self, match: re.Match[str]) -> None:
        self._set("day", date(int(match[3]), int(match[2]), int(match[1])))

    def _spelled(self, match: re.Match[str]) -> None:
        month = _named(match[3], _MONTHS)
        if month is None:
            raise ValueError
        self._set("day", date(int(match[4]), month + 1, int(match[1])))

    def _clock(self, match: re.Match[str]) -> None:
        half = match[5] if len(match.groups()) > 4 else None
        hour = _hour(int(match[1]), half)
        microsecond = int((match[4] or "0").ljust(6, "0")[:6])
        second = int(match[3] or 0)
        self._set("clock", time(hour, int(match[2]), min(second, 59) if second == 60 else second, microsecond))

    def _hour(self, match: re.Match[str]) -> None:
        self._set("clock", time(_hour(int(match[1]), match[2])))

    def _offset(self, match: re.Match[str]) -> None:
        offset = timedelta(hours=int(match[2]), minutes=int(match[3]), seconds=int(match[4] or 0))
        self._in_zone(timezone(-offset if match[1] == "-" else offset))

    def _zulu(self, match: re.Match[str]) -> None:
        self._in_zone(UTC)

    def _in_zone(self, zone: tzinfo) -> None:
        # Go writes "+0100 CET".
        if self.zone is None or self.zone.utcoffset(None) != zone.utcoffset(None):
            self._set("zone", zone)

    def _year(self, match: re.Match[str]) -> None:
        self._set("year", int(match[1]))

    def _day(self, match: re.Match[str]) -> None:
        self._set("number", int(match[1]))

    def _word(self, match: re.Match[str]) -> None:
        word = match[0]
        today = self.now.date()
        if word in _NOISE:
            return
        if word in _ZONES:
            self._in_zone(timezone(timedelta(hours=_ZONES[word])))
        elif word in _DAY_PARTS:
            if self.is_this:
                self.is_this = False
                self._set("day", today)
            self._set("clock", time(_DAY_PARTS[word]))
        elif word == "this":
            self.is_this = True
        elif self.is_this and word in ("week", "month", "year"):
            self.is_this = False
            self._set("day", today)
            self._begin(f"{word}s")
        elif word == "last":
            self.is_last = True
        elif self.is_last and word in UNITS and len(word) > 2:
            self.is_last = False
            self._set("day", less(self.now, 1, UNITS[word]).date())
            self._begin(UNITS[word])
        elif word in ("today", "yesterday", "tomorrow"):
            self._set("day", today + timedelta(days=("yesterday", "today", "tomorrow").index(word) - 1))
        elif word in ("noon", "midnight"):
            self._set("clock", time(12 if word == "noon" else 0))
        elif (weekday := _named(word, _WEEKDAYS)) is not None:
            if self.is_last and weekday == self.now.weekday():
                self._set("day", today - timedelta(days=7))
            self.is_last = False
            self._set("weekday", weekday)
        elif (month := _named(word, _MONTHS)) is not None:
            self._set("month", month + 1)
        else:
            raise ValueError

    def _begin(self, unit: str) -> None:
        """Move ``day`` to the beginning of its ``unit``: ``last month`` is the first of that month."""
        assert self.day is not None
        if unit == "weeks":
            self.day -= timedelta(days=self.day.weekday())
        elif unit == "months":
            self.day = self.day.replace(day=1)
        elif unit == "years":
            self.day = self.day.replace(month=1, day=1)
        elif unit != "days":
            raise ValueError

    def _combined(self) -> datetime:
        clock = self.clock or time()
        if self.month is not None or self.number is not None or self.year is not None:
            return self._calendar(clock)
        if self.day is not None:
            if self.weekday is not None and self.day.weekday() != self.weekday:
                raise ValueError
            return self._at(self.day, clock)
        today = self.now.date()
        if self.weekday is not None:
            day = today - timedelta(days=(today.weekday() - self.weekday) % 7)
            return self._latest([day, day - timedelta(days=7)], clock)
        if self.clock is None:
            raise ValueError
        return self._latest([today, today - timedelta(days=1)], clock)

    def _calendar(self, clock: time) -> datetime:
        """The moment for a named month with a day, a year or both."""
        if self.day is not None or self.month is None:
            raise ValueError
        # The last nine years include a 29 February, even around a century year without one.
        years = range(self.now.year, self.now.year - 9, -1) if self.year is None else [self.year]
        days = [date(year, self.month, self.number or 1) for year in years if self._exists(year)]
        if not days or (self.weekday is not None and self.year is not None and days[0].weekday() != self.weekday):
            raise ValueError
        return self._latest(days, clock) if self.year is None else self._at(days[0], clock)

    def _exists(self, year: int) -> bool:
        return 1 <= year <= 9999 and (self.number or 1) <= monthrange(year, self.month or 1)[1]

    def _latest(self, days: list[date], clock: time) -> datetime:
        """``clock`` on the first of ``days`` (latest first) where it is not in the future; else on the last of them."""
        moments = [self._at(day, clock) for day in days]
        return next((moment for moment in moments if moment <= self.now), moments[-1])

    def _at(self, day: date, clock: time) -> datetime:
        # Conversion to UTC turns a time skipped by a clock change into the time an hour later.
        return datetime.combine(day, clock, self.now.tzinfo).astimezone(UTC)


def _spans(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in re.finditer(r"\d+", text)]


def _hour(hour: int, half: str | None) -> int:
    if half is None:
        return hour
    if not 1 <= hour <= 12:
        raise ValueError
    return hour % 12 + (12 if half.startswith("p") else 0)


def _named(word: str, names: tuple[str, ...]) -> int | None:
    """The index of the first of ``names`` that begins with ``word``, if that has at least three letters."""
    if len(word) < 3:
        return None
    return next((index for index, name in enumerate(names) if name.startswith(word)), None)
