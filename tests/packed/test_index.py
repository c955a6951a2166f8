"""The index of a segment: whatever text a frame has, the index says that it may have it."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.lines import site_rows
from ppl.packed.frame import FrameDamaged, OpenFrame, pack_frame
from ppl.packed.index import (
    MOST_FRAMES,
    IndexBuilder,
    IndexChunk,
    Needed,
    SegmentIndex,
    frames_that_may_have,
    index_text,
)
from ppl.packed.keys import KEYS, KeyFinder, keys_of
from ppl.search.regex.folding import fold

#: Texts with what the keys treat apart: identifiers, other bytes, NUL between texts.
pieces = st.sampled_from(
    ["0a1b2c3d4e5f", "192.0.2.77", "12:34:56.789", "10", "ab", "\0", "x", " ", "\u00e4\u4e2d", "-"]
)
words = st.lists(pieces | st.text(max_size=10), max_size=20).map("".join)


def index_of(frames: list[str]) -> SegmentIndex:
    builder = IndexBuilder()
    for each in frames:
        builder.add(each)
    return builder.finish()


def may_have(index: SegmentIndex, *groups: set[str]) -> set[int]:
    """The frames in which at least one text of each group may occur."""
    found = frames_that_may_have(Needed.of(groups), index.frames, index.frames_with)
    return {number for number in range(index.frames) if found >> number & 1}


@settings(max_examples=500)
@given(words)
def test_the_keys_of_a_frame_are_those_of_its_texts(texts: str) -> None:
    expected = {key for text in texts.split("\0") for key in keys_of(text.encode("utf-8", "surrogatepass"))}
    finder = KeyFinder()
    for _ in range(2):
        found = finder.keys(texts.encode("utf-8", "surrogatepass")).tolist()
        assert found == sorted(expected)
    assert all(0 <= key < KEYS for key in found)


@settings(max_examples=300)
@given(words, st.data())
def test_a_text_has_every_key_of_a_part_of_it(texts: str, data: st.DataObject) -> None:
    whole = texts.replace("\0", "").encode("utf-8", "surrogatepass")
    begin = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(begin, len(whole)))
    assert set(keys_of(whole[begin:end])) <= set(keys_of(whole))


@settings(max_examples=200)
@given(st.lists(words, min_size=1, max_size=40), st.data())
def test_whatever_a_frame_has_may_be_in_it(frames: list[str], data: st.DataObject) -> None:
    index = index_of(frames)
    number = data.draw(st.integers(0, len(frames) - 1))
    text = data.draw(st.sampled_from(index_text(frames[number]).decode("utf-8", "surrogatepass").split("\0")))
    begin = data.draw(st.integers(0, len(text)))
    part = text[begin : data.draw(st.integers(begin, len(text)))]
    assert number in may_have(index, {part})
    assert number in may_have(index, {part, "nowhere at all"}, {text})


@pytest.mark.parametrize("count", [1, 2, 3, 7, 8, 9, 100, 255, 256, 257, MOST_FRAMES])
def test_an_index_of_any_number_of_frames_finds_what_only_one_of_them_has(count: int) -> None:
    draw = random.Random(count)
    own = [f"{draw.getrandbits(64):016x}" for _ in range(count)]
    shared = ["every frame has this", "some"]
    frames = [f"{shared[0]}\0id={each}\0{shared[1] if number % 3 else ''}" for number, each in enumerate(own)]
    index = index_of(frames)
    assert index.frames == count
    assert len(index.chunks) <= index.chunk_count <= max(8, MOST_FRAMES)
    for number in draw.sample(range(count), min(count, 30)):
        assert may_have(index, {own[number]}) == {number}
        assert may_have(index, {own[number][3:]}) == {number}
    assert may_have(index, {shared[0]}) == set(range(count))
    assert may_have(index, {"some"}) >= {number for number in range(count) if number % 3}
    assert may_have(index, {"no frame has these words"}) == set()
    assert may_have(index, {own[0], own[-1]}) == {0, count - 1}
    if count > 1:
        assert may_have(index, {own[0]}, {own[-1]}) == set()


def test_lines_of_a_site_are_found_and_few_frames_are_opened_for_nothing() -> None:
    rows = site_rows(20_000)
    frames = [OpenFrame(1, pack_frame(1, rows[begin : begin + 100])).words for begin in range(0, len(rows), 100)]
    index = index_of(frames)
    draw = random.Random(3)
    for _ in range(200):
        row = draw.randrange(len(rows))
        text = fold(rows[row][4])
        begin = draw.randrange(len(text))
        assert row // 100 in may_have(index, {text[begin : begin + draw.randrange(40)]})
    for make in (lambda: f"{draw.randrange(10**9, 10**10)}", lambda: f"{draw.getrandbits(48):012x}"):
        assert sum(len(may_have(index, {make()})) for _ in range(50)) < 50 * len(frames) * 0.01


def test_colours_and_case_are_left_out() -> None:
    index = index_of(["\x1b[31mE\x1b[0mrror WHILE Opening \u0130stanbul"])
    assert may_have(index, {"error while opening"}) == {0}
    assert may_have(index, {"istanbul"}) == {0}
    assert may_have(index, {"[31m"}) == set()


def test_short_texts_rule_nothing_out() -> None:
    index = index_of(["abc", "xyz"])
    assert may_have(index, {"q"}) == may_have(index, {"qq"}) == may_have(index, set[str]({""})) == {0, 1}
    assert may_have(index, {"qq", "abc"}) == {0, 1}
    assert may_have(index) == {0, 1}
    assert may_have(index, {"abc"}, {"q"}) == {0}


def test_an_index_without_texts_has_no_chunks() -> None:
    index = index_of(["", "ab"])
    assert index.chunks == {}
    assert may_have(index, {"abc"}) == set()


@given(st.data())
def test_whatever_bit_of_a_chunk_is_flipped_is_noticed(data: st.DataObject) -> None:
    index = index_of(["some words", "and others 192.0.2.1"])
    number, chunk = next(iter(index.chunks.items()))
    damaged = bytearray(chunk)
    position = data.draw(st.integers(0, len(damaged) * 8 - 1))
    damaged[position // 8] ^= 1 << position % 8
    with pytest.raises(FrameDamaged):
        IndexChunk(bytes(damaged), index.frames, index.chunk_count)
    with pytest.raises(FrameDamaged):
        IndexChunk(chunk[: position % len(chunk)], index.frames, index.chunk_count)
    assert number < index.chunk_count
