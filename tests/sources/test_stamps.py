"""The time of a line, in every form that is seen, and in the hours that are not like others."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ppl.sources.line import parse_line
from ppl.sources.stamps import read_stamp
from ppl.sources.timestamp import iso
from tests.sources.lines import micros

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
#: 2026-11-30T00:55:30 in Berlin.
RECEIVED = micros(2026, 11, 29, 23, 55, 30)
MOMENT = micros(2026, 11, 29, 23, 55, 12)

#: Forms of that moment in Berlin's time, each with the text behind it.
FORMS = [
    ("Nov 30 00:55:12", " web-7 app: x"),
    ("Nov 30 00:55:12+01:00", " HUAWEI-1 x"),
    ("Nov 29 2026 23:55:12Z", " x"),
    ("Nov 30 2026 00:55:12", ": %ASA-6-1: x"),
    ("Nov 30 00:55:12 2026", " aruba-mc1 authmgr[3615]: x"),
    ("NOV 30 00:55:12", " x"),
    ("November 30, 2026 12:55:12 AM", " x"),
    ("2026 Nov 30 00:55:12 CET", ": %ETH-5-X: y"),
    ("Mon Nov 30 00:55:12 2026", " ERROR x"),
    ("Mon Nov 30 00:55:12 CET 2026", ""),
    ("Mon, 30 Nov 2026 00:55:12 +0100 (CET)", " x"),
    ("Mon 2026-11-30 00:55:12 CET", " vm app[1]: x"),
    ("30 Nov 2026 00:55:12", " x"),
    ("30-Nov-2026 00:55:12", " x"),
    ("30/Nov/2026:00:55:12 +0100", " x"),
    ("2026-11-30T00:55:12+01:00", " x"),
    ("2026-11-30T00:55:12+01", " x"),
    ("2026-11-30T00:55:12+0100", " x"),
    ("2026-11-29T23:55:12z", " x"),
    ("2026-11-30 00:55:12", " x"),
    ("2026-11-30 00:55:12 +0100", ": x"),
    ("2026-11-29 23:55:12 UTC", " [24167] LOG:  x"),
    ("2026-11-29 23:55:12 Z", " x"),
    ("2026-11-29 18:55:12 EST", " x"),
    ("2026-11-30 01:55:12 GMT+02:00", " x"),
    ("2026/11/30 00:55:12", " [notice] x"),
    ("2026:11:30-00:55:12", " utm-1 ulogd[1]: x"),
    ("20261130 00:55:12", " x"),
    ("20261130T00:55:12", " x"),
    ("11/29/2026:23:55:12 GMT", " ns-1 x"),
    ("11/30/2026 12:55:12 AM", " x"),
    ("30/11/2026 00:55:12", " x"),
    ("30.11.2026 00:55:12", " x"),
    ("1795996512", " web-7 app: x"),
    ("1795996512", ": x"),
    ("30 Nov 00:55:12", " ntpd[7]: x"),
    ("30-Nov-2026::00:55:12", " x"),
    ("2026.11.30 00:55:12", " x"),
    ("2026-11-30\t00:55:12", "\tx"),
    ("11/30/2026-00:55:12", "  x"),
    ("30-11-2026 00:55:12", " x"),
    ("Nov 30 00:55:12 Europe/Berlin", " web-7 app: x"),
    ("29-Nov-2026 18:55:12 America/New_York", "] x"),
    ("2026-11-29 20:55:12 America/Argentina/Buenos_Aires", " x"),
    ("1795996512000", " x"),
    ("Nov 29 15:55:12 PST", ": %SEC_LOGIN-4-LOGIN_FAILED: x"),
    ("Nov 30 09:55:12 ChST", ": %A-1-B: x"),
    ("Nov 29 17:55:12 CST 2026", " mymachine myproc[10]: x"),
    ("2026-334T00:55:12", " x"),
    ("2026-333T23:55:12Z", " x"),
    ("2026334 00:55:12.00", " SYSA JOB00123 x"),
    ("2026.334 00:55:12", " x"),
    ("261130 005512", " 148 INFO dfs.DataNode: x"),
    ("11/30/2026 12:55:12:000 AM CET", ": Thread[main,5,main]"),
    ("11/30/2026 - 00:55:12", ": x"),
    ("1795996512000000000", " x"),
]


@pytest.mark.parametrize(("form", "rest"), FORMS)
def test_a_form_of_the_time(form: str, rest: str) -> None:
    stamp = read_stamp(form + rest, 0, RECEIVED, BERLIN)
    assert stamp is not None
    assert (stamp[0], (form + rest)[stamp[1] :]) == (MOMENT, rest)


@pytest.mark.parametrize(
    ("form", "micro"),
    [
        ("Nov 30 00:55:12.25", 250_000),
        ("Nov 30 00:55:12,250", 250_000),
        ("2026-11-30T00:55:12.123456789012+01:00", 123_456),
        ("2026-11-30 00:55:12,863", 863_000),
        ("1795996512.5", 500_000),
    ],
)
def test_a_fraction_of_the_second(form: str, micro: int) -> None:
    stamp = read_stamp(form + " x", 0, RECEIVED, BERLIN)
    assert stamp is not None
    assert stamp[0] == MOMENT + micro


def test_milliseconds_behind_a_colon_stand_before_a_year() -> None:
    stamp = read_stamp("Nov 30 00:55:12:123 2026 SW02 %%10IFNET/3/PHY_UPDOWN: x", 0, RECEIVED, BERLIN)
    assert stamp == (MOMENT + 123_000, len("Nov 30 00:55:12:123 2026"), True)


@pytest.mark.parametrize(
    "text",
    [
        "Nov 30 00:55:12 2024 visits today",
        "Nov 30 00:55:12 2026 visits today",
        "Nov 30 00:55:12 2001:db8:0:1::7 sshd[4]: x",
        "Nov 30 00:55:12 CRON: (root) CMD",
        "Nov 30 00:55:12 CEF:0|V|P|1|5|n|3|",
        "Nov 30 00:55:12 VPN: tunnel",
        "Nov 30 00:55:12 am-1 app: x",
        "Nov 30 00:55:12 -1234 x",
        "2026-11-30 00:55:12 -5 degrees",
        "2026-11-30 00:55:12 +49 30 1234",
        "Nov 30 00:55:12 Europe/Atlantis x",
        "Nov 30 00:55:12 IST web-7 app: x",
        "Nov 30 00:55:12 IST 2026 web-7 app: x",
    ],
)
def test_what_follows_a_time_is_not_always_a_part_of_it(text: str) -> None:
    stamp = read_stamp(text, 0, RECEIVED, BERLIN)
    assert stamp is not None
    assert stamp[1] in (15, 19)
    assert stamp[0] == MOMENT


@pytest.mark.parametrize(
    "text", ["1795996512", "17959965 x", "2026 visits", "Nov 30", "12:00 x", "May be", "1 2 3", ""]
)
def test_what_is_no_time(text: str) -> None:
    assert read_stamp(text, 0, RECEIVED, BERLIN) is None


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        ("Dec  1 00:01:00", micros(2026, 11, 30, 23, 1, 0)),  # a day ahead is believed
        ("Dec  2 01:00:27", None),
        ("Dec 20 01:00:27", None),
        ("Dec  2 2026 01:00:27", None),
        ("Jun 15 01:00:27", micros(2026, 6, 14, 23, 0, 27)),
    ],
)
def test_the_nearest_year_is_meant_and_believed_if_it_is_sane(stamp: str, expected: int | None) -> None:
    received = micros(2026, 11, 30, 0, 0, 30)
    assert parse_line(f"<13>{stamp} cam-1 app: x", received, BERLIN)[0] == expected


@pytest.mark.parametrize(
    "form", ["Nov  1 01:30:05", "Nov  1 2026 01:30:05", "2026-11-01T01:30:05", "2026-11-01 01:30:05"]
)
def test_in_the_hour_that_autumn_repeats_the_nearer_moment_is_meant(form: str) -> None:
    early, late = micros(2026, 11, 1, 5, 30, 5), micros(2026, 11, 1, 6, 30, 5)
    for received, expected in ((early + 8_000_000, early), (late + 8_000_000, late)):
        assert parse_line(f"<13>{form} pos-1 till: x", received, NEW_YORK)[:6:3] == (expected, "pos-1")
        assert iso("2026-11-01T01:30:05", received, NEW_YORK) == expected


def test_a_zone_that_is_named_tells_which_of_the_two_is_meant() -> None:
    received = micros(2026, 11, 1, 6, 30, 13)
    for name, hour in (("EST", 6), ("EDT", 5)):
        line = f"<189>7: *Nov  1 2026 01:30:05 {name}: %SYS-5-X: y"
        assert parse_line(line, received, NEW_YORK)[0] == micros(2026, 11, 1, hour, 30, 5)


def test_the_hour_that_spring_skips_is_read_as_before() -> None:
    received = micros(2026, 3, 29, 1, 31, 0)
    moment = parse_line("<13>Mar 29 02:30:05 web app: x", received, BERLIN)[0]
    assert moment == int(datetime(2026, 3, 29, 2, 30, 5, tzinfo=BERLIN).timestamp()) * 1_000_000


def test_a_zone_with_several_meanings_is_the_accounts_where_it_has_that_name() -> None:
    received = micros(2026, 11, 30, 12, 0, 0)
    for zone, hour in (("Asia/Shanghai", 2), ("America/Chicago", 16), ("Europe/Berlin", 16)):
        stamp = read_stamp("Nov 30 10:00:00 CST web-7 app: x", 0, received + 5 * 3600 * 1_000_000, ZoneInfo(zone))
        assert stamp is not None
        assert stamp[0] == micros(2026, 11, 30, hour, 0, 0), zone


@settings(max_examples=300)
@given(
    st.sampled_from(["", " 2026"]),
    st.sampled_from(["", ".5", ".123456"]),
    st.sampled_from(
        [
            " web app: x", ": %A-1-B: x", " : x", " CET: x", " am", " pm x", " z", " Z-1 a: x", " 10.0.0.1 a",
            " 2026 a b: x", " ERROR x", " LOG: x", " [a] x", " +0100 x", " p.m. x", " Zoo: x", " %x", " 12 x",
            " 123: x", "", " ",
        ]
    ),
)  # fmt: skip
def test_the_usual_form_is_read_as_any_other(year: str, fraction: str, rest: str) -> None:
    texts = [f"{month} 24{year} 11:00:00{fraction}{rest}" for month in ("Nov", "nov")]
    (first, second) = (read_stamp(text, 0, RECEIVED, BERLIN) for text in texts)
    assert first == second
