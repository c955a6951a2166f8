"""Finds the PostgreSQL that runs on a data directory, and its state, by ``postmaster.pid`` and ``/proc``."""

from __future__ import annotations

import os
from pathlib import Path

_STARTUP = b"postgres: startup"


def pid_file(directory: Path) -> list[str]:
    """The lines of ``postmaster.pid``; an empty list when there is no such file."""
    try:
        with open(directory / "postmaster.pid", encoding="utf-8", errors="replace") as file:
            return file.read(4096).splitlines()
    except FileNotFoundError:
        return []


def state(directory: Path, pid: int | None = None) -> str:
    """The state that PostgreSQL reports: ``starting``, ``ready``, ``standby`` or ``stopping``.

    Empty while it reports none, or while the report is of another process than ``pid``.
    """
    lines = pid_file(directory)
    if len(lines) < 8 or (pid is not None and lines[0].strip() != str(pid)):
        return ""
    return lines[7].strip()


def works_in(pid: int, directory: Path, uid: int) -> bool:
    """Whether the process belongs to the user and works in ``directory``; ``False`` once it has ended."""
    try:
        return os.stat(f"/proc/{pid}").st_uid == uid and os.path.samefile(f"/proc/{pid}/cwd", directory)
    except OSError:
        return False


def leftover(directory: Path, uid: int) -> int | None:
    """The process id of a PostgreSQL that runs on ``directory`` by its ``postmaster.pid``; ``None``: there is none."""
    lines = pid_file(directory)
    if not lines or not lines[0].strip().isdigit():
        return None
    pid = int(lines[0])
    # The file alone is no proof: another process may have the number by now, or that user may have forged it.
    return pid if works_in(pid, directory, uid) else None


def processes(directory: Path, uid: int) -> list[int]:
    """Every process of PostgreSQL on ``directory``: the postmaster, its children, and children that outlived it."""
    numbers = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return [pid for pid in numbers if works_in(pid, directory, uid) and _is_postgres(pid)]


def _is_postgres(pid: int) -> bool:
    try:
        program = os.path.basename(os.readlink(f"/proc/{pid}/exe"))
    except OSError:
        return False
    # The kernel adds " (deleted)" once the program's file has been replaced.
    return program.split(" ")[0] == "postgres"


def is_recovering(directory: Path, uid: int) -> bool:
    """Whether a startup process replays the write-ahead log; a long log takes long."""
    return any(_command(pid).startswith(_STARTUP) for pid in processes(directory, uid))


def _command(pid: int) -> bytes:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read(256)
    except OSError:
        return b""
