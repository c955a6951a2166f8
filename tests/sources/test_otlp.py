"""OpenTelemetry's logs as exporters send them: protobuf and JSON give the same, and hostile bodies stay small."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppl.sources.bodies import BodyUnreadable
from ppl.sources.kinds import NotTaken, Taken, UploadHead
from ppl.sources.otlp import OTLP_ANY, OTLP_JSON, OTLP_PROTOBUF, otlp_json, otlp_protobuf
from ppl.sources.otlp_messages import OTLP
from tests.fuzz.targets import check_storable
from tests.sources.lines import RECEIVED, micros
from tests.sources.test_loki import length, rows

AT = micros(2026, 11, 24, 10, 0, 0, micro=123456)
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
RESOURCE = {"service.name": "shop", "host.name": "web1", "process.pid": 7, "service.version": "1.2"}


def any_value(value: Any) -> dict[str, Any]:
    """A value as OTLP's JSON has it."""
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, str):
        return {"stringValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [any_value(each) for each in value]}}
    if isinstance(value, dict):
        return {"kvlistValue": {"values": key_values(value)}}
    return {}


def key_values(attributes: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": any_value(value)} for key, value in attributes.items()]


def exported(records: list[dict[str, Any]], resource: Any = None, scope: Any = None) -> dict[str, Any]:
    """A request in JSON."""
    logs = {"scope": scope or {"name": "cart"}, "logRecords": records}
    attributes = key_values(RESOURCE if resource is None else resource)
    return {"resourceLogs": [{"resource": {"attributes": attributes}, "scopeLogs": [logs]}]}


def field(number: int, data: bytes) -> bytes:
    return bytes([number << 3 | 2]) + length(len(data)) + data


def message_value(value: dict[str, Any]) -> Any:
    """A value of OTLP's JSON as a message."""
    if not value:
        return OTLP["AnyValue"]()
    ((kind, inner),) = value.items()
    if kind == "arrayValue":
        return OTLP["AnyValue"](array_value=OTLP["ArrayValue"](values=map(message_value, inner["values"])))
    if kind == "kvlistValue":
        return OTLP["AnyValue"](kvlist_value=OTLP["KeyValueList"](values=message_pairs(inner["values"])))
    name = kind.replace("Value", "_value")
    if kind == "intValue":
        inner = int(inner)
    return OTLP["AnyValue"](**{name: inner.encode("utf-8") if isinstance(inner, str) else inner})


def message_pairs(pairs: list[dict[str, Any]]) -> list[Any]:
    return [OTLP["KeyValue"](key=each["key"].encode(), value=message_value(each["value"])) for each in pairs]


def as_protobuf(request: dict[str, Any]) -> bytes:
    """The same request in protobuf."""
    whole = b""
    for group in request["resourceLogs"]:
        data = field(1, OTLP["Resource"](attributes=message_pairs(group["resource"]["attributes"])).SerializeToString())
        for logs in group["scopeLogs"]:
            scope = OTLP["InstrumentationScope"](name=logs["scope"]["name"].encode())
            inner = field(1, scope.SerializeToString())
            inner += b"".join(field(2, message_record(each).SerializeToString()) for each in logs["logRecords"])
            data += field(2, inner)
        whole += field(1, data)
    return whole


def message_record(record: dict[str, Any]) -> Any:
    made = OTLP["LogRecord"](
        time_unix_nano=int(record.get("timeUnixNano", 0)),
        observed_time_unix_nano=int(record.get("observedTimeUnixNano", 0)),
        severity_number=record.get("severityNumber", 0),
        severity_text=record.get("severityText", "").encode(),
        attributes=message_pairs(record.get("attributes", [])),
        trace_id=bytes.fromhex(record.get("traceId", "")),
        span_id=bytes.fromhex(record.get("spanId", "")),
        flags=record.get("flags", 0),
        event_name=record.get("eventName", "").encode(),
    )
    if "body" in record:
        made.body.CopyFrom(message_value(record["body"]))
    return made


def of_json(request: Any) -> list[dict[str, Any]]:
    return _read(otlp_json, json.dumps(request).encode())


def of_protobuf(request: Any) -> list[dict[str, Any]]:
    return _read(otlp_protobuf, as_protobuf(request))


def _read(read: Any, body: bytes, most: int = 10_000) -> list[dict[str, Any]]:
    found = rows(read(body, RECEIVED, UTC, most))
    for each in found:
        if "structured_data" in each:
            each["structured_data"] = json.loads(each["structured_data"])
    return found


@pytest.mark.parametrize("read", [of_json, of_protobuf])
def test_a_record_is_an_event_with_all_that_it_says(read: Callable[[Any], Any]) -> None:
    record = {
        "timeUnixNano": f"{AT}789", "observedTimeUnixNano": f"{AT + 5}000", "severityNumber": 17,
        "severityText": "ERROR", "body": {"stringValue": "it broke ✓"}, "traceId": TRACE, "spanId": SPAN, "flags": 1,
        "attributes": key_values({"user.id": 7, "ok": True, "parts": [1, "a"], "inner": {"a": None}, "f": 1.5}),
        "eventName": "checkout",
    }  # fmt: skip
    assert read(exported([record])) == [
        {
            "created_at": AT, "severity": 3, "hostname": "web1", "file_name": "shop", "procid": "7",
            "msgid": "checkout", "message": "it broke ✓",
            "structured_data": {
                "user.id": 7, "ok": True, "parts": [1, "a"], "inner": {"a": None}, "f": 1.5, "trace_id": TRACE,
                "span_id": SPAN, "trace_flags": 1, "otel.scope.name": "cart", "service.version": "1.2",
            },
        }
    ]  # fmt: skip


@pytest.mark.parametrize("read", [of_json, of_protobuf])
@pytest.mark.parametrize(
    ("number", "text", "severity", "left"),
    [
        (1, "TRACE", 7, {}),
        (5, "", 7, {}),
        (9, "INFO", 6, {}),
        (13, "WARN", 4, {}),
        (17, "", 3, {}),
        (21, "FATAL", 2, {}),
        (24, "Level 60", 2, {"severity_number": 24, "severity_text": "Level 60"}),
        (10, "notice", 6, {"severity_number": 10}),
        (0, "WARN", 4, {}),
        (0, "Level 5", None, {"severity_text": "Level 5"}),
        (99, "", None, {"severity_number": 99}),
        (0, "", None, {}),
    ],
)
def test_severities(read: Callable[[Any], Any], number: int, text: str, severity: int | None, left: Any) -> None:
    record = {"severityNumber": number, "severityText": text, "body": {"stringValue": "x"}}
    (found,) = read(exported([record], {}, {"name": "cart"}))
    assert (found.get("severity"), found.get("structured_data", {})) == (severity, left)
    assert found["file_name"] == "cart", "the scope, where no service is named"


@pytest.mark.parametrize(
    ("body", "message", "left"),
    [
        ({"stringValue": "a\n"}, "a", {}),
        ({"intValue": 5}, "5", {}),
        ({"intValue": "1152921504606846976"}, "1152921504606846976", {}),
        ({"doubleValue": None}, None, {"b": 1}),
        ({"doubleValue": "NaN"}, "NaN", {}),
        ({"boolValue": False}, "false", {}),
        ({"bytesValue": base64.b64encode("schön".encode()).decode()}, "schön", {}),
        ({"arrayValue": {"values": [{"intValue": 1}, {}]}}, "[1,null]", {}),
        ({"kvlistValue": {"values": key_values({"msg": "m", "level": "warn", "n": 1})}}, "m", {"n": 1}),
        ({"kvlistValue": {"values": key_values({"x": "m"})}}, '{"x":"m"}', {}),
        ({}, None, {}),
    ],
)
def test_a_body_of_any_type_is_a_message(body: Any, message: str | None, left: Any) -> None:
    (found,) = of_json(exported([{"body": body, "attributes": key_values({"b": 1})}], {"service.name": "s"}))
    assert found.get("message") == message
    assert left.items() <= found["structured_data"].items()


def test_a_time_is_the_records_then_the_observed_one() -> None:
    for times, expected in (
        ((f"{AT}000", "1"), AT), (("0", f"{AT}000"), AT), ((None, int(f"{AT}000")), AT), (("5", "7"), None),
    ):  # fmt: skip
        record = {"timeUnixNano": times[0], "observedTimeUnixNano": times[1], "body": {"stringValue": "x"}}
        (found,) = of_json(exported([record]))
        assert found.get("created_at") == expected


def test_json_may_be_in_snake_case_in_any_order_and_with_other_keys() -> None:
    record = {
        "time_unix_nano": AT * 1000, "severity_number": "SEVERITY_NUMBER_WARN2", "x": 1, "body": {"string_value": "m"},
        "trace_id": base64.b64encode(bytes.fromhex(TRACE)).decode(), "span_id": SPAN.upper(),
    }  # fmt: skip
    text = json.dumps({
        "y": [{"z": []}],
        "resource_logs": [{
            "scope_logs": [{"log_records": [record], "schema_url": "u", "scope": {"name": "cart", "version": "3"}}],
            "resource": {"attributes": key_values(RESOURCE)},
        }],
    })  # fmt: skip
    (found,) = _read(otlp_json, text.encode())
    assert (found["created_at"], found["severity"], found["file_name"], found["message"]) == (AT, 4, "shop", "m")
    assert found["structured_data"] == {
        "trace_id": TRACE, "span_id": SPAN, "severity_number": 14, "otel.scope.name": "cart",
        "otel.scope.version": "3", "service.version": "1.2",
    }  # fmt: skip


def test_names_that_occur_twice_are_told_apart() -> None:
    record = {"body": {"stringValue": "x"}, "traceId": TRACE,
              "attributes": [*key_values({"a": 1, "trace_id": "own"}), *key_values({"a": 2})]}  # fmt: skip
    for read in (of_json, of_protobuf):
        (found,) = read(exported([record], {"a": 3, "service.name": "s"}))
        assert found["structured_data"] == {
            "a": 1, "a#1": 2, "trace_id": "own", "trace_id#1": TRACE, "otel.scope.name": "cart", "resource.a": 3
        }  # fmt: skip


def test_what_an_object_and_its_record_say_of_the_same_is_kept() -> None:
    body = {"message": "m", "level": "error", "host": "inner", "a": 3, "body.a": 4}
    attributes = {"a": 1, "resource.b": 5, "b": 6, "trace_id": "own", "trace_id#1": "own, too"}
    record = {"body": any_value(body), "attributes": key_values(attributes), "traceId": TRACE}
    for read in (of_json, of_protobuf):
        (found,) = read(exported([record], {"host.name": "web1", "service.name": "s", "b": 7}))
        assert (found["message"], found["severity"], found["hostname"]) == ("m", 3, "web1")
        assert found["structured_data"] == {
            **attributes, "host": "inner", "body.a": 4, "body.a#1": 3, "trace_id#1#1": TRACE, "otel.scope.name": "cart",
            "resource.b#1": 7,
        }  # fmt: skip
        (found,) = read(exported([{**record, "severityNumber": 9}]))
        assert (found["severity"], found["structured_data"]["level"]) == (6, "error")


_texts = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=10)
_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
_attributes = st.dictionaries(_texts, _values, max_size=3).map(key_values)
_record = st.fixed_dictionaries(
    {"attributes": _attributes},
    optional={
        "timeUnixNano": st.integers(0, 2**62).map(str),
        "severityNumber": st.integers(0, 30),
        "severityText": _texts,
        "body": _values.filter(lambda value: not isinstance(value, bytes)).map(any_value),
        "traceId": st.just(TRACE),
        "eventName": _texts,
    },
)


@given(st.lists(_record, max_size=4), st.dictionaries(_texts, _values, max_size=3))
def test_json_and_protobuf_give_the_same_events(records: list[Any], resource: dict[str, Any]) -> None:
    request = exported(records, resource)
    body = as_protobuf(request)
    assert of_json(request) == _read(otlp_protobuf, body)
    for piece in otlp_protobuf(body, RECEIVED, UTC, 100):
        for row in piece.lines.rows():
            check_storable(row)


@given(
    kind=st.sampled_from([OTLP_JSON, OTLP_PROTOBUF, OTLP_ANY]),
    body=st.binary(max_size=100) | st.builds(lambda text: text.encode(), st.text(alphabet='{}[]":,a1\\ ')),
)
def test_any_bytes_are_read_or_refused(kind: Any, body: bytes) -> None:
    try:
        for piece in kind.read(body, RECEIVED, UTC, 1000):
            for row in piece.lines.rows():
                check_storable(row)
    except BodyUnreadable:
        pass


@given(st.data())
def test_of_a_body_that_is_cut_off_the_records_before_are_kept(data: Any) -> None:
    request = exported([{"body": {"stringValue": f"line {number}"}} for number in range(6)])
    for read, whole in ((otlp_protobuf, as_protobuf(request)), (otlp_json, json.dumps(request).encode())):
        cut = data.draw(st.integers(0, len(whole) - 1))
        try:
            found = rows(read(whole[:cut], RECEIVED, UTC, 1000))
        except BodyUnreadable:
            continue
        assert [each["message"] for each in found] == [f"line {number}" for number in range(len(found))]


def test_a_record_that_cannot_be_read_is_refused_alone() -> None:
    good = [OTLP["LogRecord"](body={"string_value": text}).SerializeToString() for text in (b"a", b"b\xff")]
    body = field(1, field(2, field(2, good[0]) + field(2, b"\x2a\x05\x0a") + field(2, b"") + field(2, good[1])))
    pieces = list(otlp_protobuf(body, RECEIVED, UTC, 1000))
    assert [each["message"] for each in rows(iter(pieces))] == ["a", "b\ufffd"]
    assert sum(piece.refused for piece in pieces) == 2


def test_very_many_empty_records_are_refused_and_not_held() -> None:
    body = field(1, field(2, b"\x12\x00" * 200_000))
    pieces = list(otlp_protobuf(body, RECEIVED, UTC, 1000))
    assert sum(len(piece.lines) for piece in pieces) == 0
    assert sum(piece.refused for piece in pieces) == 200_000


def test_very_big_records_are_read_in_part() -> None:
    pairs = OTLP["LogRecord"](attributes=[{"key": b"a", "value": {"int_value": 1}}]).SerializeToString()
    text = OTLP["LogRecord"](body={"string_value": b"x" * 400_000}).SerializeToString()
    many = b"\x32\x00" * 300_000
    found = rows(otlp_protobuf(field(1, field(2, field(2, pairs + text + many))), RECEIVED, UTC, 1000))
    assert found[0]["message"].startswith("x" * 1000 + " [")
    assert found[0]["structured_data"].startswith('{"a":1,')
    deep = field(6, field(2, field(5, field(1, b"\x0a\x00" * 100_000))))
    assert len(_read(otlp_protobuf, field(1, field(2, field(2, text + deep))), 1000)) == 1


def test_copies_of_the_resource_are_bounded_and_no_record_is_lost() -> None:
    records = [{"body": {"stringValue": "."}}] * 20_000
    body = as_protobuf(exported(records, {"service.name": "s", "a": "x" * 5000}))
    found = rows(otlp_protobuf(body, RECEIVED, UTC, 10_000))
    assert len(found) == 20_000
    assert {each["file_name"] for each in found} == {"s"}
    assert sum(len(each.get("structured_data", "")) for each in found) < 33 * len(body) + 1_100_000


def test_a_big_resource_of_very_many_scopes_is_not_read_for_each() -> None:
    resource = field(
        1, OTLP["Resource"](attributes=message_pairs(key_values({"a": "x" * 200_000}))).SerializeToString()
    )
    record = field(2, OTLP["LogRecord"](body={"string_value": b"."}).SerializeToString())
    found = rows(otlp_protobuf(field(1, resource + field(2, record) * 20_000), RECEIVED, UTC, 10_000))
    assert len(found) == 20_000
    assert "structured_data" in found[0]
    assert "structured_data" not in found[-1]


def head(content_type: str) -> UploadHead:
    return UploadHead("POST", "/v1/logs", header={"content-type": content_type}.__getitem__)


def test_answers_are_in_the_type_of_the_request() -> None:
    for kind in ("application/x-protobuf", "application/json; charset=utf-8"):
        whole = OTLP_ANY.accepted(head(kind), Taken(3))
        part = OTLP_ANY.accepted(head(kind), Taken(3, 300))
        late = OTLP_ANY.refused(head(kind), NotTaken(408, "too_slow", "The body did not come in time."))
        assert (whole.status, part.status, late.status) == (200, 200, 503)
        assert OTLP_ANY.refused(head(kind), NotTaken(500, "internal_error", "Internal error.")).status == 503
        assert dict(late.headers)["Retry-After"] == "1"
        assert {dict(each.headers)["Content-Type"] for each in (whole, part, late)} == {kind.partition(";")[0]}
        if "json" in kind:
            assert json.loads(whole.body) == {}
            assert json.loads(part.body)["partialSuccess"]["rejectedLogRecords"] == "300"
            assert json.loads(late.body) == {"message": "The body did not come in time."}
        else:
            assert whole.body == b""


def test_the_protobuf_answers_are_what_exporters_read() -> None:
    service = pytest.importorskip("opentelemetry.proto.collector.logs.v1.logs_service_pb2")
    response = service.ExportLogsServiceResponse.FromString(
        OTLP_ANY.accepted(head("application/x-protobuf"), Taken(3, 300)).body
    )
    assert response.partial_success.rejected_log_records == 300
    assert "not stored" in response.partial_success.error_message


def test_a_body_without_a_type_is_taken_for_what_it_is() -> None:
    request = exported([{"body": {"stringValue": "m"}}])
    for body in (json.dumps(request, indent=1).encode(), as_protobuf(request)):
        assert [each["message"] for each in rows(OTLP_ANY.read(body, RECEIVED, UTC, 1000))] == ["m"]
