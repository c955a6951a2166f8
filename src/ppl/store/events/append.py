"""Stores batches of events with their counts, all or nothing, and recognises a batch that is stored already.

The listener's writer, the only writer of a destination, gives the ids. If a batch was committed but its caller was not
told, it is recognised when it is appended again: its ids belong to the same events.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import psycopg2
from psycopg2 import errors
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from ppl.errors import IdConflict
from ppl.model import Events
from ppl.store.connecting.pool import Pool, Transaction
from ppl.store.events.columns import clean, insert
from ppl.store.events.copy_text import COPIED_COLUMNS, copy_text
from ppl.store.events.minutes import count_minutes
from ppl.store.events.slots import Slots
from ppl.store.events.upload_keys import remember_keys

# A row is refused for its content: an impossible value, or a rule that an operator has made (RaiseException: triggers).
_REFUSALS = (
    psycopg2.DataError,
    errors.ProgramLimitExceeded,
    errors.NotNullViolation,
    errors.ForeignKeyViolation,
    errors.ExclusionViolation,
    errors.RaiseException,
)
# A known slot was dropped.
_GONE = (errors.CheckViolation, errors.UndefinedTable)

#: A batch of at least this many events, or characters of messages, is stored by COPY: for smaller ones the threads cost
#: more than COPY gains. An INSERT holds its parameters in memory several times over.
COPY_EVENTS, COPY_CHARACTERS = 500, 1 << 20


class Appender:
    """Writes to ``event``, and to the tables of counts and of uploads' keys.

    Args:
        pool: connections to PostgreSQL.
        slots: knows the slots, and creates missing ones.
        copy_events: a batch of at least this many events is stored by COPY.

    Attributes:
        refused: how many events PostgreSQL has refused for their content.
    """

    _log = Logger()

    def __init__(self, pool: Pool, slots: Slots, copy_events: int = COPY_EVENTS) -> None:
        self._pool, self._slots, self._copy_events = pool, slots, copy_events
        self.refused = 0

    async def append(self, batch: Sequence[Events], after: Deferred[None] | None = None) -> None:
        """Commit ``batch``; an event that PostgreSQL can never take is logged and left out.

        With ``after``, the batch is committed once it has fired, and every error is raised: the caller tries again.
        """
        batch = [events for events in batch if len(events)]
        if not batch:
            return
        if after is not None:
            await self._copy(batch, after)
            return
        try:
            try:
                await self._commit(batch)
            except psycopg2.Error as error:
                if not _is_refusal(error):
                    raise
                await self._commit_sound(batch)
        except errors.UniqueViolation:
            if not await self._is_stored(batch):
                raise IdConflict(
                    "The ids of new events belong to other events: two listeners serve one destination."
                ) from None

    async def _commit(self, batch: Sequence[Events]) -> None:
        store = self._copy if self._is_big(batch) else self._insert
        try:
            await store(batch)
        except _GONE as error:
            if _is_refusal(error):
                raise
            self._slots.forget()
            await store(batch)

    def _is_big(self, batch: Sequence[Events]) -> bool:
        if sum(map(len, batch)) >= self._copy_events:
            return True
        return sum(sum(map(len, events.lines.message)) for events in batch) >= COPY_CHARACTERS

    async def _insert(self, batch: Sequence[Events]) -> None:
        await self._pool.run(*await self._statement(batch))

    async def _copy(self, batch: Sequence[Events], after: Deferred[None] | None = None) -> None:
        count = await self._count_statement(batch)
        lowers = {self._slots.lower_of(id_) for events in batch for id_ in (events.first_id, events.last_id)}
        # Copy straight into the slot if there is only one: PostgreSQL need not find each row's slot.
        table = f"event_{lowers.pop()}" if len(lowers) == 1 else "event"
        await self._pool.copier.copy(copy_text(batch), f"{table} ({COPIED_COLUMNS})", count, after)

    async def _statement(self, batch: Sequence[Events]) -> tuple[str, list[Any]]:
        """Insert and count in one message, which PostgreSQL runs as one transaction."""
        count = await self._count_statement(batch)
        statement, parameters = insert(batch)
        return f"{statement}; {count}", parameters

    async def _count_statement(self, batch: Sequence[Events]) -> str:
        """The statement that counts ``batch``; creates missing slots first."""
        counts = self._counts(batch)
        if counts is None:
            await self._slots.ensure([(events.first_id, events.last_id) for events in batch])
            counts = self._counts(batch)
            assert counts is not None
        return "; ".join(filter(None, (_COUNT.format(rows=counts), count_minutes(batch), remember_keys(batch))))

    def _counts(self, batch: Sequence[Events]) -> str | None:
        """The rows for ``event_count``, or ``None`` when a slot is not known to exist."""
        total: dict[tuple[int, int], tuple[int, int]] = {}
        for events in batch:
            parts = self._slots.parts(events.first_id, events.last_id)
            if parts is None:
                return None
            for lower, count, last_id in parts:
                before, highest = total.get((events.destination.id, lower), (0, 0))
                total[events.destination.id, lower] = (before + count, max(highest, last_id))
        # Sorted: two processes that update the same rows must lock them in the same order.
        return ",".join(f"({key[0]},{key[1]},{count},{last})" for key, (count, last) in sorted(total.items()))

    async def _commit_sound(self, batch: Sequence[Events]) -> None:
        """Find the events that PostgreSQL refuses by halving, and commit the others, still in one transaction."""
        refused: list[tuple[Events, str | None]] = []
        # What is refused never comes to be stored: its keys are known, too.
        keys = remember_keys(batch)
        batch = [attrs.evolve(events, keys=None) for events in batch]

        async def store(transaction: Transaction, part: Sequence[Events]) -> None:
            statement, parameters = await self._statement(part)
            await transaction.run("SAVEPOINT part")
            try:
                await transaction.run(statement, parameters)
            except psycopg2.Error as error:
                if not _is_refusal(error):
                    raise
                await transaction.run("ROLLBACK TO part")
                if sum(map(len, part)) == 1:
                    refused.append((part[0], error.pgcode))
                    return
                for half in halves(part):
                    await store(transaction, half)
            else:
                await transaction.run("RELEASE part")

        async def store_all(transaction: Transaction) -> None:
            await store(transaction, batch)
            if keys:
                await transaction.run(keys)

        await self._pool.transact(store_all)
        self.refused += len(refused)
        for events, sqlstate in refused:
            self._log.error(
                "PostgreSQL refused an event of {user_id} from {sender_ip} (SQLSTATE {sqlstate}); it is not stored",
                user_id=events.destination.user_id,
                sender_ip=events.sender_ip,
                sqlstate=sqlstate,
            )

    async def _is_stored(self, batch: Sequence[Events]) -> bool:
        for events in batch:
            rows = await self._pool.read(
                "SELECT id, sender_ip = %s::inet, message FROM event"
                " WHERE destination_id = %s AND id BETWEEN %s AND %s ORDER BY id LIMIT 1",
                [events.sender_ip, events.destination.id, events.first_id, events.last_id],
            )
            if rows:
                ((found, same_sender, message),) = rows
                return bool(same_sender) and message == clean(events.lines.message[found - events.first_id])
        return False


_COUNT = (
    "INSERT INTO event_count (destination_id, slot_lower, count, last_id) VALUES {rows}"
    " ON CONFLICT (destination_id, slot_lower) DO UPDATE"
    " SET count = event_count.count + excluded.count, last_id = greatest(event_count.last_id, excluded.last_id)"
)


def _is_refusal(error: psycopg2.Error) -> bool:
    """Whether PostgreSQL refuses a row for its content, so that it will never accept that row."""
    if isinstance(error, errors.CheckViolation):
        # Without a name the constraint is a slot's bounds.
        return error.diag.constraint_name is not None
    return isinstance(error, _REFUSALS)


def halves(batch: Sequence[Events]) -> tuple[list[Events], list[Events]]:
    """Split ``batch`` (two events or more) into two batches with half of its events each."""
    left = sum(map(len, batch)) // 2
    first: list[Events] = []
    second: list[Events] = []
    for events in batch:
        if left >= len(events):
            first.append(events)
        elif left <= 0:
            second.append(events)
        else:
            first.append(_part(events, 0, left))
            second.append(_part(events, left, len(events)))
        left -= len(events)
    return first, second


def _part(events: Events, start: int, stop: int) -> Events:
    lines = events.lines
    columns = {field.name: getattr(lines, field.name)[start:stop] for field in attrs.fields(type(lines))}
    return attrs.evolve(events, first_id=events.first_id + start, lines=type(lines)(**columns))
