"""Reads the headers of systems that have one of their own, unlike syslog's and unlike any other.

Supercomputers' alerts, z/OS's hardcopy log, Android's logcat, OpenAM's debug logs and Proxifier's name the time, the
host, the program or the level in places where no other line has them. The text stays whole, as it says more than that.
"""

from __future__ import annotations

import re
from datetime import tzinfo
from typing import NamedTuple

from ppl.sources.header import LOGCAT_BRIEF
from ppl.sources.levels import LEVELS, level_of
from ppl.sources.stamps import read_stamp
from ppl.sources.timestamp import epoch, moment_of


class OwnHeader(NamedTuple):
    """The moment (µs or ``None``), the host, the program, its process and the severity (``None``: see the text)."""

    created_at: int | None
    hostname: str
    program: str
    procid: str = ""
    severity: int | None = None


# BGL, Thunderbird, Liberty: a mark, an epoch, a day, a node; then a time and a place, and a component with its level,
# or a tag.
_ALERT = re.compile(r"(?:-|[A-Z][A-Z0-9_]{1,30}) (1[0-9]{9}) [0-9]{4}\.[0-9]{2}\.[0-9]{2} (\S{1,255}) ")
_COMPONENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}-[0-9.]{8}(?:\.([0-9]{1,6}))? \S{1,255} [A-Z]{2,10} ([A-Z_]{2,20}) ([A-Z]{4,8}) "
)
_TAG = re.compile(r"[A-Z][a-z]{2} [ 0-9]{1,2} [0-9:]{8} \S{1,255} ([^\s\[\]:]{1,60})(?:\[([0-9]{1,10})\])?: ")
# Clusters of HPC: a number, a node, a component, a state, an epoch, a flag.
_STATE = re.compile(
    r"[0-9]{1,10} ([A-Za-z][\w\-]{0,60}[0-9][\w\-]{0,60}) ([a-z][\w.]{1,40}) [a-z][\w.]{1,60} (1[0-9]{9}) [01] "
)
# z/OS: a kind of record, routing codes and a system before the day of the year.
_HARDCOPY = re.compile(
    r"[A-Z]{1,2} {0,2}[0-9A-F]{7} ([A-Z@#$][A-Z0-9@#$]{0,7}) {1,8}((?:20)?[0-9]{2})"
    r"(?=[0-3][0-9]{2} [0-9:]{8}\.[0-9]{2} )"
)
_OPENAM = re.compile(r"([A-Za-z][\w.\-]{1,60}):(?=[0-9]{2}/[0-9]{2}/[0-9]{4} [0-9:]{12} [AP]M \S{1,12} Thread\[)")
# Neither a year nor a usual form: a program and what it connects to tell the time from other numbers.
_PROXIFIER = re.compile(
    r"\[([01][0-9])\.([0-3][0-9]) ([012][0-9]:[0-5][0-9]):([0-5][0-9])\] ([\w.\-]{1,60}(?: [\w.\-]{1,30}){0,3}?)"
    r"(?: \*64)? - (?:(?<=\.exe - )|(?<=\*64 - )|(?=\S{1,255}:[0-9]{1,5} ))"
)
#: How each of them begins, for a quick look.
OWN_BEGINNING = re.compile(
    r"\[[01][0-9]\.[0-3][0-9] |[VDIWEF]/\w|(?:-|[A-Z][A-Z0-9_]{1,30}) 1[0-9]{9} |[A-Z]{1,2} {0,2}[0-9A-F]{7} "
    r"|[0-9]{1,10} [A-Za-z][\w\-]{0,60} [a-z][\w.]{1,40} [a-z]|[A-Za-z][\w.\-]{1,60}:[0-9]{2}/[0-9]{2}/"
)


def read_own_header(text: str, start: int, received_at: int, zone: tzinfo) -> OwnHeader | None:
    """The header of a system's own that ``text`` has at ``start``; ``None`` if it has none.

    Args:
        text: the line.
        start: where the header begins; that is as :data:`OWN_BEGINNING` has it.
        received_at: µs of receipt.
        zone: time zone of times that name none.
    """
    first = text[start]
    if first == "[":
        return _of_proxifier(text, start, received_at, zone)
    if first.isdigit():
        found = _STATE.match(text, start)
        moment = epoch(found[3], "", received_at) if found else None
        return OwnHeader(moment, found[1], found[2]) if found and moment is not None else None
    if text.startswith("/", start + 1):
        found = LOGCAT_BRIEF.match(text, start)
        return OwnHeader(None, "", found[1], found[2]) if found else None
    if first == "-" or first.isupper():
        header = _of_alert(text, start, received_at) or _of_hardcopy(text, start, received_at, zone)
        if header:
            return header
    found = _OPENAM.match(text, start) if " Thread[" in text else None
    stamp = read_stamp(text, found.end(), received_at, zone) if found else None
    if found is None or stamp is None:
        return None
    return OwnHeader(stamp[0], "", found[1], severity=level_of(text.partition("\n")[2]))


def _of_alert(text: str, start: int, received_at: int) -> OwnHeader | None:
    found = _ALERT.match(text, start)
    component = _COMPONENT.match(text, found.end()) if found else None
    moment = epoch(found[1], component[1] or "" if component else "", received_at) if found else None
    if found is None or moment is None:
        return None
    if component:
        return OwnHeader(moment, found[2], component[2], severity=LEVELS.get(component[3].lower()))
    if tag := _TAG.match(text, found.end()):
        return OwnHeader(moment, found[2], tag[1], tag[2] or "", level_of(text[tag.end() :]))
    return None


def _of_hardcopy(text: str, start: int, received_at: int, zone: tzinfo) -> OwnHeader | None:
    found = _HARDCOPY.match(text, start)
    if found is None:
        return None
    stamp = read_stamp(f"20{found[2][-2:]}{text[found.end() : found.end() + 16]}", 0, received_at, zone)
    return OwnHeader(stamp[0], found[1], "") if stamp and stamp[0] is not None else None


def _of_proxifier(text: str, start: int, received_at: int, zone: tzinfo) -> OwnHeader | None:
    found = _PROXIFIER.match(text, start)
    moment = moment_of(None, f"-{found[1]}-{found[2]}T{found[3]}", found[4], None, received_at, zone) if found else None
    return OwnHeader(moment, "", found[5]) if found and moment is not None else None
