"""Finds the time of a text that does not begin with it, for lines that no header dates.

Access logs, logfmt, ``WARN [2026-11-30 00:55:12] …``, ``E1130 00:55:12.3 …`` and others write their time behind a few
characters of a known form. A time that stands anywhere else is a part of what the text tells, and does not count.
"""

from __future__ import annotations

import re
from datetime import tzinfo

from ppl.sources.levels import LEVELS
from ppl.sources.stamps import read_stamp
from ppl.sources.timestamp import MONTHS, moment_of

_PAIR = r"""[A-Za-z_]{1,20}=(?:"[^"\n]{0,80}"|[^\s"]{0,80}),? """
#: What stands before the time; the group is a word that must be a level.
_BEFORE = re.compile(
    "|".join(
        (
            rf"(?:{_PAIR}){{0,3}}(?:time|ts|t|timestamp|datetime|asctime)=\"?(?=[0-9A-Z])",
            # A name in brackets first.
            r"\[[^\]\n]{1,60}\](?: [0-9]{1,10})?(?:  ?-)? +(?=[0-9]{4}[-/]|[0-9]{2}/[0-9]{2}/[0-9]{4},? )",
            # Ruby's Logger and CUPS, Tornado, qBittorrent.
            r"[A-Z],? \[(?=[0-9]{2,4}[-/])|\[[A-Z] (?=[0-9]{4}-)|\([A-Z]\) (?=[0-9]{4}-)",
            r"[\[(]?([A-Za-z]{3,13})[\])]?[ \t]{0,8}[:|,\-]?[ \t]{0,8}(?:\[[^\]\n]{1,40}\][ \t]+)?\[?(?=[0-9]{4}[-/.])",
            # Redis, Erlang, the kernel's audit.
            r"[0-9]{1,10}:[A-Z] (?=[0-9]{2} [A-Z][a-z]{2} [0-9]{4} )|=[A-Z]{4,8} REPORT==== (?=[0-9])",
            r"(?:node=\S{1,255} )?type=\S{1,60} msg=audit\((?=[0-9]{10}\.)",
            # Access logs with other times than the usual one.
            r"(?:[^\s\[]{1,255} ){2,4}\[(?=[0-9]{1,2}/(?:[A-Z][a-z]{2}|[0-9]{2})/[0-9]{4}[: ])",
        )
    )
)
#: Access logs, with or without the name of the site.
_ACCESS = re.compile(
    r"(?:[^\s\[]{1,255}+ ){2,4}+\[([0-9]{2})/([A-Z][a-z]{2})/([0-9]{4}):([012][0-9]:[0-5][0-9]):([0-5][0-9])"
    r" ([+-][0-9]{2})([0-9]{2})\]"
)
#: klog, glog, CockroachDB, Tornado: the year in four digits, two or none.
_LETTER_AND_DIGITS = re.compile(
    r"\[?[EWIFDC] ?((?:20)?[0-9]{2})?([01][0-9])([0-3][0-9]) ([012][0-9]:[0-5][0-9]):([0-5][0-9])(?:\.([0-9]{1,9}))?"
    r"(?=[ \t\]])"
)


def inner_moment(text: str, start: int, received_at: int, zone: tzinfo) -> int | None:
    """The moment, in µs, that the text from ``start`` on names near its beginning; ``None`` if it names none.

    Args:
        text: the line.
        start: where the text begins.
        received_at: µs of receipt.
        zone: time zone of times that name none.
    """
    first = text[start : start + 1]
    if not first or first in "{ \t":
        return None
    if first in "[EWIFDC" and (found := _LETTER_AND_DIGITS.match(text, start)):
        year, month, day, minute, second, fraction = found.groups()
        if year:
            year = f"20{year[-2:]}"
        return moment_of(year, f"-{month}-{day}T{minute}", second, fraction, received_at, zone)
    access = _ACCESS.match(text, start)
    if access and (number := MONTHS.get(access[2].lower())):
        day, _, year, minute, second, hours, minutes = access.groups()
        return moment_of(year, f"-{number:02}-{day}T{minute}{hours}:{minutes}", second, None, received_at, zone)
    found = _BEFORE.match(text, start)
    if found and (found[1] is None or found[1].lower() in LEVELS):
        stamp = read_stamp(text, found.end(), received_at, zone)
        if stamp:
            return stamp[0]
    return None
