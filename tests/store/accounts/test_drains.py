"""Drain tokens: created, listed and revoked by the owner of a destination only."""

from __future__ import annotations

import hashlib

import pytest
from pytest_twisted import ensureDeferred

from ppl.errors import TooManyDrains
from ppl.store.postgres import PostgresStore
from tests.store.members import admitted, register


def secret(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


@ensureDeferred
async def test_a_token_leads_to_its_destination_until_it_is_revoked(store: PostgresStore) -> None:
    account, destination = await register(store, "a@example.com")
    one = await store.create_drain(account.id, destination.id, secret("one"), "Heroku", 10)
    two = await store.create_drain(account.id, destination.id, secret("two"), "curl", 10)
    assert one is not None
    assert (one.destination_id, one.label) == (destination.id, "Heroku")
    assert await store.drains_of(account.id) == [one, two]
    assert await store.drained(secret("one")) == destination
    assert await store.delete_drain(account.id, one.id)
    assert not await store.delete_drain(account.id, one.id)
    assert await store.drained(secret("one")) is None
    assert await store.drained(secret("two")) == destination
    assert await store.drained(b"") is None


@ensureDeferred
async def test_only_the_owner_makes_sees_and_revokes_tokens(store: PostgresStore, dsn: str) -> None:
    owner, destination = await register(store, "a@example.com")
    member = await admitted(store, dsn, "b@example.com", destination)
    drain = await store.create_drain(owner.id, destination.id, secret("one"), "x", 10)
    assert drain is not None
    assert await store.create_drain(member.id, destination.id, secret("two"), "x", 10) is None
    assert await store.create_drain(owner.id, 10**15, secret("two"), "x", 10) is None
    assert await store.drains_of(member.id) == []
    assert not await store.delete_drain(member.id, drain.id)
    assert await store.drained(secret("one")) == destination


@ensureDeferred
async def test_a_destination_has_a_bounded_number_of_tokens(store: PostgresStore) -> None:
    account, destination = await register(store, "a@example.com")
    for name in ("one", "two"):
        assert await store.create_drain(account.id, destination.id, secret(name), name, 2)
    with pytest.raises(TooManyDrains, match="at most 2"):
        await store.create_drain(account.id, destination.id, secret("three"), "x", 2)
