"""Elasticsearch's clients of PyPI and npm, sending to Ppl as they are: each document is an event."""

from __future__ import annotations

import pytest

from tests.fixtures.running import PplProcess
from tests.peers.pushing import node_packages, run_node, run_python, stored

pytestmark = [pytest.mark.peer, pytest.mark.long, pytest.mark.beside]

DOCUMENTS = """
def documents(count):
    for number in range(count):
        yield {"_op_type": "create" if number % 2 else "index", "_index": "logs-app", "message": f"line {number} ✓",
            "@timestamp": "2026-11-24T10:00:00Z", "log.level": "error", "host": {"name": "web1"},
            "service": {"name": "shop"}, "user": {"id": number}}
"""
HELPERS = (
    DOCUMENTS
    + """
from elasticsearch import Elasticsearch, helpers
with Elasticsearch("URL", api_key="TOKEN", http_compress=True) as client:
    print(helpers.bulk(client, documents(700)))
with Elasticsearch("URL", api_key=("an id", "TOKEN")) as client:
    print(sum(ok for ok, _ in helpers.streaming_bulk(client, documents(700), chunk_size=100)))
with Elasticsearch("URL/logs/TOKEN") as client:
    print(client.info()["tagline"], client.ping(), client.cluster.health()["status"])
    print(sum(ok for ok, _ in helpers.parallel_bulk(client, documents(600), thread_count=3, chunk_size=50)))
    print(client.index(index="logs-app", document={"message": "alone"})["result"])
"""
)
REFUSED = """
from elasticsearch import Elasticsearch, helpers, AuthenticationException
with Elasticsearch("URL", basic_auth=("elastic", "TOKEN")) as client:
    actions = [{"_op_type": "delete", "_index": "a", "_id": "1"}, {"_index": "a", "message": "taken"},
        {"_op_type": "update", "_index": "a", "_id": "1", "doc": {}}]
    print([ok for ok, _ in helpers.streaming_bulk(client, actions, raise_on_error=False)])
with Elasticsearch("URL", api_key="wrong") as client:
    try:
        client.bulk(operations=[{"index": {}}, {"message": "x"}])
    except AuthenticationException as error:
        print(error.status_code, error.message)
"""
OPENSEARCH = (
    DOCUMENTS
    + """
from opensearchpy import OpenSearch, helpers
client = OpenSearch("URL", http_auth=("admin", "TOKEN"), http_compress=True)
print(helpers.bulk(client, documents(3)))
"""
)
ELASTIC_JS = """
const { Client } = require("@elastic/elasticsearch");
const client = new Client({ node: "URL", auth: { apiKey: "TOKEN" } });
(async () => {
    const datasource = [0, 1, 2].map((number) => ({ message: `line ${number} ✓`, "log.level": "error",
        host: { name: "web1" }, service: { name: "shop" }, user: { id: number } }));
    const result = await client.helpers.bulk({ datasource, onDocument: () => ({ index: { _index: "logs-app" } }),
        onDrop: (dropped) => console.log("dropped", dropped) });
    console.log(result.successful, result.failed);
})();
"""
WINSTON = """
const winston = require("winston");
const { ElasticsearchTransport } = require("winston-elasticsearch");
const transport = new ElasticsearchTransport({ level: "info", source: "shop", flushInterval: 100,
    clientOpts: { node: "URL/logs/TOKEN" } });
transport.on("error", (error) => console.log("error", error));
const log = winston.createLogger({ transports: [transport] });
log.error("line 0 ✓", { user: { id: 0 } });
log.warn("line 1 ✓");
setTimeout(() => process.exit(), 3000);
"""
PINO = """
const pino = require("pino");
const stream = require("pino-elasticsearch")({ index: "logs-app", node: "URL", auth: { apiKey: "TOKEN" },
    esVersion: 8, flushBytes: 10, flushInterval: 100, opType: "create" });
stream.on("error", (error) => console.log("error", error));
stream.on("insertError", (error) => console.log("error", error));
const log = pino({ level: "info", name: "shop" }, stream);
log.error("line 0 ✓");
log.warn("line 1 ✓");
setTimeout(() => process.exit(), 3000);
"""
OPENSEARCH_JS = """
const { Client } = require("@opensearch-project/opensearch");
const client = new Client({ node: "URL", auth: { username: "admin", password: "TOKEN" } });
(async () => {
    console.log((await client.info()).body.tagline);
    const datasource = [0, 1].map((number) => ({ message: `line ${number} ✓`, level: "error" }));
    await client.helpers.bulk({ datasource, onDocument: () => ({ index: { _index: "logs-app" } }),
        onDrop: (dropped) => console.log("error", dropped) });
})();
"""
GHOST = """
const Stream = require("@tryghost/elasticsearch-bunyan");
const stream = new Stream({ node: "URL", auth: { apiKey: "TOKEN" } }, { index: "logs-app" });
const log = require("bunyan").createLogger({ name: "shop", streams: [{ type: "raw", stream }] });
log.error("line 0 ✓");
setTimeout(() => process.exit(), 3000);
"""


def test_the_helpers_of_elasticsearch(module_ppl: PplProcess) -> None:
    who = module_ppl.register()
    said = run_python(HELPERS, module_ppl, module_ppl.create_drain(who))
    assert said.splitlines() == [
        "(700, [])", "700", "You Know, for Search True green", "600", "created",
    ]  # fmt: skip
    events = stored(module_ppl, who, 2001)
    assert [each["message"] for each in events[:700]] == [f"line {number} ✓" for number in range(700)]
    assert sorted(each["message"] for each in events[1400:]) == sorted(
        [*(f"line {number} ✓" for number in range(600)), "alone"]
    )
    first = events[0]
    assert (first["severity"], first["hostname"], first["file_name"]) == (3, "web1", "shop")
    assert first["structured_data"] == {"user": {"id": 0}, "_index": "logs-app"}


def test_documents_are_refused_one_by_one_and_a_wrong_token_is_said(module_ppl: PplProcess) -> None:
    who = module_ppl.register()
    said = run_python(REFUSED, module_ppl, module_ppl.create_drain(who))
    assert said.splitlines() == ["[False, True, False]", "401 security_exception"]
    assert [each["message"] for each in stored(module_ppl, who, 1)] == ["taken"]


def test_opensearch_py(module_ppl: PplProcess) -> None:
    who = module_ppl.register()
    assert "(3, [])" in run_python(OPENSEARCH, module_ppl, module_ppl.create_drain(who))
    assert [each["message"] for each in stored(module_ppl, who, 3)] == [f"line {number} ✓" for number in range(3)]


@pytest.mark.parametrize(
    ("packages", "script", "count"),
    [
        (("@elastic/elasticsearch@9.5.1",), ELASTIC_JS, 3),
        (("winston@3.19.0", "winston-elasticsearch@0.19.0"), WINSTON, 2),
        (("pino@10.4.0", "pino-elasticsearch@9.0.0"), PINO, 2),
        (("@opensearch-project/opensearch@3.9.0",), OPENSEARCH_JS, 2),
        (("bunyan@1.8.15", "@tryghost/elasticsearch-bunyan@0.1.1"), GHOST, 1),
    ],
    ids=["elasticsearch of npm", "winston-elasticsearch", "pino-elasticsearch", "opensearch of npm", "bunyan of Ghost"],
)
def test_the_clients_of_npm(module_ppl: PplProcess, packages: tuple[str, ...], script: str, count: int) -> None:
    directory = node_packages(*packages)
    who = module_ppl.register()
    said = run_node(script, directory, module_ppl, module_ppl.create_drain(who))
    assert "error" not in said.lower(), said
    # Some of them send several requests at once.
    events = sorted(stored(module_ppl, who, count), key=lambda each: str(each["message"]))
    assert [each["message"] for each in events] == [f"line {number} ✓" for number in range(count)]
    assert events[0]["severity"] == 3
    assert str(events[0]["structured_data"]["_index"]).startswith("logs-")
