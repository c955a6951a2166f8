"""Test lines for the API and the settings page: throttled per account, with failures as errors of the site."""

from __future__ import annotations

from ppl.access.throttle import Rate, Throttle
from ppl.model import Account, Clock, Destination
from ppl.web.api.test_line_sender import Restricted, SampleSender, Unreachable
from ppl.web.http.answers import SendersRestricted, Unavailable, spend

_LINES_OF_ACCOUNT = Rate(burst=5, seconds=5)


class SampleLines:
    """Sends test lines. The caller makes sure that the account may use the destination."""

    def __init__(self, sender: SampleSender, clock: Clock) -> None:
        self._sender = sender
        self._lines = Throttle(_LINES_OF_ACCOUNT, clock)

    async def send(self, account: Account, destination: Destination) -> str:
        """Send one line over the network, as a sender would, and return it.

        Raises:
            TooManyRequests: the account sends too many test lines.
            SendersRestricted: ``destination`` restricts who may send to it.
            Unavailable: the line did not arrive.
        """
        spend(self._lines, str(account.id))
        try:
            return await self._sender.send(destination)
        except Restricted as error:
            raise SendersRestricted(str(error)) from error
        except Unreachable as error:
            raise Unavailable(str(error), error.code) from error
