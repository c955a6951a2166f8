"""GELF as its clients write it: in bodies, and as lines of a connection."""

from __future__ import annotations

import gzip
import json
import zlib
from datetime import UTC
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppl.sources.bodies import BodyTooLarge, BodyUnreadable
from ppl.sources.framing import Framer, Frames
from ppl.sources.gelf import GELF, gelf_objects
from ppl.sources.gelf_fields import gelf_row
from ppl.sources.message import parse_message
from tests.fuzz.targets import check_storable
from tests.sources.lines import COLUMNS, RECEIVED, micros, parse_bytes
from tests.sources.lines import rows as rows_of
from tests.sources.test_loki import rows

AT = micros(2026, 11, 24, 10, 0, 0, micro=123456)
TIME = AT / 1_000_000
BASE = {"version": "1.1", "host": "web1", "short_message": "it broke", "timestamp": TIME, "level": 3}
READ = {"created_at": AT, "hostname": "web1", "severity": 3, "message": "it broke"}


def read(*values: Any, most: int = 10_000) -> list[dict[str, Any]]:
    found = rows(gelf_objects("".join(map(json.dumps, values)).encode(), RECEIVED, UTC, most))
    for each in found:
        if "structured_data" in each:
            each["structured_data"] = json.loads(each["structured_data"])
    return found


def on_a_line(value: Any) -> dict[str, Any]:
    """The event of a line of a connection."""
    (row,) = parse_bytes(json.dumps(value).encode() + b"\n")
    return {name: each for name, each in zip(COLUMNS, row, strict=True) if each not in ("", None)}


def test_the_fields_of_the_format_are_columns_and_others_are_kept() -> None:
    value = {**BASE, "_user_id": 7, "_order": {"id": "x"}, "_app": "shop", "_pid": 12, "_empty": None}
    expected = {**READ, "file_name": "shop", "procid": "12",
                "structured_data": {"user_id": 7, "order": {"id": "x"}, "empty": None}}  # fmt: skip
    assert read(value) == [expected]
    line = on_a_line(value)
    assert {**line, "structured_data": json.loads(line["structured_data"])} == expected


@pytest.mark.parametrize(
    ("more", "program", "left"),
    [
        # graypy, with a facility of its own and without.
        ({"facility": "shop.cart"}, "shop.cart", {}),
        ({"facility": "shop", "_logger": "cart"}, "shop", {"logger": "cart"}),
        ({"facility": "shop", "file": "/app/cart.py", "line": 7}, "shop", {"file": "/app/cart.py", "line": 7}),
        # pygelf with debug, djehouty.
        ({"_file": "cart.py", "_logger_name": "cart"}, "cart", {"file": "cart.py"}),
        ({"_facility": "cart", "_file": "cart.py"}, "cart", {"file": "cart.py"}),
        # Docker, with a tag and without.
        ({"_container_name": "web", "_container_id": "0123456789ab", "_tag": "shop"}, "shop",
         {"container_name": "web", "container_id": "0123456789ab"}),
        ({"_container_name": "web", "_container_id": "0123456789ab", "_tag": "0123456789"}, "web",
         {"container_id": "0123456789ab", "tag": "0123456789"}),
        ({"_tag": "blue"}, None, {"tag": "blue"}),
        # A field with the name of one of the format's, which some clients leave out.
        ({"_version": "2.3"}, None, {"_version": "2.3"}),
        ({"_level": "x", "_host": "other", "__a": 1}, None, {"_level": "x", "_host": "other", "__a": 1}),
    ],
)  # fmt: skip
def test_the_program_is_what_each_client_names_it(more: dict[str, Any], program: str | None, left: Any) -> None:
    (found,) = read({**BASE, **more})
    assert (found.get("file_name"), found.get("structured_data", {})) == (program, left)


def test_a_facility_of_syslog_is_one() -> None:
    for facility in ("daemon", 3):
        (found,) = read({**BASE, "facility": facility})
        assert (found["facility"], "file_name" in found) == (3, False)


@pytest.mark.parametrize(
    ("short", "full", "message"),
    [
        ("it broke", "Traceback:\n  x", "it broke\nTraceback:\n  x"),
        ("it broke", "it broke\n  at x", "it broke\n  at x"),
        ("it broke when…", "it broke when it was run", "it broke when it was run"),
        ("it broke", "", "it broke"),
        ("it broke", None, "it broke"),
        ("", "only this", "only this"),
    ],
)
def test_the_message_is_the_short_one_with_what_the_full_one_adds(short: str, full: Any, message: str) -> None:
    assert read({**BASE, "short_message": short, "full_message": full})[0]["message"] == message


@pytest.mark.parametrize(
    ("level", "severity"), [(0, 0), (7, 7), ("3", 3), ("error", 3), (25, None), (None, None), ({}, None)]
)
def test_a_level_is_a_number_of_syslog(level: Any, severity: int | None) -> None:
    (found,) = read({**BASE, "level": level})
    assert found.get("severity") == severity
    assert (severity is None) == ("level" in found.get("structured_data", {}))


@pytest.mark.parametrize("version", ["1.0", "1.1", 1.0, 1.1])
def test_the_version_of_the_format_is_not_kept(version: Any) -> None:
    (found,) = read({**BASE, "version": version})
    assert "structured_data" not in found


def test_without_a_level_the_text_says_it_and_without_a_time_there_is_none() -> None:
    assert read({"host": "h", "short_message": "ERROR x"}) == [{"hostname": "h", "severity": 3, "message": "ERROR x"}]


@pytest.mark.parametrize(
    "line",
    [
        '{"short_message": "no version and no host"}',
        '{"version": "1.1", "host": "h", "message": "x"}',
        '{"version": "1.1", "host": "h", "short_message": 7}',
        '{"version": "1.1", "host": "h", "short_message": ""}',
        '{"version": "1.1", "host": "h", "short_message": "cut',
        '{"a": "\\"short_message\\""}',
        '[{"version": "1.1", "host": "h", "short_message": "x"}]',
        '{"version": "1.1", "host": "h", "short_message": "x"} and more',
        '{"host": "h", "short_message": "x", "_a": ' + "[" * 9000 + "]" * 9000 + "}",
    ],
)
def test_a_line_that_is_not_gelf_stays_as_it_is(line: str) -> None:
    (row,) = parse_bytes(line.encode() + b"\n")
    assert row[-1] == line


def test_a_line_with_a_pri_is_not_gelf() -> None:
    (row,) = parse_bytes(b"<13>" + json.dumps(BASE).encode() + b"\n")
    assert row[-1] == json.dumps(BASE)


@pytest.mark.parametrize("end", [b"\0", b"\n", b"\0\n", b"\n\0", b"\r\n"])
def test_messages_of_a_connection_end_in_each_way(end: bytes) -> None:
    data = b"".join(json.dumps({**BASE, "short_message": f"line {number}"}).encode() + end for number in range(3))
    assert [row[-1] for row in parse_bytes(data)] == ["line 0", "line 1", "line 2"]
    framer = Framer(10_000)
    found = [row for byte in data for row in rows_of(parse_message(framer.feed(bytes((byte,))), RECEIVED))]
    found += rows_of(parse_message(framer.finish(), RECEIVED))
    assert [row[-1] for row in found] == ["line 0", "line 1", "line 2"]


def test_a_message_over_several_lines_is_one() -> None:
    data = json.dumps(BASE, indent=2).encode()
    (row,) = rows_of(parse_message(Frames(messages=(data,)), RECEIVED))
    assert row[-1] == "it broke"


@pytest.mark.parametrize("between", ["\0", "", "\n", ",", "\r\n\r\n"])
def test_a_body_holds_one_object_or_several(between: str) -> None:
    one, two = (json.dumps({**BASE, "short_message": text}) for text in ("one", "two"))
    for text in (one + between + two, f"[{one},{two}]", f"{one}{between}{two}\0"):
        assert [each["message"] for each in rows(gelf_objects(text.encode(), RECEIVED, UTC, 1000))] == ["one", "two"]


def test_what_is_no_gelf_is_kept() -> None:
    assert [each["message"] for each in read({"msg": "plain"}, {"a": 1})] == ["plain", '{"a": 1}']


def test_a_body_is_unpacked_by_its_first_bytes() -> None:
    data = json.dumps(BASE).encode()
    for body in (data, gzip.compress(data), zlib.compress(data, 1), zlib.compress(data), zlib.compress(data, 9)):
        assert GELF.unpack(body, 10_000) == data
    assert GELF.unpack(b"", 10) == b""
    assert GELF.unpack(b"x", 10) == b"x"
    for broken in (zlib.compress(data)[:-3], b"\x1f\x8b no gzip", b"\x78\x9c"):
        with pytest.raises(BodyUnreadable):
            GELF.unpack(broken, 10_000)
    with pytest.raises(BodyTooLarge):
        GELF.unpack(zlib.compress(bytes(50_000_000)), 16_000_000)


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
_keys = st.sampled_from(
    ["version", "host", "full_message", "timestamp", "level", "facility", "file", "_app", "_tag", "_container_id",
     "_logger", "_level", "_a", "a", "_", "__b", "_name", "_time"]
)  # fmt: skip


@given(st.dictionaries(_keys, _values, max_size=9), st.text(max_size=9))
def test_any_object_is_stored_alike_in_a_body_and_on_a_line_and_none_of_its_words_is_lost(
    value: dict[str, Any], short: str
) -> None:
    value = {**value, "host": "h", "short_message": f"m{short}", "_word": "kept"}
    text = json.dumps(value)
    (row,) = [row for piece in gelf_objects(text.encode(), RECEIVED, UTC, 10_000) for row in piece.lines.rows()]
    check_storable(row)
    assert "kept" in "".join(map(str, row))
    assert gelf_row(text, RECEIVED, UTC) == row
    assert parse_bytes(text.encode() + b"\n") == [row]


@given(st.binary(max_size=100))
def test_any_bytes_are_kept(body: bytes) -> None:
    for piece in gelf_objects(body, RECEIVED, UTC, 1000):
        for row in piece.lines.rows():
            check_storable(row)
