"""Tells how busy ingest is, by PostgreSQL's own statistics: background work waits while it is busy."""

from __future__ import annotations

from ppl.model import SECOND
from ppl.store.connecting.connection import Connection

#: Incoming events a second above which background work waits.
BUSY_RATE = 40_000

_CONNECT_SECONDS = 5.0


async def inserted(connection: Connection, now: int) -> int:
    """The number of events ever inserted into the slots of ``now`` (µs) and of the minute before."""
    rows = await connection.execute(
        "SELECT coalesce(pg_stat_get_tuples_inserted(to_regclass('event_' || lower)::oid), 0) FROM slot"
        " WHERE lower <= %s AND upper > %s",
        [now, now - 60 * SECOND],
        _CONNECT_SECONDS,
    )
    return sum(int(count) for (count,) in rows)
