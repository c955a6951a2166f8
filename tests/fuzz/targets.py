"""What must hold whatever bytes come, as functions of bytes that fail when it does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC
from typing import Any

from ppl.search.fields import FieldSource
from ppl.sources import json_walk
from ppl.sources.bodies import BodyTooLarge, BodyUnreadable
from ppl.sources.datagrams import datagram_messages
from ppl.sources.framing import CUT_MARK, LOOKAHEAD, Framer, Frames, whole_message
from ppl.sources.framing_signs import BYTE_ORDER_MARK
from ppl.sources.gelf_datagrams import CHUNK_SECONDS, ChunkRoom, Chunks, unzipped
from ppl.sources.json_walk import BIG, JsonWalk, part_of_value
from ppl.sources.known import ADDRESSED, BODIES, stream_kind
from ppl.sources.line import parse_line
from ppl.sources.message import parse_message
from ppl.sources.relp import LEAST_MAX_DATA, Relp, RelpError
from tests.sources.lines import RECEIVED, rows

LIMIT = 40
_MARK = len(CUT_MARK.format(LIMIT))


def cut(data: bytes, how: int) -> Iterator[bytes]:
    """``data`` in pieces that ``how``, a byte, chooses."""
    position = 0
    while position < len(data):
        how = (how * 73 + 29) % 251
        size = 1 + (how % 3 if how % 2 else how % 40)
        yield data[position : position + size]
        position += size


def lines_of(frames: Frames) -> list[bytes]:
    """The lines without trailers and without empty ones; those of :func:`parse_message` are the same."""
    lines = [line.rstrip(b"\r\0") for line in frames.block.split(b"\n")] + list(frames.messages)
    return [line for line in lines if line]


def framed(pieces: list[bytes], most_lines: int | None) -> list[bytes]:
    """The lines of a connection that sends ``pieces``; fails when it holds more than it may."""
    framer = Framer(LIMIT, most_lines)
    found: list[bytes] = []
    for piece in pieces:
        lines = lines_of(framer.feed(piece))
        while framer.has_more:
            assert most_lines is not None
            assert len(lines) <= most_lines
            found += lines
            lines = lines_of(framer.feed(b""))
        found += lines
        assert framer.held <= LIMIT + LOOKAHEAD
    found += lines_of(framer.finish())
    while framer.has_more:
        found += lines_of(framer.feed(b""))
    return found


def framing(data: bytes) -> None:
    """The same bytes are the same lines, however they are cut and in how many parts, and nothing of them is lost."""
    how, data = data[0] if data else 0, data[1:]
    whole = framed([data], None)
    assert whole == framed(list(cut(data, how)), None)
    assert whole == framed([data], 1 + how % 5)
    assert whole == framed(list(cut(data, how)), 1 + how % 5)
    assert all(len(line) <= LIMIT + _MARK for line in whole)
    for counted in (None, False):
        framer = Framer(len(data) + 1, counted=counted)
        text = b"".join(lines_of(framer.feed(data)) + lines_of(framer.finish()))
        # Trailers are left out, and counts are where octets are counted.
        left_out = b"\r\n\0" if counted is False else b"\r\n\0 0123456789"
        assert text.translate(None, left_out) == data.removeprefix(BYTE_ORDER_MARK).translate(None, left_out)


def datagram(data: bytes) -> None:
    """Nothing of a datagram is lost, and each of its messages is bounded."""
    text = b"".join(datagram_messages(data, len(data) + 1))
    assert text.translate(None, b"\r\n\0") == data.removeprefix(BYTE_ORDER_MARK).translate(None, b"\r\n\0")
    assert all(0 < len(message) <= LIMIT + _MARK for message in datagram_messages(data, LIMIT))


def packed(data: bytes) -> None:
    """Datagrams of GELF, each after its length, hold no more than they may, and leave nothing behind."""
    room = ChunkRoom()
    chunks = Chunks(room)
    while data:
        sender, length, data = "ab"[data[0] & 1], data[0] >> 1, data[1:]
        datagram, data = data[:length], data[length:]
        text = unzipped(chunks.take(sender, datagram, 0.0), LIMIT)
        for each in datagram_messages(text, LIMIT):
            assert 0 < len(each) <= LIMIT + _MARK
    chunks.expire(CHUNK_SECONDS)
    assert (chunks.held, chunks.is_empty, room.holders) == (0, True, 0)


def check_storable(row: tuple[Any, ...]) -> None:
    """PostgreSQL takes the row."""
    created_at, facility, severity, *texts = row
    assert created_at is None or 631_152_000_000_000 <= created_at <= RECEIVED + 86_400_000_000
    assert facility is None or 0 <= facility <= 23
    assert severity is None or 0 <= severity <= 7
    for text in texts:
        assert "\0" not in text
        text.encode("utf-8")  # a surrogate would raise


def message(data: bytes) -> None:
    """The fast pattern gives what the complete parser gives, and PostgreSQL takes it."""
    fast = rows(parse_message(Frames(block=data + b"\n"), RECEIVED))
    texts = (line.lstrip("\0").rstrip("\r\0") for line in data.decode("utf-8", "replace").split("\n"))
    lines = [text.replace("\0", "\ufffd") for text in texts]
    assert fast == [parse_line(line, RECEIVED, UTC) for line in lines if line]
    # One by one, so that the quickest path and the fast pattern see each alone.
    alone = [row for line in data.split(b"\n") for row in rows(parse_message(Frames(block=line + b"\n"), RECEIVED))]
    assert fast == alone
    counted = rows(parse_message(Frames(messages=(whole_message(data, 1 << 20),)), RECEIVED))
    for row in fast + counted:
        check_storable(row)


def fields(data: bytes) -> None:
    """Each field that an event has is found by its name with the same values, and PostgreSQL takes them."""
    text = data.decode("utf-8", "replace").replace("\0", "\ufffd")
    message, _, structured_data = text.partition("\x01")
    found = FieldSource(message, structured_data)
    listed = list(found.fields())
    for name in {name for name, _ in listed}:
        values, named = sorted(found.values(name)), sorted(value for other, value in listed if other == name)
        # With a dot, the name may be that of a parameter behind its element's, too.
        assert values == named or ("." in name and not Counter(named) - Counter(values))
    for name, value in listed:
        assert "\0" not in name + value
        (name + value).encode("utf-8")  # a surrogate would raise


def _relp_session(pieces: list[bytes]) -> tuple[list[bytes], bytes, bool, bool]:
    relp = Relp(1000)
    messages: list[bytes] = []
    output = b""
    has_failed = False
    for piece in pieces:
        try:
            new = relp.feed(piece)
            while relp.has_more:
                new += relp.feed(b"")
        except RelpError as error:
            new, has_failed = error.messages, True
        assert relp.held <= LEAST_MAX_DATA + 100
        messages += new
        relp.acknowledge(len(new))
        output += relp.take_output()
        assert not relp.pending
        if has_failed or relp.closed:
            break
    return messages, output, has_failed, relp.closed


def relp(data: bytes) -> None:
    """RELP, however it is cut, is understood alike, answered alike and refused alike."""
    how, data = data[0] if data else 0, data[1:]
    messages, output, has_failed, closed = _relp_session([data])
    in_pieces = _relp_session(list(cut(data, how)))
    if closed or in_pieces[3]:
        # What follows a close is refused in the same read, and not looked at in a later one.
        assert (messages, output) == in_pieces[:2]
    else:
        assert (messages, output, has_failed, closed) == in_pieces


def start(data: bytes) -> None:
    """Once the first bytes have told what is spoken, no more bytes change it."""
    kinds = [stream_kind(data[:length]) for length in range(1, min(len(data), 40) + 1)]
    told = [kind for kind in kinds if kind is not None]
    assert kinds == [None] * (len(kinds) - len(told)) + told
    assert all(kind is told[0] for kind in told)
    assert len(kinds) - len(told) <= 16, "a few bytes tell"


def body(data: bytes) -> None:
    """Whatever a body holds, PostgreSQL takes its lines."""
    kind = BODIES[data[0] % len(BODIES)] if data else BODIES[0]
    try:
        for piece in kind.read(data[1:], RECEIVED, UTC, 1000):
            for row in piece.lines.rows():
                check_storable(row)
    except BodyUnreadable:
        assert kind in ADDRESSED, "what comes to a token's own address alone is never refused"


def push(data: bytes) -> None:
    """A body at the address of a protocol is read or refused, and PostgreSQL takes its lines."""
    kind = ADDRESSED[data[0] % len(ADDRESSED)] if data else ADDRESSED[0]
    try:
        for piece in kind.read(kind.unpack(data[1:], 10_000), RECEIVED, UTC, 1000):
            for row in piece.lines.rows():
                check_storable(row)
    except (BodyUnreadable, BodyTooLarge):
        pass


def long_value(data: bytes) -> None:
    """A JSON value that is longer than is decoded at once is kept in part or passed over, or refused, alike."""
    window, step = json_walk.WINDOW_OF_VALUE, json_walk._STEP
    json_walk.WINDOW_OF_VALUE, json_walk._STEP = 32, 16
    try:
        text = data.decode("utf-8", "replace")
        ends = {_end_of(text, lambda walk: walk.pass_over()), _end_of(text, lambda walk: part_of_value(walk, LIMIT))}
        # What is passed over is not looked at as closely as what is kept.
        assert len(ends - {None}) <= 1
    finally:
        json_walk.WINDOW_OF_VALUE, json_walk._STEP = window, step


def _end_of(text: str, read: Callable[[JsonWalk], Iterator[None]]) -> int | None:
    """Where the walk is behind the first value of ``text``; ``None`` if it is refused."""
    walk = JsonWalk(text)
    try:
        if walk.value_within() is BIG:
            for _ in read(walk):
                pass
    except BodyUnreadable:
        return None
    return walk.at


TARGETS: dict[str, Callable[[bytes], None]] = {
    "fields": fields,
    "body": body,
    "framing": framing,
    "datagram": datagram,
    "long_value": long_value,
    "message": message,
    "packed": packed,
    "push": push,
    "relp": relp,
    "start": start,
}

_HEADER = b"<13>1 2026-11-23T12:00:00.123456+02:00 host file.log - - "
_OPEN = b"1 open 49 relp_version=0\nrelp_software=test\ncommands=syslog\n"

#: Where the fuzzer begins.
SEEDS: dict[str, list[bytes]] = {
    "body": [
        b'\x01{"msg":"a","level":30,"log":{"level":"warn"}}{"host":{"name":"h"}}',
        b'\x04[{"MESSAGE":[1,2],"PRIORITY":"3"},\n{"a":"b","a":"c"}]\n{\n"t":{"$date":"2026-11-24T10:00:00Z"}\n}',
        b"\x0283 <40>1 2012-11-30T06:45:29+00:00 host app web.3 - x",
        b"\x00<13>a\n\nb",
    ],
    "framing": [
        b"\x05\xef\xbb\xbf<11>one\0<12>two\n at x\0<13>three\n<14>four\n\0<15>five\n",
        b"\x06<11>failed\nTraceback\n 1 / 0\0<11>next\0",
        b'\x07{"a":1}\0{"b":2}\0\n',
        b"\x08<13>one\n009 <13>world18 <13>w\xc3\xb6rld 119 <11>six",
        b"\x09<131>Nov 30 01:00:27 one<131>Nov 30 01:00:28 <13>1 2026-11-30T",
        b"\x01a\nb\r\n\n",
        b"\x027 <13>one7 <13>two\n7 <13>",
        b"\x0312",
        b"\x0499 <" + b"x" * 90,
        b"y" * 99,
    ],
    "fields": [
        b'GET a=1,b="c \\"d" {"a": {"b": [1, {"c": "\\u0041\\ud83d"}]}, "a.b": null}',
        b'x\x01[a@1 b="c\\]" d="e"][f]',
        b'@cee: {"a\\u0000":"\\ud83d\\ude00","b":1e5}\x01{"c":true}',
    ],
    "datagram": [
        b"\xef\xbb\xbf<13>one\n two\n<14>three<131>Nov 30 01:00:28 four\0",
        b"1.0 GET\r\n2.0 GET\n",
        b'{"a": {\n "b": 1\n}}\n',
    ],
    "long_value": [
        b'{"a":[1,2,{"b":"' + b"x" * 40 + b'"}],"c":"\\u00e9\\n' + b"y" * 30 + b'","d":[[],[[]],{}]} "rest"',
        b"[" + b'[{"a":[' * 6 + b"]}]" * 6 + b"," + b"1," * 30 + b"1]",
    ],
    "message": [
        _HEADER + b"- text\n" + _HEADER + b"- more",
        _HEADER + b'[a@1 b="c\\"\\]"][d] text',
        b"<34>Oct 11 22:14:15 mymachine su[1]: 'su root' failed",
        b"<189>123: switch-1: *Nov 24 10:00:00.123 UTC: %SYS-5-CONFIG_I: x",
        b"<13>Feb  5 17:32:18 2001:db8::1 Use the BFG!",
        b"<38>2026-11-24T10:00:00 localhost prg[1]: x",
        b"\xef\xbb\xbf\xff\0\r\n \xe2\x80\xa8",
        b'{"version":"1.1","host":"h","short_message":"a","full_message":"ab","level":3,"timestamp":1764000000,"_x":1}',
    ],
    "packed": [
        b"\x1a\x78\x9c\xab\x56\x4a\x54\xb2\x32\xac\x05\x00\x08",
        b"\x1c\x1e\x0f12345678\x00\x02<1\x1c\x1e\x0f12345678\x01\x023>\x1d\x1e\x0f12345678\x01\x023>",
        b"\x20{a\n}\x1f\x8b\x08",
    ],
    "push": [
        b'\x00{"streams":[{"stream":{"a":"b"},"values":[["1764000000000000000","x",{"level":"warn"}]]}]}',
        b'\x00{"streams":[{"entries":[{"ts":"2026-11-24T10:00:00Z","line":"x"}],"labels":"{a=\\"b\\"}"}]}',
        b'\x01\x20\x7c\x0a\x1e\x0a\x07{a="b"}\x12\x13\x0a\x06\x08\x80\xba\x90\xc9\x06\x12\x01x\x1a\x06\x0a\x01c\x12\x01d',
        b'\x03{"time":"1764000000.5","host":"h","source":"s","event":{"line":"x","tag":"t"},"fields":{"a":1}}{"event":"y"}',
        b"\x04a\nb",
        b'\x05{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"s"}}]},'
        b'"scopeLogs":[{"scope":{"name":"n"},"logRecords":[{"body":{"intValue":"1"},"severityNumber":9}]}]}]}',
        b'\x08{"index":{"_index":"a","_id":null},"b":0}\n{"message":"x","log.level":"warn"}\n{"delete":{}}\n?',
        b'\x09{"message":"x"}',
        b'\x0c{"version":"1.1","host":"h","short_message":"x","facility":"f","_a":{"b":1}}\0{"short_message":"y"}',
        b"\x06\x0a\x19\x0a\x00\x12\x15\x0a\x03\x0a\x01n\x12\x0e\x10\x09\x2a\x03\x0a\x01m\x32\x05\x0a\x01a\x12\x00",
        b'\x0b{"requestId":"r","timestamp":1,"records":[{"data":"YQpiCg=="},{"data":"eyJtc2ciOiJtIn0="},{"data":"!"}]}',
        b'\x0b{"records":[{"data":"eyJtZXNzYWdlVHlwZSI6IkRBVEFfTUVTU0FHRSIsImxvZ0V2ZW50cyI6W3sibWVzc2FnZSI6Im0ifV19"}]}',
        b"\x0a__CURSOR=s=1;i=2;b=3\n__REALTIME_TIMESTAMP=1764000000000000\nMESSAGE\n\x03\0\0\0\0\0\0\0a\nb\n_PID=1\n\nTAG=a\nTAG=b\n\n",
    ],
    "relp": [
        b"\x01" + _OPEN + b"2 syslog 3 abc\n3 close 0\n",
        b"\x02" + _OPEN + b"0 hint 1 x\n2 what 0\n3 syslog 0 \n",
        b"\x03" + _OPEN + b"2 syslog 999999999 x",
    ],
    "start": [b"1 open 9 ", b"\x16\x03\x01", b"12 <13>", b"<13>", b"1 ope"],
}
