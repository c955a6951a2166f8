"""Searches a destination's slots for events that match a query, with one bounded statement in each step.

A step either *scans*: it reads a number of events in order and keeps those that match, which finds common things at
once; or it *looks up*: it asks the trigram indexes of sealed slots, which finds rare things anywhere. Each step says
how far the search has got, so it may be stopped and continued at any point. Searches have a pool of their own.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice
from typing import Any, TypeVar

import attrs
from twisted.internet.defer import CancelledError, Deferred

from ppl.errors import StatementTimeout, StoreUnavailable, TooManySearches
from ppl.model import Counted, Event, Found, ValuesCounted
from ppl.search.query import HIGHEST_ID, Query
from ppl.search.sql import field_values, may_have_field
from ppl.store.connecting.connection import ConnectionLost
from ppl.store.connecting.pool import Pool
from ppl.store.events.collation import collation_of
from ppl.store.events.walk import (
    AT_ONCE,
    MOST_BYTES,
    SELECTED,
    Cut,
    IdRange,
    Slot,
    cut,
    cut_at_bytes,
    following,
)
from ppl.store.interface import MOST_VALUES, Purpose

T = TypeVar("T")

#: Events that a scan reads at least, at first and at most. The first scan reads enough for a page of a common word;
#: while little is found, scans read more.
LEAST_SCAN, FIRST_SCAN, MOST_SCAN = 10, 2_000, 32_000

#: Events that a scan reads at most to count the values of a field, of which few leave PostgreSQL, and the characters of
#: a value that are kept.
MOST_VALUES_SCAN, LONGEST_VALUE = 128_000, 1_000

#: If a smaller part than this of the events that a scan read has matched, the indexes are asked next, if there are any.
RARE = 0.02

#: How many slots one statement looks up.
SLOTS_AT_ONCE = 8

#: How many searches one account may have at once for one purpose.
MOST_SEARCHES = 4

#: Seconds for one step; scans replace a lookup that takes longer.
STEP_SECONDS = 2.0


@attrs.frozen
class SearchLimits:
    """How far one step of a search goes.

    Attributes:
        first_scan, most_scan: events that the first scan reads, and the most that any scan reads.
        rare: if a smaller part than this of the events that a scan read has matched, the indexes are asked next; above
            1, they are asked from the beginning.
        seconds: time limit of one step.
    """

    first_scan: int = FIRST_SCAN
    most_scan: int = MOST_SCAN
    rare: float = RARE
    seconds: float = STEP_SECONDS


@attrs.define(eq=False, slots=False)
class EventSearch:
    """One search; made by :class:`Searches`.

    Attributes:
        is_complete: whether the whole range of ids has been searched.
    """

    _searches: Searches
    _counted_as: tuple[int, Purpose]
    _stretch: IdRange
    _condition: str
    _parameters: list[Any]
    _has_literals: bool
    _limits: SearchLimits
    is_complete: bool = attrs.field(default=False, init=False)
    _slots: deque[Slot] = attrs.field(factory=deque, init=False)
    _last_slot: int | None = attrs.field(default=None, init=False)
    _all_listed: bool = attrs.field(default=False, init=False)
    _scan: int = attrs.field(init=False)
    # The part of the events read by the last scan that matched; 1 before the first scan.
    _part: float = attrs.field(default=1.0, init=False)
    # Lower bound of the slot that is being scanned, and how many of its events have been.
    _scanned: tuple[int, int] = attrs.field(default=(-1, 0), init=False)
    # Lower bounds of the slots that are scanned since a lookup took too long, and how many are after the next one.
    _slow_slots: frozenset[int] = attrs.field(default=frozenset(), init=False)
    _slow: int = attrs.field(default=SLOTS_AT_ONCE, init=False)
    _running: Deferred[Any] | None = attrs.field(default=None, init=False)
    _closed: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._scan = self._limits.first_scan

    async def step(self, limit: int, most_bytes: int = MOST_BYTES) -> Found:
        """Search further, by one statement or two.

        Args:
            limit: the most events to give.
            most_bytes: about how many bytes of texts to give: the event that exceeds them is the last.

        Raises:
            StoreUnavailable: also if the search is closed, or was closed during the step.
            StatementTimeout: even a scan took too long; the step may be retried.
        """
        if not await self._has_slots():
            return self._found([], self._end)
        return await self._go_on(
            lambda slots: self._look_up(slots, limit, most_bytes), lambda slot: self._scan_slot(slot, limit, most_bytes)
        )

    async def count(self, width: int) -> Counted:
        """Search as far as a :meth:`step` does, without reading texts: PostgreSQL counts the matches.

        Args:
            width: µs of a bucket; buckets begin at multiples of it.

        Raises:
            StoreUnavailable, StatementTimeout: as for :meth:`step`.
        """
        if not await self._has_slots():
            return self._counted([], self._end)
        return await self._go_on(
            lambda slots: self._look_up_counts(slots, width), lambda slot: self._scan_counts(slot, width)
        )

    async def top_values(self, name: str) -> ValuesCounted:
        """Search further and count the values of the field ``name`` in the events that match, within PostgreSQL.

        Raises:
            StoreUnavailable, StatementTimeout: as for :meth:`step`.
        """
        if not await self._has_slots():
            return self._values_counted([], self._end)
        # Every event with the field has its name among its texts.
        self._has_literals = True
        return await self._go_on(
            lambda slots: self._look_up_values(slots, name), lambda slot: self._scan_values(slot, name)
        )

    def close(self) -> None:
        """End the search: a statement that runs is cancelled, in PostgreSQL too."""
        if self._closed:
            return
        self._closed = True
        self._searches.forget(self._counted_as)
        if self._running is not None:
            self._running.cancel()

    async def _go_on(
        self, look_up: Callable[[Sequence[Slot]], Awaitable[T]], scan: Callable[[Slot], Awaitable[T]]
    ) -> T:
        """Look up the next slots in their indexes if that is promising and not too slow; else scan the next slot."""
        few = self._to_look_up()
        if few:
            try:
                return await look_up(few)
            except StatementTimeout:
                # Another lookup may be as slow: each time, twice as many slots are scanned before it is tried again.
                self._slow_slots = frozenset(slot.lower for slot in islice(self._slots, self._slow))
                self._slow *= 2
        return await scan(self._slots[0])

    # Position

    async def _has_slots(self) -> bool:
        """Whether slots are left to search; else the search is complete."""
        if self._closed:
            raise StoreUnavailable("The search is closed.")
        if not self._slots and not self._all_listed:
            await self._list_slots()
        if not self._slots:
            self.is_complete = True
        return bool(self._slots)

    @property
    def left(self) -> int | None:
        """Number of events in the slots still to be searched; ``None`` while not all slots are listed."""
        if not self._all_listed:
            return None
        lower, scanned = self._scanned
        return sum(max(0, slot.count - scanned) if slot.lower == lower else slot.count for slot in self._slots)

    @property
    def _end(self) -> int:
        return self._stretch.after + 1 if self._stretch.newest_first else self._stretch.before

    async def _list_slots(self) -> None:
        slots = await following(self._run, self._stretch, self._last_slot)
        self._slots.extend(slots)
        self._all_listed = len(slots) < AT_ONCE
        if slots:
            self._last_slot = slots[-1].lower

    def _far(self, first: int, end: int) -> int:
        """The bound that the search reaches last."""
        return first if self._stretch.newest_first else end

    def _bounds(self, slot: Slot) -> tuple[int, int]:
        return max(slot.lower, self._stretch.after + 1), min(slot.upper, self._stretch.before)

    def _passed(self, reached: int) -> int:
        """Note that the search has covered the ids up to ``reached``, in its direction; gives how far it has got."""
        if self._stretch.newest_first:
            self._stretch = attrs.evolve(self._stretch, before=reached)
        else:
            self._stretch = attrs.evolve(self._stretch, after=reached - 1)
        while self._slots:
            first, end = self._bounds(self._slots[0])
            if first < end:
                break
            self._slots.popleft()
        if not self._slots and self._all_listed:
            self.is_complete = True
        return self._end if self.is_complete else reached

    def _found(self, rows: Sequence[tuple[Any, ...]], reached: int) -> Found:
        events = [Event(*row) for row in rows]
        if self._stretch.newest_first:
            events.reverse()
        return Found(tuple(events), self._passed(reached), self.is_complete)

    def _counted(self, rows: Sequence[tuple[int, int | None, int]], reached: int) -> Counted:
        return Counted(tuple(rows), self._passed(reached), self.is_complete)

    def _values_counted(self, rows: Sequence[tuple[str, int, int, int]], reached: int) -> ValuesCounted:
        """``rows``: a value, how often it occurs, how many different values there are, and how many in all."""
        counts = tuple((value, count) for value, count, _, _ in rows)
        values, total = rows[0][2:] if rows else (0, 0)
        others = values - len(counts), total - sum(count for _, count in counts)
        return ValuesCounted(counts, *others, self._passed(reached), self.is_complete)

    def _full(self, rows: Sequence[tuple[Any, ...]]) -> int:
        """How far a step got if a limit ended it with the last of ``rows``."""
        last: int = rows[-1][0]
        return last if self._stretch.newest_first else last + 1

    # Scanning

    async def _to_scan(self, slot: Slot) -> tuple[int, int]:
        """The bounds of the next events of ``slot`` that one scan reads."""
        first, end = self._bounds(slot)
        lower, scanned = self._scanned
        scanned = scanned if lower == slot.lower else 0
        if slot.count - scanned > self._scan:
            order = self._stretch.direction
            rows = await self._run(
                "SELECT id FROM event WHERE destination_id = %s AND id >= %s AND id < %s"  # noqa: S608
                f" ORDER BY id {order} OFFSET %s LIMIT 1",
                [self._stretch.destination_id, first, end, self._scan - 1],
            )
            if rows and self._stretch.newest_first:
                first = rows[0][0]
            elif rows:
                end = rows[0][0] + 1
        return first, end

    def _scan_less(self) -> None:
        """Make scans smaller, after one took too long: in a busy PostgreSQL, smaller steps succeed."""
        self._scan = max(self._scan // 4, LEAST_SCAN)

    def _scanned_all(self, slot: Slot, found: int, most: int | None = None) -> None:
        """Note that a scan of ``slot`` read as many events as it may, and that ``found`` of them matched."""
        lower, scanned = self._scanned
        self._scanned = (slot.lower, self._scan + (scanned if lower == slot.lower else 0))
        self._part = found / max(1, min(self._scan, slot.count))
        self._scan = min(self._scan * 4, most or self._limits.most_scan)

    async def _scan_slot(self, slot: Slot, limit: int, most_bytes: int) -> Found:
        first, end = await self._to_scan(slot)
        try:
            found = await self._select([(first, end)], limit, most_bytes, is_ordered=True)
        except StatementTimeout:
            self._scan_less()
            raise
        is_full = found.is_cut or len(found.rows) >= limit
        if is_full:
            self._part = 1.0
            return self._found(found.rows, self._full(found.rows))
        self._scanned_all(slot, len(found.rows))
        return self._found(found.rows, self._far(first, end))

    # Looking up

    def _to_look_up(self) -> list[Slot]:
        """The next slots that can be looked up in one statement; none if scanning is better."""
        is_rare = self._part < self._limits.rare
        if not self._has_literals or not is_rare or self._slots[0].lower in self._slow_slots:
            return []
        few: list[Slot] = []
        for slot in self._slots:
            if not slot.is_indexed or len(few) == SLOTS_AT_ONCE:
                break
            few.append(slot)
        return few

    async def _look_up(self, slots: Sequence[Slot], limit: int, most_bytes: int) -> Found:
        bounds = [self._bounds(slot) for slot in slots]
        found = await self._select(bounds, limit, most_bytes, is_ordered=False)
        if found.is_cut or len(found.rows) >= limit:
            return self._found(found.rows, self._full(found.rows))
        first, end = bounds[-1]
        return self._found(found.rows, self._far(first, end))

    # Counting

    async def _scan_counts(self, slot: Slot, width: int) -> Counted:
        first, end = await self._to_scan(slot)
        try:
            rows = await self._select_counts([(first, end)], width)
        except StatementTimeout:
            self._scan_less()
            raise
        self._scanned_all(slot, sum(count for *_, count in rows))
        return self._counted(rows, self._far(first, end))

    async def _look_up_counts(self, slots: Sequence[Slot], width: int) -> Counted:
        bounds = [self._bounds(slot) for slot in slots]
        rows = await self._select_counts(bounds, width)
        first, end = bounds[-1]
        return self._counted(rows, self._far(first, end))

    async def _select_counts(self, bounds: Sequence[tuple[int, int]], width: int) -> list[tuple[int, int | None, int]]:
        """Counts of matches within ``bounds``: the start of a bucket of ``width`` µs, severity, number."""
        # No order and no limit: whatever plan PostgreSQL chooses reads only rows within the bounds.
        part = (
            "SELECT id / %s * %s, severity, count(*) FROM event"  # noqa: S608
            f" WHERE destination_id = %s AND id >= %s AND id < %s AND {self._condition} GROUP BY 1, 2"
        )
        parameters: list[Any] = []
        for first, end in bounds:
            parameters += [width, width, self._stretch.destination_id, first, end, *self._parameters]
        return await self._run(" UNION ALL ".join([part] * len(bounds)), parameters)

    # Values of a field

    async def _scan_values(self, slot: Slot, name: str) -> ValuesCounted:
        first, end = await self._to_scan(slot)
        try:
            rows = await self._select_values([(first, end)], name, is_looked_up=False)
        except StatementTimeout:
            self._scan_less()
            raise
        self._scanned_all(slot, rows[0][3] if rows else 0, MOST_VALUES_SCAN)
        return self._values_counted(rows, self._far(first, end))

    async def _look_up_values(self, slots: Sequence[Slot], name: str) -> ValuesCounted:
        bounds = [self._bounds(slot) for slot in slots]
        rows = await self._select_values(bounds, name, is_looked_up=True)
        first, end = bounds[-1]
        return self._values_counted(rows, self._far(first, end))

    async def _select_values(
        self, bounds: Sequence[tuple[int, int]], name: str, *, is_looked_up: bool
    ) -> list[tuple[str, int, int, int]]:
        """The most frequent values of the field ``name`` within ``bounds``: see :meth:`_values_counted`."""
        has_name, names = may_have_field(name, self._searches.collation, is_looked_up=is_looked_up)
        narrowing, narrows = (f" AND {has_name}", names) if is_looked_up else ("", [])
        values, with_names = field_values(name, (has_name, names))
        part = (
            f"SELECT left(value, {LONGEST_VALUE}) AS value, count(*) AS number FROM event"  # noqa: S608
            f" CROSS JOIN LATERAL unnest({values}) AS value"
            f" WHERE destination_id = %s AND id >= %s AND id < %s AND {self._condition}{narrowing} GROUP BY 1"
        )
        parameters: list[Any] = []
        for first, end in bounds:
            stretch = [self._stretch.destination_id, first, end, *self._parameters]
            parameters += [*with_names, *stretch, *narrows]
        union = " UNION ALL ".join([part] * len(bounds))
        if len(bounds) > 1:
            union = f"SELECT value, sum(number)::bigint AS number FROM ({union}) AS slots GROUP BY 1"  # noqa: S608
        sql = (
            "SELECT value, number, count(*) OVER (), (sum(number) OVER ())::bigint"  # noqa: S608
            f" FROM ({union}) AS counted ORDER BY number DESC, value LIMIT {MOST_VALUES}"
        )
        return await self._run(sql, parameters)

    # Statements

    async def _select(self, bounds: Sequence[tuple[int, int]], limit: int, most_bytes: int, *, is_ordered: bool) -> Cut:
        """Matches within ``bounds``, in the search's direction, at most ``limit`` and about ``most_bytes`` of text.

        ``is_ordered``: read in order of the primary key; otherwise the planner chooses.
        """
        # No index has this order, so the planner may take the trigram index, or the primary key if there is no literal.
        order = f"id {self._stretch.direction}" if is_ordered else f"id + 0 {self._stretch.direction}"
        part = (
            f"(SELECT {SELECTED} FROM event WHERE destination_id = %s AND id >= %s AND id < %s AND {self._condition}"  # noqa: S608
            f" ORDER BY {order} LIMIT %s)"
        )
        parameters: list[Any] = []
        for first, end in bounds:
            parameters += [self._stretch.destination_id, first, end, *self._parameters, limit]
        if len(bounds) == 1:
            return cut(await self._run(cut_at_bytes(part, self._stretch.direction), [*parameters, most_bytes]))
        union = " UNION ALL ".join([part] * len(bounds))
        sql = f"SELECT * FROM ({union}) AS slots ORDER BY id {self._stretch.direction} LIMIT %s"  # noqa: S608
        bounded = cut_at_bytes(sql, self._stretch.direction)
        return cut(await self._run(bounded, [*parameters, limit, most_bytes]))

    async def _run(self, sql: str, parameters: list[Any]) -> list[Any]:
        try:
            return await self._run_once(sql, parameters)
        except ConnectionLost:
            if self._closed:
                raise
            return await self._run_once(sql, parameters)

    async def _run_once(self, sql: str, parameters: list[Any]) -> list[Any]:
        self._running = Deferred.fromCoroutine(self._searches.pool.run(sql, parameters, seconds=self._limits.seconds))
        try:
            rows: list[Any] = await self._running
        except CancelledError:
            # The statement was waiting for a connection of the pool.
            if not self._closed:
                raise
            raise StoreUnavailable("The search is closed.") from None
        finally:
            self._running = None
        return rows


class Searches:
    """Begins searches, a bounded number at once for each account and purpose: a view both finds and counts.

    Args:
        pool: a pool for searches only, so that they wait for each other and nothing else waits for them.
        most: how many searches an account may have for one purpose.
        limits: the limits of each step.
    """

    def __init__(self, pool: Pool, most: int = MOST_SEARCHES, limits: SearchLimits | None = None) -> None:
        self.pool = pool
        self._most, self._limits = most, limits or SearchLimits()
        self._open: Counter[tuple[int, Purpose]] = Counter()

    @property
    def collation(self) -> str | None:
        """The collation that folds case in the database."""
        return collation_of(self.pool.server_version)

    @property
    def open(self) -> int:
        """Number of searches that are not closed."""
        return self._open.total()

    def begin(
        self,
        account_id: int,
        destination_id: int,
        query: Query,
        *,
        before: int | None = None,
        after: int | None = None,
        sender_ip: str | None = None,
        newest_first: bool = True,
        purpose: Purpose = "find",
    ) -> EventSearch:
        """Begin a search over ``after < id < before``; the caller closes it.

        Raises:
            TooManySearches: the account has as many searches for that purpose as it may.
        """
        counted_as = account_id, purpose
        if self._open[counted_as] >= self._most:
            raise TooManySearches(f"This account has {self._most} searches under way: wait for one, or cancel one.")
        condition, parameters = query.sql(self.collation)
        if sender_ip is not None:
            condition, parameters = f"({condition}) AND sender_ip = %s::inet", [*parameters, sender_ip]
        first, end = query.id_bounds()
        stretch = IdRange(
            destination_id,
            max(first - 1, -1 if after is None else after),
            min(end, HIGHEST_ID if before is None else before),
            newest_first,
        )
        self._open[counted_as] += 1
        return EventSearch(self, counted_as, stretch, condition, parameters, bool(query.literals()), self._limits)

    def forget(self, counted_as: tuple[int, Purpose]) -> None:
        """Note that one search is closed."""
        self._open[counted_as] -= 1
        if not self._open[counted_as]:
            del self._open[counted_as]
