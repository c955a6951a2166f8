"""Nothing of a line is lost: a search for a word finds the line, whichever field the word came into."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from ppl.model import Events
from ppl.search.canonical import quoted
from ppl.sources.framing import Framer
from ppl.sources.message import parse_message
from tests.search.asking import ask
from tests.sources.lines import RECEIVED
from tests.store.samples import HERE

#: RFC 5424, 6: PRINTUSASCII; the lengths are shorter than it allows.
_NAMES = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12)
_FIELDS = st.just("-") | _NAMES
_SD_NAMES = st.text(st.sampled_from("abcXYZ019@._-"), min_size=1, max_size=8)
_WORDS = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=8)
_VALUES = st.lists(_WORDS, max_size=3).map(" ".join).map(lambda text: re.sub(r'(["\\\]])', r"\\\1", text))
_PARAMETERS = st.lists(st.builds(' {}="{}"'.format, _SD_NAMES, _VALUES), max_size=3).map("".join)
_ELEMENTS = st.lists(st.builds("[{}{}]".format, _SD_NAMES, _PARAMETERS), min_size=1, max_size=2).map("".join)
_MESSAGES = st.lists(_WORDS, max_size=4).map(" ".join)
_LINES = st.builds("{} {} {} {} {} {}".format, _FIELDS, _FIELDS, _FIELDS, _FIELDS, st.just("-") | _ELEMENTS, _MESSAGES)


def stored(line: str) -> Events:
    """The event of a line that comes over TCP."""
    framer = Framer(100_000)
    frames = framer.feed(f"<13>1 2026-11-24T11:00:00Z {line}\n".encode())
    return Events(HERE, "192.0.2.1", RECEIVED, parse_message(frames, RECEIVED))


@settings(max_examples=300)
@given(_LINES)
def test_each_word_of_a_line_finds_it(line: str) -> None:
    (event,) = stored(line)
    for word in line.split(" "):
        # "-" is RFC 5424's sign for a field without a value.
        if word not in ("", "-"):
            assert ask(quoted(word)).predicate()(event), (word, event)
