"""Passwords, secrets and the headers that carry them."""

from __future__ import annotations

import hashlib
import time
from typing import Any

import pytest
import pytest_twisted
from argon2 import extract_parameters
from argon2.low_level import Type
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults

from ppl.access.credentials import (
    Passwords,
    TooBusy,
    authenticate,
    bearer_secret,
    cookie_values,
    csrf_token,
    csrf_token_matches,
    is_secret,
    new_secret,
    secret_hash,
)
from ppl.model import SECOND
from ppl.services.clock import wall_clock
from ppl.store.interface import Store
from tests.fixtures.hashing import QUICK

SECRET = "a" * 43


# Passwords


@pytest_twisted.ensureDeferred
async def test_a_password_is_hashed_with_argon2id() -> None:
    password_hash = await Passwords(reactor).hash("correct horse")
    parameters = extract_parameters(password_hash)
    assert parameters.type is Type.ID
    assert parameters.memory_cost >= 19 * 1024, "OWASP's least"
    assert "correct" not in password_hash


@pytest_twisted.ensureDeferred
async def test_only_the_same_password_verifies() -> None:
    passwords = Passwords(reactor, hasher=QUICK)
    password_hash = await passwords.hash("correct horse")
    assert await passwords.verify(password_hash, "correct horse")
    assert not await passwords.verify(password_hash, "Correct horse")
    assert not await passwords.verify(password_hash, "")


@pytest_twisted.ensureDeferred
async def test_a_password_is_the_same_however_its_letters_were_composed() -> None:
    passwords = Passwords(reactor, hasher=QUICK)
    assert await passwords.verify(await passwords.hash("caf\u00e9 caf\u00e9"), "cafe\u0301 cafe\u0301")


@pytest_twisted.ensureDeferred
async def test_the_password_of_nobody_takes_the_time_of_a_wrong_one() -> None:
    passwords = Passwords(reactor)
    password_hash = await passwords.hash("correct horse")

    async def took(stored: str | None) -> float:
        started = time.perf_counter()
        assert not await passwords.verify(stored, "wrong horse")
        return time.perf_counter() - started

    known = min([await took(password_hash) for _ in range(3)])
    unknown = min([await took(None) for _ in range(3)])
    assert known / 3 < unknown < known * 3


@pytest_twisted.ensureDeferred
async def test_a_hash_of_older_parameters_wants_a_new_one() -> None:
    assert Passwords(reactor).needs_rehash(await Passwords(reactor, hasher=QUICK).hash("correct horse"))


@pytest_twisted.ensureDeferred
async def test_a_broken_hash_verifies_nothing(nothing_left_behind: list[str]) -> None:
    assert not await Passwords(reactor).verify("no hash", "no hash")
    assert len(nothing_left_behind) == 1
    assert "not Argon2" in nothing_left_behind.pop()


@pytest_twisted.ensureDeferred
async def test_beyond_a_bounded_queue_passwords_are_refused() -> None:
    passwords = Passwords(reactor, at_once=1, hasher=QUICK)
    doing = [Deferred.fromCoroutine(passwords.hash("correct horse")) for _ in range(33)]
    with pytest.raises(TooBusy):
        await passwords.hash("one too many")
    assert len(set(await gatherResults(doing))) == 33, "each has its own salt"


# Secrets and form tokens


def test_secrets_are_random_and_long() -> None:
    made = {new_secret() for _ in range(100)}
    assert len(made) == 100
    assert all(is_secret(secret) for secret in made)


def test_a_form_token_belongs_to_one_secret_and_does_not_show_it() -> None:
    secret = new_secret()
    token = csrf_token(secret)
    assert csrf_token_matches(secret, token)
    assert not csrf_token_matches(new_secret(), token)
    assert not csrf_token_matches(secret, "")
    assert not csrf_token_matches(secret, "ü\ud800")
    assert secret not in token
    assert token.encode() not in secret_hash(secret)


# Headers


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


# Who is it


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
    assert await authenticate(store, f"ppl_session={browser}", "Basic cHJveHk6cHJveHk="), "a proxy's business"


@pytest_twisted.ensureDeferred
async def test_the_prefixed_cookie_alone_counts_where_there_is_one(store: Store) -> None:
    secret = await _opened(store, "browser")
    assert await authenticate(store, f"__Host-ppl_session={SECRET}; ppl_session={secret}", None) is None


@pytest_twisted.ensureDeferred
async def test_what_has_expired_or_was_never_given_is_nobody(store: Store) -> None:
    expired = await _opened(store, "browser", -1)
    assert await authenticate(store, f"ppl_session={expired}", None) is None
    assert await authenticate(store, f"ppl_session={new_secret()}", f"Bearer {new_secret()}") is None
    assert await authenticate(store, None, None) is None


def test_the_store_gets_the_sha_256_of_a_secret() -> None:
    assert secret_hash(SECRET) == hashlib.sha256(SECRET.encode()).digest()
