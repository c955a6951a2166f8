"""Archives in a directory: written to a temporary file beside their place, flushed to the disk, then renamed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkstemp
from typing import BinaryIO

import attrs

from ppl.archive.interface import ArchiveUnavailable

_PREFIX, _SUFFIX = ".ppl-", ".new"


@attrs.frozen
class DirectoryPlace:
    """A :class:`~ppl.archive.interface.Place` under ``root``, which is made when missing, for its owner only."""

    root: Path

    @property
    def name(self) -> str:
        """The path."""
        return str(self.root)

    def check(self) -> None:
        """Raise ``ArchiveUnavailable`` unless ``root`` is a directory that may be written to."""
        with _said(self.root):
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not os.access(self.root, os.R_OK | os.W_OK | os.X_OK):
            raise ArchiveUnavailable(f"The archive {self.root} is not writable.")

    @contextmanager
    def draft(self, key: str) -> Iterator[_DirectoryDraft]:
        """A temporary file in the directory of ``key``; removes those that a crash left there."""
        path = self.root / key
        with _said(path):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            for left in path.parent.glob(f"{_PREFIX}*{_SUFFIX}"):
                left.unlink(missing_ok=True)
            descriptor, name = mkstemp(_SUFFIX, _PREFIX, path.parent)
        try:
            with _said(path), os.fdopen(descriptor, "w+b") as file:
                yield _DirectoryDraft(file, Path(name), path)
        finally:
            with suppress(OSError):
                os.unlink(name)

    def open(self, key: str) -> tuple[BinaryIO, int] | None:
        """The file of ``key``, to be read from its beginning, and its length; ``None`` if there is none."""
        path = self.root / key
        with _said(path):
            try:
                file = path.open("rb")
            except FileNotFoundError:
                return None
            return file, os.fstat(file.fileno()).st_size

    def fetch(self, key: str) -> BinaryIO | None:
        """The file of ``key``; ``None`` if there is none."""
        opened = self.open(key)
        return opened[0] if opened else None


@attrs.frozen
class _DirectoryDraft:
    file: BinaryIO
    temporary: Path
    path: Path

    def publish(self) -> int:
        """Flush the file to the disk, then rename it over the one that was there."""
        self.file.flush()
        os.fsync(self.file.fileno())
        length = os.fstat(self.file.fileno()).st_size
        self.temporary.rename(self.path)
        # The entries of new directories in their parents must survive a power cut too.
        for directory in (self.path.parent, self.path.parent.parent, self.path.parent.parent.parent):
            _sync(directory)
        return length


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _said(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ArchiveUnavailable(f"The archive {path} cannot be used ({error.strerror or error}).") from error
