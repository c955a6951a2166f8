"""``GET /api/query``: what a text means as a search, before anything is searched for. ``docs/api.rst`` describes it."""

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
    """The handler.

    Args:
        clock: µs; what ``3 hours ago`` refers to.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of these handlers."""
        return (for_account("/api/query", self.read),)

    async def read(self, visit: Visit, account: Account) -> Answer:
        """Whether ``q`` can be understood, between which times of receipt what it finds can be, and hints.

        A query with a mistake is no failed request: it is what was asked about.
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
