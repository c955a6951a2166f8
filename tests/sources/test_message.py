"""Every form of line that is seen in the wild, whole reads at a time."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ppl.sources.framing import Framer, Frames
from ppl.sources.line import parse_line
from ppl.sources.message import parse_message
from ppl.sources.uniform import same_form, same_program
from tests.sources.lines import RECEIVED, any_line, micros, nearly_uniform, objects, parse_bytes, rows
from tests.sources.lines import same_program as lines_of_a_program

# created_at, facility, severity, hostname, file_name, procid, msgid, structured_data, message
CASES = {
    "remote_syslog2": (
        "<13>1 2026-11-23T12:00:00.123456+02:00 host file.log - - - text",
        (micros(2026, 11, 23, 10, 0, 0, micro=123456), 1, 5, "host", "file.log", "", "", "", "text"),
    ),
    "remote_syslog2 with a token": (
        "<13>1 2026-11-23T12:00:00.123456+02:00 host file.log - - [token@41058] text",
        (micros(2026, 11, 23, 10, 0, 0, micro=123456), 1, 5, "host", "file.log", "", "", "[token@41058]", "text"),
    ),
    "RFC 5424's first example": (
        "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \ufeff'su root' failed for lonvick",
        (
            micros(2003, 10, 11, 22, 14, 15, micro=3000), 4, 2, "mymachine.example.com", "su", "", "ID47", "",
            "'su root' failed for lonvick",
        ),
    ),
    "RFC 5424's example with two elements and no message": (
        '<165>1 2003-10-11T22:14:15.003Z mymachine evntslog - ID47 [exampleSDID@32473 iut="3" eventID="10\\"11"]'
        "[examplePriority@32473 class=\"hi\\]gh\"]",
        (
            micros(2003, 10, 11, 22, 14, 15, micro=3000), 20, 5, "mymachine", "evntslog", "", "ID47",
            '[exampleSDID@32473 iut="3" eventID="10\\"11"][examplePriority@32473 class="hi\\]gh"]', "",
        ),
    ),
    "every field nil": ("<0>1 - - - - - -", (None, 0, 0, "", "", "", "", "", "")),
    "no structured data at all": (
        "<13>1 - host app 7 - the message",
        (None, 1, 5, "host", "app", "7", "", "", "the message"),
    ),
    "rsyslog's SyslogProtocol23Format": (
        "<156>1 2026-11-24T11:00:00.5+01:00 web nginx 12 - -  leading blank",
        (micros(2026, 11, 24, 10, 0, 0, micro=500000), 19, 4, "web", "nginx", "12", "", "", " leading blank"),
    ),
    "rsyslog's ForwardFormat": (
        "<156>2026-11-24T11:00:00.123456+01:00 web nginx[12]: text",
        (micros(2026, 11, 24, 10, 0, 0, micro=123456), 19, 4, "web", "nginx", "12", "", "", "text"),
    ),
    "rsyslog's TraditionalForwardFormat": (
        "<156>Nov 24 10:00:00 web nginx: text: more",
        (micros(2026, 11, 24, 10, 0, 0), 19, 4, "web", "nginx", "", "", "", "text: more"),
    ),
    "logger --rfc5424": (
        '<13>1 2026-11-24T10:00:00.000001+00:00 web root - - [timeQuality tzKnown="1" isSynced="0"] hello',
        (
            micros(2026, 11, 24, 10, 0, 0, micro=1), 1, 5, "web", "root", "", "",
            '[timeQuality tzKnown="1" isSynced="0"]', "hello",
        ),
    ),
    "loggen's default": (
        "<38>2026-11-24T10:00:00 localhost prg00000[1234]: seq: 0000000000, thread: 0000, padded   ",
        (
            micros(2026, 11, 24, 10, 0, 0), 4, 6, "localhost", "prg00000", "1234", "", "",
            "seq: 0000000000, thread: 0000, padded   ",
        ),
    ),
    "RFC 3164's first example": (
        "<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8",
        (micros(2026, 10, 11, 22, 14, 15), 4, 2, "mymachine", "su", "", "", "",
         "'su root' failed for lonvick on /dev/pts/8"),
    ),
    "RFC 3164's second example": (
        "<13>Sep  5 17:32:18 10.0.0.99 Use the BFG!",
        (micros(2026, 9, 5, 17, 32, 18), 1, 5, "10.0.0.99", "", "", "", "", "Use the BFG!"),
    ),
    "the nearest year is taken": (
        "<13>May 31 23:59:59 host app: x",
        (micros(2026, 5, 31, 23, 59, 59), 1, 5, "host", "app", "", "", "", "x"),
    ),
    "a day that is nearer next year is not yet": (
        "<13>Feb  5 17:32:18 10.0.0.99 Use the BFG!",
        (None, 1, 5, "10.0.0.99", "", "", "", '[ppl@32473 time="Feb  5 17:32:18"]', "Use the BFG!"),
    ),
    "a year is given": (
        "<13>Oct 11 2019 22:14:15 host app: x",
        (micros(2019, 10, 11, 22, 14, 15), 1, 5, "host", "app", "", "", "", "x"),
    ),
    "a zero-padded day and a fraction": (
        "<13>Nov 04 22:14:15.250 host app: x",
        (micros(2026, 11, 4, 22, 14, 15, micro=250000), 1, 5, "host", "app", "", "", "", "x"),
    ),
    "no host": (
        "<13>Nov 24 10:00:00 app[7]: x",
        (micros(2026, 11, 24, 10, 0, 0), 1, 5, "", "app", "7", "", "", "x"),
    ),
    "no date": ("<13>app[7]: x", (None, 1, 5, "", "app", "7", "", "", "x")),
    "only a PRI": ("<13>hello world", (None, 1, 5, "", "", "", "", "", "hello world")),
    "no PRI": (
        "Nov 24 10:00:00 host prog[1]: text",
        (micros(2026, 11, 24, 10, 0, 0), None, None, "host", "prog", "1", "", "", "text"),
    ),
    "a tag with a path": (
        "<22>Nov 24 10:00:00 mail postfix/smtpd[123]: connect from unknown",
        (micros(2026, 11, 24, 10, 0, 0), 2, 6, "mail", "postfix/smtpd", "123", "", "", "connect from unknown"),
    ),
    "Cisco with sequence number and host": (
        "<189>123: switch-1: *Nov 24 10:00:00.123: %SYS-5-CONFIG_I: Configured from console",
        (micros(2026, 11, 24, 10, 0, 0, micro=123000), 23, 5, "switch-1", "%SYS-5-CONFIG_I", "", "",
         '[meta sequenceId="123"][timeQuality isSynced="0"]', "Configured from console"),
    ),
    "Cisco with a zone": (
        "<187>Nov 24 10:00:00 UTC: %LINK-3-UPDOWN: Interface down",
        (micros(2026, 11, 24, 10, 0, 0), 23, 3, "", "%LINK-3-UPDOWN", "", "", "", "Interface down"),
    ),
    "Docker, rfc3164 local": (
        "<30>Nov 24 10:00:00 docker/abc123[4567]: hello",
        (micros(2026, 11, 24, 10, 0, 0), 3, 6, "", "docker/abc123", "4567", "", "", "hello"),
    ),
    "Docker, rfc3164 remote": (
        "<30>Nov 24 10:00:00 box docker/abc123[4567]: hello",
        (micros(2026, 11, 24, 10, 0, 0), 3, 6, "box", "docker/abc123", "4567", "", "", "hello"),
    ),
    "Docker, rfc5424": (
        "<30>1 2026-11-24T10:00:00Z box docker/abc 4567 docker/abc - hello",
        (micros(2026, 11, 24, 10, 0, 0), 3, 6, "box", "docker/abc", "4567", "docker/abc", "", "hello"),
    ),
    "Docker, rfc5424micro": (
        "<30>1 2026-11-24T10:00:00.123456Z box docker/abc 4567 docker/abc - hello",
        (micros(2026, 11, 24, 10, 0, 0, micro=123456), 3, 6, "box", "docker/abc", "4567", "docker/abc", "", "hello"),
    ),
    "no syslog": ("just text: with a colon", (None, None, None, "", "", "", "", "", "just text: with a colon")),
    "JSON": ('{"level": "info"}', (None, None, 6, "", "", "", "", "", '{"level": "info"}')),
    "a PRI beyond 191": ("<192>1 - h a - - - x", (None, None, None, "", "", "", "", "", "<192>1 - h a - - - x")),
    "a PRI with a leading zero": ("<013>x", (None, None, None, "", "", "", "", "", "<013>x")),
    "no calendar date": (
        "<13>1 2026-02-30T10:00:00Z h a - - - x",
        (None, 1, 5, "h", "a", "", "", '[ppl@32473 time="2026-02-30T10:00:00Z"]', "x"),
    ),
    "far in the future": (
        "<13>1 2036-01-01T10:00:00Z h a - - - x",
        (None, 1, 5, "h", "a", "", "", '[ppl@32473 time="2036-01-01T10:00:00Z"]', "x"),
    ),
    "before there was syslog": (
        '<13>1 1970-01-01T00:00:00.123456789+02:00 h a 7 - [x@9 y="z"] x',
        (None, 1, 5, "h", "a", "7", "", '[x@9 y="z"][ppl@32473 time="1970-01-01T00:00:00.123456789+02:00"]', "x"),
    ),
    "no time of a day": (
        "<13>Nov 30 25:00:00 host app[7]: x",
        (None, 1, 5, "host", "app", "7", "", '[ppl@32473 time="Nov 30 25:00:00"]', "x"),
    ),
    "no time of a Cisco's day": (
        "<189>12: *Nov 31 10:00:00.123: %LINK-3-UPDOWN: x",
        (None, 23, 5, "", "%LINK-3-UPDOWN", "", "",
         '[meta sequenceId="12"][timeQuality isSynced="0"][cisco@9 time="Nov 31 10:00:00.123"]', "x"),
    ),
    "no calendar date, without a PRI": (
        "2026-11-31 10:00:00 ERROR boom",
        (None, None, 3, "", "", "", "", '[ppl@32473 time="2026-11-31 10:00:00"]', "ERROR boom"),
    ),
    "no calendar date alone": (
        "2026-11-31 10:00:00",
        (None, None, None, "", "", "", "", "", "2026-11-31 10:00:00"),
    ),
    "a leap second": (
        "<13>1 2016-12-31T23:59:60.5Z h a - - - x",
        (micros(2017, 1, 1, 0, 0, 0, micro=500000), 1, 5, "h", "a", "", "", "", "x"),
    ),
    "nanoseconds": (
        "<13>1 2026-11-24T10:00:00.123456789Z h a - - - x",
        (micros(2026, 11, 24, 10, 0, 0, micro=123456), 1, 5, "h", "a", "", "", "", "x"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_line_in_the_wild(name: str) -> None:
    line, expected = CASES[name]
    assert parse_bytes(line.encode() + b"\n") == [expected]


def test_all_of_them_in_one_read_keep_their_order() -> None:
    block = "".join(f"{line}\n" for line, _ in CASES.values())
    assert parse_bytes(block.encode()) == [expected for _, expected in CASES.values()]


def test_all_of_them_octet_counted() -> None:
    counted = b"".join(b"%d %s" % (len(line.encode()), line.encode()) for line, _ in CASES.values() if line[0] == "<")
    assert parse_bytes(counted) == [expected for line, expected in CASES.values() if line[0] == "<"]


def test_a_timestamp_without_a_zone_is_in_the_given_one() -> None:
    frames = Framer(1000).feed(b"<13>Nov 24 10:00:00 host app: x\n<13>2026-11-24T10:00:00 host app: x\n")
    lines = parse_message(frames, RECEIVED, timezone(timedelta(hours=2)))
    assert list(lines.created_at) == [micros(2026, 11, 24, 8, 0, 0)] * 2


def test_invalid_utf8_and_nul_are_replaced_and_nothing_is_dropped() -> None:
    (row,) = parse_bytes(b"<13>1 - h a - - - a\xff\xc3b\0c\xed\xa0\x80d\n")
    assert row[-1].replace("\ufffd", "?").replace("??", "?").replace("??", "?") == "a?b?c?d"


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\r"])
def test_only_a_newline_ends_a_line(separator: str) -> None:
    (row,) = parse_bytes(f"<13>1 - h a - - - one{separator}two\n".encode())
    assert row[-1] == f"one{separator}two"


def test_a_message_in_a_counted_frame_keeps_its_newlines() -> None:
    message = b"<13>1 - h a - - - Traceback:\n  line 1\n  line 2"
    (row,) = parse_bytes(b"%d %s" % (len(message), message))
    assert row[-1] == "Traceback:\n  line 1\n  line 2"


def _agree(lines: list[str]) -> None:
    block = "".join(f"{line}\n" for line in lines).encode()
    fast = rows(parse_message(Frames(block=block), RECEIVED))
    stripped = (line.rstrip("\r\0").lstrip("\0").replace("\0", "\ufffd") for line in lines)
    assert fast == [parse_line(line, RECEIVED, UTC) for line in stripped if line]


@settings(max_examples=600)
@given(
    st.one_of(
        st.lists(any_line, min_size=1, max_size=8),
        st.lists(nearly_uniform, min_size=1, max_size=4),
        st.lists(objects, min_size=1, max_size=3),
    )
)
def test_the_fast_pattern_and_the_complete_parser_agree(lines: list[str]) -> None:
    _agree(lines)


@settings(max_examples=600)
@given(lines_of_a_program)
def test_the_quickest_way_and_the_complete_parser_agree(lines: list[str]) -> None:
    _agree(lines)


def _of_a_program(rest: str, pri: int = 13) -> str:
    return "".join(f"<{pri}>1 2026-11-23T12:00:0{second}.123456+02:00 {rest}\n" for second in range(3))


@pytest.mark.parametrize("header", ["host file.log - - -", "host app 123 - -", "host app 123 id -", "- host 1 - -"])
def test_the_quickest_way_takes_what_one_program_writes(header: str) -> None:
    assert same_program(_of_a_program(f"{header} some - - - text"), RECEIVED) is not None


@pytest.mark.parametrize(
    "other",
    [
        _of_a_program("host file.log - - - text", 14),
        _of_a_program("host file.log 1 - - text"),
        _of_a_program("host file.log - - [a] text"),
        _of_a_program("host file.log - - - text").replace("+02:00", "Z"),
        _of_a_program("host file.log - - - text").replace("-23T", "-31T"),
        _of_a_program("host file.log - - - text").replace("2026", "2036"),
        "else\n",
    ],
)
def test_the_quickest_way_leaves_what_is_not_all_alike(other: str) -> None:
    usual = _of_a_program("host file.log - - - text")
    assert same_program(usual + other, RECEIVED) is None
    assert same_program(other + usual, RECEIVED) is None


def test_the_second_quickest_way_takes_what_most_senders_write() -> None:
    usual = _of_a_program("host file.log - - - text") + _of_a_program("host app 12 id - text", 134)
    assert same_form(usual, RECEIVED) is not None
    assert same_form(usual + "else\n", RECEIVED) is None


@settings(max_examples=300)
@given(st.binary(max_size=200), st.integers(1, 7))
def test_any_bytes_give_storable_rows(data: bytes, step: int) -> None:
    framer = Framer(50)
    found = []
    for start in range(0, len(data), step):
        found += rows(parse_message(framer.feed(data[start : start + step]), RECEIVED))
    found += rows(parse_message(framer.finish(), RECEIVED))
    for created_at, facility, severity, *texts in found:
        assert created_at is None or 631_152_000_000_000 <= created_at <= RECEIVED + 86_400_000_000
        assert facility is None or 0 <= facility <= 23
        assert severity is None or 0 <= severity <= 7
        for text in texts:
            assert "\0" not in text
            text.encode("utf-8")
