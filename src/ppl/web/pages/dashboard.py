"""``/dashboard``: one destination at a glance: volume by severity, top senders, what is stored, quota and limits.

Nothing here reads an event: volumes come from the counts per minute, the rest from the census.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import attrs

from ppl.access.destinations import access_of
from ppl.access.quota import Quota, in_words, quota_of
from ppl.access.throttle import Throttle
from ppl.model import DAY, HOUR, MINUTE, QUARTER, Bucket, Clock, Destination, SenderKind, SendersSeen
from ppl.options import Settings
from ppl.store.interface import Received, Store
from ppl.timezone import local_text, parse_time_zone
from ppl.web.http.answers import Answer, spend
from ppl.web.http.parameters import word_of
from ppl.web.http.rendering import Pages
from ppl.web.http.routing import Route, for_login
from ppl.web.http.sessions import Login
from ppl.web.http.visit import Visit
from ppl.web.pages.figures import LEVELS, added, bytes_text, histogram_of, kept_text, levels_of, moment, sparkline
from ppl.web.pages.senders import chosen, events_path, sender_row, senders_path

#: How many senders of each kind are shown.
TOP = 5

#: Days in the plot of stored text.
DAYS = 30

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@attrs.frozen
class _Range:
    """A time range that the plot can show.

    Attributes:
        name: its name on the page.
        before: the name of the equally long range before it.
        bar: width of a bar of the plot, µs.
        bars: number of bars.
        row: time that a row of the table covers, µs.
        marks: number of labels below the plot.
    """

    name: str
    before: str
    bar: int
    bars: int
    row: int
    marks: int


_RANGES = {
    "24h": _Range("24 hours", "the 24 hours before", QUARTER, 96, HOUR, 5),
    "7d": _Range("7 days", "the 7 days before", HOUR, 168, DAY, 8),
}


class Dashboard:
    """Handler of ``/dashboard``.

    Args:
        store: gives the counts.
        pages: renders the page.
        clock: the wall clock, µs.
        settings: the options, for limits, quota and retention.
        reads: throttles each account's reads of senders, at the rate :data:`~ppl.web.pages.senders.READS`.
    """

    def __init__(self, store: Store, pages: Pages, clock: Clock, settings: Settings, reads: Throttle) -> None:
        self._store, self._pages, self._clock, self._settings, self._reads = store, pages, clock, settings, reads

    @property
    def routes(self) -> tuple[Route, ...]:
        """The route of this handler."""
        return (for_login("GET", "/dashboard", self.show),)

    async def show(self, visit: Visit, login: Login) -> Answer:
        """``GET /dashboard?user_id=…&range=24h|7d``: the dashboard of one destination."""
        access = await access_of(self._store, login.account.id)
        if not access:
            return self._pages.page("dashboard.html", visit, login, destination=None)
        destination = chosen(visit.query, access)
        name = word_of(visit.query, "range", tuple(_RANGES))
        now = self._clock()
        zone = parse_time_zone(login.account.time_zone)
        spend(self._reads, str(login.account.id))
        seen = await self._store.senders(destination.id, now)
        return self._pages.page(
            "dashboard.html",
            visit,
            login,
            destination=destination,
            destinations=access.readable,
            range=name,
            ranges={key: each.name for key, each in _RANGES.items()},
            volume=await self._volume(destination, _RANGES[name], now, zone),
            errors_link=events_path(destination, "severity:>=err"),
            warnings_link=events_path(destination, "severity:warning"),
            tops=[_top(seen, kind, heading, destination, now, zone) for kind, heading in _TOPS],
            silent=sum(each.kind == "host" and each.is_silent(seen.known_to(now)) for each in seen.senders),
            senders_link=senders_path(destination),
            usage=await self._usage(destination, now, zone),
            quota=await self._quota(destination, now),
            limits=limits(self._settings),
            has_listener=self._settings.role == "all",
        )

    async def _volume(self, destination: Destination, shown: _Range, now: int, zone: tzinfo) -> dict[str, Any]:
        end = now - now % shown.bar + shown.bar
        start = end - shown.bars * shown.bar
        width = shown.bar // MINUTE
        buckets = await self._store.histogram(destination.id, start, end - 1, width)
        before = await self._store.histogram(destination.id, start - (end - start), start - 1, width)
        counts, counts_before = added(buckets), added(before)
        marks = _marks(start, end, shown, zone)
        return {
            "plot": histogram_of(buckets, start, shown.bar, shown.bars, zone, marks),
            "levels": [
                {"level": level, "name": name, "count": count}
                for (level, name, _), count in zip(LEVELS, counts, strict=True)
            ],
            "total": sum(counts),
            "errors": counts[0],
            "warnings": counts[1],
            "share": f"{counts[0] / sum(counts):.1%}" if counts[0] else "",
            "before": shown.before,
            "total_change": _change("lines", sum(counts), sum(counts_before), shown.before),
            "is_compared": any(counts_before),
            "errors_change": _change("errors", counts[0], counts_before[0], shown.before),
            "warnings_change": _change("warnings", counts[1], counts_before[1], shown.before),
            "rows": _rows(buckets, start, end, shown, zone),
        }

    async def _quota(self, destination: Destination, now: int) -> dict[str, Any]:
        most = Quota(self._settings.max_lines_per_second or None, self._settings.max_bytes_per_day or None)
        received = await self._store.received_since(destination.id, (now - DAY) // HOUR + 1)
        return _quota_rows(destination, most, received, now)

    async def _usage(self, destination: Destination, now: int, zone: tzinfo) -> dict[str, Any]:
        today = _day_start(now, zone, 0)
        month = _month_start(now, zone)
        days = [_day_start(now, zone, back) for back in range(DAYS - 1, -1, -1)]
        first = min(month, days[0])
        stored = await self._store.stored_since(destination.id, first - first % QUARTER)
        in_all = await self._store.stored_in_all(destination.id)
        by_day = [
            _sum(each for each in stored if start <= each.start < end)
            for start, end in zip(days, [*days[1:], now + DAY], strict=True)
        ]
        kept = destination.retention_days or self._settings.retention_days or None
        return {
            "rows": [
                ("Today", _said(_sum(each for each in stored if each.start >= today))),
                ("This month", _said(_sum(each for each in stored if each.start >= month))),
                ("Total", _said((in_all.count, in_all.bytes) if in_all else (0, 0))),
            ],
            "plot": sparkline([size for _, size in by_day], 600, 60),
            "most": bytes_text(max(size for _, size in by_day)),
            "days": [(local_text(start, zone)[:10], *_said(each)) for start, each in zip(days, by_day, strict=True)],
            "oldest": None if in_all is None else moment(in_all.start, now, zone),
            "kept": kept_text(kept, self._settings.has_limits),
            "closed": None if destination.closed_at is None else local_text(destination.closed_at, zone),
        }


_TOPS: tuple[tuple[SenderKind, str], ...] = (("host", "Hosts"), ("file", "Programs"), ("address", "Addresses"))


def _top(
    seen: SendersSeen, kind: SenderKind, heading: str, destination: Destination, now: int, zone: tzinfo
) -> dict[str, Any]:
    of_kind = [each for each in seen.senders if each.kind == kind and each.name is not None and any(each.hours)]
    of_kind.sort(key=lambda each: sum(each.hours), reverse=True)
    return {
        "heading": heading,
        "link": senders_path(destination, kind=kind),
        "senders": [sender_row(each, destination, now, seen.known_to(now), zone) for each in of_kind[:TOP]],
        "more": max(0, len(of_kind) - TOP),
    }


def limits(settings: Settings) -> list[tuple[str, str, str]]:
    """Limits that apply to a destination: the name of each in words, its value, and the name of the option.

    The listener's limits are included only if the listener runs in this process.
    """
    rows = [
        ("Viewers per account at once", f"{settings.max_viewers:,}", "max-viewers"),
    ]
    if settings.role != "all":
        return rows
    return [
        ("Longest line", bytes_text(settings.max_line_bytes), "max-line-bytes"),
        ("Sender connections at once", f"{settings.max_connections:,}", "max-connections"),
        (
            "Connections from one address, to all destinations",
            f"{settings.max_connections_per_address:,}",
            "max-connections-per-address",
        ),
        ("New connections per second", f"{settings.max_connects_per_second:,}", "max-connects-per-second"),
        ("Size of one upload", bytes_text(settings.max_drain_bytes), "max-drain-bytes"),
        ("Uploads at once", f"{settings.max_drain_requests:,}", "max-drain-requests"),
        ("Uploads per second", f"{settings.max_drain_requests_per_second:,}", "max-drain-requests-per-second"),
        *rows,
    ]


def _rows(buckets: Sequence[Bucket], start: int, end: int, shown: _Range, zone: tzinfo) -> list[dict[str, Any]]:
    """The plot's counts as rows of a table; a row covers several bars."""
    rows = []
    for first in range(start, end, shown.row):
        within = [each for each in buckets if first <= each.start < first + shown.row]
        counts = tuple(map(sum, zip(*(levels_of(each.counts) for each in within), strict=True))) or (0,) * len(LEVELS)
        rows.append({"time": local_text(first, zone)[:16], "counts": counts, "total": sum(counts)})
    return rows


def _marks(start: int, end: int, shown: _Range, zone: tzinfo) -> list[str]:
    texts = []
    for index in range(shown.marks):
        text = local_text(start + (end - start) * index // (shown.marks - 1), zone)
        texts.append(text[11:16] if shown.bar == QUARTER else text[5:10])
    return texts


def _change(name: str, count: int, before: int, span: str) -> str:
    """How ``count`` differs from ``before``, the count in ``span``, in words; ``name`` says what is counted."""
    if not before:
        return f"none in {span}" if count else f"no {name}"
    percent = (count - before) / before
    return "no change" if abs(percent) < 0.005 else f"{percent:+.0%}".replace("-", "\N{MINUS SIGN}")


def _sum(stored: Any) -> tuple[int, int]:
    count = size = 0
    for each in stored:
        count, size = count + each.count, size + each.bytes
    return count, size


def _said(stored: tuple[int, int]) -> tuple[str, str]:
    return f"{stored[0]:,}", bytes_text(stored[1])


def _local(now: int, zone: tzinfo) -> datetime:
    return (_EPOCH + timedelta(microseconds=now)).astimezone(zone)


def _day_start(now: int, zone: tzinfo, back: int) -> int:
    """The start of the day ``back`` days before ``now`` in ``zone``, µs."""
    day = _local(now, zone).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None) - timedelta(days=back)
    return (day.replace(tzinfo=zone) - _EPOCH) // timedelta(microseconds=1)


def _month_start(now: int, zone: tzinfo) -> int:
    first = _local(now, zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    return (first.replace(tzinfo=zone) - _EPOCH) // timedelta(microseconds=1)


__all__ = ["Dashboard", "limits"]


def _quota_rows(destination: Destination, most: Quota, received: Sequence[Received], now: int) -> dict[str, Any]:
    """The dashboard's values on the quota, how much of it is used today (UTC), and how much was dropped in 24 hours."""
    quota = quota_of(destination, most)
    today = now // DAY * DAY // HOUR
    used = sum(each.bytes for each in received if each.hour >= today)
    return {
        "has_any": bool(quota),
        "lines": in_words(quota)[0],
        "bytes": "" if quota.bytes_per_day is None else bytes_text(quota.bytes_per_day),
        "used": bytes_text(used),
        "share": None if quota.bytes_per_day is None else f"{used / quota.bytes_per_day:.0%}",
        "dropped": sum(each.dropped for each in received),
    }
