"""The drain over real connections: what is taken is stored before it is answered, all else is refused early."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable, Sequence

import attrs
import pytest
from pytest_twisted import ensureDeferred
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall

from ppl.errors import StoreUnavailable
from ppl.listener.http import upload, work_turns
from ppl.model import Destination
from ppl.sources import packed
from ppl.sources.elasticsearch import ELASTICSEARCH_BULK
from ppl.sources.firehose import FIREHOSE
from ppl.sources.gelf import GELF
from ppl.sources.hec import HEC_EVENTS
from ppl.sources.journal import JOURNAL
from ppl.sources.kinds import BodyKind
from ppl.sources.known import upload_kind
from ppl.sources.loki import LOKI_JSON
from ppl.sources.otlp import OTLP_JSON
from ppl.store.postgres import PostgresStore
from ppl.zstandard import zstd
from tests.fixtures.database import execute
from tests.listener.http.conftest import Away, MakeDrained, MakeShut, held_up
from tests.listener.receiving import GatedStore, messages
from tests.listener.uploading import TOKEN, answered, ask, head, request, token_for
from tests.waiting import until

# What is taken


@ensureDeferred
async def test_lines_are_stored_before_they_are_answered(
    store: PostgresStore, make_shut: MakeShut, destination: Destination
) -> None:
    drained, gated = await make_shut()
    client = await drained.connect()
    client.send(request(b"one\ntwo\n\n<11>1 - web app 7 - - three"))
    await until(lambda: gated.batches == [3])
    assert not client.received, "nothing is answered before the commit"
    gated.open()
    response = await answered(client)
    assert (response.status, response.json) == (200, {"lines": 3})
    assert await messages(store, destination) == ["one", "two", "three"]
    page = await store.newest(destination.id, 1)
    assert (page.events[0].sender_ip, page.events[0].hostname) == ("127.0.0.1", "web")


@ensureDeferred
async def test_a_connection_carries_one_upload_after_another(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    drained = await make_drained(store)
    client = await drained.connect()
    for number in range(3):
        client.send(request(b"line %d" % number))
        assert (await answered(client)).status == 200
    client.send(request(b"a") + request(b"b"))
    assert [(await answered(client)).status for _ in range(2)] == [200, 200]
    assert await messages(store, destination) == ["line 0", "line 1", "line 2", "a", "b"]


@ensureDeferred
async def test_chunks_gzip_json_and_an_empty_body_are_taken(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    drained = await make_drained(store)
    client = await drained.connect()
    client.send(head(None, {"Content-Type": "application/x-ndjson"}))
    client.send(b'10\r\n{"msg": "chunk"}\r\n0\r\n\r\n')
    assert (await answered(client)).json == {"lines": 1}
    zipped = gzip.compress(b'[{"log": "zipped", "level": "error"}]')
    client.send(request(zipped, {"Content-Type": "application/json", "Content-Encoding": "gzip"}))
    assert (await answered(client)).json == {"lines": 1}
    client.send(request(b""))
    assert (await answered(client)).json == {"lines": 0}
    assert await messages(store, destination) == ["chunk", "zipped"]


@pytest.mark.parametrize(
    ("content_type", "body", "message"),
    [
        ("text/plain; charset=iso-8859-1", "Grüße aus Köln".encode("latin-1"), "Grüße aus Köln"),
        ("application/json; charset=utf-16", '{"msg": "Łódź"}'.encode("utf-16"), "Łódź"),
        ("application/octet-stream", b'{"msg": "bytes"}', "bytes"),
        ("text/json", b'{"msg": "text"}', "text"),
        ("application/vnd.example+json", b'{"msg": "vendor"}', "vendor"),
    ],
)
@ensureDeferred
async def test_what_the_content_type_says_is_honoured(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination, content_type: str, body: bytes,
    message: str,
) -> None:  # fmt: skip
    drained = await make_drained(store)
    assert (await ask(drained, request(body, {"Content-Type": content_type}))).json == {"lines": 1}
    assert await messages(store, destination) == [message]
    assert drained.drain.held_bytes == 0


@ensureDeferred
async def test_deflate_is_taken_with_its_header_and_without(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    drained = await make_drained(store)
    bare = zlib.compressobj(wbits=-15)
    for body in (zlib.compress(b"zlib"), bare.compress(b"bare") + bare.flush()):
        assert (await ask(drained, request(body, {"Content-Encoding": "deflate"}))).status == 200
    both = {"Content-Encoding": "gzip,deflate"}
    assert (await ask(drained, request(zlib.compress(b"either"), both))).status == 200
    assert await messages(store, destination) == ["zlib", "bare", "either"]


@ensureDeferred
async def test_zstd_is_taken_and_other_encodings_are_named_in_the_refusal(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    drained = await make_drained(store)
    for headers in ({"Content-Encoding": "zstd"}, {}):
        assert (await ask(drained, request(zstd.compress(b"packed"), headers))).json == {"lines": 1}
    bomb = zstd.compress(bytes(50_000_000))
    assert (await ask(drained, request(bomb, {"Content-Encoding": "zstd"}))).status == 413
    for body in (b"hello", zstd.compress(b"hello")[:-3]):
        assert (await ask(drained, request(body, {"Content-Encoding": "zstd"}))).status == 400
    response = await ask(drained, request(b"x", {"Content-Encoding": "br"}))
    assert (response.status, response.headers["accept-encoding"]) == (415, "deflate, gzip, zstd")
    assert await messages(store, destination) == ["packed", "packed"]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@ensureDeferred
async def test_who_asks_whether_there_is_a_drain_is_told_and_stores_nothing(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination, method: str
) -> None:
    drained = await make_drained(store)
    client = await drained.connect()
    client.send(head(0, method=method, token=f"{TOKEN}?x-vercel-verify=abc123"))
    await until(lambda: b"\r\n\r\n" in client.received)
    assert client.received.startswith(b"HTTP/1.1 200 ")
    assert b"x-vercel-verify: abc123" in client.received.lower()
    assert (b"POST" in client.received.partition(b"\r\n\r\n")[2]) == (method == "GET")
    assert (await ask(drained, head(0, method="GET", token="u" * 43))).status == 404
    assert await messages(store, destination) == []


@ensureDeferred
async def test_vercels_code_in_the_address_comes_back_with_every_answer(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    drained = await make_drained(store)
    for query, code in (("?x-vercel-verify=a-1", "a-1"), ("?a=b&x-vercel-verify=c", "c"), ("?x-vercel-verify=%0d", "")):
        response = await ask(drained, request(b"[]", {"Content-Type": "application/json"}, token=TOKEN + query))
        assert (response.status, response.json) == (200, {"lines": 0})
        assert response.headers.get("x-vercel-verify", "") == code


@ensureDeferred
async def test_cloudflares_probe_is_answered_and_not_stored(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    body = gzip.compress(b'{"content":"tests"}')
    response = await ask(await make_drained(store), request(body, {"Content-Encoding": "gzip"}))
    assert (response.status, response.json) == (200, {"lines": 0})
    assert await messages(store, destination) == []


@ensureDeferred
async def test_herokus_frame_is_stored_once_however_often_it_is_sent(
    store: PostgresStore, make_shut: MakeShut, destination: Destination
) -> None:
    drained, gated = await make_shut()
    body = b"83 <40>1 2012-11-30T06:45:29+00:00 host app web.3 - State changed from starting to up\n"
    headers = {
        "Content-Type": "application/logplex-1", "Logplex-Msg-Count": "1", "Logplex-Frame-Id": "09C557EA",
    }  # fmt: skip
    first, again = await drained.connect(), await drained.connect()
    first.send(request(body, headers))
    await until(lambda: gated.batches == [1])
    again.send(request(body, headers))
    await until(lambda: drained.drain.under_way == 2)
    gated.open()
    assert [(await answered(client)).json for client in (first, again)] == [{"lines": 1}] * 2
    assert (await ask(drained, request(body, headers))).status == 200
    assert await messages(store, destination) == ["State changed from starting to up"]
    assert (await ask(drained, request(body, {**headers, "Logplex-Frame-Id": "other"}))).status == 200
    assert len(await messages(store, destination)) == 2


@ensureDeferred
async def test_a_big_upload_keeps_its_order(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    drained = await make_drained(store, max_drain_bytes=1_000_000, writer_bytes=200_000)
    sent = [f"line {number} {'x' * 80}" for number in range(9_000)]
    response = await ask(drained, request("\n".join(sent).encode()))
    assert response.json == {"lines": 9_000}
    assert await messages(store, destination) == sent


@ensureDeferred
async def test_the_sender_is_whom_the_proxy_on_this_machine_names(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    forwarded = {"X-Forwarded-For": "203.0.113.9, 2001:db8::7"}
    for behind_proxy, sender_ip in ((True, "2001:db8::7"), (False, "127.0.0.1")):
        drained = await make_drained(store, behind_proxy=behind_proxy)
        assert (await ask(drained, request(b"x", forwarded))).status == 200
        assert (await store.newest(destination.id, 1)).events[0].sender_ip == sender_ip


# What is refused


@pytest.mark.parametrize("token", ["u" * 43, "", "short", TOKEN + "/x", "u" * 43 + "/x", "%00", "x" * 9000, TOKEN[:-1]])
@ensureDeferred
async def test_a_wrong_token_leads_nowhere(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination, token: str
) -> None:
    response = await ask(await make_drained(store), request(b"x", token=token))
    # An address that nothing comes to says nothing of the token before it.
    assert (response.status, response.code) == (404, "not_found" if token.endswith("/x") else "unknown_token")
    assert await messages(store, destination) == []


@ensureDeferred
async def test_a_revoked_token_is_worth_nothing_at_once(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination, dsn: str
) -> None:
    drained = await make_drained(store)
    client = await drained.connect()
    client.send(request(b"before"))
    assert (await answered(client)).status == 200
    execute(dsn, "DELETE FROM drain")
    client.send(request(b"after"))
    assert (await answered(client)).status == 404
    assert await messages(store, destination) == ["before"]


@ensureDeferred
async def test_guessing_is_throttled_and_spares_who_has_a_token(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    drained = await make_drained(store)
    assert (await ask(drained, request(b"x"))).status == 200
    client = await drained.connect()
    statuses = []
    for number in range(30):
        client.send(request(b"x", token=f"guess{number}"))
        response = await answered(client)
        statuses.append(response.status)
    assert set(statuses) == {404, 429}
    assert int(response.headers["retry-after"]) > 0
    assert (await ask(drained, request(b"y"))).status == 200


@ensureDeferred
async def test_what_belongs_to_another_listener_is_said(store: PostgresStore, make_drained: MakeDrained) -> None:
    owner, elsewhere = await store.register("x@example.com", "hash", "UTC", "other", range(9, 10), only_first=False)
    await token_for(store, owner, elsewhere)
    response = await ask(await make_drained(store), request(b"x"))
    assert (response.status, response.code) == (421, "not_served_here")
    assert "does not serve other" in response.json["error"]["message"]


@pytest.mark.parametrize(
    "headers",
    [{"Content-Type": "image/png"}, {"Content-Encoding": "br"}, {"Content-Type": "text/plain; charset=ebcdic"}],
)
@ensureDeferred
async def test_other_types_are_refused(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination, headers: dict[str, str]
) -> None:
    assert (await ask(await make_drained(store), request(b"x", headers))).status == 415


@ensureDeferred
async def test_only_post_is_taken(store: PostgresStore, make_drained: MakeDrained, destination: Destination) -> None:
    drained = await make_drained(store)
    response = await ask(drained, head(0, method="PUT"))
    assert (response.status, response.headers["allow"]) == (405, "GET, HEAD, POST")
    assert (await ask(drained, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")).status == 404
    assert (await ask(drained, b"POST /else HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n123456789")).status == 400


@ensureDeferred
async def test_too_much_is_refused_before_it_is_sent(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    drained = await make_drained(store)
    client = await drained.connect()
    client.send(head(10**12, {"Expect": "100-continue"}))
    response = await answered(client)
    assert (response.status, response.code, response.headers["connection"]) == (413, "too_large", "close")
    client.send(b"x" * 10_000)
    client.send(b"x" * 2_000_000)
    await client.gone


@ensureDeferred
async def test_too_much_is_refused_while_it_streams(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    drained = await make_drained(store)
    client = await drained.connect()
    client.send(head(None) + b"20000\r\n" + b"x" * 0x20000)
    assert (await answered(client)).status == 413
    client.send(b"\r\n20000\r\n" + b"x" * 0x20000 + b"\r\n0\r\n\r\n")
    await client.gone
    bomb = gzip.compress(bytes(50_000_000))
    assert (await ask(drained, request(bomb, {"Content-Encoding": "gzip"}))).status == 413
    assert drained.drain.under_way == 0
    assert await messages(store, destination) == []


@ensureDeferred
async def test_others_have_turns_while_a_body_is_unpacked(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work_turns, "WORK_SECONDS", 0.0)
    monkeypatch.setattr(packed, "_STEP_BYTES", 4096)
    drained = await make_drained(store, max_drain_bytes=4 << 20, queue_bytes=1 << 25)
    turns, at = 0, []
    step = packed.Body.step

    def count() -> None:
        nonlocal turns
        turns += 1

    def noted(body: packed.Body) -> None:
        at.append(turns)
        step(body)

    monkeypatch.setattr(packed.Body, "step", noted)
    counting = LoopingCall(count)
    counting.start(0)
    body = gzip.compress(b"x" * (1 << 20))
    response = await ask(drained, request(body, {"Content-Type": "text/plain", "Content-Encoding": "gzip"}))
    counting.stop()
    assert response.status == 200
    assert len(set(at)) >= (1 << 20) / 4096


@ensureDeferred
async def test_bytes_that_are_no_gzip_are_refused(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    drained = await make_drained(store)
    for body in (b"hello", gzip.compress(b"hello")[:-3]):
        assert (await ask(drained, request(body, {"Content-Encoding": "gzip"}))).status == 400


@ensureDeferred
async def test_a_client_that_asks_is_told_to_go_on_once_it_is_welcome(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    client = await (await make_drained(store)).connect()
    client.send(head(5, {"Expect": "100-continue"}))
    await until(lambda: client.received)
    assert client.received == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.received = b""
    client.send(b"hello")
    assert (await answered(client)).status == 200


@ensureDeferred
async def test_a_body_that_does_not_come_is_not_waited_for(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    drained = await make_drained(store)

    class Impatient(drained.site.requestFactory):
        body_seconds = 0.2

    drained.site.requestFactory = Impatient
    client = await drained.connect()
    client.send(head(1000) + b"some")
    assert (await answered(client)).status == 408
    assert drained.drain.under_way == 0
    assert (await ask(drained, request(b"x"))).status == 200


# Limits


@ensureDeferred
async def test_a_destination_has_so_many_uploads_under_way_and_the_next_waits(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    drained = await make_drained(store)
    slow = [await drained.connect() for _ in range(4)]
    for client in slow:
        client.send(head(70_000, {"Expect": "100-continue"}))
        await until(lambda client=client: client.received)
        client.received = b""
    late = await drained.connect()
    late.send(request(b"x"))
    await until(lambda: drained.drain.under_way == 5)
    for _ in range(20):
        await store.last_ids()
    assert not late.received
    slow[0].transport.abortConnection()
    assert (await answered(late)).status == 200
    await until(lambda: drained.drain.under_way == 3)
    slow[1].send(b"y" * 70_000)
    assert (await answered(slow[1])).status == 200


@pytest.mark.usefixtures("impatient_clients")
@ensureDeferred
async def test_an_upload_that_waited_for_long_is_refused(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    drained = await make_drained(store, max_drain_requests=1)
    first, second = await drained.connect(), await drained.connect()
    first.send(head(10) + b"x")
    await until(lambda: drained.drain.held_bytes)
    second.send(request(b"y"))
    response = await answered(second)
    assert (response.status, response.headers["retry-after"]) == (429, "1")


@ensureDeferred
async def test_uploads_come_so_often_that_they_wait(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    drained = await make_drained(store, max_drain_requests_per_second=5)
    client = await drained.connect()
    for _ in range(53):
        client.send(request(b"x"))
        # Fifty may come at once; the others wait for their turn.
        assert (await answered(client)).status == 200


@ensureDeferred
async def test_all_bodies_together_are_bounded(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    drained = await make_drained(store, queue_bytes=150_000)
    first, second = await drained.connect(), await drained.connect()
    first.send(head(100_000) + b"x" * 90_000)
    await until(lambda: drained.drain.held_bytes == 90_000)
    second.send(request(b"x" * 90_000))
    await until(lambda: drained.drain.under_way == 2)
    for _ in range(20):
        await store.last_ids()
    assert drained.drain.held_bytes == 90_000
    first.send(b"x" * 10_000)
    assert (await answered(first)).status == 200
    assert (await answered(second)).status == 200, "it waited until there was room"
    assert drained.drain.held_bytes == 0


@ensureDeferred
async def test_bodies_of_unknown_length_that_become_too_many_are_refused(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    drained = await make_drained(store, queue_bytes=150_000)
    first, second = await drained.connect(), await drained.connect()
    for client in (first, second):
        client.send(head(None, {"Expect": "100-continue"}))
        await until(lambda client=client: client.received)
        client.received = b""
    chunk = b"15f90\r\n" + b"x" * 90_000 + b"\r\n"
    first.send(chunk)
    await until(lambda: drained.drain.held_bytes == 90_000)
    second.send(chunk)
    assert (await answered(second)).status == 429
    first.send(b"0\r\n\r\n")
    assert (await answered(first)).status == 200


@ensureDeferred
async def test_while_lines_wait_for_the_database_uploads_wait_too(
    store: PostgresStore, make_shut: MakeShut, destination: Destination
) -> None:
    drained, gated = await make_shut(writer_bytes=65_536)
    first, second = await held_up(drained, gated, request(b"x\n" * 200), request(b"y"))
    for _ in range(20):
        await store.last_ids()
    assert not second.received
    gated.open()
    assert (await answered(first)).json == {"lines": 200}
    assert (await answered(second)).status == 200


# Faults


@pytest.mark.usefixtures("impatient_clients")
@ensureDeferred
async def test_without_the_database_nothing_is_taken(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    response = await ask(await make_drained(Away(store)), request(b"x"))
    assert (response.status, response.code, response.headers["retry-after"]) == (503, "unavailable", "5")


class Missed(GatedStore):
    """A store that cannot look a token up while ``left`` is above 0, which each try makes less."""

    left = 0

    async def drained(self, hashed: bytes) -> Destination | None:
        if self.left > 0:
            self.left -= 1
            raise StoreUnavailable("PostgreSQL cannot be reached.")
        return await self._store.drained(hashed)


@pytest.mark.parametrize("kind", [LOKI_JSON, HEC_EVENTS, OTLP_JSON, GELF, ELASTICSEARCH_BULK, JOURNAL, FIREHOSE])
def test_clients_of_every_protocol_wait_for_the_database_to_come_back(kind: BodyKind) -> None:
    assert kind.patience >= 5


@ensureDeferred
async def test_an_upload_waits_for_a_database_that_soon_comes_back(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    missed = Missed(store)
    missed.left = 1
    drained = await make_drained(missed)
    assert (await ask(drained, request(b"x"))).status == 200
    missed.left = 1
    assert (await ask(drained, head(0, method="GET"))).status == 200
    assert await messages(store, destination) == ["x"]


@ensureDeferred
async def test_a_stop_does_not_wait_for_the_database(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    missed = Missed(store)
    missed.left = 1_000_000
    drained = await make_drained(missed)
    client = await drained.connect()
    client.send(request(b"x"))
    await until(lambda: missed.left < 1_000_000)
    await drained.service.stopService()
    assert (await answered(client)).status == 503
    assert drained.drain.under_way == 0


@ensureDeferred
async def test_a_token_that_could_not_be_looked_up_was_no_wrong_one(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination, monkeypatch: pytest.MonkeyPatch
) -> None:
    def at_once(header: Callable[[str], str], kinds: Sequence[BodyKind]) -> BodyKind | None:
        kind = upload_kind(header, kinds)
        return kind and attrs.evolve(kind, patience=0)

    monkeypatch.setattr(upload, "upload_kind", at_once)
    missed = Missed(store)
    missed.left = 200
    drained = await make_drained(missed)
    while missed.left:
        assert (await ask(drained, request(b"x"))).status == 503
    assert (await ask(drained, request(b"x"))).status == 200


@ensureDeferred
async def test_a_commit_that_fails_is_tried_again_and_answered_then(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination, nothing_left_behind: list[str]
) -> None:
    gated = GatedStore(store)
    drained = await make_drained(gated)
    gated.errors.append(StoreUnavailable("PostgreSQL went away."))
    assert (await ask(drained, request(b"x"))).status == 200
    assert await messages(store, destination) == ["x"]
    nothing_left_behind.clear()


@ensureDeferred
async def test_a_client_that_goes_in_the_middle_leaves_nothing(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    drained = await make_drained(store)
    client = await drained.connect()
    client.send(head(1000) + b"half a body\n")
    await until(lambda: drained.drain.held_bytes)
    client.transport.abortConnection()
    await until(lambda: not drained.drain.under_way)
    assert drained.drain.held_bytes == 0
    assert await messages(store, destination) == []


@ensureDeferred
async def test_what_a_client_that_goes_had_sent_is_stored(
    store: PostgresStore, make_shut: MakeShut, destination: Destination
) -> None:
    drained, gated = await make_shut()
    client = await drained.connect()
    client.send(request(b"whole"))
    await until(lambda: gated.batches)
    client.transport.abortConnection()
    await client.gone
    assert drained.drain.under_way == 1, "it counts until its commit"
    gated.open()
    await until(lambda: not drained.drain.under_way)
    assert await messages(store, destination) == ["whole"]


@ensureDeferred
async def test_a_stop_answers_what_was_taken_and_refuses_the_rest(
    store: PostgresStore, make_shut: MakeShut, destination: Destination
) -> None:
    drained, gated = await make_shut()
    taken, half, idle = [await drained.connect() for _ in range(3)]
    taken.send(request(b"taken"))
    half.send(head(70_000) + b"half")
    await until(lambda: gated.batches and drained.drain.held_bytes)
    stopping = drained.service.stopService()
    assert (await answered(half)).status == 503
    idle.send(request(b"late"))
    response = await answered(idle)
    assert (response.status, response.headers["connection"]) == (503, "close")
    assert not taken.received
    assert not stopping.called
    gated.open()
    await stopping
    assert (await answered(taken)).json == {"lines": 1}
    await until(lambda: taken.is_gone and idle.is_gone)
    assert await messages(store, destination) == ["taken"]


@ensureDeferred
async def test_a_stop_during_a_big_upload_stores_all_of_it_before_it_is_answered(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    drained = await make_drained(store, max_drain_bytes=1_000_000)
    client = await drained.connect()
    client.send(request(b"x" * 99 + b"\n" + (b"y" * 99 + b"\n") * 8_999))
    await until(lambda: drained.writer.waiting_events)
    await drained.service.stopService()
    assert (await answered(client)).json == {"lines": 9_000}
    assert len(await messages(store, destination)) == 9_000


# The secret


@ensureDeferred
async def test_the_access_log_has_no_token(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    drained = await make_drained(store)
    log = io.StringIO()
    drained.site.logFile = log
    client = await drained.connect()
    client.send(request(b"x", {"Referer": f"https://h/logs/{TOKEN}"}))
    assert (await answered(client)).status == 200
    client.send(request(b"x", {"Referer": f"https://h/logs/{TOKEN}"}, token=f"{TOKEN[:-1]}?a=b"))
    assert TOKEN[:-1].encode() not in (await answered(client)).body
    client.send(f"POST //logs/{TOKEN} HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n".encode())
    await answered(client)
    client.send(f"POST http://h/logs/{TOKEN} HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n".encode())
    await answered(client)
    written = log.getvalue()
    # Senders upload many times a second: what was stored has no line.
    assert written.count("POST /logs/... HTTP/1.1") == written.count(" 404 ") == 2, written
    assert '"/logs/..."' in written
    assert TOKEN[:20] not in written


@ensureDeferred
async def test_any_bytes_at_all_leave_the_drain_as_it_was(
    store: PostgresStore, make_drained: MakeDrained, destination: Destination
) -> None:
    drained = await make_drained(store)
    for data in (
        b"\x16\x03\x01" + bytes(50) + b"\r\n\r\n",
        head(None) + b"zz\r\n",
        b"POST /logs/ HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /logs/\xff\xfe HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        head(5, {"Transfer-Encoding": "chunked"}) + b"hello",
    ):
        client = await drained.connect()
        client.send(data)
        gone: Deferred[None] = client.gone
        await gone
    assert (await ask(drained, request(b"x"))).status == 200
    assert drained.drain.under_way == 0
    assert await messages(store, destination) == ["x"]
