"""Pauses that belong to one piece of work, which a stop may cut short.

Each piece of work that waits owns its :class:`Rest`: shared by two, the second to wait would leave the first asleep.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater


class Rest:
    """A pause, one at a time."""

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
        """Cut the present pause short, if there is one."""
        if self._pause is not None:
            self._pause.cancel()
