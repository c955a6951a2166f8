"""Limits the access log: senders and strangers could fill a disk with one line for each of their requests.

The site with the pages and the drain's own site both ask :class:`Refusals` before they log a response.
"""

from __future__ import annotations

from typing import Any

from twisted.logger import Logger

from ppl.access.throttle import Rate, Throttle
from ppl.model import Clock
from ppl.services.bursts import Bursts

_TOO_MANY = 429

#: Rate up to which every refusal of an address is logged.
LINES_OF_ADDRESS = Rate(burst=100, seconds=1)


class Refusals:
    """Decides which responses get a line in the access log, and warns of the others once per burst and address.

    Args:
        clock: a steady clock, µs.
    """

    _log = Logger()

    def __init__(self, clock: Clock, lines: Rate = LINES_OF_ADDRESS) -> None:
        self._lines = Throttle(lines, clock)
        self._bursts = Bursts(self._log, clock)

    def has_line(self, request: Any) -> bool:
        """Whether the response to ``request`` is logged.

        Stored uploads and 429 are never, other refusals up to a rate per address, all else always.
        """
        if not 400 <= request.code < 500:
            return not request.is_upload or request.code >= 500
        peer = getattr(request.getClientAddress(), "host", None)
        forwarded_for = request.requestHeaders.getRawHeaders(b"x-forwarded-for", [])
        address = request.site.proxies.throttled(peer, b",".join(forwarded_for).decode("latin-1")) or "-"
        if request.code == _TOO_MANY:
            self._bursts.say_once(address, "it sends too many requests; those answered 429 are not in the access log")
        elif self._lines.take(address):
            self._bursts.say_once(address, "too many refused requests; further ones are not in the access log")
        else:
            return True
        return False
