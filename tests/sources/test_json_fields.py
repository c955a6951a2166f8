"""What becomes of the objects that widespread loggers and services write; the values are invented."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppl.model import SECOND, SEVERITIES, SEVERITY_WORDS, Event
from ppl.sources.json_fields import KEYS
from tests.sources.test_bodies import NOW, read

MOMENT = NOW - 3600 * SECOND  # 2026-11-25T11:00:00Z
SECONDS = MOMENT // SECOND

#: Sender → one of its lines, and what is expected: message, severity, program, host, pid, the rest.
SHAPES: dict[str, tuple[dict[str, Any], tuple[str, str | None, str, str, str, Any]]] = {
    "pino 10": (
        {"level": 50, "time": SECONDS * 1000, "pid": 4711, "hostname": "web-1", "name": "shop", "msg": "card declined",
         "reqId": "r-1"},
        ("card declined", "err", "shop", "web-1", "4711", {"reqId": "r-1"}),
    ),
    "bunyan 2": (
        {"name": "shop", "hostname": "web-1", "pid": 7, "level": 40, "msg": "slow", "time": "2026-11-25T11:00:00.000Z",
         "v": 0},
        ("slow", "warning", "shop", "web-1", "7", {"v": 0}),
    ),
    "winston": (
        {"level": "silly", "message": "tick", "service": "clock", "timestamp": "2026-11-25T11:00:00.000Z"},
        ("tick", "debug", "clock", "", "", {"level": "silly"}),
    ),
    "zap": (
        {"level": "dpanic", "ts": SECONDS + 0.0, "logger": "shop.cart", "caller": "cart/main.go:4", "msg": "no cart"},
        ("no cart", "crit", "shop.cart", "", "", {"caller": "cart/main.go:4"}),
    ),
    "slog": (
        {"time": "2026-11-25T12:00:00.000000000+01:00", "level": "ERROR+2", "msg": "down", "attempt": 3},
        ("down", "err", "", "", "", {"level": "ERROR+2", "attempt": 3}),
    ),
    "zerolog": (
        {"level": "info", "time": SECONDS, "message": "started", "port": 80},
        ("started", "info", "", "", "", {"port": 80}),
    ),
    "logrus": (
        {"level": "warning", "msg": "retry", "time": "2026-11-25T11:00:00Z"},
        ("retry", "warning", "", "", "", None),
    ),
    "python-json-logger": (
        {"asctime": "2026-11-25 11:00:00,000", "levelname": "CRITICAL", "name": "app.db", "message": "gone"},
        ("gone", "crit", "app.db", "", "", None),
    ),
    "structlog": (
        {"event": "user created", "level": "info", "timestamp": "2026-11-25T11:00:00Z", "user": 7},
        ("user created", "info", "", "", "", {"user": 7}),
    ),
    "loguru": (
        {"text": "2026-11-25 | INFO | hello\n", "record": {"level": {"icon": "i", "name": "INFO", "no": 20},
         "message": "hello", "name": "app", "process": {"id": 9, "name": "MainProcess"},
         "time": {"repr": "2026-11-25 11:00:00+00:00", "timestamp": SECONDS + 0.0}}},
        ("hello", "info", "app", "", "9", {
            "text": "2026-11-25 | INFO | hello\n", "record": {"level": {"icon": "i", "no": 20}, "process": {
                "name": "MainProcess"}, "time": {"repr": "2026-11-25 11:00:00+00:00"}}}),
    ),
    "Monolog": (
        {"message": "lost", "context": {"id": 1}, "level": 400, "level_name": "ERROR", "channel": "shop",
         "datetime": "2026-11-25T11:00:00.000000+00:00", "extra": []},
        ("lost", "err", "shop", "", "", {"context": {"id": 1}, "level": 400, "extra": []}),
    ),
    "Serilog compact": (
        {"@t": "2026-11-25T11:00:00.0000000Z", "@mt": "Paid {Sum}", "@l": "Warning", "Sum": 12},
        ("Paid {Sum}", "warning", "", "", "", {"Sum": 12}),
    ),
    "Serilog": (
        {"Timestamp": "2026-11-25T11:00:00.0000000+00:00", "Level": "Fatal", "MessageTemplate": "Paid {Sum}",
         "RenderedMessage": "Paid 12"},
        ("Paid 12", "crit", "", "", "", {"MessageTemplate": "Paid {Sum}"}),
    ),
    "ECS": (
        {"@timestamp": "2026-11-25T11:00:00Z", "log.level": "error", "message": "x", "ecs.version": "1.6",
         "service": {"name": "shop", "version": "2"}, "host": {"name": "web-1"}, "process": {"pid": 12},
         "log": {"logger": "app", "origin": {"line": 4}}},
        ("x", "err", "shop", "web-1", "12", {"ecs.version": "1.6", "service": {"version": "2"}, "log": {
            "logger": "app", "origin": {"line": 4}}}),
    ),
    "GCP": (
        {"textPayload": "GET /", "severity": "NOTICE", "timestamp": "2026-11-25T11:00:00.000000001Z", "insertId": "a",
         "resource": {"type": "cloud_run_revision", "labels": {"service_name": "shop"}}},
        ("GET /", "notice", "shop", "", "", {"insertId": "a", "resource": {"type": "cloud_run_revision"}}),
    ),
    "GCP with JSON": (
        {"jsonPayload": {"message": "paid", "sum": 3}, "severity": "DEFAULT", "timestamp": "2026-11-25T11:00:00Z"},
        ("paid", None, "", "", "", {"jsonPayload": {"sum": 3}, "severity": "DEFAULT"}),
    ),
    "GELF": (
        {"version": "1.1", "host": "web-1", "short_message": "boom", "full_message": "boom\n at x", "level": 3,
         "timestamp": SECONDS + 0.0, "_user": "u"},
        ("boom", "err", "", "web-1", "", {"version": "1.1", "full_message": "boom\n at x", "_user": "u"}),
    ),
    "journalctl -o json": (
        {"__REALTIME_TIMESTAMP": str(MOMENT), "MESSAGE": "Started", "PRIORITY": "6", "SYSLOG_IDENTIFIER": "systemd",
         "SYSLOG_FACILITY": "3", "_HOSTNAME": "box", "_PID": "1", "_UID": "0"},
        ("Started", "info", "systemd", "box", "1", {"_UID": "0"}),
    ),
    "journald, odd bytes": (
        {"__REALTIME_TIMESTAMP": str(MOMENT), "MESSAGE": [103, 114, 195, 188, 110, 27], "_HOSTNAME": "box"},
        ("grün\x1b", None, "", "box", "", None),
    ),
    "journald, two messages": (
        {"__REALTIME_TIMESTAMP": str(MOMENT), "MESSAGE": ["first", [98, 255], "last"], "_HOSTNAME": "box"},
        ("first\nb\ufffd\nlast", None, "", "box", "", None),
    ),
    "Supabase": (
        {"id": "a-1", "timestamp": MOMENT, "event_message": "GET | 200", "metadata": [{"method": "GET"}]},
        ("GET | 200", None, "", "", "", {"id": "a-1", "metadata": [{"method": "GET"}]}),
    ),
    "Fly": (
        {"event": {"provider": "app"}, "fly": {"app": {"instance": "e2", "name": "shop-web"}, "region": "fra"},
         "host": "edge-1", "log": {"level": "info"}, "message": "up", "timestamp": "2026-11-25T11:00:00.5Z"},
        ("up", "info", "shop-web", "edge-1", "", {
            "event": {"provider": "app"}, "fly": {"app": {"instance": "e2"}, "region": "fra"}}),
    ),
    "Vercel": (
        {"id": "1", "message": "customers", "timestamp": SECONDS * 1000, "source": "lambda", "level": "warning",
         "host": "shop.vercel.app", "projectName": "shop", "proxy": {"statusCode": 500}},
        ("customers", "warning", "shop", "shop.vercel.app", "", {
            "id": "1", "source": "lambda", "proxy": {"statusCode": 500}}),
    ),
    "Better Stack and DigitalOcean": (
        {"dt": "2026-11-25T11:00:00Z", "level": "error", "message": "x", "app": "api"},
        ("x", "err", "api", "", "", None),
    ),
    "Datadog": (
        {"message": "x", "status": "warn", "service": "shop", "hostname": "web-1", "ddsource": "node",
         "timestamp": SECONDS * 1000},
        ("x", "warning", "shop", "web-1", "", {"status": "warn", "ddsource": "node"}),
    ),
    "Fluent Bit": (
        {"date": SECONDS + 0.0, "log": "GET / 200\r\n", "stream": "stderr", "kubernetes": {
            "pod_name": "web-1", "host": "node-2", "container_name": "web"}},
        ("GET / 200", None, "web", "node-2", "", {"stream": "stderr", "kubernetes": {"pod_name": "web-1"}}),
    ),
    "OpenTelemetry": (
        {"timeUnixNano": str(MOMENT * 1000), "severityNumber": 14, "body": {"stringValue": "x"}, "traceId": "ab"},
        ("x", "warning", "", "", "", {"severityNumber": 14, "traceId": "ab"}),
    ),
    "syslog-ng": (
        {"PROGRAM": "shop", "PRIORITY": "err", "PID": "7", "MESSAGE": "it broke", "HOST": "web-1", "FACILITY": "user",
         "DATE": "Nov 25 11:00:00"},
        ("it broke", "err", "shop", "web-1", "7", None),
    ),
    "a date as mails have it": (
        {"date": "Wed, 25 Nov 2026 12:00:00 +0100", "message": "x"},
        ("x", None, "", "", "", None),
    ),
    "MongoDB": (
        {"t": {"$date": "2026-11-25T11:00:00.000+00:00"}, "s": "W", "c": "NETWORK", "ctx": "conn1", "msg": "closed"},
        ("closed", "warning", "", "", "", {"s": "W", "c": "NETWORK", "ctx": "conn1"}),
    ),
}  # fmt: skip


def one(value: Any, most: int = 10_000) -> Event:
    (event,) = read("json", json.dumps(value).encode(), most)
    return event


def test_numbers_that_json_does_not_have_are_kept_as_texts() -> None:
    (event,) = read("json", b'{"message": "m", "a": NaN, "b": [-Infinity, 1], "c": {"d": 1e400, "e": Infinity}}')
    assert json.loads(event.structured_data, parse_constant=pytest.fail) == {
        "a": "NaN", "b": ["-Infinity", 1], "c": {"d": "Infinity", "e": "Infinity"}
    }  # fmt: skip
    (event,) = read("json", b'{"message": NaN}')
    assert event.message == "NaN"


@pytest.mark.parametrize("text", ["Nov 25 11:00:00 x", "Nov 25", "in May", "Nov 25 11:00:00" + " " * 100, "", "25"])
def test_a_text_that_is_more_or_less_than_a_time_is_none(text: str) -> None:
    event = one({"date": text, "message": "x"})
    assert json.loads(event.structured_data) == {"date": text}


@pytest.mark.parametrize("sender", SHAPES)
def test_what_a_sender_writes_is_read(sender: str) -> None:
    value, (message, severity, program, host, pid, rest) = SHAPES[sender]
    event = one(value)
    assert event.message == message
    assert event.severity == (None if severity is None else SEVERITIES.index(severity))
    assert (event.file_name, event.hostname, event.procid) == (program, host, pid)
    assert (json.loads(event.structured_data) if event.structured_data else None) == rest
    if sender not in ("Fly",):
        assert event.created_at == MOMENT


@pytest.mark.parametrize(
    ("level", "severity"),
    [(10, 7), (20, 7), (30, 6), (40, 4), (50, 3), (60, 2), (0, 0), (7, 7), (8, None), (400, None), (True, None),
     ("W", 4), ("E", 3), ("I", 6), ("D", 7), ("F", 2), ("dpanic", 2), ("ERROR+2", 3), ("INFO-4", 6), ("odd+1", None),
     ("WRN", 4), ("SEVERE", 3), ("SUCCESS", 5), (" error ", 3), ("50", 3)],
)  # fmt: skip
def test_a_level_is_a_word_or_a_number(level: Any, severity: int | None) -> None:
    assert one({"level": level, "msg": "x"}).severity == severity


@pytest.mark.parametrize("status", ["error", "WARN"])
def test_a_status_is_a_level_only_if_it_is_a_word(status: str) -> None:
    assert one({"msg": "x", "status": status}).severity == SEVERITY_WORDS[status.lower()]


@pytest.mark.parametrize("status", [5, 200, "3", "ok", None])
def test_another_status_is_none(status: Any) -> None:
    event = one({"msg": "x", "status": status})
    assert (event.severity, event.structured_data) == (None, json.dumps({"status": status}, separators=(",", ":")))


def test_a_priority_is_journalds_only_in_capitals() -> None:
    assert one({"MESSAGE": "x", "PRIORITY": "3"}).severity == 3
    assert one({"message": "x", "priority": 1}).severity is None


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n", "\0", "\r"])
def test_a_message_ends_without_its_line_end(end: str) -> None:
    assert one({"log": f"GET / 200{end}"}).message == "GET / 200"
    assert [event.message for event in read("json", json.dumps([f"a{end}"]).encode())] == ["a"]


@pytest.mark.parametrize(
    "value", [{"log": "\n"}, {"message": ""}, {"log": "\r\n", "stream": "stdout", "time": "2026-11-25T11:00:00Z"}]
)
def test_an_empty_line_is_no_event(value: Any) -> None:
    assert read("json", json.dumps(value).encode()) == []


@pytest.mark.parametrize("value", [{}, {"message": "", "error": "boom"}, {"message": "", "level": "info"}, {"a": ""}])
def test_an_object_without_a_message_is_its_own_message(value: Any) -> None:
    assert one(value).message == json.dumps(value)


def test_an_empty_message_gives_way_to_another() -> None:
    event = one({"message": "", "msg": "boom"})
    assert (event.message, event.structured_data) == ("boom", '{"message":""}')


def test_of_keys_that_occur_twice_nothing_is_lost() -> None:
    (event,) = read("json", b'{"msg": "x", "error": "first", "error": "second", "error#1": 3}')
    assert json.loads(event.structured_data) == {"error": "second", "error#1": 3, "error#2": "first"}


def test_an_object_of_too_many_repeated_keys_is_kept_as_text() -> None:
    text = "{" + ",".join(f'"a":"{number}"' for number in range(200)) + "}"
    (event,) = read("json", text.encode(), 10_000)
    assert event.message == text


def test_a_key_counts_in_any_case_and_the_first_of_a_field_wins() -> None:
    event = one({"Logger": "late", "SERVICE": "early", "Msg": "x"})
    assert (event.message, event.file_name, event.structured_data) == ("x", "early", '{"Logger":"late"}')


# Several values

TWO = {"a": [1, {"b": "}\n{"}], "msg": "two"}


@pytest.mark.parametrize(
    ("body", "messages"),
    [
        ('{"msg":"1"}{"msg":"2"}', ["1", "2"]),
        ('{"msg":"1"} {"msg":"2"}\n{"msg":"3"}', ["1", "2", "3"]),
        ('{"msg":"1"},\n{"msg":"2"},\n', ["1", "2"]),
        ('[{"msg":"1"}]\n[{"msg":"2"}]', ["1", "2"]),
        ('\x1e{"msg":"1"}\n\x1e{"msg":"2"}\n', ["1", "2"]),
        (json.dumps(TWO, indent=2) + "\n" + json.dumps(TWO, indent=2) + "\n", ["two", "two"]),
        ('plain\n{\n"msg":\n"1"}\n{"msg":"2"}', ["plain", "1", "2"]),
        ('{"msg":"1"}\n{"msg":\n{"msg":"2"}', ["1", '{"msg":', "2"]),
        ('{"a":1} is text', ['{"a":1} is text']),
        ('{"msg":"1"}{"a":1} is text\nx', ["1", '{"a":1} is text', "x"]),
        ("[info] started\n[warn] stopped", ["[info] started", "[warn] stopped"]),
        ('[{"msg":"1"},', ["1"]),
    ],
)
def test_objects_may_stand_side_by_side_and_over_lines(body: str, messages: list[str]) -> None:
    assert [event.message for event in read("json", body.encode())] == messages


def test_objects_over_lines_may_be_long() -> None:
    long = json.dumps({"x": "y" * 300_000, "msg": "first"}, indent=1)
    assert [event.message for event in read("json", f"{long}\n{json.dumps(TWO, indent=1)}".encode())] == [
        "first",
        "two",
    ]


def test_lines_that_are_cut_off_cost_what_they_are_long() -> None:
    # Were the text read to its end from each of them, this would not end within the tests' timeout.
    body = b'{"a": [1, 1, 1, 1, 1, 1, 1, 1,\n' * 100_000
    assert len(read("json", body)) == 100_000


# Nothing is lost

NAMES = st.sampled_from([*{name for keys in KEYS.values() for key in keys for name in (key, *key.split("."))}, "x", ""])
TEXTS = st.text(max_size=12) | st.sampled_from(["error", "ERROR+2", "7", "1795608000", "2026-11-25T11:00:00Z", "a\n"])
LEAVES = st.none() | st.booleans() | st.integers(-5, 70) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=6))
OBJECTS = st.dictionaries(NAMES, VALUES, min_size=1, max_size=8)


def texts_in(value: Any) -> list[str]:
    """All texts of a JSON value."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [text for each in value for text in texts_in(each)]
    return [text for each in value.values() for text in texts_in(each)] if isinstance(value, dict) else []


def stored(text: str) -> str:
    return "".join("\ufffd" if char == "\0" or "\ud800" <= char <= "\udfff" else char for char in text)


@given(OBJECTS | VALUES)
def test_each_text_of_a_value_is_in_the_message_in_a_field_or_in_the_rest(value: Any) -> None:
    body = json.dumps([value])
    found = read("json", body.encode(), 1_000_000)
    if not found:
        assert not "".join(texts_in(value)).strip("\r\n\0")
        return
    (event,) = found
    kept = [event.message, event.hostname, event.file_name, event.procid, event.msgid]
    if event.structured_data:
        kept += texts_in(json.loads(event.structured_data))
    elif isinstance(value, dict | list) and event.message.startswith(("{", "[")):
        kept += texts_in(json.loads(event.message))
    for text in texts_in(value):
        is_level = event.severity is not None and text.strip().lower() in {*SEVERITY_WORDS, *"01234567"}
        is_facility = event.facility is not None and text.isdigit()
        is_time = event.created_at and text[:1].isdigit()
        found_text = stored(text.rstrip("\r\n\0"))
        assert {text, stored(text), found_text} & {*kept} or is_level or is_facility or is_time, (text, event)
