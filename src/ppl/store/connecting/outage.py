"""Logs that PostgreSQL cannot be used: at once for each new reason, and again at growing intervals."""

from __future__ import annotations

from typing import Any

from twisted.logger import Logger, LogLevel

from ppl.store.connecting.connection import StoreRefuses, describe

#: Seconds until the next reminder in the log: the first interval and the longest.
FIRST_REMINDER, LAST_REMINDER = 60.0, 3600.0

#: How many different reasons are each logged at once; any further one waits for the next reminder.
_MOST_REASONS = 8

_SILENT = "silent"


class PostgresOutage:
    """Logs trouble with the PostgreSQL of ``dsn``, once for all pools that share it; ``reactor`` keeps the time."""

    _log = Logger()

    def __init__(self, reactor: Any, dsn: str) -> None:
        self._reactor, self._dsn = reactor, dsn
        self._said: set[str] = set()
        self._without: set[object] = set()
        self._next_at, self._interval = 0.0, FIRST_REMINDER

    def met(self, pool: object, error: Exception) -> None:
        """Take note that ``pool``, which has no connection, failed to open one."""
        self._without.add(pool)
        reason = str(error).strip().partition("\n")[0]
        if self._is_due(reason):
            self._log.emit(
                LogLevel.error if isinstance(error, StoreRefuses) else LogLevel.warn,
                "PostgreSQL at {where} cannot be used ({reason}); Ppl keeps trying",
                where=describe(self._dsn),
                reason=reason,
            )

    def silent(self, pool: object, seconds: float) -> None:
        """Take note that a statement of ``pool`` got no answer within ``seconds``, and its connection was dropped."""
        self._without.add(pool)
        if self._is_due(_SILENT):
            self._log.warn(
                "PostgreSQL at {where} did not answer within {seconds:g} s; the connection is replaced",
                where=describe(self._dsn),
                seconds=seconds,
            )

    def over(self, pool: object) -> None:
        """Take note that ``pool`` has a new connection; PostgreSQL is back once every pool in trouble has one."""
        self._without.discard(pool)
        if self._said and not self._without:
            self._said.clear()
            self._log.info("PostgreSQL at {where} is reachable again", where=describe(self._dsn))

    def _is_due(self, reason: str) -> bool:
        """Whether to log ``reason`` now."""
        now = self._reactor.seconds()
        if reason not in self._said and len(self._said) < _MOST_REASONS:
            self._said.add(reason)
            self._interval = FIRST_REMINDER
        elif now < self._next_at:
            return False
        self._next_at = now + self._interval
        self._interval = min(LAST_REMINDER, self._interval * 2)
        return True
