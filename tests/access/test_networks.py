"""Parsing networks as typed, and telling whether an address is in one."""

from __future__ import annotations

import pytest

from ppl.access.networks import MOST_NETWORKS, MOST_REMEMBERED, BadNetwork, Networks, parse_networks


def test_networks_are_kept_in_canonical_form_and_once() -> None:
    typed = "10.1.2.3/8, 192.0.2.7\n 2001:DB8:0::/32 \r\n::ffff:10.0.0.0/104 ::ffff:192.0.2.7"
    assert parse_networks(typed) == ("10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32")
    assert parse_networks(" \n ") == ()


@pytest.mark.parametrize("word", ["example.com", "10.0.0.0/33", "1.2.3", "::/129", "fe80::1%eth0/64x", "10/8", "<b>"])
def test_a_word_that_is_no_network_is_named_in_the_error(word: str) -> None:
    with pytest.raises(BadNetwork, match="is neither an address nor a network"):
        parse_networks(f"10.0.0.1 {word}")


def test_too_many_networks_are_refused() -> None:
    parse_networks(" ".join(f"10.0.0.{number}" for number in range(MOST_NETWORKS)))
    with pytest.raises(BadNetwork, match="at most"):
        parse_networks(" ".join(f"10.0.0.{number}" for number in range(MOST_NETWORKS + 1)))


@pytest.mark.parametrize(
    ("address", "is_within"),
    [
        ("10.255.0.1", True),
        ("::ffff:10.255.0.1", True),
        ("::ffff:aff:1", True),
        ("11.0.0.1", False),
        ("2001:db8::1", True),
        ("2001:db9::1", False),
        ("fe80::1%eth0", True),
        ("", False),
        ("unix", False),
    ],
)
def test_an_address_is_in_one_of_the_networks_or_not(address: str, is_within: bool) -> None:
    networks = Networks(parse_networks("10.0.0.0/8 2001:db8::/32 fe80::/10"))
    assert [networks.hold(address) for _ in range(2)] == [is_within] * 2
    assert Networks(()).hold(address), "without networks every address is allowed"


def test_many_addresses_take_bounded_memory() -> None:
    networks = Networks(["10.0.0.0/8"])
    for number in range(10_000):
        assert networks.hold(f"10.0.{number >> 8}.{number & 255}")
    assert 0 < networks.remembered <= MOST_REMEMBERED
