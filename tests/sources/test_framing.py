"""Both framings of RFC 6587, detected for each connection, whatever the pieces in which bytes arrive."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ppl.sources.framing import CUT_MARK, Framer, Frames


def lines_of(frames: Frames) -> list[bytes]:
    """The lines of ``frames`` without their trailers; empty lines are left out."""
    lines = [line.rstrip(b"\r\0") for line in frames.block.split(b"\n")] + list(frames.messages)
    return [line for line in lines if line]


def framed(data: bytes, limit: int = 1000, step: int | None = None) -> list[bytes]:
    """The lines of a connection that sends ``data`` in pieces of ``step`` and ends."""
    framer = Framer(limit)
    found = []
    for start in range(0, len(data), step or max(1, len(data))):
        found += lines_of(framer.feed(data[start : start + step] if step else data))
    return found + lines_of(framer.finish())


@pytest.mark.parametrize("step", [None, 1, 2, 3, 7])
@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"one\ntwo\n", [b"one", b"two"]),
        (b"one\r\ntwo\r\n", [b"one", b"two"]),
        (b"one\0\ntwo\0\n", [b"one", b"two"]),
        (b"\n\none\n\n", [b"one"]),
        (b"one\ntwo", [b"one", b"two"]),
        (b"7 <13>one7 <13>two", [b"<13>one", b"<13>two"]),
        (b"8 <13>one\n8 <13>two\n", [b"<13>one", b"<13>two"]),
        (b"7 <13>one\n7 <13>two\n", [b"<13>one", b"<13>two"]),
        (b"10 <13>a\nb\ncd7 <13>two", [b"<13>a\nb\ncd", b"<13>two"]),
        (b"12 monkeys\n13 <- an arrow\n", [b"12 monkeys", b"13 <- an arrow"]),
        (b"007 <13>one\n", [b"007 <13>one"]),
        (b"12", [b"12"]),
        (b"7 <13>one7 <13", [b"<13>one", b"<13"]),
        (b"7 <13>onegarbage here\n7 <13>two", [b"<13>one", b"garbage here", b"<13>two"]),
        (b"7 <13>one<14>no count\n<15>nor here\n7 <13>two", [b"<13>one", b"<14>no count", b"<15>nor here", b"<13>two"]),
        (b"7 <13>one12", [b"<13>one", b"12"]),
    ],
)
def test_a_connection_gives_its_lines(data: bytes, lines: list[bytes], step: int | None) -> None:
    assert framed(data, step=step) == lines


@pytest.mark.parametrize("step", [None, 1, 10, 99, 100, 101, 150])
def test_a_line_beyond_the_limit_is_cut_and_marked(step: int | None) -> None:
    mark = CUT_MARK.format(100).encode()
    data = b"a" * 100 + b"\n" + b"b" * 101 + b"\n" + b"c" * 5000 + b"\nshort\n" + b"d" * 200
    assert framed(data, 100, step) == [b"a" * 100, b"b" * 100 + mark, b"c" * 100 + mark, b"short", b"d" * 100 + mark]


@pytest.mark.parametrize("step", [None, 1, 7, 150])
def test_a_counted_message_beyond_the_limit_is_cut_and_marked(step: int | None) -> None:
    mark = CUT_MARK.format(100).encode()
    data = b"5004 <13>" + b"x" * 5000 + b"7 <13>two"
    assert framed(data, 100, step) == [b"<13>" + b"x" * 96 + mark, b"<13>two"]


@pytest.mark.parametrize("character", ["é", "€", "🎉"])
def test_a_cut_never_halves_a_character(character: str) -> None:
    for length in range(96, 101):
        (line,) = framed(b"a" * length + character.encode() * 40 + b"\n", 100)
        line.decode("utf-8")


def test_memory_is_bounded_whatever_comes_without_a_newline() -> None:
    for start in (b"", b"999999999 <"):
        framer = Framer(1000)
        framer.feed(start)
        for _ in range(1000):
            assert lines_of(framer.feed(b"x" * 1000)) == []
        assert framer.held <= 1000


def test_an_octet_count_of_a_gigabyte_buffers_nothing_and_ends_with_the_connection() -> None:
    framer = Framer(100)
    assert framer.feed(b"999999999 <13>" + b"x" * 1000) == Frames()
    (line,) = lines_of(framer.finish())
    assert line.startswith(b"<13>xxx")
    assert line.endswith(b"bytes]")


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=20),
            st.sampled_from([b"\n", b"\r\n", b"7 <13>one", b"<13>1 - h a - - - x\n", b"12 ", b"3 <a>", b"\0"]),
        ),
        max_size=12,
    ).map(b"".join),
    st.lists(st.integers(1, 9), min_size=1, max_size=20),
)
def test_the_same_bytes_in_any_pieces_are_the_same_lines(data: bytes, sizes: list[int]) -> None:
    framer = Framer(30)
    found, start, index = [], 0, 0
    while start < len(data):
        size = sizes[index % len(sizes)]
        found += lines_of(framer.feed(data[start : start + size]))
        start, index = start + size, index + 1
    assert found + lines_of(framer.finish()) == framed(data, 30)
