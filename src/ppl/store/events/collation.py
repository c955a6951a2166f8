"""The collation that folds case in searches: the index and the condition must name the same one."""

from __future__ import annotations

from ppl.search.sql import UNICODE_COLLATION, UNICODE_COLLATION_SINCE


def collation_of(server_version: int) -> str | None:
    """The collation's name for a PostgreSQL of that version, ``None`` for the database's own."""
    return UNICODE_COLLATION if server_version >= UNICODE_COLLATION_SINCE else None
