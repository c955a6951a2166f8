"""Counts the senders of each destination from stored events, in the background: receiving does not depend on it.

Each destination has a bookmark, the id up to which its events are counted. One statement counts the next few thousand
events and moves the bookmark, so that each event is counted once, whatever crashes and when. The bookmark must not pass
events that are still being committed. The writer commits a destination's events in the order of their ids, and a commit
that a killed process left under way ends with its transaction. So the census notes the last ids and the transactions
that are writing events, and counts up to those ids once these transactions have ended.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from math import inf
from typing import Any

import attrs
from twisted.logger import Logger

from ppl.errors import StoreUnavailable
from ppl.model import HOUR, MINUTE, Clock
from ppl.services.pausing import Rest
from ppl.store.connecting.connection import Connection
from ppl.store.connecting.locks import CENSUS_KEY, RETAIN_KEY
from ppl.store.events.senders import COUNT, MOST_NAMES, TIDY
from ppl.store.upkeep.busy import BUSY_RATE, inserted

#: Seconds between two runs.
PERIOD = 5.0

#: Events that one statement counts at most.
ROWS = 10_000

#: While ingest is busy, a run begins only this many seconds after the one before, since each costs senders time.
BUSY_PERIOD = 30.0

#: While ingest is busy, a run counts a destination by one statement; if it is more than this many µs behind, in full.
MOST_PUT_OFF = 10 * MINUTE

#: Seconds between two measurements of the ingest rate.
LOOK_SECONDS = 1.0

#: A run ends after this many seconds, so that destinations with few lines do not wait for the history of others.
RUN = 20.0

#: Seconds after which a transaction that writes events cannot be Ppl's, whose statements have timeouts.
LONGEST_WRITE = 120.0

_CONNECT_SECONDS = 5.0
_STATEMENT_SECONDS = 30.0

# A crash of PostgreSQL that loses the last counts loses the bookmark too: no commit need reach the disk.
# An open slot has no statistics yet: the planner would read and sort the whole rest of it for each statement.
_SESSION = (
    "SET synchronous_commit = off; SET jit = off; SET client_connection_check_interval = '1s';"
    " SET enable_bitmapscan = off; SET enable_seqscan = off"
)

# In random order: if one destination cannot be counted in time, the others still get their turn.
_LAST = (
    "SELECT d.id, coalesce(c.counted_to, -1), e.last_id"
    " FROM destination d LEFT JOIN census c ON c.destination_id = d.id CROSS JOIN LATERAL"
    " (SELECT last_id FROM event_count e WHERE e.destination_id = d.id ORDER BY slot_lower DESC LIMIT 1) e"
    " WHERE e.last_id > coalesce(c.counted_to, -1) ORDER BY random()"
)
_WRITING = (
    "SELECT DISTINCT virtualtransaction FROM pg_locks WHERE locktype = 'relation' AND mode = 'RowExclusiveLock'"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND (relation = 'event'::regclass"
    " OR relation IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'event'::regclass))"
)
_SLOT = (
    "SELECT c.slot_lower, s.upper FROM event_count c JOIN slot s ON s.lower = c.slot_lower"
    " WHERE c.destination_id = %(destination)s AND c.last_id > %(after)s AND c.slot_lower <= %(upto)s"
    " AND c.slot_lower >= coalesce((SELECT max(slot_lower) FROM event_count"
    " WHERE destination_id = %(destination)s AND slot_lower <= %(after)s), 0) ORDER BY c.slot_lower LIMIT 1"
)
_IN_TURN = "SELECT pg_advisory_xact_lock({}, {})".format(*RETAIN_KEY)
# Hash joins, so that thousands of random names are not each compared with every known one.
_HASHED = "SET LOCAL enable_nestloop = off; SET LOCAL enable_mergejoin = off"


@attrs.frozen
class CensusLimits:
    """How much a census does at a time.

    Attributes:
        rows: events that one statement counts at most.
        names: most names of each kind that are counted separately in a destination.
        run_seconds: seconds after which a run ends.
        busy_rate: events a second above which runs are rare.
        look_seconds: seconds between two measurements of that rate.
    """

    rows: int = ROWS
    names: int = MOST_NAMES
    run_seconds: float = RUN
    busy_rate: float = BUSY_RATE
    look_seconds: float = LOOK_SECONDS


@attrs.define
class _Part:
    """The events of a destination that are to be counted: ``after < id <= upto``."""

    destination_id: int
    after: int
    upto: int


@attrs.frozen
class _Sight:
    """The last id of each destination, and the transactions that were writing events, as read at second ``at``."""

    at: float
    last_ids: dict[int, int]
    writing: frozenset[str]


class Census:
    """Counts senders, in one process of an installation at a time.

    Args:
        reactor: connects and waits.
        dsn: libpq's connection string.
        clock: the time in µs.
        steady: the seconds of a clock that is never set; ``None``: the reactor's.
        limits: how much it does at a time.
        connect: makes a connection, as :class:`~ppl.store.connecting.connection.Connection` is made.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        dsn: str,
        clock: Clock,
        steady: Callable[[], float] | None = None,
        *,
        limits: CensusLimits | None = None,
        connect: Callable[[Any, str], Connection] = Connection,
    ) -> None:
        self._reactor, self._dsn, self._clock = reactor, dsn, clock
        self._limits, self._connect = limits or CensusLimits(), connect
        self._steady: Callable[[], float] = steady or reactor.seconds
        self._connection: Connection | None = None
        self._is_ours = False
        self._sight: _Sight | None = None
        self._ran_at = -inf
        # The last measurement: when, how many events had come in, and whether ingest was busy.
        self._looked: tuple[float, int, bool] | None = None
        self._rest = Rest(reactor)
        self._stopped = False

    def stop(self) -> None:
        """End a run that is under way, and close the connection."""
        self._stopped = True
        self._rest.end()
        if self._connection is not None:
            self._connection.abandon("the process stops")

    async def run(self) -> None:
        """Count new events.

        Raises:
            StoreUnavailable: PostgreSQL is away.
        """
        try:
            connection = await self._connected()
            if self._is_ours:
                await self._count_all(connection)
        except StoreUnavailable:
            if not self._stopped:
                raise
        except BaseException:
            if self._connection is not None:
                self._connection.abandon("its state is not known")
            raise

    async def _connected(self) -> Connection:
        """The connection, kept from run to run; if it is lost, so are the lock and the last measurements."""
        connection = self._connection
        if connection is None or connection.is_lost:
            self._is_ours, self._sight, self._looked = False, None, None
            connection = self._connection = self._connect(self._reactor, "ppl census")
            await connection.open(self._dsn, _CONNECT_SECONDS, _STATEMENT_SECONDS)
            await connection.execute(_SESSION, None, _CONNECT_SECONDS)
        if not self._is_ours:
            locked = "SELECT pg_try_advisory_lock(%s, %s)"
            ((self._is_ours,),) = await connection.execute(locked, CENSUS_KEY, _CONNECT_SECONDS)
        return connection

    async def _count_all(self, connection: Connection) -> None:
        began = self._steady()
        if await self._is_busy(connection) and began - self._ran_at < BUSY_PERIOD:
            return
        self._ran_at = began
        parts = deque(await self._safe(connection))
        while parts and not self._stopped and self._steady() - began < self._limits.run_seconds:
            part = parts.popleft()
            before = self._steady()
            if not await self._count(connection, part):
                continue
            if not await self._is_busy(connection) or self._clock() - part.after > MOST_PUT_OFF:
                parts.append(part)
            # Count for half of the time at most, so that others can use PostgreSQL too.
            if parts and not await self._rest.take(min(self._steady() - before, self._limits.run_seconds)):
                return

    async def _safe(self, connection: Connection) -> list[_Part]:
        """The events that may be counted, since no older event is still being committed."""
        rows = await connection.execute(_LAST, None, _STATEMENT_SECONDS)
        writing = frozenset(each for (each,) in await connection.execute(_WRITING, None, _STATEMENT_SECONDS))
        now = self._steady()
        sight = _Sight(now, {destination_id: last_id for destination_id, _, last_id in rows}, writing)
        if not writing:
            safe, self._sight = sight.last_ids, None
        elif self._sight is None:
            safe, self._sight = {}, sight
        elif self._sight.writing & writing and now - self._sight.at < LONGEST_WRITE:
            safe = {}
        else:
            safe, self._sight = self._sight.last_ids, sight
        return [
            _Part(destination_id, counted_to, safe[destination_id])
            for destination_id, counted_to, _ in rows
            if safe.get(destination_id, -1) > counted_to
        ]

    async def _count(self, connection: Connection, part: _Part) -> bool:
        """Count the next events of ``part``; returns whether more are left."""
        asked = {"destination": part.destination_id, "after": part.after, "upto": part.upto}
        slots = await connection.execute(_SLOT, asked, _STATEMENT_SECONDS)
        if not slots:
            return False
        ((slot, upper),) = slots
        asked.update(slot=slot, upto=min(part.upto, upper - 1), after=max(part.after, slot - 1))
        asked.update(rows=self._limits.rows, names=self._limits.names)
        reached = await connection.execute(f"{_IN_TURN}; {_HASHED}; {COUNT}", asked, _STATEMENT_SECONDS)
        if not reached:
            return False  # the destination was deleted
        ((counted_to,),) = reached
        if counted_to // HOUR != part.after // HOUR:
            tidied = {"destination": part.destination_id, "now": counted_to, "names": self._limits.names}
            await connection.execute(f"{_IN_TURN}; {TIDY}", tidied, _STATEMENT_SECONDS)
        part.after = counted_to
        return part.after < part.upto

    async def _is_busy(self, connection: Connection) -> bool:
        """Whether ingest is busy, by PostgreSQL's own statistics since the last measurement."""
        now = self._reactor.seconds()
        at, count, is_busy = self._looked or (now, None, False)
        if count is None or now - at >= self._limits.look_seconds:
            found = await inserted(connection, self._clock())
            is_busy = count is not None and found - count > self._limits.busy_rate * (now - at)
            self._looked = (now, found, is_busy)
        return is_busy
