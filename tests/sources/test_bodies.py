"""Bodies uploaded over HTTP: what they hold becomes lines, and nothing in them raises or grows."""

from __future__ import annotations

import contextlib
import gzip
import json
import zlib
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ppl.model import SECOND, Event, Lines
from ppl.sources.bodies import PIECE_BYTES, PIECE_LINES, BodyTooLarge, BodyUnreadable
from ppl.sources.known import BODIES, body_kind
from ppl.sources.packed import Body, Zip, zstd

NOW = int(datetime(2026, 11, 25, 12, tzinfo=UTC).timestamp()) * SECOND
# The example in Heroku's documentation of its HTTPS drains.
HEROKU = (
    b"83 <40>1 2012-11-30T06:45:29+00:00 host app web.3 - State changed from starting to up\n"
    b"119 <40>1 2012-11-30T06:45:26+00:00 host app web.3 - Starting process with command"
    b" `bundle exec rackup config.ru -p 24405`"
)


KINDS = {("plain" if "or" in kind.name else kind.name.split()[0].lower()): kind for kind in BODIES}


def read(kind: str, body: bytes, most: int = 1000) -> list[Event]:
    found: list[Event] = []
    for piece in KINDS[kind].read(body, NOW, UTC, most):
        columns = [getattr(piece.lines, name) for name in Lines.__slots__ if not name.startswith("__")]
        assert len({len(column) for column in columns}) == 1
        found += [
            Event(0, row[0] or 0, "", row[4], row[8], row[3], row[5], row[6], row[7], row[1], row[2])
            for row in zip(*columns, strict=True)
        ]
    return found


def one(body: bytes, kind: str = "json") -> Event:
    (event,) = read(kind, body)
    return event


@pytest.mark.parametrize(
    ("content_type", "kind"),
    [
        ("", "plain"),
        ("text/plain; charset=utf-8", "lines"),
        ("application/x-www-form-urlencoded", "plain"),
        ("application/octet-stream", "plain"),
        ("text/x-log", "lines"),
        ("text/json", "json"),
        ("application/cloudevents+json; charset=utf-8", "json"),
        ("application/json-seq", "json"),
        ("application/json, application/json", "json"),
        ("application/logplex-1", "logplex"),
        ("Application/JSON", "json"),
        ("application/x-ndjson", "json"),
        ("multipart/form-data; boundary=x", None),
        ("image/png", None),
    ],
)
def test_a_content_type_says_what_is_read(content_type: str, kind: str | None) -> None:
    assert body_kind(content_type) is (KINDS[kind] if kind else None)


# Lines


def test_lines_are_parsed_as_on_a_port() -> None:
    first, second = read("lines", b"<13>1 2026-11-25T11:59:00Z h app 1 - - hello\r\n\n83 plain, not counted")
    assert (first.message, first.hostname, first.file_name, first.severity) == ("hello", "h", "app", 5)
    assert (second.message, second.severity) == ("83 plain, not counted", None)


@pytest.mark.parametrize("first", ["3 <b>errors</b> found", "12 <13>x", "9999999 <html> size report", "83 plain"])
def test_a_number_at_the_beginning_counts_nothing(first: str) -> None:
    body = "\n".join([first, *(f"line {number}" for number in range(3000)), "the last"]).encode()
    found = read("lines", body)
    assert len(found) == 3002
    assert [event.message for event in found[1:]] == [*(f"line {number}" for number in range(3000)), "the last"]


@given(st.lists(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"])), max_size=20))
def test_each_line_that_is_not_empty_is_an_event(lines: list[str]) -> None:
    expected = [line for line in "\n".join(lines).encode().split(b"\n") if line.strip(b"\0")]
    assert len(read("lines", "\n".join(lines).encode())) == len(expected)


def test_a_long_line_is_cut_and_marked() -> None:
    (event,) = read("lines", b"x" * 2000)
    assert event.message == "x" * 1000 + " [cut by Ppl at 1000 bytes]"


# Logplex


def test_herokus_frames_are_read_without_structured_data() -> None:
    up, start = read("logplex", HEROKU)
    assert (up.message, up.hostname, up.file_name, up.procid) == (
        "State changed from starting to up", "host", "app", "web.3",
    )  # fmt: skip
    assert up.created_at == int(datetime(2012, 11, 30, 6, 45, 29, tzinfo=UTC).timestamp()) * SECOND
    assert (up.facility, up.severity, up.msgid, up.structured_data) == (5, 0, "", "")
    assert start.message.endswith("-p 24405`")


@pytest.mark.parametrize("message", ["- a list", "[info] started", '[a b="c"] d', "-", "", "two\nlines", "-  x "])
def test_what_follows_the_header_of_a_frame_is_all_message(message: str) -> None:
    line = f"<40>1 2012-11-30T06:45:29+00:00 host app web.3 - {message}".encode()
    event = one(b"%d %s" % (len(line), line), "logplex")
    assert (event.message, event.structured_data) == (message, "")


def test_a_frame_that_is_cut_off_and_bytes_that_are_no_frame_are_kept() -> None:
    assert [event.message for event in read("logplex", b"hello\n3 abc99 cut of")] == ["hello", "abc", "cut of"]


# JSON


def test_the_usual_keys_become_fields() -> None:
    event = one(
        b'{"timestamp": "2026-11-25T11:00:00.5Z", "host": "web-1", "app": "shop", "level": "WARN",'
        b' "facility": "local0",'
        b' "pid": 42, "msgid": "ID1", "message": "sold\\nout"}'
    )
    assert event.created_at == NOW - 3600 * SECOND + SECOND // 2
    assert (event.hostname, event.file_name, event.severity, event.facility) == ("web-1", "shop", 4, 16)
    assert (event.procid, event.msgid, event.message, event.structured_data) == ("42", "ID1", "sold\nout", "")


def test_what_has_no_field_is_kept_as_json() -> None:
    event = one('{"msg": "hi", "user": {"id": 7, "name": "ü"}, "level": "odd", "pid": true}'.encode())
    assert event.message == "hi"
    assert event.structured_data == '{"user":{"id":7,"name":"ü"},"level":"odd","pid":true}'


@pytest.mark.parametrize(
    "moment",
    ["1795608000", "1795608000.0", '"1795608000"', "1795608000000", "1795608000000000", "1795608000000000000",
     '"2026-11-25 12:00:00"', '"2026-11-25T13:00:00+01:00"'],
)  # fmt: skip
@pytest.mark.parametrize("key", ["timestamp", "time", "@timestamp", "date", "ts"])
def test_a_time_is_read_in_any_usual_unit(moment: str, key: str) -> None:
    assert one(f'{{"{key}": {moment}, "log": "x"}}'.encode()).created_at == NOW


@pytest.mark.parametrize(
    "moment", ["-1", "0", "1e400", "NaN", "true", "null", '"soon"', "[]", "5" * 50, '"2099-01-01T00:00:00Z"']
)
def test_a_time_that_is_none_stays_where_it_was(moment: str) -> None:
    event = one(f'{{"time": {moment}, "log": "x"}}'.encode())
    assert event.created_at == 0
    assert event.structured_data.startswith('{"time":')


@pytest.mark.parametrize(
    ("level", "severity"),
    [('"error"', 3), ('"Fatal"', 2), ('"information"', 6), ("0", 0), ("7", 7), ('"3"', 3), ("30", 6), ("35", None),
     ("-1", None), ("true", None), ("1.5", None)],
)  # fmt: skip
def test_a_level_is_a_keyword_or_a_number_of_syslog(level: str, severity: int | None) -> None:
    assert one(f'{{"level": {level}, "log": "x"}}'.encode()).severity == severity


@pytest.mark.parametrize(
    "body",
    [
        b'{"msg": "a"}\n{"msg": "b"}\n\n{"msg": "c"}\n',
        b'[{"msg": "a"}, {"msg": "b"},\n {"msg": "c"}]',
        b'\xef\xbb\xbf[{"msg":"a"},{"msg":"b"},{"msg":"c"}]\n',
        b'["a", "b", "c"]',
        b"a\nb\r\nc",
        b'[{"msg": "a"}\n{"msg": "b"}\nc',
        b'[{"msg": "a"}]\n{"msg": "b"}\nc',
    ],
)
def test_lines_arrays_and_what_is_broken_all_give_their_events(body: bytes) -> None:
    assert [event.message for event in read("json", body)] == ["a", "b", "c"]


def test_one_object_may_be_written_over_lines() -> None:
    assert one(b'{\n "msg": "a",\n "level": 3\n}\n').severity == 3


@pytest.mark.parametrize(
    "line",
    ['{"a": 1}', '{"message": null}', '{"message": "x"', '{"message": "x"} {', "[1, {}", "12", '"quoted"', "{" * 5000],
)
def test_what_cannot_be_read_is_kept_whole(line: str) -> None:
    most = 10_000
    (event,) = read("json", b'{"msg": "before"}\n' + line.encode(), most)[1:]
    assert event.message == line


def test_text_that_postgresql_cannot_hold_is_replaced() -> None:
    event = one(b'{"msg": "a\\u0000b\\ud800c\\ud83d\\ude00", "host": "\\u0000", "x": "\\udfff"}')
    assert (event.message, event.hostname) == ("a\ufffdb\ufffdc\U0001f600", "\ufffd")
    assert "\\u" not in event.structured_data
    assert "\ufffd" in event.structured_data


def test_long_texts_are_cut_and_long_fields_stay_in_the_rest() -> None:
    event = one(b'{"msg": "%s", "host": "%s", "x": "%s"}' % ("ü".encode() * 600, b"h" * 256, b"y" * 2000))
    assert event.message == "ü" * 500 + " [cut by Ppl at 1000 bytes]"
    assert event.hostname == ""
    assert event.structured_data.startswith('{"host":"hhh')
    assert event.structured_data.endswith(" [cut by Ppl at 1000 bytes]")


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":['])
def test_deep_nesting_is_kept_as_text(opening: bytes) -> None:
    assert read("json", opening * 50_000, 1_000_000)


@pytest.mark.parametrize("body", [b'{"content":"tests"}', b' {"content": "tests"}\n'])
def test_cloudflares_probe_is_no_event(body: bytes) -> None:
    assert read("json", body) == read("plain", body) == []


@pytest.mark.parametrize(
    ("body", "messages"),
    [
        (b'\xef\xbb\xbf {"msg":"a"}\n{"msg":"b"}', ["a", "b"]),
        (b'[\n{"msg":"a"}]', ["a"]),
        (b'{\n"msg":"a"\n}', ["a"]),
        (b"<13>1 - h a - - - a\nb", ["a", "b"]),
        (b'["a"]', ['["a"]']),
        (b'{"a":1} is text', ['{"a":1} is text']),
        (b"[info] a", ["[info] a"]),
        (b"{", ["{"]),
        (b"", []),
        (b'{"msg":"a","x":"%s"}' % (b"x" * 200_000), ["a"]),
        (b"{%s" % (b"x" * 200_000), ["{" + "x" * 999 + " [cut by Ppl at 1000 bytes]"]),
    ],
)
def test_a_body_of_no_type_is_json_if_it_begins_with_an_object(body: bytes, messages: list[str]) -> None:
    assert [event.message for event in read("plain", body)] == messages


# Any


@pytest.mark.parametrize("kind", ["lines", "logplex", "json"])
def test_a_big_body_comes_in_pieces_that_are_not(kind: str) -> None:
    line = {"lines": b"hello\n", "logplex": b"5 hello", "json": b'{"msg":"hello"}\n'}[kind]
    count = 200_000
    found = list(KINDS[kind].read(line * count, NOW, UTC, 1000))
    assert sum(len(piece.lines) for piece in found) == count
    assert sum(piece.size for piece in found) == pytest.approx(len(line) * count, abs=2)
    assert max(piece.size for piece in found) < 2 * PIECE_BYTES
    assert max(len(piece.lines) for piece in found) <= PIECE_LINES + 1


EMPTY = ("", "\n", "\r\n", "\0")
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["msg", "time", "host", "level", "pid"]), inner),
)  # fmt: skip


@given(
    kind=st.sampled_from(["lines", "plain", "logplex", "json"]),
    body=st.binary(max_size=400),
    most=st.integers(480, 500),
)
def test_any_body_is_read(kind: str, body: bytes, most: int) -> None:
    for event in read(kind, body, most):
        assert event.message or event.hostname or event.file_name or event.structured_data or event.severity is not None
        event.message.encode("utf-8")


@given(st.lists(JSON, max_size=5), st.booleans())
def test_any_json_gives_an_event_for_each_value(values: list[object], as_array: bool) -> None:
    body = json.dumps(values) if as_array else "\n".join(json.dumps(value) for value in values)
    if not as_array and body.startswith("["):
        return
    found = read("json", body.encode())
    # An object with an empty message and nothing else is none.
    blank = [value for value in values if isinstance(value, dict) and set(value) == {"msg"} and value["msg"] in EMPTY]
    assert len(found) == len(values) - len(blank)
    for event in found:
        assert all("\0" not in text for text in (event.message, event.hostname, event.structured_data, event.procid))
        for text in (event.message, event.hostname, event.structured_data):
            text.encode("utf-8")


# Bodies as they come


def add(body: Body, data: bytes) -> None:
    body.add(data)
    while body.has_more:
        body.step()


@given(st.binary(max_size=3000), st.integers(1, 500), st.booleans())
def test_a_body_comes_in_whatever_parts(content: bytes, size: int, is_gzip: bool) -> None:
    assume(is_gzip or not content.startswith((b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd")))
    sent = gzip.compress(content[:1000]) + gzip.compress(content[1000:]) if is_gzip else content
    body = Body(4000, Zip.GZIP if is_gzip else None)
    for start in range(0, len(sent), size):
        add(body, sent[start : start + size])
    assert body.finish() == content


def bare(content: bytes) -> bytes:
    """``content`` as deflate without zlib's header."""
    packing = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packing.compress(content) + packing.flush()


@given(st.binary(max_size=3000), st.integers(1, 500), st.sampled_from([gzip.compress, zstd.compress]))
def test_what_begins_as_gzip_or_zstd_is_that(content: bytes, size: int, pack: Callable[[bytes], bytes]) -> None:
    sent = pack(content[:1000]) + pack(content[1000:])
    body = Body(4000)
    for start in range(0, len(sent), size):
        add(body, sent[start : start + size])
    assert body.finish() == content


def test_few_bytes_are_no_compression() -> None:
    for content in (b"\x1f", b"\x28\xb5\x2f", b"\x1f\x8b", b"\x1f\x8bx"):
        body = Body(100)
        for byte in content:
            add(body, bytes([byte]))
        assert body.finish() == content


def test_zstd_with_a_window_that_takes_much_memory_is_refused() -> None:
    packing = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: 27})
    sent = packing.compress(b"a") + packing.flush()
    with pytest.raises(BodyUnreadable):
        add(Body(1000, Zip.ZSTD), sent)


@given(
    st.binary(max_size=3000), st.integers(1, 50), st.sampled_from([zlib.compress, bare, gzip.compress, zstd.compress])
)
def test_deflate_comes_with_a_header_or_without(content: bytes, size: int, pack: Callable[[bytes], bytes]) -> None:
    sent = pack(content)
    for zipped in (Zip.EITHER, *((Zip.DEFLATE,) if pack in (zlib.compress, bare) else ())):
        body = Body(4000, zipped)
        for start in range(0, len(sent), size):
            add(body, sent[start : start + size])
        assert body.finish() == content


def test_nothing_follows_deflate() -> None:
    body = Body(1000, Zip.DEFLATE)
    with pytest.raises(BodyUnreadable, match="after the end"):
        add(body, zlib.compress(b"a") + zlib.compress(b"b"))


@pytest.mark.parametrize("zipped", Zip)
@pytest.mark.parametrize("pack", [zlib.compress, bare, gzip.compress, zstd.compress])
def test_a_bomb_is_never_unzipped_further_than_the_limit(zipped: Zip, pack: Callable[[bytes], bytes]) -> None:
    if zipped is not Zip.EITHER and zipped is not {gzip.compress: Zip.GZIP, zstd.compress: Zip.ZSTD}.get(
        pack, Zip.DEFLATE
    ):
        return
    bomb = pack(bytes(100_000_000))
    assert len(bomb) < 100_000
    body = Body(100_000, zipped)
    with pytest.raises(BodyTooLarge):
        add(body, bomb)
    assert len(body) <= 100_000


def test_gzip_that_gives_nothing_is_bounded_by_what_came() -> None:
    body = Body(1000, Zip.GZIP)
    endless_name = b"\x1f\x8b\x08\x08" + bytes(6) + b"n" * 900
    add(body, endless_name)
    with pytest.raises(BodyTooLarge):
        add(body, b"n" * 200)


def test_many_members_are_refused() -> None:
    body = Body(1_000_000, Zip.GZIP)
    with pytest.raises(BodyUnreadable, match="members"):
        add(body, gzip.compress(b"") * 1100)


ZIPPED = gzip.compress(b"hello", mtime=0)


@pytest.mark.parametrize("sent", [b"hello", ZIPPED[:-1], ZIPPED + b"x", zlib.compress(b"x")])
def test_what_is_no_gzip_is_refused(sent: bytes) -> None:
    body = Body(1000, Zip.GZIP)
    with pytest.raises(BodyUnreadable):
        add(body, sent)
        body.finish()


def test_no_body_at_all_is_no_fault() -> None:
    assert Body(10, Zip.GZIP).finish() == b""


@given(st.binary(max_size=300), st.sampled_from(Zip))
def test_any_bytes_are_unzipped_or_refused(data: bytes, zipped: Zip) -> None:
    body = Body(200, zipped)
    with contextlib.suppress(BodyTooLarge, BodyUnreadable):
        add(body, data)
        body.finish()
    assert len(body) <= 200
