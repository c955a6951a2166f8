"""GELF over HTTP at the drain: what is sent is stored, also when its client is gone before the answer."""

from __future__ import annotations

import json
import zlib

import pytest
from pytest_twisted import ensureDeferred

from ppl.model import Destination
from ppl.store.postgres import PostgresStore
from tests.fixtures.database import execute
from tests.listener.http.conftest import MakeDrained, MakeShut
from tests.listener.http.test_loki import BASIC, post
from tests.listener.receiving import messages
from tests.listener.uploading import TOKEN, ask
from tests.waiting import until

BEARER = {"Authorization": f"Bearer {TOKEN}"}
GELF = json.dumps({"version": "1.1", "host": "web1", "short_message": "it broke", "level": 3, "_user": 7}).encode()


@pytest.mark.parametrize(
    ("path", "headers", "body"),
    [
        ("/gelf", BEARER, GELF),
        ("/gelf", {**BASIC, "Content-Type": "application/json"}, GELF + b"\n"),
        # graypy and pygelf.
        (f"/logs/{TOKEN}/gelf", {"Content-Encoding": "gzip,deflate"}, zlib.compress(GELF)),
        (f"/logs/{TOKEN}/gelf", {"Content-Encoding": "gzip"}, GELF),
        (f"/logs/{TOKEN}/gelf", {}, zlib.compress(GELF)),
    ],
)
@ensureDeferred
async def test_a_message_is_stored_before_it_is_answered(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination, path: str, headers: dict[str, str],
    body: bytes,
) -> None:  # fmt: skip
    response = await ask(await make_drained(store), post(body, headers, path))
    assert (response.status, response.body) == (202, b"")
    (event,) = (await store.newest(destination.id, 2)).events
    assert (event.hostname, event.severity, event.message) == ("web1", 3, "it broke")
    assert event.structured_data == '{"user":7}'


@pytest.mark.parametrize("cut", [0, 1, -1])
@ensureDeferred
async def test_a_client_that_is_gone_at_once_has_sent(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination, cut: int
) -> None:
    drained = await make_drained(store)
    sent = post(GELF, {}, f"/logs/{TOKEN}/gelf")
    at = len(sent) - len(GELF) if cut == 1 else cut
    for _ in range(4):
        client = await drained.connect()
        for data in (sent[:at], sent[at:]):
            client.send(data)
        client.transport.loseConnection()
        await client.gone
    await until(lambda: sum(map(len, drained.announced)) == 4, "the messages")
    await until(lambda: not drained.drain.under_way, "the end of the uploads")
    assert drained.drain.held_bytes == 0
    assert await messages(store, destination) == ["it broke"] * 4


@ensureDeferred
async def test_a_client_that_is_gone_while_ppl_is_busy_has_sent(
    store: PostgresStore, make_shut: MakeShut, destination: Destination
) -> None:
    drained, gated = await make_shut(max_drain_requests=1)
    for _ in range(3):
        client = await drained.connect()
        client.send(post(GELF, {}, f"/logs/{TOKEN}/gelf"))
        await until(lambda: drained.drain.under_way, "an upload")
        client.transport.loseConnection()
        await client.gone
    gated.open()
    await until(lambda: sum(map(len, drained.announced)) == 3, "the messages")
    assert await messages(store, destination) == ["it broke"] * 3


@ensureDeferred
async def test_a_body_that_breaks_off_is_not_stored(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    drained = await make_drained(store)
    client = await drained.connect()
    client.send(post(GELF, {}, f"/logs/{TOKEN}/gelf")[:-3])
    await until(lambda: drained.drain.under_way, "an upload")
    client.transport.loseConnection()
    await client.gone
    await until(lambda: not drained.drain.under_way, "its end")
    assert await messages(store, destination) == []


@ensureDeferred
async def test_what_cannot_be_taken_is_refused(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination, dsn: str
) -> None:
    drained = await make_drained(store)
    bomb = zlib.compress(bytes(50_000_000))
    for body, headers, status in ((GELF, {}, 401), (zlib.compress(GELF)[:-3], BEARER, 400), (bomb, BEARER, 413)):
        assert (await ask(drained, post(body, headers, "/gelf"))).status == status
    execute(dsn, "UPDATE destination SET max_bytes_per_day = 1")
    assert (await ask(drained, post(GELF, BEARER, "/gelf"))).status == 202
    assert (await ask(drained, post(GELF, BEARER, "/gelf"))).status == 429
    assert await messages(store, destination) == ["it broke"]
