"""Spare files of the write-ahead log: there after the first start, kept, bounded, and made good when interrupted."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet import reactor

from ppl.store.embedded.server import EmbeddedPostgres
from ppl.store.embedded.spare_files import SpareFiles
from tests.faults.disk import small_disk
from tests.fixtures.database import FAST, as_administrator, execute, short_directory
from tests.waiting import until

pytestmark = [pytest.mark.long, pytest.mark.beside]

#: As Ppl runs it, but for what keeps tests fast.
USUAL = {name: value for name, value in FAST.items() if name != "min_wal_size"}

#: Without spare files of ours: what the first start of an installation of before left.
BEFORE = {**USUAL, "min_wal_size": "80MB"}


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A path where a data directory may be created, on a disk."""
    directory = short_directory()
    yield directory / "data"
    shutil.rmtree(directory)


@asynccontextmanager
async def started(data_dir: Path, settings: dict[str, str] = USUAL) -> AsyncIterator[EmbeddedPostgres]:
    """PostgreSQL on ``data_dir``, stopped at the end."""
    server = EmbeddedPostgres(reactor, data_dir, settings=settings)
    await server.startService()
    try:
        yield server
    finally:
        await server.stopService()


def spare(server: EmbeddedPostgres) -> int:
    """How many files follow the one that is in use."""
    ((count,),) = execute(
        as_administrator(server.dsn),
        "SELECT count(*) FROM pg_ls_waldir() WHERE name > pg_walfile_name(pg_current_wal_lsn())",
    )
    return int(count)


def files(data_dir: Path) -> list[str]:
    """The names of all files of the log."""
    directory = data_dir / "postgres" / "pg_wal"
    return [name for name in os.listdir(directory) if len(name) == 24] if directory.exists() else []


def kept(server: EmbeddedPostgres) -> str:
    ((size,),) = execute(server.dsn, "SHOW min_wal_size")
    return str(size)


def go_on(server: EmbeddedPostgres, files: int) -> None:
    """Use up that many files."""
    for _ in range(files):
        execute(as_administrator(server.dsn), "SELECT pg_logical_emit_message(false, 'test', ''), pg_switch_wal()")


def created(server: EmbeddedPostgres) -> int:
    """How many files PostgreSQL has created since it started; each connection has told its count when it is closed."""
    ((count,),) = execute(
        as_administrator(server.dsn), "SELECT sum(writes) FROM pg_stat_io WHERE object = 'wal' AND context = 'init'"
    )
    return int(count or 0)


@ensureDeferred
async def test_a_first_start_leaves_spare_files_and_a_restart_keeps_them(data_dir: Path, logged: list[str]) -> None:
    async with started(data_dir) as server:
        first = spare(server)
        assert first >= 7, "more than PostgreSQL would keep by default"
        before = created(server)
        go_on(server, 6)
        assert created(server) == before, "no commit waits for a new file"
    async with started(data_dir) as server:
        assert spare(server) >= first * 3 // 4
    assert len([text for text in logged if text.startswith("Wrote")]) == 1, logged


@ensureDeferred
async def test_an_older_installation_gets_them_at_its_next_start(data_dir: Path) -> None:
    async with started(data_dir, BEFORE) as server:
        assert spare(server) <= 4
    async with started(data_dir) as server:
        assert spare(server) >= 7


@ensureDeferred
async def test_a_first_start_killed_while_it_writes_them_is_made_good(
    data_dir: Path, nothing_left_behind: list[str], logged: list[str]
) -> None:
    # With all files on the disk it takes long enough to be killed in the middle.
    server = EmbeddedPostgres(reactor, data_dir, settings={**USUAL, "fsync": "on"})
    starting = server.startService()
    await until(lambda: server.pid is not None and len(files(data_dir)) >= 3, "the third file", 60)
    killed = server.pid
    os.kill(killed, signal.SIGKILL)
    await starting
    assert any(text.startswith("Spare files of PostgreSQL's log could not be written") for text in logged), logged
    await until(lambda: server.pid not in (None, killed), "PostgreSQL runs again", 30)
    await server.stopService()
    assert nothing_left_behind.pop().startswith("PostgreSQL ended")
    async with started(data_dir) as again:
        assert spare(again) >= 7


@ensureDeferred
async def test_a_first_start_stopped_while_it_writes_them_ends_at_once(data_dir: Path, logged: list[str]) -> None:
    server = EmbeddedPostgres(reactor, data_dir, settings={**USUAL, "fsync": "on"})
    starting = server.startService()
    await until(lambda: server.pid is not None and len(files(data_dir)) >= 3, "the third file", 60)
    await server.stopService()
    await starting
    assert len(files(data_dir)) < 20, "far from all"
    assert not [text for text in logged if text.startswith("Spare files")], "nothing to tell"
    async with started(data_dir) as again:
        assert spare(again) >= 7


@ensureDeferred
async def test_a_slow_disk_gets_few_and_the_next_start_does_not_try_in_vain(data_dir: Path) -> None:
    async with started(data_dir, BEFORE) as server:
        execute(as_administrator(server.dsn), "ALTER SYSTEM SET wal_recycle = off")
    async with started(data_dir) as server:
        assert spare(server) <= 4, "without recycling no file becomes a spare one"
        execute(as_administrator(server.dsn), "ALTER SYSTEM RESET wal_recycle")
        execute(as_administrator(server.dsn), "SELECT pg_reload_conf()")
        await until(lambda: execute(server.dsn, "SHOW wal_recycle") == [("on",)])
        hurried = SpareFiles(server.cluster, lambda: False, patience=0)
        await hurried.write()
        few = spare(server)
        assert few <= 5
        await hurried.write()
        assert spare(server) <= few + 1


@ensureDeferred
async def test_what_an_operator_has_chosen_is_kept(data_dir: Path) -> None:
    async with started(data_dir, BEFORE):
        pass
    with (data_dir / "postgres" / "postgresql.conf").open("a") as file:
        file.write("min_wal_size = 48MB\n")
    async with started(data_dir) as server:
        assert (kept(server), spare(server) <= 4) == ("48MB", True)


@ensureDeferred
async def test_files_are_not_written_where_an_archive_would_keep_them(data_dir: Path) -> None:
    async with started(data_dir, {**USUAL, "archive_mode": "on"}) as server:
        assert spare(server) <= 4


@ensureDeferred
async def test_a_small_disk_is_left_to_what_is_stored(data_dir: Path) -> None:
    with small_disk(data_dir, 500):
        async with started(data_dir) as server:
            assert (kept(server), spare(server) <= 4) == ("80MB", True)
