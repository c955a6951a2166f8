"""Loki's push API at the drain: its own answers, tokens in each form, and waiting instead of refusing."""

from __future__ import annotations

import base64
import gzip
import json

import cramjam
import pytest
from pytest_twisted import ensureDeferred

from ppl.model import Destination
from ppl.sources.loki_messages import LOKI
from ppl.store.postgres import PostgresStore
from tests.fixtures.protocol_bodies import field
from tests.listener.http.conftest import Away, MakeDrained, MakeShut, held_up
from tests.listener.receiving import GatedStore, messages
from tests.listener.uploading import TOKEN, Drained, Response, answered, ask
from tests.waiting import until

PUSH = "/loki/api/v1/push"
JSON = {"Content-Type": "application/json"}
BASIC = {"Authorization": "Basic " + base64.b64encode(f"loki:{TOKEN}".encode()).decode()}


def lines(*texts: str) -> bytes:
    return json.dumps({"streams": [{"stream": {"app": "shop"}, "values": [["1", text] for text in texts]}]}).encode()


def post(body: bytes, headers: dict[str, str], path: str = PUSH, method: str = "POST") -> bytes:
    head = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
    head += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(head) + "\r\n\r\n").encode() + body


#: A request with more than the writer of ``make_shut(writer_bytes=65_536)`` takes beside another.
MANY = post(lines(*["x" * 20] * 300), {**JSON, **BASIC})


async def push(drained: Drained, body: bytes, headers: dict[str, str], path: str = PUSH) -> Response:
    return await ask(drained, post(body, headers, path))


@ensureDeferred
async def test_what_is_stored_is_answered_with_204_and_without_a_body(
    store: PostgresStore, make_shut: MakeShut, destination: Destination
) -> None:
    drained, gated = await make_shut()
    client = await drained.connect()
    client.send(post(lines("one", "two"), {**JSON, **BASIC}))
    await until(lambda: gated.batches == [2])
    assert not client.received, "nothing is answered before the commit"
    gated.open()
    response = await answered(client)
    assert (response.status, response.body) == (204, b"")
    assert "content-length" not in response.headers
    client.send(post(lines("three"), {**JSON, **BASIC}))
    assert (await answered(client)).status == 204, "the connection goes on"
    assert await messages(store, destination) == ["one", "two", "three"]
    assert (await store.newest(destination.id, 1)).events[0].file_name == "shop"


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (PUSH, BASIC),
        (PUSH, {"Authorization": f"Bearer {TOKEN}"}),
        ("/api/prom/push", BASIC),
        (f"/{PUSH}", BASIC),
        (f"/logs/{TOKEN}{PUSH}", {}),
        (f"/logs/{TOKEN}/{PUSH}?a=b", {}),
    ],
)
@ensureDeferred
async def test_the_token_may_come_in_the_address_or_a_header(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination, path: str, headers: dict[str, str]
) -> None:
    assert (await push(await make_drained(store), lines("x"), {**JSON, **headers}, path)).status == 204
    assert await messages(store, destination) == ["x"]


@ensureDeferred
async def test_protobuf_and_gzip_are_unpacked(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    drained = await make_drained(store)
    stream = LOKI["Stream"](labels=b'{a="b"}', entries=[{"line": b"protobuf"}]).SerializeToString()
    packed = bytes(cramjam.snappy.compress_raw(b"\x0a" + bytes([len(stream)]) + stream))
    for headers in ({}, {"Content-Encoding": "snappy"}):
        proto = {"Content-Type": "application/x-protobuf", **headers, **BASIC}
        assert (await push(drained, packed, proto)).status == 204
    zipped = {**JSON, "Content-Encoding": "gzip", **BASIC}
    assert (await push(drained, gzip.compress(lines("zipped")), zipped)).status == 204
    assert await messages(store, destination) == ["protobuf", "protobuf", "zipped"]
    assert drained.drain.held_bytes == 0


@ensureDeferred
async def test_what_is_refused_is_said_in_words(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    drained = await make_drained(store)
    proto = {"Content-Type": "application/x-protobuf", **BASIC}
    for body, headers, status, words in (
        (lines("x"), JSON, 401, b"drain token"),
        (lines("x"), {**JSON, "Authorization": "Bearer wrong"}, 401, b"wrong or was revoked"),
        (lines("x"), {**JSON, "Authorization": f"Splunk {TOKEN}"}, 401, b"drain token"),
        (b"{", {**JSON, **BASIC}, 400, b"JSON"),
        (b"\xff\xff\xff\xff\x0f", proto, 413, b"at most"),
        (b"nonsense", proto, 400, b"snappy"),
    ):
        response = await push(drained, body, headers)
        assert (response.status, words in response.body) == (status, True), response
        assert response.headers["content-type"].startswith("text/plain")
    assert (await push(drained, lines("x"), JSON, f"/logs/wrong{PUSH}")).status == 404
    response = await ask(drained, post(b"", BASIC, method="PUT"))
    assert (response.status, response.headers["allow"]) == (405, "POST")
    assert await messages(store, destination) == []
    assert drained.drain.held_bytes == 0


@ensureDeferred
async def test_of_a_body_that_breaks_off_the_lines_before_are_stored(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    assert (await push(await make_drained(store), lines("a", "b")[:-8], {**JSON, **BASIC})).status == 204
    assert await messages(store, destination) == ["a"]


@ensureDeferred
async def test_while_lines_wait_for_the_database_the_answer_comes_later(
    store: PostgresStore, make_shut: MakeShut, destination: Destination
) -> None:
    drained, gated = await make_shut(writer_bytes=65_536)
    first, second = await held_up(drained, gated, MANY, post(lines("later"), {**JSON, **BASIC}))
    assert not second.received
    gated.open()
    assert [(await answered(client)).status for client in (first, second)] == [204, 204]
    assert (await messages(store, destination))[-1] == "later"


@ensureDeferred
async def test_a_stop_ends_the_wait(make_shut: MakeShut, destination: Destination) -> None:
    drained, gated = await make_shut(writer_bytes=65_536)
    _, second = await held_up(drained, gated, MANY, post(lines("later"), {**JSON, **BASIC}))
    stopping = drained.service.stopService()
    assert (await answered(second)).status == 503
    gated.open()
    await stopping


@pytest.mark.usefixtures("impatient_clients")
@ensureDeferred
async def test_without_the_database_it_is_for_later(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    response = await push(await make_drained(Away(store)), lines("x"), {**JSON, **BASIC})
    assert (response.status, response.headers["retry-after"]) == (503, "5")


@ensureDeferred
async def test_the_streams_of_a_body_are_stored_in_one_transaction(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    gated = GatedStore(store)
    drained = await make_drained(gated)
    streams = [{"stream": {"app": app}, "values": [["1", f"{app} {n}"] for n in range(50)]} for app in "abc"]
    assert (await push(drained, json.dumps({"streams": streams}).encode(), {**JSON, **BASIC})).status == 204
    stream = b"".join(
        field(1, field(1, b'{app="%d"}' % app) + b"".join(field(2, field(2, b"%d" % n)) for n in range(50)))
        for app in range(3)
    )
    headers = {"Content-Type": "application/x-protobuf", **BASIC}
    assert (await push(drained, bytes(cramjam.snappy.compress_raw(stream)), headers)).status == 204
    assert gated.batches == [150, 150]
    stored = await messages(store, destination)
    assert stored == [f"{app} {n}" for app in "abc" for n in range(50)] + [str(n) for n in range(50)] * 3
