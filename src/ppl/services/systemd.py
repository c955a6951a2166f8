"""Notifies the service manager that started Ppl (sd_notify(3)), and feeds its watchdog while Ppl really works.

Without a service manager all of this does nothing.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import attrs
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from ppl.errors import StatementTimeout, StoreUnavailable

_log = Logger()

#: Seconds that the service manager may take to accept a message.
_PATIENCE = 5.0


@attrs.frozen
class Manager:
    """The service manager.

    Attributes:
        address: the address of its notification socket; ``None``: there is no service manager.
        watchdog_seconds: seconds without a sign of life after which it kills Ppl; 0: never.
    """

    address: str | None = None
    watchdog_seconds: float = 0.0

    def tell(self, state: str, descriptor: int | None = None) -> None:
        """Send ``state`` (lines of ``KEY=value``), optionally with a file descriptor. A failure is logged."""
        if self.address is None:
            return
        # An abstract socket's name begins with NUL.
        address = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.settimeout(_PATIENCE)
                sender.connect(address)
                socket.send_fds(sender, [state.encode()], [] if descriptor is None else [descriptor])
        except OSError as error:
            _log.warn("The service manager cannot be notified of {state}: {why}", state=state, why=error.strerror)


def manager_from(environment: MutableMapping[str, str]) -> Manager:
    """The service manager according to ``environment``; removes its variables, which child processes must not see."""
    address = environment.pop("NOTIFY_SOCKET", "") or None
    pid, microseconds = environment.pop("WATCHDOG_PID", ""), environment.pop("WATCHDOG_USEC", "")
    is_ours = pid in ("", str(os.getpid())) and microseconds.isdigit()
    return Manager(address, int(microseconds) / 1e6 if is_ours else 0.0)


class Ready(Service):
    """Notifies the service manager that Ppl is ready and that it stops: the last part to start, the first to stop."""

    def __init__(self, manager: Manager) -> None:
        self._manager = manager

    def startService(self) -> None:
        """All parts run: notify the service manager."""
        super().startService()
        self._manager.tell("READY=1")

    def stopService(self) -> None:
        """The stop begins: notify the service manager."""
        super().stopService()
        self._manager.tell("STOPPING=1")


class Watchdog(Service):
    """Feeds the service manager's watchdog, as often as that requires, while the reactor turns and the store answers.

    While PostgreSQL is away, it is enough that the store reports the outage in time: if Ppl were killed, the lines that
    wait in memory would be lost.

    Args:
        manager: the service manager to notify.
        ask: sends the store a query.
        reactor: the clock.
    """

    def __init__(self, manager: Manager, ask: Callable[[], Awaitable[object]], reactor: Any) -> None:
        self._manager, self._ask = manager, ask
        self._again = LoopingCall(self._look)
        self._again.clock = reactor

    def startService(self) -> None:
        """Begin, if the service manager has a watchdog."""
        super().startService()
        if self._manager.address is not None and self._manager.watchdog_seconds:
            self._again.start(self._manager.watchdog_seconds / 4)

    def stopService(self) -> None:
        """Stop feeding the watchdog."""
        super().stopService()
        if self._again.running:
            self._again.stop()

    def _look(self) -> Deferred[None]:
        # The next look waits for the answer to this one: while none comes, the watchdog is not fed.
        return Deferred.fromCoroutine(self._probe())

    async def _probe(self) -> None:
        try:
            await self._ask()
        except (StoreUnavailable, StatementTimeout):
            pass  # the store answers, and keeps trying to reach PostgreSQL
        except Exception:
            _log.failure("The watchdog's query to the store failed; the service manager is not told that Ppl is alive")
            return
        self._manager.tell("WATCHDOG=1")
