"""What ``postmaster.pid`` and ``/proc`` tell of the PostgreSQL that runs on a data directory."""

from __future__ import annotations

import os
from pathlib import Path

_STARTUP = b"postgres: startup"


def pid_file(directory: Path) -> list[str]:
    """The lines of ``postmaster.pid``; none when it is not there."""
    try:
        with open(directory / "postmaster.pid", encoding="utf-8", errors="replace") as file:
            return file.read(4096).splitlines()
    except FileNotFoundError:
        return []


def state(directory: Path, pid: int | None = None) -> str:
    """PostgreSQL's own word: ``starting``, ``ready``, ``standby`` or ``stopping``.

    Empty while it says nothing, or while another process than ``pid`` says it.
    """
    lines = pid_file(directory)
    if len(lines) < 8 or (pid is not None and lines[0].strip() != str(pid)):
        return ""
    return lines[7].strip()


def works_in(pid: int, directory: Path, uid: int) -> bool:
    """Whether that process is the user's and works in ``directory``; a dead one works nowhere."""
    try:
        return os.stat(f"/proc/{pid}").st_uid == uid and os.path.samefile(f"/proc/{pid}/cwd", directory)
    except OSError:
        return False


def leftover(directory: Path, uid: int) -> int | None:
    """The process id of a PostgreSQL that runs on ``directory``, as its file says."""
    lines = pid_file(directory)
    if not lines or not lines[0].strip().isdigit():
        return None
    pid = int(lines[0])
    # The file alone is no proof: the number may be another process's by now, or a lie of that user.
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
    # The kernel adds " (deleted)" once the program's file was replaced.
    return program.split(" ")[0] == "postgres"


def is_recovering(directory: Path, uid: int) -> bool:
    """Whether a startup process is at work, which may take as long as there is log to be read."""
    return any(_command(pid).startswith(_STARTUP) for pid in processes(directory, uid))


def _command(pid: int) -> bytes:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read(256)
    except OSError:
        return b""
