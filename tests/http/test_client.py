"""The client's address of a connection, direct or through proxies."""

from __future__ import annotations

import pytest

from ppl.http.client import Proxies
from ppl.options import settings_from

LOOPBACK = "127.0.0.0/8, ::1"
INSIDE = "127.0.0.0/8 10.0.0.0/8 2001:db8:ffff::/48"


def trusting(networks: str) -> Proxies:
    return Proxies(settings_from({"trusted-proxies": networks}, {}).trusted_proxies)


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "trusted", "throttled"),
    [
        ("192.0.2.1", None, "", "192.0.2.1"),
        ("192.0.2.1", "198.51.100.7", LOOPBACK, "192.0.2.1"),
        ("127.0.0.1", "198.51.100.7", "", "127.0.0.1"),
        ("127.0.0.1", "198.51.100.7", LOOPBACK, "198.51.100.7"),
        ("127.0.0.1", "1.1.1.1, 198.51.100.7", LOOPBACK, "198.51.100.7"),
        ("::1", "198.51.100.7", LOOPBACK, "198.51.100.7"),
        ("::ffff:127.0.0.1", "198.51.100.7", LOOPBACK, "198.51.100.7"),
        (None, "198.51.100.7", LOOPBACK, "198.51.100.7"),
        ("127.0.0.1", "nonsense", LOOPBACK, "127.0.0.1"),
        ("127.0.0.1", "198.51.100.7, nonsense", LOOPBACK, "127.0.0.1"),
        ("127.0.0.1", None, LOOPBACK, "127.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", None, "", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", None, "", "192.0.2.1"),
        ("10.0.0.5", "198.51.100.7", LOOPBACK, "10.0.0.5"),
        ("10.0.0.5", "198.51.100.7", INSIDE, "198.51.100.7"),
        ("10.0.0.5", "6.6.6.6, 198.51.100.7, 10.1.2.3, 127.0.0.1", INSIDE, "198.51.100.7"),
        ("10.0.0.5", "10.9.9.9, 10.1.2.3", INSIDE, "10.9.9.9"),
        ("2001:db8:ffff::1", "198.51.100.7", INSIDE, "198.51.100.7"),
        ("10.0.0.5", "198.51.100.9:4711", INSIDE, "198.51.100.9"),
        ("10.0.0.5", "[2001:db8:1:2::7]:4711", INSIDE, "2001:db8:1:2::/64"),
        ("10.0.0.5", "[2001:db8:1:2::7]", INSIDE, "2001:db8:1:2::/64"),
    ],
)
def test_the_client_is_throttled_and_not_a_trusted_proxy(
    peer: str | None, forwarded_for: str | None, trusted: str, throttled: str
) -> None:
    assert trusting(trusted).throttled(peer, forwarded_for) == throttled


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "trusted", "client"),
    [
        ("192.0.2.1", "198.51.100.7", LOOPBACK, "192.0.2.1"),
        ("127.0.0.1", "198.51.100.7", "", "127.0.0.1"),
        ("127.0.0.1", "1.1.1.1, 198.51.100.7", LOOPBACK, "198.51.100.7"),
        (None, "2001:db8::1", LOOPBACK, "2001:db8::1"),
        ("2001:db8:1:2:3:4:5:6", None, "", "2001:db8:1:2:3:4:5:6"),
        ("fe80::1%eth0", None, "", "fe80::1"),
        ("::ffff:192.0.2.1", None, "", "192.0.2.1"),
        ("127.0.0.1", "nonsense", LOOPBACK, "127.0.0.1"),
    ],
)
def test_the_senders_address_is_whole(peer: str | None, forwarded_for: str | None, trusted: str, client: str) -> None:
    assert trusting(trusted).client(peer, forwarded_for) == client


@pytest.mark.parametrize(
    ("peer", "forwarded_proto", "is_tls"),
    [
        ("10.0.0.5", "https", True),
        ("10.0.0.5", "http, HTTPS", True),
        ("10.0.0.5", "https, http", False),
        ("10.0.0.5", None, False),
        ("192.0.2.1", "https", False),
    ],
)
def test_a_trusted_proxy_says_whether_the_browser_speaks_tls(
    peer: str, forwarded_proto: str | None, is_tls: bool
) -> None:
    assert trusting(INSIDE).says_tls(peer, forwarded_proto) == is_tls
