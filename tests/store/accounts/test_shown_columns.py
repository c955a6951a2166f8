"""Columns belong to an account: each chooses its own, of the destinations that it may read."""

from __future__ import annotations

from pytest_twisted import ensureDeferred

from ppl.store.postgres import PostgresStore
from tests.fixtures.database import execute
from tests.store.members import admitted, register


@ensureDeferred
async def test_each_account_has_its_own_columns(store: PostgresStore, dsn: str) -> None:
    owner, destination = await register(store, "a@example.com")
    member = await admitted(store, dsn, "b@example.com", destination)
    assert await store.columns_of(owner.id) == {}
    assert await store.set_columns(owner.id, destination.id, ["status", "user.id"])
    assert await store.set_columns(member.id, destination.id, ["duration"])
    assert await store.columns_of(owner.id) == {destination.id: ("status", "user.id")}
    assert await store.columns_of(member.id) == {destination.id: ("duration",)}
    assert await store.set_columns(owner.id, destination.id, ["user.id", "status"])
    assert await store.columns_of(owner.id) == {destination.id: ("user.id", "status")}
    assert await store.set_columns(owner.id, destination.id, [])
    assert await store.columns_of(owner.id) == {}
    assert await store.columns_of(member.id) == {destination.id: ("duration",)}


@ensureDeferred
async def test_columns_are_only_of_destinations_that_the_account_may_read(store: PostgresStore, dsn: str) -> None:
    owner, destination = await register(store, "a@example.com")
    stranger, _ = await register(store, "b@example.com")
    member = await admitted(store, dsn, "c@example.com", destination)
    assert not await store.set_columns(stranger.id, destination.id, ["status"])
    assert not await store.set_columns(owner.id, 10**15, ["status"])
    assert await store.set_columns(member.id, destination.id, ["status"])
    execute(dsn, "DELETE FROM membership WHERE account_id = %s", [member.id])
    assert await store.columns_of(member.id) == {}
