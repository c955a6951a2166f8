"""Parses log events in JSON, one object on each line or an array: text in, :class:`~ppl.model.Lines` out.

The keys of :data:`KEYS` become fields. The rest of an object is kept as JSON in ``structured_data``. A value
that is not an object, or has no message, is kept whole as the message: nothing is refused and nothing lost.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator, Iterator
from datetime import tzinfo
from typing import Any

import attrs

from ppl.model import FACILITIES, FACILITY_WORDS, SECOND, SEVERITIES, SEVERITY_WORDS, Lines, Row, row_of
from ppl.sources.framing import whole_message
from ppl.sources.timestamp import is_sane, iso

#: Field → the keys that may hold it; the first with a usable value wins.
KEYS: dict[str, tuple[str, ...]] = {
    "message": ("message", "msg", "log"),
    "created_at": ("timestamp", "time", "@timestamp", "date", "ts"),
    "hostname": ("hostname", "host"),
    "file_name": ("program", "app", "appname", "file_name", "file"),
    "severity": ("severity", "level"),
    "facility": ("facility",),
    "procid": ("procid", "pid"),
    "msgid": ("msgid",),
}

_LONGEST_FIELD = 255
_DIGITS = re.compile(r"[0-9]{9,19}(?:\.[0-9]{1,9})?", re.ASCII)
_SPACE = re.compile(r"[ \t\r\n]*")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_decoder = json.JSONDecoder()


def json_pieces(
    text: str, received_at: int, zone: tzinfo, max_line_bytes: int, piece: int, most: int
) -> Iterator[tuple[Lines, int]]:
    """The events of ``text``, in parts of about ``piece`` characters or ``most`` events, and each part's length."""
    reader = _Reader(received_at, zone, max_line_bytes)
    parsed: list[Row] = []
    start = 0
    for event, end in reader.events(text):
        if event is not None:
            parsed.append(event)
        if end - start >= piece or len(parsed) >= most:
            yield Lines.of_rows(parsed), end - start
            parsed, start = [], end
    yield Lines.of_rows(parsed), len(text) - start


@attrs.frozen
class _Reader:
    received_at: int
    zone: tzinfo
    most: int

    def events(self, text: str) -> Iterator[tuple[Row | None, int]]:
        """Each event (``None`` for an empty line) and where it ends."""
        start = _after_space(text, 0)
        if text.startswith("[", start):
            start = yield from self._array(text, start + 1)
        elif "\n" in text and text.startswith("{", start):
            whole = _value(text, start)
            if whole is not None and _after_space(text, whole[1]) == len(text):
                # One object written over several lines.
                yield self._event(whole[0], text[start : whole[1]]), len(text)
                return
        yield from self._lines(text, start)

    def _array(self, text: str, start: int) -> Generator[tuple[Row | None, int], None, int]:
        """The elements of an array; returns where lines begin, behind the array or where it is broken."""
        while True:
            begin = _after_space(text, start)
            found = _value(text, begin)
            if found is None:
                return begin + 1 if text.startswith("]", begin) else begin
            value, end = found
            yield self._event(value, text[begin:end]), end
            start = _after_space(text, end)
            if not text.startswith(",", start):
                return start + 1 if text.startswith("]", start) else start
            start += 1

    def _lines(self, text: str, start: int) -> Iterator[tuple[Row | None, int]]:
        while start < len(text):
            end = text.find("\n", start)
            end = len(text) if end < 0 else end
            line = text[start:end].strip(" \t\r")
            yield (self._line(line) if line else None), end + 1
            start = end + 1

    def _line(self, line: str) -> Row:
        found = _value(line, 0) if line.startswith("{") else None
        if found is None or found[1] != len(line):
            return self._whole(line)
        return self._event(found[0], line)

    def _whole(self, text: str) -> Row:
        return row_of({"message": self._bounded(text)})

    def _event(self, value: Any, text: str) -> Row:
        if isinstance(value, str) and value:
            return self._whole(value)
        try:
            return self._object(value, text) if isinstance(value, dict) else self._whole(text)
        except RecursionError:
            # Its nesting was just shallow enough to be read, but is too deep to be written.
            return self._whole(text)

    def _object(self, value: dict[str, Any], text: str) -> Row:
        fields: dict[str, Any] = {}
        rest = dict(value)
        for field, keys in KEYS.items():
            for key in keys:
                read = self._read(field, rest[key]) if key in rest else None
                if read is not None:
                    fields[field] = read
                    del rest[key]
                    break
        if "message" not in fields:
            fields["message"], rest = self._bounded(text), {}
        if rest:
            fields["structured_data"] = self._bounded(_as_json(rest))
        return row_of(fields)

    def _read(self, field: str, value: Any) -> Any:
        """``value`` converted for ``field``; ``None`` leaves it in the object."""
        if field == "message":
            return self._bounded(value) if isinstance(value, str) else _number_text(value)
        if field == "created_at":
            return self._moment(value)
        if field in _NUMBERED:
            return _NUMBERED[field](value)
        text = value if isinstance(value, str) else _number_text(value) if field == "procid" else None
        return _storable(text) if text is not None and len(text) <= _LONGEST_FIELD else None

    def _moment(self, value: Any) -> int | None:
        """µs of RFC 3339 and its like, or of a number of seconds, ms, µs or ns since the epoch (its size tells)."""
        if isinstance(value, str):
            if not _DIGITS.fullmatch(value):
                return iso(value, self.received_at, self.zone)
            value = float(value) if "." in value else int(value)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e19:
            return None
        for factor in (SECOND, 1000, 1):
            moment = int(value * factor)
            if is_sane(moment, self.received_at):
                return moment
        moment = int(value // 1000)
        return moment if is_sane(moment, self.received_at) else None

    def _bounded(self, text: str) -> str:
        text = _storable(text)
        if len(text) * 4 <= self.most:
            return text
        data = text.encode("utf-8")
        return text if len(data) <= self.most else whole_message(data, self.most).decode("utf-8")


def _value(text: str, start: int) -> tuple[Any, int] | None:
    """The JSON value at ``start`` and where it ends; ``None`` if there is none."""
    try:
        return _decoder.raw_decode(text, start)
    except (ValueError, RecursionError):
        return None


def _after_space(text: str, start: int) -> int:
    match = _SPACE.match(text, start)
    assert match is not None
    return match.end()


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _storable(text: str) -> str:
    """``text`` with U+FFFD for what PostgreSQL cannot hold: NUL and halves of surrogate pairs."""
    return _UNSTORABLE.sub("\ufffd", text)


def _number_text(value: Any) -> str | None:
    return None if isinstance(value, bool) or not isinstance(value, int | float) else _as_json(value)


def _severity(value: Any) -> int | None:
    return _number_of(value, SEVERITY_WORDS, len(SEVERITIES))


def _facility(value: Any) -> int | None:
    return _number_of(value, FACILITY_WORDS, len(FACILITIES))


def _number_of(value: Any, words: dict[str, int], count: int) -> int | None:
    if isinstance(value, str):
        value = words.get(value.lower(), int(value) if re.fullmatch("[0-9]{1,2}", value, re.ASCII) else None)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < count:
        return None
    return value


_NUMBERED: dict[str, Callable[[Any], int | None]] = {"severity": _severity, "facility": _facility}
