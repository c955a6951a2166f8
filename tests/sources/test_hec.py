"""Splunk's HTTP Event Collector as its clients send it: envelopes in each form, and raw lines."""

from __future__ import annotations

import json
from datetime import UTC
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppl.sources.hec import HEC_EVENTS, HEC_RAW, hec_events
from ppl.sources.kinds import UploadHead
from tests.fuzz.targets import check_storable
from tests.sources.lines import RECEIVED, micros
from tests.sources.test_loki import rows

AT = micros(2026, 11, 24, 10, 0, 0, micro=123000)
TIME = AT / 1_000_000


def read(text: str, most: int = 10_000) -> list[dict[str, Any]]:
    found = rows(hec_events(text.encode(), RECEIVED, UTC, most))
    for each in found:
        if "structured_data" in each:
            each["structured_data"] = json.loads(each["structured_data"])
    return found


@pytest.mark.parametrize("time", [TIME, f"{TIME:.6f}", f"{TIME:.3f}"])
def test_dockers_envelope_is_an_event_of_its_container(time: Any) -> None:
    event = {"line": "it broke\n", "source": "stdout", "tag": "web", "attrs": {"env": "prod"}}
    envelope = {"event": event, "time": time, "host": "vm", "source": "docker", "sourcetype": "x"}
    assert read(json.dumps(envelope)) == [
        {
            "created_at": AT, "hostname": "vm", "file_name": "web", "message": "it broke",
            "structured_data": {
                "event.source": "stdout", "attrs": {"env": "prod"}, "source": "docker", "sourcetype": "x"
            },
        }
    ]  # fmt: skip


def test_a_text_is_the_message_and_its_source_the_program() -> None:
    text = '{"event": "ERROR shop: it broke", "time": 1, "host": "vm", "source": "shop", "fields": {"a": 1}}'
    assert read(text) == [
        {"hostname": "vm", "file_name": "shop", "severity": 3, "message": "ERROR shop: it broke",
         "structured_data": {"a": 1, "time": 1}}
    ]  # fmt: skip


def test_the_fields_of_an_object_are_its_own() -> None:
    event = {"log_level": "WARNING", "message": "hello", "app": "cart", "pid": 7, "a": "x"}
    (found,) = read(json.dumps({"event": event, "source": "s", "fields": {"a": "y", "pid": "8"}}))
    assert (found["message"], found["severity"], found["file_name"], found["procid"]) == ("hello", 4, "cart", "7")
    assert found["structured_data"] == {"a": "x", "fields.a": "y", "pid": "8", "source": "s"}


def test_a_record_within_the_message_is_the_event() -> None:
    record = {"name": "shop", "pid": 7, "user": 8, "level": 50, "msg": "it broke", "severity": "x"}
    (found,) = read(json.dumps({"event": {"message": record, "severity": "warn"}, "time": TIME, "host": "vm"}))
    assert (found["message"], found["severity"], found["file_name"], found["procid"]) == ("it broke", 4, "shop", "7")
    assert found["structured_data"] == {"user": 8, "level": 50, "severity": "x"}
    (other,) = read('{"event": {"message": {"a": 1}, "severity": "error"}}')
    assert (other["message"], other["severity"]) == ('{"message":{"a":1},"severity":"error"}', 3)


@pytest.mark.parametrize(
    ("event", "message"),
    [(5, "5"), (True, "true"), ([1], "[1]"), ({"a": {"b": 1}}, '{"a":{"b":1}}'), ({"line": {"a": 1}}, '{"a":1}')],
)
def test_an_event_of_any_type_is_a_message(event: Any, message: str) -> None:
    assert [each["message"] for each in read(json.dumps({"event": event}))] == [message]


@pytest.mark.parametrize("between", ["", "\n", " ", "\r\n\r\n", ","])
def test_envelopes_follow_one_another(between: str) -> None:
    one, two = '{"event": "one"}', '{"event":"two"}'
    assert [each["message"] for each in read(one + between + two)] == ["one", "two"]
    assert [each["message"] for each in read(f"[{one},{two}]")] == ["one", "two"]


def test_what_is_no_envelope_is_kept() -> None:
    found = read('{"event":""}{"event":null}{"msg":"plain"}\nno JSON\n{"event":"cut')
    assert [each["message"] for each in found] == ["plain", "no JSON", '{"event":"cut']


def test_an_envelope_that_is_broken_leaves_those_before_it_as_they_are() -> None:
    found = read('{"event":"a","host":"h"}{"event":"b"}{"event":"c\t"}{"event":"d"}\n{"event":"e"}')
    assert [each["message"] for each in found] == ["a", "b", '{"event":"c\t"}{"event":"d"}', "e"]
    assert found[0]["hostname"] == "h"


def test_raw_lines_have_the_host_and_source_of_the_query() -> None:
    assert HEC_RAW.read_at is not None
    read_raw = HEC_RAW.read_at(UploadHead("POST", query="host=web%201&source=nginx&channel=x"))
    found = rows(read_raw(b"a line\n<11>1 - other app - - - b\n", RECEIVED, UTC, 1000))
    assert [(each["hostname"], each["file_name"], each["message"]) for each in found] == [
        ("web 1", "nginx", "a line"), ("other", "app", "b"),
    ]  # fmt: skip
    found = rows(HEC_RAW.read_at(UploadHead("POST"))(b'{"event": {"message": "m"}}', RECEIVED, UTC, 1000))
    assert [each["message"] for each in found] == ["m"]


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
_keys = st.sampled_from(["time", "host", "source", "sourcetype", "index", "event", "fields", "line", "message", "tag"])


@given(st.lists(st.dictionaries(_keys, _values, max_size=6), max_size=4))
def test_any_envelope_is_stored_and_none_of_its_words_is_lost(envelopes: list[dict[str, Any]]) -> None:
    text = "".join(json.dumps({**each, "event": {"message": "m", "word": "kept"}}) for each in envelopes)
    pieces = list(hec_events(text.encode(), RECEIVED, UTC, 10_000))
    found = [row for piece in pieces for row in piece.lines.rows()]
    assert len(found) == len(envelopes)
    for row in found:
        check_storable(row)
        assert "kept" in "".join(map(str, row))


@pytest.mark.parametrize(
    ("envelope", "kept"),
    [
        (
            {"event": {"message": {"msg": "m", "a": 1}, "message.a": 2, "a": 3}},
            {"message.a": 2, "a": 3, "message.a#1": 1},
        ),
        (
            {"event": {"message": "m", "x": 1, "fields.x": 6}, "event.x": 2, "x": 3, "fields": {"x": 4, "event.x": 5}},
            {"event.x": 2, "event.x#1": 1, "x": 3, "fields.x": 6, "fields.x#1": 4, "fields.event.x": 5},
        ),
        ({"event": {"message": "m", "host": "inner"}, "host": "outer"}, {"host": "inner"}),
        ({"event": {"message": "m", "host": "outer", "time": TIME}, "host": "outer", "time": TIME}, {}),
        ({"event": "m", "host": "outer", "fields": {"host": "f", "level": "error"}}, {"host": "f"}),
        ({"event": {"message": "m", "pid": 1, "level": "info"}, "fields": {"pid": 2, "level": "x"}},
         {"pid": 2, "level": "x"}),
    ],
)  # fmt: skip
def test_what_is_said_twice_is_kept_twice(envelope: dict[str, Any], kept: dict[str, Any]) -> None:
    (found,) = read(json.dumps(envelope))
    assert (found["message"], found.get("structured_data", {})) == ("m", kept)
    assert found.get("hostname") in (None, "outer")


@pytest.mark.parametrize("event", ["", None])
def test_fields_without_an_event_are_kept(event: Any) -> None:
    assert read(json.dumps({"event": event, "fields": {"metric": 1}, "host": "web1"})) == [
        {"hostname": "web1", "structured_data": {"metric": 1}}
    ]


_words = st.recursive(
    st.just("WORD"),
    lambda inner: st.dictionaries(_keys | st.sampled_from(["a", "message.a", "event.a", "fields.a", "msg"]), inner,
                                  max_size=4),
    max_leaves=8,
)  # fmt: skip


@given(st.dictionaries(_keys | st.sampled_from(["a", "event.a", "fields.a"]), _words, max_size=6))
def test_no_word_of_an_envelope_is_lost(envelope: dict[str, Any]) -> None:
    parts = json.dumps(envelope).split("WORD")
    words = [f"word{number}." for number in range(len(parts) - 1)]
    text = "".join(part + word for part, word in zip(parts, [*words, ""], strict=True))
    found = str(read(text))
    assert all(word in found for word in words), (text, found)


@given(st.binary(max_size=100), st.text(max_size=20))
def test_any_bytes_are_kept(body: bytes, query: str) -> None:
    assert HEC_RAW.read_at is not None
    for reader in (HEC_EVENTS.read, HEC_RAW.read, HEC_RAW.read_at(UploadHead("POST", query=query))):
        for piece in reader(body, RECEIVED, UTC, 1000):
            for row in piece.lines.rows():
                check_storable(row)
