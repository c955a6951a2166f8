"""Frames: events come back as they were; what was damaged, exchanged or cut off is noticed."""

from __future__ import annotations

import random
import struct
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.lines import site_rows
from ppl.model import Event
from ppl.packed.dictionary import trained_dictionary
from ppl.packed.frame import (
    MOST_EVENTS,
    MOST_TEXT_BYTES,
    FrameDamaged,
    OpenFrame,
    frame_ends,
    frame_head,
    pack_frame,
)
from tests.packed.events import rows

#: Events of a site, and a dictionary trained on others of it.
SITE = site_rows(MOST_EVENTS)
DICTIONARY = trained_dictionary([site_rows(MOST_EVENTS, seed) for seed in range(2, 12)])


@given(rows(), st.integers(0, 2**63 - 1), st.booleans())
def test_events_come_back(events: list[tuple[Any, ...]], destination_id: int, has_dictionary: bool) -> None:
    dictionary = DICTIONARY if has_dictionary else None
    frame = OpenFrame(destination_id, pack_frame(destination_id, events, dictionary), dictionary)
    assert frame.rows() == events
    assert (frame.head.first_id, frame.head.count) == (events[0][0], len(events))
    assert frame.head.has_dictionary == has_dictionary
    texts = set(frame.words.split("\0"))
    assert all(value in texts for event in events for value in event if isinstance(value, str))


@pytest.mark.parametrize("count", [1, 2, 255, 256, MOST_EVENTS])
def test_a_frame_of_a_site_comes_back(count: int) -> None:
    assert OpenFrame(1, pack_frame(1, SITE[:count], DICTIONARY), DICTIONARY).rows() == SITE[:count]


def test_every_event_may_have_names_of_its_own() -> None:
    events = [
        attrs.astuple(Event(at, at, f"192.0.2.{at % 250}", f"p{at}", "", f"h{at}", f"{at}", f"m{at}", f"s{at}"))
        for at in range(600)
    ]
    assert OpenFrame(1, pack_frame(1, events)).rows() == events


def test_a_dictionary_saves_a_good_part() -> None:
    assert DICTIONARY is not None
    assert len(pack_frame(1, SITE, DICTIONARY)) < len(pack_frame(1, SITE)) * 0.9


def test_few_events_need_no_dictionary() -> None:
    assert trained_dictionary([SITE[:3]]) is None
    assert trained_dictionary([]) is None


@given(st.data())
def test_whatever_bit_is_flipped_is_noticed(data: st.DataObject) -> None:
    frame = bytearray(pack_frame(7, SITE[:20], DICTIONARY))
    position = data.draw(st.integers(0, len(frame) * 8 - 1))
    frame[position // 8] ^= 1 << position % 8
    with pytest.raises(FrameDamaged):
        OpenFrame(7, bytes(frame), DICTIONARY).rows()


@pytest.mark.parametrize("size", [0, 1, 15, 16, 30, -1])
def test_a_frame_that_is_cut_off_is_noticed(size: int) -> None:
    with pytest.raises(FrameDamaged):
        OpenFrame(7, pack_frame(7, SITE[:20])[:size])


def test_a_frame_of_another_destination_is_noticed() -> None:
    with pytest.raises(FrameDamaged):
        OpenFrame(8, pack_frame(7, SITE[:20]))


def test_a_frame_of_a_later_version_says_so() -> None:
    frame = b"\x02" + pack_frame(7, SITE[:20])[1:]
    with pytest.raises(FrameDamaged, match="form 2"):
        frame_head(frame)


def test_a_frame_without_its_dictionary_is_refused() -> None:
    frame = pack_frame(7, SITE, DICTIONARY)
    with pytest.raises(FrameDamaged):
        OpenFrame(7, frame)
    other = trained_dictionary([site_rows(MOST_EVENTS, seed) for seed in range(20, 30)])
    with pytest.raises(FrameDamaged):
        OpenFrame(7, frame, other)


def test_what_no_event_has_cannot_be_packed() -> None:
    event = Event(1, 1, "192.0.2.1", "a", "b")
    for wrong in (attrs.evolve(event, message="\0"), attrs.evolve(event, hostname="a\0b")):
        with pytest.raises(ValueError, match="NUL"):
            pack_frame(1, [attrs.astuple(wrong)])
    with pytest.raises(struct.error):
        pack_frame(1, [attrs.astuple(event)] * 65_536)


@given(st.lists(st.integers(0, MOST_TEXT_BYTES * 2), max_size=1000))
def test_frames_end_before_they_are_too_large(sizes: list[int]) -> None:
    ends = list(frame_ends(sizes))
    assert (ends[-1] if ends else 0) == len(sizes)
    for begin, end in zip([0, *ends], ends, strict=False):
        assert 1 <= end - begin <= MOST_EVENTS
        assert end - begin == 1 or sum(sizes[begin:end]) <= MOST_TEXT_BYTES
        full = end - begin == MOST_EVENTS or end == len(sizes)
        assert full or sum(sizes[begin : end + 1]) > MOST_TEXT_BYTES


def test_events_in_any_order_of_programs_come_back_in_order_of_id() -> None:
    draw = random.Random(1)
    events = [
        attrs.astuple(Event(at, at, "192.0.2.1", draw.choice("abcd"), str(at), draw.choice(["", "h1", "h2"])))
        for at in range(100)
    ]
    assert OpenFrame(1, pack_frame(1, events)).rows() == events
