"""Columns of Loki's entries are what the protobuf library reads of each, whatever the entries are made of."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from ppl.sources.loki_columns import entries_in, plain_columns
from ppl.sources.loki_messages import LOKI
from tests.fixtures.protocol_bodies import field

_times = st.builds(
    lambda seconds, nanos: LOKI["Stamp"](seconds=seconds, nanos=nanos).SerializeToString(),
    st.sampled_from((0, 1, 1_764_000_000, 2**40)),
    st.sampled_from((0, 5, 300, 20_000, 3_000_000, 999_999_999)),
)
# Fields of a time: usual seconds and nanos, the same in more bytes than needed, packed, and what is none of them.
_SECONDS, _NANOS = b"\x08\x80\xb8\x99\xc9\x06", b"\x10\x05"
_odd_times = st.builds(
    b"".join,
    st.lists(
        st.sampled_from((
            _SECONDS, _NANOS, b"\x08\x80\xb8\x99\xc9\x86\x00", b"\x10\x85\x00", b"\x08\x05", b"\x10\xff\x7f",
            b"\x0a\x02\x05\x06", b"\x12\x02\x05\x06", b"\x08\x80\x80\x80\x80\x80\x10", b"\x18\x01", b"\x08",
        )),
        max_size=4,
    ),
)  # fmt: skip
_texts = st.sampled_from((b"", b"a", b"\x0a\x02\x08\x01", b"x" * 127, b"y" * 128, b"z" * 300, b"w" * 17_000))
_fields = st.one_of(
    st.builds(lambda time: field(1, time), st.one_of(_times, _odd_times)),
    st.builds(lambda text: field(2, text), _texts),
    st.sampled_from((field(3, field(1, b"k")), field(4, b"?"), b"\x28\x01", b"\x0a", b"\x12\x7f", b"\x12\x81\x00q")),
)
_plain = st.builds(lambda time, text: field(1, time) + field(2, text), _times, _texts)
_odd = st.one_of(
    st.builds(b"".join, st.lists(_fields, max_size=4)),
    st.builds(lambda time, text: field(1, time) + field(2, text), _odd_times, _texts),
)

_TIME = field(1, LOKI["Stamp"](seconds=1_764_000_000, nanos=5).SerializeToString())


@given(st.one_of(st.lists(_plain, min_size=1), st.lists(st.one_of(_plain, _odd), min_size=1)))
@example([_TIME + field(2, b"a"), _TIME + field(2, b"b" * 200)])
# One entry has two times and no line, the next the reverse.
@example([_TIME + _TIME, field(2, b"a" * 6) + field(2, b"b")])
# One time has two seconds, another two nanos.
@example([field(1, _SECONDS + _NANOS + _SECONDS) + field(2, b"a"), field(1, _SECONDS + _NANOS * 2) + field(2, b"b")])
@example([field(1, _SECONDS + _NANOS * 2) + field(2, b"a"), field(1, _SECONDS + b"\x18\x10") + field(2, b"b")])
# The line of the first entry would go on in the second.
@example([_TIME + b"\x12\x09a", _TIME + field(2, b"b")])
def test_columns_are_what_the_library_reads_of_each_entry(entries: list[bytes]) -> None:
    columns = plain_columns(entries)
    if columns is None:
        return
    read = [LOKI["Entry"].FromString(each) for each in entries]
    assert list(columns[0]) == [each.timestamp.seconds * 1_000_000 + each.timestamp.nanos // 1000 for each in read]
    assert list(columns[1]) == [each.line for each in read]
    assert not any(each.pairs for each in read)


@given(st.lists(_plain, min_size=1))
def test_entries_as_clients_write_them_are_plain(entries: list[bytes]) -> None:
    read = [LOKI["Entry"].FromString(each) for each in entries]
    if all(0 < len(each.line) < 16_384 for each in read):
        assert plain_columns(entries) is not None


@given(st.lists(st.one_of(_plain, _odd)), st.binary(max_size=50))
def test_a_stream_has_its_first_labels_and_all_entries(entries: list[bytes], labels: bytes) -> None:
    stream = field(1, labels) + b"".join(field(2, each) for each in entries) + field(1, b"{later}") + b"\x28\x01"
    assert entries_in(stream) == (labels, entries)


def test_a_stream_that_is_cut_off_is_none() -> None:
    stream = field(1, b"{}") + field(2, b"entry")
    assert entries_in(stream[:-1]) is None
