"""Limits the WebSockets of each account: each takes a place in its handshake and frees it when the connection is gone.

A place counts once and may be given back more than once, so that no path through a handshake or a close can leak it.
The hub takes places, and its stop waits until all are free.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall

from ppl.model import Account


class Guest(Protocol):
    """A WebSocket, open or in its handshake."""

    def close(self, code: int, reason: str) -> None:
        """Begin to close the WebSocket."""

    def abort(self) -> None:
        """Cut the connection off."""

    def recheck(self) -> object:
        """Close if the session has ended, or the account may no longer read the destination."""


class ViewerPlace:
    """One WebSocket of ``account``; made by :class:`Places`."""

    def __init__(self, places: Places, account: Account, guest: Guest) -> None:
        self.account = account
        self.guest = guest
        self._places = places

    def give_back(self) -> None:
        """Free the place, as the connection is gone; may be called again."""
        self._places.forget(self)


class Places:
    """The places that are taken.

    Args:
        most: how many places one account has.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._of_accounts: dict[int, set[ViewerPlace]] = {}
        self._waiting: list[Deferred[bool]] = []

    def __len__(self) -> int:
        return sum(map(len, self._of_accounts.values()))

    def __iter__(self) -> Iterator[ViewerPlace]:
        return (place for places in tuple(self._of_accounts.values()) for place in tuple(places))

    def are_left(self, account: Account) -> bool:
        """Whether the account may have one more."""
        return len(self._of_accounts.get(account.id, ())) < self._most

    def take(self, account: Account, guest: Guest) -> ViewerPlace | None:
        """Take a place for ``guest``; ``None`` if the account has none left."""
        if not self.are_left(account):
            return None
        place = ViewerPlace(self, account, guest)
        self._of_accounts.setdefault(account.id, set()).add(place)
        return place

    def of(self, account_id: int) -> tuple[ViewerPlace, ...]:
        """The places that one account has taken."""
        return tuple(self._of_accounts.get(account_id, ()))

    def forget(self, place: ViewerPlace) -> None:
        """Free ``place``; may be called again."""
        places = self._of_accounts.get(place.account.id, set())
        places.discard(place)
        if not places:
            self._of_accounts.pop(place.account.id, None)
        if not self._of_accounts:
            waiting, self._waiting = self._waiting, []
            for all_free in waiting:
                all_free.callback(True)

    async def wait_until_free(self, reactor: Any, seconds: float) -> bool:
        """Wait until no place is taken; ``False`` if some still are after ``seconds``."""
        if not self._of_accounts:
            return True
        all_free: Deferred[bool] = Deferred()
        self._waiting.append(all_free)
        timer: IDelayedCall = reactor.callLater(seconds, self._give_up, all_free)
        try:
            return await all_free
        finally:
            if timer.active():
                timer.cancel()

    def _give_up(self, all_free: Deferred[bool]) -> None:
        self._waiting.remove(all_free)
        all_free.callback(False)
