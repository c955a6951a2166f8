"""One run of PostgreSQL: its process, its watchdog and its shutdown. Used by :mod:`.server`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from ppl.store.embedded.cluster import Cluster
from ppl.store.embedded.ending import Ending, Postmaster
from ppl.store.embedded.processes import is_recovering
from ppl.store.embedded.programs import Program, ServerUser
from ppl.store.embedded.watchdog import Attention, ServerWatchdog


class Server:
    """The PostgreSQL that ``program`` runs, watched until it ends.

    Args:
        reactor: connects and waits.
        cluster: the files that PostgreSQL runs on.
        user: the system user that PostgreSQL runs as.
        program: the program, just spawned.
        ending: ends PostgreSQL.
        attention: how PostgreSQL is watched.
        is_leaving: tells whether Ppl has begun to stop, so that PostgreSQL is not restarted.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        cluster: Cluster,
        user: ServerUser,
        program: Program,
        ending: Ending,
        attention: Attention,
        is_leaving: Callable[[], bool] = lambda: False,
    ) -> None:
        self._is_leaving = is_leaving
        self._program, self._user, self._ending = program, user, ending
        self._watchdog = ServerWatchdog(reactor, cluster.socket, attention)
        self._watching = Deferred.fromCoroutine(self._watch(lambda: is_recovering(cluster.directory, user.uid)))
        self._watching.addErrback(self._watch_failed)

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._program.pid

    @property
    def last_words(self) -> str:
        """The last line of output that says why it ended."""
        return self._program.last_words

    async def end(self) -> int:
        """Wait until it has ended and kill children that outlive it; returns the exit status."""
        await self._program.exit()
        self._watchdog.stop()
        # A frozen child would keep the memory that the next PostgreSQL needs, and the output pipe open.
        await self._ending.sweep(self._user.uid)
        return await self._program.end()

    async def stop(self) -> None:
        """Shut PostgreSQL down within bounded time."""
        self._watchdog.stop()
        if not await self._ending.end(Postmaster.child(self._program), self._user.uid):
            self._log.error("PostgreSQL does not end, even by SIGKILL; it is left running")
            self._program.abandon()
        await self._watching

    async def _watch(self, is_recovering: Callable[[], bool]) -> None:
        while await self._watchdog.watch(is_recovering) and not self._is_leaving():
            self._log.error("PostgreSQL is running but takes no connections and is not recovering; restarting it")
            await self._ending.end(Postmaster.child(self._program), self._user.uid, fast=False)

    def _watch_failed(self, failure: Failure) -> None:
        self._log.failure("Internal error in the watchdog of PostgreSQL; its connections are not checked", failure)
