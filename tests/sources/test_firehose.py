"""Amazon Data Firehose's bodies: lines, JSON and CloudWatch's events within records, and bodies that lie."""

from __future__ import annotations

import base64
import gzip
import json
from datetime import UTC
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppl.sources.bodies import PIECE_LINES, BodyUnreadable
from ppl.sources.firehose import FIREHOSE, firehose_body, request_id
from ppl.sources.kinds import UploadHead
from tests.fuzz.targets import check_storable
from tests.sources.lines import RECEIVED, micros
from tests.sources.test_loki import rows

AT = micros(2026, 11, 24, 10, 0, 0, micro=123000)


def delivery(*records: bytes) -> bytes:
    """A request with these records."""
    encoded = [{"data": base64.b64encode(each).decode()} for each in records]
    return json.dumps({"requestId": "ed4acda5-034f", "timestamp": AT // 1000, "records": encoded}).encode()


def cloudwatch(*messages: Any, **more: Any) -> bytes:
    """CloudWatch's events, before they are gzipped."""
    events = [{"id": str(number), "timestamp": AT // 1000, "message": each} for number, each in enumerate(messages)]
    return json.dumps(
        {
            "messageType": "DATA_MESSAGE", "owner": "123456789012", "logGroup": "/aws/lambda/shop",
            "logStream": "stream", "subscriptionFilters": ["f"], "logEvents": events, **more,
        }
    ).encode()  # fmt: skip


def read(body: bytes, most: int = 10_000) -> list[dict[str, Any]]:
    found = rows(firehose_body(body, RECEIVED, UTC, most))
    for each in found:
        if "structured_data" in each:
            each["structured_data"] = json.loads(each["structured_data"])
    return found


def refused(body: bytes) -> int:
    return sum(piece.refused for piece in firehose_body(body, RECEIVED, UTC, 1000))


def test_a_record_holds_lines_or_json() -> None:
    found = read(
        delivery(b"one\ntwo", b'{"msg":"three","level":"warn"}{"msg":"four"}\n', b"<11>1 - web app 7 - - five")
    )
    assert [each["message"] for each in found] == ["one", "two", "three", "four", "five"]
    assert (found[2]["severity"], found[4]["hostname"]) == (4, "web")


@pytest.mark.parametrize("pack", [gzip.compress, bytes])
def test_cloudwatchs_events(pack: Any) -> None:
    found = read(delivery(pack(cloudwatch("START x\n", "[ERROR] it broke", {"a": 1}) + cloudwatch("more"))))
    assert [each["message"] for each in found] == ["START x", "[ERROR] it broke", '{"a":1}', "more"]
    assert found[1] == {
        "created_at": AT, "severity": 3, "file_name": "/aws/lambda/shop", "message": "[ERROR] it broke",
        "structured_data": {"owner": "123456789012", "logStream": "stream"},
    }  # fmt: skip


def test_a_control_message_is_no_line() -> None:
    control = cloudwatch("CWL CONTROL MESSAGE: Checking health of destination Firehose.", messageType="CONTROL_MESSAGE")
    body = delivery(gzip.compress(control), b"line")
    assert [each["message"] for each in read(body)] == ["line"]
    assert refused(body) == 0


def test_what_looks_like_cloudwatchs_and_is_not_is_kept() -> None:
    text = '{"logEvents": 1, "msg": "x"}'
    assert [each["message"] for each in read(delivery(text.encode()))] == ["x"]


def test_records_that_cannot_be_read_keep_no_others_out() -> None:
    body = json.loads(delivery(b"good", b"\x1f\x8bno gzip", gzip.compress(b"cut")[:-3], b"also"))
    body["records"] += [{"data": "?"}, {}, None, {"data": ""}]
    sent = json.dumps(body).encode()
    assert [each["message"] for each in read(sent)] == ["good", "also"]
    assert refused(sent) == 5


def test_a_body_that_breaks_off_is_stored_as_far_as_it_came() -> None:
    assert [each["message"] for each in read(delivery(b"one", b"two")[:-10])] == ["one"]


@pytest.mark.parametrize("body", [b"", b"[]", b"x", b'{"a":1}', b'{"records": 1}'])
def test_another_body_is_refused(body: bytes) -> None:
    with pytest.raises(BodyUnreadable):
        read(body)


def test_a_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(bytes(100_000_000))
    body = delivery(*[bomb] * 5, b"line")
    assert [each["message"] for each in read(body)] == ["line"]
    assert refused(body) == 5


def test_common_attributes_name_what_lines_do_not() -> None:
    attributes = json.dumps({"commonAttributes": {"host": "web1", "service": "shop"}})
    head = UploadHead("POST", header={"x-amz-firehose-common-attributes": attributes}.get)
    assert FIREHOSE.read_at is not None
    body = delivery(b"one", b"<13>1 - web2 - - - - two")
    found = rows(FIREHOSE.read_at(head)(body, RECEIVED, UTC, 1000))
    assert [(each["hostname"], each["file_name"]) for each in found] == [("web1", "shop"), ("web2", "shop")]
    for odd in ("[]", "x", '{"commonAttributes": 1}', ""):
        head = UploadHead("POST", header={"x-amz-firehose-common-attributes": odd}.get)
        assert len(rows(FIREHOSE.read_at(head)(body, RECEIVED, UTC, 1000))) == 2


def test_the_id_is_found_at_either_end() -> None:
    assert request_id(delivery(b"x" * 5000)) == "ed4acda5-034f"
    assert request_id(b'{"records": [' + b" " * 5000 + b'], "requestId": "r"}') == "r"
    assert request_id(b"{}") == ""


def test_pieces_are_small() -> None:
    pieces = list(firehose_body(delivery(*[b"x"] * 3000, cloudwatch(*["y"] * 3000)), RECEIVED, UTC, 1000))
    assert sum(len(piece.lines) for piece in pieces) == 6000
    assert all(len(piece.lines) <= PIECE_LINES for piece in pieces)
    assert len(pieces) < 50


@given(st.lists(st.one_of(st.binary(max_size=50), st.text(max_size=50).map(lambda text: cloudwatch(text))), max_size=5))
def test_any_records_can_be_stored(records: list[bytes]) -> None:
    for piece in firehose_body(delivery(*records), RECEIVED, UTC, 1000):
        for row in piece.lines.rows():
            check_storable(row)
