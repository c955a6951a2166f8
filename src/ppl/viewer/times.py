"""How long viewers are waited for and how often they are looked at: the times that the hub and connections keep."""

from __future__ import annotations

import attrs


@attrs.frozen
class Times:
    """All in seconds.

    Attributes:
        closing: in which viewers close when the server stops; then they are cut off. The closing handshake has two.
        session: between two looks whether a viewer's session has ended.
        readable: for which what the account may read is taken to be as it was found when history is read.
        search: after which a search answers with what it has.
        progress: between two words of how far a search has come while nothing is found.
    """

    closing: float = 5.0
    session: float = 60.0
    readable: float = 10.0
    search: float = 5.0
    progress: float = 0.5
