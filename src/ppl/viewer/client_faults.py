"""Logs protocol errors of viewers' clients, in place of Autobahn: one line for each kind of error, burst and address.

A client that repeats its error would otherwise fill the log with two lines for each attempt.
"""

from __future__ import annotations

from typing import Any

from ppl.services.bursts import Bursts

#: How a message of Autobahn begins → what Ppl logs instead.
_KINDS = {
    "failing WebSocket opening handshake": "a viewer's WebSocket was refused",
    "failing WebSocket connection": "a viewer's WebSocket was closed because of what its client sent",
    "dropping connection": "a viewer's connection was dropped",
}


class ClientFaults:
    """Stands in for Autobahn's logger.

    Args:
        bursts: the bursts of the whole site.
        address: the client's address, ``None`` if it is not known.
        log: Autobahn's own logger, which still gets the messages of other levels.
    """

    def __init__(self, bursts: Bursts, address: str | None, log: Any) -> None:
        self._bursts, self._address, self._log = bursts, address or "-", log

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    def warn(self, format: str, **values: Any) -> None:
        """Log that a WebSocket was refused or closed because of its client."""
        kind = next((kind for start, kind in _KINDS.items() if format.startswith(start)), "a viewer's WebSocket failed")
        self._bursts.say_once(self._address, kind, format.format(**values))

    info = warn
