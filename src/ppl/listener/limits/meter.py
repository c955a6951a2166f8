"""Counts what one destination receives, by the hour, and limits it to the quota.

A token bucket of lines fills at the quota's rate, up to ``BURST_SECONDS`` of it. An upload over HTTP is taken whole or
not at all, so it may overdraw the bucket and the day's bytes; nothing more is taken until both have room again.
"""

from __future__ import annotations

from collections import Counter

from ppl.access.quota import BURST_SECONDS, Quota, in_words, quota_of
from ppl.model import DAY, HOUR, SECOND, Clock, Destination


class Meter:
    """The meter of one destination.

    Args:
        destination: the destination whose lines are counted.
        most: the operator's quota for each destination.
        clock: µs; tells the day and the hour.
        steady: µs of a clock that is never set.

    Attributes:
        destination: the destination with its latest settings.
        unsaved: hour (since 1970) → lines and bytes that were taken and lines that were dropped, not yet saved.
    """

    def __init__(self, destination: Destination, most: Quota, clock: Clock, steady: Clock) -> None:
        self._most, self._clock, self._steady = most, clock, steady
        self.unsaved: dict[int, list[int]] = {}
        # Counts of drops that are not reported yet, by what was dropped and why.
        self._unsaid: Counter[tuple[str, str]] = Counter()
        self._day = clock() // DAY
        self._bytes_today = 0
        self.destination, self.quota = destination, quota_of(destination, most)
        self._lines, self._filled_at = self._capacity, steady()

    def change(self, destination: Destination) -> None:
        """Apply the quota of ``destination``, whose settings have changed."""
        self._fill()
        was_bounded = self.quota.lines_per_second is not None
        self.destination, self.quota = destination, quota_of(destination, self._most)
        # A change must not refill the bucket.
        self._lines = min(self._lines, self._capacity) if was_bounded else self._capacity

    @property
    def _capacity(self) -> float:
        return float((self.quota.lines_per_second or 0) * BURST_SECONDS)

    @property
    def bytes_today(self) -> int:
        """Bytes that were taken since midnight, UTC."""
        day = self._clock() // DAY
        if day != self._day:
            self._day, self._bytes_today = day, 0
        return self._bytes_today

    def add_earlier(self, size: int) -> None:
        """Add ``size`` bytes that came today before a restart."""
        self._bytes_today = self.bytes_today + size

    def take(self, count: int, size: int) -> int:
        """How many of ``count`` lines, received in ``size`` bytes, the quota allows; these are counted as taken."""
        taken = count
        if self.quota:
            taken = self._within(count, size)
            size = size * taken // count if count else 0
        self._count(taken, size)
        return taken

    def take_whole(self, count: int, size: int) -> None:
        """Count all lines of an upload as taken; it was admitted when :meth:`wait` was 0."""
        self._count(count, size)

    def add_unsaved(self, hour: int, lines: int, size: int, dropped: int) -> None:
        """Put back counts that could not be saved, so that they are saved later."""
        counts = self.unsaved.setdefault(hour, [0, 0, 0])
        self.unsaved[hour] = [counts[0] + lines, counts[1] + size, counts[2] + dropped]

    def wait(self) -> int:
        """Whole seconds until an upload may be taken; 0: now."""
        if not self.quota:
            return 0
        self._fill()
        seconds = 0
        if self.quota.lines_per_second is not None and self._lines < 1:
            seconds = int(-(self._lines - 1) / self.quota.lines_per_second) + 1
        if self.quota.bytes_per_day is not None and self.bytes_today >= self.quota.bytes_per_day:
            seconds = max(seconds, (DAY - self._clock() % DAY) // SECOND + 1)
        return seconds

    def why(self) -> str:
        """The limit of the quota that is reached, in words."""
        lines, size = in_words(self.quota)
        is_day = self.quota.bytes_per_day is not None and self.bytes_today >= self.quota.bytes_per_day
        return f"more than {size if is_day else lines} (quota)"

    def drop(self, count: int, why: str, what: str = "line") -> None:
        """Count dropped lines, or refused uploads (``what`` is ``upload``), whose number of lines is unknown."""
        self._unsaid[what, why] += count
        if what == "line":
            self._counts()[2] += count

    def take_unsaid(self) -> list[str]:
        """Sentences about what was dropped since the last call, one for each reason."""
        unsaid, self._unsaid = self._unsaid, Counter()
        return [
            f"{count:,} {what}{'s' if count != 1 else ''} {'dropped' if what == 'line' else 'refused'}: {why}"
            for (what, why), count in unsaid.items()
        ]

    def _within(self, count: int, size: int) -> int:
        """How many of ``count`` lines the quota allows; the rest are counted as dropped."""
        taken = count
        if self.quota.lines_per_second is not None:
            self._fill()
            taken = min(count, max(0, int(self._lines)))
            if taken < count:
                self.drop(count - taken, f"more than {in_words(self.quota)[0]} (quota)")
        if self.quota.bytes_per_day is not None and taken:
            room = max(0, self.quota.bytes_per_day - self.bytes_today)
            fitting = min(taken, room * count // size) if size else taken
            if fitting < taken:
                self.drop(taken - fitting, f"more than {in_words(self.quota)[1]} (quota)")
            taken = fitting
        return taken

    def _fill(self) -> None:
        now = self._steady()
        rate = self.quota.lines_per_second or 0
        self._lines = min(self._capacity, self._lines + (now - self._filled_at) * rate / SECOND)
        self._filled_at = now

    def _count(self, count: int, size: int) -> None:
        if not count:
            return
        if self.quota.lines_per_second is not None:
            self._lines -= count
        self._bytes_today = self.bytes_today + size
        counts = self._counts()
        counts[0] += count
        counts[1] += size

    def _counts(self) -> list[int]:
        return self.unsaved.setdefault(self._clock() // HOUR, [0, 0, 0])
