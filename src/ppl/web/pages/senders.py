"""The senders of a destination: ``GET /api/senders`` for programs, ``/senders`` for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import tzinfo
from typing import Any
from urllib.parse import urlencode

from ppl.access.destinations import Access, access_of
from ppl.access.throttle import Rate, Throttle
from ppl.model import HOUR, SENDER_KINDS, Account, Clock, Destination, Sender
from ppl.search.canonical import exact
from ppl.search.tree import Field
from ppl.store.interface import Store
from ppl.timezone import parse_time_zone
from ppl.web.api.events import time_text
from ppl.web.http.answers import Answer, json_answer, spend
from ppl.web.http.parameters import destination_of, word_of
from ppl.web.http.rendering import Pages
from ppl.web.http.routing import Route, for_account, for_login
from ppl.web.http.sessions import Login
from ppl.web.http.visit import Visit
from ppl.web.pages.figures import moment, rate_text, sparkline

#: How often an account may read senders, over all pages: a read has up to 1,500 names with their counts per hour.
READS = Rate(30, 1)

#: Size of the small plots, in pixels.
PLOT_WIDTH, PLOT_HEIGHT = 120, 24

_ATTRIBUTES = {"host": "host", "file": "program", "address": "ip"}
_NAMES = {"host": ("host", "hosts"), "file": ("program", "programs"), "address": ("address", "addresses")}
_WITHOUT = {"host": "no host", "file": "no program", "address": ""}

#: Column → the key to sort by, and whether the first click puts the greatest first.
_SORTS: dict[str, tuple[Callable[[Sender, int], Any], bool]] = {
    "last_seen": (lambda sender, now: sender.last_seen, True),
    "first_seen": (lambda sender, now: sender.first_seen, True),
    "name": (lambda sender, now: (sender.name or "").casefold(), False),
    "rate": (lambda sender, now: sender.rate(now), True),
    "day": (lambda sender, now: sum(sender.hours), True),
    "count": (lambda sender, now: sender.count, True),
}


class Senders:
    """Handlers of ``/api/senders`` and ``/senders``.

    Args:
        store: gives the senders, which the census counts in the background.
        pages: renders the page.
        clock: the wall clock, µs.
        reads: throttles each account's reads, at the rate :data:`READS`.
    """

    def __init__(self, store: Store, pages: Pages, clock: Clock, reads: Throttle) -> None:
        self._store, self._pages, self._clock, self._reads = store, pages, clock, reads

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of these handlers."""
        return (
            for_login("GET", "/senders", self.show),
            for_account("/api/senders", self.listed),
        )

    async def listed(self, visit: Visit, account: Account) -> Answer:
        """``GET /api/senders``: the senders as JSON; with the cookie or a bearer token."""
        destination = destination_of(visit.query, await access_of(self._store, account.id))
        kind = word_of(visit.query, "kind", ("all", *SENDER_KINDS))
        now = self._clock()
        spend(self._reads, str(account.id))
        seen = await self._store.senders(destination.id, now)
        return json_answer(
            {
                "senders": [
                    _fields(each, now, seen.known_to(now)) for each in seen.senders if kind in ("all", each.kind)
                ],
                "hours_from": time_text(now - now % HOUR - 23 * HOUR),
                "reached": None if seen.counted_to is None else str(seen.counted_to),
                "complete": seen.is_complete,
            }
        )

    async def show(self, visit: Visit, login: Login) -> Answer:
        """``GET /senders?user_id=…&kind=…&sort=…&order=…``: a table, sorted by a column."""
        access = await access_of(self._store, login.account.id)
        if not access:
            return self._pages.page("senders.html", visit, login, destination=None)
        destination = chosen(visit.query, access)
        kind = word_of(visit.query, "kind", SENDER_KINDS)
        sort = word_of(visit.query, "sort", tuple(_SORTS))
        key, falls = _SORTS[sort]
        order = word_of(visit.query, "order", ("desc", "asc") if falls else ("asc", "desc"))
        now = self._clock()
        zone = parse_time_zone(login.account.time_zone)
        spend(self._reads, str(login.account.id))
        seen = await self._store.senders(destination.id, now)
        known_to = seen.known_to(now)
        of_kind = [each for each in seen.senders if each.kind == kind]
        named = sorted((each for each in of_kind if each.name is not None), key=lambda each: key(each, now))
        if order == "desc":
            named.reverse()
        rest = [each for each in of_kind if each.name is None]

        def link(**changes: str) -> str:
            return senders_path(destination, **{"kind": kind, "sort": sort, "order": order, **changes})

        return self._pages.page(
            "senders.html",
            visit,
            login,
            destination=destination,
            destinations=access.readable,
            kind=kind,
            kinds=[
                {
                    "name": _NAMES[each][1].capitalize(),
                    "count": sum(one.kind == each and one.name is not None for one in seen.senders),
                    "link": link(kind=each),
                    "is_chosen": each == kind,
                }
                for each in SENDER_KINDS
            ],
            kind_name=_NAMES[kind][0],
            kind_names=_NAMES[kind][1],
            columns={
                each: {
                    "link": link(sort=each, order=_order(each, sort, order)),
                    "sorted": {"desc": "descending", "asc": "ascending"}[order] if each == sort else None,
                }
                for each in _SORTS
            },
            senders=[sender_row(each, destination, now, known_to, zone) for each in [*named, *rest]],
            silent=sum(each.is_silent(known_to) for each in named),
            counted=None if seen.counted_to is None else moment(seen.counted_to, now, zone),
            is_complete=seen.is_complete,
            dashboard=f"/dashboard?{urlencode({'user_id': destination.user_id})}",
        )


def chosen(fields: Mapping[str, str], access: Access) -> Destination:
    """The destination that a page shows: the one that ``user_id`` names, else the account's first.

    Raises:
        NotReadable: the account may not read it, or no such destination exists.
    """
    return access.named(fields["user_id"]) if "user_id" in fields else access.readable[0]


def senders_path(destination: Destination, **fields: str) -> str:
    """The address of the senders page of ``destination``."""
    return f"/senders?{urlencode({'user_id': destination.user_id, **fields})}"


def query_for(sender: Sender) -> str | None:
    """The query that finds the events of ``sender``; ``None`` for the overflow row, which has no name."""
    if sender.name is None:
        return None
    attribute = _ATTRIBUTES[sender.kind]
    if sender.kind == "address":
        return f"{attribute}:{sender.name}"
    return exact(Field(attribute), sender.name)


def events_path(destination: Destination, query: str) -> str:
    """The address of the viewer with a search for ``query``."""
    return f"/?{urlencode({'user_id': destination.user_id, 'q': query})}"


def sender_row(sender: Sender, destination: Destination, now: int, known_to: int, zone: tzinfo) -> dict[str, Any]:
    """The values that a page shows for ``sender``, whose events are counted up to the time ``known_to`` (µs)."""
    query = query_for(sender)
    pause = sender.longest_pause
    return {
        "kind": sender.kind,
        "name": sender.name or _WITHOUT[sender.kind],
        "is_rest": sender.name is None,
        "is_nameless": sender.name == "",
        "link": None if query is None else events_path(destination, query),
        "first_seen": moment(sender.first_seen, now, zone),
        "last_seen": moment(sender.last_seen, now, zone),
        "rate": rate_text(sender.rate(now)),
        "day": sum(sender.hours),
        "most": max(sender.hours),
        "plot": sparkline(sender.hours, PLOT_WIDTH, PLOT_HEIGHT),
        "count": sender.count,
        "is_silent": sender.is_silent(known_to),
        "usual": f"a pause of {pause} hour{'s' if pause != 1 else ''}" if pause else "an hour without lines",
    }


def _order(column: str, sort: str, order: str) -> str:
    if column == sort:
        return "asc" if order == "desc" else "desc"
    return "desc" if _SORTS[column][1] else "asc"


def _fields(sender: Sender, now: int, known_to: int) -> dict[str, Any]:
    return {
        "kind": sender.kind,
        "name": sender.name,
        "query": query_for(sender),
        "first_seen": time_text(sender.first_seen),
        "last_seen": time_text(sender.last_seen),
        "events": sender.count,
        "rate_per_minute": round(sender.rate(now), 3),
        "hours": list(sender.hours),
        "silent": sender.is_silent(known_to),
    }


__all__ = ["READS", "Senders", "chosen", "events_path", "query_for", "sender_row", "senders_path"]
