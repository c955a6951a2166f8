"""Parses reads whose lines are all alike to columns, faster than the regular expression of :mod:`.message`.

Both functions give the columns of :class:`~ppl.model.Lines` in its order, or ``None`` if any line has another form; a
property test holds them equal to the complete parser.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import repeat
from operator import add, itemgetter
from typing import Any

from ppl.sources.line import BOM, nil
from ppl.sources.timestamp import SECONDS, Memo, Minutes, latest_sane

Columns = tuple[Sequence[Any], ...]

#: PRI with VERSION, TIMESTAMP, HOSTNAME, APP-NAME, PROCID, MSGID, STRUCTURED-DATA, MSG.
_PARTS = 8
_LONGEST_FIELD = 255
#: TIMESTAMP, HOSTNAME, APP-NAME: the fields of a header without PROCID and MSGID.
_FEWEST = 3

#: Characters of ``2026-11-23T12:00:01.``, and of the same with six digits more.
_SECOND, _MOMENT = 20, 26

#: How a message begins that is the end of the header of a file whose name holds blanks.
_DASHES = frozenset(("- ", "-"))
_beginning = itemgetter(slice(2))

_ZONE = re.compile(r"Z|[+-][0-9]{2}:[0-9]{2}")

_starts = {f"<{value}>1": value for value in range(192)}
_minutes = Minutes()


def same_program(text: str, received_at: int) -> Columns | None:
    """Parses what one program, or one remote_syslog2, writes: one PRI, and few headers that differ beyond their time.

    Each line is cut at its header's end and around its time; the rest of a header is parsed once for all lines that
    share it.

    Args:
        text: lines, each ended by LF, none empty.
        received_at: µs of receipt.
    """
    first = _first_parts(text)
    if first is None:
        return None
    lines = text[:-1].split("\n")
    if text.count(f"\n{first[0]} ") != len(lines) - 1:
        return None
    # The number of header fields before the closing "-"s; if none of these is "-", partition finds the header's end.
    count = 5 if first[5] != "-" else 4 if first[4] != "-" else _FEWEST
    end = " -" * (_PARTS - 2 - count) + " "
    heads, ends, texts = zip(*[line.partition(end) for line in lines], strict=True)
    start = len(first[0]) + 1
    second, moment = start + _SECOND, start + _MOMENT
    cut = itemgetter(slice(start, second), slice(second, moment), slice(moment, None))
    seconds, fractions, rests = zip(*map(cut, heads), strict=True)
    headers = {rest: rest.split(" ") for rest in set(rests)}
    zones = {header[0] for header in headers.values()}
    if ends.count(end) != len(ends) or len(zones) != 1 or not all(map(_is_header, headers.values(), repeat(count))):
        return None
    moments = _moments(map(_seconds_in(zones.pop()).__getitem__, seconds), fractions, received_at)
    if moments is None:
        return None
    if count > _FEWEST and _has_dashes([header[3] for header in headers.values()], texts):
        return None
    pri = _starts[first[0]]
    columns = [_looked_up(rests, {rest: nil(header[n]) for rest, header in headers.items()}) for n in range(1, count)]
    columns += [[""] * len(lines)] * (_PARTS - 2 - count)
    return moments, [pri >> 3] * len(lines), [pri & 7] * len(lines), *columns, without_bom(texts, BOM in text)


def same_form(text: str, received_at: int) -> Columns | None:
    """Parses what most senders write: six digits of a second, no structured data, a message. As :func:`same_program`.

    Splitting at blanks takes a third of the time of the regular expression.
    """
    first = _first_parts(text)
    if first is None or len(first[1]) not in (27, 32):
        return None
    rows = [line.split(" ", _PARTS - 1) for line in text[:-1].split("\n")]
    try:
        starts, stamps, hosts, names, procids, msgids, datas, texts = zip(*rows, strict=True)
        pris = list(map(_starts.__getitem__, starts))
    except (ValueError, KeyError):
        return None
    if _has_dashes(procids, texts):
        return None
    if datas.count("-") != len(datas) or not all(map(_is_field_column, (hosts, names, procids, msgids))):
        return None
    seconds = map(_seconds.__getitem__, [stamp[:_SECOND] + stamp[_MOMENT:] for stamp in stamps])
    moments = _moments(seconds, [stamp[_SECOND:_MOMENT] for stamp in stamps], received_at)
    if moments is None:
        return None
    return (
        moments,
        [pri >> 3 for pri in pris],
        [pri & 7 for pri in pris],
        *map(without_nil, (hosts, names, procids, msgids, datas)),
        without_bom(texts, BOM in text),
    )


def _has_dashes(procids: Sequence[str], messages: Sequence[str]) -> bool:
    """Whether a PROCID and a message may be parts of a file's name that holds blanks, and of the end of its header."""
    return not "".join(procids).isdigit() and not _DASHES.isdisjoint(map(_beginning, messages))


def without_nil(column: Sequence[str]) -> Sequence[str]:
    """``column`` with empty fields where it has RFC 5424's NILVALUE."""
    nils = column.count("-")
    if nils == len(column):
        return [""] * nils
    return ["" if field == "-" else field for field in column] if nils else column


def without_bom(texts: Sequence[str], has_bom: bool) -> Sequence[str]:
    """``texts`` without a BOM at their beginning (RFC 5424 section 6.4); ``has_bom``: whether any text has one."""
    return tuple(text.removeprefix(BOM) for text in texts) if has_bom else texts


def _first_parts(text: str) -> list[str] | None:
    """The parts of the first line, if it has all and no structured data; else the others need not be parsed."""
    parts = text[: text.index("\n")].split(" ", _PARTS - 1)
    return parts if len(parts) == _PARTS and parts[0] in _starts and parts[6] == "-" else None


def _is_header(fields: Sequence[str], count: int) -> bool:
    """Whether ``fields`` are a zone and ``count - 1`` header fields (RFC 5424) of 1 to 255 characters, no blanks."""
    return len(fields) == count and bool(_ZONE.fullmatch(fields[0])) and _is_field_column(fields[1:])


def _is_field_column(column: Sequence[str]) -> bool:
    """Whether each can be a field of RFC 5424's header: 1 to 255 characters (blanks were split away before)."""
    if column[0] == column[-1] and column.count(column[0]) == len(column):
        return 0 < len(column[0]) <= _LONGEST_FIELD
    return all(column) and max(map(len, column)) <= _LONGEST_FIELD


def _looked_up(keys: Sequence[str], values: dict[str, str]) -> Sequence[str]:
    different = set(values.values())
    return [different.pop()] * len(keys) if len(different) == 1 else list(map(values.__getitem__, keys))


def _moments(seconds: Any, fractions: Sequence[str], received_at: int) -> list[int] | None:
    """µs of whole ``seconds`` and of six digits each; ``None`` if any is not a time or not sane."""
    digits = "".join(fractions)
    if len(digits) != 6 * len(fractions) or not (digits.isascii() and digits.isdigit()):
        return None
    bases = list(seconds)
    if None in bases:
        return None
    moments: list[int] = list(map(add, bases, map(int, fractions)))
    return moments if max(moments) <= latest_sane(received_at) else None


class _Seconds(Memo[int | None]):
    """``2026-11-23T12:00:01.+02:00`` → µs of that second, ``None`` for another form or an invalid time."""

    _form = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}):([0-5][0-9]|60)\.(Z|[+-][0-9]{2}:[0-9]{2})")

    def find(self, text: str) -> int | None:
        match = self._form.fullmatch(text)
        minute = _minutes[match[1] + match[3]] if match else None
        return None if match is None or minute is None else minute + SECONDS[match[2]]


_seconds = _Seconds()


class _SecondsIn(Memo[int | None]):
    """``2026-11-23T12:00:01.`` in one zone, as in :class:`_Seconds`."""

    def __init__(self, zone: str) -> None:
        super().__init__()
        self._zone = zone

    def find(self, text: str) -> int | None:
        return _seconds[text + self._zone]


_seconds_in = lru_cache(maxsize=16)(_SecondsIn)
