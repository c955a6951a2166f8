"""Tells how busy ingest is, by PostgreSQL's own statistics: background work waits while it is busy."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ppl.model import SECOND, Clock
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


async def is_busy(
    connection: Connection,
    clock: Clock,
    pause: Callable[[float], Awaitable[object]],
    seconds: float,
    rate: float = BUSY_RATE,
) -> bool:
    """Whether more than ``rate`` events a second come in, measured over ``seconds``.

    Args:
        connection: asks PostgreSQL's statistics.
        clock: the wall clock, µs.
        pause: waits for a number of seconds.
        seconds: how long to measure.
        rate: events a second above which ingest counts as busy.

    Raises:
        StoreUnavailable: PostgreSQL is away, or the connection was given up meanwhile.
    """
    before = await inserted(connection, clock())
    await pause(seconds)
    return await inserted(connection, clock()) - before > rate * seconds
