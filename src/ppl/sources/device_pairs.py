"""Reads the header of devices that write nothing but pairs: ``date=2026-11-30 time=00:55:12 devname="fw-1" …``.

Fortinet's, Sophos's, Stormshield's and Check Point's devices put the time and their own name into pairs near the
beginning of the line. The pairs stay in the text.
"""

from __future__ import annotations

import re
from datetime import tzinfo
from typing import NamedTuple

from ppl.sources.levels import LEVELS
from ppl.sources.stamps import read_stamp
from ppl.sources.timestamp import epoch


class DevicePairs(NamedTuple):
    """What pairs say of a line: the moment (µs or ``None``), the device's name, and its severity."""

    created_at: int | None
    hostname: str
    severity: int | None


#: The first pair of such a line. Other pairs are what a program tells.
_BEGINS = re.compile(
    r'(?:date=[0-9]|device(?:_name)?="|id=(?:firewall |\S{1,60} {1,4}sn=)|itime=[0-9]|eventtime=[0-9]|logver=[0-9]'
    r"|time=[0-9]{10}\|)"
)
#: Characters of the longest key in it, and of the sign behind it.
LONGEST_FIRST_KEY = 12
_PAIR = re.compile(r'([A-Za-z_]{1,30})=(?:"([^"\n]{0,255})"|([^\s",|]{0,255}))(?:[ ,|]+|\Z)')
#: Characters in which pairs are looked for.
_MOST = 1024
_HOSTS = ("devname", "device_name", "hostname")
_MOMENTS = ("eventtime", "itime")
#: Syslog's own, as SonicWall and Stormshield write them.
_NUMBERS = frozenset("01234567")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?")
_EPOCH = re.compile(r"[0-9]{10,19}")
#: FortiOS's usual beginning, which has all that a time and a name need.
_FORTIOS = re.compile(
    r'date=[0-9\-]{10} time=[0-9:]{8} devname="([^"\n]{1,255})" devid="[^"\n]{0,255}" '
    r"eventtime=([0-9]{10,19})(?:[ ,|]|\Z)"
)


def read_device_pairs(text: str, start: int, received_at: int, zone: tzinfo) -> DevicePairs | None:
    """What a device's pairs at ``start`` say; ``None`` if there are none.

    Args:
        text: the line.
        start: where the pairs begin.
        received_at: µs of receipt.
        zone: time zone of times that name none.
    """
    if not _BEGINS.match(text, start):
        return None
    usual = _FORTIOS.match(text, start)
    moment = epoch(usual[2], "", received_at) if usual else None
    if usual and moment is not None:
        return DevicePairs(moment, usual[1], None)
    pairs: dict[str, str] = {}
    end = start
    while end < start + _MOST and (found := _PAIR.match(text, end)):
        pairs.setdefault(found[1], found[2] if found[2] is not None else found[3])
        end = found.end()
        if found[1] == "eventtime" and "devname" in pairs:
            # FortiOS: all that a time and a name need.
            break
    hostname = next((pairs[key] for key in _HOSTS if pairs.get(key)), "")
    if not hostname:
        # Stormshield's name, SonicWall's if it has one, and its address.
        named = pairs.get("id", "") if "sn" in pairs else ""
        hostname = named if named != "firewall" else ""
        hostname = hostname or pairs.get("fw", "")
    if not hostname and "device_id" not in pairs and "id" not in pairs:
        return None
    return DevicePairs(_moment(pairs, received_at, zone), hostname, _severity(pairs))


def _severity(pairs: dict[str, str]) -> int | None:
    word = pairs.get("level") or pairs.get("pri") or pairs.get("priority") or ""
    if "id" in pairs and word in _NUMBERS:
        return int(word)
    return LEVELS.get(word.lower())


def _moment(pairs: dict[str, str], received_at: int, zone: tzinfo) -> int | None:
    for key in _MOMENTS:
        value = pairs.get(key, "")
        moment = epoch(value, "", received_at) if _EPOCH.fullmatch(value) else None
        if moment is not None:
            return moment
    day, time = pairs.get("date", ""), pairs.get("time", "") or pairs.get("timestamp", "")
    if _DATE.fullmatch(day) and _TIME.fullmatch(time):
        named = pairs.get("tz") or pairs.get("timezone") or ""
        stamp = read_stamp(f"{day} {time}{' ' if named else ''}{named}", 0, received_at, zone)
        return stamp[0] if stamp else None
    stamp = read_stamp(f"{time} {pairs.get('tz', '')}", 0, received_at, zone)
    return stamp[0] if stamp else None
