"""One message or several of a datagram."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppl.sources.datagrams import MOST_LINES_OF_DATAGRAM, datagram_messages
from ppl.sources.framing import CUT_MARK


@pytest.mark.parametrize(
    ("datagram", "messages"),
    [
        (b"<13>one", [b"<13>one"]),
        (b"<13>one\n", [b"<13>one"]),
        (b"<13>one\0", [b"<13>one"]),
        (b"\xef\xbb\xbf<13>one\r\n\0", [b"<13>one"]),
        (b"\0\n<13>one", [b"<13>one"]),
        (b"one", [b"one"]),
        (b"", []),
        (b"\0", []),
        (b"\xef\xbb\xbf", []),
        # With a PRI a datagram is one message, though it has line breaks.
        (b"<13>one\n  at x <b>y</b>\n\n  at z", [b"<13>one\n  at x <b>y</b>\n\n  at z"]),
        (b"<13>one\n<14>two\r\n<15>three\n", [b"<13>one", b"<14>two", b"<15>three"]),
        (b"<13>one\n at x\n<14>two", [b"<13>one\n at x", b"<14>two"]),
        (
            b"<13>Nov 30 01:00:27 h one<13>Nov 30 01:00:28 h two",
            [b"<13>Nov 30 01:00:27 h one", b"<13>Nov 30 01:00:28 h two"],
        ),
        (b"<13>got '<13>Nov 30 01:00:27 x' and <14>y", [b"<13>got '<13>Nov 30 01:00:27 x' and <14>y"]),
        # Without one it is lines, as squid fills datagrams.
        (b"1.0 GET /a\n2.0 GET /b\n\n3.0 GET /c\r\n", [b"1.0 GET /a", b"2.0 GET /b", b"3.0 GET /c"]),
        (b"one\n<13>two", [b"one", b"<13>two"]),
        # Or one JSON object.
        (b'{"a": {\n "b": 1\n}}\n', [b'{"a": {\n "b": 1\n}}']),
        (b'{"a": 1}\n{"b": 2}\n', [b'{"a": 1}', b'{"b": 2}']),
        (b"{one\ntwo}", [b"{one", b"two}"]),
    ],
)
def test_a_datagram_gives_its_messages(datagram: bytes, messages: list[bytes]) -> None:
    assert datagram_messages(datagram, 1000) == messages


def test_each_message_is_cut_at_the_limit() -> None:
    mark = CUT_MARK.format(10).encode()
    assert datagram_messages(b"x" * 11 + b"\n" + b"y" * 10, 10) == [b"x" * 10 + mark, b"y" * 10]


@pytest.mark.parametrize("part", [b"x\n", b"<1>\n"])
def test_only_so_many_lines_are_split_and_the_rest_is_kept_together(part: bytes) -> None:
    messages = datagram_messages(part * 16_000, 100_000)
    assert len(messages) == MOST_LINES_OF_DATAGRAM
    assert b"\n".join(messages) == (part * 16_000).rstrip(b"\n")


def test_json_that_is_too_deep_is_lines() -> None:
    datagram = b'{"a":\n' + b"[" * 20_000 + b"}"
    assert datagram_messages(datagram, 100_000) == datagram.split(b"\n")


@given(st.lists(st.sampled_from([b"<13>", b"\n", b"\r", b"\0", b"x", b"Nov 30 01:00:27 ", b"{", b"}"])).map(b"".join))
def test_no_byte_is_lost(datagram: bytes) -> None:
    found = b"".join(datagram_messages(datagram, 1000))
    assert found.translate(None, b"\r\n\0") == datagram.translate(None, b"\r\n\0")
