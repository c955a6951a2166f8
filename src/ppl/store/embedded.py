"""The embedded PostgreSQL as a service: started, watched, restarted when it dies, stopped with Ppl.

Several processes may share a data directory (role ``listener`` beside role ``server``): the one that holds the lock
on ``postgres.lock`` runs PostgreSQL, the others only connect and take over when that one goes.
"""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from random import uniform
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.logger import Logger

from ppl.errors import StoreUnsuitable
from ppl.store.cluster import PORT, Cluster, unreachable
from ppl.store.programs import DIRECTORY_CLOSED, Program, ServerUser, spawn
from ppl.store.server_log import ServerLog

_LOOK = 0.05
_TAKE_OVER = 0.5
_LONGEST_PAUSE = 10.0
_FIRST_TRIES = 4
_FAST_SHUTDOWN = 60.0


class EmbeddedPostgres(Service):
    """PostgreSQL under ``data_dir``, on a socket that only its own user and root can reach.

    Args:
        reactor: spawns the processes and keeps the time.
        data_dir: made when missing; a second start finds the old data.
        settings: of PostgreSQL, over those of ``postgresql.conf``.
        sql_port: on 127.0.0.1 for readers (``docs/sql.rst``), 0: none.
    """

    _log = Logger()

    def __init__(
        self, reactor: Any, data_dir: Path, settings: Mapping[str, str] | None = None, *, sql_port: int = 0
    ) -> None:
        self._reactor = reactor
        self._cluster = Cluster(data_dir, sql_port)
        self._settings = dict(settings or {})
        self._lock: int | None = None
        self._server: Program | None = None
        self._server_log = ServerLog(data_dir)
        self._pause: Deferred[None] | None = None
        self._starting: Deferred[None] | None = None
        self._watching: Deferred[None] | None = None
        self._stopping = False

    @property
    def dsn(self) -> str:
        """How to connect; known before the start."""
        return self._cluster.dsn

    @property
    def pid(self) -> int | None:
        """PostgreSQL's process id, while this process is the one that runs it."""
        return self._server.pid if self._server is not None else None

    def startService(self) -> Deferred[None]:  # type: ignore[override]
        """Fires when PostgreSQL takes connections; fails with ``StoreUnsuitable`` when it never will."""
        super().startService()
        self._stopping = False
        self._starting = Deferred()
        starting = Deferred.fromCoroutine(self._start())
        return starting.addBoth(self._started)

    def _started(self, result: Any) -> Any:
        if self._starting is not None:
            self._starting.callback(None)
        return result

    def stopService(self) -> Deferred[None]:
        """Fires when PostgreSQL has shut down, every transaction on disk."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    async def _start(self) -> None:
        self._cluster.make_data_dir()
        while not self._stopping:
            if self._take_lock():
                user = await self._cluster.prepare(self._reactor)
                await self._first_server(user)
                self._watch(user)
                return
            if self._is_ready():
                self._watch(None)
                return
            await self._sleep(_LOOK)

    async def _stop(self) -> None:
        self._stopping = True
        if self._pause is not None:
            self._pause.cancel()
        if self._server is not None:
            await self._shut_down(self._server)
        for part in (self._starting, self._watching):
            if part is not None:
                await part
        self._starting = self._watching = None
        self._server_log.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    async def _shut_down(self, server: Program) -> None:
        server.signal("INT")
        impatient = self._reactor.callLater(_FAST_SHUTDOWN, server.signal, "QUIT")
        await server.end()
        if impatient.active():
            impatient.cancel()

    def _take_lock(self) -> bool:
        path = self._cluster.data_dir / "postgres.lock"
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise StoreUnsuitable(f"{path} cannot be opened ({error.strerror}): choose another --data-dir.") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._lock = descriptor
        return True

    async def _first_server(self, user: ServerUser) -> None:
        """Start PostgreSQL; several tries, as what a killed one left behind may need a moment to go."""
        for attempt in range(1, _FIRST_TRIES + 1):
            if self._stopping:
                return
            server = await self._run_server(user)
            if await self._becomes_ready(server):
                return
            status = await server.end()
            if status == DIRECTORY_CLOSED:
                raise unreachable(self._cluster.directory, user)
            if attempt < _FIRST_TRIES:
                await self._sleep(_LOOK * 4**attempt)
        if not self._stopping:
            raise StoreUnsuitable(f"PostgreSQL did not start: {server.last_words}")

    def _watch(self, user: ServerUser | None) -> None:
        def failed(failure: Any) -> None:
            self._log.failure("The embedded PostgreSQL is no longer watched", failure)

        self._watching = Deferred.fromCoroutine(self._keep_running(user)).addErrback(failed)

    async def _keep_running(self, user: ServerUser | None) -> None:
        pause = 0.0
        while not self._stopping:
            if user is None:
                user = await self._take_over()
                continue
            if self._server is None:
                try:
                    await self._becomes_ready(await self._run_server(user))
                except OSError as error:
                    self._log.error("PostgreSQL cannot be started now ({why}), trying on", why=error.strerror)
                    await self._sleep(_LONGEST_PAUSE)
            if self._server is None:
                continue
            born = self._reactor.seconds()
            status = await self._server.end()
            said, self._server = self._server.last_words, None
            if self._stopping:
                return
            pause = 0.1 if self._reactor.seconds() - born > 60 else min(_LONGEST_PAUSE, max(0.1, pause * 2))
            self._log.error("PostgreSQL ended (status {status}: {said}) and is started again", status=status, said=said)
            await self._sleep(pause * uniform(0.5, 1.5))  # noqa: S311

    async def _take_over(self) -> ServerUser | None:
        """Wait a moment for the process that runs PostgreSQL to go; gives the user once it is our turn."""
        if not self._take_lock():
            await self._sleep(_TAKE_OVER)
            return None
        self._log.info("The process that ran PostgreSQL has gone: it is started from here")
        try:
            return await self._cluster.prepare(self._reactor)
        except StoreUnsuitable as error:
            self._log.error("PostgreSQL cannot be started from here: {sentence}", sentence=str(error))
            if self._lock is not None:
                os.close(self._lock)
                self._lock = None
            await self._sleep(_LONGEST_PAUSE)
            return None

    async def _run_server(self, user: ServerUser) -> Program:
        await self._end_leftover(user)
        cluster = self._cluster
        settings = {
            "max_connections": "200",
            **self._settings,
            "listen_addresses": "127.0.0.1" if cluster.sql_port else "",
            "unix_socket_directories": str(cluster.socket_directory),
            "unix_socket_permissions": "0700",
            "port": str(cluster.sql_port or PORT),
            "hba_file": str(cluster.data_dir / "hba.conf"),
            "ident_file": str(cluster.data_dir / "ident.conf"),
            "logging_collector": "off",
            "log_destination": "stderr",
            # A refused statement would be logged with the customers' lines in it.
            "log_min_error_statement": "panic",
            "log_error_verbosity": "terse",
        }
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        command = [cluster.program("postgres"), "-D", str(cluster.directory), *words]
        server = spawn(self._reactor, user, cluster.directory, command, log=self._server_log.write)
        self._server = server
        return server

    async def _becomes_ready(self, server: Program) -> bool:
        while server.pid is not None and not self._stopping:
            if self._is_ready(server.pid):
                return True
            await self._sleep(_LOOK)
        return False

    def _is_ready(self, pid: int | None = None) -> bool:
        lines = self._pid_file()
        return len(lines) >= 8 and lines[7].strip() == "ready" and (pid is None or lines[0].strip() == str(pid))

    def _pid_file(self) -> list[str]:
        try:
            with open(self._cluster.directory / "postmaster.pid", encoding="utf-8", errors="replace") as file:
                return file.read(4096).splitlines()
        except FileNotFoundError:
            return []

    async def _end_leftover(self, user: ServerUser) -> None:
        """Stop a PostgreSQL that still runs on our data though the Ppl that started it was killed."""
        waited = 0.0
        while (pid := self._leftover(user)) is not None and not self._stopping:
            if waited == 0.0:
                self._log.info("A PostgreSQL of a killed Ppl still runs; it is stopped first")
                os.kill(pid, signal.SIGINT)
            elif waited > _FAST_SHUTDOWN:
                os.kill(pid, signal.SIGQUIT)
            await self._sleep(_LOOK)
            waited += _LOOK

    def _leftover(self, user: ServerUser) -> int | None:
        lines = self._pid_file()
        if not lines or not lines[0].strip().isdigit():
            return None
        pid = int(lines[0])
        try:
            # The file alone is no proof: the number may be another process's by now, or a lie of that user.
            ours = os.stat(f"/proc/{pid}").st_uid == user.uid and os.path.samefile(
                f"/proc/{pid}/cwd", self._cluster.directory
            )
        except OSError:
            return None
        return pid if ours else None

    async def _sleep(self, seconds: float) -> None:
        """Pause, at most until ``stopService``."""
        if self._stopping:
            return
        woken: Deferred[None] = deferLater(self._reactor, seconds, lambda: None)
        self._pause = woken
        woken.addErrback(lambda failure: None if self._stopping else failure)
        await woken
        self._pause = None
