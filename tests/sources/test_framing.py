"""Both framings of RFC 6587, detected for each connection, whatever the pieces in which bytes arrive."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ppl.sources.first_line import Patience
from ppl.sources.framing import CUT_MARK, LOOKAHEAD, Framer, Frames


def lines_of(frames: Frames) -> list[bytes]:
    """The lines of ``frames`` without their trailers; empty lines are left out."""
    assert not (frames.block and frames.messages)
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
        (b"007 <13>one\n", [b"<13>one"]),
        (b"200 <b>OK</b>\n7 <ul>", [b"200 <b>OK</b>", b"7 <ul>"]),
        (b"12", [b"12"]),
        (b"7 <13>one7 <13", [b"<13>one", b"<13"]),
        (b"7 <13>onegarbage here\n7 <13>two", [b"<13>one", b"garbage here", b"<13>two"]),
        (b"7 <13>one<14>no count\n<15>nor here\n7 <13>two", [b"<13>one", b"<14>no count", b"<15>nor here", b"<13>two"]),
        (b"7 <13>one12", [b"<13>one", b"12"]),
        # A byte order mark.
        (b"\xef\xbb\xbf<13>one\ntwo\n", [b"<13>one", b"two"]),
        (b"\xef\xbb\xbf7 <13>one7 <13>two", [b"<13>one", b"<13>two"]),
        (b"\xef\xbb\xbf", []),
        (b"\xef\xbb", [b"\xef\xbb"]),
        (b"\xef\xbb\n", [b"\xef\xbb"]),
        # NUL, as Python's SysLogHandler, GELF and rsyslog's TCP_FrameDelimiter="0" have it.
        (b"<11>one\0<12>two\0<13>three\0", [b"<11>one", b"<12>two", b"<13>three"]),
        (b"<11>one", [b"<11>one"]),
        (b"<11>one\0", [b"<11>one"]),
        (b"<11>one\0<1", [b"<11>one", b"<1"]),
        (b"<11>one\0<12>two", [b"<11>one", b"<12>two"]),
        (b'{"a":1}\0{"a":2}\0', [b'{"a":1}', b'{"a":2}']),
        (b"<11>one\0<12>two\n at x\n at y\0\0<13>three\0", [b"<11>one", b"<12>two\n at x\n at y", b"<13>three"]),
        # The first message holds LF before NUL has shown anything.
        (b"<11>app: failed\nTraceback\n  1 / 0\0<12>two\0", [b"<11>app: failed\nTraceback\n  1 / 0", b"<12>two"]),
        (b"<11>app: failed\nTraceback\n  1 / 0\0", [b"<11>app: failed\nTraceback\n  1 / 0"]),
        # LF ends a line with a header at once; the NUL after the last line still shows itself.
        (
            b"<11>Nov 30 01:00:27 h app: x\n  1 / 0\0<11>Nov 30 01:00:28 h app: y\n  2 / 0\0",
            [b"<11>Nov 30 01:00:27 h app: x", b"  1 / 0", b"<11>Nov 30 01:00:28 h app: y\n  2 / 0"],
        ),
        (b"<11>one\nmore\n<12>two\n", [b"<11>one", b"more", b"<12>two"]),
        (b"<11>one\nmore\n12 <12>counted.7 <13>six", [b"<11>one", b"more", b"<12>counted.", b"<13>six"]),
        # A peer of NULs that goes over to LF.
        (b"<11>one\0<12>two\n<13>three\n<14>four\n", [b"<11>one", b"<12>two", b"<13>three", b"<14>four"]),
        # LF and NUL together, in either order, as Perl's Sys::Syslog and others have them.
        (b"<11>one\n\0<12>two\n\0", [b"<11>one", b"<12>two"]),
        (b"<11>one\0\n<12>two\0\n", [b"<11>one", b"<12>two"]),
        (b'{"a":1}\0\n{"a":2}\0\n', [b'{"a":1}', b'{"a":2}']),
        (b"<11>one\r\n\0<12>two\r\n\0", [b"<11>one", b"<12>two"]),
        # NUL amid text.
        (b"<13>one\0two\n<13>\0three\n", [b"<13>one\0two", b"<13>\0three"]),
        (b"one\0two\0{three\n", [b"one\0two\0{three"]),
        (b"one\n<13>x\0two\n", [b"one", b"<13>x\0two"]),
        # An LF connection that goes over to counting.
        (b"<13>one\n7 <13>two9 <13>three", [b"<13>one", b"<13>two", b"<13>three"]),
        (b"one\n7 tales\n7 <13>two7 <14>six", [b"one", b"7 tales", b"<13>two", b"<14>six"]),
        (b"021 <13>with a zero......7 <13>two", [b"<13>with a zero......", b"<13>two"]),
        # Out of step: characters were counted, not octets.
        (
            "14 <13>wörld zwei14 <13>wörld drei7 <13>six".encode(),
            ["<13>wörld zwe".encode(), b"i", "<13>wörld dre".encode(), b"i", b"<13>six"],
        ),
        (b"9 <13>world 1" + b"7 <11>six7 <11>ten", [b"<13>world", b" ", b"1", b"<11>six", b"<11>ten"]),
        (b"8 <13>byte1" + b"9 <11>world" + b"7 <11>six", [b"<13>byte", b"1", b"<11>world", b"<11>six"]),
        (b"7 <13>one12 monkeys7 <13>two5 again7 <13>six", [b"<13>one", b"monkeys7 <13", b">two5 again", b"<13>six"]),
        # No framing at all.
        (
            b"<131>Nov 30 01:00:27 h one<131>Nov  1 01:00:27 h two",
            [b"<131>Nov 30 01:00:27 h one", b"<131>Nov  1 01:00:27 h two"],
        ),
        (
            b"<13>1 2026-11-30T01:00:27Z h - - - - one<13>1 2026-11-30T01:00:27Z h - - - - two",
            [b"<13>1 2026-11-30T01:00:27Z h - - - - one", b"<13>1 2026-11-30T01:00:27Z h - - - - two"],
        ),
        (b"<13>a<13>2026-11-30T01:00:27Z h b", [b"<13>a", b"<13>2026-11-30T01:00:27Z h b"]),
        (b"<13>got '<13>Nov 30 01:00:27 x'", [b"<13>got '<13>Nov 30 01:00:27 x'"]),
        (b"<13>got <13>Nov 30 01:00:27 x<13>y", [b"<13>got <13>Nov 30 01:00:27 x<13>y"]),
        (b"<13>one\ntwo<13>Nov 30 01:00:27 x\n", [b"<13>one", b"two<13>Nov 30 01:00:27 x"]),
        (b"one<13>Nov 30 01:00:27 x", [b"one<13>Nov 30 01:00:27 x"]),
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


# What tells framings apart, and what only looks like it.
SIGNS = [
    b"\n", b"\r\n", b"\0", b"\n\0", b"\0\n", b"7 <13>one", b"17 <13>one", b"009 <13>tw", b"000 <1>", b"12 ",
    b"3 <a>", b"1", b"<13>", b"<1", b"<13>1 2026-11-30T", b"<131>Nov 30 01:00:27 ", b"{", b"}", b"x", b" ", b"'",
    b"\xef\xbb\xbf", b"<13>1 - h a - - - x\n", b"<11>a\nb\0<11>", b"word and another ",
]  # fmt: skip
streams = st.lists(st.one_of(st.sampled_from(SIGNS), st.sampled_from(SIGNS), st.binary(max_size=20)), max_size=14)


@settings(max_examples=2000)
@given(streams.map(b"".join), st.lists(st.integers(1, 9), min_size=1, max_size=20), st.integers(1, 5))
def test_the_same_bytes_in_any_pieces_are_the_same_lines(data: bytes, sizes: list[int], most: int) -> None:
    whole = framed(data, 30)
    for framer in (Framer(30), Framer(30, most)):
        found, start, index = [], 0, 0
        while start < len(data):
            size = sizes[index % len(sizes)]
            found += lines_of(framer.feed(data[start : start + size]))
            start, index = start + size, index + 1
            assert framer.held <= 30 + LOOKAHEAD
            while framer.has_more:
                found += lines_of(framer.feed(b""))
        found += lines_of(framer.finish())
        while framer.has_more:
            found += lines_of(framer.feed(b""))
        assert found == whole


@settings(max_examples=1000)
@given(streams.map(b"".join), st.sampled_from([None, False, True]))
def test_no_byte_is_lost(data: bytes, counted: bool | None) -> None:
    framer = Framer(10_000, counted=counted)
    found = b"".join(lines_of(framer.feed(data)) + lines_of(framer.finish()))
    sent = data.removeprefix(b"\xef\xbb\xbf")
    # Trailers are left out, and counts are where octets are counted.
    left_out = b"\r\n\0" if counted is False else b"\r\n\0 0123456789"
    assert found.translate(None, left_out) == sent.translate(None, left_out)


def test_digits_of_a_message_are_not_lost_in_a_wrong_count() -> None:
    message = "<13>wörld 1"
    data = f"{len(message)} {message}".encode() * 3 + b"7 <13>six7 <13>ten"
    assert framed(data) == ["<13>wörld ".encode(), b"1"] * 3 + [b"<13>six", b"<13>ten"]


@pytest.mark.parametrize(
    ("data", "patience"),
    [
        (b"", Patience.LONG),
        (b"half", Patience.LONG),
        (b"12", Patience.LONG),
        (b"12 <13>half", Patience.LONG),
        (b"<13>Nov 30 01:00:27 h a: x\n<13>half", Patience.LONG),
        (b"<13>one\0<13>two\0<13>half", Patience.LONG),
        (b'{"a":', Patience.LONG),
        (b'{"a":{}}', Patience.QUIET),
        (b'{"a":1}\0', Patience.QUIET),
        (b"<13>maybe whole", Patience.QUIET),
        (b"<13>", Patience.QUIET),
        (b"<13>whole\0", Patience.QUIET),
        (b"one\n<13>whole\0", Patience.QUIET),
        (b"<13>maybe a traceback\n", Patience.SHORT),
        (b"<13>maybe a traceback\n at x", Patience.SHORT),
    ],
)
def test_what_is_probably_whole_waits_for_a_second(data: bytes, patience: Patience) -> None:
    framer = Framer(1000)
    framer.feed(data)
    assert framer.patience is patience


def test_after_a_second_the_end_of_what_has_come_shows_the_framing_too() -> None:
    framer = Framer(1000)
    assert framer.feed(b"<11>one\0") == Frames()
    assert lines_of(framer.flush()) == [b"<11>one"]
    assert framer.held == 0
    assert framer.feed(b"<11>two\n at x\0").messages == (b"<11>two\n at x",)
    framer = Framer(1000)
    assert framer.feed(b"<11>one\nmore") == Frames()
    assert lines_of(framer.flush()) == [b"<11>one", b"more"]
    assert lines_of(framer.feed(b"<11>two\nmore\n")) == [b"<11>two", b"more"]


def test_lines_that_wait_for_a_nul_are_bounded_by_the_longest_line_and_done_in_parts() -> None:
    framer = Framer(1000, 100)
    assert framer.feed(b"<13>one\n" + b"x\n" * 490) == Frames()
    found = [lines_of(framer.feed(b"x\n" * 300))]
    while framer.has_more:
        found.append(lines_of(framer.feed(b"")))
    assert [line for lines in found for line in lines] == [b"<13>one", *[b"x"] * 790]
    assert max(map(len, found)) <= 100
    framer = Framer(1000, 100)
    framer.feed(b"<13>one\n" + b"x\n" * 400)
    found = [lines_of(framer.finish())]
    while framer.has_more:
        found.append(lines_of(framer.feed(b"")))
    assert [line for lines in found for line in lines] == [b"<13>one", *[b"x"] * 400]
    assert max(map(len, found)) <= 100


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\0", b"\n\0"])
@pytest.mark.parametrize("size", [1, 30, 60])
def test_a_read_of_many_short_lines_is_done_in_few_parts_of_a_like_size(end: bytes, size: int) -> None:
    framer = Framer(1000, 2048)
    framer.feed(b"<13>x" + end + b"<13>x" + end)
    count = (1 << 17) // (size + 4 + len(end))
    found = [len(lines_of(framer.feed((b"<13>" + b"x" * size + end) * count)))]
    while framer.has_more:
        found.append(len(lines_of(framer.feed(b""))))
    assert sum(found) in (count, count + 1), "the second line may wait for what follows it"
    assert max(found) <= 2049
    # NULs beside LF count too, and no part is more than halved.
    assert len(found) <= 4 * (count // 2048 + 1) + 2
    assert found[0] >= 256


def test_messages_without_lf_are_a_block_though_nul_ends_them() -> None:
    framer = Framer(1000)
    framer.feed(b"<11>one\0<11>two\0")
    assert framer.feed(b"<11>three\0<11>four\0") == Frames(block=b"<11>three\n<11>four\n")
    assert framer.feed(b"<11>five\n\0<11>six\0") == Frames(messages=(b"<11>five", b"<11>six"))


@pytest.mark.parametrize("before", range(65_520, 65_545))
def test_only_the_first_lines_may_go_over_to_counts_whatever_the_reads(before: int) -> None:
    data = b"x" * (before - 1) + b"\n7 <13>one\n9 <13>a\nb\n"
    found = []
    for step in (1 << 20, 1 << 15, before, before + 1, before + 3):
        framer = Framer(100_000)
        frames = [framer.feed(data[start : start + step]) for start in range(0, len(data), step)] + [framer.finish()]
        lines: list[bytes] = []
        for each in frames:
            lines += [line for line in each.block.split(b"\n") if line] + list(each.messages)
        found.append(lines)
    assert all(each == found[0] for each in found)
    is_counted = before + 6 <= 65_536
    assert found[0][1:] == ([b"<13>one", b"<13>a\nb"] if is_counted else [b"7 <13>one", b"9 <13>a", b"b"])


@pytest.mark.parametrize(
    "line", [b"<13>1 - h a - - - one", b"<13>Nov 30 00:55:12 h a: one", b"<13>1 2026-11-30T00:55:12Z h a - - - x"]
)
def test_a_first_line_with_a_header_is_there_at_once(line: bytes) -> None:
    assert Framer(1000).feed(line + b"\n") == Frames(block=line + b"\n")
