"""Destinations as pages and programs see them, and what the site asks of the link about them."""

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
    """What the site asks of the listeners; see :class:`ppl.link.registry.Listeners`."""

    async def open(self, destination: Destination) -> None:
        """Have the port opened; raises :class:`~ppl.errors.ListenerUnavailable` when it is not in time."""

    def close(self, destination: Destination) -> None:
        """Have the port closed."""


def destination_fields(destination: Destination, role: Role) -> dict[str, str | int]:
    """The protocol's ``{"user_id", "host", "port", "role"}``."""
    return {
        "user_id": destination.user_id,
        "host": destination.host,
        "port": destination.port,
        "role": role,
    }


@contextmanager
def needing_a_port() -> Iterator[None]:
    """Say what the operator can do where no port is left.

    Raises:
        Unavailable: instead of ``NoPortLeft``.
    """
    try:
        yield
    except NoPortLeft as error:
        raise Unavailable("Every port for log senders is taken; the operator must widen --ports.") from error


async def is_opened(listeners: PortOpener, destination: Destination) -> bool:
    """Have the port of a new destination opened; ``False``, which is logged, where a listener goes on trying."""
    try:
        await listeners.open(destination)
    except ListenerUnavailable as error:
        _log.warn("The port of {user_id} is not open yet: {why}", user_id=destination.user_id, why=str(error))
        return False
    return True
