"""Splunk's HTTP Event Collector at the drain: what clients check first, its codes, and Docker's driver."""

from __future__ import annotations

import gzip

import pytest
from pytest_twisted import ensureDeferred

from ppl.model import Destination
from ppl.store.postgres import PostgresStore
from tests.fixtures.database import execute
from tests.listener.http.conftest import MakeDrained, MakeShut
from tests.listener.http.test_loki import post
from tests.listener.receiving import messages
from tests.listener.uploading import TOKEN, answered, ask
from tests.waiting import until

EVENT = "/services/collector/event/1.0"
CHANNEL = "X-Splunk-Request-Channel"
TOKEN_HEADER = {"Authorization": f"Splunk {TOKEN}"}


@ensureDeferred
async def test_dockers_driver_starts_and_sends(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    drained = await make_drained(store)
    response = await ask(drained, f"OPTIONS {EVENT} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
    assert response.status == 200, "with anything else the container does not start"
    body = b'{"event":{"line":"one","source":"stdout","tag":"web"},"time":"1796000000.123456","host":"vm"}' * 2
    response = await ask(drained, post(gzip.compress(body), {**TOKEN_HEADER, "Content-Encoding": "gzip"}, EVENT))
    assert (response.status, response.json) == (200, {"text": "Success", "code": 0})
    assert response.headers["content-type"] == "application/json"
    assert await messages(store, destination) == ["one", "one"]
    assert (await store.newest(destination.id, 1)).events[0].file_name == "web"


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("/services/collector", b'{"event":"e"}', "e"),
        ("/services/collector/event", b'{"event":"e"}', "e"),
        (f"/logs/{TOKEN}/services/collector/event", b'{"event":"e"}', "e"),
        ("/services/collector/raw?host=h&source=s", b"<13>1 - - - - - - raw", "raw"),
        ("/services/collector/raw/1.0", b'{"event":{"message":"m"}}', "m"),
    ],
)
@ensureDeferred
async def test_each_address_takes_events(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination, path: str, body: bytes, message: str
) -> None:
    form = {**TOKEN_HEADER, "Content-Type": "application/x-www-form-urlencoded"}
    assert (await ask(await make_drained(store), post(body, form, path))).status == 200
    assert await messages(store, destination) == [message]


@ensureDeferred
async def test_a_client_over_its_quota_is_not_sent_to_sleep_for_a_day(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination, dsn: str
) -> None:
    drained = await make_drained(store)
    execute(dsn, "UPDATE destination SET max_bytes_per_day = 1")
    assert (await ask(drained, post(b'{"event":"one"}', TOKEN_HEADER, EVENT))).status == 200
    response = await ask(drained, post(b'{"event":"two"}', TOKEN_HEADER, EVENT))
    assert (response.status, response.json["code"], response.headers["retry-after"]) == (503, 9, "60")
    assert await messages(store, destination) == ["one"]


@ensureDeferred
async def test_health_needs_no_token_and_refusals_have_splunks_codes(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    drained = await make_drained(store, max_drain_requests_per_second=1)
    health = await ask(drained, b"GET /services/collector/health HTTP/1.1\r\nHost: h\r\n\r\n")
    assert (health.status, health.json["code"]) == (200, 17)
    for headers, status, code in (({}, 401, 2), ({"Authorization": "Splunk wrong"}, 403, 4)):
        response = await ask(drained, post(b'{"event":"e"}', headers, EVENT))
        assert (response.status, response.json["code"]) == (status, code)
    response = await ask(drained, post(b"no gzip", {**TOKEN_HEADER, "Content-Encoding": "gzip"}, EVENT))
    assert (response.status, response.json["code"]) == (400, 6)
    response = await ask(drained, post(b"", TOKEN_HEADER, EVENT, "PUT"))
    assert (response.status, response.headers["allow"]) == (405, "OPTIONS, POST")
    response = await ask(drained, post(b"x", TOKEN_HEADER, "/services/collector/health"))
    assert (response.status, response.headers["allow"]) == (405, "GET")
    assert await messages(store, destination) == []


@ensureDeferred
async def test_uploads_that_come_too_often_wait(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    drained = await make_drained(store, max_drain_requests_per_second=5)
    client = await drained.connect()
    for _ in range(53):
        client.send(post(b'{"event":"e"}', TOKEN_HEADER, EVENT))
        # Fifty may come at once; the others wait for their turn.
        assert (await answered(client)).status == 200


@ensureDeferred
async def test_a_client_with_a_channel_asks_what_is_stored(
    store: PostgresStore, make_shut: MakeShut, destination: Destination
) -> None:
    drained, gated = await make_shut()
    one, two = ({**TOKEN_HEADER, CHANNEL: f"FE0ECFAD-13D5-401B-847D-77833BD7713{n}"} for n in "12")
    client = await drained.connect()
    client.send(post(b'{"event":"a"}', one, EVENT))
    await until(lambda: gated.batches)
    acks = "/services/collector/ack"
    assert (await ask(drained, post(b'{"acks":[0]}', one, acks))).json == {"acks": {"0": False}}
    gated.open()
    assert (await answered(client)).json == {"text": "Success", "code": 0, "ackId": 0}
    response = await ask(drained, post(b"b", TOKEN_HEADER, "/services/collector/raw?channel=" + one[CHANNEL]))
    assert response.json["ackId"] == 1
    response = await ask(drained, post(b'{"acks":[0,1,2,-1]}', one, acks))
    assert response.json == {"acks": {"0": True, "1": True, "2": False, "-1": False}}
    assert (await ask(drained, post(b'{"acks":[0]}', two, f"/logs/{TOKEN}{acks}"))).json == {"acks": {"0": False}}
    assert await messages(store, destination) == ["a", "b"]


@ensureDeferred
async def test_questions_that_cannot_be_understood(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    drained = await make_drained(store)
    acks, one = "/services/collector/ack", {**TOKEN_HEADER, CHANNEL: "c"}
    response = await ask(drained, post(b'{"acks":[0]}', TOKEN_HEADER, acks))
    assert (response.status, response.json["code"]) == (400, 10)
    for body in (
        b"",
        b"[",
        b"[]",
        b'{"acks":{}}',
        b'{"acks":["0"]}',
        b'{"acks":[true]}',
        b'{"acks":[' + b"1," * 40_000,
    ):
        response = await ask(drained, post(body, one, acks))
        assert (response.status, response.json["code"]) == (400, 6)
    assert (await ask(drained, post(b'{"acks":[0]}', {CHANNEL: "c"}, acks))).status == 401
    assert await messages(store, destination) == []
