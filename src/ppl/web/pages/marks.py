"""The page of marked lines: open them, change their notes and remove them; works without JavaScript."""

from __future__ import annotations

from typing import Any

from ppl.access.destinations import access_of
from ppl.model import Destination, Event
from ppl.store.interface import Mark, PeopleStore
from ppl.timezone import local_text, parse_time_zone
from ppl.web.api.marks import LONGEST_NOTE, Marks, note_of
from ppl.web.http.answers import Answer, see_other
from ppl.web.http.forms import WrongField
from ppl.web.http.rendering import Pages
from ppl.web.http.routing import NUMBER, Route, for_login, form_on
from ppl.web.http.sessions import Login
from ppl.web.http.visit import Visit
from ppl.web.pages.viewer import event_path


class MarksPage:
    """Handlers of ``/marks`` and the forms on it; all need a login."""

    def __init__(self, store: PeopleStore, marks: Marks, pages: Pages) -> None:
        self._store, self._marks, self._pages = store, marks, pages

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of these handlers."""
        return (
            for_login("GET", "/marks", self.show),
            form_on("/marks", rf"/marks/{NUMBER}/note", self.change),
            form_on("/marks", rf"/marks/{NUMBER}/delete", self.remove),
        )

    async def show(self, visit: Visit, login: Login) -> Answer:
        """``GET /marks``: the page."""
        return await self._page(visit, login)

    async def change(self, visit: Visit, login: Login, mark_id: str) -> Answer:
        """``POST /marks/<id>/note`` with ``note``: change the note of a mark."""
        form = visit.form()
        try:
            await self._marks.change(login.account, int(mark_id), note_of(form))
        except WrongField as error:
            wrong = WrongField(f"note-{mark_id}", str(error))
            return await self._page(visit, login, 400, error=wrong, changing=(int(mark_id), form.get("note", "")))
        return see_other("/marks")

    async def remove(self, visit: Visit, login: Login, mark_id: str) -> Answer:
        """``POST /marks/<id>/delete``: remove a mark."""
        await self._marks.remove(login.account, int(mark_id))
        return see_other("/marks")

    async def _page(
        self,
        visit: Visit,
        login: Login,
        status: int = 200,
        *,
        error: WrongField | None = None,
        changing: tuple[int, str] | None = None,
    ) -> Answer:
        destinations = (await access_of(self._store, login.account.id)).readable
        marks = await self._store.marks(login.account.id)
        events = await self._marks.excerpts(login.account, marks, destinations)
        time_zone = login.account.time_zone
        groups = [
            {
                "user_id": destination.user_id,
                "marks": [
                    _row(each, destination, events.get(each.id), time_zone, changing)
                    for each in marks
                    if each.destination_id == destination.id
                ],
            }
            for destination in destinations
        ]
        return self._pages.page(
            "marks.html", visit, login, status, error=error, groups=groups, longest_note=LONGEST_NOTE
        )


def _row(
    mark: Mark, destination: Destination, event: Event | None, time_zone: str, changing: tuple[int, str] | None
) -> dict[str, Any]:
    zone = parse_time_zone(time_zone)
    is_changed = changing is not None and changing[0] == mark.id
    return {
        "id": mark.id,
        "note": mark.note,
        "marked_by": mark.marked_by,
        "created_at": local_text(mark.created_at, zone),
        # The id of an expired event still says when it was received.
        "time": local_text(event.created_at if event else mark.event_id, zone),
        "event": event,
        "address": event_path(mark.event_id, destination),
        "is_changed": is_changed,
        "new_note": changing[1] if changing is not None and is_changed else mark.note,
    }
