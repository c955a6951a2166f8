"""Pauses in the work of background services, which a stop ends."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater


class Rest:
    """One pause at a time."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._pause: Deferred[None] | None = None

    async def take(self, seconds: float) -> bool:
        """Wait; ``False`` if :meth:`end` ended it."""
        self._pause = deferLater(self._reactor, max(0.0, seconds), lambda: None)
        try:
            await self._pause
        except CancelledError:
            return False
        finally:
            self._pause = None
        return True

    def end(self) -> None:
        """End the pause that is taken, if one is."""
        if self._pause is not None:
            self._pause.cancel()
