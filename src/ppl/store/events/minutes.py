"""Counts events by minute of receipt and severity: with each batch, so that histograms need no scan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ppl.model import MINUTE, SEVERITIES, Bucket, Events
from ppl.store.connecting.pool import Pool

#: Index of "no severity".
_NONE = 8
_COLUMNS = (*SEVERITIES, "unknown")

_ADDED = ", ".join(f"{each} = event_minute.{each} + excluded.{each}" for each in _COLUMNS)
_COUNT = (
    "INSERT INTO event_minute (destination_id, minute, " + ", ".join(_COLUMNS) + ") VALUES {rows}"  # noqa: S608
    " ON CONFLICT (destination_id, minute) DO UPDATE SET " + _ADDED
)
_SUMS = ", ".join(f"sum({each})::bigint" for each in _COLUMNS)


def count_minutes(batch: Sequence[Events]) -> str:
    """The statement that counts ``batch`` (not empty); run it in the transaction that stores the batch."""
    total: dict[tuple[int, int], list[int]] = {}
    for events in batch:
        destination_id, severities, start, first = events.destination.id, events.lines.severity, 0, events.first_id
        while start < len(severities):
            minute = first // MINUTE
            stop = min(len(severities), start + (minute + 1) * MINUTE - first)
            part = severities if stop - start == len(severities) else severities[start:stop]
            counts = total.setdefault((destination_id, minute), [0] * len(_COLUMNS))
            for severity, count in Counter(part).items():
                counts[_NONE if severity is None else severity] += count
            first, start = first + stop - start, stop
    # Sorted: two processes that update the same rows must lock them in the same order.
    rows = (f"({a},{b},{','.join(map(str, counts))})" for (a, b), counts in sorted(total.items()))
    return _COUNT.format(rows=",".join(rows))


async def histogram(pool: Pool, destination_id: int, first: int, last: int, minutes: int) -> list[Bucket]:
    """The events received from ``first`` to ``last`` (µs; both minutes are counted whole) in buckets of ``minutes``.

    Buckets begin at multiples of their width since 1970; those without events are left out.
    """
    rows = await pool.read(
        f"SELECT minute / %s * %s, {_SUMS} FROM event_minute"  # noqa: S608
        " WHERE destination_id = %s AND minute BETWEEN %s AND %s GROUP BY 1 ORDER BY 1",
        [minutes, minutes, destination_id, first // MINUTE, last // MINUTE],
    )
    return [Bucket(start * MINUTE, tuple(counts)) for start, *counts in rows]
