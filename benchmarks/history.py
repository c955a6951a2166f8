"""Lines of a hundred clients, hour by hour up to the present, made by PostgreSQL itself in the slots of a running Ppl.

The slots are as ingest would have left them: clients interleaved in order of id, events counted, tables vacuumed, and
past slots sealed by Ppl. A tenth of the lines are the searching client's. Used by :mod:`benchmarks.search`.
"""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import attrs
import psycopg2
from twisted.internet import task
from twisted.internet.defer import Deferred

from ppl.model import MINUTE
from ppl.store.connecting.locks import SEAL_KEY
from ppl.store.connecting.pool import Pool
from ppl.store.events.slots import Slots
from tests.fixtures.database import BY_SEVERITY, execute
from tests.fixtures.running import eventually

CLIENTS = 100
HOUR = 60 * MINUTE

_spawn = multiprocessing.get_context("spawn")

# Line n of a slot. Every tenth is the searching client's, which has no lines of mail servers (kind 9).
_LINES = """
INSERT INTO event_{lower} (destination_id, id, created_at, sender_ip, facility, severity, hostname, file_name, procid,
                           message)
SELECT destination, id, id - 700, ('10.0.' || destination % 250 || '.' || host)::inet, facility, severity,
       'web-' || host || '.client-' || destination, program, (1000 + host * 17)::text, message
FROM (
    SELECT *, {lower}::bigint + n * {step} + h % 7 AS id, 1 + h / 1000 % 16 AS host,
           CASE WHEN n % 10 = 0 THEN {searcher} ELSE ({others}::bigint[])[1 + h % 99] END AS destination,
           CASE WHEN n % 10 = 0 THEN h / 7 % 9 ELSE h / 7 % 10 END AS kind
    FROM (SELECT n, abs(hashint8({lower} + n))::bigint AS h, md5(({lower} + n)::text) AS hex
          FROM generate_series(0::bigint, {count} - 1) AS n) AS drawn
) AS line,
LATERAL (SELECT
    CASE WHEN kind < 6 THEN 'access.log' WHEN kind < 8 THEN 'orders' WHEN kind = 8 THEN 'pool' ELSE 'postfix/smtp' END,
    CASE WHEN kind < 6 THEN 16 WHEN kind < 9 THEN 17 ELSE 2 END,
    CASE WHEN kind < 6 THEN 6 WHEN kind < 8 THEN 5 WHEN kind = 8 THEN 4 ELSE 6 END,
    CASE WHEN kind < 6 THEN
        'GET /api/v1/orders/' || h % 1000000 || '?page=' || h % 9 || ' HTTP/1.1 200 ' || h % 70000 || ' 0.0' || h % 97
        || ' request_id=' || left(hex, 16) || ' Mozilla/5.0 (X11; Linux x86_64)'
    WHEN kind < 8 THEN
        'order ' || h % 1000000 || ' of user ' || h % 50000 || ' accepted by warehouse ' || h % 40 || ' in '
        || h % 300 || ' ms, basket of ' || h % 12 || ' items request_id=' || left(hex, 16)
    WHEN kind = 8 THEN
        'connection to db-0' || h % 5 || ':5432 timed out after ' || h % 9000 || ' ms (attempt '
        || h / 100 % 20 || '), retrying request_id=' || left(hex, 16)
    ELSE
        upper(left(hex, 11)) || ': to=<user' || h % 90000 || '@example.com>, relay=mx' || h % 8
        || '.example.com[192.0.2.7]:25, delay=0.' || h % 90 || ', status=sent (250 Ok) request_id=' || left(hex, 16)
    END
) AS said (program, facility, severity, message)
"""

_COUNTS = """
INSERT INTO event_count (destination_id, slot_lower, count, last_id)
    SELECT destination_id, {lower}, count(*), max(id) FROM event_{lower} GROUP BY 1;
INSERT INTO event_minute
    SELECT destination_id, id / 60000000, {by_severity} FROM event_{lower} GROUP BY 1, 2;
"""

#: Seconds before the present that stay empty, so that lines sent next get later ids.
_FREE = 1


@attrs.frozen
class History:
    """The history that was made.

    Attributes:
        dsn: the database.
        searcher: destination id of the searching client.
        lowers: first ids of the slots, oldest first; the last slot is open.
    """

    dsn: str
    searcher: int
    lowers: tuple[int, ...]

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a statement, with ``{searcher}`` and the slots ``{first}`` and ``{open}`` filled in."""
        return execute(self.dsn, sql.format(searcher=self.searcher, first=self.lowers[0], open=self.lowers[-1]))


def make_history(dsn: str, searcher: int, events: int, slots: int, lines: str = _LINES) -> History:
    """Fill ``slots`` slots of an hour with ``events`` lines, and wait until Ppl has sealed all but the open one.

    ``lines`` is the statement that makes those of a slot.
    """
    now = int(time.time() * 1_000_000)
    newest = now - now % HOUR
    lowers = tuple(newest - HOUR * index for index in reversed(range(slots)))
    others = execute(
        dsn,
        "INSERT INTO destination (host, port, time_zone, created_at)"
        f" SELECT 'logs.example.com', port, '+00:00', 0 FROM generate_series(1, {CLIENTS - 1}) AS port RETURNING id",
    )

    def fill(lower: int) -> None:
        room = min(HOUR, now - lower - _FREE * 1_000_000)
        count = events // slots
        values = {
            "lower": lower,
            "step": max(7, room // count),
            "count": count,
            "searcher": searcher,
            "others": f"ARRAY[{','.join(str(id_) for (id_,) in others)}]",
        }
        execute(dsn, lines.format(**values))
        execute(dsn, _COUNTS.format(by_severity=BY_SEVERITY, **values))
        execute(dsn, f"VACUUM (ANALYZE) event_{lower}")

    with closing(psycopg2.connect(dsn)) as sealing, ThreadPoolExecutor(2) as pool:
        # Hold the lock of sealing: otherwise Ppl would index slots that are still empty.
        sealing.autocommit = True
        sealing.cursor().execute("SELECT pg_advisory_lock(%s, %s)", SEAL_KEY)
        make_slots(dsn, lowers[0], now)
        list(pool.map(fill, lowers))
    history = History(dsn, searcher, lowers)
    eventually(
        lambda: not history.rows("SELECT lower FROM slot WHERE indexed_at IS NULL AND upper <= {open}"),
        "Ppl has sealed the slots",
        3600,
    )
    return history


def make_slots(dsn: str, first: int, last: int) -> None:
    """Make slots of an hour for the time from ``first`` to ``last``, in µs."""
    making = _spawn.Process(target=_make_slots, args=(dsn, first, last))
    making.start()
    making.join()
    assert making.exitcode == 0, "the slots are made"


def _make_slots(dsn: str, first: int, last: int) -> None:
    """Run in a process of its own, with a reactor of its own."""

    async def work(reactor: Any) -> None:
        pool = Pool(reactor, dsn, 1)
        await pool.startService()
        await Slots(pool, HOUR // 1_000_000).ensure([(first, last)])
        await pool.stopService()

    task.react(lambda reactor: Deferred.fromCoroutine(work(reactor)))
