"""``/api/columns`` (``docs/api.rst``): the fields that an account shows beside the lines of a destination."""

from __future__ import annotations

from typing import Any

from ppl.access.destinations import NotReadable, access_of
from ppl.access.throttle import Rate, Throttle
from ppl.model import Account, Clock
from ppl.search.columns import column_values
from ppl.store.interface import Store
from ppl.web.http.answers import Answer, json_answer, spend
from ppl.web.http.parameters import columns_asked, destination_of, destinations_asked, ids_of
from ppl.web.http.routing import Route, for_account, for_login
from ppl.web.http.sessions import Login
from ppl.web.http.visit import Visit

#: Most events whose values one request gives.
MOST_VALUED = 200

_CHANGES_OF_ACCOUNT = Rate(burst=60, seconds=2)
# A page that shows another column asks for the values of all its lines at once. Each may be in a slot of its own.
_VALUES_OF_ACCOUNT = Rate(burst=60, seconds=1)


class ColumnsApi:
    """Handlers of ``/api/columns``; read with the cookie or a bearer token, changed with the cookie only."""

    def __init__(self, store: Store, steady: Clock) -> None:
        self._store = store
        self._changes = Throttle(_CHANGES_OF_ACCOUNT, steady)
        self._reads = Throttle(_VALUES_OF_ACCOUNT, steady)

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of these handlers."""
        return (
            for_account("/api/columns", self.listed),
            for_login("POST", "/api/columns", self.change),
            for_account("/api/columns/values", self.values),
        )

    async def listed(self, visit: Visit, account: Account) -> Answer:
        """``GET /api/columns``: the account's columns of ``user_id``, or of all destinations that it may read."""
        chosen = destinations_asked(visit.query, await access_of(self._store, account.id))
        columns = await self._store.columns_of(account.id)
        return json_answer(
            {"columns": [{"user_id": each.user_id, "names": list(columns.get(each.id, ()))} for each in chosen]}
        )

    async def change(self, visit: Visit, login: Login) -> Answer:
        """``POST /api/columns`` with ``user_id`` and ``columns``: show these, in this order, in place of the former."""
        fields = visit.form()
        destination = destination_of(fields, await access_of(self._store, login.account.id))
        names = columns_asked(fields)
        spend(self._changes, str(login.account.id))
        if not await self._store.set_columns(login.account.id, destination.id, names):
            raise NotReadable
        return json_answer({"user_id": destination.user_id, "names": list(names)})

    async def values(self, visit: Visit, account: Account) -> Answer:
        """``GET /api/columns/values``: the values of ``columns`` of the events with ``ids``, as far as they fit."""
        fields = visit.query
        destination = destination_of(fields, await access_of(self._store, account.id))
        ids, columns = ids_of(fields, "ids", MOST_VALUED), columns_asked(fields)
        spend(self._reads, str(account.id))
        page = await self._store.events_with(destination.id, ids)
        answer: dict[str, Any] = {"values": {str(event.id): column_values(event, columns) for event in page.events}}
        if not page.complete:
            answer["left"] = [str(id_) for id_ in sorted(set(ids)) if id_ < page.events[0].id]
        return json_answer(answer)
