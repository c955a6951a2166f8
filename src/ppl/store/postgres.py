"""The one implementation of :class:`ppl.store.interface.Store`, over a :class:`~ppl.store.connecting.pool.Pool`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from twisted.internet.defer import Deferred

from ppl.model import Archive, Bucket, Clock, Event, Events, Page, SendersSeen, Stored, UploadKeys
from ppl.search.query import Query
from ppl.store.accounts.accounts import AccountStore
from ppl.store.accounts.drains import Drains
from ppl.store.accounts.marks import MarkStore
from ppl.store.accounts.saved_searches import SavedSearchStore
from ppl.store.accounts.sender_tokens import SenderTokens
from ppl.store.accounts.shown_columns import ShownColumns
from ppl.store.connecting.pool import Pool
from ppl.store.events.append import COPY_EVENTS, Appender
from ppl.store.events.minutes import histogram
from ppl.store.events.paging import PageReader
from ppl.store.events.received import ReceivedCounts
from ppl.store.events.searching import MOST_SEARCHES, EventSearch, Searches
from ppl.store.events.senders import senders_seen, stored_in_all, stored_since
from ppl.store.events.slots import Slots
from ppl.store.events.upload_keys import recall_keys
from ppl.store.interface import Purpose
from ppl.store.upkeep.archives import archives_of


class PostgresStore(AccountStore, Drains, MarkStore, ReceivedCounts, SavedSearchStore, SenderTokens, ShownColumns):
    """Everything that Ppl stores, in a migrated PostgreSQL.

    Args:
        pool: the connections; started before the first call.
        searches: begins searches; ``None``: searches use the same pool.
        clock: gives the time in µs.
        slot_seconds: width of new slots.
        copy_events: batches of at least this many events are stored by COPY.
    """

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        slot_seconds: int,
        searches: Searches | None = None,
        *,
        copy_events: int = COPY_EVENTS,
    ) -> None:
        super().__init__(pool, clock)
        self._slots = Slots(pool, slot_seconds)
        self._appender = Appender(pool, self._slots, copy_events)
        self._pages = PageReader(pool)
        self._searches = searches or Searches(pool, MOST_SEARCHES)

    @property
    def refused(self) -> int:
        """Number of events that PostgreSQL refused because of their content."""
        return self._appender.refused

    @property
    def searches(self) -> Searches:
        """Begins searches, and knows how many are open."""
        return self._searches

    async def ensure_slots(self, now: int) -> None:
        """Make the slots for the time from ``now`` (µs) on; see :meth:`ppl.store.events.slots.Slots.ensure_ahead`."""
        await self._slots.ensure_ahead(now)

    def search(
        self,
        account_id: int,
        destination_id: int,
        query: Query,
        *,
        before: int | None = None,
        after: int | None = None,
        sender_ip: str | None = None,
        newest_first: bool = True,
        purpose: Purpose = "find",
    ) -> EventSearch:
        """Begin a search over ``after < id < before``."""
        return self._searches.begin(
            account_id,
            destination_id,
            query,
            before=before,
            after=after,
            sender_ip=sender_ip,
            newest_first=newest_first,
            purpose=purpose,
        )

    async def event(self, destination_id: int, event_id: int) -> Event | None:
        """The event with that id, ``None`` if it is not stored."""
        page = await self._pages.newer(destination_id, event_id - 1, 1, None, event_id + 1)
        return page.events[0] if page.events else None

    async def events_with(self, destination_id: int, event_ids: Sequence[int]) -> Page:
        """The stored events with these ids, the newest that fit into a page."""
        return await self._pages.chosen(destination_id, event_ids)

    async def histogram(self, destination_id: int, first: int, last: int, minutes: int) -> Sequence[Bucket]:
        """Events received from ``first`` to ``last`` in buckets of ``minutes``, by severity."""
        return await histogram(self._pool, destination_id, first, last, minutes)

    async def archives(self, destination_id: int) -> Sequence[Archive]:
        """The archived days of a destination, newest first."""
        return await archives_of(self._pool, destination_id)

    async def senders(self, destination_id: int, now: int) -> SendersSeen:
        """The senders of a destination, with their hours up to ``now`` (µs)."""
        return await senders_seen(self._pool, destination_id, now)

    async def stored_since(self, destination_id: int, since: int) -> Sequence[Stored]:
        """How much is stored from the time ``since`` on, by quarters of an hour."""
        return await stored_since(self._pool, destination_id, since)

    async def stored_in_all(self, destination_id: int) -> Stored | None:
        """How much is stored of a destination; ``None`` if it has no events."""
        return await stored_in_all(self._pool, destination_id)

    async def append(self, batch: Sequence[Events], after: Deferred[None] | None = None) -> None:
        """Commit all of ``batch`` or nothing, once ``after`` has fired."""
        await self._appender.append(batch, after)

    async def upload_keys(self, destination_id: int, kind: str) -> UploadKeys:
        """The keys of a kind that were stored last with a destination's events."""
        return await recall_keys(self._pool, destination_id, kind)

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
