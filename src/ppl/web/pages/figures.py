"""Numbers, sizes and times in words, and plots as SVG attributes, for the dashboard and the senders page.

Templates put the attributes into SVG elements; ``figures.css`` styles them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

import attrs

from ppl.model import DAY, HOUR, MINUTE, SECOND, Bucket
from ppl.timezone import local_text, utc_text

#: Levels of the plot, from the baseline up: CSS class, name, and the severities counted (8: events without severity).
LEVELS: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    ("err", "Errors", (0, 1, 2, 3)),
    ("warning", "Warnings", (4,)),
    ("notice", "Notices", (5,)),
    ("info", "Other", (6, 8)),
    ("debug", "Debug", (7,)),
)

_UNITS = ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"))


@attrs.frozen
class Moment:
    """A time as a page shows it.

    Attributes:
        ago: how long ago it was, such as ``5 minutes ago``.
        exact: the time in the reader's time zone.
        utc: the time in UTC, for the attribute ``datetime``.
    """

    ago: str
    exact: str
    utc: str


def moment(at: int, now: int, zone: tzinfo) -> Moment:
    """The time ``at`` as a page shows it at the time ``now`` (both µs)."""
    return Moment(_ago(now - at), local_text(at, zone), utc_text(at))


def _ago(microseconds: int) -> str:
    if microseconds < MINUTE:
        return "just now" if microseconds < 10 * SECOND else f"{microseconds // SECOND} seconds ago"
    for unit, name in _UNITS:
        if microseconds >= unit:
            count = microseconds // unit
            return f"{count:,} {name}{'s' if count != 1 else ''} ago"
    return "just now"


def bytes_text(count: int) -> str:
    """A number of bytes in words, such as ``12.3 MB``, in powers of 1000."""
    size = float(count)
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if size < 999.5 or unit == "TB":
            break
        size /= 1000
    return f"{size:,.0f} {unit}" if unit == "bytes" or size >= 99.5 else f"{size:.1f} {unit}"


def rate_text(rate: float) -> str:
    """A rate of events per minute, with as many digits as are useful."""
    if 0 < rate < 0.095:
        return "< 0.1"
    return f"{rate:,.0f}" if rate >= 9.95 or rate == 0 else f"{rate:.1f}"


def sparkline(values: Sequence[int], width: int, height: int) -> str:
    """An SVG path of bars, one per value, in a box of that size; bars are at least 1.5 high, except for zero."""
    most = max(values, default=0) or 1
    step = width / len(values) if values else 0
    parts = []
    for index, value in enumerate(values):
        if value:
            high = max(1.5, value / most * height)
            parts.append(f"M{index * step:.4g} {height}v{-high:.4g}h{step * 0.8:.4g}v{high:.4g}z")
    return "".join(parts)


@attrs.frozen
class Bar:
    """One level's piece of a stacked bar.

    Attributes:
        level: the CSS class.
        x, y, width, height: the SVG attributes.
    """

    level: str
    x: str
    y: str
    width: str
    height: str


@attrs.frozen
class Stack:
    """A stacked bar: all pieces over the same time.

    Attributes:
        label: time and counts, for a tooltip.
        bars: the pieces that are not empty, from the baseline up.
    """

    label: str
    bars: tuple[Bar, ...]


@attrs.frozen
class Plot:
    """A histogram.

    Attributes:
        width, height: the size of the SVG box.
        most: how many events the highest stack has.
        stacks: the stacks that are not empty.
        marks: texts below the plot, at even distances.
    """

    width: int
    height: int
    most: int
    stacks: tuple[Stack, ...]
    marks: tuple[str, ...]


def levels_of(counts: Sequence[int]) -> tuple[int, ...]:
    """A bucket's counts, added up for each of :data:`LEVELS`."""
    return tuple(sum(counts[number] for number in numbers) for _, _, numbers in LEVELS)


def added(buckets: Sequence[Bucket]) -> tuple[int, ...]:
    """The counts of all ``buckets``, added up for each of :data:`LEVELS`."""
    return tuple(map(sum, zip(*(levels_of(each.counts) for each in buckets), strict=True))) or (0,) * len(LEVELS)


def histogram_of(
    buckets: Sequence[Bucket], start: int, width_of_one: int, number: int, zone: tzinfo, marks: Sequence[str]
) -> Plot:
    """``buckets`` as stacked bars: ``number`` of them from ``start`` (µs) on, each ``width_of_one`` µs wide."""
    width, height = 960, 180
    step = width / number
    stacks = []
    most = max((sum(each.counts) for each in buckets), default=0)
    for bucket in buckets:
        index = (bucket.start - start) // width_of_one
        counts = levels_of(bucket.counts)
        bars, below = [], 0.0
        for (level, _, _), count in zip(LEVELS, counts, strict=True):
            if not count:
                continue
            # A few errors among many lines must stay visible, since people look for them.
            high = max(2.0 if level == "err" else 0.0, count / most * height)
            top = max(0.0, height - below - high)
            bars.append(Bar(level, f"{index * step:.5g}", f"{top:.5g}", f"{step * 0.85:.4g}", f"{high:.4g}"))
            below += high
        said = ", ".join(
            f"{count:,} {name.lower()}" for (_, name, _), count in zip(LEVELS, counts, strict=True) if count
        )
        stacks.append(Stack(f"{local_text(bucket.start, zone)[:16]}: {said}", tuple(bars)))
    return Plot(width, height, most, tuple(stacks), tuple(marks))


def kept_text(days: int | None, has_limits: bool) -> str:
    """How long events are kept, in words: ``for 30 days``, ``for ever``.

    Args:
        days: days; ``None``: for ever.
        has_limits: whether the oldest events go when room is short.
    """
    if days is None:
        return "as long as there is room" if has_limits else "for ever"
    text = "for 1 day" if days == 1 else f"for {days:,} days"
    return f"{text}, as long as there is room" if has_limits else text
