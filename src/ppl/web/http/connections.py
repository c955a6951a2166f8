"""Limits the site's connections per address and in total, so that file descriptors are left for senders.

At the limit on the total, a new connection replaces the one that has waited longest for a request; if none waits, the
one whose request has been arriving longest. A connection with a request in progress, an upload or a WebSocket is never
replaced.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Literal

from twisted.internet.protocol import Protocol

from ppl.http.client import Proxies
from ppl.http.uploads import UploadChannel

Stage = Literal["idle", "receiving", "handling"]


class Connections:
    """Counts the open connections, and accepts or refuses new ones.

    Args:
        most: how many connections may be open; 0 means any number.
        most_of_address: how many may be open from one address (for IPv6, one /64). A trusted proxy, which connects for
            many clients, is exempt.
        proxies: the trusted proxies.
    """

    def __init__(self, most: int, most_of_address: int, proxies: Proxies) -> None:
        self._most, self._most_of_address, self._proxies = most, most_of_address, proxies
        self._of_address: Counter[str] = Counter()
        # The connections in each stage, in the order in which they entered it.
        self._giving_way: dict[Stage, dict[CountedConnection, None]] = {"idle": {}, "receiving": {}}

    def __len__(self) -> int:
        return self._of_address.total()

    def accept(self, channel: UploadChannel, peer: str | None) -> Protocol:
        """Count a new connection from ``peer``: ``channel``, or over a limit a protocol that closes it at once."""
        address = self._proxies.throttled(peer, None)
        if self._of_address[address] >= self._most_of_address and not self._proxies.trusts(peer):
            return _Refused()
        if self._most and len(self) >= self._most and not self._make_room():
            return _Refused()
        self._of_address[address] += 1
        connection = CountedConnection(self, channel, address)
        channel.stage = connection.enter
        channel.ended.addBoth(lambda _: connection.leave())
        connection.enter("idle")
        return channel

    def _make_room(self) -> bool:
        waiting = next((each for each in self._giving_way.values() if each), None)
        if waiting is None:
            return False
        next(iter(waiting)).give_way()
        return True

    def entered(self, connection: CountedConnection, stage: Stage) -> None:
        """``connection`` has entered ``stage``."""
        for each in self._giving_way.values():
            each.pop(connection, None)
        if stage in self._giving_way:
            self._giving_way[stage][connection] = None

    def left(self, connection: CountedConnection) -> None:
        """``connection`` has ended."""
        self.entered(connection, "handling")
        self._of_address[connection.address] -= 1
        if not self._of_address[connection.address]:
            del self._of_address[connection.address]


class CountedConnection:
    """A connection that is counted until it ends, even after a WebSocket has taken it over from HTTP.

    Attributes:
        address: the address under which the connection is counted.
    """

    def __init__(self, connections: Connections, channel: UploadChannel, address: str) -> None:
        self.address = address
        self._connections, self._channel = connections, channel
        self._has_left = False

    def enter(self, stage: Stage) -> None:
        """The connection waits for a request (``idle``), receives one, or handles one."""
        if not self._has_left:
            self._connections.entered(self, stage)

    def give_way(self) -> None:
        """Close the connection, since a new one needs its place."""
        self.leave()
        transport: Any = self._channel.transport
        transport.abortConnection()

    def leave(self) -> None:
        """Stop counting the connection."""
        if not self._has_left:
            self._has_left = True
            self._connections.left(self)


class _Refused(Protocol):
    """Closes a refused connection at once. ``None`` would not do: Twisted's TLS would take it for a protocol."""

    def connectionMade(self) -> None:
        transport: Any = self.transport
        transport.abortConnection()
