"""One line costs time for its length and no more, whatever it is made of.

A pattern that looks at a line of two million characters as often as it is long would not end in a year: the timeout of
these tests finds such a pattern, and no time is asserted.
"""

from __future__ import annotations

from datetime import UTC

import pytest

from ppl.sources.framing import Framer, Frames
from ppl.sources.line import parse_line
from ppl.sources.message import parse_message
from ppl.sources.relp import Relp, RelpError
from tests.sources.lines import RECEIVED

pytestmark = pytest.mark.timeout(60)

LENGTH = 2_000_000
HEADER = "<13>1 2026-11-24T10:00:00Z h a - - "
BSD = "<13>Oct 11 22:14:15 "

#: What comes first, what is repeated, what comes last.
NASTY = [
    (HEADER, "[", ""),
    (HEADER, "[]", "x"),
    (HEADER, '["', ""),
    (HEADER + "[", '"', ""),
    (HEADER + "[", '"a"', ""),
    (HEADER + '["', "\\", ""),
    (HEADER + '["', '\\"', ""),
    (HEADER + '["', "\\]", '"'),
    (HEADER, '[[[["""\\\\', ""),
    (HEADER, '[a b="c"]', "["),
    (HEADER, '[a b="c"]', "x"),
    (HEADER + "- ", "\ufeff", ""),
    ("<13>1 ", " ", ""),
    ("<13>1 ", "a", " b c"),
    ("<13>1 - ", "a ", ""),
    ("<13>1 2026-11-24T10:00:00.", "0", "Z h a - - - x"),
    ("<13>", "a", ""),
    ("<13>", "a[", ""),
    ("<13>a[", "b", ""),
    ("<13>", "<13>", ""),
    ("<13>", "9", ": "),
    ("<13>Oct", " ", ""),
    ("", "Oct ", ""),
    (BSD, "a", " b"),
    (BSD, "a.", ""),
    (BSD, ":", ""),
    (BSD, ":", "x"),
    (BSD, ":a", "x"),
    (BSD, "a:", " "),
    (BSD, ":.", ""),
    (BSD + "a:", "a", ":"),
    (BSD, "1.", ""),
    (BSD, "[a", ""),
    (BSD, "a,", ": x"),
    (BSD, "a b", "[1]: x"),
    (BSD, "h a:", ""),
    (BSD, "h ", ""),
    (BSD, "h a - ", ""),
    (BSD + "h ", "(", ""),
    (BSD + "h ", "[a]", ""),
    (BSD, "<a", ">"),
    ("<13>", "1: ", ""),
    ("<13>", "a: ", ""),
    ("<13>: ", "*", ""),
    ("<13>", "Oct 11 22:14:15 ", ""),
    ("<13>1 2026-11-24T10:00:00Z ", "h ", "- - - x"),
    ("<13>1 2026-11-24T10:00:00Z ", " ", "h"),
    ("<13>1 2026-11-24T10:00:00Z h a b - - ", "- ", ""),
    ("2026-11-24 10:00:00 ", "[", ""),
    ("2026-11-24 10:00:00 ", "a.", "ERROR"),
    ("2026-11-24 10:00:00 ", "A ", "ERROR"),
    ("2026-11-24 10:00:00 ", " - ", ""),
    ("{", '"level', ""),
    ("", "level=", ""),
    ("", "[a:", ""),
    ("", "(", ""),
    ("[", "2026", ""),
    ("", "\r", "x"),
    ("", "\r\0", "x"),
    ("<13>x", "\0", "x"),
    ("", "\r\0x", ""),
    ("", "1", ""),
    ("", "\u2028", ""),
    (BSD + "h ", "1,", " ("),
    (BSD + "h ", "a=", ""),
    (BSD + "h : %", "A-", ""),
    (BSD, "h ", "  [1]: x"),
    (BSD + "h ", "%$ a %$ ", ""),
    (BSD + "h %", "A", "-M:CP %"),
    ("<13>7: ", "a", ": x"),
    ("<13>7: a: Oct 11 22:14:15: %A", "-", ""),
    ("2026-11-24 10:00:00 ERROR ", "a", ": x"),
    ("2026-11-24 10:00:00 ", " ", "ERROR a: x"),
    ("2026-11-24 10:00:00 ERROR ", "a.b ", "ERROR"),
    ("2026-11-24 10:00:00 ", "{a}", "ERROR"),
    ("2026-11-24 10:00:00 A", "/a", "b"),
    ("", 'a="b" ', ""),
    ("", "a=b ", ""),
    ("", "a ", "[30/Nov/2026:10:00:00"),
    ("[", "a", "] 2026-"),
    ("", "[a] ", "error:"),
    ("[", "a ", "] b[1] error:"),
    ("WARN ", " ", "[2026-"),
    ("type=", "a", " msg=audit("),
]


def nasty(start: str, middle: str, end: str) -> str:
    return start + middle * (LENGTH // len(middle)) + end


@pytest.mark.parametrize(("start", "middle", "end"), NASTY)
def test_a_line_costs_its_length(start: str, middle: str, end: str) -> None:
    line = nasty(start, middle, end)
    data = line.encode()
    assert len(parse_message(Frames(block=data + b"\n"), RECEIVED)) == 1
    assert len(parse_message(Frames(messages=(data,)), RECEIVED)) == 1
    assert len(parse_message(Frames(block=b"x\n" + data + b"\n"), RECEIVED)) == 2
    parse_line(line.replace("\0", "\ufffd"), RECEIVED, UTC)


#: What shows the framing, and what is repeated after it.
STREAMS = [
    *[(b"", middle) for middle in (b"\n", b"\r\n", b"\0\n", b"\r\r\n\n", b"x\n", b"1 \n")],
    *[(b"", middle) for middle in (b"<13>\n", b"9 <13>", b"1 <", b"1")],
    *[(b"", middle) for middle in (b"\0", b"<1>\n\0", b"{\0{\n", b"<13>Nov 30 01:00:27 ")],
    *[(b"<13>", middle) for middle in (b"\0", b"\0<", b"<", b"\n 1", b"<1>1 2026-11-30", b" <13>")],
    *[(b"<13>x\0<13>", middle) for middle in (b"x\0", b"\r\0", b"\n<1", b"\0<1>\n<1>")],
    *[(b"x\n", middle) for middle in (b"\0{", b"\0<", b"\n 1")],
    *[(b"9 <13>", middle) for middle in (b"119 <11>", b"99995 <1>", b"9999x 99999 <", b"1")],
]  # fmt: skip


@pytest.mark.parametrize(("start", "middle"), STREAMS)
def test_a_stream_costs_its_length_in_single_bytes_too(start: bytes, middle: bytes) -> None:
    framer = Framer(100_000)
    framer.feed(start)
    data = middle * (150_000 // len(middle))
    for position in range(len(data)):
        framer.feed(data[position : position + 1])


@pytest.mark.parametrize(("start", "middle"), STREAMS)
def test_a_stream_costs_its_length_in_one_read_and_in_the_parts_of_one(start: bytes, middle: bytes) -> None:
    data = start + middle * (500_000 // len(middle))
    Framer(100_000).feed(data)
    framer = Framer(100_000, 2048)
    framer.feed(data)
    while framer.has_more:
        framer.feed(b"")


def test_a_line_without_an_end_is_kept_up_to_the_limit_and_each_byte_is_looked_at_once() -> None:
    framer = Framer(100_000)
    block = b"x" * (1 << 17)
    for _ in range(1 << 13):
        assert framer.feed(block) == Frames()
    (line,) = parse_message(framer.feed(b"\n"), RECEIVED).message
    assert line == "x" * 100_000 + " [cut by Ppl at 100000 bytes]"


@pytest.mark.parametrize(
    "start", [b"1", b"1 open 9 ", b"1 open 131072 ", b"1 open 0000000", b"1 aaaaaaaaaaaaaaaaaaaaaaa"]
)
def test_a_relp_frame_in_single_bytes_costs_its_length(start: bytes) -> None:
    relp = Relp(100_000)
    try:
        for byte in start + b"x" * 140_000:
            relp.feed(bytes((byte,)))
    except RelpError:
        return
    pytest.fail("it ends, or is too long")
