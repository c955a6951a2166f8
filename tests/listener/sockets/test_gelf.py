"""GELF on a destination's port: over TCP, and over UDP compressed and in chunks."""

from __future__ import annotations

import json
import socket
import zlib
from typing import Any

import pytest_twisted

from tests.listener.conftest import MakeDestination, MakeReceiving
from tests.listener.receiving import messages, send
from tests.listener.sockets.test_udp import count, opened
from tests.sources.test_gelf_datagrams import chunk, in_chunks
from tests.waiting import until


def gelf(text: str, **more: Any) -> bytes:
    return json.dumps({"version": "1.1", "host": "web1", "short_message": text, "level": 3, **more}).encode()


@pytest_twisted.ensureDeferred
async def test_messages_over_tcp_end_with_nul_or_lf(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    receiving = await make_receiving(store)
    destination = await opened(receiving, make_destination)
    await send(destination.port, gelf("one") + b"\0" + gelf("two", full_message="a\nb") + b"\0")
    await send(destination.port, gelf("three") + b"\n" + gelf("four", _user=7) + b"\n")
    await until(lambda: count(receiving) == 4, "every message")
    assert sorted(await messages(store, destination)) == ["four", "one", "three", "two\na\nb"]
    events = (await store.newest(destination.id, 4)).events
    assert {(each.hostname, each.severity) for each in events} == {("web1", 3)}
    assert {each.structured_data for each in events} == {"", '{"user":7}'}


@pytest_twisted.ensureDeferred
async def test_datagrams_are_unpacked_and_chunks_put_together(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    receiving = await make_receiving(store, max_line_bytes=10_000)
    destination = await opened(receiving, make_destination)
    long = gelf("long " + "".join(chr(0x4E00 + number) for number in range(900)))
    datagrams = [
        gelf("plain"),
        zlib.compress(gelf("zlib")),
        chunk(1, 0, 1, zlib.compress(gelf("one chunk"))),
        *in_chunks(zlib.compress(long), 500, 2),
        *reversed(in_chunks(gelf("not compressed " * 50), 100, 3)),
        b"xylophone",
        b"\x1e\x0fshort",
        zlib.compress(b"x" * 5_000_000),
    ]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for data in datagrams:
            sender.sendto(data, ("127.0.0.1", destination.port))
    await until(lambda: count(receiving) >= 8, "every message")
    found = await messages(store, destination)
    assert [text[:14] for text in found[:3]] == ["plain", "zlib", "one chunk"]
    assert found[3].startswith("long 一丁")
    assert found[4] == "not compressed " * 50
    assert found[5:7] == ["xylophone", "\x1e\x0fshort"]
    assert found[7].endswith("[cut by Ppl at 10000 bytes]")


@pytest_twisted.ensureDeferred
async def test_what_is_unpacked_counts_in_the_queue(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    receiving = await make_receiving(store, max_line_bytes=100_000)
    destination = await opened(receiving, make_destination)
    taken: list[int] = []
    submit = receiving.writer.submit

    def noted(*args: Any) -> None:
        taken.append(args[3])
        submit(*args)

    receiving.writer.submit = noted  # type: ignore[method-assign]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(zlib.compress(b"x" * 90_000), ("127.0.0.1", destination.port))
    await until(lambda: count(receiving) == 1, "the message")
    assert max(taken) == 90_000


@pytest_twisted.ensureDeferred
async def test_a_port_that_closes_forgets_its_chunks_and_says_what_is_lost(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    receiving = await make_receiving(store)
    destination = await opened(receiving, make_destination)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(in_chunks(gelf("never whole"), 50)[0], ("127.0.0.1", destination.port))
        await until(lambda: receiving.intake.chunk_room.holders == 1, "the chunk")
    await receiving.ports.close(destination)
    assert receiving.intake.chunk_room.holders == 0
    assert await messages(store, destination) == []
