"""Whole reads of syslog lines as columns: one regular expression over all lines, the complete parser for the rest.

DESIGN.md 1: nothing here runs Python per line more than it must. :func:`parse` is what the listener calls.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, tzinfo
from operator import add, itemgetter
from typing import Any

from ppl.model import Lines
from ppl.syslog.framing import Frames
from ppl.syslog.line import BOM, ELEMENTS, PRI, Parsed, parse_line
from ppl.syslog.timestamp import SECONDS, Minutes, latest_sane, microseconds

# RFC 5424 as remote_syslog2, rsyslog, Docker and logger write it; or else, as the last group, the whole line.
_LINES = re.compile(
    PRI + r"1 ([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}):([0-5][0-9]|60)(?:\.([0-9]{1,6})[0-9]{0,3})?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})"
    r" ([^ \n]{1,255}) ([^ \n]{1,255}) ([^ \n]{1,255}) ([^ \n]{1,255}) (-|" + ELEMENTS + r")(?: ([^\n]*))?\n"
    r"|([^\n]*)\n"
)
# Looked for only at the beginning of a run: within one it would be looked for as often as it is long.
_TRAILERS = re.compile(r"(?<![\r\0])[\r\0]++(?=\n)")
_EMPTY_LINES = re.compile(r"\n\n+")
_COLUMNS = 9
_UNIFORM = 8
_LONGEST_FIELD = 255

_minutes = Minutes()
_facilities = {str(value): value >> 3 for value in range(192)}
_starts = {f"<{value}>1": value for value in range(192)}
_severities = {str(value): value & 7 for value in range(192)}


def parse(frames: Frames, received_at: int, zone: tzinfo = UTC) -> Lines:
    """The lines of ``frames`` as columns, in order; empty lines are none.

    Invalid UTF-8 becomes U+FFFD, as does NUL within a line (PostgreSQL stores none).

    Args:
        frames: what :meth:`ppl.syslog.framing.Framer.feed` gave.
        received_at: µs of receipt.
        zone: of timestamps that name none.
    """
    if frames.messages:
        texts = [message.decode("utf-8", "replace").replace("\0", "\ufffd") for message in frames.messages]
        if any("\n" in text for text in texts):
            return _transposed([parse_line(text, received_at, zone) for text in texts if text])
        return _parse_text("\n".join(texts) + "\n", received_at, zone)
    if not frames.block:
        return _transposed([])
    text = frames.block.decode("utf-8", "replace")
    if "\r" in text or "\0" in text:
        text = _TRAILERS.sub("", text).replace("\0", "\ufffd")
    return _parse_text(text, received_at, zone)


def _parse_text(text: str, received_at: int, zone: tzinfo) -> Lines:
    uniform = _uniform_columns(text, received_at)
    if uniform is not None:
        return Lines(*uniform)
    if "\n\n" in text:
        # Empty lines are none, and there may be many.
        text = _EMPTY_LINES.sub("\n", text)
    rows = _LINES.findall(text)
    has_bom = BOM in text
    # A usual line has a PRI; others hold all of themselves in the last group, and nothing if empty.
    usual = rows if all(map(itemgetter(0), rows)) else [row for row in rows if row[0]]
    if usual is rows:
        return Lines(*_usual_columns(usual, received_at, has_bom))
    parsed: list[Parsed] = []
    fast = zip(*_usual_columns(usual, received_at, has_bom), strict=True) if usual else iter(())
    for row in rows:
        if row[0]:
            parsed.append(next(fast))
        elif row[-1]:
            parsed.append(parse_line(row[-1], received_at, zone))
    return _transposed(parsed)


def _uniform_columns(text: str, received_at: int) -> tuple[Any, ...] | None:
    """What remote_syslog2 and most others write, in all lines: six digits of a second, no structured data, a message.

    Splitting at blanks takes a third of the regular expression's time. ``None`` when any line is something else.
    """
    first = text[: text.index("\n")].split(" ", _UNIFORM - 1)
    if len(first) != _UNIFORM or first[0] not in _starts or first[6] != "-" or len(first[1]) not in (27, 32):
        return None
    rows = [line.split(" ", _UNIFORM - 1) for line in text[:-1].split("\n")]
    try:
        starts, stamps, hosts, names, procids, msgids, datas, texts = zip(*rows, strict=True)
        pris = list(map(_starts.__getitem__, starts))
    except (ValueError, KeyError):
        return None
    if datas.count("-") != len(datas) or not all(map(_is_field_column, (hosts, names, procids, msgids))):
        return None
    fractions = [stamp[20:26] for stamp in stamps]
    digits = "".join(fractions)
    if len(digits) != 6 * len(fractions) or not (digits.isascii() and digits.isdigit()):
        return None
    bases = list(map(_seconds.__getitem__, [stamp[:20] + stamp[26:] for stamp in stamps]))
    if None in bases:
        return None
    moments: list[int] = list(map(add, bases, map(int, fractions)))  # type: ignore[arg-type]
    if max(moments) > latest_sane(received_at):
        return None
    return (
        moments,
        [pri >> 3 for pri in pris],
        [pri & 7 for pri in pris],
        *map(_without_nil, (hosts, names, procids, msgids, datas)),
        tuple(text.removeprefix(BOM) for text in texts) if BOM in text else texts,
    )


def _is_field_column(column: Sequence[str]) -> bool:
    """Whether each is a field of RFC 5424's header: 1 to 255 characters (no blank can be left in them)."""
    if column[0] == column[-1] and column.count(column[0]) == len(column):
        return 0 < len(column[0]) <= _LONGEST_FIELD
    return all(column) and max(map(len, column)) <= _LONGEST_FIELD


class _Seconds(dict[str, int | None]):
    """``2026-11-23T12:00:01.+02:00`` → µs of that second, ``None`` for what is not exactly of this form or no time."""

    _form = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}):([0-5][0-9]|60)\.(Z|[+-][0-9]{2}:[0-9]{2})")
    _most = 4096

    def __missing__(self, second: str) -> int | None:
        match = self._form.fullmatch(second)
        minute = _minutes[match[1] + match[3]] if match else None
        value = None if match is None or minute is None else minute + SECONDS[match[2]]
        if len(self) >= self._most:
            self.clear()
        self[second] = value
        return value


_seconds = _Seconds()


def _usual_columns(rows: Sequence[tuple[str, ...]], received_at: int, has_bom: bool) -> tuple[Any, ...]:
    pris, minutes, seconds, fractions, zones, hosts, names, procids, msgids, datas, texts, _ = zip(*rows, strict=True)
    if has_bom:
        texts = tuple(text.removeprefix(BOM) for text in texts)
    return (
        _created_at(minutes, seconds, fractions, zones, received_at),
        list(map(_facilities.__getitem__, pris)),
        list(map(_severities.__getitem__, pris)),
        _without_nil(hosts),
        _without_nil(names),
        _without_nil(procids),
        _without_nil(msgids),
        _without_nil(datas),
        texts,
    )


def _without_nil(column: Sequence[str]) -> Sequence[str]:
    nils = column.count("-")
    if nils == len(column):
        return [""] * nils
    return ["" if field == "-" else field for field in column] if nils else column


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


def _transposed(parsed: Sequence[Parsed]) -> Lines:
    return Lines(*(zip(*parsed, strict=True) if parsed else ((),) * _COLUMNS))
