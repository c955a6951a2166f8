"""Counts and logs UDP datagrams that the kernel dropped because they came faster than they were read."""

from __future__ import annotations

from collections import Counter
from typing import Any

from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from ppl.model import Destination

#: Seconds of losses that are logged as one line for each destination.
SAY_AFTER = 5.0


class Losses:
    """Counts lost datagrams by destination.

    Attributes:
        total: ``user_id`` → datagrams lost since the start.
    """

    _log = Logger()

    def __init__(self, reactor: Any) -> None:
        self.total: Counter[str] = Counter()
        self._reactor = reactor
        self._unsaid: Counter[str] = Counter()
        self._timer: IDelayedCall | None = None

    def add(self, destination: Destination, count: int) -> None:
        """Count ``count`` more lost datagrams."""
        self.total[destination.user_id] += count
        self._unsaid[destination.user_id] += count
        if self._timer is None:
            self._timer = self._reactor.callLater(SAY_AFTER, self.say)

    def say(self) -> None:
        """Log the losses that are not logged yet."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        unsaid, self._unsaid = self._unsaid, Counter()
        for user_id, count in unsaid.items():
            self._log.warn(
                "{user_id} lost {count} UDP datagrams, {total} since the start: they came too fast to be read",
                user_id=user_id,
                count=count,
                total=self.total[user_id],
            )
