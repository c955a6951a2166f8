"""Elasticsearch's bulk requests as its clients send them: an event and an answer for each document."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppl.sources.bodies import PIECE_BYTES, BodyUnreadable
from ppl.sources.elasticsearch import (
    ELASTICSEARCH_BULK,
    ELASTICSEARCH_DOCUMENT,
    bulk_documents,
    one_document,
    typed_document,
)
from ppl.sources.kinds import NotTaken, Piece, Taken, UploadHead
from tests.fuzz.targets import check_storable
from tests.sources.lines import RECEIVED, micros
from tests.sources.test_loki import rows

AT = micros(2026, 11, 24, 10, 0, 0, micro=123000)
TIME = "2026-11-24T10:00:00.123Z"


def pieces(body: bytes, index: str = "", most: int = 10_000) -> list[Piece]:
    return list(bulk_documents(body, RECEIVED, UTC, most, index))


def read(*lines: Any, index: str = "") -> list[dict[str, Any]]:
    """The events of a request with ``lines``."""
    found = rows(iter(pieces(request(lines), index)))
    for each in found:
        if "structured_data" in each:
            each["structured_data"] = json.loads(each["structured_data"])
    return found


def request(lines: Iterable[Any]) -> bytes:
    texts = (each if isinstance(each, bytes) else json.dumps(each).encode() for each in lines)
    return b"".join(text + b"\n" for text in texts)


def answer(body: bytes, index: str = "") -> Any:
    """The answer to a request."""
    found = pieces(body, index)
    taken = Taken(
        sum(len(each.lines) for each in found),
        sum(each.refused for each in found),
        tuple(each.items for each in found if each.items),
    )
    reply = ELASTICSEARCH_BULK.accepted(UploadHead("POST", "/_bulk"), taken)
    assert reply.status == 200
    assert ("X-Elastic-Product", "Elasticsearch") in reply.headers
    return json.loads(reply.body)


def statuses(body: bytes) -> list[tuple[str, int]]:
    return [(name, each["status"]) for item in answer(body)["items"] for name, each in item.items()]


def test_winstons_document_is_an_event() -> None:
    action = {"index": {"_index": "logs-2026.11.24", "pipeline": None}, "attempts": 0}
    document = {"@timestamp": TIME, "message": "it broke", "severity": "error", "fields": {"a": 1}}
    assert read(action, document) == [
        {"created_at": AT, "severity": 3, "message": "it broke",
         "structured_data": {"fields": {"a": 1}, "_index": "logs-2026.11.24"}}
    ]  # fmt: skip


def test_pinos_document_is_an_event() -> None:
    action = {"index": {"_index": "logs-app-default", "op_type": "create"}}
    (found,) = read(
        action, {"level": 50, "time": TIME, "pid": 7, "hostname": "web1", "name": "shop", "msg": "it broke"}
    )
    assert (found["created_at"], found["severity"], found["hostname"]) == (AT, 3, "web1")
    assert (found["file_name"], found["procid"], found["message"]) == ("shop", "7", "it broke")


def test_the_fields_of_the_common_schema_are_columns() -> None:
    document = {
        "@timestamp": TIME, "message": "it broke", "log.level": "warn", "host": {"name": "web1"},
        "service": {"name": "shop"}, "process": {"pid": 7, "name": "shopd"}, "trace.id": "abc",
    }  # fmt: skip
    assert read({"create": {"_id": "x-1"}}, document, index="logs") == [
        {"created_at": AT, "severity": 4, "hostname": "web1", "file_name": "shop", "procid": "7", "message": "it broke",
         "structured_data": {"process": {"name": "shopd"}, "trace.id": "abc", "_index": "logs", "_id": "x-1"}}
    ]  # fmt: skip


def test_the_documents_of_syslog_daemons_are_events() -> None:
    syslog_ng = {
        "PROGRAM": "myapp", "PRIORITY": "err", "MESSAGE": "it broke", "ISODATE": TIME, "HOST": "web1",
        "FACILITY": "user", "@timestamp": TIME,
    }  # fmt: skip
    rsyslog = {
        "message": "it broke", "fromhost": "web1", "facility": "user", "priority": "err", "timereported": TIME,
        "timegenerated": TIME,
    }  # fmt: skip
    for document in (syslog_ng, rsyslog):
        (found,) = read({"index": {}}, document)
        assert (found["created_at"], found["facility"], found["severity"]) == (AT, 1, 3)
        assert (found["hostname"], found["message"]) == ("web1", "it broke")


def test_a_text_says_its_level_where_no_field_does() -> None:
    assert read({"index": {}}, {"message": "ERROR shop: it broke"})[0]["severity"] == 3


def test_each_document_has_an_answer_in_order() -> None:
    body = request(
        [
            {"index": {}}, {"message": "one"}, {"delete": {"_id": "1"}}, {"create": None}, {"message": "two"},
            {"update": {"_id": "1"}}, {"doc": {"message": "three"}}, b"", {"index": {"_index": "x"}},
            {"message": "four"}, {"create": {}},
        ]
    )  # fmt: skip
    assert statuses(body) == [
        ("index", 201), ("delete", 400), ("create", 201), ("update", 400), ("index", 201), ("create", 400),
    ]  # fmt: skip
    assert answer(body)["errors"] is True
    assert [each["message"] for each in rows(iter(pieces(body)))] == ["one", "two", "four"]
    assert "create or index" in answer(body)["items"][1]["delete"]["error"]["reason"]
    assert answer(request([{"index": {}}, {"message": "one"}])) == {
        "took": 0, "errors": False, "items": [{"index": {"status": 201}}],
    }  # fmt: skip
    assert answer(b"")["items"] == []


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n", b"\n\n  \n"])
def test_lines_end_in_any_way(end: bytes) -> None:
    body = b'\n{"index":{}}\r\n{"message":"one"}\r\n\r\n{"index":{}}\n{"message":"two"}' + end
    assert statuses(body) == [("index", 201)] * 2
    assert [each["message"] for each in rows(iter(pieces(body)))] == ["one", "two"]


def test_what_is_no_json_is_kept_as_text() -> None:
    documents = [b'{"message": "cut', b"[1]", b"plain", b'{"a": 1}', b"\xff", b'"text"']
    found = read(*(each for document in documents for each in ({"index": {}}, document)))
    assert [each["message"] for each in found] == ['{"message": "cut', "[1]", "plain", '{"a": 1}', "\ufffd", "text"]


def test_a_broken_action_is_one_refusal_and_the_next_is_taken() -> None:
    body = request([{"index": {}}, {"message": "one"}, b"???", b"more", {"x": 1}, {"index": {}}, {"message": "two"}])
    assert statuses(body) == [("index", 201), ("index", 400), ("index", 201)]
    assert [each["message"] for each in rows(iter(pieces(body)))] == ["one", "two"]


@pytest.mark.parametrize("body", [b'{"message":"no action"}\n', b"text", b"[]", b'{"index":7}\n{}\n', b"{" * 9000])
def test_a_body_that_is_no_bulk_request_is_refused(body: bytes) -> None:
    with pytest.raises(BodyUnreadable, match="no bulk request"):
        pieces(body)


def test_a_long_document_is_cut_and_marked() -> None:
    (found,) = read({"index": {}}, {"message": "x" * 20_000})
    assert found["message"].endswith("[cut by Ppl at 10000 bytes]")
    (found,) = read({"index": {}}, {"message": "y" * 1_000_000}, index="logs")
    assert found["message"].startswith('{"message": "yyy')
    assert found["message"].endswith("[cut by Ppl at 10000 bytes]")


def test_the_name_of_an_index_in_the_address_is_not_copied_without_end() -> None:
    count = 20_000
    body = b'{"index":{}}\n{}\n' * count
    size = sum(len(each) for piece in pieces(body, "x" * 5000) for each in piece.lines.structured_data)
    assert size < 33 * len(body) + 2_000_000
    assert len(statuses(body)) == count


def test_refusals_and_blanks_come_in_small_pieces() -> None:
    body = b'{"delete":{}}\n' * 5000 + b"\n" * 300_000
    found = pieces(body)
    assert sum(each.refused for each in found) == 5000
    assert all(each.size < 2 * PIECE_BYTES for each in found)
    assert sum(len(each.items) for each in found) < 400_000
    assert len(answer(body)["items"]) == 5000


@pytest.mark.parametrize("line", [b"x", b'{"index":{}}\n{}', b'{"delete":{}}'])
def test_others_have_a_turn_after_a_few_hundred_lines(line: bytes) -> None:
    found = pieces(b'{"index":{}}\n{}\n' + (line + b"\n") * 5000)
    assert all(len(each.lines) <= 250 for each in found)
    assert sum(not each.lines for each in found) >= 5000 // 250


def test_only_a_document_with_a_name_has_a_key_which_depends_on_all_of_it() -> None:
    def keys(*actions: Any, index: str = "", document: Any = None) -> list[Any]:
        body = request(each for action in actions for each in (action, document or {"message": "m"}))
        return [key for piece in pieces(body, index) for key in piece.keys or [None] * len(piece.lines)]

    assert keys({"index": {}}, {"index": {"_id": True}}, {"index": {"_id": ""}}) == [None] * 3
    one, other, again = keys({"index": {"_id": "a"}}, {"index": {"_id": "b"}}, {"create": {"_id": "a"}})
    assert one == again != other
    assert keys({"index": {"_id": "a"}}, document={"message": "n"}) != [one]
    assert keys({"index": {"_id": "a", "_index": "x"}}) == keys({"index": {"_id": "a"}}, index="x") != [one]
    assert keys({"index": {}}, {"index": {"_id": "a"}}, {"index": {}}) == [None, one, None]
    assert keys({"index": {"_id": "\ud800"}}) != [None]
    assert keys({"index": {"_index": "a/b", "_id": "c"}}) != keys({"index": {"_index": "a", "_id": "b/c"}})


def test_a_name_that_is_a_number_is_a_name() -> None:
    as_text, as_number = (
        pieces(b'{"index":{"_index":"l","_id":%s}}\n{"message":"a"}\n' % name) for name in (b'"7"', b"7")
    )
    assert as_number[0].keys == as_text[0].keys != ()
    assert list(as_number[0].lines.rows()) == list(as_text[0].lines.rows())


def test_a_single_document_is_an_event() -> None:
    assert ELASTICSEARCH_DOCUMENT.read_at is not None
    for address in ("/logs/_doc", "/logs/_doc/7", "/logs/_create/7"):
        head = UploadHead("PUT", address)
        body = b'{\n "message": "one",\n "log.level": "error"\n}\n'
        (found,) = rows(ELASTICSEARCH_DOCUMENT.read_at(head)(body, RECEIVED, UTC, 1000))
        assert (found["message"], found["severity"]) == ("one", 3)
        named = {"_index": "logs"} if address.endswith("_doc") else {"_index": "logs", "_id": "7"}
        assert json.loads(found["structured_data"]) == named
        reply = ELASTICSEARCH_DOCUMENT.accepted(head, Taken(1))
        made = json.loads(reply.body)
        assert (reply.status, made["_index"], made["result"]) == (201, "logs", "created")
        assert made["_id"] == "7" or address.endswith("_doc")
    for read in (one_document, typed_document):
        with pytest.raises(BodyUnreadable):
            list(read(b" \n", RECEIVED, UTC, 1000))


def test_refusals_are_elasticsearchs_and_what_shall_be_sent_again_gets_no_answer() -> None:
    head = UploadHead("POST", "/_bulk")
    reply = ELASTICSEARCH_BULK.refused(head, NotTaken(401, "wrong_token", "No."))
    assert (reply.status, json.loads(reply.body)["error"]["type"]) == (401, "security_exception")
    assert ("X-Elastic-Product", "Elasticsearch") in reply.headers
    assert not reply.hangs_up
    for status in (429, 503):
        assert ELASTICSEARCH_BULK.refused(head, NotTaken(status, "x", "Later.")).hangs_up


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
_keys = st.sampled_from(["@timestamp", "message", "log.level", "host", "service.name", "log", "_index", "x"])
_actions = st.fixed_dictionaries({}, optional={"_index": _values, "_id": _values, "pipeline": st.none()})


@given(st.lists(st.tuples(_actions, st.dictionaries(_keys, _values, max_size=5)), max_size=5), st.text(max_size=9))
def test_any_document_is_stored_and_none_of_its_words_is_lost(
    documents: list[tuple[dict[str, Any], dict[str, Any]]], index: str
) -> None:
    body = request(each for more, value in documents for each in ({"create": more}, {**value, "word": "kept"}))
    found = [row for piece in pieces(body, index) for row in piece.lines.rows()]
    assert len(found) == len(documents) == len(answer(body, index)["items"])
    for row in found:
        check_storable(row)
        assert "kept" in "".join(map(str, row))


_lines = st.one_of(
    st.sampled_from(
        [b'{"index":{}}', b'{"create":{"_id":"1"}}', b'{"delete":{}}', b'{"message":"m"}', b"", b" ", b"{"]
    ),
    st.binary(max_size=20),
)


@given(st.lists(_lines, max_size=12).map(b"\n".join))
def test_any_lines_are_read_or_refused(body: bytes) -> None:
    try:
        found = pieces(body, "x")
    except BodyUnreadable:
        return
    for piece in found:
        for row in piece.lines.rows():
            check_storable(row)
    outcomes = statuses(body)
    assert sum(status == 201 for _, status in outcomes) >= sum(len(piece.lines) for piece in found)
    assert sum(status == 400 for _, status in outcomes) == sum(piece.refused for piece in found)
