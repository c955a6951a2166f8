"""``/api/marks`` (``docs/api.rst``), and the making, changing and removing of marks, which the marks page uses too."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import attrs

from ppl.access.destinations import NotReadable, access_of
from ppl.access.throttle import Rate, Throttle
from ppl.errors import TooManyMarks
from ppl.model import Account, Clock, Destination, Event
from ppl.store.interface import Mark, Store
from ppl.timezone import parse_time_zone, utc_text
from ppl.web.api.events import EventsApi
from ppl.web.http.answers import Answer, BadRequest, Conflict, NotFound, json_answer, spend
from ppl.web.http.forms import WrongField
from ppl.web.http.parameters import destination_of, destinations_asked, id_of, word_of
from ppl.web.http.routing import NUMBER, Route, for_account, for_login
from ppl.web.http.sessions import Login
from ppl.web.http.visit import Visit
from ppl.wire import viewer_event

#: Most characters of a note, most marks of a destination, and most characters of a message shown beside its mark.
LONGEST_NOTE, MOST_MARKS, LONGEST_EXCERPT = 500, 200, 300

_MARKS_OF_ACCOUNT = Rate(burst=60, seconds=2)
# Reading marks with their events may read one slot for each mark.
_EXCERPTS_OF_ACCOUNT = Rate(burst=30, seconds=1)

#: Invisible joiners, which some scripts and emoji need. Other invisible characters could deceive readers.
_JOINERS = "\u200c\u200d"

MarksChanged = Callable[[int], object]
"""Called with the id of a destination whose marks have just changed."""


@attrs.define
class Marks:
    """Makes, changes and removes marks; the page and the API share it.

    Attributes:
        store: keeps the marks.
        events: finds the marked events.
        clock: a steady clock, µs, for throttling.
        changed: called after each change.
    """

    store: Store
    events: EventsApi
    clock: Clock
    changed: MarksChanged = lambda destination_id: None
    _changes: Throttle = attrs.field(init=False)
    _reads: Throttle = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._changes = Throttle(_MARKS_OF_ACCOUNT, self.clock)
        self._reads = Throttle(_EXCERPTS_OF_ACCOUNT, self.clock)

    async def make(self, account: Account, destination: Destination, event_id: int, note: str) -> Mark:
        """Mark an event of ``destination``, or change its note.

        Raises:
            NotFound, Gone: there is no such event.
            TooManyMarks: see :meth:`ppl.store.interface.PeopleStore.mark`.
            TooManyRequests: the account changes marks too often.
            NotReadable: the account has just lost access to the destination.
        """
        spend(self._changes, str(account.id))
        await self.events.found(account, destination, event_id)
        made = await self.store.mark(account.id, destination.id, event_id, note, MOST_MARKS)
        if made is None:
            raise NotReadable
        self.changed(destination.id)
        return made

    async def change(self, account: Account, mark_id: int, note: str) -> None:
        """Change the note of a mark, even if its event has expired.

        Raises:
            NotFound: the account has no such mark.
            TooManyRequests: the account changes marks too often.
        """
        spend(self._changes, str(account.id))
        self._tell(await self.store.change_mark(account.id, mark_id, note))

    async def remove(self, account: Account, mark_id: int) -> None:
        """Remove a mark.

        Raises:
            NotFound: the account has no such mark.
        """
        self._tell(await self.store.unmark(account.id, mark_id))

    def _tell(self, mark: Mark | None) -> None:
        if mark is None:
            raise NotFound("There is no such mark.")
        self.changed(mark.destination_id)

    async def excerpts(
        self, account: Account, marks: Iterable[Mark], destinations: Iterable[Destination]
    ) -> Mapping[int, Event]:
        """Mark id → the mark's event with the beginning of its message, for those events that are still stored.

        Raises:
            TooManyRequests: the account reads excerpts too often.
        """
        spend(self._reads, str(account.id))
        found: dict[int, Event] = {}
        for destination in destinations:
            own = {each.event_id: each.id for each in marks if each.destination_id == destination.id}
            events = await self.store.excerpts(destination.id, list(own), LONGEST_EXCERPT)
            found |= {own[event_id]: event for event_id, event in events.items()}
        return found


class MarksApi:
    """Handlers of ``/api/marks``; read with the cookie or a bearer token, changed with the cookie only."""

    def __init__(self, store: Store, marks: Marks) -> None:
        self._store, self._marks = store, marks

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of these handlers."""
        return (
            for_account("/api/marks", self.listed),
            for_login("POST", "/api/marks", self.make),
            for_login("DELETE", rf"/api/marks/{NUMBER}", self.remove),
        )

    async def listed(self, visit: Visit, account: Account) -> Answer:
        """``GET /api/marks``: the marks of ``user_id``, or of all that the account may read; on request with events."""
        access = await access_of(self._store, account.id)
        chosen = destinations_asked(visit.query, access)
        names = {destination.id: destination.user_id for destination in chosen}
        marks = [each for each in await self._store.marks(account.id) if each.destination_id in names]
        fields = [mark_fields(each, names[each.destination_id]) for each in marks]
        if word_of(visit.query, "events", ("no", "yes")) == "yes":
            found, zone = await self._marks.excerpts(account, marks, chosen), parse_time_zone(account.time_zone)
            for mark, each in zip(marks, fields, strict=True):
                each["event"] = viewer_event(found[mark.id], zone) if mark.id in found else None
        return json_answer({"marks": fields})

    async def make(self, visit: Visit, login: Login) -> Answer:
        """``POST /api/marks`` with ``user_id``, ``event_id`` and ``note``: mark an event or change its note."""
        fields = visit.form()
        destination = destination_of(fields, await access_of(self._store, login.account.id))
        event_id = id_of(fields, "event_id")
        if event_id is None:
            raise BadRequest("Give the event_id of the event to mark.")
        try:
            made = await self._marks.make(login.account, destination, event_id, note_of(fields))
        except WrongField as error:
            raise BadRequest(str(error)) from error
        except TooManyMarks as error:
            raise Conflict(str(error), error.code) from error
        return json_answer({"mark": mark_fields(made, destination.user_id)}, 201)

    async def remove(self, visit: Visit, login: Login, mark_id: str) -> Answer:
        """``DELETE /api/marks/<id>``: remove a mark."""
        await self._marks.remove(login.account, int(mark_id))
        return json_answer({"id": mark_id})


def note_of(fields: Mapping[str, str]) -> str:
    """The field ``note``, which may have several lines or be empty.

    Raises:
        WrongField: it is too long, or has invisible characters.
    """
    note = fields.get("note", "").replace("\r\n", "\n").replace("\t", " ").strip()
    if len(note) > LONGEST_NOTE:
        raise WrongField("note", f"A note may have at most {LONGEST_NOTE} characters.")
    if any(unicodedata.category(each)[0] == "C" for each in note if each not in f"\n{_JOINERS}"):
        raise WrongField("note", "The note has an invisible character: remove it, or type the note again.")
    return note


def mark_fields(mark: Mark, user_id: str) -> dict[str, Any]:
    """A mark in the form of the API's JSON."""
    return {
        "id": str(mark.id),
        "user_id": user_id,
        "event_id": str(mark.event_id),
        "note": mark.note,
        "marked_by": mark.marked_by,
        "created_at": utc_text(mark.created_at),
    }
