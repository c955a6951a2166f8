"""Pauses in a piece of work, which a stop can cut short.

Each piece of work that waits owns its :class:`Rest`: if two shared one, :meth:`Rest.end` would wake only one of them.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater


class Rest:
    """Takes pauses, one at a time."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._pause: Deferred[None] | None = None

    async def take(self, seconds: float) -> bool:
        """Wait; ``False`` if :meth:`end` cut it short.

        Raises:
            RuntimeError: a pause is being taken already.
        """
        if self._pause is not None:
            raise RuntimeError("Two pieces of work share one Rest.")
        self._pause = deferLater(self._reactor, max(0.0, seconds), lambda: None)
        try:
            await self._pause
        except CancelledError:
            return False
        finally:
            self._pause = None
        return True

    def end(self) -> None:
        """Cut the current pause short, if there is one."""
        if self._pause is not None:
            self._pause.cancel()
