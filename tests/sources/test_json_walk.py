"""Long values of JSON are read in part or passed over, in steps, as their whole would be."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppl.sources import json_walk
from ppl.sources.bodies import BodyUnreadable
from ppl.sources.json_walk import BIG, JsonWalk, part_of_value

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.text(max_size=60),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=4), inner, max_size=6),
    max_leaves=30,
)


def last(steps: Generator[None, None, Any]) -> Any:
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return done.value


@pytest.fixture(autouse=True, scope="module")
def _small_windows() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_walk, "WINDOW_OF_VALUE", 64)
        patch.setattr(json_walk, "_STEP", 16)
        yield


@given(_VALUES, st.booleans(), st.sampled_from([None, 1]))
def test_a_long_value_with_room_for_all_is_the_same(value: Any, is_ascii: bool, indent: int | None) -> None:
    text = json.dumps([value, 5], ensure_ascii=is_ascii, indent=indent)
    for read in (lambda walk: last(part_of_value(walk, 1000)), lambda walk: last(walk.pass_over())):
        walk = JsonWalk(text)
        found = []
        for _ in walk.elements():
            inner = walk.value_within()
            found.append(read(walk) if inner is BIG else inner)
        assert found[-1] == 5
        assert found[0] in (value, None) or "\\ud" in text
        assert walk.at == len(text)


@given(_VALUES, st.integers(1, 40))
def test_of_a_long_value_a_part_is_kept_and_the_walk_is_behind_it(value: Any, most: int) -> None:
    text = json.dumps(value, ensure_ascii=False) + ' , "rest"'
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_walk, "_MOST_VALUES", 3)
        patch.setattr(json_walk, "_MOST_KEPT", 10)
        walk = JsonWalk(text)
        if walk.value_within() is BIG:
            last(part_of_value(walk, most))
        assert text[walk.at :] == ' , "rest"'


@given(st.text(alphabet='{}[]",:a1\\ ', max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    for whole in (text, "[" + text, '{"aaaaaaaa":' + text):
        walk = JsonWalk(whole)
        try:
            found = walk.value_within()
            if found is BIG:
                last(part_of_value(walk, 5))
        except BodyUnreadable:
            continue
        assert 0 < walk.at <= len(whole)


def test_a_million_blanks_are_passed_over_and_more_are_no_json() -> None:
    blanks = " " * (1 << 20)
    assert JsonWalk(f"{blanks[1:]}7").value() == 7
    walk = JsonWalk(f"[{blanks}7]")
    with pytest.raises(BodyUnreadable, match="at character 1"):
        next(walk.elements())
        walk.value()
