"""``GET /api/similar``: the lines that a search finds, grouped by their shape; groups are sent while lines are read."""

from __future__ import annotations

from collections.abc import AsyncIterator

from ppl.access.destinations import access_of
from ppl.access.throttle import Rate, Throttle
from ppl.errors import TooManySearches
from ppl.model import DAY, HOUR, Account, Clock
from ppl.search.query import HIGHEST_ID
from ppl.similar.workers import Grouping, Workers
from ppl.store.interface import PeopleStore
from ppl.web.http.answers import StreamedAnswer, TooManyRequests, spend
from ppl.web.http.parameters import bounds_of, destination_of, query_of, word_of
from ppl.web.http.routing import Route, for_account
from ppl.web.http.visit import Visit

#: Limit for one account: a live page asks every few seconds, and a client that disconnects costs a process.
_GROUPINGS = Rate(burst=30, seconds=1)

_COMPARED = {"no": 0, "hour": HOUR, "day": DAY}


class Similar:
    """Handler of ``/api/similar``."""

    def __init__(self, store: PeopleStore, workers: Workers, clock: Clock, steady: Clock) -> None:
        self._store, self._workers, self._clock = store, workers, clock
        self._throttle = Throttle(_GROUPINGS, steady)

    @property
    def routes(self) -> tuple[Route, ...]:
        """The route of this handler."""
        return (for_account("/api/similar", self.group),)

    async def group(self, visit: Visit, account: Account) -> StreamedAnswer:
        """Stream reports, one JSON object per line, each with the latest changes; the last says ``"done": true``."""
        fields = visit.query
        destination = destination_of(fields, await access_of(self._store, account.id))
        now = self._clock()
        query = query_of(fields, account, now)
        after, before = bounds_of(fields)
        compared = _COMPARED[word_of(fields, "compare", tuple(_COMPARED))]
        if compared and after is None and not query.id_bounds()[0]:
            # Only a range with a beginning can be compared with the time before it.
            after = now - compared - 1
        spend(self._throttle, str(account.id))
        try:
            grouping = self._workers.begin(
                account.id,
                destination.id,
                query,
                -1 if after is None else after,
                HIGHEST_ID if before is None else before,
                now,
                compared,
            )
        except TooManySearches as error:
            raise TooManyRequests(1, str(error)) from error
        visit.when_gone(grouping.close)
        try:
            first = await grouping.first()
        except BaseException:
            grouping.close()
            raise
        return StreamedAnswer(_parts(first, grouping), grouping.close, "application/x-ndjson")


async def _parts(first: bytes, grouping: Grouping) -> AsyncIterator[bytes]:
    yield first
    async for part in grouping.rest():
        yield part
