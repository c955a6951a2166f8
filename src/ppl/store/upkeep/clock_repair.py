"""Moves back in time the events that were received while the clock was ahead, before receiving begins.

Ids are times of receipt and only ever grow, so one start with a clock a year ahead would date a destination's lines to
the next year for a year. The order of the events is kept. Each gets the time that its sender wrote, if that is between
the event before it and the present, else the first free time after the event before it.
"""

from __future__ import annotations

from typing import Any

from twisted.logger import Logger

from ppl.model import COLUMNS, DAY, MINUTE, SEVERITIES
from ppl.store.connecting.locks import RETAIN, lock
from ppl.store.connecting.pool import Pool, Transaction
from ppl.store.events.slots import Slots

_log = Logger()

#: Seconds for one statement of a repair: a destination's events may be millions.
_PATIENCE = 3_600.0

#: Events that are ahead by less than this many µs are left alone: the clock soon catches up with them.
AHEAD = MINUTE

_DESTINATIONS = (
    "SELECT c.destination_id, d.host || ':' || d.port FROM event_count c JOIN destination d ON d.id = c.destination_id"
    " GROUP BY 1, 2 HAVING max(c.last_id) > %(now)s + %(ahead)s ORDER BY 1"
)

# ``new_id`` is the smallest strictly increasing sequence that is nowhere below ``wanted``. It ends at the present or
# before, unless there are more events to move than microseconds since the event before them.
_MOVED = """
WITH base AS (
    SELECT coalesce(max(id), 0) AS id FROM event WHERE destination_id = %(destination)s AND id <= %(now)s
), ahead AS (
    SELECT e.id, e.created_at, base.id AS base, row_number() OVER (ORDER BY e.id) AS number, count(*) OVER () AS total
    FROM event e, base WHERE e.destination_id = %(destination)s AND e.id > %(now)s
), wanted AS (
    SELECT id, created_at, number, greatest(base + number, least(%(now)s - (total - number),
        CASE WHEN created_at <> id AND created_at <= %(now)s THEN created_at ELSE 0 END)) AS wanted
    FROM ahead
)
SELECT id, created_at, number + max(wanted - number) OVER (ORDER BY id) AS new_id FROM wanted
"""
_SLOTS_NEEDED = f"SELECT DISTINCT new_id / %(width)s FROM ({_MOVED}) AS moved ORDER BY 1"  # noqa: S608
_KEPT = ", ".join(("sender_ip", *(column.name for column in COLUMNS if column.name != "created_at")))
_MOVE = f"""
WITH gone AS (
    DELETE FROM event e USING moved m WHERE e.destination_id = %(destination)s AND e.id = m.id AND e.id > %(now)s
    RETURNING e.*, m.new_id
), counted AS (
    INSERT INTO event (destination_id, id, created_at, {_KEPT})
    SELECT destination_id, new_id,
        CASE WHEN created_at = id OR created_at > %(now)s + {DAY} THEN new_id ELSE created_at END, {_KEPT}
    FROM gone RETURNING id
)
SELECT count(*), min(id), max(id) FROM counted
"""  # noqa: S608
_SEVERITIES = ", ".join(f"count(*) FILTER (WHERE severity = {number})" for number in range(len(SEVERITIES)))
_COUNT_SLOTS = (
    "DELETE FROM event_count WHERE destination_id = %(destination)s AND slot_lower >= %(lower)s;"
    "INSERT INTO event_count (destination_id, slot_lower, count, last_id)"
    " SELECT e.destination_id, s.lower, count(*), max(e.id)"
    " FROM slot s JOIN event e ON e.id >= s.lower AND e.id < s.upper"
    " WHERE e.destination_id = %(destination)s AND e.id >= %(lower)s AND s.lower >= %(lower)s GROUP BY 1, 2"
)
_COUNT_MINUTES = (
    "DELETE FROM event_minute WHERE destination_id = %(destination)s AND minute >= %(minute)s;"  # noqa: S608
    "INSERT INTO event_minute"
    f" SELECT destination_id, id / {MINUTE}, {_SEVERITIES}, count(*) FILTER (WHERE severity IS NULL)"
    f" FROM event WHERE destination_id = %(destination)s AND id >= %(minute)s::bigint * {MINUTE} GROUP BY 1, 2"
)
# The census counts this destination anew; archives of future days do not hold the repaired events.
_FORGET = (
    "DELETE FROM census WHERE destination_id = %(destination)s;"  # noqa: S608
    "DELETE FROM sender WHERE destination_id = %(destination)s;"
    "DELETE FROM sender_hour WHERE destination_id = %(destination)s;"
    "DELETE FROM event_quarter WHERE destination_id = %(destination)s;"
    "DELETE FROM archived WHERE destination_id = %(destination)s AND slot_lower > %(now)s;"
    f"DELETE FROM archive WHERE destination_id = %(destination)s AND day > %(now)s / {DAY}"
)


async def repair_clock(pool: Pool, slot_seconds: int, now: int) -> None:
    """Move back all events that are ahead of ``now`` (µs), in one transaction per destination.

    No listener may be writing to the database meanwhile.

    Raises:
        StoreUnavailable: PostgreSQL went away; the destinations repaired by then stay repaired.
    """
    slots = Slots(pool, slot_seconds)
    found = await pool.read(_DESTINATIONS, {"now": now, "ahead": AHEAD})
    for destination_id, user_id in found:
        count = await _bring_back(pool, slots, {"destination": destination_id, "now": now}, slot_seconds)
        _log.warn("Clock repair: moved {count} events of {user_id} back in time", count=count, user_id=user_id)
    if not found:
        _log.info("Clock repair: found no events ahead of the clock")


async def _bring_back(pool: Pool, slots: Slots, asked: dict[str, Any], slot_seconds: int) -> int:
    width = slot_seconds * 1_000_000
    needed = await pool.run(_SLOTS_NEEDED, {**asked, "width": width}, seconds=_PATIENCE)
    await slots.ensure([(number * width, number * width + width - 1) for (number,) in needed])

    async def work(transaction: Transaction) -> int:
        await lock(transaction, RETAIN)
        await transaction.run(f"CREATE TEMP TABLE moved ON COMMIT DROP AS {_MOVED}", asked)
        await transaction.run("ANALYZE moved")
        ((count, first, _),) = await transaction.run(_MOVE, asked)
        ((lower,),) = await transaction.run("SELECT max(lower) FROM slot WHERE lower <= %s", [first])
        again = {**asked, "lower": lower, "minute": first // MINUTE}
        await transaction.run(f"{_COUNT_SLOTS}; {_COUNT_MINUTES}; {_FORGET}", again)
        return int(count)

    return await pool.transact(work, seconds=_PATIENCE)
