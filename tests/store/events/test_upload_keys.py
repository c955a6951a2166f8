"""The keys of uploads: stored with their lines or not at all, read back by destination and kind, and forgotten."""

from __future__ import annotations

import struct

import attrs
import pytest
from pytest_twisted import ensureDeferred

from ppl.model import DAY, SECOND, Destination, Events, UploadKeys
from ppl.store.connecting.pool import Pool
from ppl.store.events.upload_keys import recall_keys
from ppl.store.postgres import PostgresStore
from ppl.store.upkeep.retention import Retention
from tests.fixtures.database import execute
from tests.store.samples import HERE, T0, events

THERE = Destination(2, "logs.example.com", 20001, "+00:00")


@pytest.fixture(params=[10**9, 1], ids=["INSERT", "COPY"])
def copy_events(request: pytest.FixtureRequest) -> int:
    """Both ways of storing a batch."""
    return int(request.param)


def keyed(first_id: int, kind: str, numbers: dict[tuple[str, int], int], *digests: int, **more: Destination) -> Events:
    """An event with such keys, which are kept for ten seconds."""
    keys = UploadKeys(kind, 10 * SECOND, numbers, struct.pack(f"<{len(digests)}Q", *digests))
    return attrs.evolve(events(first_id, ["x"], **more), keys=keys)


def digests(keys: UploadKeys) -> list[int]:
    return [each[0] for each in struct.iter_unpack("<Q", keys.digests)]


@ensureDeferred
async def test_keys_are_read_back_by_destination_and_kind(store: PostgresStore) -> None:
    odd, top = "it's \\ 100% \0 \ud800 Ä", (1 << 256) - 1
    await store.append(
        [
            keyed(T0, "a", {("s", 0): 1, (odd, (1 << 56) - 1): top}, 7, (1 << 64) - 1),
            keyed(T0 + 1, "a", {("s", 0): 1 << 255, ("s", 1): 2}, 8),
            events(T0 + 2, ["no keys"]),
            keyed(T0 + 3, "systemd's %s", {("s", 0): 4}),
            keyed(T0, "a", {("s", 0): 8}, 9, destination=THERE),
        ]
    )
    await store.append([keyed(T0 + 4, "a", {("s", 0): 16})])
    found = await store.upload_keys(HERE.id, "a")
    assert found.numbers == {("s", 0): 1 | 1 << 255 | 16, ("s", 1): 2, (odd, (1 << 56) - 1): top}
    assert digests(found) == [7, (1 << 64) - 1, 8]
    assert (await store.upload_keys(HERE.id, "systemd's %s")).numbers == {("s", 0): 4}
    found = await store.upload_keys(THERE.id, "a")
    assert (found.numbers, digests(found)) == ({("s", 0): 8}, [9])
    assert not (await store.upload_keys(HERE.id, "b")).numbers


@ensureDeferred
async def test_lines_that_are_not_stored_leave_no_keys(store: PostgresStore) -> None:
    await store.append([keyed(T0, "a", {("s", 0): 1})])
    taken = attrs.evolve(events(T0, ["other"]), keys=UploadKeys("a", SECOND, {("s", 0): 2}, b""))
    with pytest.raises(Exception, match="belong to other events"):
        await store.append([taken])
    await store.append([keyed(T0, "a", {("s", 0): 1})])
    assert (await store.upload_keys(HERE.id, "a")).numbers == {("s", 0): 1}


@ensureDeferred
async def test_the_keys_of_a_batch_with_a_refused_event_are_stored(
    store: PostgresStore, nothing_left_behind: list[str]
) -> None:
    bad = attrs.evolve(
        events(T0, ["a", "bad"], created_at=[None, 1 << 70]), keys=UploadKeys("a", 1, {("s", 0): 3}, b"")
    )
    await store.append([bad, keyed(T0 + 2, "a", {("s", 0): 4}, 5)])
    found = await store.upload_keys(HERE.id, "a")
    assert (found.numbers, digests(found)) == ({("s", 0): 7}, [5])
    assert [event.message for event in (await store.newest(HERE.id, 9)).events] == ["a", "x"]
    nothing_left_behind.clear()


@ensureDeferred
async def test_the_newest_keys_are_read_the_oldest_of_them_first(store: PostgresStore, pool: Pool) -> None:
    for number in range(6):
        await store.append([keyed(T0 + number, "a", {}, *[number] * 1000)])
    await store.append([keyed(T0 + 9, "a", {("s", 0): 1})])
    found = await recall_keys(pool, HERE.id, "a", 20_000)
    assert digests(found) == [4] * 1000 + [5] * 1000
    assert found.numbers == {("s", 0): 1}


@ensureDeferred
async def test_keys_go_when_their_time_is_over(store: PostgresStore, pool: Pool, dsn: str) -> None:
    await store.append([keyed(T0, "a", {("s", 0): 1}, 7), keyed(T0 + 5 * SECOND, "a", {("s", 0): 2, ("s", 1): 1}, 8)])
    await Retention(pool, lambda: T0 + 12 * SECOND, 7).run()
    found = await store.upload_keys(HERE.id, "a")
    assert (found.numbers, digests(found)) == ({("s", 0): 3, ("s", 1): 1}, [8]), "what was used again is kept"
    await Retention(pool, lambda: T0 + DAY, None).run()
    assert execute(dsn, "SELECT count(*) FROM upload_key") == [(0,)]
