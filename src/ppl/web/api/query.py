"""``GET /api/query``: how a query is understood, without running the search. ``docs/api.rst`` describes it."""

from __future__ import annotations

import attrs

from ppl.model import Account, Clock
from ppl.search.query import HIGHEST_ID
from ppl.timezone import utc_text
from ppl.web.http.answers import Answer, json_answer
from ppl.web.http.parameters import BadQuery, query_of
from ppl.web.http.routing import Route, for_account
from ppl.web.http.visit import Visit


class Queries:
    """Handler of ``/api/query``.

    Args:
        clock: the wall clock, µs; ``3 hours ago`` in a query refers to it.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    @property
    def routes(self) -> tuple[Route, ...]:
        """The route of this handler."""
        return (for_account("/api/query", self.read),)

    async def read(self, visit: Visit, account: Account) -> Answer:
        """Tell whether ``q`` is valid, between which times of receipt its events must lie, and hints.

        The status is 200 even if the query has a mistake, since the request asks for just that.
        """
        try:
            query = query_of(visit.query, account, self._clock())
        except BadQuery as error:
            return json_answer({"from": None, "to": None, "hints": [], "error": error.fields})
        first, end = query.id_bounds()
        return json_answer(
            {
                "from": utc_text(first) if first > 0 else None,
                "to": utc_text(end) if end < HIGHEST_ID else None,
                "hints": [attrs.asdict(each) for each in query.hints],
            }
        )
