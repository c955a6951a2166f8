"""The dashboard of a destination, and the plots it draws."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from html import unescape
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_twisted import ensureDeferred

from ppl.model import DAY, HOUR, MINUTE, QUARTER, SECOND, Bucket
from ppl.timezone import parse_time_zone
from ppl.web.pages.figures import bytes_text, histogram_of, kept_text, moment, rate_text, sparkline
from tests.fixtures.database import execute
from tests.store.samples import T0
from tests.web.conftest import Serve, Served
from tests.web.pages.test_senders import Watched, rows, watch

UTC = parse_time_zone("UTC")


def tiles(text: str) -> dict[str, str]:
    found = re.findall(r"<div><dt>(.*?)</dt><dd[^>]*>(.*?)</dd>", text)
    return {re.sub(r"<[^>]+>", "", name): value for name, value in found}


def table(text: str, after: str) -> list[list[str]]:
    """The rows of the first table after the text ``after``."""
    return rows(text.partition(after)[2].partition("</table>")[0])


@ensureDeferred
async def test_volume_is_that_of_the_range_by_severity(served: Served, dsn: str) -> None:
    watched = await watch(served, dsn)
    await watched.take(MINUTE, "web-1", 10, severity=[3, 2, 4, 5, 6, 6, 6, 6, 7, None])
    await watched.take(30 * HOUR, "web-1", 4, severity=[6, 6, 6, 3])
    text = await watched.page("/dashboard")
    shown = tiles(text)
    assert [shown[name] for name in ("Lines", "Errors", "Warnings", "Silent hosts")] == ["10", "2", "1", "0"]
    assert shown["Kept"].startswith("for ever")
    assert "20.0% of all" in text
    assert "+150%" in text, "against the day before"
    assert "none in the 24 hours before" in text, "of warnings"
    by_hour = table(text, "Volume as a table")
    assert len(by_hour) == 24
    assert sum(int(row[1]) for row in by_hour) == 10
    assert [sum(int(row[column]) for row in by_hour) for column in range(2, 7)] == [2, 1, 1, 5, 1]
    week = await watched.page("/dashboard?range=7d")
    assert (tiles(week)["Lines"], tiles(week)["Errors"]) == ("14", "3")
    assert len(table(week, "Volume as a table")) == 7
    assert (await watched.browser.get("/dashboard?range=1y")).status == 400
    for page in (text, week):
        assert "style=" not in page
        assert all("theme.js" in each for each in re.findall(r"<script[^>]*>", page))
        assert 'role="img"' in page


@ensureDeferred
async def test_errors_lead_to_themselves(served: Served, dsn: str) -> None:
    watched = await watch(served, dsn)
    text = await watched.page("/dashboard")
    assert '<dd class="hint">no errors</dd>' in text
    (link,) = re.findall(r'<a href="([^"]+)">Errors</a>', text)
    fields = parse_qs(urlsplit(unescape(link)).query)
    assert fields == {"user_id": [watched.destination.user_id], "q": ["severity:>=err"]}


@ensureDeferred
async def test_top_senders_are_those_of_a_day(served: Served, dsn: str) -> None:
    watched = await watch(served, dsn)
    await watched.take(3 * DAY, "of-old", 50)
    for number in range(7):
        await watched.take(MINUTE * (number + 1), f"web-{number}", number + 1)
    await watched.count()
    text = await watched.page("/dashboard")
    assert [row[0] for row in table(text, ">Hosts</a>")] == ["web-6", "web-5", "web-4", "web-3", "web-2"]
    assert "2 more" in text


@pytest.mark.parametrize("zone", ["+05:30", "America/St_Johns", "UTC"])
@ensureDeferred
async def test_usage_is_by_the_readers_days(served: Served, dsn: str, zone: str) -> None:
    watched: Watched = await watch(served, dsn)
    await served.store.set_time_zone(1, zone)
    fixed = timezone(timedelta(hours=5, minutes=30))
    now = datetime.fromtimestamp(watched.now / SECOND, fixed if zone == "+05:30" else ZoneInfo(zone))
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    today = watched.now - int(midnight.timestamp()) * SECOND
    sized = len("web-1" + "app.log" + "42" + "x")
    await watched.take(today, "web-1", 3)
    await watched.take(today + SECOND, "web-1", 2)
    await watched.take(today + 40 * DAY, "web-1", 5)
    await watched.count()
    text = await watched.page("/dashboard")
    usage = {name: (count, size) for name, count, size in table(text, 'class="usage"')}
    assert usage["Today"] == ("3", f"{3 * sized} bytes")
    assert usage["Total"] == ("10", f"{10 * sized} bytes")
    assert usage["This month"][0] == ("3" if now.day == 1 else "5")
    days = table(text, "Days as a table")
    assert len(days) == 30
    assert [row[1] for row in days[:3]] == ["3", "2", "0"]
    assert "40 days ago" in tiles(text)["Oldest line"]


@ensureDeferred
async def test_retention_and_the_limits_there_are_are_shown(serve: Serve, dsn: str) -> None:
    served = serve(retention_days=14, max_connections=77)
    watched = await watch(served, dsn)
    text = await watched.page("/dashboard")
    assert tiles(text)["Kept"].startswith("for 14 days")
    limits = {option: most for _, most, option in table(text, 'class="limits"')}
    assert limits["--max-connections"] == "77"
    assert limits["--max-line-bytes"] == "100 kB"
    assert tiles(text)["Quota"].startswith("none")
    assert tiles(text)["Dropped in 24 hours"] == "0 lines"


@ensureDeferred
async def test_a_quota_how_much_of_it_is_used_and_what_was_dropped_are_shown(serve: Serve, dsn: str) -> None:
    served = serve(max_lines_per_second=1000)
    watched = await watch(served, dsn)
    hour = served.clock() // HOUR
    execute(dsn, "UPDATE destination SET max_bytes_per_day = 2000000")
    rows = [(hour, 500_000, 7), (hour - 23, 0, 1000), (hour - 25, 0, 1), (hour - 48, 900_000, 1)]
    for each in rows:
        execute(dsn, "INSERT INTO intake_hour SELECT id, %s, 1, %s, %s FROM destination", each)
    found = tiles(await watched.page("/dashboard"))
    assert found["Line quota"].startswith("1,000 lines/s")
    assert found["Daily quota (UTC)"].startswith("2.0 MB")
    assert found["Received today (UTC)"] == "500 kB, 25% of the quota"
    assert found["Dropped in 24 hours"] == "1,007 lines"
    await served.store.set_retention(1, watched.destination.id, 1)
    assert tiles(await watched.page("/dashboard"))["Kept"].startswith("for 1 day <")


@ensureDeferred
async def test_a_server_without_its_listener_does_not_speak_for_it(serve: Serve, dsn: str) -> None:
    served = serve(role="server")
    watched = await watch(served, dsn)
    text = await watched.page("/dashboard")
    assert "--max-connections" not in text
    assert "The listener's limits are set where" in text


@ensureDeferred
async def test_the_page_of_a_closed_destination_says_so(served: Served, dsn: str) -> None:
    watched = await watch(served, dsn)
    await served.store.close_destination(1, watched.destination.id)
    assert "receives nothing any more" in await watched.page("/dashboard")


@ensureDeferred
async def test_no_event_is_read_for_volumes(served: Served, dsn: str) -> None:
    watched = await watch(served, dsn)
    await watched.take(HOUR, "web-1", 3)
    execute(dsn, "ALTER TABLE event RENAME TO out_of_reach")
    buckets = await served.store.histogram(watched.destination.id, watched.now - DAY, watched.now, 15)
    assert sum(sum(bucket.counts) for bucket in buckets) == 3


# Plots and words


COUNTS = st.lists(st.integers(0, 10**6), min_size=9, max_size=9).map(tuple).filter(any)


@given(st.dictionaries(st.integers(0, 95), COUNTS, max_size=20))
def test_every_piece_lies_within_the_plot_and_above_the_one_before(found: dict[int, tuple[int, ...]]) -> None:
    start = T0 - T0 % QUARTER
    buckets = [Bucket(start + index * QUARTER, counts) for index, counts in sorted(found.items())]
    plot = histogram_of(buckets, start, QUARTER, 96, UTC, ["a"])
    assert len(plot.stacks) == len(found)
    for stack, bucket in zip(plot.stacks, buckets, strict=True):
        below = float(plot.height)
        for bar in stack.bars:
            assert 0 <= float(bar.x) <= plot.width - float(bar.width)
            assert 0 <= float(bar.y) <= below
            assert float(bar.y) + float(bar.height) <= plot.height + 2.1
            below = float(bar.y) + 0.1
        assert [bar.level for bar in stack.bars][:1] == ["err"] or not any(bucket.counts[:4])


def test_a_sparkline_shows_what_is_not_zero() -> None:
    assert sparkline([0, 0], 10, 10) == ""
    assert sparkline([], 10, 10) == ""
    assert sparkline([4, 0, 2, 1000], 40, 10) == ("M0 10v-1.5h8v1.5zM20 10v-1.5h8v1.5zM30 10v-10h8v10z")


def test_words_for_times_sizes_and_rates() -> None:
    for ago, text in (
        (-SECOND, "just now"), (0, "just now"), (59 * SECOND, "59 seconds ago"), (MINUTE, "1 minute ago"),
        (HOUR - 1, "59 minutes ago"), (DAY, "1 day ago"), (4000 * DAY, "4,000 days ago"),
    ):  # fmt: skip
        assert moment(T0, T0 + ago, UTC).ago == text
    for size, text in (
        (0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (99_440, "99.4 kB"), (999_600, "1.0 MB"),
        (3 * 10**12, "3.0 TB"), (10**14, "100 TB"),
    ):  # fmt: skip
        assert bytes_text(size) == text
    for rate, text in ((0.0, "0"), (0.01, "< 0.1"), (0.2, "0.2"), (12.4, "12"), (54321.0, "54,321")):
        assert rate_text(rate) == text


def test_how_long_events_are_kept_is_said_in_words() -> None:
    said = [kept_text(days, has_limits) for days in (None, 1, 3650) for has_limits in (False, True)]
    assert said == [
        "for ever",
        "as long as there is room",
        "for 1 day",
        "for 1 day, as long as there is room",
        "for 3,650 days",
        "for 3,650 days, as long as there is room",
    ]
