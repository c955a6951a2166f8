"""Senders: the SQL that counts them from events, keeps their number bounded, deletes them, and reads them.

:mod:`ppl.store.upkeep.census` decides which events are counted and when.
"""

from __future__ import annotations

from typing import Any

from ppl.model import HOUR, QUARTER, SENDER_KINDS, Sender, SendersSeen, Stored
from ppl.store.connecting.pool import Pool

#: Most names of a kind with rows of their own in a destination: all further ones, such as random names, share one row,
#: the overflow row.
MOST_NAMES = 500

#: Characters of a name that are kept.
MOST_CHARACTERS = 255

#: Hours for which the hourly counts of a sender are kept, back from the last in which it was seen.
KEPT_HOURS = 7 * 24

#: Counts the oldest events after ``after`` up to ``upto`` in the slot that begins at ``slot``, at most ``rows``, and
#: moves the bookmark past them. GROUPING() tells the grouping sets apart: names are never NULL. Not ``id > after``,
#: which would read the slot before too.
COUNT = f"""
WITH taken AS MATERIALIZED (
    SELECT id, id / {HOUR} AS hour, id / {QUARTER} AS quarter, left(hostname, {MOST_CHARACTERS}) AS host,
        left(file_name, {MOST_CHARACTERS}) AS file, host(sender_ip) AS address,
        octet_length(hostname) + octet_length(file_name) + octet_length(procid) + octet_length(msgid)
            + octet_length(structured_data) + octet_length(message) AS bytes
    FROM event WHERE destination_id = %(destination)s AND id >= %(after)s + 1 AND id <= %(upto)s
    ORDER BY id LIMIT %(rows)s
), counted AS MATERIALIZED (
    SELECT CASE WHEN grouping(host) = 0 THEN 0 WHEN grouping(file) = 0 THEN 1 WHEN grouping(address) = 0 THEN 2 END
            AS kind,
        coalesce(host, file, address) AS name, hour, quarter, count(*) AS count, sum(bytes)::bigint AS bytes,
        min(id) AS first_seen, max(id) AS last_seen
    FROM taken GROUP BY GROUPING SETS ((hour, host), (hour, file), (hour, address), (quarter))
), strange AS (
    SELECT kind, name, row_number() OVER (PARTITION BY kind ORDER BY min(first_seen), name) AS place FROM counted
    WHERE kind IS NOT NULL AND NOT EXISTS (SELECT FROM sender s WHERE s.destination_id = %(destination)s
        AND s.kind = counted.kind AND s.is_rest = false AND s.name = counted.name)
    GROUP BY kind, name
), known AS (
    SELECT kind, count(*) AS count FROM sender
    WHERE destination_id = %(destination)s AND is_rest = false GROUP BY kind
), placed AS (
    SELECT c.kind, coalesce(s.place + coalesce(k.count, 0) > %(names)s, false) AS is_rest, c.name, c.hour, c.count,
        c.first_seen, c.last_seen
    FROM counted c LEFT JOIN strange s ON s.kind = c.kind AND s.name = c.name LEFT JOIN known k ON k.kind = c.kind
    WHERE c.kind IS NOT NULL
), folded AS MATERIALIZED (
    SELECT kind, is_rest, CASE WHEN is_rest THEN '' ELSE name END AS name, hour, sum(count)::bigint AS count,
        min(first_seen) AS first_seen, max(last_seen) AS last_seen
    FROM placed GROUP BY 1, 2, 3, 4
), names AS (
    INSERT INTO sender AS s (destination_id, kind, is_rest, name, first_seen, last_seen, count)
    SELECT %(destination)s, kind, is_rest, name, min(first_seen), max(last_seen), sum(count)::bigint
    FROM folded GROUP BY kind, is_rest, name
    ON CONFLICT (destination_id, kind, is_rest, name) DO UPDATE SET count = s.count + excluded.count,
        first_seen = least(s.first_seen, excluded.first_seen), last_seen = greatest(s.last_seen, excluded.last_seen)
), hours AS (
    INSERT INTO sender_hour AS h (destination_id, kind, is_rest, name, hour, count)
    SELECT %(destination)s, kind, is_rest, name, hour, count FROM folded
    ON CONFLICT (destination_id, kind, is_rest, name, hour) DO UPDATE SET count = h.count + excluded.count
), quarters AS (
    INSERT INTO event_quarter AS q (destination_id, slot_lower, quarter, count, bytes)
    SELECT %(destination)s, %(slot)s, quarter, count, bytes FROM counted WHERE kind IS NULL
    ON CONFLICT (destination_id, slot_lower, quarter) DO UPDATE
        SET count = q.count + excluded.count, bytes = q.bytes + excluded.bytes
)
INSERT INTO census (destination_id, counted_to)
    SELECT d.id, CASE WHEN t.count < %(rows)s THEN %(upto)s ELSE t.last END
    FROM destination d, (SELECT count(*) AS count, max(id) AS last FROM taken) t WHERE d.id = %(destination)s
    ON CONFLICT (destination_id) DO UPDATE SET counted_to = excluded.counted_to
    RETURNING counted_to
"""  # noqa: S608 - only constants of this module and numbers are put in

#: Deletes hourly counts older than a week before their sender was last seen. Where a kind has no room left, names seen
#: in one hour only, and not in the day before ``now`` (µs), are added to the overflow row to make room for others.
TIDY = f"""
WITH full_kind AS (
    SELECT kind FROM sender WHERE destination_id = %(destination)s AND is_rest = false
    GROUP BY kind HAVING count(*) >= %(names)s
), gone AS (
    DELETE FROM sender s USING full_kind f
    WHERE s.destination_id = %(destination)s AND s.kind = f.kind AND s.is_rest = false
        AND s.last_seen <= %(now)s - 24 * {HOUR} AND s.first_seen / {HOUR} = s.last_seen / {HOUR}
    RETURNING s.kind, s.name, s.first_seen, s.last_seen, s.count
), old AS (
    DELETE FROM sender_hour h USING sender s
    WHERE h.destination_id = %(destination)s AND s.destination_id = %(destination)s AND s.kind = h.kind
        AND s.is_rest = h.is_rest AND s.name = h.name AND (h.hour <= s.last_seen / {HOUR} - {KEPT_HOURS}
            OR EXISTS (SELECT FROM gone g WHERE g.kind = h.kind AND g.name = h.name AND h.is_rest = false))
)
INSERT INTO sender AS s (destination_id, kind, is_rest, name, first_seen, last_seen, count)
    SELECT %(destination)s, kind, true, '', min(first_seen), max(last_seen), sum(count)::bigint FROM gone GROUP BY kind
    ON CONFLICT (destination_id, kind, is_rest, name) DO UPDATE SET count = s.count + excluded.count,
        first_seen = least(s.first_seen, excluded.first_seen), last_seen = greatest(s.last_seen, excluded.last_seen)
"""  # noqa: S608

#: Deletes senders whose events have all expired (``now`` and ``day`` in µs; ``days``: the installation's retention).
FORGET = (
    "WITH gone AS (DELETE FROM sender s WHERE s.last_seen <= %(now)s - %(day)s * coalesce("
    "(SELECT d.retention_days FROM destination d WHERE d.id = s.destination_id), %(days)s)::bigint"
    " RETURNING s.destination_id, s.kind, s.is_rest, s.name)"
    " DELETE FROM sender_hour h USING gone g WHERE h.destination_id = g.destination_id AND h.kind = g.kind"
    " AND h.is_rest = g.is_rest AND h.name = g.name"
)

_SEEN = f"""
WITH hours AS (
    SELECT s.kind, s.is_rest, s.name, h.hour, h.count,
        h.hour - lag(h.hour) OVER (PARTITION BY s.kind, s.is_rest, s.name ORDER BY h.hour) - 1 AS pause
    FROM sender s JOIN sender_hour h ON h.destination_id = s.destination_id AND h.kind = s.kind
        AND h.is_rest = s.is_rest AND h.name = s.name
    WHERE s.destination_id = %(destination)s AND h.hour > s.last_seen / {HOUR} - {KEPT_HOURS}
), week AS (
    SELECT kind, is_rest, name, count(*) AS hours, coalesce(max(pause), 0) AS pause,
        array_agg(hour) FILTER (WHERE hour > %(hour)s - 24) AS at,
        array_agg(count) FILTER (WHERE hour > %(hour)s - 24) AS counts
    FROM hours GROUP BY kind, is_rest, name
)
SELECT s.kind, s.is_rest, s.name, s.first_seen, s.last_seen, s.count, coalesce(w.hours, 0), coalesce(w.pause, 0),
    w.at, w.counts
FROM sender s LEFT JOIN week w ON w.kind = s.kind AND w.is_rest = s.is_rest AND w.name = s.name
WHERE s.destination_id = %(destination)s ORDER BY s.kind, s.is_rest, s.count DESC, s.name
"""  # noqa: S608
_STATE = (
    "SELECT (SELECT counted_to FROM census WHERE destination_id = %(destination)s),"
    " (SELECT last_id FROM event_count WHERE destination_id = %(destination)s ORDER BY slot_lower DESC LIMIT 1)"
)


async def senders_seen(pool: Pool, destination_id: int, now: int) -> SendersSeen:
    """See :meth:`ppl.store.interface.FigureStore.senders`."""
    hour = now // HOUR
    asked = {"destination": destination_id, "hour": hour}
    ((counted_to, last_id),) = await pool.read(_STATE, asked)
    found = [_sender(row, hour) for row in await pool.read(_SEEN, asked)]
    return SendersSeen(counted_to, last_id is None or (counted_to is not None and counted_to >= last_id), tuple(found))


def _sender(row: tuple[Any, ...], hour: int) -> Sender:
    kind, is_rest, name, first_seen, last_seen, count, hours_seen, pause, at, counts = row
    hours = [0] * 24
    for each, number in zip(at or (), counts or (), strict=True):
        if each <= hour:
            hours[23 - (hour - each)] = number
    return Sender(
        SENDER_KINDS[kind], None if is_rest else name, first_seen, last_seen, count, tuple(hours), hours_seen, pause
    )


async def stored_since(pool: Pool, destination_id: int, since: int) -> list[Stored]:
    """See :meth:`ppl.store.interface.FigureStore.stored_since`."""
    rows = await pool.read(
        "SELECT quarter, sum(count)::bigint, sum(bytes)::bigint FROM event_quarter"
        " WHERE destination_id = %s AND quarter >= %s GROUP BY quarter ORDER BY quarter",
        [destination_id, since // QUARTER],
    )
    return [Stored(quarter * QUARTER, count, size) for quarter, count, size in rows]


async def stored_in_all(pool: Pool, destination_id: int) -> Stored | None:
    """See :meth:`ppl.store.interface.FigureStore.stored_in_all`."""
    ((count, size),) = await pool.read(
        "SELECT sum(count)::bigint, sum(bytes)::bigint FROM event_quarter WHERE destination_id = %s", [destination_id]
    )
    slots = await pool.read(
        "SELECT s.lower, s.upper FROM event_count c JOIN slot s ON s.lower = c.slot_lower"
        " WHERE c.destination_id = %s ORDER BY s.lower LIMIT 1",
        [destination_id],
    )
    if not slots:
        return None
    # With the slot's own bounds the planner considers no other slot.
    ((oldest,),) = await pool.read(
        "SELECT min(id) FROM event WHERE destination_id = %s AND id >= %s AND id < %s", [destination_id, *slots[0]]
    )
    return None if oldest is None else Stored(oldest, count or 0, size or 0)
