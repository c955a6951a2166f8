"""Marks: shared by all accounts that may read the destination, and by no others; notes outlive their events."""

from __future__ import annotations

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet.defer import Deferred, DeferredList

from ppl.errors import TooManyMarks
from ppl.model import SECOND, Account, Destination
from ppl.store.interface import Mark
from ppl.store.postgres import PostgresStore
from tests.fixtures.database import execute
from tests.store.members import admitted, register
from tests.store.samples import T0, events


async def marked(
    store: PostgresStore, account: Account, destination: Destination, event_id: int, note: str = "why?"
) -> Mark:
    made = await store.mark(account.id, destination.id, event_id, note, 10)
    assert made is not None
    return made


@ensureDeferred
async def test_all_members_have_the_marks_of_each_newest_event_first(store: PostgresStore, dsn: str) -> None:
    owner, destination = await register(store, "a@example.com")
    member = await admitted(store, dsn, "b@example.com", destination)
    early = await marked(store, member, destination, 5)
    late = await marked(store, owner, destination, 9, "<b>")
    assert (early.destination_id, early.event_id, early.note) == (destination.id, 5, "why?")
    assert (early.marked_by, late.marked_by) == ("b@example.com", "a@example.com")
    assert await store.marks(owner.id) == [late, early]
    assert await store.marks(member.id) == [late, early]
    assert await store.mark_of(destination.id, 5) == early
    assert await store.mark_of(destination.id, 6) is None
    assert await store.unmark(member.id, late.id) == late
    assert await store.unmark(member.id, late.id) is None
    assert await store.marks(owner.id) == [early]


@ensureDeferred
async def test_an_event_that_is_marked_again_has_the_later_note_and_its_author(store: PostgresStore, dsn: str) -> None:
    owner, destination = await register(store, "a@example.com")
    member = await admitted(store, dsn, "b@example.com", destination)
    first = await marked(store, owner, destination, 5)
    again = await marked(store, member, destination, 5, "here it began")
    assert (again.id, again.note, again.marked_by) == (first.id, "here it began", "b@example.com")
    changed = await store.change_mark(owner.id, first.id, "")
    assert changed is not None
    assert (changed.note, changed.marked_by) == ("", "a@example.com")
    assert await store.marks(member.id) == [changed]


@ensureDeferred
async def test_nobody_else_sees_makes_changes_or_removes_marks(store: PostgresStore) -> None:
    owner, destination = await register(store, "a@example.com")
    stranger, elsewhere = await register(store, "b@example.com")
    mine = await marked(store, owner, destination, 5)
    assert await store.mark(stranger.id, destination.id, 5, "x", 10) is None
    assert await store.mark(owner.id, 10**15, 5, "x", 10) is None
    assert await store.change_mark(stranger.id, mine.id, "x") is None
    assert await store.unmark(stranger.id, mine.id) is None
    assert await store.marks(stranger.id) == []
    assert await store.mark_of(elsewhere.id, 5) is None
    assert await store.marks(owner.id) == [mine]


@ensureDeferred
async def test_a_destination_has_a_bounded_number_also_when_many_mark_at_once(store: PostgresStore) -> None:
    owner, destination = await register(store, "a@example.com")
    marking = [Deferred.fromCoroutine(store.mark(owner.id, destination.id, event_id, "x", 2)) for event_id in range(6)]
    outcomes = await DeferredList(marking, consumeErrors=True)
    refused = [failure for success, failure in outcomes if not success]
    assert len(refused) == 4
    assert all(failure.check(TooManyMarks) for failure in refused)
    first, _ = await store.marks(owner.id)
    changed = await store.mark(owner.id, destination.id, first.event_id, "no further one", 2)
    assert changed is not None, "a marked event can get another note"
    with pytest.raises(TooManyMarks):
        await store.mark(owner.id, destination.id, 99, "x", 2)


@ensureDeferred
async def test_marks_stay_when_the_account_goes_and_go_with_their_destination(store: PostgresStore, dsn: str) -> None:
    owner, destination = await register(store, "a@example.com")
    member = await admitted(store, dsn, "b@example.com", destination)
    await marked(store, member, destination, 5)
    execute(dsn, "DELETE FROM account WHERE id = %s", [member.id])
    assert [each.marked_by for each in await store.marks(owner.id)] == [""]
    execute(dsn, "DELETE FROM destination WHERE id = %s", [destination.id])
    assert execute(dsn, "SELECT count(*) FROM mark") == [(0,)]


@ensureDeferred
async def test_excerpts_are_the_beginnings_of_what_is_still_kept(store: PostgresStore) -> None:
    _, destination = await register(store, "a@example.com")
    _, elsewhere = await register(store, "b@example.com")
    await store.append([events(T0, ["long " * 100, "short"], destination)])
    found = await store.excerpts(destination.id, [T0, T0 + 1, T0 + 90 * SECOND], 7)
    assert {id_: event.message for id_, event in found.items()} == {T0: "long lo", T0 + 1: "short"}
    fields = {"structured_data": ["[a@1 b=1]", "[a@1 b=1]"], "msgid": ["ID", "ID"]}
    await store.append([events(T0 + 9, ["text", ""], destination, **fields)])
    found = await store.excerpts(destination.id, [T0 + 9, T0 + 10], 7)
    assert [found[T0 + at].structured_data for at in (9, 10)] == ["", "[a@1 b="], "it stands in for a missing message"
    assert await store.excerpts(elsewhere.id, [T0], 7) == {}
    assert await store.excerpts(destination.id, [], 7) == {}


@ensureDeferred
async def test_every_key_begins_with_the_destination(store: PostgresStore, dsn: str) -> None:
    keys = execute(
        dsn,
        "SELECT attname FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]"
        " WHERE indrelid = 'mark'::regclass AND indisunique",
    )
    assert keys == [("destination_id",), ("destination_id",)]
