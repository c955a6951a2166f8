"""The interface of places for archives: a directory or a bucket. All methods block; they are called in threads."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import BinaryIO, Protocol

from ppl.errors import PplError


class ArchiveUnavailable(PplError):
    """The place of the archives cannot be read or written now; the events to be archived stay in the database."""

    code = "archive_unavailable"


class ArchiveDamaged(PplError):
    """The existing file under an archive's key cannot be read as an archive; it is not replaced."""

    code = "archive_damaged"


class Draft(Protocol):
    """A file that readers do not see before it is published."""

    @property
    def file(self) -> BinaryIO:
        """The file, to be written from its beginning."""

    def publish(self) -> int:
        """Publish the file under its key, atomically and durably; gives its length in bytes.

        Raises:
            ArchiveUnavailable: publishing failed, or the published file is not what was written.
        """


class Place(Protocol):
    """Holds files by key, such as ``destination=logs.example.com-20000/date=2026-11-25/events-….parquet``."""

    @property
    def name(self) -> str:
        """A name for people, without secrets, which also identifies the place."""

    def check(self) -> None:
        """Raise ``ArchiveUnavailable`` if the place certainly cannot be written to."""

    def draft(self, key: str) -> AbstractContextManager[Draft]:
        """A new file for ``key``, which is removed at the end of the context unless it was published."""

    def open(self, key: str) -> tuple[BinaryIO, int] | None:
        """The file of ``key``, to be read from its beginning, and its length in bytes; ``None`` if there is none."""

    def fetch(self, key: str) -> BinaryIO | None:
        """The file of ``key``, to be read at any position; ``None`` if there is none."""
