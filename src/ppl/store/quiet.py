"""Keeps customers' rows off stderr, where psycopg2 would print them.

When a connection dies during ``COPY``, libpq gives two errors and psycopg2 meets the second while it handles the first.
That one it prints by ``sys.excepthook``, with the row that PostgreSQL was at.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import TracebackType

import psycopg2

_shown = sys.__excepthook__


def keep_rows_off_stderr() -> None:
    """From now on this process prints no error of PostgreSQL's; whatever else nobody catches is shown as before."""
    global _shown
    if sys.excepthook is not _hook:
        _shown, sys.excepthook = sys.excepthook, _hook


def _hook(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if any(isinstance(each, psycopg2.Error) for each in _chain(error)):
        # The same error comes out of the call that met it, and is dealt with there.
        return
    _shown(kind, error, traceback)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
