"""Runs PostgreSQL's own programs without blocking the reactor, each in a session of its own (:mod:`.detach`).

:mod:`.cluster` runs ``initdb`` to its end, :mod:`.server` keeps ``postgres`` running.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from signal import SIGKILL, Signals
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone, ProcessExitedAlready
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from ppl.store.embedded.detach import DIRECTORY_CLOSED, PROGRAM_CLOSED

__all__ = ["DIRECTORY_CLOSED", "PROGRAM_CLOSED", "Program", "ServerUser", "spawn"]

_DETACH = str(Path(__file__).with_name("detach.py"))
_KEPT_OUTPUT = 8192


@attrs.frozen
class ServerUser:
    """The user that PostgreSQL runs as. ``switch``: Ppl runs as root, so its programs must become that user first."""

    name: str
    uid: int
    gid: int
    switch: bool


class Program(ProcessProtocol):
    """A running program.

    Attributes:
        output: the end of its output.
    """

    transport: Any

    def __init__(self, stdin: bytes | None, log: Callable[[bytes], None] | None) -> None:
        self._status: int | None = None
        self._waiting: list[Deferred[int]] = []
        self._exited: list[Deferred[None]] = []
        self.output = b""
        self._stdin, self._log = stdin, log

    def connectionMade(self) -> None:
        """Write the standard input and close it."""
        if self._stdin is not None:
            self.transport.write(self._stdin)
        self.transport.closeStdin()

    def outReceived(self, data: bytes) -> None:
        """Keep the end of the output."""
        self.output = (self.output + data)[-_KEPT_OUTPUT:]
        if self._log is not None:
            self._log(data)

    errReceived = outReceived

    def processExited(self, reason: Failure) -> None:
        """Wake the callers of :meth:`exit`."""
        exited, self._exited = self._exited, []
        for each in exited:
            each.callback(None)

    def processEnded(self, reason: Failure) -> None:
        """Wake the callers of :meth:`end`; ``reason`` is ``ProcessDone`` or ``ProcessTerminated``."""
        ended: Any = reason.value
        self._ended(ended.exitCode if ended.exitCode is not None else -ended.signal)

    def _ended(self, status: int) -> None:
        if self._status is not None:
            return
        self._status = status
        self.processExited(Failure(ProcessDone(None)))
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(status)

    async def exit(self) -> None:
        """Wait until the process has exited; its children may still hold its output open."""
        if self.pid is None:
            return
        exited: Deferred[None] = Deferred()
        self._exited.append(exited)
        await exited

    async def end(self) -> int:
        """Wait until its output is closed too; returns the exit status, or the negative signal number."""
        if self._status is not None:
            return self._status
        end: Deferred[int] = Deferred()
        self._waiting.append(end)
        return await end

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        if self._status is not None:
            return None
        pid: int | None = self.transport.pid
        return pid

    def signal(self, number: Signals) -> None:
        """Send a signal, unless the process has ended."""
        if self.pid is not None:
            with suppress(ProcessExitedAlready):
                # By number: Twisted knows few signals by name.
                self.transport.signalProcess(number)

    def abandon(self) -> None:
        """Kill its whole session without waiting: the program counts as ended by SIGKILL."""
        if self.pid is not None:
            # There is no such group before it leads a session of its own.
            with suppress(ProcessLookupError):
                os.killpg(self.pid, SIGKILL)
            self.signal(SIGKILL)
        self.transport.loseConnection()
        self._ended(-SIGKILL)

    @property
    def last_words(self) -> str:
        """The last line of output that says why the program ended, for a sentence."""
        lines = [line.strip() for line in self.output.decode("utf-8", "replace").splitlines() if line.strip()]
        words = ("FATAL", "PANIC", "error:", "was terminated by signal")
        telling = [line for line in lines if any(word in line for word in words)]
        return (telling or lines or ["it said nothing"])[-1]


def spawn(
    reactor: Any,
    user: ServerUser,
    directory: Path,
    command: Sequence[str],
    *,
    stdin: bytes | None = None,
    log: Callable[[bytes], None] | None = None,
) -> Program:
    """Start ``command`` in ``directory`` as ``user``; see :mod:`.detach` for its own exit statuses."""
    program = Program(stdin, log)
    who = (str(user.uid), str(user.gid)) if user.switch else ("-", "-")
    arguments = [sys.executable, "-I", "-S", _DETACH, *who, str(os.getpid()), str(directory), *command]
    # Not Ppl's environment: a PGDATA or PGHOST there would change what PostgreSQL does.
    environment = {"PATH": os.environ.get("PATH", os.defpath)}
    reactor.spawnProcess(program, sys.executable, arguments, env=environment)
    return program
