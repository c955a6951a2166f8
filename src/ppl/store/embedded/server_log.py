"""PostgreSQL's own log, rotated, beside its data: the output of the embedded server."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from twisted.python.logfile import LogFile

_BYTES, _FILES = 5_000_000, 3


class ServerLog:
    """``postgres.log`` in ``directory``, opened when there is something to write.

    Output that the disk does not take is dropped: the pipe that PostgreSQL writes to must be read whatever happens.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._file: LogFile | None = None

    def write(self, data: bytes) -> None:
        """Append ``data``, if that is possible."""
        try:
            if self._file is None:
                self._file = LogFile(
                    "postgres.log", str(self._directory), rotateLength=_BYTES, maxRotatedFiles=_FILES, defaultMode=0o600
                )
            self._file.write(data)
        except (OSError, ValueError):  # ValueError: the file was closed for a rotation that failed
            self.close()

    def close(self) -> None:
        """Close the file; the next :meth:`write` opens it again."""
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError, ValueError):
                file.close()
