"""A small disk that a test may fill."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg2
import pytest

from tests.fixtures.database import as_administrator, execute


@contextmanager
def small_disk(directory: Path, megabytes: int) -> Iterator[None]:
    """Create ``directory`` and mount a memory file system of that size on it; only root can, and under CI must."""
    directory.mkdir(mode=0o711)
    options = f"size={megabytes}m,mode=0711"
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "ppl-test", str(directory)], capture_output=True, text=True, check=False
    )
    if mount.returncode:
        why = f"no small disk can be mounted here: {mount.stderr.strip()}"
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)
    try:
        yield
    finally:
        # Lazily: files that a failed test left open must not prevent it.
        subprocess.run(["umount", "--lazy", str(directory)], check=True)


@contextmanager
def filled(directory: Path, leave: int = 0) -> Iterator[None]:
    """Fill the disk with a file, except for ``leave`` bytes, and keep it full; the file is deleted at the end."""
    filler = directory / "filler"
    ending = threading.Event()

    def fill() -> None:
        with suppress(OSError):
            while (free := _free(directory) - leave) > 0:
                file.write(bytes(min(free, 1 << 20)))

    def keep_full() -> None:
        # PostgreSQL deletes files of its own, as a checkpoint does with old files of the write-ahead log.
        while not ending.wait(0.1):
            fill()

    with filler.open("wb", buffering=0) as file:
        fill()
        keeping = threading.Thread(target=keep_full)
        keeping.start()
        try:
            yield
        finally:
            ending.set()
            keeping.join()
            filler.unlink()


def may_mount() -> bool:
    """Whether :func:`small_disk` can be tried: only root mounts."""
    return os.geteuid() == 0


def use_up_the_wal(dsn: str) -> None:
    """Start new files of the write-ahead log until there is no room for one, which ends PostgreSQL."""
    with suppress(psycopg2.Error):
        for _ in range(100):
            execute(as_administrator(dsn, "ppl"), "INSERT INTO slot VALUES (-2, -1); SELECT pg_switch_wal()")
            execute(as_administrator(dsn, "ppl"), "DELETE FROM slot WHERE lower = -2")


def _free(directory: Path) -> int:
    free = os.statvfs(directory)
    return free.f_bavail * free.f_frsize
