"""Archiving: days that are over become files, and only then may their events be dropped, whatever fails."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import psycopg2
import pytest
from pytest_twisted import ensureDeferred
from twisted.internet.defer import Deferred
from twisted.logger import globalLogPublisher

from ppl.archive import dayfile
from ppl.archive.directory import DirectoryPlace
from ppl.archive.interface import Draft
from ppl.model import DAY
from ppl.store.connecting.connection import Connection, Parameters, ResultRow
from ppl.store.connecting.locks import ARCHIVE_KEY
from ppl.store.postgres import PostgresStore
from ppl.store.upkeep.archives import set_archiving
from ppl.store.upkeep.retention import Retention
from tests.archive.archiving import (
    DAY0,
    HOUR,
    LATER,
    NUMBER0,
    archiver,
    files,
    fill,
    forget,
    kept,
    registered,
    rows,
    stored,
)  # fmt: skip
from tests.fixtures.database import execute, started_store
from tests.store.samples import events
from tests.waiting import until

NOW = DAY0 + 2 * DAY + LATER


def said(logged: list[str]) -> Any:
    def observe(event: dict) -> None:
        if event["log_level"].name in ("warn", "error"):
            logged.append(str(event["log_format"]).format(**event))

    return observe


@contextmanager
def listening() -> Iterator[list[str]]:
    """Collects the log lines from level warning on."""
    logged: list[str] = []
    observe = said(logged)
    globalLogPublisher.addObserver(observe)
    try:
        yield logged
    finally:
        globalLogPublisher.removeObserver(observe)


@ensureDeferred
async def test_each_day_of_each_destination_becomes_a_file_with_typed_columns(dsn: str, place: DirectoryPlace) -> None:
    pool, store = await started_store(dsn)
    one, other = await registered(store), await registered(store, "other@example.com", 2)
    await fill(store, one)
    await store.append(
        [
            events(
                DAY0 + 7, ['odd "quoted", \n\r\t\\N текст', ""], destination=other, created_at=[DAY0 - 5, None],
                facility=[None, 3], severity=[None, 0], file_name=["", "x"], sender_ip="2001:db8::1",
            )
        ]
    )  # fmt: skip
    await archiver(dsn, place, NOW).run()
    days = [(date(1970, 1, 1) + timedelta(days=NUMBER0 + day)).isoformat() for day in range(2)]
    assert [name.rsplit("/", 1)[0] for name in files(place.root)] == [
        f"destination=h-1/date={days[0]}",
        f"destination=h-1/date={days[1]}",
        f"destination=h-2/date={days[0]}",
    ]
    assert kept(place.root) == {id_ for _, id_ in stored(dsn)}
    columns = "id, epoch_us(received_at), epoch_us(created_at), sender_ip, facility, severity, file_name, message, date"
    found = [row for row in rows(place.root, columns) if row[0] in (DAY0 + 7, DAY0 + 8)]
    day = date.fromisoformat(days[0])
    assert found == [
        (DAY0 + 7, DAY0 + 7, DAY0 - 5, "2001:db8::1", None, None, "", 'odd "quoted", \n\r\t\\N текст', day),
        (DAY0 + 8, DAY0 + 8, DAY0 + 8, "2001:db8::1", 3, 0, "x", "", day),
    ]
    (first,) = rows(place.root, "min(received_at)", "1")
    assert first[0] == datetime.fromtimestamp(DAY0 / 1e6, UTC)
    await pool.stopService()


@ensureDeferred
async def test_a_day_is_archived_when_it_is_over_and_once(dsn: str, place: DirectoryPlace) -> None:
    pool, store = await started_store(dsn)
    await fill(store, await registered(store))
    await archiver(dsn, place, DAY0 + 2 * DAY + 1).run()
    assert len(files(place.root)) == 1
    await archiver(dsn, place, NOW).run()
    before = {name: (place.root / name).stat().st_mtime_ns for name in files(place.root)}
    assert len(before) == 2
    await archiver(dsn, place, NOW).run()
    assert before == {name: (place.root / name).stat().st_mtime_ns for name in files(place.root)}
    await pool.stopService()


@ensureDeferred
async def test_only_archived_events_are_dropped(dsn: str, place: DirectoryPlace) -> None:
    pool, store = await started_store(dsn)
    one = await registered(store)
    await fill(store, one)
    await set_archiving(pool, place.name)
    everything = stored(dsn)
    await forget(pool, NOW)
    assert stored(dsn) == everything, "nothing is archived"
    await archiver(dsn, place, DAY0 + DAY + LATER).run()
    await forget(pool, NOW)
    assert stored(dsn) == {each for each in everything if each[1] >= DAY0 + DAY}
    assert kept(place.root) | {id_ for _, id_ in stored(dsn)} == {id_ for _, id_ in everything}
    await set_archiving(pool, None)
    await forget(pool, NOW)
    assert stored(dsn) == set(), "the operator has ended archiving"
    await pool.stopService()


@ensureDeferred
async def test_a_destinations_part_of_a_slot_waits_for_its_archive_too(dsn: str, place: DirectoryPlace) -> None:
    pool, store = await started_store(dsn)
    account, one = await store.register("a@example.com", "hash", "UTC", "h", range(1, 2), only_first=False)
    other = await registered(store, "other@example.com", 2)
    await fill(store, one)
    await fill(store, other)
    await store.set_retention(account.id, one.id, 1)
    await set_archiving(pool, place.name)
    everything = stored(dsn)
    keeping = Retention(pool, lambda: NOW + 50 * DAY, None)
    await keeping.run()
    assert stored(dsn) == everything
    await archiver(dsn, place, NOW).run()
    await keeping.run()
    assert stored(dsn) == {each for each in everything if each[0] == other.id}
    await pool.stopService()


@ensureDeferred
async def test_late_events_are_added_whatever_has_been_dropped_by_then(dsn: str, place: DirectoryPlace) -> None:
    pool, store = await started_store(dsn)
    one = await registered(store)
    other = await registered(store, "other@example.com", 2)
    await fill(store, other)
    await fill(store, one)
    await set_archiving(pool, place.name)
    await archiver(dsn, place, NOW).run()
    everything = {id_ for _, id_ in stored(dsn)}
    await store.append([events(DAY0 + HOUR // 2, ["late"], destination=one)])
    await forget(pool, NOW)
    assert (one.id, DAY0 + HOUR // 2) in stored(dsn)
    await archiver(dsn, place, NOW).run()
    assert kept(place.root) >= everything | {DAY0 + HOUR // 2}
    await forget(pool, NOW)
    assert stored(dsn) == set()
    # As many events as before, in slots that are gone: counts alone would not tell that these are not archived.
    more = [DAY0 + 5 * HOUR + 1, DAY0 + 17 * HOUR, DAY0 + 23 * HOUR + 2]
    for at in more:
        await store.append([events(at, ["later"], destination=one)])
    await forget(pool, NOW)
    assert stored(dsn) == {(one.id, at) for at in more}
    await archiver(dsn, place, NOW).run()
    await forget(pool, NOW)
    assert stored(dsn) == set()
    assert kept(place.root) >= everything | {DAY0 + HOUR // 2, *more}
    assert len(rows(place.root)) == 2 * 8 + 1 + 3
    await pool.stopService()


@pytest.mark.parametrize("width", [7, 3 * 86_400 + 17, 30 * 86_400])
@ensureDeferred
async def test_slots_of_any_width_are_archived_by_day(dsn: str, place: DirectoryPlace, width: int) -> None:
    pool, store = await started_store(dsn, slot_seconds=width)
    one = await registered(store)
    for hour in range(0, 118, 9):
        await store.append([events(DAY0 + hour * HOUR, [f"hour {hour}", "more"], destination=one)])
    await set_archiving(pool, place.name)
    everything = stored(dsn)
    for day in range(1, 70, 4):
        await archiver(dsn, place, DAY0 + day * DAY + LATER).run()
        await forget(pool, DAY0 + day * DAY)
        assert kept(place.root) | {id_ for _, id_ in stored(dsn)} == {id_ for _, id_ in everything}
    assert stored(dsn) == set()
    assert len(files(place.root)) == 5, "none for a day without events"
    await pool.stopService()


# Failures


class Crashes(Exception):
    """Stands for the death of the process."""


@attrs.frozen
class MortalFile:
    """A file that raises ``error`` after ``left`` bytes."""

    file: Any
    left: list[int]
    error: Exception

    def write(self, data: bytes) -> int:
        self.left[0] -= len(bytes(data))
        if self.left[0] < 0:
            raise self.error
        return int(self.file.write(data))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


@attrs.define
class MortalPlace(DirectoryPlace):
    """A directory in which the step ``fails_at`` fails."""

    fails_at: str = ""
    error: Exception = attrs.field(factory=Crashes)

    def step(self, name: str) -> None:
        if self.fails_at == name:
            raise self.error

    def fetch(self, key: str) -> Any:
        self.step("fetch")
        return super().fetch(key)

    @contextmanager
    def draft(self, key: str) -> Iterator[Draft]:
        self.step("draft")
        with DirectoryPlace.draft(self, key) as draft:
            bytes_left = [400 if self.fails_at == "write" else 1 << 40]
            yield MortalDraft(self, draft, MortalFile(draft.file, bytes_left, self.error))


@attrs.frozen
class MortalDraft:
    place: MortalPlace
    draft: Draft
    file: Any

    def publish(self) -> int:
        self.place.step("publish")
        length = self.draft.publish()
        self.place.step("published")
        return length


@pytest.mark.parametrize("round_", ["first", "late"])
@pytest.mark.parametrize("step", ["fetch", "draft", "write", "publish", "published", "note", "noted"])
@ensureDeferred
async def test_a_crash_at_any_step_loses_nothing_and_the_next_run_completes(
    dsn: str, place: DirectoryPlace, step: str, round_: str
) -> None:
    pool, store = await started_store(dsn)
    one = await registered(store)
    await fill(store, one)
    everything = {id_ for _, id_ in stored(dsn)}
    await set_archiving(pool, place.name)
    if round_ == "late":
        await archiver(dsn, place, NOW).run()
        await forget(pool, NOW)
        await fill_late(store, one)
        everything |= {id_ for _, id_ in stored(dsn)}
    dying = archiver(dsn, MortalPlace(place.root, step), NOW, lambda *given: MortalConnection(step, *given))
    with pytest.raises(Crashes):
        await dying.run()
    await forget(pool, NOW)
    assert kept(place.root) | {id_ for _, id_ in stored(dsn)} == everything
    with listening() as warnings:
        await archiver(dsn, place, NOW).run()
    assert warnings == []
    assert kept(place.root) == everything
    assert not [name for name in files(place.root) if not name.endswith(".parquet")]
    await forget(pool, NOW)
    assert stored(dsn) == set()
    await pool.stopService()


async def fill_late(store: PostgresStore, destination: Any) -> None:
    for day in range(2):
        await store.append([events(DAY0 + day * DAY + 11, ["late", "later"], destination=destination)])


class MortalConnection(Connection):
    """A connection of a process that dies before it notes (``note``) or once it has noted (``noted``)."""

    def __init__(self, fails_at: str, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.fails_at = fails_at

    async def execute(self, sql: str, parameters: Parameters, patience: float) -> list[ResultRow]:
        if (self.fails_at, sql) == ("note", "BEGIN"):
            raise Crashes
        done = await super().execute(sql, parameters, patience)
        if (self.fails_at, sql) == ("noted", "COMMIT"):
            raise Crashes
        return done


@ensureDeferred
async def test_a_draft_that_a_killed_process_left_is_removed(dsn: str, place: DirectoryPlace) -> None:
    pool, store = await started_store(dsn)
    await fill(store, await registered(store), 1)
    await archiver(dsn, place, NOW).run()
    (name,) = files(place.root)
    (place.root / name).with_name(".ppl-abc.new").write_bytes(b"half")
    execute(dsn, "DELETE FROM archived")
    await archiver(dsn, place, NOW).run()
    assert files(place.root) == [name]
    assert len(kept(place.root)) == 4
    await pool.stopService()


@pytest.mark.parametrize("step", ["draft", "write", "publish"])
@ensureDeferred
async def test_a_full_disk_is_logged_once_and_nothing_is_dropped(dsn: str, place: DirectoryPlace, step: str) -> None:
    pool, store = await started_store(dsn)
    await fill(store, await registered(store))
    await set_archiving(pool, place.name)
    everything = stored(dsn)
    full = MortalPlace(place.root, step, OSError(errno.ENOSPC, "No space left on device"))
    if step == "draft":
        full = MortalPlace(place.root / "file")
        place.root.mkdir()
        (place.root / "file").write_bytes(b"")
    one = archiver(dsn, full, NOW)
    with listening() as logged:
        await one.run()
        await forget(pool, NOW)
        await one.run()
    assert len(logged) == 1, logged
    assert "No event is dropped meanwhile" in logged[0]
    assert stored(dsn) == everything
    await archiver(dsn, place, NOW).run()
    await forget(pool, NOW)
    assert stored(dsn) == set()
    await pool.stopService()


@ensureDeferred
async def test_a_damaged_file_is_not_replaced_and_other_days_go_on(
    dsn: str, place: DirectoryPlace, nothing_left_behind: list[str]
) -> None:
    pool, store = await started_store(dsn)
    await fill(store, await registered(store))
    await set_archiving(pool, place.name)
    await archiver(dsn, place, NOW).run()
    damaged = place.root / files(place.root)[0]
    data = damaged.read_bytes()
    damaged.write_bytes(data[:200] + b"\0" * 100 + data[300:])
    execute(dsn, "DELETE FROM archived")
    one = archiver(dsn, place, NOW)
    await one.run()
    assert damaged.read_bytes()[200:300] == b"\0" * 100
    await forget(pool, NOW)
    assert {id_ // DAY for _, id_ in stored(dsn)} == {NUMBER0}
    assert len(nothing_left_behind) == 1
    assert "cannot be completed" in nothing_left_behind.pop()
    await pool.stopService()


@ensureDeferred
async def test_counts_that_do_not_agree_keep_the_events_and_are_logged_once(
    dsn: str, place: DirectoryPlace, nothing_left_behind: list[str]
) -> None:
    pool, store = await started_store(dsn)
    await fill(store, await registered(store), 1)
    await set_archiving(pool, place.name)
    execute(dsn, f"DELETE FROM event WHERE id = {DAY0}")
    one = archiver(dsn, place, NOW, every=0)
    for _ in range(4):
        await one.run()
    assert len(nothing_left_behind) == 1
    assert "cannot be completed" in nothing_left_behind.pop()
    await pool.stopService()


@ensureDeferred
async def test_only_one_process_archives(dsn: str, place: DirectoryPlace) -> None:
    pool, store = await started_store(dsn)
    await fill(store, await registered(store))
    with psycopg2.connect(dsn) as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", ARCHIVE_KEY)
        await archiver(dsn, place, NOW).run()
        assert files(place.root) == []
    await pool.stopService()


@attrs.define
class RobbingPlace(DirectoryPlace):
    """A directory that terminates the session with the lock before a file is written.

    Attributes:
        dsn: of the database with the lock.
        lengths: lengths of the drafts that were written all the same.
    """

    dsn: str
    lengths: list[int] = attrs.field(factory=list)

    @contextmanager
    def draft(self, key: str) -> Iterator[Draft]:
        sql = (
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND (classid, objid) = (%s, %s)"
        )
        execute(self.dsn, sql, ARCHIVE_KEY)
        with DirectoryPlace.draft(self, key) as draft:
            try:
                yield draft
            finally:
                self.lengths.append(draft.file.seek(0, 2))


@ensureDeferred
async def test_an_archiver_that_lost_the_lock_publishes_nothing(dsn: str, tmp_path: Path) -> None:
    pool, store = await started_store(dsn)
    await fill(store, await registered(store), 1)
    place = RobbingPlace(tmp_path / "archive", dsn)
    with pytest.raises(Exception, match="connection"):
        await archiver(dsn, place, NOW).run()
    assert place.lengths[0] > 0, "it was written"
    assert files(place.root) == []
    await pool.stopService()


@ensureDeferred
async def test_archiving_waits_while_much_comes_in(dsn: str, place: DirectoryPlace) -> None:
    pool, store = await started_store(dsn)
    await fill(store, await registered(store))
    await archiver(dsn, place, NOW, busy_rate=-1).run()
    assert files(place.root) == []
    await pool.stopService()


@ensureDeferred
async def test_many_rows_become_several_row_groups_in_bounded_parts(dsn: str, place: DirectoryPlace) -> None:
    bounds = {"part_bytes": 10_000, "group_rows": 500}
    pool, store = await started_store(dsn)
    one = await registered(store)
    await store.append([events(DAY0 + 1, [f"line {number}" for number in range(3000)], destination=one)])
    await archiver(dsn, place, NOW, **bounds).run()
    await store.append([events(DAY0 + 3001, [f"late {number}" for number in range(3000)], destination=one)])
    await archiver(dsn, place, NOW, **bounds).run()
    assert kept(place.root) == set(range(DAY0 + 1, DAY0 + 6001))
    (name,) = files(place.root)
    with (place.root / name).open("rb") as file:
        assert dayfile.pq.ParquetFile(file).num_row_groups >= 6
        assert dayfile.pq.ParquetFile(file).metadata.row_group(0).column(0).compression == "ZSTD"
    await pool.stopService()


@ensureDeferred
async def test_a_stop_in_the_middle_ends_the_run(dsn: str, tmp_path: Path) -> None:
    pool, store = await started_store(dsn)
    await fill(store, await registered(store), 1)

    hanging = HangingPlace(tmp_path)
    one = archiver(dsn, hanging, NOW)
    running = Deferred.fromCoroutine(one.run())
    await until(lambda: hanging.asked, "it waits for the place")
    one.stop()
    await running
    hanging.asked.clear()
    await pool.stopService()


@attrs.define
class HangingPlace(DirectoryPlace):
    """A place that does not answer until ``asked`` is cleared."""

    asked: list[str] = attrs.field(factory=list)

    def fetch(self, key: str) -> Any:
        from threading import Event

        self.asked.append(key)
        while self.asked:
            Event().wait(0.02)
        return None
