"""Destinations as several pages and API handlers need them: their JSON, and opening and closing their ports."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from twisted.logger import Logger

from ppl.errors import ListenerUnavailable, NoPortLeft
from ppl.model import Destination, Role
from ppl.web.http.answers import Unavailable

_log = Logger()


class PortOpener(Protocol):
    """Opens and closes the ports of destinations; implemented by :class:`ppl.link.registry.Listeners`."""

    async def open(self, destination: Destination) -> None:
        """Have the port opened; raises :class:`~ppl.errors.ListenerUnavailable` if no listener opens it in time."""

    def close(self, destination: Destination) -> None:
        """Have the port closed."""


def destination_fields(destination: Destination, role: Role) -> dict[str, str | int]:
    """The JSON fields of a destination: ``user_id``, ``host``, ``port`` and the account's ``role``."""
    return {
        "user_id": destination.user_id,
        "host": destination.host,
        "port": destination.port,
        "role": role,
    }


@contextmanager
def needing_a_port() -> Iterator[None]:
    """A block that needs a free port: if none is left, the error tells the operator what to do.

    Raises:
        Unavailable: raised in place of ``NoPortLeft``.
    """
    try:
        yield
    except NoPortLeft as error:
        raise Unavailable("Every port for log senders is taken; the operator must widen --ports.") from error


async def is_opened(listeners: PortOpener, destination: Destination) -> bool:
    """Have the port of a new destination opened; if a listener is still trying, log a warning and return ``False``."""
    try:
        await listeners.open(destination)
    except ListenerUnavailable as error:
        _log.warn("The port of {user_id} is not open yet: {why}", user_id=destination.user_id, why=str(error))
        return False
    return True
