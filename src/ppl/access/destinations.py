"""Which destinations an account may read, and which of them it may change: the one place that decides.

Code that acts for an account calls :func:`access_of` and takes the destination from the result. The store checks again
in the statement that makes a change, since a role may be withdrawn in between.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from ppl.errors import PplError
from ppl.model import Destination, Role, destination_named
from ppl.store.interface import PeopleStore


class NotReadable(PplError):
    """The account may not read the destination, or no such destination exists; the error does not tell which."""

    code = "forbidden"

    def __init__(self) -> None:
        super().__init__("This account may not read that user_id.")


class NoSuchDestination(PplError):
    """The account may read no destination with this id."""

    code = "not_found"

    def __init__(self) -> None:
        super().__init__("There is no such destination.")


class NotOwned(PplError):
    """The account may read the destination but not change it.

    Args:
        what: the end of the sentence "Only the owner of a destination …", such as ``decides …``.
    """

    code = "forbidden"

    def __init__(self, what: str) -> None:
        super().__init__(f"Only the owner of a destination {what}.")


@attrs.frozen
class Access:
    """The destinations that one account may read or change, as read from the store.

    Attributes:
        roles: each destination that the account may read, with its role there, in the order in which pages list them.
    """

    roles: tuple[tuple[Destination, Role], ...]

    def __iter__(self) -> Iterator[tuple[Destination, Role]]:
        return iter(self.roles)

    def __len__(self) -> int:
        return len(self.roles)

    @property
    def readable(self) -> Sequence[Destination]:
        """The destinations that the account may read."""
        return [destination for destination, _ in self.roles]

    @property
    def owned(self) -> Sequence[Destination]:
        """The destinations that the account may change."""
        return [destination for destination, role in self.roles if role == "owner"]

    def find(self, user_id: str | None) -> Destination | None:
        """The readable destination named ``user_id``, else one that had the name earlier; ``None`` if there is none."""
        return destination_named(user_id, self.readable)

    def named(self, user_id: str) -> Destination:
        """The readable destination named ``user_id``, else one that had that name earlier.

        Raises:
            NotReadable: the account may read no such destination.
        """
        destination = self.find(user_id)
        if destination is None:
            raise NotReadable
        return destination

    def numbered(self, destination_id: int | str) -> Destination:
        """The readable destination with this id, given as a number or as the text of a form field.

        Raises:
            NoSuchDestination: the account may read no such destination.
        """
        for destination in self.readable:
            if str(destination.id) == str(destination_id):
                return destination
        raise NoSuchDestination

    def owned_numbered(self, destination_id: int | str, what: str) -> Destination:
        """The destination with this id, which the account may change.

        Args:
            destination_id: a number, or the text of a form field.
            what: what only an owner may do, see :class:`NotOwned`.

        Raises:
            NoSuchDestination: the account may read no such destination.
            NotOwned: the account may read the destination but does not own it.
        """
        destination = self.numbered(destination_id)
        if destination not in self.owned:
            raise NotOwned(what)
        return destination


async def access_of(store: PeopleStore, account_id: int) -> Access:
    """Read from the store what the account may access.

    Raises:
        StoreUnavailable, StatementTimeout: the store cannot be read now.
    """
    return Access(tuple(await store.destinations_of(account_id)))
