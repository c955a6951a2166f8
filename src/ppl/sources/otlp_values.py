"""OpenTelemetry's values, records and attributes as plain ones, from protobuf messages and from JSON."""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

#: Values of a record, with all that are within others.
_MOST_VALUES = 2000
_HEX = re.compile(r"[0-9a-fA-F]+")
_NUMBER_NAME = re.compile(r"(?:SEVERITY_NUMBER_)?(TRACE|DEBUG|INFO|WARN|ERROR|FATAL)([2-4]?)")
_NUMBERS = {"TRACE": 1, "DEBUG": 5, "INFO": 9, "WARN": 13, "ERROR": 17, "FATAL": 21}


@attrs.frozen
class OtlpRecord:
    """A log record.

    Attributes:
        times: ns, the first that is usable counts.
        number: the severity's, 0 for none.
        text: the severity's.
        body: a plain value; ``None`` for none. Bytes are text.
        attributes: plain values by name.
        trace_id, span_id: in hex, ``""`` for none.
        flags: of the trace.
        event_name: ``""`` for none.
        dropped: how many attributes the program left out.
    """

    times: tuple[int, int]
    number: int
    text: str
    body: Any
    attributes: dict[str, Any]
    trace_id: str
    span_id: str
    flags: int
    event_name: str
    dropped: int

    @property
    def says_nothing(self) -> bool:
        """Whether there is nothing in it but times."""
        return not (
            self.number or self.text or self.attributes or self.trace_id or self.event_name or self.body is not None
        )


@attrs.define
class _Count:
    """How many values may still be read."""

    left: int = _MOST_VALUES

    def take(self) -> bool:
        self.left -= 1
        return self.left >= 0


def of_message(record: Any) -> OtlpRecord:
    """The record in a protobuf message."""
    count = _Count()
    return OtlpRecord(
        (record.time_unix_nano, record.observed_time_unix_nano),
        record.severity_number,
        record.severity_text.decode("utf-8", "replace"),
        _body(record.body, count) if record.HasField("body") else None,
        _attributes(record.attributes, count),
        record.trace_id.hex(),
        record.span_id.hex(),
        record.flags,
        record.event_name.decode("utf-8", "replace"),
        record.dropped_attributes_count,
    )


def message_attributes(attributes: Iterable[Any]) -> dict[str, Any]:
    """The attributes of a protobuf message."""
    return _attributes(attributes, _Count())


def _body(value: Any, count: _Count) -> Any:
    if value.WhichOneof("kind") == "bytes_value":
        return value.bytes_value.decode("utf-8", "replace")
    return _plain(value, count)


def _attributes(attributes: Iterable[Any], count: _Count) -> dict[str, Any]:
    found: dict[str, Any] = {}
    numbers: dict[str, int] = {}
    for each in attributes:
        if not count.take():
            break
        key, value = each.key.decode("utf-8", "replace"), each.value
        # Most values are texts.
        text = value.string_value
        plain = text.decode("utf-8", "replace") if text else _plain(value, count)
        if key in found:
            _put(found, key, plain, numbers)
        else:
            found[key] = plain
    return found


def _put(found: dict[str, Any], key: str, value: Any, numbers: dict[str, int]) -> None:
    """Add an attribute; one with a name that occurs again gets a number, the last that was given is in ``numbers``."""
    number = numbers.get(key, 0)
    name = f"{key}#{number}" if number else key
    while name in found and number < 100:
        number += 1
        name = f"{key}#{number}"
    numbers[key] = number
    found[name] = value


def _plain(value: Any, count: _Count) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return value.string_value.decode("utf-8", "replace")
    if kind is None:
        return None
    inner = getattr(value, kind)
    if kind == "kvlist_value":
        return _attributes(inner.values, count)
    if kind == "array_value":
        return [_plain(each, count) for each in inner.values if count.take()]
    if kind == "bytes_value":
        return base64.b64encode(inner).decode("ascii")
    return _finite(inner) if kind == "double_value" else inner


def _finite(number: float) -> float | str:
    """A number that JSON can hold; the others are words, as in protobuf's JSON."""
    if math.isfinite(number):
        return number
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def of_json(record: Mapping[str, Any]) -> OtlpRecord:
    """The record in an object of OTLP's JSON, whose keys may be in either case."""
    count = _Count()
    return OtlpRecord(
        (_integer(_get(record, "timeUnixNano")), _integer(_get(record, "observedTimeUnixNano"))),
        _number(_get(record, "severityNumber")),
        _text(_get(record, "severityText")),
        _json_body(record.get("body"), count),
        _json_attributes(record.get("attributes"), count),
        _id(_get(record, "traceId")),
        _id(_get(record, "spanId")),
        _integer(record.get("flags")),
        _text(_get(record, "eventName")),
        _integer(_get(record, "droppedAttributesCount")),
    )


def json_attributes(attributes: Any) -> dict[str, Any]:
    """The attributes in JSON."""
    return _json_attributes(attributes, _Count())


def json_text_of(value: Any) -> str:
    """A text in JSON; ``""`` for anything else."""
    return _text(value)


def _get(record: Mapping[str, Any], name: str) -> Any:
    """The value of a key in camel case, or of the same in snake case."""
    found = record.get(name)
    return record.get(re.sub("[A-Z]", lambda match: f"_{match[0].lower()}", name)) if found is None else found


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _integer(value: Any) -> int:
    """A number, or digits; 0 for anything else."""
    if isinstance(value, str) and len(value) <= 20 and value.isascii() and value.isdecimal():
        return int(value)
    if isinstance(value, float) and math.isfinite(value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _number(value: Any) -> int:
    """A severity's number, or the name of the number."""
    named = _NUMBER_NAME.fullmatch(value) if isinstance(value, str) else None
    return _NUMBERS[named[1]] + int(named[2] or 1) - 1 if named else _integer(value)


def _id(value: Any) -> str:
    """An id in hex, also of one in base64, as protobuf's own JSON has it."""
    text = _text(value)
    if not text or (_HEX.fullmatch(text) and len(text) in (16, 32)):
        return text.lower()
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return text
    return data.hex() if len(data) in (8, 16) else text


def _json_body(value: Any, count: _Count) -> Any:
    found = _json_plain(value, count)
    data = _get(value, "bytesValue") if isinstance(value, dict) else None
    if isinstance(data, str) and data == found:
        try:
            return base64.b64decode(data, validate=True).decode("utf-8", "replace")
        except (binascii.Error, ValueError):
            return data
    return found


def _json_attributes(attributes: Any, count: _Count) -> dict[str, Any]:
    if isinstance(attributes, dict):
        return attributes
    found: dict[str, Any] = {}
    numbers: dict[str, int] = {}
    for each in attributes if isinstance(attributes, list) else ():
        if not count.take():
            break
        if isinstance(each, dict):
            _put(found, _text(each.get("key")), _json_plain(each.get("value"), count), numbers)
    return found


def _json_plain(value: Any, count: _Count) -> Any:
    """The value in ``{"stringValue": …}`` and its like; any other as it is."""
    if not isinstance(value, dict) or len(value) != 1:
        return None if value == {} else value
    ((key, inner),) = value.items()
    name = key.replace("_", "").lower()
    if name == "intvalue":
        return _integer_or_text(inner)
    if name == "kvlistvalue":
        return _json_attributes(inner.get("values"), count) if isinstance(inner, dict) else inner
    if name == "arrayvalue":
        values = inner.get("values") if isinstance(inner, dict) else inner
        return [_json_plain(each, count) for each in values if count.take()] if isinstance(values, list) else inner
    if name == "doublevalue":
        return _finite(inner) if isinstance(inner, float) else inner
    return inner if name in ("stringvalue", "boolvalue", "bytesvalue") else value


def _integer_or_text(value: Any) -> Any:
    text = value.removeprefix("-") if isinstance(value, str) else ""
    return int(value) if 0 < len(text) < 20 and text.isascii() and text.isdecimal() else value
