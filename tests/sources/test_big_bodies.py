"""Bodies that hold very much of one thing are read in many steps, and nothing of what can be read is lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC
from typing import Any

import pytest

from ppl.sources.bodies import BodyUnreadable, json_body
from ppl.sources.hec import hec_events
from ppl.sources.kinds import Piece, Read
from ppl.sources.loki import loki_json, loki_protobuf
from ppl.sources.otlp import otlp_json, otlp_protobuf
from tests.fixtures.protocol_bodies import (
    hostile_json,
    hostile_loki,
    hostile_otlp,
    in_loki_json,
    in_object,
    in_otlp_json,
    loki_body,
    otlp_body,
)
from tests.fuzz.targets import check_storable
from tests.sources.lines import RECEIVED

SIZE = 600_000
MOST = 2000


def whole(read: Read, body: bytes) -> tuple[list[tuple[Any, ...]], int, int]:
    """The rows, the refused records and the steps."""
    rows: list[tuple[Any, ...]] = []
    refused = steps = 0
    for piece in read(body, RECEIVED, UTC, MOST):
        rows += piece.lines.rows()
        refused += piece.refused
        steps += 1
    for row in rows:
        check_storable(row)
    return rows, refused, steps


@pytest.mark.parametrize("name", hostile_loki(100))
def test_lokis(name: str) -> None:
    body = hostile_loki(SIZE)[name]
    if name == "lengths that lie":
        with pytest.raises(BodyUnreadable):
            whole(loki_protobuf, body)
        return
    rows, refused, _ = whole(loki_protobuf, body)
    lines = {"lines of one byte": SIZE // 5, "streams of one line": SIZE // 16, "lines of NUL": 0, "one line": 1}
    lines |= {"pairs in one entry": 1, "labels in one stream": 1}
    assert len(rows) == lines.get(name, 0)
    assert refused == 0


@pytest.mark.parametrize("name", hostile_otlp(100))
def test_opentelemetrys(name: str) -> None:
    rows, refused, _ = whole(otlp_protobuf, hostile_otlp(SIZE)[name])
    assert refused == (SIZE // 2 if name == "empty records" else 0)
    assert bool(rows) == (name not in ("empty records", "scopes without records", "resources without scopes"))


VALUES = hostile_json(SIZE)
WHOLE = [name for name in VALUES if name not in ("depth", "a text without end", "an object that breaks off")]


@pytest.mark.parametrize("name", WHOLE)
def test_of_a_long_value_in_a_record_a_part_is_kept_and_the_message_beside_it(name: str) -> None:
    body = in_otlp_json(VALUES[name])
    rows, refused, steps = whole(otlp_json, body)
    assert ([row[-1] for row in rows], refused) == (["m"], 0)
    assert steps > 2
    for read, around in ((hec_events, b'{"event":%s}'), (json_body, b"%s")):
        (row,), refused, steps = whole(read, around % (b'{"message":"m","x":%s}' % VALUES[name]))
        assert (row[-1], refused) == ("m", 0)
        assert steps > 2
    rows, refused, steps = whole(loki_json, in_loki_json(VALUES[name]))
    # Of a line of nothing but line ends nothing is left.
    assert len(rows) == (name != "a text of escapes")
    assert all(len(row[-1]) <= MOST + 40 for row in rows)
    assert steps > 2


@pytest.mark.parametrize("name", sorted(VALUES.keys() - set(WHOLE)))
def test_a_body_that_cannot_be_read_is_refused(name: str) -> None:
    with pytest.raises(BodyUnreadable):
        whole(otlp_json, in_otlp_json(VALUES[name]))


@pytest.mark.parametrize("name", sorted(VALUES.keys() - set(WHOLE)))
@pytest.mark.parametrize("read", [hec_events, json_body])
def test_what_is_no_json_is_a_line(read: Read, name: str) -> None:
    (row,), _, _ = whole(read, in_object(VALUES[name]))
    assert row[-1].startswith('{"event":{"message":"m"')
    assert row[-1].endswith("[cut by Ppl at 2000 bytes]")


def test_records_after_a_long_value_are_read_too() -> None:
    value = json.dumps({"values": ["x"] * 100_000, "message": "long"})
    text = f'[{{"message":"first"}},{value},{{"message":"last"}}]'.encode()
    rows, _, _ = whole(json_body, text)
    assert [row[-1] for row in rows][::2] == ["first", "last"]
    rows, _, _ = whole(json_body, text[1:-1].replace(b"},", b"}"))
    assert [row[-1] for row in rows][::2] == ["first", "last"]


@pytest.mark.parametrize(("read", "body"), [(loki_protobuf, loki_body(3000)), (otlp_protobuf, otlp_body(3000))])
def test_usual_bodies_come_in_pieces_that_are_worth_a_submission(read: Read, body: bytes) -> None:
    pieces: Iterator[Piece] = read(body, RECEIVED, UTC, 10_000)
    counts = [len(piece.lines) for piece in pieces if piece.lines]
    assert sum(counts) == 3000
    assert sum(counts) / len(counts) > 20
