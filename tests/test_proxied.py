"""Who a connection comes from, directly or through a proxy on this machine."""

from __future__ import annotations

import pytest

from ppl.proxied import client_address, throttled_address


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "behind_proxy", "throttled"),
    [
        ("192.0.2.1", None, False, "192.0.2.1"),
        ("192.0.2.1", "198.51.100.7", True, "192.0.2.1"),
        ("127.0.0.1", "198.51.100.7", False, "127.0.0.1"),
        ("127.0.0.1", "198.51.100.7", True, "198.51.100.7"),
        ("127.0.0.1", "1.1.1.1, 198.51.100.7", True, "198.51.100.7"),
        ("::1", "198.51.100.7", True, "198.51.100.7"),
        (None, "198.51.100.7", True, "198.51.100.7"),
        ("127.0.0.1", "nonsense", True, "127.0.0.1"),
        ("127.0.0.1", None, True, "127.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", None, False, "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", None, False, "192.0.2.1"),
    ],
)
def test_who_is_throttled_is_the_client_not_the_proxy_before_us(
    peer: str | None, forwarded_for: str | None, behind_proxy: bool, throttled: str
) -> None:
    assert throttled_address(peer, forwarded_for, behind_proxy) == throttled


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "behind_proxy", "client"),
    [
        ("192.0.2.1", "198.51.100.7", True, "192.0.2.1"),
        ("127.0.0.1", "198.51.100.7", False, "127.0.0.1"),
        ("127.0.0.1", "1.1.1.1, 198.51.100.7", True, "198.51.100.7"),
        (None, "2001:db8::1", True, "2001:db8::1"),
        ("2001:db8:1:2:3:4:5:6", None, False, "2001:db8:1:2:3:4:5:6"),
        ("fe80::1%eth0", None, False, "fe80::1"),
        ("::ffff:192.0.2.1", None, False, "192.0.2.1"),
        ("127.0.0.1", "nonsense", True, "127.0.0.1"),
    ],
)
def test_the_senders_address_is_whole(
    peer: str | None, forwarded_for: str | None, behind_proxy: bool, client: str
) -> None:
    assert client_address(peer, forwarded_for, behind_proxy) == client
