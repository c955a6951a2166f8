"""Lines of real senders (``tests/data/senders``): what they say is read right, and nothing of them is lost."""

from __future__ import annotations

import re
from datetime import UTC
from typing import Any

import pytest
from hypothesis import given, settings

from ppl.sources.framing import Frames
from ppl.sources.line import parse_line
from ppl.sources.timestamp import ZONE_HOURS
from tests.sources.lines import RECEIVED, told
from tests.sources.senders import TEXTS, Entry, entries

ENTRIES = entries()
BEFORE = b"<13>1 2026-11-29T23:55:10.123456Z before app 7 - - the line before\n"
AFTER = b"<13>Nov 30 00:55:14 after app[9]: the line after\n"
# PRI and VERSION, which are no text of the sender's.
_START = re.compile(r"(?:<[0-9]{1,3}> ?)?(?:[0-9]{1,2} (?=[0-9]{4}-[0-9]{2}-|[0-9]{10}\.|- ))?")
_WORD = re.compile(r"[^\W_]+")

each_entry = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)


def _compared(entry: Entry, event: dict[str, Any]) -> None:
    expected = entry.expected()
    assert {column: event[column] for column in expected} == expected, entry.line


def test_names_are_unique() -> None:
    names = [entry.name for entry in ENTRIES]
    assert sorted(names) == sorted(set(names))


@each_entry
def test_a_sender_is_read_as_a_message(entry: Entry) -> None:
    (event,) = entry.parse(Frames(messages=(entry.line.encode(),)))
    _compared(entry, event)


@each_entry
def test_a_sender_is_read_as_a_line(entry: Entry) -> None:
    if "\n" in entry.line:
        pytest.skip("holds a newline, which ends a line")
    line = entry.line.encode() + b"\n"
    (event,) = entry.parse(Frames(block=line))
    _compared(entry, event)
    before, amid, after = entry.parse(Frames(block=BEFORE + line + AFTER))
    _compared(entry, amid)
    assert (before["message"], after["message"]) == ("the line before", "the line after")


@each_entry
def test_nothing_of_a_sender_is_lost(entry: Entry) -> None:
    text = _START.sub("", entry.line, count=1)
    for part in entry.left_out:
        assert part in text
        text = text.replace(part, " ", 1)
    (event,) = entry.parse(Frames(messages=(entry.line.encode(),)))
    kept = {word for column in TEXTS.values() for word in _WORD.findall(event[column])}
    assert set(_WORD.findall(text)) <= kept, event


#: Words that belong to the time, or repeat what the PRI says.
_OF_THE_TIME = {*ZONE_HOURS, "am", "PM", "z", "0100", "2026", "2024", "authpriv", "info"}


@settings(max_examples=2000)
@given(told)
def test_nothing_behind_the_time_is_lost(line_and_words: tuple[str, str]) -> None:
    line, words = line_and_words
    row = parse_line(line.replace("\0", "\ufffd"), RECEIVED, UTC)
    kept = {word for text in row[3:] for word in _WORD.findall(text)}
    assert set(_WORD.findall(words)) - _OF_THE_TIME <= kept, row
