"""Downloads: exports of a search, and the archived days of a destination; works without JavaScript."""

from __future__ import annotations

from urllib.parse import urlencode

from ppl.access.destinations import access_of
from ppl.model import Clock
from ppl.store.interface import PeopleStore
from ppl.web.api.archives import Archives
from ppl.web.api.export import FORMATS
from ppl.web.http.answers import Answer, see_other
from ppl.web.http.forms import WrongField
from ppl.web.http.parameters import BadQuery, destination_of, query_of, word_of
from ppl.web.http.rendering import Pages
from ppl.web.http.routing import Route, for_login
from ppl.web.http.sessions import Login
from ppl.web.http.visit import Visit
from ppl.web.pages.settings.archived_days import archive_fields, archives_address
from ppl.web.pages.settings.page import SettingsPage


class Downloads:
    """Handlers of ``/settings/export`` and ``/settings/archives``; both need a login."""

    def __init__(
        self, store: PeopleStore, archives: Archives, settings_page: SettingsPage, pages: Pages, clock: Clock
    ) -> None:
        self._store, self._archives, self._clock = store, archives, clock
        self._settings_page, self._pages = settings_page, pages

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of these handlers."""
        return (
            for_login("GET", "/settings/export", self.export),
            for_login("GET", "/settings/archives", self.archives),
        )

    async def export(self, visit: Visit, login: Login) -> Answer:
        """``GET /settings/export``: a redirect to ``/api/export``; if the query is wrong, the form again."""
        fields = visit.query
        destination = destination_of(fields, await access_of(self._store, login.account.id))
        try:
            query_of(fields, login.account, self._clock())
        except BadQuery as error:
            wrong = WrongField("q", str(error))
            return await self._settings_page.page(visit, login, 400, error=wrong, export_query=fields.get("q", ""))
        asked = {
            "user_id": destination.user_id,
            "q": fields.get("q", ""),
            "format": word_of(fields, "format", tuple(FORMATS)),
            "gzip": word_of(fields, "gzip", ("0", "1")),
        }
        return see_other("/api/export?" + urlencode(asked))

    async def archives(self, visit: Visit, login: Login) -> Answer:
        """``GET /settings/archives``: archived days of ``user_id`` in ``year``; if left out, in the newest year."""
        destination = destination_of(visit.query, await access_of(self._store, login.account.id))
        days = await self._archives.days(destination)
        years = list(dict.fromkeys(each["date"][:4] for each in days))
        year = visit.query.get("year", years[0] if years else "")
        return self._pages.page(
            "archives.html",
            visit,
            login,
            user_id=destination.user_id,
            address=archives_address(destination),
            years=years,
            year=year,
            days=[archive_fields(each, destination) for each in days if each["date"].startswith(f"{year}-")],
        )
