"""Times as people write them, asked in Berlin on Wednesday, 2026-11-25, at 14:00."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppl.search.errors import BadValue
from ppl.search.when import parse_time
from tests.search.asking import BERLIN, NOW, micros

TIMES = {
    "now": (2026, 11, 25, 14),
    "today": (2026, 11, 25),
    "yesterday": (2026, 11, 24),
    "yesterday 5:30pm": (2026, 11, 24, 17, 30),
    "5:30 p.m. yesterday": (2026, 11, 24, 17, 30),
    "Yesterday at noon": (2026, 11, 24, 12),
    "tomorrow": (2026, 11, 26),
    "midnight": (2026, 11, 25),
    "3 hours ago": (2026, 11, 25, 11),
    "an hour ago": (2026, 11, 25, 13),
    "1h30m ago": (2026, 11, 25, 12, 30),
    "2 days and 3 hours ago": (2026, 11, 23, 11),
    "-15m": (2026, 11, 25, 13, 45),
    "2h": (2026, 11, 25, 12),
    "1 month ago": (2026, 10, 25, 14),
    "a year ago": (2025, 11, 25, 14),
    "5 AM Friday": (2026, 11, 20, 5),
    "friday": (2026, 11, 20),
    "wed 1pm": (2026, 11, 25, 13),
    "wed 3pm": (2026, 11, 18, 15),
    "last wednesday": (2026, 11, 18),
    "last friday at noon": (2026, 11, 20, 12),
    "last week": (2026, 11, 16),
    "last month": (2026, 10, 1),
    "last year": (2025, 1, 1),
    "13:59": (2026, 11, 25, 13, 59),
    "14:01": (2026, 11, 24, 14, 1),
    "5pm": (2026, 11, 24, 17),
    "12am": (2026, 11, 25, 0),
    "12pm": (2026, 11, 25, 12),
    "2026-11-23": (2026, 11, 23),
    "2026/11/23 17:30": (2026, 11, 23, 17, 30),
    "23.11.2026 17:30:05": (2026, 11, 23, 17, 30, 5),
    "Nov 23": (2026, 11, 23),
    "5 nov": (2026, 11, 5),
    "Dec 31": (2025, 12, 31),
    "29 Feb": (2024, 2, 29),
    "November 23rd, 2025 at 5pm": (2025, 11, 23, 17),
    "Nov 2025": (2025, 11, 1),
    "2026-11-23T17:30": (2026, 11, 23, 17, 30),
    "2026-11-23T17:30:05Z": (2026, 11, 23, 18, 30, 5),
    "2026-11-23 17:30 UTC": (2026, 11, 23, 18, 30),
    "2026-11-23T17:30:05+05:00": (2026, 11, 23, 13, 30, 5),
    "2026-11-23 12:00 +0200": (2026, 11, 23, 11),
    "2026-11-23T16:30:05.999999999Z": (2026, 11, 23, 17, 30, 5),
    "2026-11-23 22:00 CET": (2026, 11, 23, 22),
    "2026-07-23 22:00 CET": (2026, 7, 23, 23),
    "2026-11-23 22:00 CEST": (2026, 11, 23, 21),
    "2026-11-23 17:30 EST": (2026, 11, 23, 23, 30),
    "22:00 PST": (2026, 11, 25, 7),
    "2026-11-23 17:30 America/New_York": (2026, 11, 23, 23, 30),
    "2026-11-23 17:30 america/new_york": (2026, 11, 23, 23, 30),
    "17:30 Europe/London": (2026, 11, 24, 18, 30),
    "yesterday 5pm America/Argentina/Buenos_Aires": (2026, 11, 24, 21),
    "23/Nov/2026:17:30:05 +0100": (2026, 11, 23, 17, 30, 5),
    "23/Nov/2026 17:30": (2026, 11, 23, 17, 30),
    "23-Nov-2026 17:30:05": (2026, 11, 23, 17, 30, 5),
    "Mon Nov 23 17:30:05 CET 2026": (2026, 11, 23, 17, 30, 5),
    "Mon Nov 23 05:30:05 PM CET 2026": (2026, 11, 23, 17, 30, 5),
    "Mon, 23 Nov 2026 17:30:05 +0100": (2026, 11, 23, 17, 30, 5),
    "Mon, 23 Nov 2026 16:30:05 GMT": (2026, 11, 23, 17, 30, 5),
    "2026-11-23 17:30:05.123456789 +0100 CET": (2026, 11, 23, 17, 30, 5),
    "2026-11-23 16:30:05 +0000 UTC": (2026, 11, 23, 17, 30, 5),
    "now-1h": (2026, 11, 25, 13),
    "now - 90 minutes": (2026, 11, 25, 12, 30),
    "now-1M": (2026, 10, 25, 14),
    "now-15m": (2026, 11, 25, 13, 45),
    "half an hour ago": (2026, 11, 25, 13, 30),
    "half a day ago": (2026, 11, 25, 2),
    "1.5 hours ago": (2026, 11, 25, 12, 30),
    "ten minutes ago": (2026, 11, 25, 13, 50),
    "this morning": (2026, 11, 25, 6),
    "this afternoon": (2026, 11, 25, 12),
    "yesterday evening": (2026, 11, 24, 18),
    "friday morning": (2026, 11, 20, 6),
    "this week": (2026, 11, 23),
    "this month": (2026, 11, 1),
    "this year": (2026, 1, 1),
    "2 days ago at 3pm": (2026, 11, 23, 15),
    "2 days ago 15:30": (2026, 11, 23, 15, 30),
    "a week ago, noon": (2026, 11, 18, 12),
    "last 24 hours": (2026, 11, 24, 14),
    "the last 7 days": (2026, 11, 18, 14),
    "past 90 minutes": (2026, 11, 25, 12, 30),
    "last two weeks": (2026, 11, 11, 14),
    "1795611600000000999": (2026, 11, 25, 14),
    "1795611600.0": (2026, 11, 25, 14),
    "@1795611600": (2026, 11, 25, 14),
    "1795611600": (2026, 11, 25, 14),
    "1795611600000": (2026, 11, 25, 14),
    "1795611600000000": (2026, 11, 25, 14),
}


@pytest.mark.parametrize("text", TIMES)
def test_a_time_means(text: str) -> None:
    parsed = parse_time(text, BERLIN, NOW)
    assert parsed - parsed % 1_000_000 == micros(*TIMES[text])


def test_parts_of_a_second_count() -> None:
    assert parse_time("2026-11-23T17:30:05.25+01:00", BERLIN, NOW) == micros(2026, 11, 23, 17, 30, 5) + 250_000
    assert parse_time("2026-11-23T16:30:05.123456789Z", BERLIN, NOW) % 1_000_000 == 123_456
    assert parse_time("1795611600.5", BERLIN, NOW) == NOW + 500_000
    assert parse_time("1795611600123456789", BERLIN, NOW) == NOW + 123_456


def test_hours_are_hours_and_days_are_days_when_the_clocks_change() -> None:
    morning = micros(2026, 10, 25, 12)  # the night had 25 hours
    assert parse_time("24 hours ago", BERLIN, morning) == micros(2026, 10, 24, 13)
    assert parse_time("1 day ago", BERLIN, morning) == micros(2026, 10, 24, 12)
    assert parse_time("2026-03-29 02:30", BERLIN, NOW) == micros(2026, 3, 29, 3, 30)  # skipped that night


WRONG = [
    "", "soon", "25:00", "12:60", "13pm", "0am", "2026-13-01", "2026-02-30", "30 feb", "12", "2026", "last",
    "last hour", "noon midnight", "friday monday", "today yesterday", "friday 2026-11-25", "5", "ago", "3 ago",
    "x hours ago", "1e3 hours ago", "2026-11-23T173005", "2026-11-23 12:00 +99:99", "@12", "٣ hours ago", "a" * 101,
    "11/23/2026", "1" * 100, "22:00 Europe/Atlantis", "22:00 ../etc/passwd", "22:00 IST", "22:00 CET PST",
    "22:00 a/b/c",
    "1795611600 Europe/Berlin", "now-", "now-1h/h", "now+1h", "half an hour", "half ago", "1.5 months ago",
    "half a year ago", "an hour and a half ago", "this", "this hour", "this tuesday", "morning evening", "last 24",
    "last hours", "2 hours ago at 3pm", "2 days ago at friday", "2 days ago at 3pm CET", "29/Foo/2026:10:00:00",
    "31/Nov/2026", "179561160.5", "1795611600.", "x ago at 3pm", "2026-11-23 22:00 +0200 CET",
]  # fmt: skip
OUT_OF_RANGE = ["3000 years ago", "999999 months ago", "1969-12-31", "0001-01-01", "9999-12-31T23:59:59-20:00"]


@pytest.mark.parametrize("text", WRONG)
def test_text_that_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(BadValue, match="time"):
        parse_time(text, BERLIN, NOW)


@pytest.mark.parametrize("text", OUT_OF_RANGE)
def test_a_time_out_of_range_is_refused(text: str) -> None:
    with pytest.raises(BadValue, match="1970 and 9999"):
        parse_time(text, BERLIN, NOW)


PIECES = """now today yesterday last friday 5 17:30 am pm ago hours 3 2026-11-23 nov T Z +02:00 - @ . , at 9999 0 months
years 999999 CET EST Europe/Berlin this morning half a now- 1.5 past 29/Nov/2026: 1795611600 +0100 .123456789"""
WORDS = st.sampled_from(PIECES.split())


@given(st.lists(WORDS, max_size=6).map(" ".join) | st.lists(WORDS, max_size=6).map("".join) | st.text(max_size=20))
def test_any_text_is_a_time_or_refused(text: str) -> None:
    try:
        moment = parse_time(text, BERLIN, NOW)
    except BadValue:
        return
    assert 0 <= moment < 1 << 63
