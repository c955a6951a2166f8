"""Severities of many texts at once are those of each alone, and a text is only searched if it could name one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ppl.sources.level_columns import levels_of_all
from ppl.sources.levels import LEVELS, MOST_OF_TEXT, TELLING, WORDS_ONLY, level_of, searched_level

_WORDS = st.sampled_from([
    *LEVELS, *map(str.upper, LEVELS), *map(str.capitalize, LEVELS), "level=", '"level":', "LEVEL=warn", "lvl=w", "@l:",
    "log.level=error", "severity_text=err", "severityText:", "PRIORITY=3", "50", "<3>", "<8>", "E1130 00:55:12:",
    "W, [2026-", "[warn]", "(ERROR)", "<app:error>", "GET", "orders", "é", "\u3000", "x" * 250, "2026-11-30",
    "levelname", "[E] x", "[D] x", "[ warn]", "7:M 30 Nov 2026 00:55:12.123 # x", "7:S 30 Nov 00:55:12.123 - x", "7:X ",
    "W  NETWORK  [c] x", "D2 -        [c] x", "info hostd[7]", "system,error x", "kern  :err   : x", "WIN-1 ERROR x",
    "7  8 V Audio: x", "V/Audio( 7): x", "[ 11-30 00:55:12.123  7: 8 V/Audio ]", "[V] x", "\x1b[2K", "\x1b[31m",
    ',,7,,1,1,,2026-11-30 00:50:00 CET,,0,LOG,00000,"', '{"t":{"$date":"2026-11-30T00:55:12.123Z"},"s":"E",',
])  # fmt: skip
_ANY_TEXTS = st.lists(
    st.one_of(_WORDS, st.sampled_from(list(" :=,|[]()<>\n\t.-/_\"'\0")), st.text(max_size=3)), max_size=8
).map("".join)
_TEXTS = _ANY_TEXTS.map(lambda text: text.replace("\0", ""))


@given(st.lists(_TEXTS, max_size=6))
def test_they_are_those_of_each_text_alone(texts: list[str]) -> None:
    assert levels_of_all(texts) == [level_of(text) for text in texts]


@given(_ANY_TEXTS)
def test_a_text_without_a_telling_word_names_none_wherever_it_is_searched(text: str) -> None:
    text = text[:MOST_OF_TEXT]
    if TELLING.isdisjoint(text.encode("utf-8", "replace").translate(WORDS_ONLY).split()):
        assert searched_level(text) is None
