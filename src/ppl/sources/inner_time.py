"""Finds the time of a text that does not begin with it, for lines that no header dates.

Access logs, logfmt, ``WARN [2026-11-30 00:55:12] …``, ``E1130 00:55:12.3 …`` and others write their time behind a few
characters of a known form. A time that stands anywhere else is a part of what the text tells, and does not count.
"""

from __future__ import annotations

import re
from datetime import UTC, tzinfo

from ppl.sources.json_time import json_moment
from ppl.sources.levels import LEVELS
from ppl.sources.stamps import read_stamp
from ppl.sources.timestamp import MONTHS, moment_of

_PAIR = r"""[A-Za-z_]{1,20}=(?:"[^"\n]{0,80}"|[^\s"]{0,80}),? """
# A level, and what may stand between it and the time; Tanuki's wrapper names its virtual machine.
_LEVEL = (
    r"([A-Za-z]{3,13})[\])]?[ \t]{0,8}[:|,;\-]?[ \t]{0,8}(?:\[[^\]\n]{1,40}\][ \t]+)?"
    r"(?:(?:jvm [0-9]{1,3}|wrapper) {1,8}\| )?\[?(?=[0-9]{4}[-/.]|[0-9]{2}([/.\-])[0-9]{2}\2[0-9]{2})"
)
_BOTH = (
    # FreeSWITCH's calls.
    r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12} (?=[0-9]{4}-)",
    # Access logs with other times than the usual one; PHP-FPM's, InfluxDB's.
    r"(?:\[\w{1,20}\] )?(?:[^\s\[]{1,255} ){2,4}\[(?=[0-9]{1,2}/(?:[A-Z][a-z]{2}|[0-9]{2})/[0-9]{4}[: ])",
    r"[0-9a-fA-F.:]{2,45} - \S{0,60} (?=[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:)",
    # An address and nothing more.
    r"(?:[0-9]{1,3}\.){3}[0-9]{1,3} \[(?=[0-9]{2}/[A-Z][a-z]{2}/)",
    # The name of a process that Docker Compose, foreman and PM2 write first.
    r"[\w.\-]{1,60}(?:\|[\w.\-]{1,60})? {1,30}\| (?=[0-9]{4}[-/])",
)
#: What stands before the time, where that begins with a letter; the first group is a word that must be a level.
_BEFORE_OF_LETTER = re.compile(
    "|".join((
        rf"(?:{_PAIR}){{0,3}}?(?:time|ts|t|timestamp|datetime|asctime)=\"?(?=[0-9A-Z])",
        # Ruby's Logger and CUPS, Tornado.
        r"[A-Z],? \[(?=[0-9]{2,4}[-/])|[EWIFDCNT] (?=[0-9]{4}-[0-9]{2}-[0-9]{2}[T ])",
        # Source's game servers.
        r"L (?=[0-9]{2}/[0-9]{2}/[0-9]{4} - )",
        # The kernel's audit, VOSS, dmesg --decode.
        r"(?:(?:node=\S{1,255} )?type=\S{1,60} msg=|audit: type=[0-9]{4} )audit\((?=[0-9]{10}\.)",
        r"[A-Z][A-Z0-9]{1,7} {1,8}\[(?=[0-9]{2}/[0-9]{2}/[0-9]{2} |[0-9]{4}-[0-9]{2}-[0-9]{2}T)",
        # Zigbee2MQTT, SQL Anywhere, HANA, load balancers of AWS.
        r"[\w\-]{1,40}:[a-z]{4,7} {1,8}(?=[0-9]{4}-)"
        r"|[EWI]\. (?=[0-9]{4}-|[0-9]{2}/[0-9]{2} )|[A-Z]{2,8} \[[0-9]{1,10}\]\{\S{1,20}\}\[\S{1,20}\] (?=[0-9]{4}-)"
        r"|(?:https?|h2|wss?|grpcs?|tls) (?=[0-9]{4}-[0-9]{2}-[0-9]{2}T)",
        # oVirt, the name of a thread first.
        r"[\w\-]{1,60}::[A-Z]{4,8}::(?=[0-9]{4}-)",
        # Firebird's name of the server; logrus and go-ethereum.
        r"[\w.\-]{1,64} \([A-Z][a-z]{2,12}\)\t(?=[A-Z][a-z]{2} )|[A-Z]{4,5} ?\[(?=[0-9]{2}-[0-9]{2}\|)",
        r"(?:kern|user|daemon) *:[a-z]{3,6} *: \[(?=[A-Z])",
        *_BOTH,
        # The last, as no other form is tried when the word is no level.
        _LEVEL,
    ))
)  # fmt: skip
#: The same, where it begins with anything else.
_BEFORE_OF_OTHER = re.compile(
    "|".join((
        # A name in brackets first.
        r"\[[^\]\n]{1,60}\](?: [0-9]{1,10})?(?:  ?-)? +"
        r"(?=[0-9]{4}[-/]|[0-9]{2}/[0-9]{2}/(?:[0-9]{2}){1,2},? |[0-9]{2} [A-Z][a-z]{2} [0-9]{2})",
        r"\[[A-Z] (?=[0-9]{4}-)|\([A-Z]\) (?=[0-9]{4}-)",
        # GlassFish.
        r"\[#\|(?=[0-9]{4}-)",
        r"[\[(] {0,2}" + _LEVEL,
        # Redis, Erlang, PAN-OS, WebLogic.
        r"[0-9]{1,10}:(?:[A-Z] (?=[0-9]{2} [A-Z][a-z]{2} [0-9]{2})|signal-handler \((?=1[0-9]{9}\)))",
        # uwsgi's requests, MySQL's slow queries.
        r"\[pid: [0-9]{1,10}\|app: [^\]\n]{1,60}\] \S{1,60} \([^)\n]{0,60}\) \{[^}\n]{1,60}\} \[(?=[A-Z][a-z]{2} )"
        r"|# Time: (?=[0-9]{4}-|[0-9]{6} {1,2}[0-9])",
        # OpenTelemetry's agent for Java, SQLAlchemy.
        r"\[[a-z][\w.\-]{1,40} (?=[0-9]{4}-[0-9]{2}-[0-9]{2} )|\([\w.]{1,60}\): (?=[0-9]{4}-)",
        # HANA, Sybase ASE, hMailServer, Microsoft's DHCP server, rulers.
        r"(?:\[[0-9]{1,10}\])?\{\S{1,20}\}\[\S{1,20}\] (?=[0-9]{4}-)|[0-9]{2}:[0-9]{4,5}:[0-9]{4,5}:(?=[0-9]{4}/)"
        r"|\"[A-Z0-9]{3,12}\"\t(?:[0-9]{1,10}\t){1,2}\"(?=[0-9]{4}-)|[0-9]{2},(?=[0-9]{2}/[0-9]{2}/[0-9]{2},)"
        r"|[*#>=|\-]{1,8} (?=[0-9]{4}[-/]|[A-Z][a-z]{2} )",
        r"=[A-Z]{4,8} REPORT==== (?=[0-9])|[0-9]{0,6},(?=[0-9]{4}/[0-9]{2}/[0-9]{2} )|####<(?=[A-Z0-9])",
        *_BOTH,
    ))
)  # fmt: skip
#: Access logs, with or without the name of the site.
_ACCESS = re.compile(
    r"(?:[^\s\[]{1,255}+ {1,2}){2,4}+\[([0-9]{2})/([A-Z][a-z]{2})/([0-9]{4}):([012][0-9]:[0-5][0-9]):([0-5][0-9])"
    r" ([+-][0-9]{2})([0-9]{2})\]"
)
#: klog, glog, CockroachDB, Tornado: the year in four digits, two or none.
_LETTER_AND_DIGITS = re.compile(
    r"(\[)?[EWIFDC] ?((?:20)?[0-9]{2})?([01][0-9])([0-3][0-9]) ([012][0-9]:[0-5][0-9]):([0-5][0-9])(?:\.([0-9]{1,9}))?"
    r"(?=[ \t\]])"
)


_SHORT = 2
#: ZTE's sentences, in which the date follows the time.
_ZTE = re.compile(
    r"An? (?:alarm|notification) [^\n]{1,80}? at ([012][0-9]:[0-5][0-9]):([0-5][0-9]) "
    r"([01][0-9])([-/])([0-3][0-9])\4([0-9]{4}) "
)


# The name of a file, as where several are read at once.
_FILE = re.compile(r"[\w.\-]{1,60}\.log[\w.\-:]{0,60} (?=[0-9]{4}-[0-9]{2}-[0-9]{2}[T ])")
_LONGEST_FILE = 64
# AudioCodes: day and month.
_AT_END = re.compile(r"\[Time:([0-3][0-9])-([01][0-9])@([012][0-9]:[0-5][0-9]):([0-5][0-9])(?:\.([0-9]{1,6}))?\] ?\Z")
_LONGEST_END = 32


def ends_in_time(text: str) -> bool:
    """Whether ``text``, which ends with ``]`` and perhaps a blank, may end with its time."""
    return text.find("[Time:", max(len(text) - _LONGEST_END, 0)) >= 0


def inner_moment(text: str, start: int, received_at: int, zone: tzinfo) -> int | None:
    """The moment, in µs, that the text from ``start`` on names near its beginning; ``None`` if it names none.

    Args:
        text: the line.
        start: where the text begins.
        received_at: µs of receipt.
        zone: time zone of times that name none.
    """
    first = text[start : start + 1]
    if not first or first in " \t":
        return None
    if first == "{":
        return json_moment(text, start, received_at, zone)
    if text.endswith(("]", "] ")) and ends_in_time(text):
        found = _AT_END.match(text, text.rindex("[Time:"))
        if found:
            day, month, minute, second, fraction = found.groups()
            return moment_of(None, f"-{month}-{day}T{minute}", second, fraction, received_at, zone)
    if first in "[EWIFDC" and (found := _LETTER_AND_DIGITS.match(text, start)):
        bracket, year, month, day, minute, second, fraction = found.groups()
        if year and len(year) == _SHORT and not bracket:
            # CockroachDB writes UTC.
            zone = UTC
        if year:
            year = f"20{year[-2:]}"
        return moment_of(year, f"-{month}-{day}T{minute}", second, fraction, received_at, zone)
    if first == "A" and (found := _ZTE.match(text, start)):
        minute, second, month, _, day, year = found.groups()
        return moment_of(year, f"-{month}-{day}T{minute}", second, None, received_at, zone)
    access = _ACCESS.match(text, start) if "[" in text else None
    if access and (number := MONTHS.get(access[2].lower())):
        day, _, year, minute, second, hours, minutes = access.groups()
        return moment_of(year, f"-{number:02}-{day}T{minute}{hours}:{minutes}", second, None, received_at, zone)
    found = (_BEFORE_OF_LETTER if first.isalpha() else _BEFORE_OF_OTHER).match(text, start)
    if found is None and text.find(".log", start, start + _LONGEST_FILE) > 0 and (file := _FILE.match(text, start)):
        stamp = read_stamp(text, file.end(), received_at, zone)
        return stamp[0] if stamp else None
    if found and (found[1] is None or found[1].lower() in LEVELS):
        stamp = read_stamp(text, found.end(), received_at, zone)
        if stamp:
            return stamp[0]
    return None
