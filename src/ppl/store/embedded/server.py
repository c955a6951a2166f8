"""The embedded PostgreSQL as a service: started, watched, restarted when it dies, stopped with Ppl.

Several processes may share a data directory (role ``listener`` beside role ``server``): the one that holds the lock
on ``postgres.lock`` runs PostgreSQL, the others only connect and take over when that process ends.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.logger import Logger

from ppl.errors import StoreUnsuitable
from ppl.services.backoff import Backoff
from ppl.store.embedded.cluster import PORT, Cluster, unreachable
from ppl.store.embedded.ending import Ending, EndingTimeouts, Postmaster
from ppl.store.embedded.processes import leftover, state
from ppl.store.embedded.programs import DIRECTORY_CLOSED, ServerUser, spawn
from ppl.store.embedded.run import Server
from ppl.store.embedded.server_log import ServerLog
from ppl.store.embedded.spare_files import SpareFiles
from ppl.store.embedded.watchdog import Attention

_LOOK = 0.05
_TAKE_OVER = 0.5
_FIRST_TRIES = 4

#: Longest pause between two attempts to start PostgreSQL, in seconds.
LONGEST_PAUSE = 10.0
_SHORTEST_PAUSE = 0.1


class EmbeddedPostgres(Service):
    """PostgreSQL under ``data_dir``, on a socket that only its own user and root can reach.

    Args:
        reactor: spawns the processes and keeps the time.
        data_dir: created when missing; a second start finds the old data.
        settings: settings of PostgreSQL, which override ``postgresql.conf``.
        sql_port: TCP port on 127.0.0.1 for SQL readers (``docs/sql.rst``), 0: none.
        patience: how long each step of a shutdown waits.
        attention: how the running PostgreSQL is watched.
        is_leaving: tells whether Ppl has begun to stop; the watchdog restarts nothing from then on.
        longest_pause: longest pause between two attempts to start PostgreSQL, in seconds.
        programs: the directory of PostgreSQL's programs; ``None``: those of the installed package.

    Attributes:
        cluster: its files and programs.
    """

    _log = Logger()
    name = "the embedded PostgreSQL"

    def __init__(
        self,
        reactor: Any,
        data_dir: Path,
        settings: Mapping[str, str] | None = None,
        *,
        sql_port: int = 0,
        patience: EndingTimeouts | None = None,
        attention: Attention | None = None,
        is_leaving: Callable[[], bool] = lambda: False,
        longest_pause: float = LONGEST_PAUSE,
        programs: Path | None = None,
    ) -> None:
        self._reactor = reactor
        self.cluster = Cluster(data_dir, sql_port, programs)
        self._settings = dict(settings or {})
        self._lock: int | None = None
        self._server: Server | None = None
        self._patience, self._attention = patience or EndingTimeouts(), attention or Attention()
        self._is_leaving, self._longest_pause = is_leaving, longest_pause
        self._ending = Ending(reactor, self.cluster.directory, self._patience)
        self._server_log = ServerLog(data_dir)
        self._spare_files = SpareFiles(self.cluster, lambda: self._stopping)
        self._pause: Deferred[None] | None = None
        self._starting: Deferred[None] | None = None
        self._watching: Deferred[None] | None = None
        self._stopping = False

    @property
    def dsn(self) -> str:
        """The DSN to connect with; known before the start."""
        return self.cluster.dsn

    @property
    def pid(self) -> int | None:
        """PostgreSQL's process id while this process runs it, else ``None``."""
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
        self.cluster.make_data_dir()
        while not self._stopping:
            if self._take_lock():
                user = await self.cluster.prepare(self._reactor)
                await self._first_server(user)
                self._watch(user)
                if not self._stopping:
                    await self._spare_files.write()
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
            await self._server.stop()
        impatient = self._reactor.callLater(self._patience.heed, self.cluster.give_up)
        for part in (self._starting, self._watching):
            if part is not None:
                await part
        if impatient.active():
            impatient.cancel()
        self._starting = self._watching = None
        self._server_log.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _take_lock(self) -> bool:
        path = self.cluster.data_dir / "postgres.lock"
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
        """Start PostgreSQL, in several attempts: leftovers of a killed PostgreSQL may take a moment to go."""
        for attempt in range(1, _FIRST_TRIES + 1):
            if self._stopping:
                return
            server = await self._run_server(user)
            if server is None or await self._becomes_ready(server):
                return
            status = await server.end()
            if status == DIRECTORY_CLOSED:
                raise unreachable(self.cluster.directory, user)
            if attempt < _FIRST_TRIES:
                await self._sleep(_LOOK * 4**attempt)
            elif not self._stopping:
                raise StoreUnsuitable(f"PostgreSQL did not start: {server.last_words}")

    def _watch(self, user: ServerUser | None) -> None:
        def failed(failure: Any) -> None:
            self._log.failure("Internal error: the embedded PostgreSQL is not restarted when it ends", failure)

        self._watching = Deferred.fromCoroutine(self._keep_running(user)).addErrback(failed)

    async def _keep_running(self, user: ServerUser | None) -> None:
        while user is None and not self._stopping:
            user = await self._take_over()
        backoff, was_ready = Backoff(_SHORTEST_PAUSE, self._longest_pause), True
        while user is not None and not self._stopping:
            if self._server is None:
                was_ready = await self._start_again(user)
            if self._server is None:
                continue
            status = await self._server.end()
            said, self._server = self._server.last_words, None
            if self._stopping:
                return
            # A PostgreSQL that worked until it crashed is restarted at once.
            if was_ready:
                backoff.reset()
            self._log.error(
                "PostgreSQL ended (status {status}: {said}) and is being restarted", status=status, said=said
            )
            await self._sleep(backoff.next())

    async def _start_again(self, user: ServerUser) -> bool:
        """Start PostgreSQL; returns whether it takes connections."""
        try:
            server = await self._run_server(user)
        except OSError as error:
            self._log.error("PostgreSQL cannot be started now ({why}), retrying", why=error.strerror)
            await self._sleep(self._longest_pause)
            return False
        return server is not None and await self._becomes_ready(server)

    async def _take_over(self) -> ServerUser | None:
        """Wait a moment for the process that runs PostgreSQL to end; returns the user once this process takes over."""
        if not self._take_lock():
            await self._sleep(_TAKE_OVER)
            return None
        self._log.info("The process that ran PostgreSQL has ended; this process starts PostgreSQL")
        try:
            return await self.cluster.prepare(self._reactor)
        except StoreUnsuitable as error:
            self._log.error("This process cannot start PostgreSQL, retrying: {sentence}", sentence=str(error))
            if self._lock is not None:
                os.close(self._lock)
                self._lock = None
            await self._sleep(self._longest_pause)
            return None

    async def _run_server(self, user: ServerUser) -> Server | None:
        """Spawn PostgreSQL, unless ``stopService`` was called meanwhile."""
        await self._end_leftover(user)
        spare_files = await self._spare_files.settings(self._reactor, user)
        if self._stopping:
            return None
        cluster = self.cluster
        settings = {
            "max_connections": "200",
            **spare_files,
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
            # A postmaster whose recovery fails may stay for ever without its startup process: Ppl restarts it instead.
            "restart_after_crash": "off",
        }
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        command = [cluster.program("postgres"), "-D", str(cluster.directory), *words]
        program = spawn(self._reactor, user, cluster.directory, command, log=self._server_log.write)
        self._server = Server(self._reactor, cluster, user, program, self._ending, self._attention, self._is_leaving)
        return self._server

    async def _becomes_ready(self, server: Server) -> bool:
        while server.pid is not None and not self._stopping:
            if self._is_ready(server.pid):
                return True
            await self._sleep(_LOOK)
        return False

    def _is_ready(self, pid: int | None = None) -> bool:
        return state(self.cluster.directory, pid) == "ready"

    async def _end_leftover(self, user: ServerUser) -> None:
        """Stop a PostgreSQL that still runs on this data directory although the Ppl that started it was killed."""
        directory = self.cluster.directory
        if (pid := leftover(directory, user.uid)) is not None:
            self._log.info("A PostgreSQL that a killed Ppl left running is stopped first")
            server = Postmaster.stranger(pid, directory, user.uid)
            ended = await self._ending.end(server, user.uid, given_up=lambda: self._stopping)
        else:
            ended = await self._ending.sweep(user.uid)
        if not ended and not self._stopping:
            self._log.error("Processes of an earlier PostgreSQL do not end, even by SIGKILL")

    async def _sleep(self, seconds: float) -> None:
        """Pause, at most until ``stopService``."""
        if self._stopping:
            return
        woken: Deferred[None] = deferLater(self._reactor, seconds, lambda: None)
        self._pause = woken
        woken.addErrback(lambda failure: None if self._stopping else failure)
        await woken
        self._pause = None
