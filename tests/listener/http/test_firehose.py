"""Amazon Data Firehose and Cloudflare's Logpush at the drain: their answers, and each request once."""

from __future__ import annotations

import gzip
import time

import pytest
from pytest_twisted import ensureDeferred

from ppl.model import Destination
from ppl.store.postgres import PostgresStore
from tests.listener.http.conftest import MakeDrained
from tests.listener.http.test_loki import post
from tests.listener.receiving import messages
from tests.listener.uploading import TOKEN, ask, request
from tests.sources.test_firehose import cloudwatch, delivery

ID = "ed4acda5-034f-9f42-bba1-f29aea6d7d8f"
FIREHOSE = {
    "Content-Type": "application/json", "X-Amz-Firehose-Protocol-Version": "1.0", "X-Amz-Firehose-Request-Id": ID,
    "X-Amz-Firehose-Source-Arn": "arn:aws:firehose:us-east-1:123456789012:deliverystream/shop",
}  # fmt: skip


@pytest.mark.parametrize(
    ("path", "key"), [("/firehose", TOKEN), (f"/logs/{TOKEN}/firehose", "any"), (f"/logs/{TOKEN}", "")]
)
@ensureDeferred
async def test_a_request_is_stored_once_and_answered_with_its_id(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination, path: str, key: str
) -> None:
    drained = await make_drained(store)
    headers = {**FIREHOSE, "Content-Encoding": "gzip"} | ({"X-Amz-Firehose-Access-Key": key} if key else {})
    body = gzip.compress(delivery(gzip.compress(cloudwatch("one", "two")), b"three\n"))
    for _ in range(2):
        response = await ask(drained, post(body, headers, path))
        assert (response.status, response.headers["content-type"]) == (200, "application/json")
        assert response.json["requestId"] == ID
        assert abs(response.json["timestamp"] / 1000 - time.time()) < 60
    assert await messages(store, destination) == ["one", "two", "three"]
    assert (await ask(drained, post(body, {**headers, "X-Amz-Firehose-Request-Id": "other"}, path))).status == 200
    assert len(await messages(store, destination)) == 6


@ensureDeferred
async def test_the_id_may_stand_in_the_body_alone(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    drained = await make_drained(store)
    for _ in range(2):
        response = await ask(drained, post(delivery(b"x"), {"X-Amz-Firehose-Access-Key": TOKEN}, "/firehose"))
        assert response.json["requestId"] == "ed4acda5-034f"
    assert await messages(store, destination) == ["x"]


@ensureDeferred
async def test_refusals_have_the_id_and_a_sentence(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    drained = await make_drained(store)
    for headers, body, status in (
        (FIREHOSE, delivery(b"x"), 401),
        ({**FIREHOSE, "X-Amz-Firehose-Access-Key": "wrong"}, delivery(b"x"), 401),
        ({**FIREHOSE, "X-Amz-Firehose-Access-Key": TOKEN}, b"no JSON", 400),
    ):
        response = await ask(drained, post(body, headers, "/firehose"))
        assert (response.status, response.json["requestId"]) == (status, ID)
        assert response.json["errorMessage"].endswith(".")
    assert await messages(store, destination) == []


@pytest.mark.parametrize("headers", [{}, {"Content-Encoding": "gzip"}, {"Content-Type": "text/plain"}])
@ensureDeferred
async def test_logpush_sends_gzip_with_or_without_saying_so(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination, headers: dict[str, str]
) -> None:
    drained = await make_drained(store)
    if "Content-Type" not in headers:
        response = await ask(drained, request(gzip.compress(b'{"content":"tests"}'), headers))
        assert (response.status, response.json) == (200, {"lines": 0})
    first = b'{"EdgeStartTimestamp":1795860000000000000,"ClientIP":"192.0.2.7","EdgeResponseStatus":200}\n'
    assert (await ask(drained, request(gzip.compress(first + b'{"msg":"x"}\n'), headers))).json == {"lines": 2}
    (event, _) = (await store.newest(destination.id, 2)).events
    assert '"ClientIP":"192.0.2.7"' in event.message


@ensureDeferred
async def test_what_is_not_stored_is_not_acknowledged_and_the_rest_is_stored_once(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    drained = await make_drained(store)
    body = gzip.compress(delivery(b"one", gzip.compress(b"\n" * 17_000_000, 1), b"two"))
    headers = {**FIREHOSE, "Content-Encoding": "gzip", "X-Amz-Firehose-Access-Key": TOKEN}
    for _ in range(2):
        response = await ask(drained, post(body, headers, "/firehose"))
        assert (response.status, response.json["requestId"]) == (400, ID)
        assert response.json["errorMessage"].startswith("1 of the records are not stored")
    assert await messages(store, destination) == ["one", "two"]
