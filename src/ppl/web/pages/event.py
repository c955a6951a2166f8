"""``/events/<id>``: the link to one event, which means something after the event is gone."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from ppl.access.destinations import access_of
from ppl.model import Account, Destination
from ppl.store.interface import PeopleStore
from ppl.web.api.events import EventsApi
from ppl.web.api.marks import mark_fields
from ppl.web.http.answers import Answer, Gone, NotFound, found
from ppl.web.http.parameters import present_address
from ppl.web.http.rendering import Pages
from ppl.web.http.routing import NUMBER, Route, for_login
from ppl.web.http.sessions import Login
from ppl.web.http.visit import Visit
from ppl.web.pages.viewer import viewer_page


class EventPage:
    """Opens the viewer around an event.

    Args:
        store: which destinations an account reads.
        events: finds the event.
        pages: the templates.
    """

    def __init__(self, store: PeopleStore, events: EventsApi, pages: Pages) -> None:
        self._store, self._events, self._pages = store, events, pages

    @property
    def routes(self) -> tuple[Route, ...]:
        """The route of this handler."""
        return (for_login("GET", rf"/events/{NUMBER}", self.show),)

    async def show(self, visit: Visit, login: Login, event_id: str) -> Answer:
        """``GET /events/<id>``: the viewer, which reads what is around the event by itself.

        ``user_id`` names the destination; where it is left out the event is looked for in each that the account reads.

        Raises:
            Gone: the event's time is over.
            NotFound: there is no such event, or it is not for this account: nobody learns which.
        """
        access = await access_of(self._store, login.account.id)
        moved = present_address(visit, access)
        if moved is not None:
            return found(moved)
        user_id = visit.query.get("user_id")
        asked = [each for each in access.readable if user_id in (None, each.user_id)]
        destination = await self._holder(login.account, asked, int(event_id))
        if user_id is None and len(access) > 1:
            fields = {**visit.query, "user_id": destination.user_id}
            return found(f"{visit.path}?{urlencode(fields)}")
        mark = await self._store.mark_of(destination.id, int(event_id))
        return viewer_page(
            self._pages, visit, login, access, None if mark is None else mark_fields(mark, destination.user_id)
        )

    async def _holder(self, account: Account, asked: Sequence[Destination], event_id: int) -> Destination:
        missing: NotFound | Gone = NotFound("There is no such event.")
        for destination in asked:
            try:
                await self._events.found(account, destination, event_id)
            except Gone as gone:
                missing = await self._with_note(gone, destination, event_id)
            except NotFound:
                pass
            else:
                return destination
        raise missing

    async def _with_note(self, gone: Gone, destination: Destination, event_id: int) -> Gone:
        """``gone``, and what was written to the event: a note outlives it."""
        mark = await self._store.mark_of(destination.id, event_id)
        return Gone(f"{gone} The note to it: “{mark.note}”") if mark and mark.note else gone
