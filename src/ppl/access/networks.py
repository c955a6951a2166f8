"""The networks that may send to a destination: parses them as typed, and tells whether an address is in one."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network

#: Most networks of one destination.
MOST_NETWORKS = 100

#: Most addresses of one destination for which the answer is cached.
MOST_REMEMBERED = 4096

_MAPPED = ip_network("::ffff:0:0/96")


class BadNetwork(ValueError):
    """A word is neither an address nor a network, or there are too many; ``str()`` says so in a sentence."""


def parse_networks(text: str) -> tuple[str, ...]:
    """The addresses and networks in ``text``, separated by blanks, commas or line ends: in canonical form, each once.

    Raises:
        BadNetwork: one cannot be parsed, or there are more than ``MOST_NETWORKS``.
    """
    found = dict.fromkeys(str(_network(word)) for word in text.replace(",", " ").split())
    if len(found) > MOST_NETWORKS:
        raise BadNetwork(f"Give at most {MOST_NETWORKS} networks.")
    return tuple(found)


def _network(word: str) -> Network:
    try:
        network = ip_network(word, strict=False)
    except ValueError as error:
        shown = word if len(word) <= 50 else f"{word[:50]}…"
        raise BadNetwork(
            f"{shown} is neither an address nor a network, such as 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32."
        ) from error
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):  # type: ignore[arg-type]
        mapped = int(network.network_address) & 0xFFFFFFFF
        return IPv4Network((mapped, network.prefixlen - 96))
    return network


class Networks:
    """The networks of one destination.

    Args:
        networks: the result of :func:`parse_networks`; if empty, every address is allowed.
    """

    def __init__(self, networks: Sequence[str]) -> None:
        self._networks = tuple(map(ip_network, networks))
        self._known: dict[str, bool] = {}

    @property
    def remembered(self) -> int:
        """How many addresses have a cached answer."""
        return len(self._known)

    def hold(self, address: str) -> bool:
        """Whether ``address`` (IPv4, IPv6, or IPv4 within IPv6) is in one of the networks."""
        if not self._networks:
            return True
        held = self._known.get(address)
        if held is None:
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            held = self._known[address] = self._look_up(address)
        return held

    def _look_up(self, address: str) -> bool:
        try:
            parsed = ip_address(address.partition("%")[0])
        except ValueError:
            return False
        mapped = getattr(parsed, "ipv4_mapped", None)
        return any((mapped or parsed) in network for network in self._networks)
