"""Destinations as pages and programs see them, and what the site asks of the link about them."""

from __future__ import annotations

from typing import Protocol

from ppl.model import Destination, Role


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
