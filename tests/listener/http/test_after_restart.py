"""What is sent again after a restart of Ppl is recognised as if there had been none."""

from __future__ import annotations

import gzip
from collections.abc import Awaitable, Callable, Iterator

import attrs
import pytest
from pytest_twisted import ensureDeferred

from ppl.errors import StoreUnavailable
from ppl.model import Destination, UploadKeys
from ppl.store.postgres import PostgresStore
from tests.listener.http.conftest import MakeDrained
from tests.listener.http.test_firehose import FIREHOSE
from tests.listener.http.test_journal import BASIC, END, chunk, entries, start
from tests.listener.http.test_loki import post
from tests.listener.receiving import GatedStore, messages
from tests.listener.uploading import TOKEN, Drained, answered, ask, request, token_for
from tests.sources.exports import entry
from tests.sources.test_firehose import delivery
from tests.waiting import until

KEY = {"Authorization": f"ApiKey {TOKEN}", "Content-Type": "application/x-ndjson"}


@attrs.frozen
class Protocol:
    """A protocol that recognises what it sends again.

    Attributes:
        name: of the protocol.
        has_body_ids: whether it recognises whole bodies, by one id, instead of lines.
        status: of its answer to what is stored.
    """

    name: str
    has_body_ids: bool
    status: int = 200

    def upload(self, numbers: range, body_id: str = "body 1") -> bytes:
        """A request with the lines ``line <number>``."""
        texts = [b"line %d" % number for number in numbers]
        match self.name:
            case "logplex":
                lines = [b"<13>1 - h app - - " + text for text in texts]
                headers = {"Content-Type": "application/logplex-1", "Logplex-Frame-Id": body_id}
                return request(b"".join(b"%d %s" % (len(line), line) for line in lines), headers)
            case "Firehose":
                headers = {**FIREHOSE, "X-Amz-Firehose-Request-Id": body_id, "X-Amz-Firehose-Access-Key": TOKEN}
                return post(delivery(*texts), headers, "/firehose")
            case "Elasticsearch":
                documents = [b'{"create":{"_id":"%s"}}\n{"message":"%s"}\n' % (text, text) for text in texts]
                return post(b"".join(documents), KEY, "/_bulk")
            case _:
                return start() + chunk(entries(numbers)) + END


LOGPLEX, FIREHOSES = Protocol("logplex", True), Protocol("Firehose", True)
ELASTICSEARCH, JOURNAL = Protocol("Elasticsearch", False), Protocol("journal", False, 202)

every_protocol = pytest.mark.parametrize(
    "protocol", [LOGPLEX, FIREHOSES, ELASTICSEARCH, JOURNAL], ids=lambda protocol: protocol.name
)


Restarted = Callable[..., Awaitable[Drained]]


@pytest.fixture
def restarted(store: PostgresStore, make_drained: MakeDrained) -> Restarted:
    """Starts a drain, over ``anew`` if that is given, after another has stored those uploads and was stopped."""

    async def restart(*uploads: bytes, status: int = 200, anew: GatedStore | None = None, **limits: int) -> Drained:
        first = await make_drained(store)
        for each in uploads:
            assert (await ask(first, each)).status == status
        await first.stop()
        return await make_drained(anew or store, **limits)

    return restart


def texts(numbers: range) -> list[str]:
    return [f"line {number}" for number in numbers]


@every_protocol
@ensureDeferred
async def test_an_upload_is_stored_once_though_ppl_was_restarted(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination, protocol: Protocol
) -> None:
    first = await make_drained(store)
    before = await ask(first, protocol.upload(range(600)))
    await first.stop()
    for _ in range(2):
        drained = await make_drained(store)
        for _ in range(2):
            again = await ask(drained, protocol.upload(range(600)))
            assert (again.status, len(again.body)) == (before.status, len(before.body))
        await drained.stop()
    assert await messages(store, destination) == texts(range(600))


@every_protocol
@ensureDeferred
async def test_of_an_upload_that_was_stored_in_part_the_rest_is_stored(
    store: PostgresStore, restarted: Restarted, destination: Destination, protocol: Protocol
) -> None:
    drained = await restarted(protocol.upload(range(300)), status=protocol.status, max_drain_bytes=1_000_000)
    assert (await ask(drained, protocol.upload(range(2_500)))).status < 300
    assert await messages(store, destination) == texts(range(2_500))


@every_protocol
@ensureDeferred
async def test_what_other_destinations_and_bodies_have_is_not_left_out(
    store: PostgresStore, restarted: Restarted, destination: Destination, protocol: Protocol
) -> None:
    owner, other = await store.register("p@example.com", "hash", "UTC", "h", range(9, 10), only_first=False)
    drained = await restarted(protocol.upload(range(3)), status=protocol.status)
    assert (await ask(drained, protocol.upload(range(2, 6), "body 2"))).status < 300
    expected = [*range(3), *range(2 if protocol.has_body_ids else 3, 6)]
    assert await messages(store, destination) == [f"line {number}" for number in expected]
    await token_for(store, owner, other, "u" * 43)
    elsewhere = protocol.upload(range(3)).replace(TOKEN.encode(), b"u" * 43)
    if protocol is JOURNAL:
        elsewhere = start(f"/logs/{'u' * 43}/upload", {}) + chunk(entries(range(3))) + END
    assert (await ask(drained, elsewhere)).status < 300
    assert await messages(store, other) == texts(range(3))


@ensureDeferred
async def test_entries_that_others_sent_in_between_are_not_left_out(
    store: PostgresStore, restarted: Restarted, destination: Destination
) -> None:
    """A unit's entries have every number but those of the others."""

    def of(numbers: Iterator[int] | range) -> bytes:
        return start() + chunk(b"".join(entry(number, f"line {number}") for number in numbers)) + END

    drained = await restarted(of(range(0, 900, 3)), status=202)
    assert (await ask(drained, of(range(900)))).status == 202
    expected = [*range(0, 900, 3), *(number for number in range(900) if number % 3)]
    assert await messages(store, destination) == [f"line {number}" for number in expected]


@ensureDeferred
async def test_entries_of_a_body_that_had_no_end_are_known_after_a_restart(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    first = await make_drained(store)
    client = await first.connect()
    client.send(start(headers=BASIC) + chunk(entries(range(40))))
    while len(await messages(store, destination)) < 39:
        pass
    await first.stop()
    drained = await make_drained(store)
    assert (await ask(drained, start() + chunk(entries(range(80))) + END)).status == 202
    assert await messages(store, destination) == texts(range(80))


class _Away(GatedStore):
    """A store that does not give keys a few times."""

    def __init__(self, store: PostgresStore, failures: int) -> None:
        super().__init__(store)
        self.failures, self.asked = failures, 0

    async def upload_keys(self, destination_id: int, kind: str) -> UploadKeys:
        self.asked += 1
        if self.asked <= self.failures:
            raise StoreUnavailable("It is away.")
        found: UploadKeys = await self._store.upload_keys(destination_id, kind)  # type: ignore[attr-defined]
        return found


@pytest.mark.parametrize("protocol", [LOGPLEX, FIREHOSES, JOURNAL], ids=lambda protocol: protocol.name)
@ensureDeferred
async def test_without_a_database_nothing_is_acknowledged_and_nothing_is_doubled(
    store: PostgresStore, restarted: Restarted, destination: Destination, protocol: Protocol
) -> None:
    away = _Away(store, failures=1)
    drained = await restarted(protocol.upload(range(5)), status=protocol.status, anew=away)
    response = await ask(drained, protocol.upload(range(5)))
    assert response.status == 503
    assert (await ask(drained, protocol.upload(range(5)))).status < 300
    assert (await ask(drained, protocol.upload(range(5)))).status < 300
    assert away.asked == 2, "the keys of before the start are read once"
    assert await messages(store, destination) == texts(range(5))


@ensureDeferred
async def test_uploads_that_come_together_wait_for_the_same_keys(
    store: PostgresStore, restarted: Restarted, destination: Destination
) -> None:
    uploads = [LOGPLEX.upload(range(number, number + 1), f"body {number}") for number in range(4)]
    away = _Away(store, failures=0)
    drained = await restarted(*uploads, anew=away)
    clients = [await drained.connect() for _ in range(4)]
    for client, each in zip(clients, uploads, strict=True):
        client.send(each)
    assert [(await answered(client)).status for client in clients] == [200] * 4
    assert away.asked == 1
    assert await messages(store, destination) == texts(range(4))


@ensureDeferred
async def test_a_body_that_failed_in_between_is_continued(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    """Its first lines wait for the database when it is refused; the client sends all of it again."""
    gated = GatedStore(store)
    drained = await make_drained(gated, writer_bytes=100_000, max_drain_bytes=1_000_000)
    gated.shut = True
    body = gzip.compress(LOGPLEX.upload(range(4_000)).partition(b"\r\n\r\n")[2])
    headers = {"Content-Type": "application/logplex-1", "Logplex-Frame-Id": "x" * 1000, "Content-Encoding": "gzip"}
    client = await drained.connect()
    client.send(request(body, headers))
    await until(lambda: gated.batches)
    client.transport.abortConnection()
    again = await drained.connect()
    again.send(request(body, headers))
    gated.open()
    assert (await answered(again)).json == {"lines": 4_000}
    other = {**headers, "Logplex-Frame-Id": "x" * 999 + "y"}
    assert await messages(store, destination) == texts(range(4_000))
    assert (await ask(drained, request(body, other))).json == {"lines": 4_000}
    assert len(await messages(store, destination)) == 8_000, "long ids are told apart"
