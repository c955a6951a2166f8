"""Says that PostgreSQL cannot be used: at first, for each new reason, and again at growing intervals."""

from __future__ import annotations

from typing import Any

from twisted.logger import Logger, LogLevel

from ppl.store.connection import StoreRefuses, describe

#: Seconds until it is said again: at first, and at most.
FIRST_REMINDER, LAST_REMINDER = 60.0, 3600.0

#: Reasons that are each said as soon as they are met.
_MOST_REASONS = 8


class Outage:
    """What is said of the PostgreSQL of ``dsn``; ``reactor`` keeps the time."""

    _log = Logger()

    def __init__(self, reactor: Any, dsn: str) -> None:
        self._reactor, self._dsn = reactor, dsn
        self._said: set[str] = set()
        self._next_at, self._interval = 0.0, FIRST_REMINDER

    def met(self, error: Exception) -> None:
        """An attempt to connect has failed while there was no other connection."""
        reason = str(error).strip().partition("\n")[0]
        now = self._reactor.seconds()
        if reason not in self._said and len(self._said) < _MOST_REASONS:
            self._said.add(reason)
            self._interval = FIRST_REMINDER
        elif now < self._next_at:
            return
        self._next_at = now + self._interval
        self._interval = min(LAST_REMINDER, self._interval * 2)
        self._log.emit(
            LogLevel.error if isinstance(error, StoreRefuses) else LogLevel.warn,
            "PostgreSQL at {where} cannot be used ({reason}); Ppl keeps trying",
            where=describe(self._dsn),
            reason=reason,
        )

    def over(self) -> None:
        """A connection works."""
        if self._said:
            self._said.clear()
            self._log.info("PostgreSQL at {where} is reachable again", where=describe(self._dsn))
