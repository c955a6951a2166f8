"""Searches history for a viewer: reads a portion of matching events in steps, within a time budget.

A :class:`~ppl.viewer.connection.ViewerConnection` carries out each :class:`~ppl.viewer.effects.ReadEvents` with a
``search`` in this way.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ppl.live.portion import PAGE_BYTES, size_of, within_bytes
from ppl.model import Found, Page
from ppl.search import query as searching
from ppl.store.interface import EventStore
from ppl.store.walker import Walker
from ppl.viewer.effects import ReadEvents, Way
from ppl.viewer.times import Times

Tell = Callable[[Page, Way], None]


class Walk:
    """One search, for one account in one destination.

    Args:
        store: where the events are.
        seconds: the clock.
        times: when the search is answered, and how often it reports how far it has got.
        account_id, destination_id: the account that searches, and the destination searched.
        query: the query to search for, with its bounds.
        tell: called with the result of each step except the last.
    """

    def __init__(
        self,
        store: EventStore,
        seconds: Callable[[], float],
        times: Times,
        account_id: int,
        destination_id: int,
        query: ReadEvents,
        tell: Tell,
    ) -> None:
        assert query.search is not None
        self._store, self._seconds, self._times, self._tell = store, seconds, times, tell
        self._account_id, self._destination_id = account_id, destination_id
        self._query = query
        self._search_for: searching.Query = query.search
        self._is_back = query.kind != "newer"
        self._walker: Walker | None = None
        self._is_stopped = False
        self._top = 0
        self._found = self._size = 0
        self._reached = 0
        self._told_at: float | None = None

    async def run(self) -> tuple[Page, Way]:
        """Search; gives the events that ``tell`` has not been given, and how far the search got.

        Raises:
            TooManySearches: the account has as many searches under way as it may.
            StoreUnavailable, StatementTimeout: the first step failed.
        """
        before = self._query.before
        if before is None:
            newest = await self._store.newest(self._destination_id, 1)
            self._top = newest.events[0].id if newest.events else 0
            before = self._top + 1
        self._reached = before if self._is_back else self._query.after or 0
        if self._is_stopped:
            return self._ended(Page((), complete=False))
        search = self._store.search(
            self._account_id,
            self._destination_id,
            self._search_for,
            before=before,
            after=self._query.after,
            sender_ip=self._query.sender_ip,
            newest_first=self._is_back,
        )
        self._walker = Walker(search, self._seconds, self._times.search)
        try:
            return self._ended(await self._walk(self._walker))
        finally:
            self._walker.close()

    def stop(self) -> None:
        """Stop the search; a statement that runs is cancelled."""
        self._is_stopped = True
        if self._walker is not None:
            self._walker.stop()

    async def _walk(self, walker: Walker) -> Page:
        while True:
            # One event more than asked for shows whether this is the end.
            found = await walker.step(partial(walker.search.step, self._query.limit + 1 - self._found))
            if found is None:
                return Page((), complete=False)
            page, is_full = self._take(found)
            if is_full or page.complete or walker.is_over:
                return page
            self._tell_of(page)

    def _take(self, found: Found) -> tuple[Page, bool]:
        """The events of a step that belong to the portion, and whether the portion is full."""
        room = self._query.limit - self._found
        kept = found.events
        if len(kept) > room:
            kept = kept[len(kept) - room :] if self._is_back else kept[:room]
        kept = within_bytes(Page(kept, complete=False), newest=self._is_back).events
        self._found += len(kept)
        self._size += sum(map(size_of, kept))
        if len(kept) == len(found.events):
            self._reached = found.reached if self._is_back else found.reached - 1
            return Page(kept, found.complete), self._size >= PAGE_BYTES
        if kept:
            self._reached = kept[0].id if self._is_back else kept[-1].id
        return Page(kept, complete=False), True

    def _tell_of(self, page: Page) -> None:
        now = self._seconds()
        # The first step is always reported: it begins a view.
        if page.events or self._told_at is None or now - self._told_at >= self._times.progress:
            self._told_at = now
            self._tell(page, self._way(is_last=False))

    def _ended(self, page: Page) -> tuple[Page, Way]:
        return page, self._way(is_last=True)

    def _way(self, *, is_last: bool) -> Way:
        left = None if self._walker is None else self._walker.search.left
        return Way(self._reached, self._found, is_last, self._is_back, self._top, left)
