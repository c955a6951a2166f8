"""Keeps customers' rows off stderr, where psycopg2 would print them.

When a connection dies during ``COPY``, libpq gives two errors and psycopg2 meets the second while it handles the first.
That one it prints by ``sys.excepthook``, with the row that PostgreSQL was at.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

import attrs
import psycopg2


def keep_rows_off_stderr() -> None:
    """From now on this process prints no error of PostgreSQL's; whatever else nobody catches is shown as before."""
    if not isinstance(sys.excepthook, _WithoutRows):
        sys.excepthook = _WithoutRows(sys.excepthook)


@attrs.frozen
class _WithoutRows:
    """An exception hook that leaves out PostgreSQL's errors and gives all others to ``shown``."""

    shown: Callable[[type[BaseException], BaseException, TracebackType | None], Any]

    def __call__(self, kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        if any(isinstance(each, psycopg2.Error) for each in _chain(error)):
            # The same error comes out of the call that met it, and is dealt with there.
            return
        self.shown(kind, error, traceback)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
