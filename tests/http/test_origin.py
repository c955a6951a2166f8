"""Which web pages may talk to Ppl."""

from __future__ import annotations

import pytest

from ppl.http.origin import OriginPolicy, hosts_of, is_host, parse_origin

HOST = "ppl.example:8080"


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (None, True),
        ("http://ppl.example:8080", True),
        ("HTTP://PPL.example:8080", True),
        ("https://ppl.example:8080", False),
        ("http://ppl.example", False),
        ("http://ppl.example:8080.evil.example", False),
        ("http://evil.example", False),
        ("http://ppl.example:8080@evil.example", False),
        ("http://ppl.example:8080/", False),
        ("null", False),
        ("", False),
        ("http://ppl.example:8080,http://evil.example", False),
        ("file://", False),
    ],
)
def test_without_a_public_url_only_pages_of_the_address_asked_for_are_own(origin: str | None, allowed: bool) -> None:
    assert OriginPolicy(None).allowed(origin, HOST, secure=False) is allowed


def test_default_ports_need_not_be_written() -> None:
    policy = OriginPolicy(None)
    assert policy.allowed("http://ppl.example", "ppl.example:80", secure=False)
    assert policy.allowed("https://ppl.example", "ppl.example", secure=True)
    assert policy.allowed("https://ppl.example:443", "ppl.example", secure=True)
    assert not policy.allowed("http://ppl.example", "ppl.example", secure=True)


@pytest.mark.parametrize("host", ["[::1]:8080", "[2001:db8::1]"])
def test_ipv6_addresses_are_hosts(host: str) -> None:
    assert OriginPolicy(None).allowed(f"http://{host}", host, secure=False)


def test_with_a_public_url_only_its_pages_are_own_whatever_the_host_header_says() -> None:
    policy = OriginPolicy("https://logs.example.com")
    assert policy.allowed("https://logs.example.com", "127.0.0.1:8080", secure=False)
    assert policy.allowed("https://logs.example.com:443", "127.0.0.1:8080", secure=False)
    assert not policy.allowed("http://logs.example.com", "logs.example.com", secure=False)
    assert not policy.allowed("http://127.0.0.1:8080", "127.0.0.1:8080", secure=False)
    assert not policy.allowed("null", "logs.example.com", secure=True)


@pytest.mark.parametrize(
    ("origin", "fetch_site", "referer", "allowed"),
    [
        (f"http://{HOST}", None, None, True),
        (f"http://{HOST}", "same-origin", "http://evil.example/", True),
        ("http://evil.example", "same-origin", f"http://{HOST}/login", False),
        ("null", "same-origin", f"http://{HOST}/login", False),
        (None, "same-origin", None, True),
        (None, "none", None, True),
        (None, "same-site", None, False),
        (None, "cross-site", f"http://{HOST}/login", False),
        (None, None, f"http://{HOST}/login", True),
        (None, None, "http://evil.example/login", False),
        (None, None, f"http://evil.example/http://{HOST}/", False),
        (None, None, "http://[broken", False),
        (None, None, None, True),
    ],
)
def test_a_form_without_an_origin_is_told_by_fetch_site_then_by_referer(
    origin: str | None, fetch_site: str | None, referer: str | None, allowed: bool
) -> None:
    assert OriginPolicy(None).form_allowed(origin, fetch_site, referer, HOST, secure=False) is allowed


def test_an_origin_is_scheme_host_and_port() -> None:
    assert parse_origin("https://a.example") == ("https", "a.example", 443)
    assert parse_origin("http://[::1]:1") == ("http", "[::1]", 1)
    assert parse_origin("ftp://a.example") is None


@pytest.mark.parametrize("text", ["a b", "a/b", "a:b", "a@b", "", "a" * 300, "a:123456", "a,b"])
def test_a_malformed_host_is_no_host(text: str) -> None:
    assert not is_host(text)


@pytest.mark.parametrize(
    ("host", "is_known"),
    [
        ("logs.example.com", True),
        ("LOGS.example.com:8443", True),
        ("logs.example.com.", True),
        ("senders.example.com", True),
        ("machine", True),
        ("further.example.com:80", True),
        ("localhost:8080", True),
        ("ppl.localhost", True),
        ("127.0.0.1:8080", True),
        ("192.0.2.1", True),
        ("[::1]:8080", True),
        ("", True),
        ("evil.example", False),
        ("logs.example.com.evil.example", False),
        ("evil-localhost", False),
        ("127.0.0.1.evil.example", False),
    ],
)
def test_ppl_answers_to_its_own_names_only(host: str, is_known: bool) -> None:
    hosts = hosts_of("https://logs.example.com", "senders.example.com", "Machine", ("further.example.com",))
    assert hosts.has(host) == is_known
