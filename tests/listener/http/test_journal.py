"""systemd's journal at the drain: bodies that never end, that break off, and that come again."""

from __future__ import annotations

import base64
import zlib

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.task import deferLater

from ppl.model import Destination
from ppl.store.postgres import PostgresStore
from ppl.zstandard import zstd
from tests.fixtures.database import execute
from tests.listener.http.conftest import MakeDrained, MakeShut
from tests.listener.receiving import messages
from tests.listener.uploading import TOKEN, answered, ask, token_for
from tests.sources.exports import entry
from tests.waiting import until

BASIC = {"Authorization": "Basic " + base64.b64encode(f"journal:{TOKEN}".encode()).decode()}


def start(path: str = "/upload", headers: dict[str, str] | None = None) -> bytes:
    """The head of a body without a length."""
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", "Content-Type: application/vnd.fdo.journal"]
    lines += ["Transfer-Encoding: chunked", "Accept: text/plain"]
    lines += [f"{name}: {value}" for name, value in (BASIC if headers is None else headers).items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


END = b"0\r\n\r\n"


def entries(numbers: range) -> bytes:
    return b"".join(entry(number, f"line {number}") for number in numbers)


@ensureDeferred
async def test_a_body_that_never_ends_is_stored_while_it_comes(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    drained = await make_drained(store)

    class Impatient(drained.site.requestFactory):
        body_seconds = 1.0

    drained.site.requestFactory = Impatient
    client = await drained.connect()
    client.send(start(headers={**BASIC, "Expect": "100-continue"}))
    await until(lambda: client.received)
    assert client.received == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.received = b""
    sent = []
    for number in range(5):
        sent.append(f"line {number}")
        data = entry(number, sent[-1])
        client.send(chunk(data[:30]))
        client.send(chunk(data[30:]))
        await until(lambda: drained.writer.waiting_events == 0)
        while await messages(store, destination) != sent:
            pass
    await deferLater(reactor, 1.1)
    assert not client.received, "nothing is answered while it goes on"
    assert drained.drain.under_way == 1
    client.send(END)
    response = await answered(client)
    assert (response.status, response.headers["content-type"]) == (202, "text/plain; charset=utf-8")
    client.send(start() + chunk(entry(9, "next")) + END)
    assert (await answered(client)).status == 202, "the connection goes on"
    assert drained.drain.under_way == drained.drain.held_bytes == 0


@ensureDeferred
async def test_an_answer_comes_after_the_commit(
    store: PostgresStore, make_shut: MakeShut, destination: Destination
) -> None:
    drained, gated = await make_shut()
    client = await drained.connect()
    client.send(start() + chunk(entry(1, b"two\nlines")) + END)
    await until(lambda: gated.batches == [1])
    assert not client.received
    gated.open()
    assert (await answered(client)).status == 202
    assert await messages(store, destination) == ["two\nlines"]


@pytest.mark.parametrize("path", ["//upload", f"/logs/{TOKEN}/upload", f"/logs/{TOKEN}//upload"])
@ensureDeferred
async def test_the_address_is_as_clients_write_it(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination, path: str
) -> None:
    assert (await ask(await make_drained(store), start(path) + chunk(entry(1, "x")) + END)).status == 202
    assert await messages(store, destination) == ["x"]


@ensureDeferred
async def test_entries_before_a_break_are_stored_and_come_once_when_all_comes_again(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    drained = await make_drained(store)
    whole = entries(range(1, 6))
    for cut, count in ((len(whole) // 2, 2), (10, 2), (len(whole) - 1, 4)):
        client = await drained.connect()
        client.send(start() + chunk(whole[:cut]))
        while len(await messages(store, destination)) < count:
            pass
        client.transport.abortConnection()
        await until(lambda: drained.drain.under_way == 0)
    assert await messages(store, destination) == [f"line {number}" for number in range(1, 5)]
    response = await ask(drained, start() + chunk(whole) + END)
    assert response.status == 202
    response = await ask(drained, start() + chunk(entries(range(5, 6))) + END)
    assert response.status == 202, "each start of the client sends the last entry again"
    assert await messages(store, destination) == [f"line {number}" for number in range(1, 6)]


@ensureDeferred
async def test_a_repeat_is_answered_when_the_first_is_stored(
    store: PostgresStore, make_shut: MakeShut, destination: Destination
) -> None:
    drained, gated = await make_shut()
    first, again = await drained.connect(), await drained.connect()
    first.send(start() + chunk(entry(1, "x")))
    await until(lambda: gated.batches == [1])
    first.transport.abortConnection()
    again.send(start() + chunk(entry(1, "x")) + END)
    await until(lambda: drained.drain.held_bytes and drained.drain.under_way == 1)
    for _ in range(20):
        await messages(store, destination)
    assert not again.received
    gated.open()
    assert (await answered(again)).status == 202
    assert await messages(store, destination) == ["x"]


@ensureDeferred
async def test_destinations_know_their_own_entries_only(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    owner, other = await store.register("p@example.com", "hash", "UTC", "h", range(9, 10), only_first=False)
    await token_for(store, owner, other, "u" * 43)
    drained = await make_drained(store)
    for token in (TOKEN, "u" * 43):
        assert (await ask(drained, start(f"/logs/{token}/upload") + chunk(entry(1, "x")) + END)).status == 202
    assert await messages(store, destination) == await messages(store, other) == ["x"]


@ensureDeferred
async def test_a_backlog_may_be_longer_than_a_body_and_than_the_memory(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    drained = await make_drained(store, max_drain_bytes=10_000, queue_bytes=200_000, writer_bytes=100_000)
    client = await drained.connect()
    client.send(start())
    for begin in range(0, 5_000, 100):
        client.send(chunk(entries(range(begin, begin + 100))))
    client.send(END)
    assert (await answered(client)).status == 202
    assert await messages(store, destination) == [f"line {number}" for number in range(5_000)]
    assert drained.drain.held_bytes == 0


@ensureDeferred
async def test_compressed_bodies_are_unpacked_as_they_come(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    drained = await make_drained(store)
    packing = zlib.compressobj(wbits=31)
    client = await drained.connect()
    client.send(start(headers={**BASIC, "Content-Encoding": "gzip"}))
    client.send(chunk(packing.compress(entry(1, "one")) + packing.flush(zlib.Z_SYNC_FLUSH)))
    while await messages(store, destination) != ["one"]:
        pass
    client.send(chunk(packing.compress(entry(2, "two")) + packing.flush()) + END)
    assert (await answered(client)).status == 202
    packed = zstd.ZstdCompressor()
    client = await drained.connect()
    client.send(start(headers={**BASIC, "Content-Encoding": "zstd"}))
    client.send(chunk(packed.compress(entry(8, "zstd"), packed.FLUSH_BLOCK)))
    while await messages(store, destination) != ["one", "two", "zstd"]:
        pass
    client.send(chunk(packed.flush()) + END)
    assert (await answered(client)).status == 202
    bomb = zlib.compressobj(wbits=31)
    data = bomb.compress(entry(3, b"x\n" * 10_000_000)) + bomb.flush()
    assert (await ask(drained, start(headers={**BASIC, "Content-Encoding": "gzip"}) + chunk(data) + END)).status == 202
    response = await ask(drained, start(headers={**BASIC, "Content-Encoding": "gzip"}) + chunk(b"no gzip") + END)
    assert (response.status, response.body) == (400, b"The body is not gzip.\n")
    assert [each[:10] for each in await messages(store, destination)] == ["one", "two", "zstd", "x\nx\nx\nx\nx\n"]


@ensureDeferred
async def test_refusals_are_texts_before_the_body_comes(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    drained = await make_drained(store)
    for headers, status in (({}, 401), ({"Authorization": "Bearer wrong"}, 401)):
        client = await drained.connect()
        client.send(start(headers={**headers, "Expect": "100-continue"}))
        response = await answered(client)
        assert response.status == status
        assert b"drain token" in response.body
        assert not response.body.startswith(b"{")
    response = await ask(drained, start() + chunk(b"<13>no journal\n") + END)
    assert (response.status, response.body) == (400, b"The body is not in systemd's Journal Export Format.\n")


@ensureDeferred
async def test_an_entry_that_cannot_be_read_is_left_out_and_the_rest_succeeds(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    body = entry(1, "a") + b"what is this\n\n" + entry(2, "b")
    assert (await ask(await make_drained(store), start() + chunk(body) + END)).status == 202
    assert await messages(store, destination) == ["a", "b"]


@ensureDeferred
async def test_a_stop_ends_a_body_that_never_ends(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    drained = await make_drained(store)
    client = await drained.connect()
    client.send(start() + chunk(entry(1, "x")))
    while await messages(store, destination) != ["x"]:
        pass
    await drained.service.stopService()
    response = await answered(client)
    assert (response.status, response.headers["connection"]) == (503, "close")
    await client.gone
    assert drained.drain.under_way == drained.drain.held_bytes == 0


@ensureDeferred
async def test_while_the_database_is_away_nothing_more_is_read(
    store: PostgresStore, make_shut: MakeShut, destination: Destination
) -> None:
    drained, gated = await make_shut(writer_bytes=65_536)
    client = await drained.connect()
    client.send(start())
    for begin in range(0, 20_000, 1000):
        client.send(chunk(entries(range(begin, begin + 1000))))
    client.send(END)
    await until(lambda: drained.writer.waiting_bytes > 65_536)
    for _ in range(50):
        await store.last_ids()
    assert drained.writer.waiting_bytes < 400_000, "what the client sends waits in the network"
    gated.open()
    assert (await answered(client)).status == 202
    assert len(await messages(store, destination)) == 20_000


@ensureDeferred
async def test_while_the_quota_is_used_up_a_body_waits(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination, dsn: str
) -> None:
    execute(dsn, "UPDATE destination SET max_lines_per_second = 100")
    drained = await make_drained(store)
    client = await drained.connect()
    client.send(start())
    sent = [f"line {number}" for number in range(1100)]
    for begin in range(0, 1100, 100):
        client.send(chunk(entries(range(begin, begin + 100))))
    client.send(END)
    assert (await answered(client)).status == 202
    assert await messages(store, destination) == sent


@pytest.mark.usefixtures("impatient_clients")
@ensureDeferred
async def test_a_body_whose_quota_stays_used_up_is_refused_as_far_as_it_is_not_stored(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination, dsn: str,
) -> None:  # fmt: skip
    execute(dsn, "UPDATE destination SET max_lines_per_second = 1")
    drained = await make_drained(store)
    client = await drained.connect()
    client.send(start() + chunk(entries(range(100))))
    response = await answered(client)
    assert (response.status, response.headers["content-type"]) == (429, "text/plain; charset=utf-8")
    assert b"quota" in response.body
    assert await messages(store, destination) == [f"line {number}" for number in range(100)]
