"""Archives days that are over, a destination's day at a time, oldest first; one process of an installation does it.

Each file is written as a draft, published atomically, read back and recorded, in this order; retention drops only
recorded events. After a crash between any two steps the day is archived again, and the file keeps the rows it has.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from queue import Queue
from threading import Event as Flag
from threading import Thread
from typing import Any, TypeVar

import attrs
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater
from twisted.logger import Logger

from ppl.archive import dayfile
from ppl.archive.interface import ArchiveDamaged, ArchiveUnavailable, Place
from ppl.archive.keys import key_of
from ppl.archive.thread import in_thread
from ppl.errors import StoreUnavailable
from ppl.model import Archive, Clock
from ppl.store.connecting.connection import Connection
from ppl.store.connecting.locks import ARCHIVE_KEY
from ppl.store.connecting.unloading import PART_BYTES, Unloading
from ppl.store.upkeep.archives import ArchiveNotes, Day
from ppl.store.upkeep.busy import BUSY_RATE, is_busy

T = TypeVar("T")

#: Seconds between two searches for days that are over, and the most days that one search gives.
EVERY = 600.0
_MOST = 1000

#: Seconds over which ingest is measured before each day.
LOOK_SECONDS = 5.0

_CONNECT_SECONDS = 5.0
_STATEMENT_SECONDS = 60.0
_UNLOAD_SECONDS = 3600.0

_Counts = dict[int, int]


@attrs.frozen
class ArchiverLimits:
    """How much an archiver does at a time.

    Attributes:
        every: seconds between two searches for days that are over.
        look_seconds: seconds over which ingest is measured before each day.
        busy_rate: ingested events per second above which archiving waits.
        part_bytes: bytes of CSV that are read from PostgreSQL at a time.
        group_rows: most rows in a row group of a file.
    """

    every: float = EVERY
    look_seconds: float = LOOK_SECONDS
    busy_rate: float = BUSY_RATE
    part_bytes: int = PART_BYTES
    group_rows: int = dayfile.GROUP_ROWS


class Archiver:
    """Archives days to ``place``.

    Args:
        reactor: makes connections, has timers, and is called from threads.
        dsn: libpq's DSN of PostgreSQL.
        clock: wall time, µs.
        place: where the archives are kept.
        limits: how much is done at a time.
        connect: makes a connection, called like :class:`~ppl.store.connecting.connection.Connection`.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        dsn: str,
        clock: Clock,
        place: Place,
        *,
        limits: ArchiverLimits | None = None,
        connect: Callable[[Any, str], Connection] = Connection,
    ) -> None:
        self._reactor, self._dsn, self._clock, self._place = reactor, dsn, clock, place
        self._limits, self._connect = limits or ArchiverLimits(), connect
        self._connection: Connection | None = None
        self._waiting: Deferred[Any] | None = None
        self._stopped = Flag()
        self._complete_at: float | None = None
        self._is_checked = False
        self._said = ""
        self._noted: dict[tuple[int, int], _Counts] = {}
        self._left_out: set[tuple[int, int]] = set()

    def stop(self) -> None:
        """End a run that is under way, without waiting for a place that hangs."""
        self._stopped.set()
        if self._waiting is not None:
            self._waiting.cancel()
        if self._connection is not None:
            self._connection.abandon("the process stops")

    async def run(self) -> None:
        """Archive days that are over and not archived yet, unless another process does so or ingest is busy.

        Raises:
            StoreUnavailable: PostgreSQL is away.
        """
        now = self._clock()
        if self._complete_at is not None and self._reactor.seconds() - self._complete_at < self._limits.every:
            return
        connection = self._connect(self._reactor, "ppl archiving")
        try:
            if not self._is_checked:
                await self._wait(in_thread(self._reactor, self._place.check))
                self._is_checked = True
            self._connection = connection
            await connection.open(self._dsn, _CONNECT_SECONDS, _STATEMENT_SECONDS)
            if await self._archive_all(connection, now):
                self._complete_at = self._reactor.seconds()
                self._said = ""
        except (StoreUnavailable, CancelledError):
            if not self._stopped.is_set():
                raise
        except ArchiveUnavailable as error:
            if str(error) != self._said:
                self._said = str(error)
                self._log.warn("{sentence} No event is dropped meanwhile; archiving is retried", sentence=self._said)
        finally:
            self._connection = None
            connection.abandon("it is not needed now")

    async def _archive_all(self, connection: Connection, now: int) -> bool:
        """Archive the pending days; gives whether all of them were looked at."""
        ((ours,),) = await connection.execute("SELECT pg_try_advisory_lock(%s, %s)", ARCHIVE_KEY, _CONNECT_SECONDS)
        if not ours:
            return False
        notes = ArchiveNotes(connection, _STATEMENT_SECONDS)
        pending = await notes.pending(now, _MOST)
        for each in pending:
            if each in self._left_out:
                continue
            if self._stopped.is_set() or await self._is_busy(connection):
                return False
            try:
                await self._archive(notes, await notes.day(*each))
            except ArchiveDamaged as error:
                self._leave_out(each, f"A damaged file has its place and is not replaced: {error} Move it away")
        return len(pending) < _MOST

    def _leave_out(self, each: tuple[int, int], why: str) -> None:
        self._left_out.add(each)
        self._log.error(
            "The archive of day {day} of destination {destination_id} cannot be completed, and its events stay in the"
            " database. {why}, and restart Ppl",
            destination_id=each[0],
            day=each[1],
            why=why,
        )

    async def _is_busy(self, connection: Connection) -> bool:
        return await is_busy(connection, self._clock, self._pause, self._limits.look_seconds, self._limits.busy_rate)

    async def _pause(self, seconds: float) -> None:
        await self._wait(deferLater(self._reactor, seconds, lambda: None))

    async def _archive(self, notes: ArchiveNotes, day: Day) -> None:
        key = key_of(day)
        rows, length, counts = await self._wait(in_thread(self._reactor, lambda: self._write(notes, day, key)))
        archive = Archive(day.number, self._place.name, key, rows, length, self._clock())
        await notes.note(day, archive if rows else None, counts)
        each = day.destination_id, day.number
        if self._noted.get(each) == counts:
            self._leave_out(each, "The recorded counts exceed the events in the database: look for lost rows")
        self._noted[each] = counts

    async def _wait(self, for_what: Deferred[T]) -> T:
        self._waiting = for_what
        try:
            return await for_what
        finally:
            self._waiting = None

    # Called in a thread

    def _write(self, notes: ArchiveNotes, day: Day, key: str) -> tuple[int, int, _Counts]:
        """Write, publish and read back the file; gives its rows and bytes, and the database's rows of each slot.

        A day without events, as a wide slot may have, gets no file.
        """
        counts: _Counts = {}
        there = self._place.fetch(key)
        try:
            old = dayfile.read(there) if there is not None else iter(())
            with self._place.draft(key) as draft, closing(self._tables(day, counts)) as new:
                about = {"ppl.destination": f"{day.host}:{day.port}"}
                rows = dayfile.write(draft.file, dayfile.joined(old, new), about, self._limits.group_rows)
                draft.file.seek(0)
                if not rows:
                    return 0, 0, counts
                if dayfile.count(draft.file) != rows:
                    raise ArchiveUnavailable(f"The archive {self._place.name} does not keep what is written to it.")
                if self._stopped.is_set():
                    raise StoreUnavailable("the process stops")
                self._still_ours(notes)
                length = draft.publish()
        finally:
            if there is not None:
                there.close()
        self._read_back(key, rows)
        return rows, length, counts

    def _still_ours(self, notes: ArchiveNotes) -> None:
        """Raise unless this process still has the lock: two processes must not publish the same day."""
        outcome: Queue[Any] = Queue()

        def ask() -> None:
            Deferred.fromCoroutine(notes.still_ours()).addBoth(outcome.put)

        self._reactor.callFromThread(ask)
        failure = outcome.get(timeout=2 * _STATEMENT_SECONDS)
        if failure is not None:
            failure.raiseException()

    def _read_back(self, key: str, rows: int) -> None:
        published = self._place.fetch(key)
        if published is None:
            raise ArchiveUnavailable(f"The archive {self._place.name} has lost what was written to it.")
        with published:
            try:
                found = dayfile.count(published)
            except ArchiveDamaged:
                found = -1
        if found != rows:
            raise ArchiveUnavailable(f"The archive {self._place.name} gives back other rows than were written to it.")

    def _tables(self, day: Day, counts: _Counts) -> Generator[Any, None, None]:
        """The database's events of the day as tables; puts the number of events of each slot into ``counts``."""
        bounds = _CONNECT_SECONDS, _UNLOAD_SECONDS, self._limits.part_bytes
        with Unloading(self._dsn, dayfile.CSV_COLUMNS, *bounds) as unloading:
            for slot in day.slots:
                counts[slot[0]] = 0
                first, end = day.bounds(slot)

                def work(take: Callable[[bytes], None], first: int = first, end: int = end) -> None:
                    unloading.unload(day.destination_id, first, end, take)

                with closing(_pulled(work)) as parts:
                    for part in parts:
                        if self._stopped.is_set():
                            raise StoreUnavailable("the process stops")
                        table = dayfile.table_of(part)
                        counts[slot[0]] += table.num_rows
                        yield table


def _pulled(work: Callable[[Callable[[bytes], None]], None]) -> Generator[bytes, None, None]:
    """The parts that ``work`` hands to its callback, one by one; it runs in a thread and is at most one part ahead."""
    parts: Queue[bytes | BaseException | None] = Queue(1)
    given_up = Flag()

    def take(part: bytes) -> None:
        if given_up.is_set():
            raise StoreUnavailable("its reader has stopped")
        parts.put(part)

    def run() -> None:
        try:
            work(take)
        except BaseException as error:
            parts.put(error)
        else:
            parts.put(None)

    thread = Thread(target=run, name="unload", daemon=True)
    thread.start()
    try:
        while (part := parts.get()) is not None:
            if isinstance(part, BaseException):
                raise part
            yield part
    finally:
        given_up.set()
        while thread.is_alive():
            if not parts.empty():
                parts.get_nowait()
            thread.join(0.05)
