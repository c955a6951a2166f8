"""Connections that have never sent anything: they give way to new ones where there is no room.

Whoever only holds connections costs nobody else a place. A connection that sent something once may rest as long as it
likes.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Protocol

import attrs


class Silent(Protocol):
    """A connection."""

    def is_silent(self) -> bool:
        """Whether nothing has come, not even to the kernel."""

    def give_way(self) -> None:
        """End, and count no more from now on."""


@attrs.define
class Silence:
    """Those of a listener, by what they count against: a destination, an address."""

    _of: dict[Hashable, dict[Silent, Sequence[Hashable]]] = attrs.Factory(dict)

    def add(self, connection: Silent, counted: Sequence[Hashable]) -> None:
        """``connection`` begins."""
        for key in counted:
            self._of.setdefault(key, {})[connection] = counted

    def remove(self, connection: Silent, counted: Sequence[Hashable]) -> None:
        """``connection`` has sent something, or has ended. May be called again."""
        for key in counted:
            silent = self._of.get(key, {})
            silent.pop(connection, None)
            if not silent:
                self._of.pop(key, None)

    def longest(self, key: Hashable) -> Silent | None:
        """The one that has been silent for longest of those that count against ``key``."""
        while silent := self._of.get(key):
            connection, counted = next(iter(silent.items()))
            if connection.is_silent():
                return connection
            # It only was not read from so far.
            self.remove(connection, counted)
        return None
