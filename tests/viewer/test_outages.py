"""Viewers over real WebSockets when the store is away or the client asks without reading the answers."""

from __future__ import annotations

from typing import Any

import pytest_twisted
from twisted.internet import reactor

from tests.fixtures.database import started_store
from tests.viewer.conftest import MakeHouse
from tests.viewer.watching import House
from tests.waiting import until


@pytest_twisted.ensureDeferred
async def test_while_the_store_is_away_history_is_refused_and_what_was_missed_comes_when_it_is_back(dsn: str) -> None:
    pool, store = await started_store(dsn)
    other_pool, other_store = await started_store(dsn)
    owner, destination = await store.register("o@example.com", "hash", "UTC", "h", range(1, 9), only_first=False)
    house = House(store, {"owner": owner})
    await house.start()
    viewer = await house.connect()
    viewer.say("send_user_data", user_id=destination.user_id, logs_portion="2")
    await viewer.expect("send_logs")

    await house.ingest(destination, *"abc")
    await until(lambda: viewer.live() == ["a", "b", "c"], "live events")
    house.listener.cut()
    house.store = other_store
    await house.store_events(destination, ["missed", "missed too"])
    await pool.stopService()
    house.listener.connect()
    viewer.say("get_logs", before="9999999999999999")
    refused = await viewer.expect("error")
    assert (refused["code"], refused["event"]) == ("store_unavailable", "get_logs")
    assert "ppl" not in refused["message"], "a viewer is not told where the database is"

    await pool.startService()
    await until(lambda: viewer.live() == ["a", "b", "c", "missed", "missed too"], "what was missed")
    viewer.say("get_logs", before="9999999999999999")
    assert [event["message"] for event in (await viewer.expect("send_logs", 2))["events"]] == ["missed", "missed too"]
    await house.stop()
    await pool.stopService()
    await other_pool.stopService()


@pytest_twisted.ensureDeferred
async def test_a_client_that_asks_without_reading_the_answers_costs_bounded_memory(make_house: MakeHouse) -> None:
    house, destination = await make_house()
    await house.ingest(destination, *("x" * 90_000 for _ in range(10)))
    viewer = await house.connect()
    viewer.say("send_user_data", user_id=destination.user_id, logs_portion="10")
    await viewer.expect("send_logs")
    (connection,) = house.hub.connected_users[destination.user_id]
    server: Any = connection.socket
    viewer.transport.pauseProducing()
    asked = 1
    while await _answers(viewer, server, connection.session):
        assert asked < 60, "every request is answered"
        asked += 1
    assert server.transport not in reactor.getReaders(), "nothing is read from a client that does not read"
    waiting = len(server.transport.dataBuffer) + server.transport._tempDataLen
    assert waiting < 4 << 20, f"{waiting} bytes wait in the server"

    viewer.transport.resumeProducing()
    await viewer.expect("send_logs", 1 + asked)
    await house.ingest(destination, "live goes on")
    await until(lambda: viewer.live() == ["live goes on"], "live events")


async def _answers(viewer: Any, server: Any, session: Any) -> bool:
    """Ask for history; ``True`` if it is answered, ``False`` if the socket stays full."""
    before, still = session.statistics().asked, 0
    viewer.say("get_logs", before="9999999999999999")

    def answered() -> bool:
        now = session.statistics()
        return now.asked > before and not now.is_asking

    def settled() -> bool:
        nonlocal still
        # A large frame fills the socket for a moment; only a client that does not read keeps it full.
        still = still + 1 if server.is_full else 0
        return answered() or still > 60

    await until(settled, "an answer, or a full socket")
    return answered()


@pytest_twisted.ensureDeferred
async def test_half_a_surrogate_pair_costs_only_its_own_frame(make_house: MakeHouse) -> None:
    house, destination = await make_house()
    viewer = await house.connect()
    viewer.sendMessage(b'{"event": "\\ud800"}')
    assert (await viewer.expect("error"))["code"] == "unknown_event"
    viewer.say("send_user_data", user_id=destination.user_id)
    await viewer.expect("send_logs")


@pytest_twisted.ensureDeferred
async def test_a_short_pause_is_not_told_the_count_of_the_previous_pause(make_house: MakeHouse) -> None:
    house, destination = await make_house()
    viewer = await house.connect()
    viewer.say("send_user_data", user_id=destination.user_id, batch=True)
    await viewer.expect("send_logs")
    viewer.say("pause_live_update")
    (connection,) = house.hub.connected_users[destination.user_id]
    await until(lambda: connection.session.is_paused, "the pause")
    await house.ingest(destination, *"abc")
    viewer.say("resume_live_update")
    await viewer.expect("send_logs", 2)
    viewer.say("pause_live_update")
    await until(lambda: connection.session.is_paused, "the second pause")
    await until(lambda: not connection.will_tell_count, "the time to tell")
    await house.ingest(destination, "d")
    assert await viewer.expect("paused_count") == {"new": "1"}
