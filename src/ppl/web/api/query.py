"""``GET /api/query``: what a text means as a search, before anything is searched for. ``docs/api.rst`` describes it."""

from __future__ import annotations

import attrs

from ppl.model import Clock
from ppl.search.query import HIGHEST_ID
from ppl.store.interface import Store
from ppl.timezone import utc_text
from ppl.web.api.events import account_of
from ppl.web.http.answers import Answer, json_answer
from ppl.web.http.parameters import BadQuery, query_of
from ppl.web.http.rendering import error_fields
from ppl.web.http.sessions import Login
from ppl.web.http.visit import Visit


class Queries:
    """The handler.

    Args:
        store: knows who asks, and their time zone.
        clock: µs; what ``3 hours ago`` refers to.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    async def read(self, visit: Visit, login: Login | None) -> Answer:
        """Whether ``q`` can be understood, between which times of receipt what it finds can be, and hints.

        A query with a mistake is no failed request: it is what was asked about.
        """
        account = await account_of(self._store, visit, login)
        try:
            query = query_of(visit.query, account, self._clock())
        except BadQuery as error:
            return json_answer({"from": None, "to": None, "hints": [], **error_fields(error)})
        first, end = query.id_bounds()
        return json_answer(
            {
                "from": utc_text(first) if first > 0 else None,
                "to": utc_text(end) if end < HIGHEST_ID else None,
                "hints": [attrs.asdict(each) for each in query.hints],
            }
        )
