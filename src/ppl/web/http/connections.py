"""The site's connections, counted by address and in all: a bound on each, so that senders keep their file descriptors.

When there are as many as may be, a connection that waits for a request gives way to a new one, the longest-waiting
first; then one whose request has not come whole. What is being answered, an upload and a WebSocket do not.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Literal

from twisted.internet.protocol import Protocol

from ppl.http.client import Proxies
from ppl.http.uploads import UploadChannel

Stage = Literal["idle", "receiving", "handling"]


class Connections:
    """Counts them.

    Args:
        most: that may be open; 0: any number.
        most_of_address: of one address (of IPv6 the /64), but not of a proxy, which comes for many.
        proxies: those that are trusted.
    """

    def __init__(self, most: int, most_of_address: int, proxies: Proxies) -> None:
        self._most, self._most_of_address, self._proxies = most, most_of_address, proxies
        self._of_address: Counter[str] = Counter()
        # In the order in which they came to the stage.
        self._giving_way: dict[Stage, dict[CountedConnection, None]] = {"idle": {}, "receiving": {}}

    def __len__(self) -> int:
        return self._of_address.total()

    def accept(self, channel: UploadChannel, peer: str | None) -> Protocol:
        """``channel`` for a new connection from ``peer``, counted; or what closes the connection at once."""
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
        """``connection`` has come to ``stage``."""
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
    """A connection that is counted until it ends, also when a WebSocket has taken it over from HTTP.

    Attributes:
        address: by which it is counted.
    """

    def __init__(self, connections: Connections, channel: UploadChannel, address: str) -> None:
        self.address = address
        self._connections, self._channel = connections, channel
        self._has_left = False

    def enter(self, stage: Stage) -> None:
        """It waits for a request, or one is coming, or has come."""
        if not self._has_left:
            self._connections.entered(self, stage)

    def give_way(self) -> None:
        """End, as another connection needs the place."""
        self.leave()
        transport: Any = self._channel.transport
        transport.abortConnection()

    def leave(self) -> None:
        """It counts no more."""
        if not self._has_left:
            self._has_left = True
            self._connections.left(self)


class _Refused(Protocol):
    """A connection that may not be: not ``None`` instead, which Twisted's TLS would take for a protocol."""

    def connectionMade(self) -> None:
        transport: Any = self.transport
        transport.abortConnection()
