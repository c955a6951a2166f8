"""Parses many lines that are not RFC 5424 at once: RFC 3164's usual form by one regular expression, others one by one.

The regular expression takes only lines for which the complete parser gives the same row; what words can be a host and a
tag is asked of that parser, once for each word. A property test holds the two equal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, tzinfo

from ppl.model import Row
from ppl.sources.line import BOM, PRI, parse_line
from ppl.sources.stamps import read_stamp
from ppl.sources.timestamp import SECONDS, Memo, Minutes, is_sane, microseconds

_MONTHS = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
# A PRI, one of two forms of time, a host, a tag; or else, as the last group, the whole line.
_LINES = re.compile(
    PRI + rf"(?:({_MONTHS} [ 123][0-9] [012][0-9]:[0-5][0-9]:[0-5][0-9])"
    r"|([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}):([0-5][0-9]|60)(?:\.([0-9]{1,6})[0-9]{0,3})?"
    r"(Z|[+-][0-9]{2}:[0-9]{2}))"
    r" ([^\s:\[\]]{1,255}) ([^\s\[\]\"'{}=|;:]{1,255})(?:\[([^\[\]\s]{0,255})\]: ?|: )([^\n]*)\n"
    r"|([^\n]*)\n"
)
_SAMPLE = "<13>Nov 30 00:55:12 "
# A zone's name means what the account's zone makes of it.
_MAY_BE_ZONE = re.compile("[A-Za-z]{1,5}")
# "Severity: Informational, Category: Audit" is text: the words behind decide.
_MAY_BEGIN_LIST = re.compile("[A-Z][a-z]+")

_minutes = Minutes()


class _Hosts(Memo[bool]):
    """Whether the complete parser takes a word before a tag for a host."""

    def find(self, text: str) -> bool:
        if _MAY_BE_ZONE.fullmatch(text) and text != text.lower():
            return False
        return parse_line(f"{_SAMPLE}{text} app: x", 0, UTC)[3:6] == (text, "app", "")


class _Tags(Memo[bool]):
    """Whether the complete parser takes a word behind a host for a tag, with brackets and without."""

    def find(self, text: str) -> bool:
        if _MAY_BEGIN_LIST.fullmatch(text):
            return False
        return all(
            parse_line(f"{_SAMPLE}host-1 {text}{end} x", 0, UTC)[3:6] == ("host-1", text, procid)
            for end, procid in ((":", ""), ("[1]:", "1"))
        )


_hosts = _Hosts()
_tags = _Tags()


def parse_others(lines: Sequence[str], received_at: int, zone: tzinfo) -> Iterator[Row]:
    """The rows of ``lines``, in order; each is without LF and not empty. The arguments are :func:`parse_line`'s."""
    if not lines:
        return
    moments: dict[str, int | None] = {}
    found = _LINES.findall("\n".join(lines) + "\n")
    for line, (pri, stamp, minute, second, fraction, offset, host, tag, procid, text, _) in zip(
        lines, found, strict=True
    ):
        if not pri or not _hosts[host] or not _tags[tag]:
            yield parse_line(line, received_at, zone)
            continue
        if stamp:
            if stamp in moments:
                moment = moments[stamp]
            else:
                read = read_stamp(stamp, 0, received_at, zone)
                moment = moments[stamp] = read[0] if read else None
        else:
            base = _minutes[minute + offset]
            moment = None if base is None else base + SECONDS[second] + microseconds(fraction)
            if moment is not None and not is_sane(moment, received_at):
                moment = None
        value = int(pri)
        yield moment, value >> 3, value & 7, host, tag, procid, "", "", text.removeprefix(BOM)
