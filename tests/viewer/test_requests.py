"""What a client may write: the forms of each field, the code of each refusal, and that there is no other outcome."""

from __future__ import annotations

import json
from datetime import UTC
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppl.errors import ProtocolError
from ppl.live.filtering import Filter, Filters
from ppl.search.query import parse
from ppl.viewer import frames
from ppl.viewer.requests import (
    CancelSearch,
    GetLogs,
    Pause,
    Resume,
    SendUserData,
    ViewerRequest,
    event_of,
    read_request,
)

MOST = 1000
FILTERS = Filters()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ["user_id", "watched_ip", "logs_portion", "batch", "query", "since", "before", "after", "columns"]
EVENTS = ["send_user_data", "get_logs", "pause_live_update", "resume_live_update", "cancel_search"]


def as_filter(text: str) -> Filter | None:
    return FILTERS.of(parse(text, UTC, 0))


def read(event: str, **data: Any) -> ViewerRequest:
    return read_request(json.dumps({"event": event, "data": data}).encode(), MOST, as_filter)


def user_data(**data: Any) -> SendUserData:
    request = read("send_user_data", **{"user_id": "h:1", **data})
    assert isinstance(request, SendUserData)
    return request


def refusal(payload: bytes) -> ProtocolError:
    with pytest.raises(ProtocolError) as refused:
        read_request(payload, MOST, as_filter)
    return refused.value


def test_what_is_left_out_has_the_defaults_of_the_protocol() -> None:
    assert user_data() == SendUserData("h:1", None, 100, False, None)
    assert read("get_logs") == GetLogs(None, None)


def test_columns_are_names_of_fields() -> None:
    assert user_data().columns == user_data(columns=None).columns == user_data(columns=[]).columns == ()
    assert user_data(columns=["status", "user.id", "status"]).columns == ("status", "user.id")
    for wrong in ("status", ["a b"], [1], {"a": 1}, True, [f"c{number}" for number in range(9)]):
        data = {"event": "send_user_data", "data": {"user_id": "h:1", "columns": wrong}}
        assert refusal(json.dumps(data).encode()).code == "bad_columns", wrong


def test_the_default_portion_is_within_the_limit() -> None:
    payload = json.dumps({"event": "send_user_data", "data": {"user_id": "h:1"}}).encode()
    request = read_request(payload, 7, as_filter)
    assert isinstance(request, SendUserData)
    assert request.portion == 7


@pytest.mark.parametrize("data", ["{}", "null", None])
def test_data_may_be_empty_or_absent_where_nothing_is_carried(data: str | None) -> None:
    end = "}" if data is None else f', "data": {data}}}'
    assert read_request(f'{{"event": "pause_live_update"{end}'.encode(), MOST, as_filter) == Pause()
    assert read_request(f'{{"event": "resume_live_update"{end}'.encode(), MOST, as_filter) == Resume()
    assert read_request(f'{{"event": "cancel_search"{end}'.encode(), MOST, as_filter) == CancelSearch()


@pytest.mark.parametrize(("given_", "number"), [("1", 1), (1, 1), ("1000", 1000), (1000, 1000), ("", 100), (None, 100)])
def test_a_number_is_a_json_text_or_a_json_number(given_: Any, number: int) -> None:
    assert user_data(logs_portion=given_).portion == number


@pytest.mark.parametrize("portion", ["0", 0, -1, "-1", 1001, "1001", 1.5, "1.5", "1e3", True, [], "٣", " 5", 10**400])
def test_a_portion_outside_the_limits_is_refused(portion: Any) -> None:
    payload = json.dumps({"event": "send_user_data", "data": {"user_id": "h:1", "logs_portion": portion}})
    assert refusal(payload.encode()).code == "bad_logs_portion"


@pytest.mark.parametrize(
    ("watched", "address"),
    [
        ("", None),
        ("*", None),
        (None, None),
        ("192.0.2.1", "192.0.2.1"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
    ],
)
def test_an_address_is_compared_as_it_is_stored(watched: str | None, address: str | None) -> None:
    assert user_data(watched_ip=watched).sender_ip == address


@pytest.mark.parametrize("watched", ["192.0.2.256", "192.0.2.0/24", "localhost", 3221225985, ["*"], "1" * 100])
def test_what_is_not_an_address_is_refused(watched: Any) -> None:
    payload = json.dumps({"event": "send_user_data", "data": {"user_id": "h:1", "watched_ip": watched}})
    assert refusal(payload.encode()).code == "bad_watched_ip"


def test_an_id_keeps_all_its_digits() -> None:
    assert user_data(since="1790000000000001").since == 1_790_000_000_000_001
    assert read("get_logs", before="1790000000000002", after=1_790_000_000_000_001) == GetLogs(
        1_790_000_000_000_002, 1_790_000_000_000_001
    )


@pytest.mark.parametrize(("field", "code"), [("before", "bad_before"), ("after", "bad_after")])
@pytest.mark.parametrize("value", ["yesterday", -1, 1.0, True, {}, "9" * 17])
def test_what_is_not_an_id_is_refused(field: str, code: str, value: Any) -> None:
    error = refusal(json.dumps({"event": "get_logs", "data": {field: value}}).encode())
    assert (error.code, error.event) == (code, "get_logs")


@pytest.mark.parametrize("batch", [True, "true", False, "false"])
def test_batch_is_true_or_false(batch: Any) -> None:
    assert user_data(batch=batch).batch is (batch in (True, "true"))


@pytest.mark.parametrize("query", ["", "  ", None])
def test_an_empty_query_is_the_same_as_none(query: Any) -> None:
    if query is None:
        assert user_data() == user_data(query="")
    else:
        assert user_data(query=query) == user_data()


def test_the_same_query_gives_the_same_filter() -> None:
    filter_ = user_data(query="a  b").filter
    assert filter_ is not None
    assert filter_ is user_data(query="a b").filter
    assert filter_.query == parse("a b", UTC, 0)


def test_a_wrong_query_is_refused_with_the_place_and_what_was_expected_there() -> None:
    error = refusal(json.dumps({"event": "send_user_data", "data": {"user_id": "h:1", "query": "a (b"}}).encode())
    data = json.loads(frames.error(error))["data"]
    assert data == {
        "code": "bad_query",
        "message": str(error),
        "event": "send_user_data",
        "position": 4,
        "expected": data["expected"],
    }
    assert data["expected"] in data["message"]


@pytest.mark.parametrize("query", [1, True, ["a"], {"a": 1}])
def test_a_query_that_is_not_text_is_refused(query: Any) -> None:
    error = refusal(json.dumps({"event": "send_user_data", "data": {"user_id": "h:1", "query": query}}).encode())
    assert error.code == "bad_query"
    assert set(json.loads(frames.error(error))["data"]) == {"code", "message", "event"}


@pytest.mark.parametrize(
    "payload",
    [b"", b"\xff\xfe", b"{", b"[" * 100_000, b'{"event": ' + b"9" * 5000 + b"}"],
)
def test_what_is_not_json_is_refused(payload: bytes) -> None:
    assert refusal(payload).code == "not_json"


@pytest.mark.parametrize("payload", [b"1", b"null", b'"get_logs"', b'{"data": {}}', b'{"event": null}'])
def test_what_is_not_an_envelope_is_refused(payload: bytes) -> None:
    assert refusal(payload).code == "bad_envelope"


def test_the_name_of_an_unknown_event_is_repeated_only_in_part() -> None:
    error = refusal(json.dumps({"event": "x" * 60_000}).encode())
    assert (error.code, error.event) == ("unknown_event", "x" * 100)


def test_half_a_surrogate_pair_is_repeated_in_the_answer() -> None:
    frame = json.loads(frames.error(refusal(b'{"event": "\\ud800"}')))
    assert frame["data"]["event"] == "\ud800"


@given(
    st.binary(max_size=60)
    | st.builds(
        lambda event, data: json.dumps({"event": event, "data": data}).encode(),
        st.sampled_from(EVENTS) | JSON,
        st.dictionaries(st.sampled_from(FIELDS), JSON) | JSON,
    )
)
def test_whatever_comes_is_a_request_or_a_refusal_that_can_be_sent(payload: bytes) -> None:
    try:
        request = read_request(payload, MOST, as_filter)
    except ProtocolError as error:
        data = json.loads(frames.error(error))["data"]
        assert set(data) - {"position", "expected"} in ({"code", "message"}, {"code", "message", "event"})
        assert data["message"].endswith(".")
    else:
        assert event_of(request) in EVENTS
        if isinstance(request, SendUserData):
            assert 1 <= request.portion <= MOST
