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
    # Pieces without lines only let others work: a slow machine has more of them.
    assert len([piece for piece in pieces if piece.lines]) < 50


def turns(body: bytes) -> int:
    """Pieces without lines: others may work then."""
    return sum(not piece.lines for piece in firehose_body(body, RECEIVED, UTC, 10_000))


@pytest.mark.parametrize(
    "body",
    [
        '{"records":[%s{"data":"b25l"}]}' % ('{"data":""},' * 100_000),
        '{"records":[%s{"data":"b25l"}]}' % ('{"data":"Cg=="},' * 20_000),
        '{"records":[%s{"data":"b25l"}]}' % ("0," * 100_000),
        '{%s"records":[{"data":"b25l"}]}' % ('"a":0,' * 100_000),
        '{"x":[%s0],"records":[{"data":"b25l"}]}' % ("[]," * 1_000_000),
        '{"records":[[%s0],{"data":"b25l"}]}' % ("[]," * 1_000_000),
        '{"records":[{"x":[%s0],"data":"b25l"}]}' % ("[]," * 1_000_000),
        '{"records":[{"data":"b25l"%s}]}' % (',"a":0' * 100_000),
    ],
    ids=["empty", "blank", "no data", "keys", "lists", "list", "lists beside data", "keys beside data"],
)
def test_others_get_turns_while_no_line_is_found(body: str) -> None:
    assert [each["message"] for each in read(body.encode())] == ["one"]
    assert turns(body.encode()) > 5


def test_records_without_data_are_counted() -> None:
    assert refused(b'{"records":[%s{"data":"b25l"}]}' % (b"0," * 5000)) == 5000


def test_a_record_of_megabytes_is_read_in_steps() -> None:
    lines = [b"line %d of a long record" % number for number in range(100_000)]
    body = delivery(b"\n".join(lines), b"next")
    assert [each["message"].encode() for each in read(body)] == [*lines, b"next"]
    assert turns(body) > 5
    # The same with another escape of JSON, and with keys that are not read.
    other = body.replace(b"a", b"\\u0061").replace(b'"d\\u0061t\\u0061"', b'"x": {"data": "?"}, "data"')
    assert [each["message"].encode() for each in read(other)] == [*lines, b"next"]


@pytest.mark.parametrize("at", [0, 4, 65_532, 65_536, 131_072])
def test_base64_that_goes_on_after_its_end_is_refused(at: int) -> None:
    whole = base64.b64encode(b"x" * 120_000)
    broken = whole[:at] + b"eA==" + whole[at:]
    body = b'{"records":[{"data":"%s"},{"data":"b25l"}]}' % broken
    assert [each["message"] for each in read(body)] == ["one"]
    assert refused(body) == 1


def test_repetitive_lines_gzipped_are_stored_whole() -> None:
    body = delivery(gzip.compress(b"GET /health 200 in 3 ms\n" * 60_000), b"next")
    assert len(body) < 10_000
    found = [each["message"] for each in read(body)]
    assert found == ["GET /health 200 in 3 ms"] * 60_000 + ["next"]
    assert refused(body) == 0


def test_repetitive_events_gzipped_are_stored_with_what_they_share() -> None:
    events = [{"id": f"{number:056}", "timestamp": AT // 1000, "message": "REPORT ok"} for number in range(30_000)]
    found = read(delivery(gzip.compress(cloudwatch(logEvents=events, logStream="s" * 100))))
    assert len(found) == 30_000
    assert {each["structured_data"]["logStream"] for each in found} == {"s" * 100}


def test_all_records_together_unzip_within_a_bound() -> None:
    record = gzip.compress(b"%s\n" % (b"x" * 1000) * 15_000)
    body = delivery(*[record] * 8, b"line")
    pieces = list(firehose_body(body, RECEIVED, UTC, 1000))
    count = sum(len(piece.lines) for piece in pieces)
    assert 4 * 15_000 <= count < 7 * 15_000
    assert sum(piece.refused for piece in pieces) == 8 - count // 15_000
    assert count % 15_000 == 1, "a record is stored whole or not at all"


def test_long_values_beside_events_are_read_in_part() -> None:
    big = [[] for _ in range(100_000)]
    keys: dict[str, Any] = {f"key{number}": number for number in range(50_000)}
    text = cloudwatch("one", 7, x=big, **keys, last="z" * 100_000)
    body = delivery(gzip.compress(text))
    found = read(body, 100_000)
    assert [each["message"] for each in found] == ["one", "7"]
    assert found[0]["file_name"] == "/aws/lambda/shop"
    assert found[0]["structured_data"]["owner"] == "123456789012"
    assert len(found[0]["structured_data"]) <= 1000
    assert turns(body) > 5


def test_an_event_of_megabytes_is_read_in_part() -> None:
    events = [{"message": "one", "x": [[] for _ in range(300_000)]}, {"message": "y" * 3_000_000}, {"message": "two"}]
    body = delivery(cloudwatch(logEvents=events))
    found = [piece for piece in firehose_body(body, RECEIVED, UTC, 10_000) if piece.lines]
    messages = [message for piece in found for message in piece.lines.message]
    assert [messages[0], messages[2]] == ["one", "two"]
    assert messages[1].startswith("y" * 9000)
    assert messages[1].endswith("y [cut by Ppl at 10000 bytes]")
    assert turns(body) > 5


def test_an_event_is_kept_however_deep_it_is() -> None:
    for depth in range(700, 1010, 3):
        event = f'{{"message": "deep", "x": {"[" * depth}{"]" * depth}}}'
        text = f'{{"messageType": "DATA_MESSAGE", "logEvents": [{event}]}}'
        (found,) = rows(firehose_body(delivery(text.encode()), RECEIVED, UTC, 10_000))
        assert "deep" in found["message"]


def test_lines_before_do_not_keep_out_what_looks_like_cloudwatchs() -> None:
    body = delivery(b"before", b'{"logEvents": 1, "msg": "x"}', b"after")
    assert [each["message"] for each in read(body)] == ["before", "x", "after"]
    assert refused(body) == 0


_START = st.sampled_from(
    ["", " ", "\ufeff", "\0", "{", '{"msg": "a"}', "[", "<11>1 - web app 7 - - ", "3 ", "\n", "\x1e"]
)


@given(st.lists(st.tuples(_START, st.text(max_size=30), st.sampled_from(["", "\n", "\r\n", "\0"])), max_size=8))
def test_records_are_read_as_if_each_came_alone(records: list[tuple[str, str, str]]) -> None:
    sent = [("".join(each)).encode("utf-8", "replace") for each in records]
    alone = [row for each in sent for row in read(delivery(each))]
    assert read(delivery(*sent)) == alone


@given(st.lists(st.one_of(st.binary(max_size=50), st.text(max_size=50).map(lambda text: cloudwatch(text))), max_size=5))
def test_any_records_can_be_stored(records: list[bytes]) -> None:
    for piece in firehose_body(delivery(*records), RECEIVED, UTC, 1000):
        for row in piece.lines.rows():
            check_storable(row)
