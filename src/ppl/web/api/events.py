"""Stored events for programs: searches, one event and its neighbours, histograms. ``docs/api.rst`` describes each.

A search takes a few seconds at most; its response says how far it came, and the client continues from there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC
from functools import partial
from typing import Any

import attrs

from ppl.access.destinations import access_of
from ppl.errors import TooManySearches
from ppl.model import DAY, HOUR, MINUTE, SECOND, SEVERITIES, Account, Bucket, Clock, Destination, Event
from ppl.search.columns import with_columns
from ppl.search.query import Query, parse
from ppl.store.interface import EventStore, Search, Store
from ppl.store.walker import Walker
from ppl.timezone import local_text, parse_time_zone, utc_text
from ppl.web.http.answers import Answer, BadRequest, Gone, NotFound, TooManyRequests, json_answer
from ppl.web.http.parameters import (
    bounds_of,
    columns_asked,
    destination_of,
    id_of,
    number_of,
    query_of,
    time_of,
    word_of,
)
from ppl.web.http.routing import NUMBER, Route, for_account
from ppl.web.http.visit import Visit
from ppl.wire import viewer_event

#: Most events of a response, most events before or after an event, most buckets of a histogram.
MOST_EVENTS, MOST_AROUND, MOST_BUCKETS = 10_000, 1_000, 1_500

#: Bytes of event texts after which a response takes no further events.
MOST_BYTES = 4 << 20

#: Widest bucket in seconds, and µs of the longest range that is counted in seconds: such a count reads events.
MOST_SECONDS, LONGEST_IN_SECONDS = 30, HOUR

_LAST_TIME = 253_402_300_799_999_999


class EventsApi:
    """Handlers of ``/api/events`` and ``/api/histogram``; with the cookie or a bearer token.

    Args:
        store: holds the events.
        clock: the wall clock, µs.
        retention_days: the installation's retention; ``None`` means for ever.
        steady: a clock, in seconds, that nobody sets.
        budget: seconds after which a search returns what it has found so far.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        retention_days: int | None,
        steady: Callable[[], float],
        budget: float,
    ) -> None:
        self._store, self._clock, self._retention_days = store, clock, retention_days
        self._steady, self._budget = steady, budget

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of these handlers."""
        return (
            for_account("/api/events", self.search),
            for_account(rf"/api/events/{NUMBER}", self.one),
            for_account(rf"/api/events/{NUMBER}/context", self.context),
            for_account("/api/histogram", self.histogram),
        )

    async def search(self, visit: Visit, account: Account) -> Answer:
        """``GET /api/events``: events that match ``q``, the newest or the oldest, and how far the search came."""
        destination = await self._whose(visit, account)
        fields = visit.query
        query, shown = query_of(fields, account, self._clock()), _shower(account, fields)
        limit = number_of(fields, "limit", 100, 1, MOST_EVENTS)
        newest_first = word_of(fields, "order", ("newest", "oldest")) == "newest"
        after, oldest = bounds_of(fields)
        search = self._begin(visit, account, destination, query, before=oldest, after=after, newest_first=newest_first)
        with _open_until_delivered(search) as deliver:
            events, reached = await self._gather(search, limit, newest_first)
            return deliver(
                {
                    "events": list(map(shown, events)),
                    **progress(reached, search.is_complete),
                }
            )

    async def one(self, visit: Visit, account: Account, event_id: str) -> Answer:
        """``GET /api/events/<id>``: the event, or when it was received and until when it was kept."""
        destination = await self._whose(visit, account)
        event = await self.found(account, destination, int(event_id))
        return json_answer({"event": _shower(account, visit.query)(event)})

    async def context(self, visit: Visit, account: Account, event_id: str) -> Answer:
        """``GET /api/events/<id>/context``: the event with those received before and after it, whatever the search."""
        destination = await self._whose(visit, account)
        fields = visit.query
        before = number_of(fields, "before", 20, 0, MOST_AROUND)
        after = number_of(fields, "after", 20, 0, MOST_AROUND)
        shown = _shower(account, fields)
        of_sender = word_of(fields, "sender", ("all", "same")) == "same"
        event = await self.found(account, destination, int(event_id))
        sender_ip = event.sender_ip if of_sender else None
        # This search is begun only so that the request counts as one of the account's searches.
        search = self._begin(visit, account, destination, parse("", UTC, self._clock()))
        with _open_until_delivered(search) as deliver:
            older = await self._store.older(destination.id, event.id, before, sender_ip)
            newer = await self._store.newer(destination.id, event.id, after, sender_ip)
            return deliver(
                {
                    "before": list(map(shown, older.events)),
                    "event": shown(event),
                    "after": list(map(shown, newer.events)),
                    "is_oldest_reached": older.complete,
                    "is_newest_reached": newer.complete,
                }
            )

    async def histogram(self, visit: Visit, account: Account) -> Answer:
        """``GET /api/histogram``: events of a range in buckets, by severity; with ``q``, as far as the search came."""
        destination = await self._whose(visit, account)
        fields = visit.query
        now = self._clock()
        until = time_of(fields, "to") or now
        since = time_of(fields, "from")
        since = until - DAY if since is None else since
        if since >= until:
            raise BadRequest("from must be before to.")
        width = _width_of(fields, since, until)
        query = query_of(fields, account, now)
        if query.is_everything and width.unit == "minutes":
            buckets = await self._store.histogram(destination.id, since, until - 1, width.number)
            return json_answer(_bars(buckets, width, since - since % MINUTE, complete=True))
        before = id_of(fields, "before")
        end = until if before is None else min(before, until)
        search = self._begin(visit, account, destination, query, after=since - 1, before=end, purpose="count")
        try:
            buckets, reached = await self._count(search, width.microseconds)
        finally:
            search.close()
        return json_answer(_bars(buckets, width, reached, complete=search.is_complete))

    async def found(self, account: Account, destination: Destination, event_id: int) -> Event:
        """The event with that id, for ``account``, which may read ``destination``.

        Raises:
            Gone: the event is not stored, and its id says that its retention has ended.
            NotFound: there is no such event.
        """
        event = await self._store.event(destination.id, event_id)
        if event is None:
            raise self._missing(destination, event_id, account)
        return event

    # Parts

    async def _whose(self, visit: Visit, account: Account) -> Destination:
        return destination_of(visit.query, await access_of(self._store, account.id))

    def _begin(self, visit: Visit, account: Account, destination: Destination, query: Query, **bounds: Any) -> Search:
        """Begin a search as :func:`begin` does, and close it if the client disconnects."""
        search = begin(self._store, account, destination, query, **bounds)
        visit.when_gone(search.close)
        return search

    async def _gather(self, search: Search, limit: int, newest_first: bool) -> tuple[list[Event], int]:
        """At most ``limit`` events, ascending, found within the time and byte limits, and how far the search came."""
        walker = Walker(search, self._steady, self._budget)
        events: list[Event] = []
        reached, room = 0, MOST_BYTES
        while (found := await walker.step(partial(search.step, limit - len(events), room))) is not None:
            events = [*found.events, *events] if newest_first else [*events, *found.events]
            reached = found.reached
            room -= sum(map(text_bytes, found.events))
            if found.complete or len(events) >= limit or room <= 0:
                break
        return events, reached

    async def _count(self, search: Search, width: int) -> tuple[Sequence[Bucket], int]:
        walker = Walker(search, self._steady, self._budget)
        counts: Counter[tuple[int, int]] = Counter()
        reached = 0
        while (counted := await walker.step(partial(search.count, width))) is not None:
            reached = counted.reached
            for start, severity, number in counted.counts:
                counts[start, 8 if severity is None else severity] += number
        starts = sorted({start for start, _ in counts})
        return [Bucket(start, tuple(counts[start, each] for each in range(9))) for start in starts], reached

    def _missing(self, destination: Destination, event_id: int, account: Account) -> NotFound | Gone:
        """The error for an event that is not stored: an id says when it was received, and so whether it has expired."""
        days = destination.retention_days or self._retention_days
        if days is None or event_id > self._clock() - days * DAY:
            return NotFound("There is no such event.")
        zone = parse_time_zone(account.time_zone)
        when, until = local_text(event_id, zone), local_text(event_id + days * DAY, zone)
        return Gone(f"This event was received on {when} and was kept until {until}.")


def _shower(account: Account, fields: Mapping[str, str]) -> Callable[[Event], dict[str, Any]]:
    """Makes the JSON of an event, with times in the zone of ``account`` and with the columns that are asked for."""
    zone, columns = parse_time_zone(account.time_zone), columns_asked(fields)
    return lambda event: with_columns(viewer_event(event, zone), event, columns)


@contextmanager
def _open_until_delivered(search: Search) -> Iterator[Callable[[dict[str, Any]], Answer]]:
    """A block in which a response is built; ``search`` stays open until the client has received that response.

    So memory never holds more unread responses for an account than it may have searches. The block gets a function that
    makes the response.
    """
    try:
        yield lambda value: attrs.evolve(json_answer(value), delivered=search.close)
    except BaseException:
        search.close()
        raise


def begin(store: EventStore, account: Account, destination: Destination, query: Query, **bounds: Any) -> Search:
    """Begin a search for ``account``, see :meth:`ppl.store.interface.EventStore.search`.

    Raises:
        TooManyRequests: the account has as many searches in progress as it may.
    """
    try:
        return store.search(account.id, destination.id, query, **bounds)
    except TooManySearches as error:
        raise TooManyRequests(1, str(error)) from error


def text_bytes(event: Event) -> int:
    """Bytes of the texts of ``event`` that a sender may make long."""
    return len(event.message.encode("utf-8")) + len(event.structured_data.encode("utf-8"))


def time_text(reached: int) -> str:
    """The time of an id. Ids that only bound a search may lie beyond all times: they give the first or the last one."""
    return utc_text(min(max(0, reached), _LAST_TIME))


def progress(reached: int, complete: bool) -> dict[str, Any]:
    """The members of an answer that say how far a search came, and whether it is at its end."""
    return {"reached": str(reached), "reached_time": time_text(reached), "complete": complete}


@attrs.frozen
class _Width:
    """The width of a bucket: ``number`` of a ``unit``, ``minutes`` or ``seconds``."""

    unit: str
    number: int

    @property
    def microseconds(self) -> int:
        return self.number * (MINUTE if self.unit == "minutes" else SECOND)


def _width_of(fields: Mapping[str, str], since: int, until: int) -> _Width:
    """The bucket width that is asked for, or one that fits the range.

    Raises:
        BadRequest: the width is not valid, or makes too many buckets.
    """
    if fields.get("seconds"):
        width = _Width("seconds", number_of(fields, "seconds", 1, 1, MOST_SECONDS))
        if fields.get("minutes") or until - since > LONGEST_IN_SECONDS:
            raise BadRequest("seconds needs a range of at most an hour, and cannot be combined with minutes.")
    else:
        width = _Width("minutes", number_of(fields, "minutes", _fitting(since, until), 1, 527_040))
    if (until - since) // width.microseconds > MOST_BUCKETS:
        raise BadRequest(f"That makes more than {MOST_BUCKETS} buckets: make them wider with {width.unit}.")
    return width


def _bars(buckets: Sequence[Bucket], width: _Width, reached: int, *, complete: bool) -> dict[str, Any]:
    names = (*SEVERITIES, "none")
    return {
        width.unit: width.number,
        "buckets": [
            {
                "time": utc_text(bucket.start),
                "counts": {name: count for name, count in zip(names, bucket.counts, strict=True) if count},
            }
            for bucket in buckets
        ],
        **progress(reached, complete),
    }


def _fitting(since: int, until: int) -> int:
    """The bucket width, in minutes, that divides the range into about a hundred."""
    wanted = (until - since) / MINUTE / 100
    for minutes in (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440):
        if minutes >= wanted:
            return minutes
    return -int(-wanted // 1440) * 1440
