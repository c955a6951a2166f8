"""The page of saved searches: open, add, change and delete them; works without JavaScript."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from ppl.access.destinations import Access, access_of
from ppl.errors import AlreadyExists, TooManySaved
from ppl.model import Destination
from ppl.store.interface import PeopleStore, SavedSearch
from ppl.timezone import local_text, parse_time_zone
from ppl.web.api.saved import SavedSearches
from ppl.web.http.answers import Answer, see_other
from ppl.web.http.forms import WrongField
from ppl.web.http.parameters import BadQuery
from ppl.web.http.rendering import Pages
from ppl.web.http.routing import NUMBER, Route, for_login, form_on
from ppl.web.http.sessions import Login
from ppl.web.http.visit import Visit


class SavedPage:
    """Handlers of ``/saved`` and the forms on it; all need a login."""

    def __init__(self, store: PeopleStore, saved: SavedSearches, pages: Pages) -> None:
        self._store, self._saved, self._pages = store, saved, pages

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of these handlers."""
        return (
            for_login("GET", "/saved", self.show),
            form_on("/saved", "/saved", self.save),
            form_on("/saved", rf"/saved/{NUMBER}/rename", self.change),
            form_on("/saved", rf"/saved/{NUMBER}/delete", self.delete),
        )

    async def show(self, visit: Visit, login: Login) -> Answer:
        """``GET /saved``: the page; the form is filled in with ``q`` and ``user_id`` of the address."""
        access = await access_of(self._store, login.account.id)
        chosen = access.find(visit.query.get("user_id"))
        query = visit.query.get("q", "")
        return await self._page(visit, login, access, query=query, chosen=chosen.id if chosen else None)

    async def save(self, visit: Visit, login: Login) -> Answer:
        """``POST /saved`` with ``destination``, ``name`` and ``query``: save a search."""
        form = visit.form()
        access = await access_of(self._store, login.account.id)
        destination = access.numbered(form.get("destination", ""))
        try:
            await self._saved.save(login.account, destination, form)
        except (WrongField, BadQuery, AlreadyExists, TooManySaved) as error:
            return await self._page(
                visit,
                login,
                access,
                _status_of(error),
                error=WrongField(_field_of(error), str(error)),
                name=form.get("name", ""),
                query=form.get("query", ""),
                chosen=destination.id,
            )
        return see_other("/saved")

    async def change(self, visit: Visit, login: Login, saved_id: str) -> Answer:
        """``POST /saved/<id>/rename`` with ``name`` and ``query``: change a saved search."""
        form = visit.form()
        try:
            await self._saved.change(login.account, int(saved_id), form)
        except (WrongField, BadQuery, AlreadyExists) as error:
            access = await access_of(self._store, login.account.id)
            wrong = WrongField(f"{_field_of(error)}-{saved_id}", str(error))
            return await self._page(
                visit, login, access, _status_of(error), error=wrong, changing=(int(saved_id), form)
            )
        return see_other("/saved")

    async def delete(self, visit: Visit, login: Login, saved_id: str) -> Answer:
        """``POST /saved/<id>/delete``: delete a saved search."""
        await self._saved.delete(login.account, int(saved_id))
        return see_other("/saved")

    async def _page(
        self,
        visit: Visit,
        login: Login,
        access: Access,
        status: int = 200,
        *,
        error: WrongField | None = None,
        changing: tuple[int, Mapping[str, str]] | None = None,
        name: str = "",
        query: str = "",
        chosen: int | None = None,
    ) -> Answer:
        searches = await self._store.saved_searches(login.account.id)
        groups = [
            {
                "user_id": destination.user_id,
                "searches": [
                    _row(each, destination, login.account.time_zone, changing)
                    for each in searches
                    if each.destination_id == destination.id
                ],
            }
            for destination in access.readable
        ]
        return self._pages.page(
            "saved.html",
            visit,
            login,
            status,
            error=error,
            groups=groups,
            destinations=access.readable,
            chosen=chosen,
            name=name,
            query=query,
        )


def _row(
    saved: SavedSearch, destination: Destination, time_zone: str, changing: tuple[int, Mapping[str, str]] | None
) -> dict[str, Any]:
    typed = changing[1] if changing is not None and changing[0] == saved.id else None
    return {
        "id": saved.id,
        "name": saved.name,
        "query": saved.query,
        "saved_by": saved.saved_by,
        "created_at": local_text(saved.created_at, parse_time_zone(time_zone)),
        "address": "/?" + urlencode({"user_id": destination.user_id, "q": saved.query}),
        "is_changed": typed is not None,
        "new_name": saved.name if typed is None else typed.get("name", ""),
        "new_query": saved.query if typed is None else typed.get("query", saved.query),
    }


def _field_of(error: Exception) -> str:
    if isinstance(error, WrongField):
        return error.field
    return "query" if isinstance(error, BadQuery) else "name"


def _status_of(error: Exception) -> int:
    return 409 if isinstance(error, AlreadyExists | TooManySaved) else 400
