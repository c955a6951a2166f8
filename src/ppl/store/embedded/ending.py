"""Ends a PostgreSQL within bounded time, whatever state it is in.

First a fast shutdown (SIGINT), then an immediate one (SIGQUIT), then SIGKILL to all its processes: a frozen PostgreSQL
heeds nothing else, nor does one whose startup process has died. Used by :mod:`.server` and :mod:`.run`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGQUIT, Signals
from typing import Any

import attrs
from twisted.internet.task import deferLater
from twisted.logger import Logger

from ppl.store.embedded.processes import processes, state, works_in
from ppl.store.embedded.programs import Program

_LOOK = 0.05


@attrs.frozen
class EndingTimeouts:
    """Seconds that a shutdown waits before its next step.

    Attributes:
        heed: until PostgreSQL says that it is stopping; a frozen one never does.
        fast: for a fast shutdown, which writes a checkpoint.
        immediate: for an immediate shutdown, before everything is killed.
        killed: for the kernel to remove killed processes.
    """

    heed: float = 10.0
    fast: float = 60.0
    immediate: float = 6.0
    killed: float = 5.0


@attrs.frozen
class Postmaster:
    """PostgreSQL's first process, a child of Ppl or not.

    Attributes:
        send: sends it a signal.
        is_running: whether it still runs.
    """

    send: Callable[[Signals], None]
    is_running: Callable[[], bool]

    @classmethod
    def child(cls, program: Program) -> Postmaster:
        """The postmaster that ``program`` runs."""
        return cls(program.signal, lambda: program.pid is not None)

    @classmethod
    def stranger(cls, pid: int, directory: Path, uid: int) -> Postmaster:
        """A postmaster that an earlier Ppl left running."""

        def send(number: Signals) -> None:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

        return cls(send, lambda: works_in(pid, directory, uid))


@attrs.frozen
class Ending:
    """Ends the PostgreSQL on ``directory``.

    Attributes:
        reactor: keeps the time.
        directory: PostgreSQL's data directory.
        patience: how long each step waits.
    """

    reactor: Any
    directory: Path
    patience: EndingTimeouts

    _log = Logger()

    async def end(
        self,
        server: Postmaster,
        uid: int,
        *,
        fast: bool = True,
        given_up: Callable[[], bool] = lambda: False,
    ) -> bool:
        """End ``server`` and all its processes; each step that takes too long is followed by the next one.

        Args:
            server: the postmaster.
            uid: the id of the user that PostgreSQL runs as.
            fast: begin with a fast shutdown; else with an immediate one.
            given_up: tells whether to stop waiting.

        Returns:
            Whether none of its processes is left.
        """
        if fast:
            server.send(SIGINT)
            await self._fast_shutdown(server, given_up)
        if server.is_running() and not given_up():
            if fast:
                self._log.warn("PostgreSQL did not finish a fast shutdown; starting an immediate shutdown")
            server.send(SIGQUIT)
            await self._wait(self.patience.immediate, lambda: not server.is_running() or given_up())
        if server.is_running() and not given_up():
            self._log.error("PostgreSQL did not finish an immediate shutdown; killing its processes")
            server.send(SIGKILL)
            await self._wait(self.patience.killed, lambda: not server.is_running())
        return not given_up() and not server.is_running() and await self.sweep(uid)

    async def sweep(self, uid: int) -> bool:
        """Kill processes left without a postmaster; a frozen one would keep the next postmaster from starting.

        Returns:
            Whether none is left.
        """

        def is_empty() -> bool:
            left = processes(self.directory, uid)
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, SIGKILL)
            return not left

        return is_empty() or await self._wait(self.patience.killed, is_empty)

    async def _fast_shutdown(self, server: Postmaster, given_up: Callable[[], bool]) -> None:
        def has_ended() -> bool:
            return not server.is_running() or given_up()

        await self._wait(self.patience.heed, lambda: has_ended() or state(self.directory) == "stopping")
        if not has_ended() and state(self.directory) == "stopping":
            await self._wait(self.patience.fast, has_ended)

    async def _wait(self, seconds: float, condition: Callable[[], bool]) -> bool:
        """Whether ``condition`` came true within ``seconds``."""
        deadline = self.reactor.seconds() + seconds
        while not condition():
            if self.reactor.seconds() >= deadline:
                return False
            await deferLater(self.reactor, _LOOK, lambda: None)
        return True
