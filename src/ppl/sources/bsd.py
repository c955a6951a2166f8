"""Parses many lines that are not RFC 5424 at once: the usual forms by one regular expression, others one by one.

The regular expression takes only lines for which the complete parser gives the same row; what words can be a host and a
tag is asked of that parser, once for each word. A property test holds the two equal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, tzinfo

from ppl.model import Row
from ppl.sources.gelf_fields import GELF_MARK
from ppl.sources.json_time import json_moment
from ppl.sources.levels import LEVELS, level_of
from ppl.sources.line import BOM, PRI, parse_line
from ppl.sources.stamps import read_stamp
from ppl.sources.timestamp import (
    MONTHS,
    SECONDS,
    Memo,
    Minutes,
    is_sane,
    microseconds,
    minute_moments,
    moment_of,
    nearest,
)

_BSD_TIME = (
    r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ 0123][0-9] (?:[0-9]{4} )?[012][0-9]:[0-5][0-9]:[0-5][0-9]"
)
# A PRI, one of two forms of time, a host, a tag and a text, or a list that is no tag; or else, as the last group, the
# whole line.
_LINES = re.compile(
    PRI + rf"(?:({_BSD_TIME})"
    r"|([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}):([0-5][0-9]|60)(?:\.([0-9]{1,6})[0-9]{0,3})?"
    r"(Z|[+-][0-9]{2}:[0-9]{2}))"
    r" ([^\s:\[\]]{1,255}+)( : (?=%)|:? )"
    r"(?:([^\s\[\]\"'{}=|;:]{1,255}+)(?:\[([^\[\]\s]{0,255}+)\]: ?|: )([^\n]*)"
    r"|((?:[0-9]{1,6},|[A-Za-z_]{1,30}=)[^\s:\[]*+(?! \()(?=[ \n])[^\n]*))\n"
    r"|([^\n]*)\n"
)
# A PRI, Cisco's sequence number, a device, the mark of its clock, a time and a mnemonic.
_OF_A_DEVICE = re.compile(
    PRI + rf"([0-9]{{1,9}}): ([\w.\-/]{{1,255}}+): ([*.]?)({_BSD_TIME})(?:\.([0-9]{{1,6}}))?: (%[A-Z][A-Z0-9_\-]*\w): "
    r"([^\n]*)"
)
# No PRI: a time, a level, perhaps a tag.
_WITH_LEVEL = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([012][0-9]:[0-5][0-9]):([0-5][0-9])(?:[.,]([0-9]{1,6}))?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})? +((DEBUG|INFO|WARN|WARNING|ERROR|FATAL|CRITICAL) +"
    r"(?:([^\s\[\]\"'{}=|;:]{2,255}+): [^\n]*|[^\s:\[]++(?: (?=[^ \[])[^\n]*)?))"
)
# No PRI: the access log of a site, where no header's form needs to be tried on the address.
_OF_A_SITE = re.compile(
    r"(?:[0-9]{1,3}\.){3}[0-9]{1,3} [^\s\[]{1,60}+ [^\s\[]{1,60}+ "
    r"\[([0-9]{2})/([A-Z][a-z]{2})/([0-9]{4}):([012][0-9]:[0-5][0-9]):([0-5][0-9]) ([+-][0-9]{2})([0-9]{2})\]"
)
_SAMPLE = "<13>Nov 30 00:55:12 "
# A zone's name means what the account's zone makes of it.
_MAY_BE_ZONE = re.compile("[A-Za-z]{1,5}")
# "Severity: Informational, Category: Audit" is text: the words behind decide.
_MAY_BEGIN_LIST = re.compile("[A-Z][a-z]+")

_minutes = Minutes()


class _Hosts(Memo[bool]):
    """Whether the complete parser takes a word before a tag for a host; a colon may end it."""

    def find(self, text: str) -> bool:
        if _MAY_BE_ZONE.fullmatch(text) and text != text.lower():
            return False
        return parse_line(f"{_SAMPLE}{text} app: x", 0, UTC)[3:6] == (text.removesuffix(":"), "app", "")


class _BareHosts(Memo[bool]):
    """Whether the complete parser takes a word for a host that no tag follows."""

    def find(self, text: str) -> bool:
        if "," in text or not _hosts[text]:
            return False
        return all(
            parse_line(f"{_SAMPLE}{text} {rest}", 0, UTC)[3:] == (text, "", "", "", "", rest) for rest in ("1,a", "a=b")
        )


class _Tags(Memo[bool]):
    """Whether the complete parser takes a word behind a host for a tag, with brackets and without."""

    def find(self, text: str) -> bool:
        # A comma may be UniFi's, behind whose name and version the tag stands.
        if "," in text or _MAY_BEGIN_LIST.fullmatch(text):
            return False
        return all(
            parse_line(f"{_SAMPLE}host-1 {text}{end} x", 0, UTC)[3:6] == ("host-1", text, procid)
            for end, procid in ((":", ""), ("[1]:", "1"))
        )


class _Devices(Memo[bool]):
    """Whether the complete parser takes a word behind Cisco's sequence number for a device's name."""

    def find(self, text: str) -> bool:
        row = parse_line(f"<13>7: {text}: Nov 30 00:55:12: %A-1-B: x", 0, UTC)
        return row[3:] == (text, "%A-1-B", "", "", '[meta sequenceId="7"]', "x")


_hosts = _Hosts()
_bare_hosts = _BareHosts()
_tags = _Tags()
_devices = _Devices()


class _Moments(Memo[int | None]):
    """The moments of RFC 3164's times, for one time of receipt and one zone."""

    def __init__(self, received_at: int, zone: tzinfo) -> None:
        super().__init__()
        self._received_at, self._zone = received_at, zone

    def find(self, text: str) -> int | None:
        stamp = read_stamp(text, 0, self._received_at, self._zone)
        return stamp[0] if stamp else None


def parse_others(lines: Sequence[str], received_at: int, zone: tzinfo) -> Iterator[Row]:
    """The rows of ``lines``, in order; each is without LF and not empty. The arguments are :func:`parse_line`'s."""
    if not lines:
        return
    others = _Others(received_at, zone)
    moment: int | None
    for line, (pri, stamp, minute, second, fraction, offset, host, between, tag, procid, text, bare, _) in zip(
        lines, _LINES.findall("\n".join(lines) + "\n"), strict=True
    ):
        if not pri:
            yield others.row(line) or parse_line(line, received_at, zone)
            continue
        if tag:
            is_known = _tags[tag] and _hosts[host if between != ": " else f"{host}:"]
        else:
            is_known = bool(stamp) and between == " " and _bare_hosts[host]
        if not is_known:
            yield parse_line(line, received_at, zone)
            continue
        if stamp:
            moment = others.moments[stamp]
        else:
            base = _minutes[minute + offset]
            moment = None if base is None else base + SECONDS[second] + microseconds(fraction)
            if moment is not None and not is_sane(moment, received_at):
                moment = None
        if moment is None:
            # The time stays, in the structured data.
            yield parse_line(line, received_at, zone)
            continue
        value = int(pri)
        yield moment, value >> 3, value & 7, host, tag, procid, "", "", bare or text.removeprefix(BOM)


def parse_objects(lines: Sequence[str], received_at: int, zone: tzinfo) -> list[Row]:
    """The rows of ``lines``, each of which begins with ``{``, as :func:`parse_others` makes them."""
    others = _Others(received_at, zone)
    return [others.row(line) or parse_line(line, received_at, zone) for line in lines]


class _Others:
    """Makes rows of lines in forms that :data:`_LINES` does not take; ``None`` if the complete parser must."""

    __slots__ = ("_received_at", "_zone", "moments")

    def __init__(self, received_at: int, zone: tzinfo) -> None:
        self._received_at, self._zone = received_at, zone
        self.moments = _Moments(received_at, zone)

    def row(self, line: str) -> Row | None:
        """The row of ``line``."""
        first = line[0]
        if first == "{":
            if GELF_MARK in line:
                return None
            # No header begins so, and there may be many.
            moment = json_moment(line, 0, self._received_at, self._zone)
            return moment, None, level_of(line), "", "", "", "", "", line
        if first == "<":
            found = _OF_A_DEVICE.fullmatch(line)
            return self.of_a_device(*found.groups("")) if found else None
        found = _WITH_LEVEL.fullmatch(line)
        if found:
            return self.with_level(*found.groups(""))
        found = _OF_A_SITE.match(line) if first.isdigit() else None
        return self.of_a_site(line, *found.groups()) if found else None

    def of_a_device(
        self, pri: str, number: str, device: str, mark: str, stamp: str, fraction: str, tag: str, text: str
    ) -> Row | None:
        """A line of a Cisco that counts its lines and names itself."""
        if not _tags[tag] or not _devices[device]:
            return None
        moment = self.moments[stamp]
        if fraction and moment is not None:
            moment += microseconds(fraction)
            if not is_sane(moment, self._received_at):
                moment = None
        if moment is None:
            return None
        value = int(pri)
        data = f'[meta sequenceId="{number}"]{_UNSYNCED if mark else ""}'
        return moment, value >> 3, value & 7, device, tag, "", "", data, text.removeprefix(BOM)

    def with_level(
        self, day: str, minute: str, second: str, fraction: str, offset: str, text: str, level: str, tag: str
    ) -> Row | None:
        """A line without a PRI whose text begins with a level."""
        # A mnemonic names a level of its own.
        if tag and (tag[0] == "%" or "/" in tag or not _tags[tag]):
            return None
        within = SECONDS[second] + (microseconds(fraction) if fraction else 0)
        moment = nearest(minute_moments(f"{day}T{minute}{offset}", self._zone), within, self._received_at)
        if moment is None:
            return None
        return moment, None, LEVELS[level.lower()], "", tag, "", "", "", text

    def of_a_site(
        self, line: str, day: str, month: str, year: str, minute: str, second: str, hours: str, minutes: str
    ) -> Row | None:
        """A line of an access log."""
        number = MONTHS.get(month.lower())
        if number is None:
            return None
        moment = moment_of(
            year, f"-{number:02}-{day}T{minute}{hours}:{minutes}", second, None, self._received_at, self._zone
        )
        return moment, None, level_of(line), "", "", "", "", "", line


_UNSYNCED = '[timeQuality isSynced="0"]'
