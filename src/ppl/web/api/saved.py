"""``/api/saved`` (``docs/api.rst``), and the saving, changing and deleting of searches, which the page uses too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from ppl.access.destinations import NotReadable, access_of
from ppl.access.throttle import Rate, Throttle
from ppl.errors import AlreadyExists, TooManySaved
from ppl.model import Account, Clock, Destination
from ppl.store.interface import PeopleStore, SavedSearch
from ppl.timezone import utc_text
from ppl.web.http.answers import Answer, BadRequest, Conflict, NotFound, json_answer, spend
from ppl.web.http.forms import WrongField
from ppl.web.http.parameters import destination_of, destinations_asked, query_of
from ppl.web.http.routing import NUMBER, Route, for_account, for_login
from ppl.web.http.sessions import Login
from ppl.web.http.visit import Visit

#: Most characters of a name, and most saved searches of a destination.
LONGEST_NAME, MOST_SAVED = 100, 200

_SAVES_OF_ACCOUNT = Rate(burst=60, seconds=2)


@attrs.define
class SavedSearches:
    """Saves, changes and deletes searches; the page and the API share it.

    Attributes:
        store: keeps the saved searches.
        clock: the wall clock, µs: ``3 hours ago`` in a query refers to it.
        steady: a steady clock, µs, for throttling.
    """

    store: PeopleStore
    clock: Clock
    steady: Clock
    _saves: Throttle = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._saves = Throttle(_SAVES_OF_ACCOUNT, self.steady)

    async def save(self, account: Account, destination: Destination, fields: Mapping[str, str]) -> SavedSearch:
        """Save ``query`` under ``name``.

        Raises:
            WrongField: ``name`` or ``query`` is wrong.
            BadQuery: the query cannot be understood.
            AlreadyExists, TooManySaved: see :meth:`ppl.store.interface.PeopleStore.save_search`.
            TooManyRequests: the account saves too often.
            NotReadable: the account has just lost access to the destination.
        """
        name, query = name_of(fields), self._query_of(account, fields)
        spend(self._saves, str(account.id))
        made = await self.store.save_search(account.id, destination.id, name, query, MOST_SAVED)
        if made is None:
            raise NotReadable
        return made

    async def change(self, account: Account, saved_id: int, fields: Mapping[str, str]) -> SavedSearch:
        """Change the name of a saved search to ``name`` and, if ``query`` is given, its query.

        Raises:
            WrongField: ``name`` or ``query`` is wrong.
            BadQuery: the query cannot be understood.
            AlreadyExists: another saved search has that name.
            TooManyRequests: the account saves too often.
            NotFound: the account has no such saved search.
        """
        name, query = name_of(fields), self._query_of(account, fields) if "query" in fields else None
        spend(self._saves, str(account.id))
        changed = await self.store.change_saved(account.id, saved_id, name, query)
        if changed is None:
            raise NotFound("There is no such saved search.")
        return changed

    def _query_of(self, account: Account, fields: Mapping[str, str]) -> str:
        query = fields.get("query", "").strip()
        if not query:
            raise WrongField("query", "Enter the query to save.")
        query_of({"q": query}, account, self.clock())
        return query

    async def delete(self, account: Account, saved_id: int) -> None:
        """Delete a saved search.

        Raises:
            NotFound: the account has no such saved search.
        """
        if not await self.store.delete_saved(account.id, saved_id):
            raise NotFound("There is no such saved search.")


class SavedApi:
    """Handlers of ``/api/saved``; read with the cookie or a bearer token, changed with the cookie only."""

    def __init__(self, store: PeopleStore, saved: SavedSearches) -> None:
        self._store, self._saved = store, saved

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of these handlers."""
        return (
            for_account("/api/saved", self.listed),
            for_login("POST", "/api/saved", self.save),
            for_login("POST", rf"/api/saved/{NUMBER}", self.change),
            for_login("DELETE", rf"/api/saved/{NUMBER}", self.delete),
        )

    async def listed(self, visit: Visit, account: Account) -> Answer:
        """``GET /api/saved``: the saved searches of ``user_id``, or of all that the account may read."""
        access = await access_of(self._store, account.id)
        chosen = destinations_asked(visit.query, access)
        names = {destination.id: destination.user_id for destination in chosen}
        return json_answer(
            {
                "saved": [
                    saved_fields(each, names[each.destination_id])
                    for each in await self._store.saved_searches(account.id)
                    if each.destination_id in names
                ]
            }
        )

    async def save(self, visit: Visit, login: Login) -> Answer:
        """``POST /api/saved`` with ``user_id``, ``name`` and ``query``: save a search."""
        fields = visit.form()
        destination = destination_of(fields, await access_of(self._store, login.account.id))
        try:
            made = await self._saved.save(login.account, destination, fields)
        except WrongField as error:
            raise BadRequest(str(error)) from error
        except (AlreadyExists, TooManySaved) as error:
            raise Conflict(str(error), error.code) from error
        return json_answer({"saved": saved_fields(made, destination.user_id)}, 201)

    async def change(self, visit: Visit, login: Login, saved_id: str) -> Answer:
        """``POST /api/saved/<id>`` with ``name`` and, to change it, ``query``."""
        try:
            changed = await self._saved.change(login.account, int(saved_id), visit.form())
        except WrongField as error:
            raise BadRequest(str(error)) from error
        except AlreadyExists as error:
            raise Conflict(str(error), error.code) from error
        access = await access_of(self._store, login.account.id)
        user_id = next((each.user_id for each in access.readable if each.id == changed.destination_id), "")
        return json_answer({"saved": saved_fields(changed, user_id)})

    async def delete(self, visit: Visit, login: Login, saved_id: str) -> Answer:
        """``DELETE /api/saved/<id>``: delete a saved search."""
        await self._saved.delete(login.account, int(saved_id))
        return json_answer({"id": saved_id})


def name_of(fields: Mapping[str, str]) -> str:
    """The field ``name``, the name of a search.

    Raises:
        WrongField: it is empty, too long or not printable.
    """
    name = fields.get("name", "").strip()
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise WrongField("name", f"Give the search a name of at most {LONGEST_NAME} characters.")
    return name


def saved_fields(saved: SavedSearch, user_id: str) -> dict[str, Any]:
    """A saved search in the form of the API's JSON."""
    return {
        "id": str(saved.id),
        "user_id": user_id,
        "name": saved.name,
        "query": saved.query,
        "saved_by": saved.saved_by,
        "created_at": utc_text(saved.created_at),
    }
