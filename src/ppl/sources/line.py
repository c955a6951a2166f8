"""The complete parser of one line: it tries every form that is seen in the wild, one after the other.

:mod:`ppl.sources.message` parses whole reads with one regular expression and comes here for the lines that it does not
cover; a property test holds the two equal. Text in, a :data:`~ppl.model.Row` out; nothing is ever refused.
"""

from __future__ import annotations

import re
from datetime import UTC, tzinfo

from ppl.model import Row
from ppl.sources.timestamp import bsd, iso

#: PRIVAL 0 to 191 without leading zeros (RFC 5424 section 6.2.1).
PRI = r"<(1(?:[0-8][0-9]|9[01]|[0-9]?)|[2-9][0-9]?|0)>"

#: One or more SD-ELEMENTs as they are (RFC 5424 section 6.3); quoted values may hold ``\"``, ``\\`` and ``\]``.
ELEMENTS = r'(?:\[(?:[^\]"\\\n]|"(?:[^"\\\n]|\\[^\n])*+")*+\])+'

BOM = "\ufeff"

_PRI = re.compile(PRI)
_HEADER = re.compile(r"1 ([^ \n]+) ([^ \n]{1,255}) ([^ \n]{1,255}) ([^ \n]{1,255}) ([^ \n]{1,255})(?: |\Z)")
_ELEMENTS = re.compile(ELEMENTS)

_MONTH = "(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_BSD = re.compile(
    # Cisco: a sequence number, a host, a mark of an unset clock; then the time, a year before or after it, a zone.
    r"(?:[0-9]{1,10}: )?(?:([A-Za-z0-9_.\-]{1,255}): )?[*.]?"
    + _MONTH
    + r" +([0-9]{1,2}) (?:([0-9]{4}) )?([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?(?: ([0-9]{4})(?=[ :]))?"
    r"(?: (UTC|GMT|[A-Z]{3,4})(?=:))?(: ?| |\Z)"
)
_ISO_START = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?"
    r"(?:[Zz]|[+-][0-9]{2}:?[0-9]{2})?)(?: |\Z)"
)
_TAG = re.compile(r"([^\s:\[\]<>]{1,255})(?:\[([^\[\]\s]{0,255})\]:? ?|:(?: |\Z))")
# An IPv6 address as text has at most 45 characters. Without bounds a line of colons would be looked at a billion times.
_HOST = re.compile(r"([A-Za-z0-9_][A-Za-z0-9_.\-]{0,254}|[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]{1,44}) ")
_ADDRESS = re.compile(
    r"((?:[0-9]{1,3}\.){3}[0-9]{1,3}|(?=[0-9A-Fa-f:.]{2,45} )[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*) "
)


def parse_line(line: str, received_at: int, zone: tzinfo) -> Row:
    """``line`` (without its trailer, without NUL) as columns.

    Args:
        line: the text.
        received_at: µs of receipt: a missing year is the nearest one, and a time far after it is not believed.
        zone: time zone of timestamps that name none.
    """
    pri = _PRI.match(line)
    if pri is None:
        return _bsd_line(line, None, None, received_at, zone, needs_date=True)
    value = int(pri[1])
    facility, severity = value >> 3, value & 7
    rest = line[pri.end() :]
    header = _HEADER.match(rest)
    if header:
        created_at = iso(header[1], received_at, zone)
        if created_at is not None or header[1] == "-" or _ISO_START.fullmatch(header[1]):
            structured_data, message = _after_header(rest[header.end() :])
            fields = (nil(field) for field in header.group(2, 3, 4, 5))
            return created_at, facility, severity, *fields, structured_data, message
    return _bsd_line(rest, facility, severity, received_at, zone, needs_date=False)


def nil(field: str) -> str:
    """``field``, or ``""`` for RFC 5424's NILVALUE."""
    return "" if field == "-" else field


def _after_header(rest: str) -> tuple[str, str]:
    """STRUCTURED-DATA and MSG. If the former is missing, all of ``rest`` is the message: nothing is lost."""
    if rest == "-" or rest.startswith("- "):
        return "", rest[2:].removeprefix(BOM)
    elements = _ELEMENTS.match(rest)
    if elements and rest[elements.end() : elements.end() + 1] in ("", " "):
        return elements[0], rest[elements.end() + 1 :].removeprefix(BOM)
    return "", rest.removeprefix(BOM)


def _bsd_line(
    text: str, facility: int | None, severity: int | None, received_at: int, zone: tzinfo, *, needs_date: bool
) -> Row:
    """RFC 3164 as it is seen: each part may be missing. A line without PRI and date is not syslog at all."""
    hostname, rest, created_at = "", text, None
    dated = _BSD.match(text)
    if dated:
        cisco_host, month, day, before, clock, fraction, after, zone_name, end = dated.groups()
        if zone_name in ("UTC", "GMT"):
            zone = UTC
        created_at = bsd(month, day, clock, fraction, before or after, received_at, zone)
        hostname, rest = cisco_host or "", text[dated.end() :]
        has_host = end == " " and not cisco_host
    else:
        stamped = _ISO_START.match(text)
        has_host = stamped is not None
        if stamped:
            created_at, rest = iso(stamped[1], received_at, zone), text[stamped.end() :]
        elif needs_date:
            return None, None, None, "", "", "", "", "", text
    if has_host:
        hostname, rest = _host(rest)
    tag = _TAG.match(rest)
    if tag is None:
        return created_at, facility, severity, hostname, "", "", "", "", rest.removeprefix(BOM)
    return created_at, facility, severity, hostname, tag[1], tag[2] or "", "", "", rest[tag.end() :].removeprefix(BOM)


def _host(text: str) -> tuple[str, str]:
    """A leading host, and the rest. Only a word before a tag, or an address, is a host: others may be text."""
    host = _HOST.match(text)
    if host and _TAG.match(text, host.end()) and not _TAG.match(text):
        return host[1], text[host.end() :]
    address = _ADDRESS.match(text)
    if address:
        return address[1], text[address.end() :]
    return "", text
