"""Parses whole reads of syslog lines to columns: one regular expression for most lines, the complete parser for others.

As little Python as possible runs for each line. The listener calls :func:`parse_message`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, tzinfo
from operator import add, itemgetter
from typing import Any

from ppl.model import Lines
from ppl.sources.bsd import parse_objects, parse_others
from ppl.sources.framing import Frames
from ppl.sources.line import BOM, ELEMENTS, PRI, parse_line
from ppl.sources.timestamp import SECONDS, Minutes, latest_sane, microseconds
from ppl.sources.uniform import same_form, same_program, without_bom, without_nil

# RFC 5424 as remote_syslog2, rsyslog, Docker and logger write it; or else, as the last group, the whole line.
_LINES = re.compile(
    PRI + r"1 ([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}):([0-5][0-9]|60)(?:\.([0-9]{1,6})[0-9]{0,3})?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})"
    r" ([^ \n]{1,255}) ([^ \n]{1,255}) ([^ \n]{1,255}) ([^ \n]{1,255}) (-|" + ELEMENTS + r")(?: (?!- |-\n)([^\n]*))?\n"
    r"|([^\n]*)\n"
)
# Matches only at the beginning of a run: else each character of a long run would begin a search of its own.
_TRAILERS = re.compile(r"(?<![\r\0])[\r\0]++(?=\n)")
_LEADING_NULS = re.compile(r"^\0++", re.MULTILINE)
_EMPTY_LINES = re.compile(r"\n\n+")

_minutes = Minutes()
_facilities = {str(value): value >> 3 for value in range(192)}
_severities = {str(value): value & 7 for value in range(192)}


def parse_message(frames: Frames, received_at: int, zone: tzinfo = UTC) -> Lines:
    """The lines of ``frames`` as columns, in order; empty lines are ignored.

    Invalid UTF-8 becomes U+FFFD, as does NUL within a line (PostgreSQL cannot store it).

    Args:
        frames: a result of :meth:`ppl.sources.framing.Framer.feed`.
        received_at: µs of receipt.
        zone: time zone of timestamps that name none.
    """
    if frames.messages:
        texts = [message.decode("utf-8", "replace").lstrip("\0").replace("\0", "\ufffd") for message in frames.messages]
        if any("\n" in text for text in texts):
            return Lines.of_rows([parse_line(text, received_at, zone) for text in texts if text])
        return _parse_text("\n".join(texts) + "\n", received_at, zone)
    if not frames.block:
        return Lines.of_rows([])
    text = frames.block.decode("utf-8", "replace")
    if "\r" in text or "\0" in text:
        text = _TRAILERS.sub("", text)
        if "\0" in text:
            # Some end each line with LF and NUL (Perl's Sys::Syslog).
            text = _LEADING_NULS.sub("", text).replace("\0", "\ufffd")
    return _parse_text(text, received_at, zone)


def _parse_text(text: str, received_at: int, zone: tzinfo) -> Lines:
    alike = same_program(text, received_at) or same_form(text, received_at)
    if alike is not None:
        return Lines(*alike)
    if "\n\n" in text:
        # Empty lines are ignored, and there may be many.
        text = _EMPTY_LINES.sub("\n", text)
    if text[0] == "{" and text.count("\n{") == text.count("\n") - 1:
        return Lines.of_rows(parse_objects(text[:-1].split("\n"), received_at, zone))
    rows = _LINES.findall(text)
    has_bom = BOM in text
    # A usual line has a PRI; any other is whole in the last group, which is empty for an empty line.
    usual = rows if all(map(itemgetter(0), rows)) else [row for row in rows if row[0]]
    others = [] if usual is rows else parse_others([row[-1] for row in rows if row[-1]], received_at, zone)
    if not usual:
        return Lines.of_rows(list(others))
    columns = _usual_columns(usual, received_at, has_bom)
    is_believed = None not in columns[0]
    if usual is rows and is_believed:
        return Lines(*columns)
    fast, slow = zip(*columns, strict=True), iter(others)
    found = [next(fast) if row[0] else next(slow) for row in rows if row[0] or row[-1]]
    if not is_believed:
        # The complete parser keeps a time that is not believed, in the structured data.
        lines = filter(None, text.split("\n"))
        found = [
            row if row[0] is not None else parse_line(line, received_at, zone)
            for row, line in zip(found, lines, strict=True)
        ]
    return Lines.of_rows(found)


def _usual_columns(rows: Sequence[tuple[str, ...]], received_at: int, has_bom: bool) -> tuple[Any, ...]:
    pris, minutes, seconds, fractions, zones, hosts, names, procids, msgids, datas, texts, _ = zip(*rows, strict=True)
    return (
        _created_at(minutes, seconds, fractions, zones, received_at),
        list(map(_facilities.__getitem__, pris)),
        list(map(_severities.__getitem__, pris)),
        without_nil(hosts),
        without_nil(names),
        without_nil(procids),
        without_nil(msgids),
        without_nil(datas),
        without_bom(texts, has_bom),
    )


def _created_at(
    minutes: Sequence[str], seconds: Sequence[str], fractions: Sequence[str], zones: Sequence[str], received_at: int
) -> list[int | None]:
    bases = list(map(_minutes.__getitem__, map(str.__add__, minutes, zones)))
    # Nearly all senders write six digits, which are the microseconds.
    exact = set(map(len, fractions)) == {6}
    within = map(add, map(SECONDS.__getitem__, seconds), map(int if exact else microseconds, fractions))
    latest = latest_sane(received_at)
    if None not in bases:
        moments: list[int | None] = list(map(add, bases, within))
        if max(moments) <= latest:  # type: ignore[type-var, operator]
            return moments
        return [moment if moment <= latest else None for moment in moments]  # type: ignore[operator]
    return [
        None if base is None or base + more > latest else base + more for base, more in zip(bases, within, strict=True)
    ]
