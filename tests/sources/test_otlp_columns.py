"""Columns of OTLP's records hold what the rows of each hold, whatever the records are made of."""

from __future__ import annotations

from datetime import UTC
from struct import pack
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from ppl.sources import otlp
from ppl.sources.bodies import BodyUnreadable
from ppl.sources.json_fields import ObjectReader
from ppl.sources.otlp_rows import SharedParts
from ppl.sources.records import Copies
from tests.fixtures.protocol_bodies import field
from tests.sources.lines import RECEIVED

_NS = RECEIVED * 1000


def _text(text: bytes) -> bytes:
    return field(1, text)


def _attribute(name: bytes, value: bytes) -> bytes:
    return field(6, field(1, name) + field(2, value))


_texts = st.sampled_from(
    (b"", b"a", b'q"\\', b"\xff\xc3", b"n\nl\x00", "\u20ac\u00e4".encode(), b"t" * 130, b"ERROR: x")
)
_plain_values = st.one_of(
    st.builds(_text, _texts),
    st.sampled_from((b"\x10\x01", b"\x10\x00", b"\x18\x00", b"\x18\x96\x01", b"\x18" + b"\xff" * 9 + b"\x01")),
    st.builds(lambda number: b"\x21" + pack("<d", number), st.floats(allow_nan=False, allow_infinity=False)),
)
_odd_values = st.sampled_from(
    (b"", b"\x10\x81\x00", b"\x18\x05\x18\x06", field(5, field(1, _text(b"in"))), field(7, b"\x00data"),
     field(3, b"\x01"),
     b"\x21" + pack("<d", float("nan")), b"\x18\x05" + field(3, b"\x01\x02"), _text(b"a") + b"\x10\x01")
)  # fmt: skip
_names = st.sampled_from((b"a", b"b", b"user.id", b"", b"\xfe", b"\xff", b"trace_id", b"service.version", b'q"'))
_times = st.sampled_from((0, 5, _NS, _NS - 3_000_000_000, 2**63))


def _records_with(names: st.SearchStrategy[bytes], values: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Records as exporters write them."""
    ids = b"\x45\x01\x00\x00\x00" + field(9, b"t" * 16) + field(10, b"s" * 8)
    return st.builds(
        lambda time, number, text, body, pairs, more: b"".join(
            (b"\x09" + pack("<Q", time), number, text, field(5, _text(body)),
             *(_attribute(name, value) for name, value in pairs.items()), more, b"\x59" + pack("<Q", _NS - 1_000_000))
        ),
        _times,
        st.sampled_from((b"", b"\x10\x09", b"\x10\x0a", b"\x10\x00")),
        st.sampled_from((b"", field(3, b"INFO"), field(3, b"odd"))),
        st.sampled_from((b"accepted", b"WARN: late", b"line\r\n", "\u20ac".encode(), b"\xff", b"")),
        st.dictionaries(names, values, max_size=4),
        st.sampled_from((b"", ids, field(9, b""), b"\x38\x00")),
    )  # fmt: skip


_usual = _records_with(_names, _plain_values)
_odd_fields = st.one_of(
    st.builds(lambda value: field(5, value), _plain_values | _odd_values),
    st.builds(_attribute, _names, _plain_values | _odd_values),
    st.sampled_from(
        (field(2, b"\x01\x02"), field(6, field(1, b"k")), field(6, field(2, _text(b"v"))), field(6, b""), b"\x38\x02",
         field(12, b"event"), field(15, b"?"), field(9, b"x"), b"\x10\x09", b"\x2a\x05\x0a", b"\x09\x01")
    ),
)  # fmt: skip
_odd = st.builds(b"".join, st.lists(_odd_fields, max_size=4))
_records = st.lists(_usual, min_size=1, max_size=4) | st.lists(st.one_of(_usual, _odd), min_size=1, max_size=4)
_resource = st.sampled_from((b"", field(1, field(1, field(1, b"service.version") + field(2, _text(b"1.2"))))))


def _read(records: list[bytes], resource: bytes) -> list[Any]:
    body = field(1, resource + field(2, b"".join(field(2, each) for each in records)))
    try:
        pieces = list(otlp.otlp_protobuf(body, RECEIVED, UTC, 600))
    except BodyUnreadable:
        return []
    return [row for piece in pieces for row in piece.lines.rows()]


@given(_records, _resource)
@example([field(5, _text(b"a")), field(5, _text(b"b")) + field(5, _text(b"c"))], b"")
@example(
    [field(5, _text(b"m")) + field(6, field(1, b"a")), field(5, _text(b"m")) + field(6, field(2, _text(b"v")))], b""
)
@example(
    # The number is written again with five bytes more than it came in, and the body that came twice with five less.
    [b"\x10\xff\xff\xff\xff\x0f" + field(5, _text(b"a")) + field(5, _text(b"b")), field(3, b"INFO")],
    b"",
)
def test_many_records_give_the_rows_that_each_gives_alone(records: list[bytes], resource: bytes) -> None:
    alone = [row for each in records for row in _read([each], resource)]
    assert _read(records * 16, resource) == alone * 16


@given(st.lists(_records_with(st.sampled_from((b"a", b"", b'q"')), _plain_values), min_size=16, max_size=20))
def test_records_as_exporters_write_them_become_columns(records: list[bytes]) -> None:
    quick = otlp._Records(ObjectReader(RECEIVED, UTC, 100_000), Copies.of_body(1_000_000))
    run = b"".join(field(2, each) for each in records)
    assert quick.columns.lines(run, SharedParts.of({}, {}, "")) is not None


def test_a_body_that_comes_twice_is_one_as_the_library_merges_it() -> None:
    (row,) = _read([field(5, _text(b"a")) + field(5, b"")], b"")
    assert row[-1] == "a"
