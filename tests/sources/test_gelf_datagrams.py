"""Datagrams of GELF: compressed ones, and messages in chunks within bounds."""

from __future__ import annotations

import gzip
import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppl.sources.gelf_datagrams import CHUNK_SECONDS, PACKED, ChunkRoom, Chunks, unzipped

A, B = "192.0.2.1", "192.0.2.2"


def chunk(identity: int, number: int, count: int, data: bytes) -> bytes:
    return b"\x1e\x0f" + identity.to_bytes(8) + bytes((number, count)) + data


def in_chunks(data: bytes, size: int, identity: int = 7) -> list[bytes]:
    parts = [data[start : start + size] for start in range(0, len(data), size)]
    return [chunk(identity, number, len(parts), part) for number, part in enumerate(parts)]


def take(chunks: Chunks, datagrams: list[bytes], sender: str = A, now: float = 0.0) -> list[bytes]:
    return [text for each in datagrams if (text := chunks.take(sender, each, now))]


@pytest.mark.parametrize("level", range(1, 10))
def test_a_compressed_datagram_is_unpacked(level: int) -> None:
    for packed in (zlib.compress(b"hello", level), gzip.compress(b"hello", level)):
        assert packed[0] in PACKED
        assert unzipped(packed, 100) == b"hello"


@pytest.mark.parametrize("text", [b"", b"x", b"x^2 + y^2 = z^2", b"x\x9c", b"\x1f\x8b\x08", b"xylophone", b"x\x01\x00"])
def test_a_text_that_begins_like_one_stays(text: bytes) -> None:
    assert unzipped(text, 100) == text


def test_a_bomb_gives_one_byte_more_than_it_may() -> None:
    for bomb in (zlib.compress(bytes(10_000_000)), gzip.compress(bytes(10_000_000))):
        assert len(bomb) < 65_536
        assert unzipped(bomb, 1000) == bytes(1001)


@given(st.binary(min_size=1, max_size=300), st.integers(3, 100), st.randoms(use_true_random=False))
def test_chunks_in_any_order_with_repeated_ones_are_one_message(data: bytes, size: int, order: random.Random) -> None:
    chunks = Chunks(ChunkRoom())
    datagrams = in_chunks(data, size)
    datagrams += order.choices(datagrams, k=3)
    order.shuffle(datagrams)
    assert take(chunks, datagrams) == [data]
    assert chunks.held == chunks.lost == 0
    chunks.expire(CHUNK_SECONDS)
    assert chunks.is_empty


def test_one_chunk_of_one_is_a_message_and_its_repetition_none() -> None:
    chunks = Chunks(ChunkRoom())
    assert take(chunks, [chunk(1, 0, 1, b"whole"), chunk(1, 0, 1, b"whole")]) == [b"whole"]


def test_senders_and_ids_are_told_apart() -> None:
    chunks = Chunks(ChunkRoom())
    ours, others, mine = in_chunks(b"ours!", 3, 1), in_chunks(b"other", 3, 1), in_chunks(b"mine!", 3, 2)
    assert chunks.take(A, ours[0], 0) == chunks.take(B, others[0], 0) == chunks.take(A, mine[0], 0) == b""
    assert chunks.take(A, ours[1], 0) == b"ours!"
    assert chunks.take(B, others[1], 0) == b"other"
    assert chunks.take(A, mine[1], 0) == b"mine!"


@pytest.mark.parametrize(
    "datagram",
    [b"", b"\x1e", b"\x1e\x0fshort", chunk(1, 0, 0, b"x"), chunk(1, 2, 2, b"x"), chunk(1, 0, 129, b"x"), b"<13>x" * 9],
)
def test_what_is_no_chunk_is_a_message(datagram: bytes) -> None:
    chunks = Chunks(ChunkRoom())
    assert chunks.take(A, datagram, 0) == datagram
    assert chunks.is_empty


def test_a_message_whose_chunks_do_not_come_in_time_is_given_up() -> None:
    chunks = Chunks(ChunkRoom())
    first, second = in_chunks(b"hello", 3)
    assert take(chunks, [first]) == []
    assert take(chunks, [second], now=CHUNK_SECONDS) == [], "the first is forgotten"
    assert chunks.lost == 1
    chunks.expire(2 * CHUNK_SECONDS)
    assert (chunks.lost, chunks.held, chunks.is_empty) == (2, 0, True)


def test_a_sender_that_fills_the_memory_loses_its_own_messages() -> None:
    room = ChunkRoom()
    chunks = Chunks(room)
    first, second = in_chunks(b"hello", 3)
    assert chunks.take(B, first, 0) == b""
    for identity in range(2000):
        assert chunks.take(A, chunk(identity, 0, 128, b"x" * 60_000), 0) == b""
        assert chunks.held <= room.part
    assert chunks.lost > 1900
    assert chunks.take(B, second, 0) == b"hello"
    lost = chunks.lost
    # Very many small ones fill it too.
    assert chunks.take(B, in_chunks(b"again", 3, 8)[0], 0) == b""
    for identity in range(5000):
        chunks.take(A, chunk(identity, 0, 2, b""), 0)
        assert chunks.held <= room.part
    assert chunks.lost > lost
    assert chunks.take(B, in_chunks(b"again", 3, 8)[1], 0) == b"again"


def test_destinations_have_equal_parts() -> None:
    room = ChunkRoom()
    tables = [Chunks(room) for _ in range(100)]
    for table in tables:
        for identity in range(100):
            table.take(A, chunk(identity, 0, 2, b"x" * 60_000), 0)
    assert room.holders == 100
    # Parts become smaller as others begin; those that have begun keep theirs for five seconds at most.
    assert sum(table.held for table in tables) < 64 * 2**20 * 6
    for table in tables:
        table.take(A, chunk(1000, 0, 2, b"x"), 0)
    assert sum(table.held for table in tables) <= 64 * 2**20
    for table in tables:
        table.clear()
    assert (room.holders, sum(table.held for table in tables)) == (0, 0)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([A, B]),
            st.integers(0, 3),
            st.integers(0, 4),
            st.integers(0, 4),
            st.binary(max_size=5),
            st.floats(0, 2),
        ),
        max_size=30,
    )
)
def test_any_chunks_leave_nothing_behind(sent: list[tuple[str, int, int, int, bytes, float]]) -> None:
    room = ChunkRoom()
    chunks = Chunks(room)
    now = 0.0
    for sender, identity, number, count, data, more in sent:
        now += more
        chunks.take(sender, chunk(identity, number, count, data), now)
        assert chunks.held >= 0
    chunks.expire(now + CHUNK_SECONDS)
    assert (chunks.held, chunks.is_empty, room.holders) == (0, True, 0)
