"""Elasticsearch's API at the drain: what clients ask first, its answers, and hanging up instead of refusing."""

from __future__ import annotations

import base64
import gzip
import json

import pytest
from pytest_twisted import ensureDeferred

from ppl.model import Destination
from ppl.store.postgres import PostgresStore
from tests.fixtures.database import execute
from tests.listener.http.conftest import MakeDrained
from tests.listener.http.test_loki import post
from tests.listener.receiving import GatedStore, messages
from tests.listener.uploading import TOKEN, ask
from tests.waiting import until

KEY = {"Authorization": "ApiKey " + base64.b64encode(f"an-id:{TOKEN}".encode()).decode()}
BULK = b'{"create":{"_index":"logs"}}\n{"message":"one","log.level":"error"}\n{"index":{}}\n{"message":"two"}\n'


def get(path: str, headers: dict[str, str], method: str = "GET") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: h", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/_bulk", KEY),
        ("/_bulk?refresh=wait_for&pipeline=p", {"Authorization": f"ApiKey {TOKEN}"}),
        ("/logs-a%2Fb/_bulk", {"Authorization": f"Bearer {TOKEN}"}),
        (f"/logs/{TOKEN}/_bulk", {}),
        (f"/logs/{TOKEN}/logs/_bulk?timeout=1m", {"Content-Encoding": "gzip"}),
    ],
)
@ensureDeferred
async def test_documents_are_stored_and_each_is_answered(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination, method: str, path: str,
    headers: dict[str, str],
) -> None:  # fmt: skip
    body = gzip.compress(BULK) if "Content-Encoding" in headers else BULK
    types = {"Content-Type": "application/vnd.elasticsearch+x-ndjson; compatible-with=9", **headers}
    response = await ask(await make_drained(store), post(body, types, path, method))
    assert (response.status, response.headers["content-type"]) == (200, "application/json")
    assert response.headers["x-elastic-product"] == "Elasticsearch"
    assert response.json == {
        "took": 0, "errors": False, "items": [{"create": {"status": 201}}, {"index": {"status": 201}}],
    }  # fmt: skip
    assert await messages(store, destination) == ["one", "two"]
    first = (await store.newest(destination.id, 2)).events[0]
    assert first.severity == 3
    assert json.loads(first.structured_data)["_index"] == "logs"


@ensureDeferred
async def test_what_clients_ask_first_needs_a_token(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    drained = await make_drained(store)
    for path, key, value in (
        ("/_cluster/health?wait_for_status=yellow", "status", "green"),
        (f"/logs/{TOKEN}/", "tagline", "You Know, for Search"),
        (f"/logs/{TOKEN}/_cluster/health", "status", "green"),
        (f"/logs/{TOKEN}/_index_template/logs", "index_templates", []),
        ("/_license", "license", {"status": "active", "uid": "ppl", "type": "basic", "mode": "basic"}),
    ):
        response = await ask(drained, get(path, {} if TOKEN in path else KEY))
        assert (response.status, response.json[key]) == (200, value), path
        assert response.headers["x-elastic-product"] == "Elasticsearch"
        wrong = await ask(drained, get(path.replace(TOKEN, "u" * 43), {"Authorization": "ApiKey wrong"}))
        assert wrong.status == (404 if TOKEN in path else 401)
        assert wrong.headers["x-elastic-product"] == "Elasticsearch"
    assert (await ask(drained, get("/_cat/health", KEY))).body.split()[3] == b"green"
    response = await ask(drained, post(b'{"policy":{}}', KEY, "/_ilm/policy/logs", "PUT"))
    assert (response.status, response.json) == (200, {"acknowledged": True})
    client = await drained.connect()
    client.send(get("/_index_template/logs", KEY, "HEAD"))
    await until(lambda: b"\r\n\r\n" in client.received)
    assert client.received.startswith(b"HTTP/1.1 200 ")
    assert (await ask(drained, get("/_license", {}))).status == 401
    assert await messages(store, destination) == []


@pytest.mark.parametrize("below", [True, False])
@ensureDeferred
async def test_what_clients_set_up_is_said_to_be_there(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination, below: bool
) -> None:
    drained = await make_drained(store)
    prefix, headers = (f"/logs/{TOKEN}", {}) if below else ("", KEY)
    for path in (
        "/logs-app", "/_alias/logs", "/logs-app/_alias/logs", "/_cat/templates/logs", "/_cat/indices", "/_ilm/policy",
        "/_ilm/status", "/_ingest/pipeline", "/_cluster/health/logs-app", "/logs-app/_mapping", "/_xpack/license",
    ):  # fmt: skip
        response = await ask(drained, get(prefix + path, headers))
        assert response.status == 200, path
        assert response.headers["x-elastic-product"] == "Elasticsearch"
    for method, path in (
        ("PUT", "/%3Clogs-%7Bnow%2Fd%7D-000001%3E"), ("PUT", "/logs-app/_alias/logs"), ("POST", "/_aliases"),
        ("POST", "/_index_template/logs"), ("PUT", "/logs-app/_settings"), ("PUT", "/_plugins/_ism/policies/logs"),
    ):  # fmt: skip
        response = await ask(drained, post(b"{}", headers, prefix + path, method))
        assert (response.status, response.json["acknowledged"]) == (200, True), path
    assert (await ask(drained, post(b"", headers, f"{prefix}/logs-app/_refresh"))).json["_shards"]["failed"] == 0
    client = await drained.connect()
    client.send(get(f"{prefix}/logs-app", headers, "HEAD"))
    await until(lambda: b"\r\n\r\n" in client.received)
    assert client.received.startswith(b"HTTP/1.1 200 ")
    assert await messages(store, destination) == []


@ensureDeferred
async def test_addresses_with_a_type_take_documents_and_nothing_else(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    drained = await make_drained(store)
    basic = {"Authorization": "Basic " + base64.b64encode(f"rsyslog:{TOKEN}".encode()).decode()}
    for headers, prefix in ((basic, ""), (KEY, ""), ({}, f"/logs/{TOKEN}")):
        response = await ask(drained, post(b'{"message": "one"}\n', headers, f"{prefix}/system/events?timeout=1m"))
        assert (response.status, response.json["_index"]) == (201, "system")
        response = await ask(drained, post(BULK, headers, f"{prefix}/system/events/_bulk"))
        assert (response.status, len(response.json["items"])) == (200, 2)
        for body in (b"lines\n", b'[{"message": "of another service"}]', b""):
            assert (await ask(drained, post(body, headers, f"{prefix}/log/v1"))).status == 400
    assert (await ask(drained, post(b"{}", {}, "/system/events"))).status == 400, "nobody takes it"
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    assert (await ask(drained, post(b"{}", bearer, "/system/events"))).status == 400
    assert await messages(store, destination) == ["one", "one", "two"] * 3
    assert json.loads((await store.newest(destination.id, 9)).events[0].structured_data)["_index"] == "system"


@ensureDeferred
async def test_a_document_that_is_missing_is_refused(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    drained = await make_drained(store)
    response = await ask(drained, post(b" \n", KEY, "/logs/_doc"))
    assert (response.status, response.json["error"]["reason"]) == (400, "The document is missing.")


@ensureDeferred
async def test_a_tokens_own_address_may_end_with_a_slash(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    drained = await make_drained(store)
    for path in (f"/logs/{TOKEN}/", f"//logs/{TOKEN}"):
        response = await ask(drained, post(b'{"message":"one"}', {"Content-Type": "application/json"}, path))
        assert (response.status, response.json) == (200, {"lines": 1})
    response = await ask(drained, post(b"{}", {}, f"/logs/{TOKEN}/v1/traces"))
    assert (response.status, response.code) == (404, "not_found"), "the token is not wrong"


@ensureDeferred
async def test_a_single_document_is_made(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    drained = await make_drained(store)
    for method, path in (("POST", "/logs/_doc"), ("PUT", "/logs/_doc/7"), ("PUT", "/logs/_create/8")):
        response = await ask(drained, post(b'{"message": "one"}', KEY, path, method))
        assert (response.status, response.json["result"]) == (201, "created")
    assert await messages(store, destination) == ["one"] * 3


@ensureDeferred
async def test_a_document_with_an_id_is_stored_once_however_often_it_is_sent(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    drained = await make_drained(store)
    named, other = b'{"index":{"_id":"7"}}\n{"message":"named"}\n', b'{"index":{"_id":"7"}}\n{"message":"other"}\n'
    unnamed = b'{"index":{}}\n{"message":"unnamed"}\n'
    for body in (named + unnamed, named + other + unnamed, named):
        response = await ask(drained, post(body, KEY, "/_bulk"))
        statuses = [item["index"]["status"] for item in response.json["items"]]
        assert (response.status, set(statuses), len(statuses)) == (200, {201}, body.count(b"index"))
    for _ in range(2):
        assert (await ask(drained, post(b'{"message": "alone"}', KEY, "/logs/_doc/8", "PUT"))).status == 201
    assert await messages(store, destination) == ["named", "unnamed", "other", "unnamed", "alone"]


@ensureDeferred
async def test_refusals_are_elasticsearchs(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    drained = await make_drained(store)
    for body, headers, status in (
        (BULK, {}, 401),
        (BULK, {"Authorization": "ApiKey wrong"}, 401),
        (b'{"message":"no action"}\n', KEY, 400),
        (b"no gzip", {**KEY, "Content-Encoding": "gzip"}, 400),
        (b"x" * 200_000, KEY, 413),
    ):
        response = await ask(drained, post(body, headers, "/_bulk"))
        assert (response.status, response.json["status"]) == (status, status)
        assert response.json["error"]["reason"]
        assert response.headers["x-elastic-product"] == "Elasticsearch"
    assert (await ask(drained, post(BULK, KEY, "/_bulk", "DELETE"))).headers["allow"] == "POST, PUT"
    assert await messages(store, destination) == []


@ensureDeferred
async def test_over_its_quota_and_without_a_database_ppl_hangs_up_so_that_clients_send_again(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination, dsn: str
) -> None:
    gated = GatedStore(store)
    drained = await make_drained(gated)
    execute(dsn, "UPDATE destination SET max_bytes_per_day = 1")
    for _ in range(2):
        assert (await ask(drained, post(BULK, KEY, "/_bulk"))).status == 200
        break
    client = await drained.connect()
    client.send(post(BULK, KEY, "/_bulk"))
    await client.gone
    assert client.received == b""
    assert drained.drain.under_way == 0
    assert drained.drain.held_bytes == 0
    assert len(await messages(store, destination)) == 2


@ensureDeferred
async def test_the_body_of_a_client_that_is_hung_up_on_is_not_read(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    drained = await make_drained(store, queue_bytes=10)
    client = await drained.connect()
    client.send(post(BULK * 500, KEY, "/_bulk"))
    await client.gone
    assert client.received == b""
    assert await messages(store, destination) == []


@ensureDeferred
async def test_the_sites_own_address_is_elasticsearchs_for_clients_with_a_token(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    drained = await make_drained(store)
    response = await ask(drained, get("/", KEY))
    assert (response.status, response.json["tagline"]) == (200, "You Know, for Search")
    assert response.headers["x-elastic-product"] == "Elasticsearch"
    assert (await ask(drained, get("/", {"Authorization": "ApiKey wrong"}))).status == 401
    other = base64.b64encode(f"elastic:{'u' * 43}".encode()).decode()
    assert (await ask(drained, get("/", {"Authorization": f"Basic {other}"}))).status == 401
    proxys = base64.b64encode(b"name:password").decode()
    assert (await ask(drained, get("/", {"Authorization": f"Basic {proxys}"}))).code == "not_found", "curl -u"
    assert (await ask(drained, get("/", {**KEY, "Accept": "text/html"}))).code == "not_found"


@ensureDeferred
async def test_a_named_document_is_stored_once_in_whichever_way_it_comes(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    drained = await make_drained(store)
    bulk = b'{"index":{"_index":"logs","_id":"7"}}\n{"message":"one"}\n'
    first = await ask(drained, post(bulk, KEY, "/_bulk"))
    second = await ask(drained, post(b'{"message":"one"}', KEY, "/logs/_doc/7", "PUT"))
    assert (first.status, second.status) == (200, 201)
    assert await messages(store, destination) == ["one"]


@ensureDeferred
async def test_parameters_that_shape_an_answer_do_no_harm(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    drained = await make_drained(store)
    query = "?filter_path=errors,items.*.error,items.*.status&pretty&human=true&error_trace=true&format=json"
    response = await ask(drained, post(BULK, KEY, f"/_bulk{query}"))
    assert (response.status, response.json["errors"], len(response.json["items"])) == (200, False, 2)
    assert await messages(store, destination) == ["one", "two"]
