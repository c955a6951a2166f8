"""The most frequent values of a field over a search, counted as far as one request comes. See ``docs/api.rst``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial

from ppl.access.destinations import access_of
from ppl.model import DAY, Account, Clock
from ppl.search.fields import LONGEST_NAME
from ppl.store.interface import MOST_VALUES, Search, Store
from ppl.store.walker import Walker
from ppl.timezone import utc_text
from ppl.web.api.events import begin, progress
from ppl.web.http.answers import Answer, BadRequest, json_answer
from ppl.web.http.parameters import destination_of, id_of, number_of, query_of, time_of
from ppl.web.http.routing import Route, for_account
from ppl.web.http.visit import Visit

#: Seconds after which the first answer takes no further step. Steps read more and more: the last takes longest.
FIRST_SECONDS = 0.04

_DEFAULT_VALUES = 1_000
_MOST_KEPT = 20_000


class TopValues:
    """The handler of ``/api/top-values``; with the cookie or a bearer token.

    Args:
        store: holds the events.
        clock: the wall clock, µs.
        steady: a clock, in seconds, that nobody sets.
        budget: seconds after which a request that goes on with a count answers with what it has counted.
    """

    def __init__(self, store: Store, clock: Clock, steady: Callable[[], float], budget: float) -> None:
        self._store, self._clock, self._steady, self._budget = store, clock, steady, budget

    @property
    def routes(self) -> tuple[Route, ...]:
        """The route of this handler."""
        return (for_account("/api/top-values", self.count),)

    async def count(self, visit: Visit, account: Account) -> Answer:
        """``GET /api/top-values``: the values of a field in the events that match ``q``, as far as the search came."""
        fields = visit.query
        destination = destination_of(fields, await access_of(self._store, account.id))
        name = fields.get("field", "")
        if not name or len(name) > LONGEST_NAME or "\0" in name:
            raise BadRequest(f"field must be the name of a field, of at most {LONGEST_NAME} characters.")
        now = self._clock()
        until = time_of(fields, "to") or now
        since = time_of(fields, "from")
        since = until - DAY if since is None else since
        if since >= until:
            raise BadRequest("from must be before to.")
        limit = number_of(fields, "limit", _DEFAULT_VALUES, 1, MOST_VALUES)
        query = query_of(fields, account, now)
        before = id_of(fields, "before")
        end = until if before is None else min(before, until)
        search = begin(self._store, account, destination, query, after=since - 1, before=end, purpose="count")
        visit.when_gone(search.close)
        walker = Walker(search, self._steady, FIRST_SECONDS if before is None else self._budget)
        try:
            counts, left_out, reached = await _counted(walker, search, name)
        finally:
            search.close()
        top = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
        left_out.update(values=len(top[limit:]), count=sum(count for _, count in top[limit:]))
        return json_answer(
            {
                "field": name,
                "to": utc_text(until),
                "values": [{"value": value, "count": count} for value, count in top[:limit]],
                "others": {"values": left_out["values"], "count": left_out["count"]},
                **progress(reached, search.is_complete),
            }
        )


async def _counted(walker: Walker, search: Search, name: str) -> tuple[Counter[str], Counter[str], int]:
    """How often each value occurs, how many ``values`` with what ``count`` are left out, how far the search came."""
    counts: Counter[str] = Counter()
    left_out: Counter[str] = Counter()
    reached = 0
    while (found := await walker.step(partial(search.top_values, name))) is not None:
        reached = found.reached
        counts.update(dict(found.counts))
        left_out.update(values=found.other_values, count=found.other_count)
        if len(counts) > _MOST_KEPT:
            kept = Counter(dict(counts.most_common(_MOST_KEPT // 2)))
            left_out.update(values=len(counts) - len(kept), count=counts.total() - kept.total())
            counts = kept
    return counts, left_out, reached
