"""Keeps customers' texts out of the planner's statistics.

An SQL reader (``docs/sql.rst``) may ask for the planner's estimates, which are made from the rows of all clients,
whatever row-level security hides. So the columns that hold texts and addresses have no statistics: in new slots from
the start, in slots of an older Ppl after a run of :class:`Statistics`.
"""

from __future__ import annotations

import attrs
from twisted.logger import Logger

from ppl.model import TEXT_COLUMNS
from ppl.store.connecting.pool import Pool, Transaction

#: Columns of ``event`` without statistics: what a sender writes, and its address.
WITHHELD = ("sender_ip", *TEXT_COLUMNS)

#: Columns of ``destination`` without statistics: those that an SQL reader may read of its own destinations.
_OF_DESTINATIONS = ("host", "port", "time_zone")

#: The first version of PostgreSQL that lets the owner of a table remove its statistics.
_CLEARS = 180000

#: Tables that one transaction changes: each is locked until it ends.
AT_ONCE = 50
_LOCK_MILLISECONDS = 500

# An unset statistics target is NULL from PostgreSQL 17 on, -1 before.
_LEFT = """
SELECT c.relname, parent.relname, c.relkind,
    array_agg(a.attname ORDER BY a.attnum), array_agg(a.attnum ORDER BY a.attnum)
FROM (
    SELECT 'event'::regclass AS oid, NULL::regclass AS of
    UNION ALL SELECT 'destination'::regclass, NULL
    UNION ALL SELECT inhrelid, NULL FROM pg_inherits WHERE inhparent = 'event'::regclass
    UNION ALL SELECT i.indexrelid, i.indrelid FROM pg_index i JOIN pg_inherits ON inhrelid = i.indrelid
        WHERE inhparent = 'event'::regclass AND i.indexprs IS NOT NULL
) AS ours
JOIN pg_class c ON c.oid = ours.oid
LEFT JOIN pg_class parent ON parent.oid = ours.of
JOIN pg_attribute a ON a.attrelid = c.oid AND coalesce(a.attstattarget, -1) <> 0 AND a.attnum > 0
WHERE CASE WHEN c.relkind = 'i' THEN true WHEN c.relname = 'destination' THEN a.attname = ANY (%s)
    ELSE a.attname = ANY (%s) END
GROUP BY 1, 2, 3 ORDER BY c.relname DESC LIMIT {at_once}
"""


def withhold(table: str) -> str:
    """SQL that makes PostgreSQL gather no statistics of the texts in ``table``, a slot."""
    return f"ALTER TABLE {table} {', '.join(f'ALTER {name} SET STATISTICS 0' for name in WITHHELD)}"


def withhold_index(table: str, index: str, version: int) -> str:
    """SQL that makes PostgreSQL gather no statistics of ``index``, which is on one expression over ``table``.

    From PostgreSQL 18 on it also removes those that exist.
    """
    sql = f"{withhold(table)}; ALTER INDEX {index} ALTER 1 SET STATISTICS 0"
    if version >= _CLEARS:
        # PostgreSQL may have analysed the index in the moment since it was created.
        sql += (
            "; SELECT pg_clear_attribute_stats(current_schema(), c.relname, a.attname, false)"  # noqa: S608
            " FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = 1"
            f" WHERE c.oid = '{index}'::regclass"
        )
    return sql


@attrs.define
class Statistics:
    """Withholds the statistics that an older Ppl let PostgreSQL gather, a few tables at a time.

    Attributes:
        pool: connections to the installation's PostgreSQL.
        at_once: tables that one transaction changes.
        is_done: whether a run found nothing left; from then on a run does nothing.
    """

    pool: Pool
    at_once: int = AT_ONCE
    is_done: bool = attrs.field(default=False, init=False)
    _stopped: bool = attrs.field(default=False, init=False)

    _log = Logger()

    def stop(self) -> None:
        """End a run after its present step."""
        self._stopped = True

    async def run(self) -> None:
        """Change tables until none is left.

        Raises:
            StoreUnavailable: PostgreSQL is away, or a table is locked; the next run goes on.
        """
        while not self.is_done and not self._stopped:
            self.is_done = not await self.pool.transact(self._withhold_some)

    async def _withhold_some(self, transaction: Transaction) -> bool:
        """Change a few tables; returns whether there were any."""
        await transaction.run(f"SET LOCAL lock_timeout = {_LOCK_MILLISECONDS}")
        left = await transaction.run(_LEFT.format(at_once=self.at_once), [list(_OF_DESTINATIONS), list(WITHHELD)])
        for name, table, kind, columns, numbers in left:
            # ONLY: without it, a change of the slots' parent would lock all slots.
            if kind == "i":
                await transaction.run(f"LOCK TABLE ONLY {table} IN SHARE UPDATE EXCLUSIVE MODE")
                targets = ", ".join(f"ALTER {number} SET STATISTICS 0" for number in numbers)
                await transaction.run(f"ALTER INDEX {name} {targets}")
            else:
                targets = ", ".join(f"ALTER {column} SET STATISTICS 0" for column in columns)
                await transaction.run(f"ALTER TABLE ONLY {name} {targets}")
            await self._clear(transaction, name, columns)
        return bool(left)

    async def _clear(self, transaction: Transaction, name: str, columns: list[str]) -> None:
        if self.pool.server_version < _CLEARS:
            return  # only a superuser can: deploy/sql-reader.sql
        await transaction.run(
            "SELECT pg_clear_attribute_stats(current_schema(), %s, a, inherited)"
            " FROM unnest(%s::text[]) AS a, unnest(ARRAY[false, true]) AS inherited",
            [name, columns],
        )
