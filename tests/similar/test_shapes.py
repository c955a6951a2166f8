"""Shapes of lines: varying parts become placeholders, words stay, and a shape's query finds each of its lines."""

from __future__ import annotations

import uuid
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppl.model import Event
from ppl.search.query import parse
from ppl.similar.queries import grouping_query
from ppl.similar.shapes import MOST_BYTES, Shaper, line_of, readable


def shape(message: str) -> str:
    """The shape of one line, by a shaper that has seen nothing else."""
    return readable(Shaper().shapes([line_of(message)])[0])


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("took 12 ms", "took … ms"),
        ("took 12ms, 3.5 GB", "took …ms, … GB"),
        ("a=-5 b=+1,234.5 c=1e-07", "a=… b=… c=…"),
        ("web-01 eth0 node_7", "web-… eth… node_…"),
        ("    7 of  123 items", "… of … items"),
        ("2026-11-30T09:12:00.123Z up", "…Z up"),
        ("2026-11-30 09:12:00,123 +0100 up", "… … … up"),
        ("Mon Nov 30 09:12:00 2026 up", "… … … … … up"),
        ("[30/Nov/2026:09:12:00 +0000] up", "[… …] up"),
        ("from 192.0.2.7 port 22", "from … port …"),
        ("from 192.0.2.7:5432", "from …"),
        ("from 2001:db8::1 and ::1 and fe80::a:b0", "from … and … and …"),
        ("std::vector a::b Foo::Bar", "std::vector a::b Foo::Bar"),
        ("MAC=00:1b:44:11:3a:b7 aa-bb-cc-dd-ee-0f", "MAC=… …"),
        ("id 123e4567-e89b-12d3-a456-426614174000.", "id …."),
        ("id deadbeef-dead-beef-dead-beefdeadbee1", "id …"),
        ("commit 5f3a9c1 0x7ffe3 DEADBEEF1", "commit … … …"),
        ("RSA SHA256:0a5f3a9c1b 7:5f3a9c1 12-5f3a9c1", "RSA SHA…:… …:… …-…"),
        ("decade facade feed", "decade facade feed"),
        ("pod api-7d9f8b6c5d-x2x4z ready", "pod api-… ready"),
        ("pod api-7d9f8b6c5d-kqzpx ready", "pod api-… ready"),
        ("k8s utf8mb4 sha256 v1beta1", "k…s utf…mb… sha… v…beta…"),
        ("token aGVsbG8gd29ybGQsIHRoaXMx4IG1z4", "token …"),
        ("key h7Gk2Lq9Zz5", "key …"),
        ("mail bob.smith+x@mail.example.com sent", "mail … sent"),
        ("""user "Ann 'the' B" said 'no, 5'""", """user "…" said '…'"""),
        ("it's Bob's 5' wall", "it's Bob's …' wall"),
        ('say "a \\" b" now', 'say "…" now'),
        ("GET /api/v1/orders/123/items?page=2", "GET /api/v…/orders/…/items?page=…"),
        (
            '{"user":"ann","n":5,"msg":"order 7 shipped","ok":true}',
            '{"user":"…","n":…,"msg":"order … shipped","ok":true}',
        ),
        ('{"level": "info", "at": "x"}', '{"level": "info", "at": "…"}'),
        ('"action"=>"index"', '"action"=>"…"'),
        ("[1, 2, 3] and (0x1f, 22)", "[…] and (…)"),
        ('{"addr":":80","via": ":x"}', '{"addr":"…","via": "…"}'),
        ('in ["a", "b","c"]', 'in ["…"]'),
        ("C:\\tmp\\7\nat line 5", "C:\\tmp\\…\nat line …"),
        ("größer als 5 € – 日本語 12", "größer als … € – 日本語 …"),
        ("", ""),
        ("5", "…"),
    ],
)
def test_what_varies_becomes_a_placeholder(message: str, expected: str) -> None:
    assert shape(message) == expected


HEX = st.text("0123456789abcdef", min_size=1, max_size=40)
#: Two texts of each kind that varies, which must have the same shape.
VARYING = {
    "number": st.integers(0, 10**12).map(str),
    "signed": st.integers(0, 10**6).flatmap(lambda number: st.sampled_from([f"-{number}", f"+{number}", f"{number}"])),
    "decimal": st.decimals(0, 10**6, places=3).map(str),
    "uuid": st.uuids().map(str).filter(lambda each: any(map(str.isdigit, each))),
    "ipv4": st.ip_addresses(v=4).map(str),
    "ipv4 with port": st.tuples(st.ip_addresses(v=4), st.integers(1, 65535)).map(lambda each: f"{each[0]}:{each[1]}"),
    "mac": st.binary(min_size=6, max_size=6).map(lambda each: each.hex(":")),
    "hex": st.integers(0, 2**64 - 1).map(lambda each: f"{each:016x}").filter(lambda each: not each.isalpha()),
    "time": st.datetimes(timezones=st.just(UTC)).map(lambda each: each.isoformat(timespec="milliseconds")),
    "quoted": st.text(st.characters(exclude_characters='"\\:=', codec="utf-8")).map(lambda each: f'"{each}"'),
    "list": st.lists(st.integers(0, 999), min_size=1).map(lambda each: ", ".join(map(str, each))),
}


@given(st.sampled_from(list(VARYING)).flatmap(lambda kind: st.tuples(VARYING[kind], VARYING[kind])))
def test_lines_that_differ_in_what_varies_are_alike(pair: tuple[str, str]) -> None:
    one, other = pair
    assert shape(f"saw id={one} in time") == shape(f"saw id={other} in time") != shape(f"heard id={one} in time")


PIECES = st.one_of(
    *VARYING.values(),
    HEX,
    st.text(max_size=8),
    st.sampled_from(
        ["word", "Nov", " ", "  ", '"', "'", "\\", "…", '":', "{", ", ", "=", "-", "msg", "\n", "@a.b", "::"]
    ),
)
MESSAGES = st.lists(PIECES, max_size=12).map("".join).map(lambda text: text.replace("\0", ""))
MESSAGES = MESSAGES.map(lambda text: text.encode("utf-8", "replace").decode())


@given(MESSAGES)
def test_a_shape_is_its_own_shape(message: str) -> None:
    once = shape(message)
    if len(once.encode()) < MOST_BYTES // 2:
        assert shape(once) == once


@given(st.lists(MESSAGES, max_size=20))
def test_many_lines_at_once_are_shaped_like_each_alone(messages: list[str]) -> None:
    shaper = Shaper()
    lines = [line_of(each) for each in messages]
    assert [readable(each) for each in shaper.shapes(lines)] == [shape(each) for each in messages]
    assert [readable(each) for each in shaper.shapes(lines[::-1])] == [shape(each) for each in messages[::-1]]


@given(MESSAGES)
def test_the_query_of_a_shape_finds_its_lines(message: str) -> None:
    message = message.replace("\x01", "")  # which separates a sender, a program and a message for a search
    query = grouping_query(Shaper().shapes([line_of(message)])[0])
    if query is not None:
        event = Event(1, 1, "192.0.2.1", "p", message, "h", "", "", "", None, None)
        assert parse(query, UTC, 0).predicate()(event), query


def test_a_shape_without_fixed_text_has_no_query() -> None:
    assert grouping_query(Shaper().shapes([b"12 5"])[0]) is None
    assert grouping_query(Shaper().shapes([b""])[0]) == 'message:=""'


def test_long_lines_have_short_shapes_and_their_queries_find_them() -> None:
    for message in ("word " * 1000, "/5" * 3000, "(]" * 1000, "é" * 1000, '"' + "x" * 5000):
        ((found),) = Shaper().shapes([line_of(message)])
        assert len(found) <= MOST_BYTES
        query = grouping_query(found)
        event = Event(1, 1, "192.0.2.1", "p", message, "h", "", "", "", None, None)
        assert query is None or parse(query, UTC, 0).predicate()(event)


def test_a_million_identifiers_are_not_remembered() -> None:
    shaper = Shaper()
    for _ in range(40):
        shaper.shapes([f"request {uuid.uuid4()} took {each} ms".encode() for each in range(1000)])
    assert len(shaper._lines) <= 11_000
    assert len(shaper._words) <= 21_000


def test_blanks_at_the_end_make_no_group_of_their_own() -> None:
    first, *others = Shaper().shapes([line_of(f"job 7 done{end}") for end in ("", " ", "  \t", "\n", " \r\n", " 8 ")])
    assert others[:-1] == [first] * 4
    assert readable(others[-1]) == "job … done …"
    assert readable(Shaper().shapes([line_of("  ")])[0]) == "  ", "it is not the empty line"
