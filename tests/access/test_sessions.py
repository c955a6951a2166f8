"""Authentication: reading cookies and bearer tokens, and finding their account."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_twisted
from hypothesis import given
from hypothesis import strategies as st

from ppl.access.secrets import is_secret, new_secret, secret_hash
from ppl.access.sessions import authenticate, bearer_secret, cookie_values
from ppl.model import SECOND
from ppl.services.clock import wall_clock
from ppl.store.interface import Store

SECRET = "a" * 43


@pytest.mark.parametrize(
    ("header", "values"),
    [
        (None, []),
        ("", []),
        (f"ppl_session={SECRET}", [SECRET]),
        (f"a=b; ppl_session={SECRET}; c=d", [SECRET]),
        (f"a=b,ppl_session={SECRET}", [SECRET]),
        (f"a=b , ppl_session={SECRET},c=d", [SECRET]),
        (f"ppl_session={SECRET}; ppl_session={SECRET}", [SECRET]),
        (f"ppl_session={SECRET}; ppl_session={'b' * 43}", [SECRET, "b" * 43]),
        (f"xppl_session={SECRET}", []),
        (f'ppl_session="{SECRET}"', []),
        ("ppl_session=guess", []),
        ("ppl_session", []),
    ],
)
def test_the_cookie_is_found_in_any_header_of_cookies(header: str | None, values: list[str]) -> None:
    assert cookie_values(header, "ppl_session") == values


def test_of_many_cookies_only_a_few_are_tried() -> None:
    assert len(cookie_values("; ".join(f"ppl_session={number:043d}" for number in range(1000)), "ppl_session")) == 4


@given(st.text())
def test_any_text_may_stand_in_the_headers(text: str) -> None:
    assert all(is_secret(value) for value in cookie_values(text, "ppl_session"))
    assert bearer_secret(text) is None or text.lower().startswith("bearer")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer  "])
def test_the_scheme_of_a_bearer_token_is_case_insensitive(scheme: str) -> None:
    assert bearer_secret(f"{scheme} {SECRET}") == SECRET


@pytest.mark.parametrize(
    "header", [None, "", SECRET, f"Basic {SECRET}", f"Bearer{SECRET}", "Bearer", f"Bearer {SECRET}x"]
)
def test_anything_else_is_no_bearer_token(header: str | None) -> None:
    assert bearer_secret(header) is None


async def _opened(store: Store, kind: Any, expires_in: int | None = 3600) -> str:
    known = await store.credentials("user@example.com")
    if known is None:
        await store.register("user@example.com", "hash", "UTC", "localhost", range(20000, 20010), only_first=False)
        known = await store.credentials("user@example.com")
    assert known is not None
    secret = new_secret()
    expires_at = None if expires_in is None else wall_clock() + expires_in * SECOND
    await store.create_session(known[0].id, secret_hash(secret), kind, "", expires_at)
    return secret


@pytest_twisted.ensureDeferred
async def test_a_browser_is_known_by_its_cookie(store: Store) -> None:
    secret = await _opened(store, "browser")
    for header in (
        f"ppl_session={secret}",
        f"a=b,ppl_session={SECRET},ppl_session={secret}",
        f"__Host-ppl_session={secret}",
    ):
        account = await authenticate(store, header, None)
        assert account is not None
        assert account.email == "user@example.com"


@pytest_twisted.ensureDeferred
async def test_a_program_is_known_by_its_bearer_token(store: Store) -> None:
    secret = await _opened(store, "token", None)
    assert await authenticate(store, None, f"bearer {secret}")


@pytest_twisted.ensureDeferred
async def test_cookies_and_tokens_do_not_stand_in_for_each_other(store: Store) -> None:
    browser, token = await _opened(store, "browser"), await _opened(store, "token")
    assert await authenticate(store, f"ppl_session={token}", None) is None
    assert await authenticate(store, None, f"Bearer {browser}") is None
    assert await authenticate(store, f"ppl_session={browser}", "Bearer guess") is None
    assert await authenticate(store, f"ppl_session={browser}", "Basic cHJveHk6cHJveHk="), "a proxy's scheme"


@pytest_twisted.ensureDeferred
async def test_the_prefixed_cookie_alone_counts_where_there_is_one(store: Store) -> None:
    secret = await _opened(store, "browser")
    assert await authenticate(store, f"__Host-ppl_session={SECRET}; ppl_session={secret}", None) is None


@pytest_twisted.ensureDeferred
async def test_an_expired_or_unknown_secret_authenticates_nobody(store: Store) -> None:
    expired = await _opened(store, "browser", -1)
    assert await authenticate(store, f"ppl_session={expired}", None) is None
    assert await authenticate(store, f"ppl_session={new_secret()}", f"Bearer {new_secret()}") is None
    assert await authenticate(store, None, None) is None
