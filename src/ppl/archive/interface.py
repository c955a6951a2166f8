"""Where archives are kept, whatever it is: a directory or a bucket. All methods block; they are called in threads."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import BinaryIO, Protocol

from ppl.errors import PplError


class ArchiveUnavailable(PplError):
    """The place of the archives cannot be read or written now; what was to be archived stays in the database."""

    code = "archive_unavailable"


class ArchiveDamaged(PplError):
    """A file that stands where an archive belongs cannot be read as one; it is left as it is."""

    code = "archive_damaged"


class Draft(Protocol):
    """A file that nobody sees before it is published."""

    @property
    def file(self) -> BinaryIO:
        """To be written from its beginning."""

    def publish(self) -> int:
        """Make it what readers of its key find, at once and whole, on disk; gives its length in bytes.

        Raises:
            ArchiveUnavailable: it did not work, or what is found there now is not what was written.
        """


class Place(Protocol):
    """Holds files by key, such as ``destination=logs.example.com-20000/date=2026-11-25/events-….parquet``."""

    @property
    def name(self) -> str:
        """For people, without secrets; also tells places apart."""

    def check(self) -> None:
        """Raises ``ArchiveUnavailable`` where it certainly cannot be written to."""

    def draft(self, key: str) -> AbstractContextManager[Draft]:
        """A new file for ``key``, gone at the end of the context unless it was published."""

    def open(self, key: str) -> tuple[BinaryIO, int] | None:
        """The file of ``key`` to be read from its beginning, and its length in bytes; ``None``: there is none."""

    def fetch(self, key: str) -> BinaryIO | None:
        """As :meth:`open`, and it can be sought in."""
