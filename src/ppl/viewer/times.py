"""Timeouts and intervals that the hub of viewers and its connections keep."""

from __future__ import annotations

import attrs


@attrs.frozen
class Times:
    """Timeouts and intervals in seconds.

    Attributes:
        closing: time for viewers to close when the server stops, before they are cut off; the closing handshake takes
            up to 2.
        session: time between two checks whether a viewer's session has ended.
        readable: time for which a check that the account may read the destination holds when history is read.
        search: time after which a search is answered with the events found so far.
        progress: time between two reports of how far a search has got while nothing is found.
    """

    closing: float = 5.0
    session: float = 60.0
    readable: float = 10.0
    search: float = 5.0
    progress: float = 0.5
