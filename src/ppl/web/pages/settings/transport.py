"""The setting of which connections a port accepts, encrypted or not: readers see it, and the owner changes it."""

from __future__ import annotations

from typing import Any

from twisted.logger import Logger

from ppl.access.destinations import NotOwned, access_of
from ppl.access.throttle import Rate, Throttle
from ppl.errors import ListenerUnavailable
from ppl.model import TRANSPORTS, Clock, Destination, Role, Transport
from ppl.store.interface import PeopleStore
from ppl.web.http.answers import spend
from ppl.web.http.destinations import PortOpener
from ppl.web.http.forms import WrongField

#: Each change ends the connections of the port.
_CHANGES_OF_ACCOUNT = Rate(burst=20, seconds=10)
_DECIDES = "decides which connections its port accepts"

_IN_WORDS: dict[Transport, str] = {
    "either": "encrypted (TLS) and unencrypted (plain TCP, RELP and UDP)",
    "tls": "encrypted only (TLS, or RELP over TLS; no UDP)",
    "plain": "unencrypted only (plain TCP, RELP and UDP)",
}


class Transports:
    """Changes the setting.

    Args:
        store: keeps the setting.
        listeners: apply the setting.
        clock: a steady clock, µs, for throttling.
    """

    _log = Logger()

    def __init__(self, store: PeopleStore, listeners: PortOpener, clock: Clock) -> None:
        self._store, self._listeners = store, listeners
        self._changes = Throttle(_CHANGES_OF_ACCOUNT, clock)

    async def change(self, account_id: int, destination_id: int, chosen: str) -> bool:
        """Save ``chosen`` as the setting and have a listener apply it; ``False`` if none has applied it yet.

        Raises:
            WrongField: ``chosen`` is not one of the settings.
            NoSuchDestination: the account may read no such destination.
            NotOwned: the account does not own the destination.
            TooManyRequests: the account changes settings too often.
        """
        transport = next((each for each in TRANSPORTS if each == chosen), None)
        if transport is None:
            raise WrongField("transport", "Choose which connections the port accepts.")
        access = await access_of(self._store, account_id)
        destination = access.owned_numbered(destination_id, _DECIDES)
        spend(self._changes, str(account_id))
        if not await self._store.set_transport(account_id, destination_id, transport):
            raise NotOwned(_DECIDES)
        self._log.info("Transport of {user_id} set to {transport}", user_id=destination.user_id, transport=transport)
        try:
            await self._listeners.open(destination)
        except ListenerUnavailable as error:
            self._log.warn("The port of {user_id} is not updated: {why}", user_id=destination.user_id, why=str(error))
            return False
        return True


def transport_fields(destination: Destination, role: Role) -> dict[str, Any]:
    """The values that the page shows for one destination's setting."""
    return {
        "id": destination.id,
        "user_id": destination.user_id,
        "is_owner": role == "owner",
        "in_words": _IN_WORDS[destination.transport],
        "choices": [(each, _IN_WORDS[each], each == destination.transport) for each in TRANSPORTS],
    }
