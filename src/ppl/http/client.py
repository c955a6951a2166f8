"""The client's address of a connection, direct or through proxies: the one rule for which proxy headers to trust.

The site throttles and logs by this address, and the drain stores it as the sender's.
"""

from __future__ import annotations

import ipaddress
import re

import attrs

from ppl.access.networks import Network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_WITH_PORT = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::\d{1,5})?|(\d+\.\d+\.\d+\.\d+):\d{1,5}", re.ASCII)


@attrs.frozen
class Proxies:
    """Proxies in front of Ppl whose ``X-Forwarded-For`` and ``X-Forwarded-Proto`` are trusted.

    A ``peer`` is the address that a connection comes from, ``None`` for a Unix socket, which counts as loopback.

    Attributes:
        networks: their addresses.
    """

    networks: tuple[Network, ...] = ()

    def trusts(self, peer: str | None) -> bool:
        """Whether ``peer`` is a trusted proxy."""
        address = _address(peer or "127.0.0.1")
        return address is not None and self._has(address)

    def client(self, peer: str | None, forwarded_for: str | None) -> str:
        """The address of the client: the right-most one in ``X-Forwarded-For`` that is not a trusted proxy.

        IPv4 within IPv6 is unwrapped, and a port is left out.
        """
        address = self._client(peer, forwarded_for)
        return str(address) if address is not None else peer or ""

    def throttled(self, peer: str | None, forwarded_for: str | None) -> str:
        """The key to throttle by: the client's address, or for IPv6 its /64, since one customer has all of it."""
        address = self._client(peer, forwarded_for)
        if isinstance(address, ipaddress.IPv6Address):
            return str(ipaddress.ip_network((int(address), 64), strict=False))
        return str(address) if address is not None else peer or ""

    def says_tls(self, peer: str | None, forwarded_proto: str | None) -> bool:
        """Whether ``peer`` is trusted and says that the browser speaks TLS to it."""
        scheme = (forwarded_proto or "").rpartition(",")[2].strip().lower()
        return scheme in ("https", "wss") and self.trusts(peer)

    def _has(self, address: Address) -> bool:
        return any(address in network for network in self.networks)

    def _client(self, peer: str | None, forwarded_for: str | None) -> Address | None:
        client = _address(peer or "127.0.0.1")
        hops = forwarded_for.split(",") if forwarded_for else []
        while client is not None and hops and self._has(client):
            further = _address(hops.pop())
            if further is None:
                break
            client = further
        return client


def _address(text: str) -> Address | None:
    text = text.strip()
    match = _WITH_PORT.fullmatch(text)
    try:
        address = ipaddress.ip_address((match[1] or match[2]) if match else text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        # A link-local address loses its zone, which only this machine knows.
        return address.ipv4_mapped or ipaddress.IPv6Address(int(address))
    return address
