"""Counts of received lines by destination and hour, in PostgreSQL: a part of :class:`.postgres.PostgresStore`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ppl.store.connecting.pool import Pool
from ppl.store.interface import Received

_COUNT = (
    "INSERT INTO intake_hour (destination_id, hour, lines, bytes, dropped)"
    " SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])"
    " ON CONFLICT (destination_id, hour) DO UPDATE SET lines = intake_hour.lines + excluded.lines,"
    " bytes = intake_hour.bytes + excluded.bytes, dropped = intake_hour.dropped + excluded.dropped"
)


class ReceivedCounts:
    """The methods of :class:`ppl.store.interface.FigureStore` that count received lines and bytes."""

    _pool: Pool

    async def count_received(self, counts: Sequence[Received]) -> None:
        """Add ``counts`` to the stored counts."""
        rows = [(each.destination_id, each.hour, each.lines, each.bytes, each.dropped) for each in counts]
        await self._pool.run(_COUNT, [list(column) for column in zip(*rows, strict=True)])

    async def forget_received(self, before: int) -> None:
        """Delete the counts of the hours before ``before``."""
        await self._pool.run("DELETE FROM intake_hour WHERE hour < %s", [before])

    async def bytes_taken(self, since: int) -> Mapping[int, int]:
        """Destination id → bytes that were accepted from the hour ``since`` on."""
        rows = await self._pool.read(
            "SELECT destination_id, sum(bytes)::bigint FROM intake_hour WHERE hour >= %s GROUP BY 1", [since]
        )
        return {row[0]: row[1] for row in rows}

    async def received_since(self, destination_id: int, since: int) -> Sequence[Received]:
        """The counts of a destination from the hour ``since`` on."""
        rows = await self._pool.read(
            "SELECT destination_id, hour, lines, bytes, dropped FROM intake_hour"
            " WHERE destination_id = %s AND hour >= %s ORDER BY hour",
            [destination_id, since],
        )
        return [Received(*row) for row in rows]
