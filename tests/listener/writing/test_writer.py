"""From parsed lines to committed events: ids, batches, order, backpressure, and no loss while the store is away."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_twisted
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs, formatEvent

from ppl.errors import IdConflict, StatementTimeout, StoreUnavailable
from ppl.listener.writing.ids import IdSequence
from ppl.listener.writing.queue import EXPRESS_EVENTS
from ppl.listener.writing.writer import STOP_SECONDS_UNANSWERED, BatchEvents, Writer
from ppl.model import DAY, MINUTE
from ppl.services.clock import wall_clock
from tests.listener.conftest import MakeDestination, MakeReceiving
from tests.listener.receiving import GatedStore, Held, lines, messages
from tests.listener.told_store import DESTINATIONS, ToldStore
from tests.waiting import turns, until


@given(st.lists(st.tuples(st.integers(-(10**9), 10**9), st.integers(1, 1000), st.booleans()), max_size=50))
def test_ids_increase_strictly_whatever_the_clock_does_and_over_restarts(steps: list[tuple[int, int, bool]]) -> None:
    now, last = 1_790_000_000_000_000, 0
    ids = IdSequence(lambda: now, {})
    for jump, count, restart in steps:
        now += jump
        if restart:
            ids = IdSequence(lambda: now, {1: last})  # noqa: B023
        first = ids.take(1, count)
        assert first > last
        assert first >= min(now, last + 1)
        last = first + count - 1


def test_ids_tell_how_far_they_are_ahead_of_the_clock() -> None:
    ids = IdSequence(lambda: 100, {1: 500})
    ids.take(1, 3)
    assert ids.ahead == 401
    ids.take(2, 3)
    assert ids.ahead == 0


def test_each_destination_has_its_own_sequence() -> None:
    ids = IdSequence(lambda: 100, {1: 500})
    assert (ids.take(1, 3), ids.take(2, 2), ids.take(2, 1), ids.take(1, 1)) == (501, 100, 102, 504)


@pytest_twisted.ensureDeferred
async def test_what_is_committed_is_announced_in_order(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    destination, receiving = await make_destination(), await make_receiving(store)
    for number in range(50):
        receiving.writer.submit(destination, "192.0.2.1", lines(f"{number} a", f"{number} b"), 10, Held())
    await until(lambda: sum(map(len, receiving.announced)) == 100, "every event announced")
    announced = [event for events in receiving.announced for event in events]
    assert [event.message for event in announced] == [f"{number} {part}" for number in range(50) for part in "ab"]
    ids = [event.id for event in announced]
    assert ids == sorted(set(ids))
    assert await messages(store, destination) == [event.message for event in announced]
    assert (receiving.writer.waiting_events, receiving.writer.waiting_bytes) == (0, 0)


@pytest_twisted.ensureDeferred
async def test_batches_grow_with_the_load(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    gated = GatedStore(store)
    destination, receiving = await make_destination(), await make_receiving(gated)
    gated.shut = True
    for number in range(20):
        receiving.writer.submit(destination, "192.0.2.1", lines(str(number)), 10, Held())
    gated.open()
    await until(lambda: sum(map(len, receiving.announced)) == 20, "every event")
    assert gated.batches == [1, 19]


@pytest_twisted.ensureDeferred
async def test_a_batch_sent_ahead_becomes_visible_after_the_one_before_it(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    gated = GatedStore(store)
    destination, receiving = await make_destination(), await make_receiving(gated, batch_events=BatchEvents(ahead=3))
    gated.shut = True
    receiving.writer.submit(destination, "192.0.2.1", lines("first"), 10, Held())
    gated.shut = False
    for number in range(6):
        receiving.writer.submit(destination, "192.0.2.1", lines(f"ahead {number}"), 10, Held())
    await turns(20)
    assert gated.batches[:2] == [1, 3]
    assert await messages(store, destination) == []
    gated.open()
    await until(lambda: sum(map(len, receiving.announced)) == 7, "every event")
    assert await messages(store, destination) == ["first", *(f"ahead {number}" for number in range(6))]


@pytest_twisted.ensureDeferred
async def test_the_next_batch_is_sent_ahead_though_nothing_more_comes(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    gated, few = GatedStore(store), BatchEvents(most=3, ahead=3)
    destination, receiving = await make_destination(), await make_receiving(gated, batch_events=few)
    gated.shut = True
    for number in range(7):
        receiving.writer.submit(destination, "192.0.2.1", lines(str(number)), 10, Held())
    assert gated.batches == [1, 3]
    gated.let_one_through()
    await until(lambda: receiving.announced, "the first commit")
    assert gated.batches == [1, 3, 3], "the third is sent while the second commits: sources may be held by now"
    gated.open()
    await until(lambda: sum(map(len, receiving.announced)) == 7, "every event")
    assert await messages(store, destination) == [str(number) for number in range(7)]


@pytest_twisted.ensureDeferred
async def test_a_batch_sent_ahead_that_fails_is_sent_again_in_its_turn(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    gated = GatedStore(store)
    destination, receiving = await make_destination(), await make_receiving(gated, batch_events=BatchEvents(ahead=3))
    gated.shut = True
    receiving.writer.submit(destination, "192.0.2.1", lines("first"), 10, Held())
    gated.shut, gated.errors = False, [StoreUnavailable("lost")]
    receiving.writer.submit(destination, "192.0.2.1", lines("a", "b", "c"), 10, Held())
    await turns(5)
    gated.open()
    await until(lambda: sum(map(len, receiving.announced)) == 4, "every event")
    assert await messages(store, destination) == ["first", "a", "b", "c"]


@pytest_twisted.ensureDeferred
async def test_a_store_that_is_away_is_tried_until_it_is_back_and_nothing_is_lost_or_doubled(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving, nothing_left_behind: list[str]
) -> None:
    gated = GatedStore(store)
    destination, receiving = await make_destination(), await make_receiving(gated)
    gated.errors = [StoreUnavailable("away")] * 3
    for number in range(10):
        receiving.writer.submit(destination, "192.0.2.1", lines(str(number)), 10, Held())
    await until(lambda: sum(map(len, receiving.announced)) == 10, "every event")
    assert await messages(store, destination) == [str(number) for number in range(10)]
    (said,) = nothing_left_behind
    assert "wait in memory" in said
    nothing_left_behind.clear()


@pytest_twisted.ensureDeferred
async def test_two_lanes_that_fail_in_the_same_moment_both_go_on(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving, nothing_left_behind: list[str]
) -> None:
    gated = GatedStore(store)
    loud, quiet = await make_destination(), await make_destination()
    receiving = await make_receiving(gated)
    gated.shut = True
    receiving.writer.submit(loud, "192.0.2.1", lines("under way"), 10, Held())
    receiving.writer.submit(quiet, "192.0.2.2", lines("beside it"), 10, Held())
    assert gated.given == [{loud.id}, {quiet.id}]
    gated.errors = [StoreUnavailable("PostgreSQL ends all backends when one is killed")] * 4
    gated.open()
    await until(lambda: sum(map(len, receiving.announced)) == 2, "both lanes try again")
    await receiving.writer.stopService()
    assert await messages(store, loud) == ["under way"]
    assert await messages(store, quiet) == ["beside it"]
    (said,) = nothing_left_behind
    assert "wait in memory" in said, "said once for both"
    nothing_left_behind.clear()


@pytest_twisted.ensureDeferred
async def test_a_batch_whose_new_ids_cannot_be_read_yet_is_not_lost(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving, nothing_left_behind: list[str]
) -> None:
    class Slow(GatedStore):
        slow = 0

        async def last_ids(self) -> dict[int, int]:
            self.slow -= 1
            if self.slow >= 0:
                raise StatementTimeout("PostgreSQL was frozen and ends what it was asked before")
            return await store.last_ids()

    gated = Slow(store)
    destination, receiving = await make_destination(), await make_receiving(gated)
    gated.slow, gated.errors = 1, [IdConflict("taken"), IdConflict("taken")]
    acknowledged: list[bool] = []
    receiving.writer.submit(destination, "192.0.2.1", lines("a"), 10, Held(), lambda: acknowledged.append(True))
    await until(lambda: acknowledged, "the sender is answered")
    assert await messages(store, destination) == ["a"]
    assert receiving.writer.waiting_bytes == 0
    nothing_left_behind.clear()


@pytest_twisted.ensureDeferred
async def test_taken_ids_are_renewed_for_all_that_waits(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving, nothing_left_behind: list[str]
) -> None:
    gated = GatedStore(store)
    destination, receiving = await make_destination(), await make_receiving(gated)
    gated.shut, gated.errors = True, [IdConflict("taken")]
    for number in range(5):
        receiving.writer.submit(destination, "192.0.2.1", lines(str(number)), 10, Held())
    gated.open()
    await until(lambda: sum(map(len, receiving.announced)) == 5, "every event")
    assert await messages(store, destination) == [str(number) for number in range(5)]
    assert "Two listeners" in nothing_left_behind.pop()


@pytest_twisted.ensureDeferred
async def test_sources_are_held_when_too_much_waits_and_go_on_below_half(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    gated = GatedStore(store)
    destination, receiving = await make_destination(), await make_receiving(gated, queue_bytes=20_000)
    gated.shut = True
    early, late = Held(), Held()
    receiving.writer.submit(destination, "192.0.2.1", lines("x"), 5_000, early)
    assert not early.held
    receiving.writer.submit(destination, "192.0.2.1", lines("y"), 15_000, late)
    assert (early.held, late.held) == (False, True)
    receiving.writer.submit(destination, "192.0.2.1", lines("z"), 1, early)
    assert early.held
    gated.open()
    await until(lambda: not early.held and not late.held, "both go on")
    await until(lambda: len(receiving.announced) == 3, "every event")


@pytest_twisted.ensureDeferred
async def test_a_flood_delays_another_destination_by_no_more_than_the_batch_under_way(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    gated = GatedStore(store)
    loud, quiet = await make_destination(), await make_destination()
    receiving = await make_receiving(gated, batch_events=BatchEvents(most=10, ahead=10_000))
    gated.shut = True
    for number in range(100):
        receiving.writer.submit(loud, "192.0.2.1", lines(str(number)), 10, Held())
    receiving.writer.submit(quiet, "192.0.2.2", lines("quiet"), 10, Held())
    assert gated.given == [{loud.id}, {quiet.id}], "at the store beside the batch under way, before any other"
    gated.open()
    await until(lambda: sum(map(len, receiving.announced)) == 101, "every event")


@pytest_twisted.ensureDeferred
async def test_who_sends_little_waits_for_nobodys_batch(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    gated = GatedStore(store)
    loud, quiet = await make_destination(), await make_destination()
    receiving = await make_receiving(gated)
    gated.shut = True
    receiving.writer.submit(loud, "192.0.2.1", lines("under way"), 10, Held())
    gated.shut = False
    receiving.writer.submit(loud, "192.0.2.1", lines("waits for its turn"), 10, Held())
    for number in range(3):
        receiving.writer.submit(quiet, "192.0.2.2", lines(str(number)), 10, Held())
    await until(lambda: sum(map(len, receiving.announced)) == 3, "the quiet one's events")
    assert await messages(store, quiet) == ["0", "1", "2"]
    assert await messages(store, loud) == []
    gated.open()
    await until(lambda: sum(map(len, receiving.announced)) == 5, "every event")
    assert await messages(store, loud) == ["under way", "waits for its turn"]


@pytest_twisted.ensureDeferred
async def test_all_that_gathers_while_the_express_lane_is_busy_is_its_next_batch(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    gated = GatedStore(store)
    loud, *quiet = [await make_destination() for _ in range(3)]
    receiving = await make_receiving(gated)
    gated.shut = True
    receiving.writer.submit(loud, "192.0.2.1", lines("under way"), 10, Held())
    for number in range(10):
        for destination in quiet:
            receiving.writer.submit(destination, "192.0.2.2", lines(str(number)), 10, Held())
    gated.let_one_through(1)
    await until(lambda: len(gated.given) == 3, "the express lane's second batch")
    gated.open()
    await until(lambda: sum(map(len, receiving.announced)) == 21, "every event")
    for destination in quiet:
        assert await messages(store, destination) == [str(number) for number in range(10)]
    assert len(gated.given) == 3


@pytest_twisted.ensureDeferred
async def test_a_destination_in_the_express_lane_stays_in_order_when_it_begins_to_flood(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    gated = GatedStore(store)
    loud, other = await make_destination(), await make_destination()
    receiving = await make_receiving(gated)
    gated.shut = True
    receiving.writer.submit(loud, "192.0.2.1", lines("under way"), 10, Held())
    receiving.writer.submit(other, "192.0.2.2", lines("first"), 10, Held())
    gated.shut = False
    flood = [str(number) for number in range(EXPRESS_EVENTS + 1)]
    receiving.writer.submit(other, "192.0.2.2", lines(*flood), 10, Held())
    gated.let_one_through()
    await until(lambda: len(receiving.announced) == 1, "the main lane's batch")
    await turns(20)
    assert await messages(store, other) == [], "its first event is not committed yet"
    gated.let_one_through()
    await until(lambda: sum(map(len, receiving.announced)) == 2 + len(flood), "every event")
    assert await messages(store, other) == ["first", *flood]


@pytest_twisted.ensureDeferred
async def test_a_submission_is_acknowledged_when_it_is_durable_and_in_order(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving, nothing_left_behind: list[str]
) -> None:
    gated = GatedStore(store)
    destination, receiving = await make_destination(), await make_receiving(gated)
    gated.errors = [StoreUnavailable("away")]
    acknowledged: list[int] = []
    for number in range(5):
        receiving.writer.submit(
            destination, "192.0.2.1", lines(str(number)), 10, Held(), lambda number=number: acknowledged.append(number)
        )
    assert acknowledged == []
    await until(lambda: len(acknowledged) == 5, "every acknowledgement")
    assert acknowledged == list(range(5))
    assert len(await messages(store, destination)) == 5
    nothing_left_behind.clear()


@pytest_twisted.ensureDeferred
async def test_stopping_waits_until_all_that_was_received_is_stored(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    gated = GatedStore(store)
    destination, receiving = await make_destination(), await make_receiving(gated)
    gated.shut = True
    for number in range(30):
        receiving.writer.submit(destination, "192.0.2.1", lines(str(number)), 10, Held())
    stopping = receiving.writer.stopService()
    await turns()
    assert not stopping.called
    gated.open()
    await stopping
    assert await messages(store, destination) == [str(number) for number in range(30)]


@pytest_twisted.ensureDeferred
async def test_stopping_while_the_store_is_away_gives_up_after_a_while_and_says_what_is_lost(
    store: Any, make_destination: MakeDestination, nothing_left_behind: list[str]
) -> None:
    clock, gated, destination = Clock(), GatedStore(store), await make_destination()
    writer = Writer(gated, lambda events: None, clock, wall_clock, 1 << 20)
    await writer.startService()
    gated.errors = [StoreUnavailable("away")] * 100
    writer.submit(destination, "192.0.2.1", lines("a", "b", "c"), 10, Held())
    await turns()
    stopping: Deferred[None] = writer.stopService()
    for _ in range(40):
        clock.advance(1)
        await turns(1)
    await stopping
    assert "3 received lines are lost" in nothing_left_behind.pop()
    assert "Events cannot be stored now" in nothing_left_behind.pop()
    assert clock.getDelayedCalls() == []


@pytest_twisted.ensureDeferred
async def test_stopping_beside_a_store_that_never_answers_ends_and_says_what_is_lost(
    store: Any, make_destination: MakeDestination, nothing_left_behind: list[str]
) -> None:
    clock, gated, destination = Clock(), GatedStore(store), await make_destination()
    writer = Writer(gated, lambda events: None, clock, wall_clock, 1 << 20)
    await writer.startService()
    gated.shut = True
    writer.submit(destination, "192.0.2.1", lines("a", "b"), 10, Held())
    stopping: Deferred[None] = writer.stopService()
    for _ in range(int(STOP_SECONDS_UNANSWERED) + 2):
        clock.advance(1)
    await stopping
    assert "2 received lines are lost" in nothing_left_behind.pop()
    assert clock.getDelayedCalls() == []
    gated.errors = [StoreUnavailable("abandoned")]
    gated.open()
    await turns()
    assert clock.getDelayedCalls() == [], "what was given up is not tried again"


@pytest_twisted.ensureDeferred
async def test_a_source_that_cannot_go_on_holds_up_no_other(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving, nothing_left_behind: list[str]
) -> None:
    class Broken(Held):
        def resume(self) -> None:
            raise RuntimeError("its connection is gone")

    gated = GatedStore(store)
    destination, receiving = await make_destination(), await make_receiving(gated, queue_bytes=4)
    gated.shut = True
    sources = [Broken(), Held(), Broken(), Held()]
    for source in sources:
        receiving.writer.submit(destination, "192.0.2.1", lines("x"), 10, source)
    assert all(source.held for source in sources)
    gated.open()
    await until(lambda: sum(map(len, receiving.announced)) == 4, "every event")
    assert [source.held for source in sources] == [True, False, True, False]
    assert len(nothing_left_behind) == 2
    nothing_left_behind.clear()


@pytest_twisted.ensureDeferred
async def test_the_start_waits_for_a_store_that_is_away(store: Any, nothing_left_behind: list[str]) -> None:
    class Away:
        tries = 0

        async def last_ids(self) -> dict[int, int]:
            self.tries += 1
            if self.tries < 3:
                raise StoreUnavailable("away")
            return {}

    away = Away()
    writer = Writer(away, lambda events: None, reactor, wall_clock, 1 << 20)  # type: ignore[arg-type]
    await writer.startService()
    assert away.tries == 3
    await writer.stopService()
    nothing_left_behind.clear()


@pytest_twisted.ensureDeferred
async def test_who_is_told_of_a_commit_and_fails_stops_nobody(
    store: Any, make_destination: MakeDestination, nothing_left_behind: list[str]
) -> None:
    def fails(*_: Any) -> None:
        raise RuntimeError("I am told and fail")

    destination = await make_destination()
    writer = Writer(store, fails, reactor, wall_clock, 1 << 20)
    await writer.startService()
    told: list[int] = []
    writer.submit(destination, "192.0.2.1", lines("a"), 10, Held(), fails)
    writer.submit(destination, "192.0.2.1", lines("b"), 10, Held(), lambda: told.append(1))
    await writer.stopService()
    assert told == [1]
    assert await messages(store, destination) == ["a", "b"]
    assert len(nothing_left_behind) == 3
    nothing_left_behind.clear()


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize(("newest", "said"), [(2 * MINUTE, "is 0.00 days ahead"), (-8 * DAY, "is 8 days old"), (0, "")])
async def test_a_clock_that_cannot_be_right_beside_what_is_stored_is_warned_of(newest: int, said: str) -> None:
    now = 1_790_000_000_000_000
    store = ToldStore()
    store.rows[1][now + newest] = "stored"
    with capturedLogs() as logs:
        writer = Writer(store, lambda events: None, Clock(), lambda: now, 1 << 20)  # type: ignore[arg-type]
        starting = writer.startService()
        store.end(0, "ok")
        await starting
    texts = [formatEvent(event) or "" for event in logs if event["log_level"] == LogLevel.warn]
    assert [said in text for text in texts] == [True] * bool(said)
    await writer.stopService()


@pytest_twisted.ensureDeferred
async def test_lines_that_get_times_ahead_of_the_clock_are_warned_of_once_an_hour() -> None:
    now, clock, store = 1_790_000_000_000_000, Clock(), ToldStore()
    writer = Writer(store, lambda events: None, clock, lambda: now, 1 << 20)  # type: ignore[arg-type]
    starting = writer.startService()
    store.end(0, "ok")
    await starting
    with capturedLogs() as logs:
        writer.submit(DESTINATIONS[0], "192.0.2.1", lines("a"), 10, Held())
        now -= 2 * MINUTE
        for _ in range(3):
            writer.submit(DESTINATIONS[0], "192.0.2.1", lines("b"), 10, Held())
        clock.advance(3600)
        writer.submit(DESTINATIONS[0], "192.0.2.1", lines("c"), 10, Held())
    assert sum("ahead of this machine" in (event.get("log_format") or "") for event in logs) == 2
    while store.calls:
        store.end(0, "ok")
    await writer.stopService()
