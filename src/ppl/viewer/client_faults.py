"""What Autobahn logs of one viewer's WebSocket: what a client does wrong is one line per kind, burst and address.

A client that errs again and again would otherwise fill the log with two lines for each try.
"""

from __future__ import annotations

from typing import Any

from ppl.services.bursts import Bursts

#: How what Autobahn says begins, and what it means.
_KINDS = {
    "failing WebSocket opening handshake": "a viewer's WebSocket was refused",
    "failing WebSocket connection": "a viewer's WebSocket was closed for what its client sent",
    "dropping connection": "a viewer's connection was dropped",
}


class ClientFaults:
    """Stands in for Autobahn's logger.

    Args:
        bursts: of the whole site.
        address: the client's, ``None`` if it is not known.
        log: the logger, which gets what is no fault of a client.
    """

    def __init__(self, bursts: Bursts, address: str | None, log: Any) -> None:
        self._bursts, self._address, self._log = bursts, address or "-", log

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    def warn(self, format: str, **values: Any) -> None:
        """A WebSocket was refused, or ended, for what its client did."""
        kind = next((kind for start, kind in _KINDS.items() if format.startswith(start)), "a viewer's WebSocket erred")
        self._bursts.say_once(self._address, kind, format.format(**values))

    info = warn
