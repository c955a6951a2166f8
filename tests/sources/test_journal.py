"""systemd's journal as it is uploaded: entries in each form, cut anywhere, and bodies that lie."""

from __future__ import annotations

import json
from datetime import UTC
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppl.sources.bodies import PIECE_BYTES, PIECE_LINES, BodyUnreadable
from ppl.sources.journal import JournalEntries, journal_body
from ppl.sources.journal_export import ExportReader
from tests.fuzz.targets import check_storable
from tests.sources.exports import BOOT, SERIES, cursor, entry, field
from tests.sources.lines import RECEIVED, micros
from tests.sources.test_loki import rows

AT = micros(2026, 11, 24, 10, 0, 0, micro=123456)


def read(body: bytes, most: int = 10_000) -> list[dict[str, Any]]:
    found = rows(journal_body(body, RECEIVED, UTC, most))
    for each in found:
        if "structured_data" in each:
            each["structured_data"] = json.loads(each["structured_data"])
    return found


def keys_of(body: bytes) -> list[Any]:
    return [key for piece in journal_body(body, RECEIVED, UTC, 1000) for key in piece.keys]


def test_the_fields_of_an_entry_become_columns() -> None:
    body = entry(
        1, "it broke", AT, PRIORITY="3", SYSLOG_FACILITY="4", SYSLOG_IDENTIFIER="sshd", _PID="811", _COMM="sshd",
        _HOSTNAME="vm", _UID="0", _SYSTEMD_UNIT="ssh.service", _MACHINE_ID="0" * 32, _CAP_EFFECTIVE="1ffffffffff",
        CODE_FILE="src/a.c",
    )  # fmt: skip
    assert read(body) == [
        {
            "created_at": AT, "facility": 4, "severity": 3, "hostname": "vm", "file_name": "sshd", "procid": "811",
            "message": "it broke",
            "structured_data": {
                "_BOOT_ID": BOOT, "_COMM": "sshd", "_UID": "0", "_SYSTEMD_UNIT": "ssh.service", "CODE_FILE": "src/a.c"
            },
        }
    ]  # fmt: skip


def test_binary_fields_hold_whatever_bytes() -> None:
    assert [each["message"] for each in read(entry(1, b"first\nsecond\n\nthird\n"))] == ["first\nsecond\n\nthird"]
    (found,) = read(entry(1, b"caf\xe9 \0", DATA=b"\x01\n\n=\n\n"))
    assert found["message"] == "caf\ufffd ", "the NUL at the end is left out"
    assert found["structured_data"]["DATA"] == "\x01\n\n=\n\n"


def test_the_program_is_named_by_its_identifier_or_by_its_file() -> None:
    (found,) = read(entry(1, "m", _COMM="cron", SYSLOG_PID="9"))
    assert (found["file_name"], found["procid"]) == ("cron", "9")
    assert found["structured_data"] == {"_BOOT_ID": BOOT}


def test_the_time_is_the_programs_or_journalds() -> None:
    (found,) = read(entry(1, "m", AT, _SOURCE_REALTIME_TIMESTAMP=str(AT - 5)))
    assert (found["created_at"], found["structured_data"]) == (AT - 5, {"_BOOT_ID": BOOT})
    (found,) = read(entry(1, "m", AT, _SOURCE_REALTIME_TIMESTAMP="99999999999999999"))
    assert found["created_at"] == AT
    assert found["structured_data"]["_SOURCE_REALTIME_TIMESTAMP"] == "99999999999999999"
    (found,) = read(entry(1, "m", 17))
    assert "created_at" not in found
    assert found["structured_data"]["__REALTIME_TIMESTAMP"] == "17"


def test_fields_that_come_again_are_a_list_and_odd_values_stay() -> None:
    body = entry(1, "m", TAG="a", PRIORITY="9", EMPTY="")[:-1] + b"TAG=b\nTAG=c\nMESSAGE=again\n\n"
    (found,) = read(body)
    assert (found["message"], found.get("severity")) == ("m", None)
    assert found["structured_data"] == {
        "_BOOT_ID": BOOT, "TAG": ["a", "b", "c"], "PRIORITY": "9", "EMPTY": "", "MESSAGE": ["again"]
    }  # fmt: skip


def test_a_level_in_the_text_counts_where_there_is_no_priority() -> None:
    assert [each["severity"] for each in read(entry(1, "ERROR shop: broke") + entry(2, "[warn] x"))] == [3, 4]


def test_entries_without_a_message_or_with_nothing_at_all() -> None:
    (found,) = read(entry(1, None, COREDUMP_EXE="/bin/x") + entry(2, None) + b"\n\n")
    assert "message" not in found
    assert found["structured_data"]["COREDUMP_EXE"] == "/bin/x"
    assert read(b"") == []


def test_each_entry_has_its_cursor_as_key() -> None:
    body = entry(9, "a") + entry(10, "b").replace(cursor(10).encode(), b"another-form") + b"MESSAGE=c\n\n"
    assert keys_of(body) == [(f"{SERIES} {BOOT}", 9), ("another-form", 0), None]


def test_what_comes_last_without_a_blank_line_is_kept_but_not_known() -> None:
    whole = entry(1, "one")
    body = whole + entry(2, "two")
    assert [each["message"] for each in read(body[:-1])] == ["one", "two"]
    assert [each["message"] for each in read(body[:-2])] == ["one", "two"]
    assert keys_of(body[:-1]) == [(f"{SERIES} {BOOT}", 1)]
    assert [each["message"] for each in read(whole + entry(2, None))] == ["one"]


def test_an_entry_is_given_as_soon_as_it_is_whole() -> None:
    entries = JournalEntries(UTC, 1000)
    body = entry(1, b"two\nlines")
    assert [len(piece.lines) for piece in entries.feed(body[:-1], RECEIVED)] == []
    assert [len(piece.lines) for piece in entries.feed(body[-1:] + body[:40], RECEIVED)] == [1]


@pytest.mark.parametrize(
    "spoiled",
    [
        b"hello world\nMESSAGE=x\n\n",
        b"MESSAGE\n" + (1 << 62).to_bytes(8, "little") + b"x\n\n",
        b"MESSAGE\n" + (3).to_bytes(8, "little") + b"abcdef\n\n",
        b"=x\n\n",
        b"A" * 300 + b"=x\n\n",
    ],
)
def test_an_entry_that_cannot_be_read_keeps_no_other_out(spoiled: bytes) -> None:
    pieces = list(journal_body(entry(1, "before") + spoiled + entry(2, "after"), RECEIVED, UTC, 1000))
    assert [row[-1] for piece in pieces for row in piece.lines.rows()] == ["before", "after"]
    assert sum(piece.refused for piece in pieces) == 1


def test_another_format_is_refused() -> None:
    for body in (b'{"MESSAGE": "x"}\n', b"<13>a line\n<13>another\n", b"x" * 5000):
        with pytest.raises(BodyUnreadable, match="Journal Export Format"):
            read(body, 100)


def test_long_values_and_many_fields_are_cut() -> None:
    long = b"x" * 5000
    for message in (long, b"\n" + long):
        (found,) = rows(journal_body(entry(1, message) + entry(2, None), RECEIVED, UTC, 100))
        assert found["message"].endswith("[cut by Ppl at 100 bytes]")
    many = b"".join(field(f"F{number}", b"v") for number in range(3000)) + b"MESSAGE=m\n\n"
    (found,) = read(many, 100_000)
    assert len(found["structured_data"]) == 1024


def test_pieces_are_small() -> None:
    body = b"".join(entry(number, "x" * 50) for number in range(5000))
    pieces = list(journal_body(body, RECEIVED, UTC, 1000))
    assert all(piece.size < PIECE_BYTES + 500 and len(piece.lines) <= PIECE_LINES for piece in pieces)
    assert sum(len(piece.lines) for piece in pieces) == 5000


VALUES = st.one_of(st.binary(max_size=60), st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace")))
FIELDS = st.lists(st.tuples(st.sampled_from(["MESSAGE", "TAG", "_PID", "PRIORITY", "X"]), VALUES), max_size=6)


@given(st.lists(FIELDS, max_size=6), st.integers(1, 90))
def test_it_is_read_back_however_it_is_cut(entries: list[list[tuple[str, bytes]]], size: int) -> None:
    body = b"".join(b"".join(field(*each) for each in fields) + b"\n" for fields in entries)
    reader = ExportReader(1000)
    found = [
        each.fields
        for start in range(0, len(body), size)
        for each in reader.feed(body[start : start + size])
    ]  # fmt: skip
    assert found == [[(name.encode(), value) for name, value in fields] for fields in entries if fields]
    assert list(reader.finish()) == []
    assert reader.spoiled == 0


PARTS = st.one_of(
    st.binary(max_size=12),
    st.sampled_from(
        [
            entry(1, "m"),
            entry(2, b"a\nb"),
            b"MESSAGE=",
            b"MESSAGE\n",
            (2).to_bytes(8, "little"),
            b"\n",
            b"\n\n",
            b"x" * 300,
        ]
    ),
)


@given(st.lists(PARTS, max_size=8).map(b"".join), st.integers(1, 90))
def test_any_bytes_are_read_alike_however_they_are_cut(body: bytes, size: int) -> None:
    def read_in(size: int) -> tuple[Any, ...]:
        reader = ExportReader(40)
        found = []
        for start in range(0, len(body), size):
            found += list(reader.feed(body[start : start + size]))
            assert len(reader._rest) <= 256 + 300
            assert len(reader._value) <= 256
        return [*found, *reader.finish()], reader.spoiled

    assert read_in(size) == read_in(len(body) + 1)


@given(st.lists(PARTS, max_size=8).map(b"".join))
def test_any_bytes_can_be_stored(body: bytes) -> None:
    entries = JournalEntries(UTC, 100)
    for piece in entries.feed(body, RECEIVED):
        for row in piece.lines.rows():
            check_storable(row)
