"""``/events/<id>``: the link to one event; once the event has expired, an error that says when it was received."""

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
        store: knows which destinations an account may read, and the marks.
        events: finds the event.
        pages: renders the page.
    """

    def __init__(self, store: PeopleStore, events: EventsApi, pages: Pages) -> None:
        self._store, self._events, self._pages = store, events, pages

    @property
    def routes(self) -> tuple[Route, ...]:
        """The route of this handler."""
        return (for_login("GET", rf"/events/{NUMBER}", self.show),)

    async def show(self, visit: Visit, login: Login, event_id: str) -> Answer:
        """``GET /events/<id>``: the viewer, whose script reads the event and its neighbours.

        ``user_id`` names the destination; if it is left out, the event is looked for in all that the account may read.

        Raises:
            Gone: the event has expired.
            NotFound: there is no such event, or this account may not read it; the response does not tell which.
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
        columns = await self._store.columns_of(login.account.id)
        shown = None if mark is None else mark_fields(mark, destination.user_id)
        return viewer_page(self._pages, visit, login, access, columns, shown)

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
        """``gone`` with the note of the event's mark, if it has one: a note outlives its event."""
        mark = await self._store.mark_of(destination.id, event_id)
        return Gone(f"{gone} Its note: “{mark.note}”") if mark and mark.note else gone
