"""Turns one JSON object into an event: what widespread loggers and services call their keys, and what these mean.

:class:`ObjectReader` takes an object and gives a row of :class:`~ppl.model.Lines`. A key that became a field leaves the
object; the rest is kept as JSON in ``structured_data``. Called by :mod:`ppl.sources.json_lines`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from datetime import tzinfo
from itertools import islice
from typing import Any

import attrs

from ppl.model import FACILITIES, FACILITY_WORDS, SECOND, SEVERITIES, SEVERITY_WORDS, Row, row_of
from ppl.sources.framing import whole_message
from ppl.sources.stamps import read_stamp
from ppl.sources.timestamp import is_sane, iso

#: Field → the keys that may hold it; the first with a usable value wins. ``service.name`` is a key of that name, or the
#: key ``name`` of the object ``service``. Case does not matter, except for keys in capitals.
KEYS: dict[str, tuple[str, ...]] = {
    "message": (
        "message", "msg", "log", "short_message", "event_message", "textPayload", "jsonPayload.message", "MESSAGE",
        "@m", "renderedMessage", "@message", "record.message", "body", "body.stringValue", "event", "text", "@mt",
        "messageTemplate",
    ),
    "created_at": (
        "timestamp", "time", "@timestamp", "date", "ts", "dt", "@t", "datetime", "eventTime", "asctime", "_time",
        "__REALTIME_TIMESTAMP", "timeUnixNano", "time_unix_nano", "observedTimeUnixNano", "timeMillis", "created",
        "record.time.timestamp", "t.$date", "timereported", "EdgeStartTimestamp", "EventTimestampMs",
    ),
    "hostname": (
        "hostname", "host", "_HOSTNAME", "host.name", "host.hostname", "computer", "computerName", "machineName",
        "log.syslog.hostname", "kubernetes.host", "fromhost",
    ),
    "file_name": (
        "program", "app", "appname", "app_name", "application", "file_name", "file", "service", "service.name",
        "service_name", "fly.app.name", "SYSLOG_IDENTIFIER", "log.syslog.appname", "resource.labels.service_name",
        "resource.labels.container_name", "kubernetes.container_name", "container_name", "projectName", "ident",
        "process.name", "logger", "log.logger", "logger_name", "loggerName", "channel", "record.name", "name",
    ),
    "severity": (
        "severity", "level", "log.level", "severityText", "severity_text", "levelname", "level_name", "loglevel",
        "log_level", "lvl", "@l", "PRIORITY", "level.name", "level.levelStr", "record.level.name",
        "log.syslog.severity.code", "severityNumber", "severity_number", "status", "s", "priority",
    ),
    "facility": ("facility", "SYSLOG_FACILITY", "log.syslog.facility.code"),
    "procid": ("procid", "pid", "_PID", "SYSLOG_PID", "process.pid", "process_id", "processId", "record.process.id"),
    "msgid": ("msgid", "log.syslog.msgid"),
}  # fmt: skip

#: Names of levels that other texts must not be searched for, beside :data:`~ppl.model.SEVERITY_WORDS`.
LEVEL_WORDS = SEVERITY_WORDS | {
    "f": 2, "c": 2, "e": 3, "w": 4, "n": 5, "i": 6, "d": 7, "t": 7, "v": 7,
    "success": 5, "http": 6, "config": 7, "fine": 7, "finer": 7, "finest": 7, "silly": 7,
}  # fmt: skip
#: The numbers of pino, bunyan and their like.
_LEVEL_NUMBERS = {10: 7, 20: 7, 30: 6, 40: 4, 50: 3, 60: 2}
#: The first number of each range of OpenTelemetry's, from the mildest.
_OTEL_NUMBERS = ((21, 2), (17, 3), (13, 4), (9, 6), (1, 7))
#: MongoDB's letters; with them, the key ``s`` is known to hold a level.
_MONGODB = {"F": 2, "E": 3, "W": 4, "I": 6, "D": 7, "D1": 7, "D2": 7, "D3": 7, "D4": 7, "D5": 7}

_LONGEST_FIELD = 255
_LONGEST_TIME = 64
_DIGITS = re.compile(r"([0-9]{9,19})(?:\.([0-9]{1,9}))?", re.ASCII)
# slog writes what lies between its levels as an offset.
_OFFSET_LEVEL = re.compile(r"([A-Za-z]+)[+-][0-9]{1,3}", re.ASCII)
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
#: What ends a line, and is left out at the end of a message.
TRAILERS = "\r\n\0"


def storable(text: str) -> str:
    """``text`` with U+FFFD for what PostgreSQL cannot hold: NUL and halves of surrogate pairs."""
    return _UNSTORABLE.sub("\ufffd", text)


def stored_text(text: str, most: int) -> str:
    """``text`` as it is stored, cut and marked beyond ``most`` bytes."""
    # What is cut off need not be looked at: each character has a byte or more.
    text = storable(text[: most + 4])
    if len(text) * 4 <= most:
        return text
    data = text.encode("utf-8")
    return text if len(data) <= most else whole_message(data, most).decode("utf-8")


def message_text(text: str, most: int) -> str:
    """A message as it is stored: without the line end that Docker and others leave at its end."""
    return stored_text(text.rstrip(TRAILERS), most)


def _of_bytes(value: list[Any]) -> str | None:
    """The text of an array of bytes; ``None`` if ``value`` is another array."""
    if value and all(type(each) is int and 0 <= each < 256 for each in value):
        return bytes(value).decode("utf-8", "replace")
    return None


@attrs.frozen
class ObjectReader:
    """Reads the objects of one body.

    Attributes:
        received_at: µs of receipt.
        zone: time zone of timestamps that name none.
        most: bytes at which texts are cut and marked.
    """

    received_at: int
    zone: tzinfo
    most: int

    def row(self, value: dict[str, Any], text: str) -> Row | None:
        """The event of the object ``value``, written as ``text``; ``None`` if it holds nothing but an empty message."""
        fields, rest = self.fields(value)
        if "message" not in fields:
            if _is_empty_line(fields, rest):
                return None
            # The fields stand in it too: nothing of it is shown twice, as the message is all there is.
            return row_of({**fields, "message": stored_text(text, self.most)})
        if rest:
            fields["structured_data"] = stored_text(json_text(rest), self.most)
        return row_of(fields)

    def fields(self, value: dict[str, Any], without: Container[str] = ()) -> tuple[dict[str, Any], dict[str, Any]]:
        """The fields of the object ``value``, but for those in ``without``, and what remains of the object."""
        fields: dict[str, Any] = {}
        rest = dict(value)
        for name, path in _known_keys(value):
            field = name.field
            if field in fields or field in without:
                continue
            inner = value[path[0]] if len(path) == 1 else _at(value, path)
            read = name.read(self, inner)
            if read is not None:
                fields[field] = read
                if name.stays is None or not name.stays(inner):
                    _remove(rest, path)
        return fields, rest

    def message(self, value: Any) -> str | None:
        """A text or number, unless it is empty without line ends; journald writes text with odd bytes as an array."""
        if isinstance(value, str):
            return message_text(value, self.most) or None
        return _number_text(value)

    def journal_message(self, value: Any) -> str | None:
        """A message as journald's JSON has it.

        It is an array of bytes where it holds unprintable ones, and an array of messages where an entry has several.
        """
        if isinstance(value, list) and 0 < len(value) <= self.most:
            text = _of_bytes(value)
            if text is None:
                texts = [_of_bytes(each) if isinstance(each, list) else each for each in value]
                parts = [each for each in texts if isinstance(each, str)]
                text = "\n".join(parts) if len(parts) == len(texts) else None
            value = value if text is None else text
        return self.message(value)

    def name(self, value: Any) -> str | None:
        """A text that fits a field and is not blank."""
        if not isinstance(value, str) or len(value) > _LONGEST_FIELD or not value.strip():
            return None
        return storable(value)

    def number_or_name(self, value: Any) -> str | None:
        """A number, or what :meth:`name` takes."""
        text = _number_text(value)
        return self.name(value if text is None else text)

    def moment(self, value: Any) -> int | None:
        """µs of a time as lines have them, or of a number of seconds, ms, µs or ns since the epoch (its size tells)."""
        more = 0.0
        if isinstance(value, str):
            digits = _DIGITS.fullmatch(value)
            if digits is None:
                return self._moment_of(value)
            value, more = int(digits[1]), float(f"0.{digits[2] or 0}")
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e19:
            return None
        for factor in (SECOND, 1000, 1):
            moment = round(value * factor) + round(more * factor)
            if is_sane(moment, self.received_at):
                return moment
        moment = int(value // 1000)
        return moment if is_sane(moment, self.received_at) else None

    def _moment_of(self, text: str) -> int | None:
        moment = iso(text, self.received_at, self.zone)
        if moment is None and len(text) <= _LONGEST_TIME:
            stamp = read_stamp(text, 0, self.received_at, self.zone)
            moment = stamp[0] if stamp is not None and stamp[1] == len(text) else None
        return moment

    def level(self, value: Any) -> int | None:
        """A word, a number of syslog or of pino."""
        if isinstance(value, str):
            word = value.lower().strip()
            found = LEVEL_WORDS.get(word)
            if found is not None:
                return found
            offset = _OFFSET_LEVEL.fullmatch(word)
            if offset is not None:
                return SEVERITY_WORDS.get(offset[1])
        number = _small_number(value)
        return number if number is None or 0 <= number < len(SEVERITIES) else _LEVEL_NUMBERS.get(number)

    def priority(self, value: Any) -> int | None:
        """A number of syslog, or a word, as syslog-ng writes it."""
        number = _small_number(value)
        return self.level_word(value) if number is None else number if 0 <= number < len(SEVERITIES) else None

    def otel_level(self, value: Any) -> int | None:
        """A number of OpenTelemetry, 1 to 24."""
        number = _small_number(value)
        if number is None or number > 24:
            return None
        return next((severity for first, severity in _OTEL_NUMBERS if number >= first), None)

    def level_word(self, value: Any) -> int | None:
        """A word, where a number would mean something else (an HTTP status)."""
        return SEVERITY_WORDS.get(value.strip().lower()) if isinstance(value, str) else None

    def mongodb_level(self, value: Any) -> int | None:
        """One of MongoDB's letters."""
        return _MONGODB.get(value) if isinstance(value, str) else None

    def facility(self, value: Any) -> int | None:
        """A keyword or a number."""
        if isinstance(value, str) and value.lower() in FACILITY_WORDS:
            return FACILITY_WORDS[value.lower()]
        number = _small_number(value)
        return number if number is not None and 0 <= number < len(FACILITIES) else None


# What was read from JSON holds no circle.
_encode = json.JSONEncoder(ensure_ascii=False, check_circular=False, allow_nan=False, separators=(",", ":")).encode


def json_text(value: Any) -> str:
    """``value`` as JSON, without blanks. What JSON has no number for is a text, such as ``"NaN"``."""
    try:
        return _encode(value)
    except ValueError:
        return _encode(_in_words(value))


def _in_words(value: Any) -> Any:
    """``value`` with the names of numbers that JSON does not have."""
    if isinstance(value, dict):
        return {key: _in_words(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_in_words(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def _number_text(value: Any) -> str | None:
    return None if isinstance(value, bool) or not isinstance(value, int | float) else json_text(value).strip('"')


def _small_number(value: Any) -> int | None:
    if isinstance(value, str):
        return int(value) if len(value) < 3 and value.isascii() and value.isdecimal() else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _says_more(value: Any) -> bool:
    """Whether a level says more than the severity that is shown for it."""
    return isinstance(value, str) and value.lower() not in SEVERITY_WORDS and _small_number(value) is None


def _always(value: Any) -> bool:
    return True


@attrs.frozen
class _Name:
    """What a key is known for.

    Attributes:
        field: the field that it may hold.
        rank: of several keys with the same field, the lowest counts.
        read: converts its value; ``None`` leaves it in the object.
        stays: whether a value that was read also stays in the object; ``None``: it never does.
    """

    field: str
    rank: int
    read: Callable[[ObjectReader, Any], Any]
    stays: Callable[[Any], bool] | None


_READERS: dict[str, Callable[[ObjectReader, Any], Any]] = {
    "message": ObjectReader.message,
    "created_at": ObjectReader.moment,
    "severity": ObjectReader.level,
    "facility": ObjectReader.facility,
    "procid": ObjectReader.number_or_name,
}
_OWN_READERS: dict[str, Callable[[ObjectReader, Any], Any]] = {
    "MESSAGE": ObjectReader.journal_message,
    "PRIORITY": ObjectReader.priority,
    "log.syslog.severity.code": ObjectReader.priority,
    "severityNumber": ObjectReader.otel_level,
    "severity_number": ObjectReader.otel_level,
    "status": ObjectReader.level_word,
    "priority": ObjectReader.level_word,
    "s": ObjectReader.mongodb_level,
}
#: Their values may mean something else too.
_KEPT = ("status", "s", "severityNumber", "severity_number")


def _names() -> Iterator[tuple[str, _Name]]:
    for field, keys in KEYS.items():
        for rank, key in enumerate(keys):
            read = _OWN_READERS.get(key) or _READERS.get(field, ObjectReader.name)
            stays = _always if key in _KEPT else _says_more if field == "severity" else None
            name = _Name(field, rank, read, stays)
            yield key, name
            if not key.isupper():
                yield key.lower(), name


_NAMES = dict(_names())
#: The objects that hold some of them.
_ABOVE = frozenset(name[:at] for name in _NAMES for at, char in enumerate(name) if char == ".")

#: What container runtimes write beside an empty line.
_OF_A_LINE = frozenset(("stream", "logtag", "_p"))


def _is_empty_line(fields: dict[str, Any], rest: dict[str, Any]) -> bool:
    """Whether an object with these fields and this rest says nothing but that a line was empty, and when."""
    left = rest.keys() - _OF_A_LINE
    return bool(left) and not fields.keys() - {"created_at"} and all(_is_empty_message(key, rest[key]) for key in left)


def _is_empty_message(key: str, value: Any) -> bool:
    name = _NAMES.get(key) or _NAMES.get(key.lower())
    return name is not None and name.field == "message" and isinstance(value, str) and not value.strip(TRAILERS)


@attrs.frozen
class _Plan:
    """What is known of the keys of one object.

    Attributes:
        names: what its known keys are known for, and the path of each, the first to be asked first.
        above: its keys that may be objects with further known keys.
    """

    names: tuple[tuple[_Name, tuple[str, ...]], ...]
    above: tuple[str, ...]


def _plan(keys: Iterable[str]) -> _Plan:
    names = []
    above = []
    for key in islice(keys, _MOST_KEYS):
        lower = key.lower()
        name = _NAMES.get(key) or _NAMES.get(lower)
        if name is not None:
            names.append((name, (key,)))
        if lower in _ABOVE or key in _ABOVE:
            above.append(key)
    return _Plan(tuple(sorted(names, key=_by_rank)), tuple(above))


class _Plans(dict[tuple[str, ...], _Plan]):
    """The plans of the keys seen last: the objects of a program have the same keys, again and again."""

    def __missing__(self, keys: tuple[str, ...]) -> _Plan:
        plan = _plan(keys)
        if sum(map(len, keys)) <= _LONGEST_KEYS:
            if len(self) >= _MOST_PLANS:
                self.clear()
            self[keys] = plan
        return plan


#: Keys of an object among which known ones are looked for.
_MOST_KEYS = 1000
_MOST_PLANS = 1000
_LONGEST_KEYS = 1000
_plans = _Plans()


def _known_keys(value: dict[str, Any]) -> Sequence[tuple[_Name, tuple[str, ...]]]:
    """What the known keys of an object and of those within it are known for, and their paths; the first counts."""
    plan = _plans[tuple(value)]
    for key in plan.above:
        if isinstance(value[key], dict):
            return sorted([*plan.names, *_names_within(value, plan.above)], key=_by_rank)
    return plan.names


def _names_within(
    value: dict[str, Any], keys: Iterable[str], above: str = "", path: tuple[str, ...] = ()
) -> Iterator[tuple[_Name, tuple[str, ...]]]:
    for key in keys:
        inner = value[key]
        full = above + key
        full = full if full in _ABOVE else full.lower()
        if not isinstance(inner, dict) or full not in _ABOVE:
            continue
        for below in islice(inner, _MOST_KEYS):
            name = _NAMES.get(f"{full}.{below}") or _NAMES.get(f"{full}.{below.lower()}")
            if name is not None:
                yield name, (*path, key, below)
        yield from _names_within(inner, islice(inner, _MOST_KEYS), f"{full}.", (*path, key))


def _by_rank(found: tuple[_Name, tuple[str, ...]]) -> int:
    return found[0].rank


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


def _remove(rest: dict[str, Any], path: tuple[str, ...]) -> None:
    """Remove what is at ``path`` from ``rest``, with the objects that are then empty; others' objects are copied."""
    key = path[0]
    if len(path) > 1:
        inner = rest[key] = dict(rest[key])
        _remove(inner, path[1:])
        if inner:
            return
    del rest[key]
