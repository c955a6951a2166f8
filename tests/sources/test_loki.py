"""Loki's push API as its clients send it: every form gives the same events, and hostile bodies stay small."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC
from typing import Any

import cramjam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppl.sources.bodies import PIECE_BYTES, PIECE_LINES, BodyTooLarge, BodyUnreadable
from ppl.sources.kinds import Piece
from ppl.sources.loki import LOKI_ANY, LOKI_JSON, LOKI_PROTOBUF, labels_of, loki_json, loki_protobuf, without_snappy
from ppl.sources.loki_messages import LOKI
from tests.fuzz.targets import check_storable
from tests.sources.lines import COLUMNS, RECEIVED, micros

AT = micros(2026, 11, 24, 10, 0, 0, micro=123456)
NS = f"{AT}789"


def rows(pieces: Iterator[Piece]) -> list[dict[str, Any]]:
    """The rows as dictionaries, without what is empty."""
    found = []
    for piece in pieces:
        assert piece.size < PIECE_BYTES + 70_000 or len(piece.lines) == 1
        assert len(piece.lines) <= PIECE_LINES
        found += [
            {name: value for name, value in zip(COLUMNS, row, strict=True) if value not in ("", None)}
            for row in piece.lines.rows()
        ]
    return found


def of_json(body: Any, most: int = 10_000) -> list[dict[str, Any]]:
    return rows(loki_json(json.dumps(body).encode(), RECEIVED, UTC, most))


def pushed(*streams: tuple[str, list[tuple[int, str, dict[str, str]]]]) -> bytes:
    """A ``PushRequest`` of labels and of entries: their time in ns, their line and their pairs."""
    whole = b""
    for labels, entries in streams:
        stream = LOKI["Stream"](labels=labels.encode())
        for moment, line, pairs in entries:
            entry = stream.entries.add(line=line.encode())
            entry.timestamp.seconds, entry.timestamp.nanos = divmod(moment, 1_000_000_000)
            for name, value in pairs.items():
                entry.pairs.add(name=name.encode(), value=value.encode())
        data = stream.SerializeToString()
        whole += b"\x0a" + length(len(data)) + data
    return whole


def length(number: int) -> bytes:
    made = b""
    while number > 127:
        made += bytes([number & 127 | 128])
        number >>= 7
    return made + bytes([number])


def of_protobuf(body: bytes, most: int = 10_000) -> list[dict[str, Any]]:
    return rows(loki_protobuf(body, RECEIVED, UTC, most))


def test_labels_name_host_program_and_level_and_the_rest_is_structured_data() -> None:
    stream = {"host": "web1", "service_name": "shop", "level": "error", "env": "prod", "n": 3}
    body = {"streams": [{"stream": stream, "values": [[NS, "it broke\n"]]}]}
    assert of_json(body) == [
        {
            "created_at": AT, "severity": 3, "hostname": "web1", "file_name": "shop", "message": "it broke",
            "structured_data": '{"env":"prod","n":3}',
        }
    ]  # fmt: skip


def test_metadata_of_a_line_is_its_own_and_does_not_replace_a_label() -> None:
    values = [
        [NS, "a", {"trace_id": "abc", "env": "x", "level": "warn"}],
        [NS, "b"],
        [NS, "c", {"level": "info", "host": "other"}],
    ]
    found = of_json({"streams": [{"stream": {"env": "prod", "host": "web1"}, "values": values}]})
    assert [json.loads(each["structured_data"]) for each in found] == [
        {"env": "prod", "trace_id": "abc", "env_extracted": "x"},
        {"env": "prod"},
        {"env": "prod", "host": "other"},
    ]
    assert [each.get("severity") for each in found] == [4, None, 6]
    assert {each["hostname"] for each in found} == {"web1"}


def test_the_old_form_with_labels_as_a_text_is_read() -> None:
    entry = {"ts": "2026-11-24T10:00:00.123456+00:00", "line": "hello"}
    labels = '{application="my app",severity="error",logger="shop.cart"}'
    (found,) = of_json({"streams": [{"labels": labels, "entries": [entry]}]})
    assert (found["created_at"], found["file_name"], found["severity"], found["message"]) == (AT, "my app", 3, "hello")
    assert json.loads(found["structured_data"]) == {"logger": "shop.cart"}


def test_a_job_names_the_program_where_nothing_else_does() -> None:
    (found,) = of_json({"streams": [{"stream": {"job": "varlogs", "filename": "/a"}, "values": [[NS, "x"]]}]})
    assert (found["file_name"], found["structured_data"]) == ("varlogs", '{"filename":"/a"}')
    (found,) = of_json({"streams": [{"stream": {"job": "varlogs", "app": "shop"}, "values": [[NS, "x"]]}]})
    assert (found["file_name"], found["structured_data"]) == ("shop", '{"job":"varlogs"}')


def test_labels_may_come_after_the_lines_and_unknown_keys_beside_them() -> None:
    text = (
        '{"x": [1], "streams": [{"values": [["%s", "a"]], "y": {}, "stream": {"app": "p"}, "values": []}], "z": null}'
    )
    (found,) = rows(loki_json((text % NS).encode(), RECEIVED, UTC, 1000))
    assert (found["message"], found["file_name"]) == ("a", "p")
    stream = LOKI["Stream"](labels=b'{app="p"}').SerializeToString()
    entry = LOKI["Stream"](entries=[{"line": b"a"}]).SerializeToString()
    body = b"\x0a" + length(len(entry + stream)) + entry + stream
    assert of_protobuf(body) == [{"message": "a", "file_name": "p"}]


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ('{level="error",app="my app",a-b="c"}', {"level": "error", "app": "my app", "a-b": "c"}),
        ('{a="\\"quoted\\" \\\\ \\n", b=`raw\\n`}', {"a": '"quoted" \\ \n', "b": "raw\\n"}),
        ('{a="\\q"}', {"a": "q"}),
        ("{}", {}),
        ("", {}),
        ("app", {"labels": "app"}),
        ('{a="b", c=d}', {"a": "b", "labels": "c=d"}),
    ],
)
def test_labels_as_a_text(text: str, labels: dict[str, str]) -> None:
    assert labels_of(text) == labels


_names = st.text(alphabet="abcxyz_-9", min_size=1, max_size=8)
_texts = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20)


@given(st.dictionaries(_names, _texts, max_size=5))
def test_labels_are_what_was_written(labels: dict[str, str]) -> None:
    text = ",".join(f"{name}={json.dumps(value)}" for name, value in labels.items())
    assert labels_of("{" + text + "}") == labels


_entries = st.lists(
    st.tuples(st.integers(10**16, 2**62), _texts, st.dictionaries(_names, _texts, max_size=3)), max_size=5
)


@given(st.lists(st.tuples(st.dictionaries(_names, _texts, max_size=3), _entries), max_size=4))
def test_json_and_protobuf_give_the_same_events(streams: list[Any]) -> None:
    as_json = {
        "streams": [
            {"stream": labels, "values": [[str(at), line, pairs] for at, line, pairs in entries]}
            for labels, entries in streams
        ]
    }
    texts = [
        ("{" + ",".join(f"{name}={json.dumps(value)}" for name, value in labels.items()) + "}", entries)
        for labels, entries in streams
    ]
    assert of_json(as_json) == of_protobuf(pushed(*texts))


@given(
    st.lists(
        st.tuples(st.integers(10**16, 2**62) | st.just(AT * 1000), _texts | st.sampled_from(["ERROR: a", "x\r\n"])),
        min_size=1, max_size=5,
    ),
    st.dictionaries(_names, _texts, max_size=2),
    st.sampled_from([{}, {"level": "warn"}]),
)  # fmt: skip
def test_many_entries_of_a_stream_give_the_same_events_as_few(
    entries: list[tuple[int, str]], pairs: dict[str, str], labels: dict[str, str]
) -> None:
    few = [(at, line, pairs if number % 2 else {}) for number, (at, line) in enumerate(entries)]
    text = "{" + ",".join(f'{name}="{value}"' for name, value in labels.items()) + "}"
    one_by_one = [row for entry in few for row in of_protobuf(pushed((text, [entry])))]
    assert of_protobuf(pushed((text, few * 20))) == one_by_one * 20


@given(
    kind=st.sampled_from([LOKI_JSON, LOKI_PROTOBUF, LOKI_ANY]),
    body=st.binary(max_size=200) | st.builds(lambda text: text.encode(), st.text(alphabet='{}[]":,a1\\ ')),
)
def test_any_bytes_are_read_or_refused(kind: Any, body: bytes) -> None:
    try:
        for piece in kind.read(kind.unpack(body, 10_000), RECEIVED, UTC, 1000):
            for row in piece.lines.rows():
                check_storable(row)
    except (BodyUnreadable, BodyTooLarge):
        pass


@given(st.data())
def test_of_a_body_that_is_cut_off_the_lines_before_are_kept(data: Any) -> None:
    entries: Any = [(AT * 1000, f"line {number}", {}) for number in range(5)]
    body = pushed(('{a="b"}', entries), ('{c="d"}', entries))
    text = json.dumps({"streams": [{"stream": {"a": "b"}, "values": [[NS, f"line {n}"] for n in range(10)]}]}).encode()
    for read, whole in ((loki_protobuf, body), (loki_json, text)):
        cut = data.draw(st.integers(0, len(whole) - 1))
        try:
            pieces = list(read(whole[:cut], RECEIVED, UTC, 1000))
        except BodyUnreadable:
            continue
        found = rows(iter(pieces))
        assert [each["message"] for each in found] == [f"line {n % (5 if read is loki_protobuf else 10)}"
                                                       for n in range(len(found))]  # fmt: skip


def test_a_line_that_cannot_be_read_does_not_keep_the_others_out() -> None:
    values = [[NS, "a"], "b", [NS], [NS, 5], [None, "c", None], {"line": "d"}]
    found = of_json({"streams": [{"stream": {}, "values": values}, {"stream": 3, "values": 4}, {}]})
    assert [each["message"] for each in found] == ["a", "b", f'["{NS}"]', "5", "c", "d"]


def as_stream(labels: bytes, *entries: bytes) -> bytes:
    data = _field(1, labels) + b"".join(_field(2, each) for each in entries)
    return _field(1, data)


def _field(number: int, data: bytes) -> bytes:
    return bytes([number << 3 | 2]) + length(len(data)) + data


#: Cut off, an odd time, too big to be given to the library whole, and a field of another type than an entry has.
BROKEN = (b"\x0a\x05", _field(1, b"\x08"), b"\x12" + length(300_000) + b"x" * 300_000 + b"\x1a\x09", b"\x0b\x0c\x0c")


@pytest.mark.parametrize("broken", BROKEN, ids=["cut off", "its time", "big", "ends a group"])
@pytest.mark.parametrize("count", [1, 20, 1200])
def test_an_entry_that_cannot_be_read_is_refused_alone(broken: bytes, count: int) -> None:
    good = [_field(2, f"line {number}".encode()) for number in range(count)]
    paired = [_field(2, b"paired") + _field(3, _field(1, b"k") + _field(2, b"v"))]
    entries = [*good, broken, *paired, broken, *good]
    body = as_stream(b'{app="a"}', *entries) + as_stream(b'{app="b"}', broken) + as_stream(b'{app="c"}', *good)
    pieces = list(loki_protobuf(body, RECEIVED, UTC, 1000))
    texts = [f"line {number}" for number in range(count)]
    assert [each["message"] for each in rows(iter(pieces))] == [*texts, "paired", *texts, *texts]
    assert sum(piece.refused for piece in pieces) == 3


@pytest.mark.parametrize("broken", BROKEN, ids=["cut off", "its time", "big", "ends a group"])
def test_a_body_without_an_entry_that_can_be_read_is_refused(broken: bytes) -> None:
    with pytest.raises(BodyUnreadable):
        list(loki_protobuf(as_stream(b"{}", broken, broken), RECEIVED, UTC, 1000))


def test_what_comes_instead_of_structured_metadata_is_kept() -> None:
    values = [[NS, "a", ["x"]], [NS, "b", {"k": "v"}, "more"], [NS, "c", None], [NS, "d", {}]]
    found = of_json({"streams": [{"stream": {}, "values": values}]})
    assert [json.loads(each.get("structured_data", "{}")) for each in found] == [
        {"structuredMetadata": ["x"]}, {"structuredMetadata": [{"k": "v"}, "more"]}, {}, {},
    ]  # fmt: skip


def test_names_of_pairs_and_labels_are_told_apart() -> None:
    values = [[NS, "a", {"env": "y", "env_extracted": "z"}]]
    (found,) = of_json({"streams": [{"stream": {"env": "x"}, "values": values}]})
    assert json.loads(found["structured_data"]) == {"env": "x", "env_extracted#1": "y", "env_extracted": "z"}


def test_odd_octets_are_replaced_and_long_lines_cut() -> None:
    stream = LOKI["Stream"](labels=b'{a="\xff"}', entries=[{"line": b"\xfe\0x"}, {"line": b"y" * 500}])
    data = stream.SerializeToString()
    found = of_protobuf(b"\x0a" + length(len(data)) + data, 100)
    assert found[0] == {"message": "\ufffd\ufffdx", "structured_data": '{"a":"\ufffd"}'}
    assert found[1]["message"].startswith("y" * 100 + " [")


def test_snappy_is_measured_before_it_is_unpacked() -> None:
    packed = bytes(cramjam.snappy.compress_raw(b"x" * 1000))
    assert without_snappy(packed, 1000) == b"x" * 1000
    for body in (packed, b"\xff\xff\xff\xff\x0f"):
        with pytest.raises(BodyTooLarge):
            without_snappy(body, 999)
    for body in (b"", b"\x05ab", packed[:-1]):
        with pytest.raises(BodyUnreadable):
            without_snappy(body, 1000)


def test_a_body_without_a_type_is_taken_for_what_it_is() -> None:
    text = json.dumps({"streams": [{"stream": {"app": "p"}, "values": [[NS, "a"]]}]}).encode()
    expected = of_json(json.loads(text))
    packed = bytes(cramjam.snappy.compress_raw(pushed(('{app="p"}', [(AT * 1000, "a", {})]))))
    for body in (text, b" \n" + text, packed):
        unpacked = LOKI_ANY.unpack(body, 10_000)
        assert rows(LOKI_ANY.read(unpacked, RECEIVED, UTC, 1000)) == expected


def test_an_entry_with_very_many_pairs_is_read_without_holding_them_all() -> None:
    entry = LOKI["Entry"](line=b"line", timestamp={"seconds": 1_764_000_000}, pairs=[{"name": b"a", "value": b"b"}])
    inner = entry.SerializeToString() + b"\x1a\x00" * 500_000
    stream = b"\x12" + length(len(inner)) + inner
    (found,) = of_protobuf(b"\x0a" + length(len(stream)) + stream)
    assert (found["message"], json.loads(found["structured_data"])["a"]) == ("line", "b")


def test_copies_of_the_labels_are_bounded_and_no_line_is_lost() -> None:
    labels = '{a="' + "x" * 5000 + '"}'
    stream = LOKI["Stream"](labels=labels.encode(), entries=[{"line": b"."}] * 20_000)
    data = stream.SerializeToString()
    body = b"\x0a" + length(len(data)) + data
    found = of_protobuf(body)
    assert len(found) == 20_000
    assert "structured_data" in found[0]
    assert sum(len(each.get("structured_data", "")) for each in found) < 40 * len(body) + 2_000_000


def test_pairs_of_an_entry_are_kept_when_there_is_no_room_for_more_labels() -> None:
    labels, count = {"a": "x" * 5000, "app": "shop"}, 5000
    text = '{a="' + labels["a"] + '",app="shop"}'
    pairs = [{"n": f"{number}."} if number % 2 else {} for number in range(count)]
    protobuf = pushed((text, [(AT * 1000, ".", each) for each in pairs]))
    as_json = {"streams": [{"stream": labels, "values": [[NS, ".", each] for each in pairs]}]}
    for read, body in ((loki_protobuf, protobuf), (loki_json, json.dumps(as_json).encode())):
        pieces = list(read(body, RECEIVED, UTC, 10_000))
        assert max(piece.size for piece in pieces) < 400_000
        found = [row for piece in pieces for row in piece.lines.rows()]
        assert [json.loads(row[7] or "{}").get("n") for row in found] == [each.get("n") for each in pairs]
        assert {row[4] for row in found} == {"shop"}
        with_labels = ['"a":' in row[7] for row in found]
        assert with_labels[0]
        assert not with_labels[-1]


@pytest.mark.parametrize(("count", "pair_count"), [(1, 30), (900, 1)])
def test_entries_with_pairs_are_read_a_few_at_a_time(count: int, pair_count: int) -> None:
    labels = ",".join(f'l{each}="{"x" * 50}"' for each in range(count))
    pairs = {f"pair{each}": "v" for each in range(pair_count)}
    body = pushed((f"{{{labels}}}", [(AT * 1000, "line", pairs)] * 500))
    pieces = list(loki_protobuf(body, RECEIVED, UTC, 100_000))
    assert sum(len(piece.lines) for piece in pieces) == 500
    # Each may be a piece of work of its own: all at once would hold the reactor, and 30 MB of copies.
    assert max(len(piece.lines) for piece in pieces) < 250
    found = [row for piece in pieces for row in piece.lines.rows()]
    assert {row[8] for row in found} == {"line"}
    assert all(f'"{name}":' in found[0][7] for name in pairs)
