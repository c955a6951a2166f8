"""``GET /api/events/<id>/fields``: the fields of one event, each with the term that finds its value."""

from __future__ import annotations

from ppl.access.destinations import access_of
from ppl.model import Account
from ppl.search.field_terms import field_term
from ppl.search.fields import fields_in
from ppl.store.interface import Store
from ppl.web.http.answers import Answer, json_answer
from ppl.web.http.parameters import destination_of
from ppl.web.http.routing import NUMBER, Route, for_account
from ppl.web.http.visit import Visit


class EventFields:
    """Handler of ``/api/events/<id>/fields``; with the cookie or a bearer token."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def routes(self) -> tuple[Route, ...]:
        """The route of this handler."""
        return (for_account(rf"/api/events/{NUMBER}/fields", self.listed),)

    async def listed(self, visit: Visit, account: Account, event_id: str) -> Answer:
        """List name, value and term of each field. An event that is not stored has none: its details stay open."""
        destination = destination_of(visit.query, await access_of(self._store, account.id))
        event = await self._store.event(destination.id, int(event_id))
        found = [] if event is None else fields_in(event.message, event.structured_data)
        return json_answer(
            {"fields": [{"name": name, "value": value, "query": field_term(name, value)} for name, value in found]}
        )
