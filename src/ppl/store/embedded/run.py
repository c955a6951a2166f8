"""One run of PostgreSQL: the process, the watch over it, and its end. Kept by :mod:`.embedded`."""

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
    """PostgreSQL as ``program`` runs it, watched until it ends.

    Args:
        reactor: connects and waits.
        cluster: whose data it runs on.
        user: the system user it runs as.
        program: just spawned.
        ending: ends it.
        attention: how it is watched.
        is_leaving: whether Ppl has begun to stop, so that it is no longer restarted.
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
        """The last line that says why it ended."""
        return self._program.last_words

    async def end(self) -> int:
        """Wait for its end and for that of children that outlive it; gives the exit status."""
        await self._program.exit()
        self._watchdog.stop()
        # A frozen child would hold on to the memory that the next PostgreSQL wants, and to the pipe of the output.
        await self._ending.sweep(self._user.uid)
        return await self._program.end()

    async def stop(self) -> None:
        """Shut it down; returns within bounded time."""
        self._watchdog.stop()
        if not await self._ending.end(Postmaster.child(self._program), self._user.uid):
            self._log.error("PostgreSQL does not end, even by SIGKILL: it is left behind")
            self._program.abandon()
        await self._watching

    async def _watch(self, is_recovering: Callable[[], bool]) -> None:
        while await self._watchdog.watch(is_recovering) and not self._is_leaving():
            self._log.error("PostgreSQL runs, but takes no connections and is not recovering: it is restarted")
            await self._ending.end(Postmaster.child(self._program), self._user.uid, fast=False)

    def _watch_failed(self, failure: Failure) -> None:
        self._log.failure("Whether PostgreSQL takes connections is no longer watched", failure)
