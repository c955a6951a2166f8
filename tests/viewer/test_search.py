"""Searching over real WebSockets and the real store: history in parts, live, cancelled, refused, nothing left over."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from ppl.model import Destination, Found
from ppl.search.query import parse
from ppl.services.clock import wall_clock
from ppl.store.connecting.pool import Pool
from ppl.store.events.searching import MOST_SEARCHES, SearchLimits
from ppl.store.interface import Search, Store
from ppl.store.postgres import PostgresStore
from ppl.timezone import parse_time_zone
from ppl.viewer.times import Times
from tests.fixtures.database import started_store
from tests.live.test_sieve import Counting
from tests.viewer.conftest import MakeHouse
from tests.viewer.watching import House
from tests.waiting import until


async def searching_for(house: House, destination: Destination, query: str, **fields: Any) -> Any:
    viewer = await house.connect()
    viewer.say("send_user_data", user_id=destination.user_id, query=query, **fields)
    return viewer


def shown(viewer: Any) -> list[str]:
    """The messages of history, in the order in which they came."""
    return [each["message"] for name, data in viewer.received if name == "send_logs" for each in data["events"]]


async def answers(viewer: Any, count: int = 1) -> dict[str, Any]:
    """The data of the ``count``-th answer, not counting partial ones."""

    def whole() -> list[Any]:
        return [data for name, data in viewer.received if name == "send_logs" and "isPartial" not in data]

    await until(lambda: len(whole()) >= count, f"{count} answers, got {viewer.received[-3:]}")
    return dict(whole()[count - 1])


class NotingStore:
    """A store that notes the bounds of the searches it begins in ``searches``."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.searches: list[dict[str, Any]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def search(self, *where: Any, **bounds: Any) -> Search:
        self.searches.append(bounds)
        return self._store.search(*where, **bounds)


class SlowStore(NotingStore):
    """A store whose searches hold back each step, in ``held``, until the store is told to hurry."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.held: list[Deferred[None]] = []
        self.hurries = False

    def search(self, *where: Any, **bounds: Any) -> Search:
        return SlowSearch(self, super().search(*where, **bounds))

    def hurry(self) -> None:
        self.hurries = True
        for each in self.held:
            each.callback(None)


class SlowSearch:
    """A search of a :class:`SlowStore`."""

    def __init__(self, store: SlowStore, search: Search) -> None:
        self._store, self._search = store, search

    @property
    def left(self) -> int | None:
        return self._search.left

    @property
    def is_complete(self) -> bool:
        return self._search.is_complete

    async def step(self, limit: int) -> Found:
        if not self._store.hurries:
            self._store.held.append(Deferred())
            await self._store.held[-1]
        return await self._search.step(limit)

    def close(self) -> None:
        self._search.close()


def steps_of(events: int) -> pytest.MarkDecorator:
    """Mark a test whose searches read that many events in each step."""
    return pytest.mark.parametrize(
        "search_limits", [SearchLimits(first_scan=events, most_scan=events)], ids=[f"steps of {events}"]
    )


@pytest_twisted.ensureDeferred
async def test_only_what_matches_is_shown_in_history_and_live(make_house: MakeHouse) -> None:
    house, destination = await make_house()
    await house.ingest(destination, "error one", "fine", "error two", "error three")
    viewer = await searching_for(house, destination, "error", logs_portion="2")
    answer = await answers(viewer)
    assert [event["message"] for event in answer["events"]] == ["error two", "error three"]
    assert answer["isOldestEventReached"] == "false"
    assert answer["reached"] == answer["events"][0]["id"]
    assert answer["searchedBackTo"] == answer["events"][0]["received_at"]
    viewer.say("get_logs")
    answer = await answers(viewer, 2)
    assert [event["message"] for event in answer["events"]] == ["error one"]
    assert answer["isOldestEventReached"] == "true"
    assert "reached" not in answer
    await house.ingest(destination, "fine", "an ERROR")
    await house.ingest(destination, "error", sender_ip="192.0.2.2")
    await until(lambda: viewer.live() == ["an ERROR", "error"], "live events")


@pytest_twisted.ensureDeferred
async def test_the_last_portion_of_exactly_as_many_as_asked_says_that_it_is_the_last(make_house: MakeHouse) -> None:
    house, destination = await make_house()
    await house.ingest(destination, "fine", "error", "fine", "error")
    viewer = await searching_for(house, destination, "error", logs_portion="2")
    assert (await answers(viewer))["isOldestEventReached"] == "true"


@pytest_twisted.ensureDeferred
async def test_a_sender_and_a_query_hold_together(make_house: MakeHouse) -> None:
    house, destination = await make_house()
    await house.ingest(destination, "error here")
    await house.ingest(destination, "error there", "fine there", sender_ip="192.0.2.2")
    viewer = await searching_for(house, destination, "error", watched_ip="192.0.2.2")
    assert [event["message"] for event in (await answers(viewer))["events"]] == ["error there"]
    await house.ingest(destination, "error here")
    await house.ingest(destination, "fine there", "error there again", sender_ip="192.0.2.2")
    await until(lambda: viewer.live() == ["error there again"], "live events")


@steps_of(4)
@pytest_twisted.ensureDeferred
async def test_hits_come_as_they_are_found(make_house: MakeHouse) -> None:
    house, destination = await make_house(times=Times(progress=0.0))
    await house.ingest(destination, *("rare" if number % 10 == 5 else "x" for number in range(40)))
    viewer = await searching_for(house, destination, "rare")
    answer = await answers(viewer)
    parts = [data for name, data in viewer.received if name == "send_logs" and "isPartial" in data]
    assert len([part for part in parts if part["events"]]) >= 3
    assert all(part["isPartial"] == "true" and part["isOldestEventReached"] == "false" for part in parts)
    assert parts[0]["events"] == [], "the view begins with the first step, so that live goes on"
    ids = [event["id"] for part in reversed([*parts, answer]) for event in part["events"]]
    assert len(ids) == 4
    assert ids == sorted(ids)
    progress = [data for name, data in viewer.received if name == "search_progress"]
    assert {"searchedBackTo", "reached", "left", "found"} == set(progress[0])
    left = [int(data["left"]) for _, data in viewer.received if "left" in data]
    assert left == sorted(left, reverse=True)
    assert 0 < left[0] < 40, "events that are not looked at yet"
    reached = [int(data["reached"]) for _, data in viewer.received if "reached" in data]
    assert reached == sorted(reached, reverse=True)


@steps_of(2)
@pytest_twisted.ensureDeferred
async def test_live_waits_for_no_search_in_history(make_house: MakeHouse, store: PostgresStore) -> None:
    house, destination = await make_house()
    await house.ingest(destination, *("x" for _ in range(2000)))
    viewer = await searching_for(house, destination, "rare")
    await viewer.expect("send_logs")
    await house.ingest(destination, "rare")
    await until(lambda: viewer.live() == ["rare"], "live events")
    assert store.searches.open == 1, "history is still searched"
    viewer.say("cancel_search")
    await answers(viewer)


@steps_of(4)
@pytest_twisted.ensureDeferred
async def test_history_goes_on_from_where_the_time_ran_out_though_nothing_was_found(make_house: MakeHouse) -> None:
    house, destination = await make_house(times=Times(search=0.0))
    await house.ingest(destination, "rare", *("x" for _ in range(20)))
    viewer = await searching_for(house, destination, "rare")
    answer = await answers(viewer)
    reached, count = [int(answer["reached"])], 1
    assert (answer["events"], answer["isOldestEventReached"]) == ([], "false")
    while answer["isOldestEventReached"] == "false":
        viewer.say("get_logs")
        count += 1
        answer = await answers(viewer, count)
        reached.append(int(answer.get("reached", 0)))
    assert count >= 5
    assert reached == sorted(set(reached), reverse=True)
    assert shown(viewer) == ["rare"]


@steps_of(2)
@pytest_twisted.ensureDeferred
async def test_a_search_is_cancelled_and_continued(make_house: MakeHouse, store: PostgresStore, pool: Pool) -> None:
    house, destination = await make_house()
    await house.ingest(destination, "rare", *("x" for _ in range(2000)))
    viewer = await searching_for(house, destination, "rare")
    await viewer.expect("send_logs")
    viewer.say("cancel_search")
    answer = await answers(viewer)
    assert (answer["events"], answer["isOldestEventReached"]) == ([], "false")
    assert store.searches.open == 0
    house.hub.store = PostgresStore(pool, wall_clock, 3600)
    viewer.say("get_logs")
    assert [event["message"] for event in (await answers(viewer, 2))["events"]] == ["rare"]


@steps_of(2)
@pytest_twisted.ensureDeferred
async def test_closing_the_socket_closes_the_search(make_house: MakeHouse, store: PostgresStore) -> None:
    house, destination = await make_house()
    await house.ingest(destination, "rare", *("x" for _ in range(2000)))
    viewer = await searching_for(house, destination, "rare")
    await viewer.expect("send_logs")
    assert store.searches.open == 1
    await viewer.leave()
    await until(lambda: store.searches.open == 0, "no search left")


@pytest_twisted.ensureDeferred
async def test_too_many_searches_are_refused_clearly_and_the_view_comes_when_one_has_ended(
    make_house: MakeHouse, store: PostgresStore
) -> None:
    house, destination = await make_house()
    await house.ingest(destination, "rare", *("x" for _ in range(2000)))
    viewer = await searching_for(house, destination, "rare")
    await answers(viewer)
    everything, owner = parse("", parse_time_zone("UTC"), 0), house.accounts["owner"].id
    begun = [store.search(owner, destination.id, everything) for _ in range(MOST_SEARCHES)]
    other = await searching_for(house, destination, "rare")
    refused = await other.expect("error")
    assert (refused["code"], refused["event"]) == ("too_many_searches", "send_user_data")
    viewer.say("get_logs")
    refused = await viewer.expect("error")
    assert (refused["code"], refused["event"]) == ("too_many_searches", "get_logs")
    begun.pop().close()
    assert [event["message"] for event in (await answers(other))["events"]] == ["rare"]
    assert len([name for name, _ in other.received if name == "error"]) == 1
    for each in begun:
        each.close()


@pytest_twisted.ensureDeferred
async def test_four_views_with_a_query_and_the_histogram_of_each_are_within_an_accounts_searches(
    make_house: MakeHouse, store: PostgresStore
) -> None:
    house, destination = await make_house()
    await house.ingest(destination, "rare")
    slow = house.hub.store = SlowStore(house.store)
    viewers = [await searching_for(house, destination, f"rare -{number}x") for number in range(4)]
    await until(lambda: len(slow.held) == 4, "four searches under way")
    query = parse("rare", parse_time_zone("UTC"), 0)
    owner = house.accounts["owner"].id
    histograms = [house.store.search(owner, destination.id, query, purpose="count") for _ in viewers]
    slow.hurry()
    for viewer in viewers:
        assert [event["message"] for event in (await answers(viewer))["events"]] == ["rare"]
        assert [name for name, _ in viewer.received if name == "error"] == []
    for histogram in histograms:
        histogram.close()
    assert store.searches.open == 0


@pytest_twisted.ensureDeferred
async def test_only_what_matches_is_counted_while_paused(make_house: MakeHouse) -> None:
    house, destination = await make_house()
    viewer = await searching_for(house, destination, "error", batch=True)
    await answers(viewer)
    viewer.say("pause_live_update")
    (connection,) = house.hub.connected_users[destination.user_id]
    await until(lambda: connection.session.is_paused, "the pause")
    await house.ingest(destination, "fine", "error", "fine", "error")
    assert await viewer.expect("paused_count") == {"new": "2"}


@pytest.mark.parametrize("query", ["(", "severity:loud", "/(/", "x" * 20_000, "a\0b", "(" * 200])
@pytest_twisted.ensureDeferred
async def test_a_wrong_query_is_refused_and_another_may_be_sent(make_house: MakeHouse, query: str) -> None:
    house, destination = await make_house()
    viewer = await searching_for(house, destination, query)
    refused = await viewer.expect("error")
    assert (refused["code"], refused["event"]) == ("bad_query", "send_user_data")
    assert 0 <= refused["position"] <= len(query)
    assert refused["expected"] in refused["message"]
    viewer.say("send_user_data", user_id=destination.user_id, query="error")
    await answers(viewer)


@pytest_twisted.ensureDeferred
async def test_catching_up_searches_only_what_was_not_filtered_before(make_house: MakeHouse) -> None:
    house, destination = await make_house()
    filter_ = house.hub.filters.of(parse("rare", parse_time_zone("UTC"), house.hub.clock()))
    looked = Counting(filter_, Clock()).looked
    viewer = await searching_for(house, destination, "rare")
    await answers(viewer)
    await house.ingest(destination, *("x" for _ in range(50)))
    await until(lambda: looked[-1:] == [house.next_id - 1], "all events filtered")
    house.listener.cut()
    await house.store_events(destination, ["x", "rare"])
    noting = house.hub.store = NotingStore(house.store)
    house.listener.connect()
    await until(lambda: viewer.live() == ["rare"], "what was missed")
    assert noting.searches[0]["after"] == house.next_id - 3


@pytest_twisted.ensureDeferred
async def test_while_the_store_is_away_a_search_is_refused_and_what_was_missed_comes_when_it_is_back(dsn: str) -> None:
    pool, store = await started_store(dsn)
    other_pool, other_store = await started_store(dsn)
    owner, destination = await store.register("o@example.com", "hash", "UTC", "h", range(1, 9), only_first=False)
    house = House(store, {"owner": owner})
    await house.start()
    await house.ingest(destination, "rare", "x", "rare too")
    viewer = await searching_for(house, destination, "rare", logs_portion="1")
    await answers(viewer)
    house.listener.cut()
    house.store = other_store
    await house.store_events(destination, ["x", "rare and missed", "x"])
    await pool.stopService()
    viewer.say("get_logs")
    refused = await viewer.expect("error")
    assert (refused["code"], refused["event"]) == ("store_unavailable", "get_logs")
    house.listener.connect()
    await pool.startService()
    await until(lambda: viewer.live() == ["rare and missed"], "what was missed")
    viewer.say("get_logs")
    assert [event["message"] for event in (await answers(viewer, 2))["events"]] == ["rare"]
    await house.stop()
    await pool.stopService()
    await other_pool.stopService()
