"""Finds, kills and freezes the processes of the PostgreSQL under a directory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.fixtures.running import ROOT, eventually


def postmaster(directory: Path) -> int:
    """The process id of the PostgreSQL whose data are under ``directory``, once it runs."""
    return eventually(lambda: _postmaster(directory), "a running PostgreSQL", 40)


def _postmaster(directory: Path) -> int:
    for each in Path("/proc").iterdir():
        if each.name.isdigit():
            try:
                command = (each / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if command[0].endswith(b"/postgres") and any(str(directory).encode() in word for word in command):
                return int(each.name)
    return 0


def children(pid: int) -> list[int]:
    """PostgreSQL's child processes at this moment."""
    with suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def backend(pid: int) -> int:
    """The process id of a child that serves a connection."""
    return eventually(lambda: _backend(pid), "a backend of PostgreSQL", 40)


def backend_under(directory: Path) -> int:
    """As :func:`backend`, of whichever PostgreSQL runs on the data under ``directory``."""
    return eventually(lambda: _backend(_postmaster(directory)), "a backend of PostgreSQL", 40)


def _backend(pid: int) -> int:
    for child in children(pid):
        with suppress(OSError):
            if Path(f"/proc/{child}/cmdline").read_bytes().startswith(b"postgres: ppl ppl"):
                return child
    return 0


@contextmanager
def no_recovery(directory: Path, seconds: float = 3.0) -> Iterator[None]:
    """Kill the startup process that recovers the database under ``directory`` as soon as there is one, once.

    At the end that has happened, or ``seconds`` have passed.
    """
    # Recovery may take milliseconds, and this process has other threads: a separate process watches for it.
    waiting = subprocess.Popen(
        [sys.executable, "-m", __name__, str(directory), str(seconds)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    with waiting:
        assert waiting.stdout is not None
        waiting.stdout.readline()
        yield


def _kill_startup(directory: str, seconds: float) -> None:
    there = set(os.listdir("/proc"))
    print("waiting", flush=True)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for pid in set(os.listdir("/proc")) - there:
            with suppress(OSError):
                command = Path(f"/proc/{pid}/cmdline").read_bytes()
                if command.startswith(b"postgres: startup") and os.readlink(f"/proc/{pid}/cwd").startswith(directory):
                    os.kill(int(pid), signal.SIGKILL)
                    return


def signal_all(pids: Iterable[int], number: int) -> None:
    """Send a signal to those of ``pids`` that still run."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def freeze(directory: Path) -> list[int]:
    """Stop all processes of PostgreSQL; pass the result to :func:`thaw`."""
    server = postmaster(directory)
    pids = [server, *children(server)]
    signal_all(pids, signal.SIGSTOP)
    return pids


def thaw(pids: Iterable[int]) -> None:
    """Let the processes continue."""
    signal_all(pids, signal.SIGCONT)


if __name__ == "__main__":
    _kill_startup(sys.argv[1], float(sys.argv[2]))
