"""The complete parser of one line: it tries every form that is seen in the wild, one after the other.

:mod:`ppl.sources.message` parses whole reads with few regular expressions and comes here for the lines that they do not
cover; a property test holds the two equal. Text in, a :data:`~ppl.model.Row` out; nothing is ever refused, and nothing
of a line is lost: what no field takes stays in the message.
"""

from __future__ import annotations

import re
from datetime import UTC, tzinfo
from functools import lru_cache

from ppl.model import SECOND, Row
from ppl.sources.cisco import read_cisco
from ppl.sources.device_pairs import LONGEST_FIRST_KEY, read_device_pairs
from ppl.sources.gelf_fields import GELF_MARK, gelf_row
from ppl.sources.header import (
    Header,
    device_before,
    facility_and_level,
    read_header,
    read_mnemonic,
    read_tag,
    read_vendor_tag,
)
from ppl.sources.inner_time import ends_in_time, inner_moment
from ppl.sources.levels import LEVELS, TERMINAL, level_of, named_level
from ppl.sources.own_headers import OWN_BEGINNING, read_own_header
from ppl.sources.stamps import Stamp, read_stamp
from ppl.sources.timestamp import AMBIGUOUS_ZONES, MONTHS, is_sane

#: PRIVAL 0 to 191 without leading zeros (RFC 5424 section 6.2.1).
PRI = r"<(1(?:[0-8][0-9]|9[01]|[0-9]?)|[2-9][0-9]?|0)>"


_NAME = r"[^\s=\]\"\[]"


def _element(value: str) -> str:
    """The pattern of an SD-ELEMENT as it is (RFC 5424 section 6.3); ``value``: the pattern of a value's characters.

    Without parameters, only a name with an ``@`` or a registered one makes an element: ``[main]`` and ``[GET]`` are
    text.
    """
    parameters = rf"(?: ++{_NAME}++=\"(?:{value})*+\")++ ?"
    return rf"\[(?:{_NAME}++{parameters}|{_NAME}*?@{_NAME}*+|meta|origin|timeQuality)\]"


def _elements(element: str) -> str:
    """The pattern of one or more elements; logspout writes ``[]`` for none."""
    return rf"(?:{element})++|\[\](?= [^\n])"


#: An SD-ELEMENT within a line.
ELEMENT = _element(r"[^\"\\\n]++|\\[^\n]")

#: One or more SD-ELEMENTs within a line.
ELEMENTS = _elements(ELEMENT)

BOM = "\ufeff"

_LINE_PRI = re.compile(PRI + r"[ \t]*")
# In a message of its own, a value may hold newlines (section 6.3.3).
_ELEMENTS = re.compile(_elements(_element(r"[^\"\\]++|\\.")), re.DOTALL)
_MOST_CHARACTERS = 1024
_FIELD = rf"[^ \n]{{1,{_MOST_CHARACTERS}}}"
_VERSION = re.compile(r"[0-9]{1,3} +")
_NIL_TIME = re.compile(r"- ")
_FIELDS = re.compile(rf" *({_FIELD})(?: +({_FIELD}))?(?: +({_FIELD}))?(?: +({_FIELD}))?(?: +|\Z)")
# Some fields are empty: a sender that has no host writes nothing there.
_EMPTY_FIELDS = re.compile(rf" ({_FIELD})?(?: ({_FIELD})?)(?: ({_FIELD})?)(?: ({_FIELD})?)(?: |\Z)")
# Docker, whose tag may hold blanks, repeats it as MSGID.
_REPEATED_TAG = re.compile(rf" *({_FIELD}) ((?:[^ \n]{{1,60}} ){{1,4}}[^ \n]{{1,60}}) ([0-9]{{1,10}}) \2 (?=-|\[)")
# No VERSION (VMware NSX, Avi): then PROCID, MSGID and STRUCTURED-DATA must look like it.
_NO_VERSION = re.compile(rf" +({_FIELD}) +({_FIELD}) +({_FIELD}) +({_FIELD}) (?=-(?: |\Z)|\[{_FIELD} )")
# The same behind a time of RFC 3164 (ePO, Check Point, ESET): what RFC 3164 knows must not fit as well.
_OLD_TIME = re.compile(rf" +({_FIELD}) ({_FIELD}) (-|[0-9]{{1,10}}) ({_FIELD}) (?=-(?: |\Z)|\[(?:{_NAME}+ |\w+:\"))")
# A whole header of RFC 5424 behind a relay's own.
_NESTED = re.compile(
    rf"[0-9]{{1,3}} [0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T{_FIELD} {_FIELD} {_FIELD} {_FIELD} {_FIELD} (?=-(?: |\Z)|\[)"
)
# The name of the device before the time.
_HOST_FIRST = re.compile(
    r"([\w.\-]{1,255}) (?=(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ 0-3]?[0-9] [0-9]"
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:)"
)
# No plain word, which may begin a text.
_RELAYED_NAME = re.compile(r"(?=[\w.\-]*[0-9.\-_])\w[\w.\-]{0,254}")
_HOST_AND_MNEMONIC = re.compile(r"([\w.\-]{1,255}) (?=%[A-Z])")
# IIS, CloudFront: W3C's extended format, whose times are UTC.
_OF_W3C = re.compile(
    r" (?:W3SVC[0-9]{1,10} (?:[\w.\-]{1,64} )?)?[0-9a-fA-F.:]{3,45} [A-Z]{3,9} /"
    r"|\t[A-Z]{3}[0-9\-A-Z]{1,8}\t[0-9]{1,19}\t[0-9a-fA-F.:]{3,45}\t[A-Z]{3,9}\t"
)
_INDENTED = re.compile(r"[ \t]{1,40}(?=[0-9\[(<\"]|[A-Z][a-z]{2,8},? )")
_SNARE = re.compile(r"([\w.\-]{1,255})\t(MSWinEventLog)\t[0-9]\t[^\t\n]{1,100}\t[0-9]{1,12}\t(?=[A-Z])")
# Meraki: VERSION, then seconds since the epoch, then a name and a kind of events.
_MERAKI = re.compile(r" +([\w.\-]{1,255}) +([a-z_\-]{2,40}) ")
_NUMBERED = re.compile(r"[0-9]{1,10}: ")
_ENDS_IN_BRACKETS = ("]", ")", ">", " ", ":", ",")
_ENDS_IN_QUOTES = ('",', '";', '"\t')
_OPENING = frozenset('[(<"')
_BLANKS = frozenset(" \t")
_BRACKETED_TIME = re.compile(r"(?:[\[(<] ?|\")(?=[0-9A-Z])")
# daemontools' and runit's labels of time count from 1970, ten seconds ahead.
_TAI64N = re.compile(r"@([0-9a-f]{16})([0-9a-f]{8}) ")
_TAI = (1 << 62) + 10
_MNEMONIC = re.compile(r"%[A-Z][A-Z0-9_]*-(?:[A-Za-z0-9_]+-)*?([0-7])-\w+(?=:| |\Z)")
_HUAWEI = re.compile(r"%%[0-9]{2}\w{1,60}/([0-7])/")
_COMWARE = re.compile(r"[A-Z][A-Z0-9_]{1,30}/([0-7])/[A-Z0-9_]{1,60}")
_LATEST_MNEMONIC = 160
# H3C's logs and traps, numbered in a buffer.
_MARKS = frozenset("%#")
_NUMBERED_MARK = re.compile(r"%@([0-9]{1,10})%")
# Kiwi's file: a priority, a device and a text, with tabs between.
_KIWI = re.compile(r"([A-Za-z0-9]{2,10}\.[A-Za-z]{4,8})\t(\S{1,255})\t")
# What all forms of time have in common: two patterns, as each begins with a character that is found quickly.
_ANY_CLOCK, _ANY_EPOCH = re.compile(r":[0-9]{2}"), re.compile(r"1[0-9]{9}")
# But for those without a colon, which only begin a line.
_NO_COLON = re.compile(
    r"[0-9]{8}[T \-]?[0-9]{6}|[0-9]{6} [0-9]{6} [0-9]|[0-9]{4}-[0-9]{2}-[0-9]{2}-[0-9]{2}\.|1\.[0-9]{5,18}e\+09"
)
_LATEST_TIME = 1280
_UNKNOWN_ZONE = re.compile(r" ([A-Z]{3,5})(?= ?: ?%)")
_AMBIGUOUS_ZONE = re.compile(rf"(?:{'|'.join(sorted(AMBIGUOUS_ZONES))})(?: [12][0-9]{{3}})? ")
_LATEST_DASH = 160
_LONGEST_FACILITY = 12
_LONGEST_PRIORITY = 20
_LONGEST_HOST = 256
_FACILITY_LEVEL = re.compile(r"([a-z0-9]+\.[a-z]+): ")
_TEXT_PRI = re.compile(r"<([a-z0-9]+\.[a-z]+)>[ \t]+", re.IGNORECASE)
# FreeBSD's syslogd -v: the facility and the severity.
_TEXT_NUMBERS = re.compile(r"<(1[0-9]|2[0-3]|[0-9])\.([0-7])>[ \t]+")
_SEPARATOR = re.compile(r" ?:(?!:) ?|[ \t]+|[,|;] ?|:(?=:)|\Z")
_HOST_AND_PRIORITY = re.compile(
    r"([^\s:\[\]]{1,255}) ([a-z0-9]+\.[a-z]+|[A-Z][a-z]\([0-9]{1,3}\)|[a-z0-9]+(?:\|[a-z0-9]+)?:[a-z]+) "
)
_WORD = re.compile(r"[^\s\[\]]+")
_PRIORITY_SIGNS = re.compile(r"[.(]")


def parse_line(line: str, received_at: int, zone: tzinfo) -> Row:
    """``line`` (without its trailer, without NUL) as columns.

    Args:
        line: the text.
        received_at: µs of receipt: a missing year is the nearest one, and a time far after it is not believed.
        zone: time zone of timestamps that name none.
    """
    if line.startswith(BOM):
        line = line[1:]
    pri = _LINE_PRI.match(line)
    if pri is None:
        return _Parser(line, None, None, received_at, zone).without_pri()
    value = int(pri[1])
    return _Parser(line, value >> 3, value & 7, received_at, zone).after_pri(pri.end())


def nil(field: str | None) -> str:
    """``field``, or ``""`` for RFC 5424's NILVALUE."""
    return "" if field == "-" or field is None else field


@lru_cache(maxsize=1024)
def _level_of_name(program: str) -> int | None:
    """The severity that a program's name tells: Cisco's mnemonics and RouterOS's topics do."""
    if program[0] == "%":
        mnemonic = _HUAWEI.match(program) or _MNEMONIC.match(program)
        return int(mnemonic[1]) if mnemonic else None
    if program.isupper() and (mnemonic := _COMWARE.fullmatch(program)):
        return int(mnemonic[1])
    return level_of(f"{program} ") if "," in program else None


class _Parser:
    """Parses one line; the arguments are those of :func:`parse_line`, and what the PRI says."""

    __slots__ = ("_facility", "_line", "_received_at", "_severity", "_zone")

    def __init__(self, line: str, facility: int | None, severity: int | None, received_at: int, zone: tzinfo) -> None:
        self._line, self._facility, self._severity = line, facility, severity
        self._received_at, self._zone = received_at, zone

    def after_pri(self, start: int) -> Row:
        """A line that begins with a PRI, from behind it."""
        line = self._line
        first = line[start : start + 1]
        if first.isdigit():
            row = self._version(start)
            if row:
                return row
            # Some write RFC 5424's VERSION before RFC 3164's time.
            if line.startswith("1 ", start) and (row := self._dated(start + 2, has_pri=True)):
                return row
        if first.isalpha() and line.find("=", start, start + LONGEST_FIRST_KEY) > 0:
            # Neither a time nor a tag begins so, and firewalls write many such lines.
            row = self._of_pairs(None, start)
            if row:
                return row
        row = self._behind_mark(start, has_pri=True) if first in _MARKS else self._dated(start, has_pri=True)
        row = row or self._cisco(start)
        if row:
            return row
        if first and first in _OPENING and (row := self._bracketed(start)):
            return row
        device = device_before(line, start)
        if device:
            return self._row(None, *device)
        tag = read_vendor_tag(line, start) or read_tag(line, start, close=False)
        if tag is None:
            row = self._of_snare(start) or self._host_first(start)
            if row:
                return row
        program, procid, end = tag or ("", "", start)
        # A time of RFC 3164 that stands behind the tag, or behind a number, stays in the text, and counts.
        number = _NUMBERED.match(line, end)
        after = number.end() if number else end
        is_word = line[after : after + 1].isalpha()
        stamp = read_stamp(line, after, self._received_at, self._zone) if is_word else None
        moment = stamp[0] if stamp else inner_moment(line, end, self._received_at, self._zone)
        if moment is None and tag is None and OWN_BEGINNING.match(line, start) and (row := self._of_own(start)):
            return row
        return self._row(moment, "", program, procid, end)

    def without_pri(self) -> Row:
        """A line without PRI: a syslog file's, RFC 5424 without PRI, another dated line, or any text."""
        line = self._line
        first = line[:1]
        has_time = bool(_ANY_CLOCK.search(line, 0, _LATEST_TIME) or _ANY_EPOCH.search(line, 0, _LATEST_TIME))
        has_time = has_time or (line.endswith(("]", "] ")) and ends_in_time(line))
        if first.isalnum():
            has_time = has_time or (first.isdigit() and _NO_COLON.match(line) is not None)
            if has_time and first.isdigit():
                version = _VERSION.match(line)
                start = version.end() if version else 0
                stamp = read_stamp(line, start, self._received_at, self._zone) if version else None
                if stamp and stamp[2] and line.startswith(" ", stamp[1]) and (row := self._fields(stamp, stamp[1])):
                    return self._with_stamp(start, stamp, row)
            if has_time and (row := self._dated(0, has_pri=False)):
                if row[1] is row[2] is None:
                    row = (*row[:2], named_level(row[-1]), *row[3:])
                # A time alone is all that the line says.
                return row if any(row[3:7]) or row[8] else (*row[:7], "", line)
            if has_time and (row := self._host_first(0)):
                return row
            named = _FACILITY_LEVEL.match(line) if line.find(".", 2, _LONGEST_FACILITY) > 0 else None
            numbers = facility_and_level(named[1]) if named else None
            if named and numbers:
                self._facility, self._severity = numbers
                return self.after_pri(named.end())
        elif first == "{":
            row = gelf_row(line, self._received_at, self._zone) if GELF_MARK in line else None
            if row:
                return row
        elif first == "\x1b":
            # Written for a terminal: the text stays as it is.
            plain = TERMINAL.sub("", line)
            if plain[:1] not in ("\x1b", "<"):
                row = _Parser(plain, None, None, self._received_at, self._zone).without_pri()
                return row[0], None, level_of(line) if row[2] is None else row[2], *row[3:8], line
        elif has_time and first in _OPENING:
            if row := self._bracketed(0):
                return row
        elif first == "@" and (label := _TAI64N.match(line)):
            labelled = (int(label[1], 16) - _TAI) * SECOND + int(label[2], 16) // 1000
            if is_sane(labelled, self._received_at):
                return self._row(labelled, "", "", "", label.end())
        elif has_time and first in "%#*.":
            row = self._of_console(first)
            if row:
                return row
        elif first in _BLANKS and has_time and (indented := _INDENTED.match(line)):
            start = indented.end()
            row = self._bracketed(start) if line[start] in _OPENING else self._dated(start, has_pri=False)
            if row and any(row[3:]):
                return row
        if line.find("%", 0, _LATEST_MNEMONIC) >= 0 and (row := self._of_cisco()):
            return row
        if first.isalpha():
            if line.find("=", 0, LONGEST_FIRST_KEY) > 0 and (row := self._of_pairs(None, 0)):
                return row
            if first in "CL" and (tag := read_vendor_tag(line, 0)):
                return self._row(None, "", *tag)
            if line.find("\t", 0, _LONGEST_HOST) > 0 and (row := self._of_snare(0)):
                return row
        moment = inner_moment(line, 0, self._received_at, self._zone) if has_time else None
        may_be_own = moment is None and (has_time or line.startswith("/", 1))
        if may_be_own and OWN_BEGINNING.match(line) and (row := self._of_own(0)):
            return row
        return self._row(moment, "", "", "", 0)

    def _bracketed(self, start: int) -> Row | None:
        """A line that begins with a time in brackets or quotes, which stays in the text; ``None`` if it does not."""
        line = self._line
        opening = _BRACKETED_TIME.match(line, start)
        if opening is None:
            return None
        stamp = read_stamp(line, opening.end(), self._received_at, self._zone)
        if stamp is None or stamp[0] is None:
            return None
        # In quotes, only as a table's first column.
        ends = _ENDS_IN_QUOTES if line[start] == '"' else _ENDS_IN_BRACKETS
        return self._row(stamp[0], "", "", "", start) if line.startswith(ends, stamp[1]) else None

    def _of_console(self, first: str) -> Row | None:
        """A line of a device's console, which begins with a sign; ``None`` if it is not that."""
        if first in _MARKS:
            return self._behind_mark(0, has_pri=False)
        return self._cisco(0) if "%" in self._line[:_LATEST_MNEMONIC] else None

    def _behind_mark(self, start: int, *, has_pri: bool) -> Row | None:
        """A line of H3C's, which has a sign of the kind before the time; ``None`` if it is not that."""
        numbered = _NUMBERED_MARK.match(self._line, start)
        row = self._dated(numbered.end() if numbered else start + 1, has_pri=has_pri)
        if row is None or numbered is None:
            return row
        return *row[:7], f'[meta sequenceId="{numbered[1]}"]{row[7]}', row[8]

    def _of_own(self, start: int) -> Row | None:
        """A line that begins with a system's own header, which stays in the text; ``None`` if it does not."""
        header = read_own_header(self._line, start, self._received_at, self._zone)
        if header is None:
            return None
        if self._facility is None and self._severity is None:
            self._severity = header.severity
        return self._row(header.created_at, header.hostname, header.program, header.procid, start)

    def _of_cisco(self) -> Row | None:
        """A line of a Cisco that a relay wrote to a file, without PRI and time; ``None`` if it is not that."""
        line = self._line
        if not _MNEMONIC.search(line, 0, _LATEST_MNEMONIC):
            return None
        if line.startswith("%"):
            tag = read_mnemonic(line, 0)
            return self._row(None, "", tag.program, tag.procid, 0) if tag else self._cisco(0)
        if device := device_before(line, 0):
            return self._row(None, *device)
        named = _HOST_AND_MNEMONIC.match(line)
        tag = read_mnemonic(line, named.end()) if named and not named[1].isalpha() else None
        return self._row(None, named[1], *tag) if named and tag else self._cisco(0)

    def _host_first(self, start: int) -> Row | None:
        """A line whose host stands before the time; ``None`` if it is not that."""
        line = self._line
        after = line.find(" ", start, start + _LONGEST_HOST) + 1
        if line[after : after + 3].lower() not in MONTHS and line[after + 4 : after + 5] != "-":
            return None
        found = _HOST_FIRST.match(line, start)
        stamp = read_stamp(line, found.end(), self._received_at, self._zone) if found else None
        if found is None or stamp is None or not stamp[2] or not line.startswith(" ", stamp[1]):
            return None
        host, end = found[1], stamp[1] + 1
        if host.isdigit() or (host.isalpha() and self._facility is None):
            return None
        tag = read_tag(line, end, close=False)
        if tag is None and (host.isalpha() or self._facility is None):
            return None
        row = self._row(stamp[0], host, *tag) if tag else self._row(stamp[0], host, "", "", end)
        return self._with_stamp(found.end(), stamp, row)

    def _of_snare(self, start: int) -> Row | None:
        """A line of an agent for Windows that has the device's name but no header; ``None`` if it is not that."""
        found = _SNARE.match(self._line, start)
        if found is None:
            return None
        stamp = read_stamp(self._line, found.end(), self._received_at, self._zone)
        return self._row(stamp[0] if stamp else None, found[1], found[2], "", found.start(2))

    def _of_pairs(self, created_at: int | None, start: int) -> Row | None:
        """A line whose text is a device's pairs; ``None`` if it is not that."""
        pairs = read_device_pairs(self._line, start, self._received_at, self._zone)
        if pairs is None:
            return None
        if self._facility is None and self._severity is None:
            self._severity = pairs.severity
        return self._row(pairs.created_at if created_at is None else created_at, pairs.hostname, "", "", start)

    def _row(
        self,
        created_at: int | None,
        hostname: str,
        program: str,
        procid: str,
        end: int,
        data: str = "",
        msgid: str = "",
    ) -> Row:
        message = self._line[end:].removeprefix(BOM)
        severity = self._severity
        if self._facility is None:
            if severity is None and program:
                severity = _level_of_name(program)
            if severity is None:
                # Arista's and Juniper's mnemonics stand behind a tag.
                mnemonic = _MNEMONIC.match(message) if message.startswith("%") else None
                severity = int(mnemonic[1]) if mnemonic else level_of(message)
            if severity is None and procid.isalpha():
                # Python's module[LEVEL].
                severity = LEVELS.get(procid.lower())
        return created_at, self._facility, severity, hostname, program, procid, msgid, data, message

    def _version(self, start: int) -> Row | None:
        """RFC 5424, from VERSION on; ``None`` if it is not that."""
        line = self._line
        version = _VERSION.match(line, start)
        if version is None:
            return None
        nil_time = _NIL_TIME.match(line, version.end())
        if nil_time:
            return self._fields((None, nil_time.end() - 1, True), nil_time.end() - 1)
        stamp = read_stamp(line, version.end(), self._received_at, self._zone)
        if stamp is None or line[stamp[1] : stamp[1] + 1] not in (" ", ""):
            return None
        row = self._behind_version(version.end(), stamp)
        return self._with_stamp(version.end(), stamp, row) if row else None

    def _behind_version(self, start: int, stamp: Stamp) -> Row | None:
        line = self._line
        if not line[start].isdigit():
            return self._no_version(stamp)
        if line[start + 4 : start + 5].isdigit():
            meraki = _MERAKI.match(line, stamp[1])
            if meraki and not _NO_VERSION.match(line, stamp[1]):
                return self._row(stamp[0], meraki[1], meraki[2], "", meraki.end())
        return self._fields(stamp, stamp[1])

    def _fields(self, stamp: Stamp, start: int) -> Row | None:
        """HOSTNAME to MSG of RFC 5424."""
        line = self._line
        found = _FIELDS.match(line, start)
        if found is None:
            return None
        data = self._structured_data(found.end()) if found[4] else None
        if data is None:
            for pattern in (_REPEATED_TAG, _EMPTY_FIELDS):
                other = pattern.match(line, start)
                data = self._structured_data(other.end()) if other else None
                if other and data is not None:
                    found = other
                    break
        if data is None:
            return self._without_data(stamp, found)
        hostname, program, procid, msgid = map(nil, found.groups())
        if found.re is _REPEATED_TAG:
            msgid = program
        elements, end = data
        if not elements and procid and not procid.isdigit() and line[end : end + 2] in ("- ", "-"):
            # remote_syslog2 writes a file's name as it is, with its blanks.
            tail = line.find(" - - -", found.start(3))
            name = line[found.start(2) : tail]
            if tail > 0 and len(name) <= _MOST_CHARACTERS and line[tail + 6 : tail + 7] in (" ", ""):
                return self._row(stamp[0], hostname, name, "", tail + 7)
        return self._row(stamp[0], hostname, program, procid, end, elements, msgid)

    def _structured_data(self, start: int) -> tuple[str, int] | None:
        """STRUCTURED-DATA at ``start``, and where MSG begins; ``None`` if there is none."""
        line = self._line
        if line.startswith("-", start):
            return ("", start + 2) if line[start + 1 : start + 2] in (" ", "") else None
        elements = _ELEMENTS.match(line, start)
        if elements and line[elements.end() : elements.end() + 1] in (" ", ""):
            return elements[0], elements.end() + 1
        return None

    def _without_data(self, stamp: Stamp, found: re.Match[str]) -> Row:
        """Without STRUCTURED-DATA: MSGID and PROCID count only where they look like it; the rest is the text."""
        hostname, program, procid, msgid = found.groups()
        if program and program[-1] == ":" and (tag := read_tag(self._line, found.start(2), close=False)):
            # RFC 3164's TAG behind RFC 5424's time.
            return self._row(stamp[0], nil(hostname), *tag)
        if msgid == "-":
            return self._row(stamp[0], nil(hostname), nil(program), nil(procid), found.end())
        if procid == "-" or (procid is not None and procid.isdigit()):
            end = found.end() if msgid is None else found.start(4)
            return self._row(stamp[0], nil(hostname), nil(program), nil(procid), end)
        end = found.end() if procid is None else found.start(3)
        return self._row(stamp[0], nil(hostname), nil(program), "", end)

    def _dated(self, start: int, *, has_pri: bool) -> Row | None:
        """RFC 3164 as it is seen: the time, then what may be missing; ``None`` if there is no time."""
        stamp = read_stamp(self._line, start, self._received_at, self._zone)
        row = self._behind_stamp(start, stamp, has_pri=has_pri) if stamp else None
        return self._with_stamp(start, stamp, row) if stamp and row else None

    def _with_stamp(self, start: int, stamp: Stamp, row: Row) -> Row:
        """``row``, in whose structured data a time at ``start`` stands that is not believed: no column has it."""
        if stamp[0] is not None:
            return row
        text = self._line[start : stamp[1]].replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")
        return *row[:7], f'{row[7]}[ppl@32473 time="{text}"]', row[8]

    def _behind_stamp(self, start: int, stamp: Stamp, *, has_pri: bool) -> Row | None:
        line = self._line
        created_at, end, is_syslog = stamp
        data = ""
        if line.find("%", end, end + 9) > 0 and (unknown := _UNKNOWN_ZONE.match(line, end)):
            data, end = f'[cisco@9 zone="{unknown[1]}"]', unknown.end()
        separator = _SEPARATOR.match(line, end)
        if separator is None:
            return None
        after = separator.end()
        if ":" in separator[0]:
            device = device_before(line, after)
            if device:
                return self._row(created_at, *device, data)
            tag = read_mnemonic(line, after)
            program, procid, end = tag or ("", "", after)
            return self._row(created_at, "", program, procid, end, data)
        if has_pri and (row := self._no_version(stamp) if line[start].isdigit() else self._old_time(stamp)):
            return row
        if not has_pri and not is_syslog and _OF_W3C.match(line, end):
            in_utc = read_stamp(line, start, self._received_at, UTC)
            return self._row(in_utc[0] if in_utc else None, "", "", "", after)
        if line.startswith("<", after):
            after = self._text_pri(after)
        if not has_pri and is_syslog and (row := self._behind_relay(after)):
            return row
        unknown = _AMBIGUOUS_ZONE.match(line, after) if line[after : after + 3] in AMBIGUOUS_ZONES else None
        begin = unknown.end() if unknown else after
        header = self._after_priority(begin) or read_header(line, begin, has_pri=has_pri, is_syslog=is_syslog)
        if unknown:
            # What is not understood stays in the text, and with it what stands behind it.
            header = header._replace(end=after)
        if header.hostname and not header.program and line.find(":", header.end, header.end + 64) > 0:
            inner = self._cisco(header.end, header.hostname, created_at)
            if inner is None and has_pri:
                inner = self._relayed(header.end, header.hostname)
            if inner:
                return inner
        is_bare = not has_pri and is_syslog and header == ("", "", "", begin)
        if is_bare and (row := self._device_behind(begin, created_at)):
            return row
        has_key = line.find("=", header.end, header.end + LONGEST_FIRST_KEY) > 0
        if has_key and not header.hostname and (row := self._of_pairs(created_at, header.end)):
            return row
        return self._row(created_at, header.hostname, header.program, header.procid, header.end)

    def _device_behind(self, start: int, created_at: int | None) -> Row | None:
        """What a Cisco device wrote, behind the name that a relay wrote to a file; ``None`` if it is not that."""
        line = self._line
        host = _WORD.match(line, start) if line.find("%", start, start + _LATEST_MNEMONIC) > 0 else None
        if host is None or not _MNEMONIC.search(line, host.end(), start + _LATEST_MNEMONIC):
            return None
        if not _RELAYED_NAME.fullmatch(host[0]):
            return None
        if row := self._cisco(host.end() + 1, host[0], created_at):
            return row
        tag = read_mnemonic(line, host.end() + 1)
        return self._row(created_at, host[0], *tag) if tag else None

    def _no_version(self, stamp: Stamp) -> Row | None:
        """RFC 5424 without VERSION, from HOSTNAME on; ``None`` if it is not that."""
        found = _NO_VERSION.match(self._line, stamp[1])
        data = self._structured_data(found.end()) if found else None
        if found is None or data is None or found[2][-1] == ":":
            return None
        if not data[0] and found[4] != "-" and not (found[3] == "-" or found[3].isdigit()):
            return None
        hostname, program, procid, msgid = map(nil, found.groups())
        return self._row(stamp[0], hostname, program, procid, data[1], data[0], msgid)

    def _old_time(self, stamp: Stamp) -> Row | None:
        """RFC 5424's fields behind a time of RFC 3164, from HOSTNAME on; ``None`` if it is not that."""
        if self._line.find(" - ", stamp[1], stamp[1] + _LATEST_DASH) < 0:
            return None
        found = _OLD_TIME.match(self._line, stamp[1])
        if found is None or found[2][-1] in ":]":
            return None
        data = self._structured_data(found.end())
        elements, end = data or ("", found.end())
        if not elements and (found[4] != "-" or (data is None and found[3] == "-")):
            return None
        hostname, program, procid, msgid = map(nil, found.groups())
        return self._row(stamp[0], hostname, program, procid, end, elements, msgid)

    def _text_pri(self, start: int) -> int:
        """Where the text goes on behind ``<authpriv.info>``, which says what the PRI says."""
        found = _TEXT_PRI.match(self._line, start)
        numbers = facility_and_level(found[1]) if found else None
        if found is None and (found := _TEXT_NUMBERS.match(self._line, start)):
            numbers = int(found[1]), int(found[2])
        if found is None or numbers is None:
            return start
        if self._facility is None:
            self._facility, self._severity = numbers
        return found.end() if numbers == (self._facility, self._severity) else start

    def _after_priority(self, start: int) -> Header | None:
        """The header behind a word such as ``daemon.info``; the word leaves the text if it says what the PRI says."""
        if self._facility is None and (named := self._after_host_and_priority(start)):
            return named
        has_tab = self._facility is None and self._line.find("\t", start, start + _LONGEST_PRIORITY) > 0
        kiwi = _KIWI.match(self._line, start) if has_tab else None
        numbers = facility_and_level(kiwi[1]) if kiwi else None
        if kiwi and numbers:
            self._facility, self._severity = numbers
            tag = read_mnemonic(self._line, kiwi.end())
            return Header(kiwi[2], *tag) if tag else Header(kiwi[2], "", "", kiwi.end())
        found = _WORD.match(self._line, start)
        if found is None or not _PRIORITY_SIGNS.search(found[0]) or (numbers := facility_and_level(found[0])) is None:
            return None
        after = found.end()
        # ESXi's mark of a line that goes on stays in the text.
        mark = after if self._line.startswith("[+] ", after) else 0
        after += 4 if mark else 1
        header = read_header(self._line, after, has_pri=True, is_syslog=True)
        if mark:
            header = header._replace(end=mark)
        if not header.program and "(" not in found[0]:
            return None
        if self._facility is None:
            self._facility, self._severity = numbers
        return header if numbers == (self._facility, self._severity) else header._replace(end=start)

    def _after_host_and_priority(self, start: int) -> Header | None:
        """The header of a file that busybox's syslogd writes: a host, a priority in words, a tag."""
        found = _HOST_AND_PRIORITY.match(self._line, start)
        is_level = found and found[1].lower() in LEVELS
        numbers = facility_and_level(found[2]) if found and not is_level else None
        tag = read_tag(self._line, found.end(), close=False) if found and numbers else None
        if found is None or numbers is None or tag is None:
            return None
        self._facility, self._severity = numbers
        # AIX's two names of a facility are not what the number says.
        return Header(found[1], *tag)._replace(end=found.start(2)) if "|" in found[2] else Header(found[1], *tag)

    def _relayed(self, start: int, relay: str) -> Row | None:
        """A whole header behind that of a relay, which wrote its own before it; ``None`` if there is none."""
        line = self._line
        pri = _LINE_PRI.match(line, start)
        start = pri.end() if pri else start
        if line[start : start + 1].isdigit() and _NESTED.match(line, start) and (row := self._version(start)):
            facility, severity = divmod(int(pri[1]), 8) if pri else row[1:3]
            data = row[7] if row[3] == relay else f'{row[7]}[origin ip="{relay}"]'
            return row[0], facility, severity, *row[3:7], data, row[8]
        stamp = read_stamp(line, start, self._received_at, self._zone)
        if stamp is None or not stamp[2] or not line.startswith(" ", stamp[1]):
            return None
        header = read_header(line, stamp[1] + 1, has_pri=pri is not None, is_syslog=True)
        # A program's own time and the beginning of its text look much like a host and a tag.
        is_whole = pri or line[start].isalpha() or header.procid.isdigit()
        if not header.hostname or not header.program or not is_whole:
            return None
        if pri:
            self._facility, self._severity = divmod(int(pri[1]), 8)
        data = "" if header.hostname == relay else f'[origin ip="{relay}"]'
        return self._row(stamp[0], header.hostname, header.program, header.procid, header.end, data)

    def _behind_relay(self, start: int) -> Row | None:
        """RFC 5424's whole header behind a relay's name, in a line without PRI; ``None`` if there is none."""
        second = self._line.find(" ", start, start + _LONGEST_HOST) + 1
        if not (self._line[second : second + 1].isdigit() or self._line.startswith("<", second)):
            # Nearly all lines.
            return None
        relay = _WORD.match(self._line, start)
        begin = relay.end() + 1 if relay else start
        after = pri.end() if (pri := _LINE_PRI.match(self._line, begin)) else begin
        is_whole = self._line[after : after + 1].isdigit() and _NESTED.match(self._line, after)
        return self._relayed(begin, relay[0]) if relay and is_whole else None

    def _cisco(self, start: int, hostname: str = "", created_at: int | None = None) -> Row | None:
        """What a Cisco device writes at ``start``, perhaps behind the header of a relay; ``None`` if it is not that."""
        found = read_cisco(self._line, start, self._received_at, self._zone)
        if found is None:
            return None
        device = None if found.hostname else device_before(self._line, found.end)
        if device:
            found = found._replace(hostname=device.hostname)
        program, procid, end = device[1:] if device else read_mnemonic(self._line, found.end) or ("", "", found.end)
        data = found.structured_data
        if hostname and found.hostname:
            # The device has a name of its own; the relay wrote the address that it came from.
            data += f'[origin ip="{hostname}"]'
        moment = created_at if found.created_at is None else found.created_at
        return self._row(moment, found.hostname or hostname, program, procid, end, data)
