"""Forgets events whose time is over: whole slots where all of it is, else one destination's part of a slot.

Each step is one transaction that takes the events with their counts, so a crash at any point leaves every page and
histogram right. A slot goes when the time of every destination in it is over; the table is dropped, not emptied.
"""

from __future__ import annotations

import attrs
from twisted.logger import Logger

from ppl.errors import StoreUnavailable
from ppl.model import DAY, MINUTE, Clock
from ppl.store.connecting.locks import RETAIN, RETAIN_KEY, lock
from ppl.store.connecting.pool import Pool, Transaction
from ppl.store.events.senders import FORGET
from ppl.store.upkeep.archives import MAY_GO
from ppl.store.upkeep.leaps import Leaps

#: Dropping a slot holds up everybody for a moment: no longer than this is it waited for, and then tried again later.
LOCK_MILLISECONDS = 300

#: Slots or parts of slots that one run takes at most, so that a run ends.
_MOST = 200

#: When the events of a destination in a slot have had their time. Destinations that are gone are as any.
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
# Who counts senders waits meanwhile, or it would leave counts of what is gone.
_IN_TURN = "SELECT pg_advisory_xact_lock({}, {})".format(*RETAIN_KEY)
_CLOSED = (
    "WITH gone AS (DELETE FROM destination d WHERE d.closed_at IS NOT NULL"
    " AND d.closed_at <= %(now)s - %(day)s * coalesce(d.retention_days, %(days)s)::bigint"
    " AND NOT EXISTS (SELECT FROM event_count c WHERE c.destination_id = d.id) RETURNING d.id),"
    " senders AS (DELETE FROM sender USING gone WHERE destination_id = gone.id),"
    " hours AS (DELETE FROM sender_hour USING gone WHERE destination_id = gone.id)"
    " DELETE FROM census USING gone WHERE destination_id = gone.id"
)


@attrs.define
class Retention:
    """Of an installation.

    Attributes:
        pool: of its PostgreSQL.
        clock: µs.
        days: for how long events are kept where their destination says nothing else; ``None``: for ever.
        may_go: SQL over ``event_count c`` and ``slot s``: whether a destination's part of a slot may go.
        leaps: asked whether the clock can be trusted; ``None``: it is.
        lock_milliseconds: how long the drop of a slot waits for those who read it.
    """

    pool: Pool
    clock: Clock
    days: int | None
    may_go: str = MAY_GO
    leaps: Leaps | None = None
    lock_milliseconds: int = LOCK_MILLISECONDS
    _stopped: bool = attrs.field(default=False, init=False)

    _log = Logger()

    def stop(self) -> None:
        """End a run after the step that is under way."""
        self._stopped = True

    async def run(self) -> None:
        """Forget what is over: events, who sent them, and destinations that were closed."""
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
        await self.pool.run(f"{_IN_TURN}; {FORGET}", now)
        await self.pool.run(f"{_IN_TURN}; {_CLOSED}", now)

    async def _drop(self, lower: int, upper: int, now: dict[str, int | None]) -> None:
        async def work(transaction: Transaction) -> bool:
            await lock(transaction, RETAIN)
            await transaction.run(f"SET LOCAL lock_timeout = {self.lock_milliseconds}")
            # The parent first, as those who insert take them: the other way round would be a deadlock.
            await transaction.run("LOCK TABLE ONLY event IN ACCESS EXCLUSIVE MODE")
            if await transaction.run("SELECT 1 WHERE to_regclass(%s) IS NOT NULL", [f"event_{lower}"]):
                # COPY goes straight into the slot: what it brings is counted before we look, or it finds no slot.
                await transaction.run(f"LOCK TABLE event_{lower} IN ACCESS EXCLUSIVE MODE")
            still = await transaction.run(
                _WHOLE.format(may_go=self.may_go, expired=_EXPIRED) + " AND s.lower = %(lower)s",
                {**now, "lower": lower},
            )
            if still:
                await transaction.run(f"DROP TABLE IF EXISTS event_{lower}")
                await transaction.run(_FORGET.format(minute=MINUTE), {"lower": lower, "upper": upper})
            return bool(still)

        try:
            if await self.pool.transact(work):
                self._log.info("The slot from {lower} on is forgotten: its time is over", lower=lower)
        except StoreUnavailable as error:
            self._log.info("The slot from {lower} on goes later: {why}", lower=lower, why=str(error))

    async def _forget_part(self, destination_id: int, lower: int, upper: int) -> None:
        bounds = {"destination": destination_id, "lower": lower, "upper": upper}

        async def work(transaction: Transaction) -> None:
            await lock(transaction, RETAIN)
            # With the count held nobody adds to it meanwhile; the statements after this one see what was added before.
            if not await transaction.run(_STILL_PART.format(may_go=self.may_go), bounds):
                return
            await transaction.run(_FORGET_PART.format(minute=MINUTE), bounds)

        await self.pool.transact(work)
