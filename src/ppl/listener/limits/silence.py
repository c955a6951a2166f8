"""Silent connections, which have never sent anything: at a limit they give way to new ones.

A client that only holds connections keeps out nobody else. A connection that has sent something may stay idle for as
long as it likes.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Protocol

import attrs


class Silent(Protocol):
    """A connection that may be silent."""

    def is_silent(self) -> bool:
        """Whether nothing has arrived, not even in the kernel."""

    def give_way(self) -> None:
        """End, and free the place at once."""


@attrs.define
class Silence:
    """The silent connections of a listener, under each key that they count against: a destination, an address."""

    _of: dict[Hashable, dict[Silent, Sequence[Hashable]]] = attrs.Factory(dict)

    def add(self, connection: Silent, counted: Sequence[Hashable]) -> None:
        """Add ``connection``, which begins and counts against the keys ``counted``."""
        for key in counted:
            self._of.setdefault(key, {})[connection] = counted

    def remove(self, connection: Silent, counted: Sequence[Hashable]) -> None:
        """Remove ``connection``, which has sent something or has ended. May be called again."""
        for key in counted:
            silent = self._of.get(key, {})
            silent.pop(connection, None)
            if not silent:
                self._of.pop(key, None)

    def longest(self, key: Hashable) -> Silent | None:
        """The connection that has been silent for longest among those that count against ``key``."""
        while silent := self._of.get(key):
            connection, counted = next(iter(silent.items()))
            if connection.is_silent():
                return connection
            # It has sent something that was not read yet.
            self.remove(connection, counted)
        return None
