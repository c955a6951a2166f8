"""A PostgreSQL that crashed, froze or ignores signals: it comes back, and a stop of it ends."""

# ruff: noqa: ASYNC240
from __future__ import annotations

import os
import pwd
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import psycopg2
import pytest
import pytest_twisted
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.logger import globalLogPublisher

from ppl.store.embedded import watchdog
from ppl.store.embedded.ending import Ending, EndingTimeouts, Postmaster
from ppl.store.embedded.processes import is_recovering, processes, state
from ppl.store.embedded.programs import ServerUser, spawn
from ppl.store.embedded.server import EmbeddedPostgres
from ppl.store.embedded.watchdog import Attention
from tests.fixtures.database import FAST, execute, fast_directory
from tests.store.leftover import left_running
from tests.waiting import until

SHORT = EndingTimeouts(heed=0.5, fast=20, immediate=0.5, killed=20)
#: Too eager for a PostgreSQL on a busy machine; the tests freeze it anyway.
EAGER = Attention(period=0.2, looks=5, patience=2)


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A path where a data directory may be created."""
    directory = fast_directory()
    yield directory / "data"
    shutil.rmtree(directory)


@pytest_twisted.async_yield_fixture
async def server(data_dir: Path) -> AsyncIterator[EmbeddedPostgres]:
    """A started PostgreSQL whose shutdown has short patience."""
    made = EmbeddedPostgres(reactor, data_dir, settings=FAST, patience=SHORT)
    await made.startService()
    yield made
    await made.stopService()


def all_of(server: EmbeddedPostgres) -> list[int]:
    """All processes of PostgreSQL on the data of ``server``."""
    return all_on(server.cluster.directory)


def all_on(directory: Path) -> list[int]:
    """All processes of PostgreSQL on ``directory``."""
    return processes(directory, directory.stat().st_uid)


def startup_process(server: EmbeddedPostgres) -> int:
    for pid in all_of(server):
        with suppress(OSError):
            if Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"postgres: startup"):
                return pid
    return 0


def signal_all(pids: list[int], number: int) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def said_that_it_killed(said: list[str]) -> bool:
    """Whether the log says that processes were killed, and has no other error."""
    lines, said[:] = list(said), []
    return lines == ["PostgreSQL did not finish an immediate shutdown; killing its processes: "]


def answers(server: EmbeddedPostgres) -> bool:
    # Only connects when PostgreSQL is ready: one that is away must not block the reactor.
    with suppress(psycopg2.OperationalError):
        return (
            server.pid is not None
            and state(server.cluster.directory, server.pid) == "ready"
            and execute(server.dsn, "SELECT 1") == [(1,)]
        )
    return False


async def comes_back(server: EmbeddedPostgres, gone: int | None) -> None:
    await until(lambda: server.pid not in (None, gone) and answers(server), "PostgreSQL is back", 60)


def to_be_recovered(server: EmbeddedPostgres) -> None:
    """Write so much that recovery takes a while."""
    execute(server.dsn, "CREATE TABLE much AS SELECT n, repeat('x', 100) FROM generate_series(1, 400000) AS n")
    execute(server.dsn, "CREATE INDEX ON much (n); UPDATE much SET n = n + 1")


@pytest.mark.parametrize("fast", [True, False])
@ensureDeferred
async def test_a_program_that_ignores_signals_is_killed_when_patience_is_over(
    data_dir: Path, fast: bool, nothing_left_behind: list[str]
) -> None:
    data_dir.mkdir()
    script = data_dir / "stubborn.py"
    script.write_text(
        "import signal, time\n"
        "for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):\n"
        "    signal.signal(number, signal.SIG_IGN)\n"
        "print('deaf', flush=True)\n"
        "time.sleep(600)\n"
    )
    user = ServerUser(pwd.getpwuid(os.geteuid()).pw_name, os.geteuid(), os.getegid(), switch=False)
    program = spawn(reactor, user, data_dir, [sys.executable, str(script)])
    await until(lambda: b"deaf" in program.output)
    pid = program.pid
    assert await Ending(reactor, data_dir, SHORT).end(Postmaster.child(program), user.uid, fast=fast)
    assert await program.end() == -signal.SIGKILL
    assert not Path(f"/proc/{pid}").exists()
    assert said_that_it_killed(nothing_left_behind)


@ensureDeferred
async def test_a_stop_of_a_frozen_postgresql_ends_and_leaves_nothing(
    server: EmbeddedPostgres, nothing_left_behind: list[str]
) -> None:
    frozen = all_of(server)
    assert len(frozen) > 3
    signal_all(frozen, signal.SIGSTOP)
    await server.stopService()
    assert all_of(server) == []
    assert said_that_it_killed(nothing_left_behind)


@ensureDeferred
async def test_a_postgresql_left_frozen_by_a_killed_ppl_is_ended(
    data_dir: Path, nothing_left_behind: list[str]
) -> None:
    left = await left_running(data_dir)
    pid = left.pid
    signal_all(all_on(data_dir / "postgres"), signal.SIGSTOP)
    server = EmbeddedPostgres(reactor, data_dir, settings=FAST, patience=SHORT)
    await server.startService()
    assert server.pid != pid
    assert answers(server)
    assert said_that_it_killed(nothing_left_behind)
    assert await left.end() == -signal.SIGKILL
    await server.stopService()


@ensureDeferred
async def test_a_start_that_ends_a_frozen_postgresql_can_be_stopped(
    data_dir: Path, nothing_left_behind: list[str], logged: list[str]
) -> None:
    left = await left_running(data_dir)
    signal_all(all_on(data_dir / "postgres"), signal.SIGSTOP)
    server = EmbeddedPostgres(reactor, data_dir, settings=FAST, patience=EndingTimeouts(heed=600))
    starting = server.startService()
    await until(lambda: [text for text in logged if "left running" in text], "the end of the PostgreSQL that was left")
    await server.stopService()
    await starting
    directory = server.cluster.directory
    assert await Ending(reactor, directory, SHORT).end(Postmaster.child(left), directory.stat().st_uid)
    assert await left.end() == -signal.SIGKILL
    assert said_that_it_killed(nothing_left_behind)


@ensureDeferred
async def test_after_a_killed_backend_postgresql_is_back_at_once_again_and_again(
    server: EmbeddedPostgres, nothing_left_behind: list[str]
) -> None:
    for _ in range(4):
        before = server.pid
        connection = psycopg2.connect(server.dsn)
        os.kill(connection.info.backend_pid, signal.SIGKILL)
        await comes_back(server, before)
        connection.close()
    assert sum("is being restarted" in text for text in nothing_left_behind) == 4
    nothing_left_behind.clear()


@ensureDeferred
async def test_a_recovery_that_is_aborted_is_begun_again(
    server: EmbeddedPostgres, nothing_left_behind: list[str]
) -> None:
    to_be_recovered(server)
    connection = psycopg2.connect(server.dsn)
    os.kill(connection.info.backend_pid, signal.SIGKILL)
    await until(lambda: startup_process(server), "a recovery", 30)
    recovering = server.pid
    os.kill(startup_process(server), signal.SIGABRT)
    await comes_back(server, recovering)
    assert execute(server.dsn, "SELECT count(*) FROM much") == [(400000,)]
    connection.close()
    nothing_left_behind.clear()


@ensureDeferred
async def test_a_frozen_backend_that_outlives_the_postmaster_keeps_nobody_out(
    server: EmbeddedPostgres, nothing_left_behind: list[str]
) -> None:
    before = server.pid
    connection = psycopg2.connect(server.dsn)
    os.kill(connection.info.backend_pid, signal.SIGSTOP)
    os.kill(before, signal.SIGKILL)
    await comes_back(server, before)
    connection.close()
    nothing_left_behind.clear()


@pytest.mark.long
@pytest.mark.beside
@ensureDeferred
async def test_the_watchdog_restarts_a_postgresql_that_takes_no_connections(
    data_dir: Path, nothing_left_behind: list[str]
) -> None:
    server = EmbeddedPostgres(reactor, data_dir, settings=FAST, patience=SHORT, attention=EAGER)
    await server.startService()
    frozen = server.pid
    signal_all(all_of(server), signal.SIGSTOP)
    await comes_back(server, frozen)
    assert any("takes no connections" in text for text in nothing_left_behind)
    await server.stopService()
    nothing_left_behind.clear()


@pytest.mark.long
@pytest.mark.beside
@ensureDeferred
async def test_the_watchdog_restarts_nothing_once_ppl_is_stopping(
    data_dir: Path, nothing_left_behind: list[str]
) -> None:
    asked: list[bool] = []

    def is_leaving() -> bool:
        asked.append(True)
        return True

    server = EmbeddedPostgres(reactor, data_dir, settings=FAST, patience=SHORT, attention=EAGER, is_leaving=is_leaving)
    await server.startService()
    frozen = server.pid
    every = all_of(server)
    signal_all(every, signal.SIGSTOP)
    await until(lambda: asked, "the watchdog's decision to restart", 60)
    assert server.pid == frozen
    assert nothing_left_behind == []
    signal_all(every, signal.SIGCONT)
    await server.stopService()


@ensureDeferred
async def test_a_check_of_the_watchdog_logs_nothing(server: EmbeddedPostgres) -> None:
    logged: list[str] = []
    observe = lambda event: logged.append(str(event.get("log_format")))  # noqa: E731
    globalLogPublisher.addObserver(observe)
    try:
        assert await watchdog.answers(reactor, server.cluster.socket, 30)
    finally:
        globalLogPublisher.removeObserver(observe)
    assert logged == []


@pytest.mark.long
@pytest.mark.beside
@ensureDeferred
async def test_the_watchdog_leaves_a_long_recovery_alone(data_dir: Path, nothing_left_behind: list[str]) -> None:
    server = EmbeddedPostgres(reactor, data_dir, settings=FAST, patience=SHORT, attention=EAGER)
    await server.startService()
    to_be_recovered(server)
    killed = server.pid
    os.kill(killed, signal.SIGKILL)
    await until(lambda: startup_process(server), "a recovery", 30)
    recovering, startup = server.pid, startup_process(server)
    os.kill(startup, signal.SIGSTOP)
    looks = reactor.seconds() + 3 * EAGER.looks * (EAGER.period + 0.1)
    await until(lambda: reactor.seconds() > looks, seconds=60)
    directory = server.cluster.directory
    assert (server.pid, is_recovering(directory, directory.stat().st_uid)) == (recovering, True)
    os.kill(startup, signal.SIGCONT)
    await comes_back(server, None)
    assert server.pid == recovering
    await server.stopService()
    nothing_left_behind.clear()
