"""Bounds twistd's log files: Twisted's own begins a new file at 1 MB and keeps all of them for ever."""

from __future__ import annotations

import signal
from pathlib import Path
from types import FrameType
from typing import Any

from twisted.internet import reactor as global_reactor
from twisted.logger import textFileLogObserver
from twisted.python.logfile import LogFile

#: Bytes of one file, and how many full files are kept beside the current one.
FILE_BYTES, FULL_FILES = 10_000_000, 9


def log_path(twistd: Any) -> Path | None:
    """The file that twistd logs to, from its parsed options; ``None`` if it logs elsewhere."""
    if twistd is None or twistd.get("syslog") or twistd.get("logger"):
        return None
    name = twistd.get("logfile")
    if name == "-" or (name is None and twistd.get("nodaemon")):
        return None
    return Path(name or "twistd.log").absolute()


def bounded_observer(path: Path, file_bytes: int = FILE_BYTES, full_files: int = FULL_FILES) -> Any:
    """An observer that writes to ``path`` and keeps ``path.1``, the newest full file, to ``path.<full_files>``.

    SIGUSR1 begins a new file, as with twistd's own.
    """
    file: Any = LogFile(path.name, str(path.parent), rotateLength=file_bytes, maxRotatedFiles=full_files)

    def rotate(number: int, frame: FrameType | None) -> None:
        global_reactor.callFromThread(file.rotate)  # type: ignore[attr-defined]

    if not signal.getsignal(signal.SIGUSR1):
        signal.signal(signal.SIGUSR1, rotate)
    return textFileLogObserver(file)
