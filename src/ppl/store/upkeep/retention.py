"""Deletes expired events: whole slots where all events have expired, else one destination's part of a slot.

Where the data exceed a size, or the disk has too little room, the oldest slots go before they have expired.

Each step is one transaction that deletes events with their counts, so a crash at any point leaves every page and
histogram right. A slot goes when it has expired for every destination in it; its table is dropped, not emptied.
"""

from __future__ import annotations

import attrs
from twisted.logger import Logger

from ppl.errors import StoreUnavailable
from ppl.model import DAY, MINUTE, Clock
from ppl.store.connecting.locks import RETAIN, RETAIN_KEY, lock
from ppl.store.connecting.pool import Pool, Transaction
from ppl.store.events.senders import FORGET
from ppl.store.events.upload_keys import FORGET_KEYS
from ppl.store.upkeep.archives import MAY_GO
from ppl.store.upkeep.leaps import Leaps
from ppl.store.upkeep.size_limits import SizeLimits, oldest_slots

#: Dropping a slot blocks all readers and writers while it waits for its locks: at most this long. Then the drop is
#: retried later.
LOCK_MILLISECONDS = 300

#: Most slots, and most parts of slots, that one run deletes, so that a run ends.
_MOST = 200

#: SQL: whether the events of a destination in a slot have expired. Deleted destinations have the usual retention.
_EXPIRED = (
    "s.upper <= %(now)s - %(day)s * coalesce("
    "(SELECT d.retention_days FROM destination d WHERE d.id = c.destination_id), %(days)s)::bigint"
)
_WHOLE = (
    "SELECT s.lower, s.upper FROM slot s WHERE s.upper <= %(now)s - %(day)s AND NOT EXISTS"
    " (SELECT FROM event_count c WHERE c.slot_lower = s.lower AND ({expired} AND {may_go}) IS NOT TRUE)"
)
_PART = (
    "SELECT c.destination_id, s.lower, s.upper FROM event_count c JOIN slot s ON s.lower = c.slot_lower"
    " WHERE {may_go} AND {expired} ORDER BY s.lower LIMIT {most}"
)
_FORGET = (
    "DELETE FROM event_minute m USING event_count c WHERE c.slot_lower = %(lower)s"
    " AND m.destination_id = c.destination_id AND m.minute >= %(lower)s / {minute} AND m.minute < %(upper)s / {minute};"
    "DELETE FROM event_quarter q USING event_count c WHERE c.slot_lower = %(lower)s"
    " AND q.destination_id = c.destination_id AND q.slot_lower = %(lower)s;"
    "DELETE FROM archived WHERE slot_lower = %(lower)s;"
    "DELETE FROM event_count WHERE slot_lower = %(lower)s;"
    "DELETE FROM slot WHERE lower = %(lower)s"
)
_FORGET_PART = (
    "DELETE FROM event WHERE destination_id = %(destination)s AND id >= %(lower)s AND id < %(upper)s;"
    "DELETE FROM event_minute WHERE destination_id = %(destination)s"
    " AND minute >= %(lower)s / {minute} AND minute < %(upper)s / {minute};"
    "DELETE FROM event_quarter WHERE destination_id = %(destination)s AND slot_lower = %(lower)s;"
    "DELETE FROM archived WHERE destination_id = %(destination)s AND slot_lower = %(lower)s;"
    "DELETE FROM event_count WHERE destination_id = %(destination)s AND slot_lower = %(lower)s"
)
_STILL_PART = (
    "SELECT 1 FROM event_count c WHERE c.destination_id = %(destination)s AND c.slot_lower = %(lower)s AND {may_go}"
    " FOR UPDATE"
)
# The census waits meanwhile, or it would leave counts of deleted events.
_IN_TURN = "SELECT pg_advisory_xact_lock({}, {})".format(*RETAIN_KEY)
_CLOSED = (
    "WITH gone AS (DELETE FROM destination d WHERE d.closed_at IS NOT NULL"
    " AND d.closed_at <= %(now)s - %(day)s * coalesce(d.retention_days, %(days)s)::bigint"
    " AND NOT EXISTS (SELECT FROM event_count c WHERE c.destination_id = d.id) RETURNING d.id),"
    " keys AS (DELETE FROM upload_key USING gone WHERE destination_id = gone.id),"
    " senders AS (DELETE FROM sender USING gone WHERE destination_id = gone.id),"
    " hours AS (DELETE FROM sender_hour USING gone WHERE destination_id = gone.id)"
    " DELETE FROM census USING gone WHERE destination_id = gone.id"
)


@attrs.define
class Retention:
    """Retention of an installation.

    Attributes:
        pool: connections to its PostgreSQL.
        clock: the time in µs.
        days: for how many days events are kept unless their destination says otherwise; ``None``: for ever.
        may_go: SQL over ``event_count c`` and ``slot s``: whether a destination's part of a slot may be dropped.
        leaps: tells whether the clock can be trusted; ``None``: it always can.
        limits: how much the data may take; ``None``: as much as there is.
        lock_milliseconds: how long the drop of a slot waits for its readers.
    """

    pool: Pool
    clock: Clock
    days: int | None
    may_go: str = MAY_GO
    leaps: Leaps | None = None
    limits: SizeLimits | None = None
    lock_milliseconds: int = LOCK_MILLISECONDS
    _stopped: bool = attrs.field(default=False, init=False)
    # What is said of the limits, as long as it stays so.
    _said: str = attrs.field(default="", init=False)

    _log = Logger()

    def stop(self) -> None:
        """End a run after its present step."""
        self._stopped = True

    async def run(self) -> None:
        """Delete expired events, senders and closed destinations whose events have all expired, and old upload keys."""
        if self.leaps is not None and await self.leaps.is_doubtful():
            return
        now = {"now": self.clock(), "days": self.days, "day": DAY}
        whole = _WHOLE.format(may_go=self.may_go, expired=_EXPIRED) + f" ORDER BY s.lower LIMIT {_MOST}"
        for lower, upper in await self.pool.read(whole, now):
            if self._stopped:
                return
            await self._drop(lower, upper, now)
        parts = _PART.format(may_go=self.may_go, expired=_EXPIRED, most=_MOST)
        for destination_id, lower, upper in await self.pool.read(parts, now):
            if self._stopped:
                return
            await self._forget_part(destination_id, lower, upper)
        if self.limits is not None:
            await self._make_room(self.limits, now)
        await self.pool.run(f"{_IN_TURN}; {FORGET}", now)
        await self.pool.run(f"{_IN_TURN}; {_CLOSED}", now)
        await self.pool.run(FORGET_KEYS, now)

    async def _make_room(self, limits: SizeLimits, now: dict[str, int | None]) -> None:
        """Drop the oldest slots until the limits are kept, or nothing is left that may go."""
        excess = await limits.excess(self.pool)
        if excess is None:
            self._said = ""
            return
        left, not_archived = excess.bytes, False
        for lower, upper, size in await oldest_slots(self.pool, self.clock(), _MOST):
            if self._stopped or left <= 0:
                return
            if await self._drop(lower, upper, now, "TRUE", excess.why):
                left -= size
            else:
                not_archived = True
        if left > 0:
            rest = (
                "older slots are not archived yet, or are being read" if not_archived else "the last two days are kept"
            )
            self._say_once(f"There is too little room for new events: {excess.why}, and {rest}")

    def _say_once(self, text: str) -> None:
        # The numbers change with every event.
        kind = text.rpartition(", and ")[2]
        if self._said != kind:
            self._said = kind
            self._log.warn("{text}", text=text)

    async def _drop(
        self, lower: int, upper: int, now: dict[str, int | None], expired: str = _EXPIRED, why: str = "retention passed"
    ) -> bool:
        """Drop a slot if all its parts have ``expired`` (SQL) and may go; gives whether it is gone."""

        async def work(transaction: Transaction) -> bool:
            await lock(transaction, RETAIN)
            await transaction.run(f"SET LOCAL lock_timeout = {self.lock_milliseconds}")
            # The parent first, as inserts do: the other order would deadlock.
            await transaction.run("LOCK TABLE ONLY event IN ACCESS EXCLUSIVE MODE")
            if await transaction.run("SELECT 1 WHERE to_regclass(%s) IS NOT NULL", [f"event_{lower}"]):
                # COPY goes straight into the slot: its events are counted before the check below, or they find no slot.
                await transaction.run(f"LOCK TABLE event_{lower} IN ACCESS EXCLUSIVE MODE")
            still = await transaction.run(
                _WHOLE.format(may_go=self.may_go, expired=expired) + " AND s.lower = %(lower)s",
                {**now, "lower": lower},
            )
            if still:
                await transaction.run(f"DROP TABLE IF EXISTS event_{lower}")
                await transaction.run(_FORGET.format(minute=MINUTE), {"lower": lower, "upper": upper})
            return bool(still)

        try:
            is_gone = await self.pool.transact(work)
        except StoreUnavailable as error:
            self._log.info("The slot starting at {lower} is dropped later: {why}", lower=lower, why=str(error))
            return False
        if is_gone:
            self._log.info("Dropped the slot starting at {lower}: {why}", lower=lower, why=why)
        return is_gone

    async def _forget_part(self, destination_id: int, lower: int, upper: int) -> None:
        bounds = {"destination": destination_id, "lower": lower, "upper": upper}

        async def work(transaction: Transaction) -> None:
            await lock(transaction, RETAIN)
            # With the count locked nobody adds to it; the statements after this one see what was added before.
            if not await transaction.run(_STILL_PART.format(may_go=self.may_go), bounds):
                return
            await transaction.run(_FORGET_PART.format(minute=MINUTE), bounds)

        await self.pool.transact(work)
