"""Runs PostgreSQL's own programs without blocking the reactor, each in a session of its own (:mod:`.detach`).

:mod:`.cluster` runs ``initdb`` to its end, :mod:`.embedded` keeps ``postgres``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from ppl.store.detach import DIRECTORY_CLOSED, PROGRAM_CLOSED

__all__ = ["DIRECTORY_CLOSED", "PROGRAM_CLOSED", "Program", "ServerUser", "spawn"]

_DETACH = str(Path(__file__).with_name("detach.py"))
_KEPT_OUTPUT = 8192


@attrs.frozen
class ServerUser:
    """Who PostgreSQL runs as. ``switch`` is whether Ppl must become that user first (it runs as root)."""

    name: str
    uid: int
    gid: int
    switch: bool


class Program(ProcessProtocol):
    """A running program.

    Attributes:
        output: the last it wrote.
    """

    transport: Any

    def __init__(self, stdin: bytes | None, log: Callable[[bytes], None] | None) -> None:
        self._status: int | None = None
        self._waiting: list[Deferred[int]] = []
        self.output = b""
        self._stdin, self._log = stdin, log

    def connectionMade(self) -> None:
        """Hand over the standard input."""
        if self._stdin is not None:
            self.transport.write(self._stdin)
        self.transport.closeStdin()

    def outReceived(self, data: bytes) -> None:
        """Keep the end of the output."""
        self.output = (self.output + data)[-_KEPT_OUTPUT:]
        if self._log is not None:
            self._log(data)

    errReceived = outReceived

    def processEnded(self, reason: Failure) -> None:
        """Tell those who wait; ``reason`` is ``ProcessDone`` or ``ProcessTerminated``."""
        ended: Any = reason.value
        self._status = ended.exitCode if ended.exitCode is not None else -ended.signal
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(self._status)

    async def end(self) -> int:
        """Wait for the end; gives the exit status, or the negative signal number."""
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

    def signal(self, name: str) -> None:
        """Send a signal such as ``INT``; nothing happens when it has ended."""
        if self.pid is not None:
            self.transport.signalProcess(name)

    @property
    def last_words(self) -> str:
        """The last line that says why, for a sentence."""
        lines = [line.strip() for line in self.output.decode("utf-8", "replace").splitlines() if line.strip()]
        telling = [line for line in lines if "FATAL" in line or "PANIC" in line or "error:" in line]
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
    # Not the environment of Ppl: a PGDATA or PGHOST there would change what PostgreSQL does.
    environment = {"PATH": os.environ.get("PATH", os.defpath)}
    reactor.spawnProcess(program, sys.executable, arguments, env=environment)
    return program
