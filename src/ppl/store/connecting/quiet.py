"""Keeps customers' rows off stderr, where psycopg2 would print them.

When a connection is lost during ``COPY``, libpq reports two errors, and psycopg2 meets the second while it handles the
first. It prints the second through ``sys.excepthook``, with the row that PostgreSQL was working on.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

import attrs
import psycopg2


def keep_rows_off_stderr() -> None:
    """Stop this process from printing PostgreSQL's errors; other uncaught exceptions are shown as usual."""
    if not isinstance(sys.excepthook, _WithoutRows):
        sys.excepthook = _WithoutRows(sys.excepthook)


@attrs.frozen
class _WithoutRows:
    """An exception hook that leaves out PostgreSQL's errors and gives all others to ``shown``."""

    shown: Callable[[type[BaseException], BaseException, TracebackType | None], Any]

    def __call__(self, kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        if any(isinstance(each, psycopg2.Error) for each in _chain(error)):
            # The call that met the error raises it too, and its caller handles it.
            return
        self.shown(kind, error, traceback)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
