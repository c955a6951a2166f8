"""Who a connection comes from, directly or through a proxy on this machine: the one rule for what is believed.

The site throttles by it, and the drain stores it as the sender's address.
"""

from __future__ import annotations

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def client_address(peer: str | None, forwarded_for: str | None, behind_proxy: bool) -> str:
    """The address of the client of a connection from ``peer``.

    Behind a proxy on this machine (``peer`` is a loopback address, or ``None`` for a Unix socket) it is the last
    address of ``X-Forwarded-For``, which the proxy itself appended. IPv4 within IPv6 is unwrapped.
    """
    address = _client(peer, forwarded_for, behind_proxy)
    return str(address) if address is not None else peer or ""


def throttled_address(peer: str | None, forwarded_for: str | None, behind_proxy: bool) -> str:
    """Who is throttled for it: the client, but IPv6 counts by /64, as one customer has all of it."""
    address = _client(peer, forwarded_for, behind_proxy)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((int(address), 64), strict=False))
    return str(address) if address is not None else peer or ""


def _client(peer: str | None, forwarded_for: str | None, behind_proxy: bool) -> Address | None:
    try:
        address = ipaddress.ip_address(peer or "127.0.0.1")
        if behind_proxy and forwarded_for and address.is_loopback:
            address = ipaddress.ip_address(forwarded_for.rpartition(",")[2].strip())
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        # A link-local address without its zone, which only this machine knows.
        return address.ipv4_mapped or ipaddress.IPv6Address(int(address))
    return address
