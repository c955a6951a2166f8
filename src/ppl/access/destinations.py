"""Which destinations an account may read, and which of them it may change: the one place that says so.

Whoever acts for an account asks :func:`access_of` and takes the destination from what it gives. The store checks again
in the statement that changes something, since a role may have gone in between.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from ppl.errors import PplError
from ppl.model import Destination, Role, destination_named
from ppl.store.interface import PeopleStore


class NotReadable(PplError):
    """The account may not read the destination, or there is none such: nobody learns which."""

    code = "forbidden"

    def __init__(self) -> None:
        super().__init__("This account may not read that user_id.")


class NoSuchDestination(PplError):
    """No destination of this number can be read by the account."""

    code = "not_found"

    def __init__(self) -> None:
        super().__init__("There is no such destination.")


class NotOwned(PplError):
    """The account may read the destination and not change it.

    Args:
        what: what only an owner does: ``decides …``.
    """

    code = "forbidden"

    def __init__(self, what: str) -> None:
        super().__init__(f"Only the owner of a destination {what}.")


@attrs.frozen
class Access:
    """What one account may touch, as it was read from the store.

    Attributes:
        roles: each destination that it may read with its role there, in the order of the pages.
    """

    roles: tuple[tuple[Destination, Role], ...]

    def __iter__(self) -> Iterator[tuple[Destination, Role]]:
        return iter(self.roles)

    def __len__(self) -> int:
        return len(self.roles)

    @property
    def readable(self) -> Sequence[Destination]:
        """Those that it may read."""
        return [destination for destination, _ in self.roles]

    @property
    def owned(self) -> Sequence[Destination]:
        """Those that it may change."""
        return [destination for destination, role in self.roles if role == "owner"]

    def find(self, user_id: str | None) -> Destination | None:
        """The readable one that is called ``user_id``, or else was called so before."""
        return destination_named(user_id, self.readable)

    def named(self, user_id: str) -> Destination:
        """The readable one that is called ``user_id``, or else was called so before.

        Raises:
            NotReadable: there is none such for this account.
        """
        destination = self.find(user_id)
        if destination is None:
            raise NotReadable
        return destination

    def numbered(self, destination_id: int | str) -> Destination:
        """The readable one with this id, a number or as a form has it.

        Raises:
            NoSuchDestination: there is none such for this account.
        """
        for destination in self.readable:
            if str(destination.id) == str(destination_id):
                return destination
        raise NoSuchDestination

    def owned_numbered(self, destination_id: int | str, what: str) -> Destination:
        """The one with this id, to be changed.

        Args:
            destination_id: a number, or as a form has it.
            what: what only an owner does: ``decides …``.

        Raises:
            NoSuchDestination: there is none such for this account.
            NotOwned: another account owns it.
        """
        destination = self.numbered(destination_id)
        if destination not in self.owned:
            raise NotOwned(what)
        return destination


async def access_of(store: PeopleStore, account_id: int) -> Access:
    """What the account may touch by now.

    Raises:
        StoreUnavailable, StatementTimeout: that cannot be found out now.
    """
    return Access(tuple(await store.destinations_of(account_id)))
