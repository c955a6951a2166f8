"""Saved searches: shared by all accounts that may read the destination, and by no others."""

from __future__ import annotations

import attrs
import pytest
from pytest_twisted import ensureDeferred
from twisted.internet.defer import Deferred, DeferredList

from ppl.errors import AlreadyExists, TooManySaved
from ppl.model import Account, Destination
from ppl.store.interface import SavedSearch
from ppl.store.postgres import PostgresStore
from tests.fixtures.database import execute
from tests.store.members import admitted, register


async def saved(store: PostgresStore, account: Account, destination: Destination, name: str) -> SavedSearch:
    made = await store.save_search(account.id, destination.id, name, "severity:err", 10)
    assert made is not None
    return made


@ensureDeferred
async def test_all_members_have_the_saved_searches_of_each_by_name(store: PostgresStore, dsn: str) -> None:
    owner, destination = await register(store, "a@example.com")
    member = await admitted(store, dsn, "b@example.com", destination)
    errors = await saved(store, member, destination, "errors")
    backups = await saved(store, owner, destination, "Backups")
    assert (errors.destination_id, errors.query, errors.saved_by) == (destination.id, "severity:err", "b@example.com")
    assert await store.saved_searches(owner.id) == [backups, errors]
    assert await store.saved_searches(member.id) == [backups, errors]
    assert await store.change_saved(owner.id, errors.id, "all errors", None)
    assert [each.name for each in await store.saved_searches(member.id)] == ["all errors", "Backups"]
    assert await store.delete_saved(member.id, backups.id)
    assert not await store.delete_saved(member.id, backups.id)
    assert [each.id for each in await store.saved_searches(owner.id)] == [errors.id]


@ensureDeferred
async def test_a_changed_query_belongs_to_the_account_that_changed_it(store: PostgresStore, dsn: str) -> None:
    owner, destination = await register(store, "a@example.com")
    member = await admitted(store, dsn, "b@example.com", destination)
    mine = await saved(store, owner, destination, "errors")
    assert await store.change_saved(member.id, mine.id, "Errors", mine.query) == attrs.evolve(mine, name="Errors")
    changed = await store.change_saved(member.id, mine.id, "errors", "severity:>=err")
    assert changed is not None
    assert (changed.id, changed.name, changed.query) == (mine.id, "errors", "severity:>=err")
    assert changed.saved_by == "b@example.com"
    assert changed.created_at >= mine.created_at
    assert await store.saved_searches(owner.id) == [changed]


@ensureDeferred
async def test_nobody_else_sees_saves_renames_or_deletes_saved_searches(store: PostgresStore) -> None:
    owner, destination = await register(store, "a@example.com")
    stranger, _ = await register(store, "b@example.com")
    mine = await saved(store, owner, destination, "errors")
    assert await store.save_search(stranger.id, destination.id, "x", "y", 10) is None
    assert await store.save_search(owner.id, 10**15, "x", "y", 10) is None
    assert await store.saved_searches(stranger.id) == []
    assert not await store.change_saved(stranger.id, mine.id, "x", "y")
    assert not await store.delete_saved(stranger.id, mine.id)
    assert not await store.change_saved(owner.id, 10**15, "x", "y")
    assert await store.saved_searches(owner.id) == [mine]


@ensureDeferred
async def test_a_name_is_taken_once_in_a_destination_whatever_its_case(store: PostgresStore) -> None:
    owner, destination = await register(store, "a@example.com")
    other, elsewhere = await register(store, "b@example.com")
    errors = await saved(store, owner, destination, "Errors")
    await saved(store, other, elsewhere, "errors")
    with pytest.raises(AlreadyExists):
        await saved(store, owner, destination, "errors")
    slow = await saved(store, owner, destination, "slow")
    with pytest.raises(AlreadyExists):
        await store.change_saved(owner.id, slow.id, "ERRORS", None)
    assert await store.change_saved(owner.id, errors.id, "ERRORS", None), "its own name in another case"


@ensureDeferred
async def test_a_destination_has_a_bounded_number_also_when_many_save_at_once(store: PostgresStore) -> None:
    owner, destination = await register(store, "a@example.com")
    saving = [
        Deferred.fromCoroutine(store.save_search(owner.id, destination.id, f"name {number}", "x", 2))
        for number in range(6)
    ]
    outcomes = await DeferredList(saving, consumeErrors=True)
    refused = [failure for success, failure in outcomes if not success]
    assert len(refused) == 4
    assert all(failure.check(TooManySaved) for failure in refused)
    assert len(await store.saved_searches(owner.id)) == 2


@ensureDeferred
async def test_what_an_account_saved_stays_when_the_account_goes(store: PostgresStore, dsn: str) -> None:
    owner, destination = await register(store, "a@example.com")
    member = await admitted(store, dsn, "b@example.com", destination)
    await saved(store, member, destination, "errors")
    execute(dsn, "DELETE FROM account WHERE id = %s", [member.id])
    assert [each.saved_by for each in await store.saved_searches(owner.id)] == [""]


@ensureDeferred
async def test_every_key_begins_with_the_destination(store: PostgresStore, dsn: str) -> None:
    keys = execute(
        dsn,
        "SELECT attname FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]"
        " WHERE indrelid = 'saved_search'::regclass AND indisunique",
    )
    assert keys == [("destination_id",), ("destination_id",)]
