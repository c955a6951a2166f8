"""The one implementation of :class:`ppl.store.interface.Store`, over a :class:`~ppl.store.pool.Pool`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from twisted.internet.defer import Deferred

from ppl.model import Clock, Events, Page
from ppl.store.accounts import Accounts
from ppl.store.append import Appender
from ppl.store.paging import Pages
from ppl.store.pool import Pool
from ppl.store.slots import Slots


class PostgresStore(Accounts):
    """Everything Ppl keeps, in a migrated PostgreSQL.

    Args:
        pool: started before the first call.
        clock: the time in µs.
        slot_seconds: width of the slots to come.
    """

    def __init__(self, pool: Pool, clock: Clock, slot_seconds: int) -> None:
        super().__init__(pool, clock)
        self._slots = Slots(pool, slot_seconds)
        self._appender = Appender(pool, self._slots)
        self._pages = Pages(pool)

    @property
    def refused(self) -> int:
        """How many events PostgreSQL would not take for what is in them."""
        return self._appender.refused

    async def ensure_slots(self, now: int) -> None:
        """Make the slots of the time from ``now`` (µs) on; see :meth:`ppl.store.slots.Slots.ensure_ahead`."""
        await self._slots.ensure_ahead(now)

    async def append(self, batch: Sequence[Events], after: Deferred[None] | None = None) -> None:
        """Commit all of ``batch`` or nothing, once ``after`` has fired."""
        await self._appender.append(batch, after)

    async def last_ids(self) -> Mapping[int, int]:
        """Destination id → its highest stored event id."""
        rows = await self._pool.read("SELECT destination_id, max(last_id) FROM event_count GROUP BY destination_id")
        return {row[0]: row[1] for row in rows}

    async def newest(self, destination_id: int, limit: int, sender_ip: str | None = None) -> Page:
        """The newest ``limit`` events."""
        return await self._pages.newest(destination_id, limit, sender_ip)

    async def older(self, destination_id: int, before: int, limit: int, sender_ip: str | None = None) -> Page:
        """The newest ``limit`` events with ``id < before``."""
        return await self._pages.older(destination_id, before, limit, sender_ip)

    async def newer(
        self, destination_id: int, after: int, limit: int, sender_ip: str | None = None, before: int | None = None
    ) -> Page:
        """The oldest ``limit`` events with ``after < id`` (and ``id < before``)."""
        return await self._pages.newer(destination_id, after, limit, sender_ip, before)
