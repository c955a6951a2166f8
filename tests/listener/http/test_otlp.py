"""OpenTelemetry's logs at the drain: its answers, and nothing for which exporters would give up."""

from __future__ import annotations

import json
import zlib

import pytest
from pytest_twisted import ensureDeferred

from ppl.model import Destination
from ppl.store.postgres import PostgresStore
from tests.listener.http.conftest import Away, MakeDrained
from tests.listener.http.test_loki import post
from tests.listener.receiving import messages
from tests.listener.uploading import TOKEN, answered, ask
from tests.sources.test_otlp import as_protobuf, exported

LOGS = "/v1/logs"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
JSON = {"Content-Type": "application/json", **BEARER}
PROTOBUF = {"Content-Type": "application/x-protobuf", **BEARER}
REQUEST = exported([{"body": {"stringValue": "one"}}, {"body": {"stringValue": "two"}}])


@pytest.mark.parametrize("path", [LOGS, "//v1/logs", f"/logs/{TOKEN}/v1/logs"])
@ensureDeferred
async def test_success_has_the_type_of_the_request(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination, path: str
) -> None:
    drained = await make_drained(store)
    response = await ask(drained, post(json.dumps(REQUEST).encode(), JSON, path))
    assert (response.status, response.headers["content-type"], response.json) == (200, "application/json", {})
    packed = zlib.compress(as_protobuf(REQUEST))
    response = await ask(drained, post(packed, {**PROTOBUF, "Content-Encoding": "deflate"}, path))
    assert (response.status, response.headers["content-type"]) == (200, "application/x-protobuf")
    assert response.body == b""
    assert await messages(store, destination) == ["one", "two"] * 2


@ensureDeferred
async def test_records_that_are_not_stored_are_counted(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    request = exported([{"body": {"stringValue": "one"}}, {}, {"timeUnixNano": "5"}])
    response = await ask(await make_drained(store), post(json.dumps(request).encode(), JSON, LOGS))
    assert response.status == 200
    assert response.json["partialSuccess"]["rejectedLogRecords"] == "2"
    assert await messages(store, destination) == ["one"]


@ensureDeferred
async def test_a_chunked_body_is_taken(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    client = await (await make_drained(store)).connect()
    body = json.dumps(REQUEST).encode()
    head = f"POST {LOGS} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n"
    client.send(f"{head}Authorization: Bearer {TOKEN}\r\n\r\n{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n")
    assert (await answered(client)).status == 200
    assert await messages(store, destination) == ["one", "two"]


@pytest.mark.parametrize("path", [f"/logs/{TOKEN}", f"/logs/{TOKEN}/"])
@ensureDeferred
async def test_a_tokens_own_address_takes_what_exporters_send_there(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination, path: str
) -> None:
    drained = await make_drained(store)
    text = json.dumps(REQUEST).encode()
    response = await ask(drained, post(as_protobuf(REQUEST), {"Content-Type": "application/x-protobuf"}, path))
    assert (response.status, response.body) == (200, b"")
    for body in (text, b"\xef\xbb\xbf\n" + json.dumps(REQUEST, indent=1).encode()):
        for headers in ({"Content-Type": "application/json"}, {}):
            response = await ask(drained, post(body, headers, path))
            assert (response.status, response.json) == (200, {"lines": 2})
    other = {"Content-Type": "application/json"}
    assert (await ask(drained, post(b'{"message": "x", "resourceLogs": []}', other, path))).json == {"lines": 1}
    assert await messages(store, destination) == ["one", "two"] * 5 + ["x"]


@pytest.mark.usefixtures("impatient_clients")
@ensureDeferred
async def test_refusals_have_a_sentence_and_short_waits(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    response = await ask(await make_drained(Away(store)), post(b"{}", JSON, LOGS))
    assert (response.status, response.headers["retry-after"]) == (503, "3")
    drained = await make_drained(store)
    wrong = {**JSON, "Authorization": "Bearer wrong"}
    for body, headers, status in ((b"{", JSON, 400), (b"\x0a\xff", PROTOBUF, 400), (b"{}", wrong, 401)):
        response = await ask(drained, post(body, headers, LOGS))
        assert response.status == status
        assert response.headers["content-type"] == headers["Content-Type"]
    assert "wrong or was revoked" in response.json["message"]
    assert (await ask(drained, post(b"", JSON, LOGS, "GET"))).status == 405
    assert await messages(store, destination) == []


@ensureDeferred
async def test_many_records_keep_their_order_and_leave_turns_to_others(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    sent = [f"line {number}" for number in range(6_000)]
    request = exported([{"body": {"stringValue": each}, "severityNumber": 9} for each in sent])
    drained = await make_drained(store, max_drain_bytes=1_000_000)
    response = await ask(drained, post(as_protobuf(request), PROTOBUF, LOGS))
    assert response.status == 200
    assert await messages(store, destination) == sent
