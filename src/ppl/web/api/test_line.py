"""Test lines: for whom, how often, and what comes of it; the API and the settings page share it."""

from __future__ import annotations

from ppl.access.throttle import Rate, Throttle
from ppl.model import Account, Clock, Destination
from ppl.web.api.test_line_sender import Restricted, SampleSender, Unreachable
from ppl.web.http.answers import SendersRestricted, Unavailable, spend

_LINES_OF_ACCOUNT = Rate(burst=5, seconds=5)


class SampleLines:
    """Sends a line to a destination that the caller knows to be the account's."""

    def __init__(self, sender: SampleSender, clock: Clock) -> None:
        self._sender = sender
        self._lines = Throttle(_LINES_OF_ACCOUNT, clock)

    async def send(self, account: Account, destination: Destination) -> str:
        """One line by the way that every sender's lines take; gives it.

        Raises:
            TooManyRequests: the account sends too many.
            SendersRestricted: not everybody may send to ``destination``.
            Unavailable: it did not arrive.
        """
        spend(self._lines, str(account.id))
        try:
            return await self._sender.send(destination)
        except Restricted as error:
            raise SendersRestricted(str(error)) from error
        except Unreachable as error:
            raise Unavailable(str(error), error.code) from error
