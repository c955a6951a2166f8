"""Viewers over real WebSockets: who gets in, who is told what, and what a slow or a bad one costs."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_twisted

from ppl.link.messages import Unwatch, Watch
from ppl.model import Destination
from ppl.viewer.times import Times
from tests.fixtures.database import execute
from tests.viewer.conftest import MakeHouse
from tests.viewer.watching import House
from tests.waiting import turns, until

USER = {"watched_ip": "", "logs_portion": "10"}


@pytest.mark.parametrize(
    ("who", "headers", "status"),
    [("nobody", {}, "401"), ("owner", {"Origin": "http://evil"}, "403"), ("owner", {"Origin": "null"}, "403")],
)
@pytest_twisted.ensureDeferred
async def test_a_client_without_access_is_refused_in_the_handshake(
    make_house: MakeHouse, who: str, headers: dict[str, str], status: str
) -> None:
    house, _ = await make_house()
    assert status in await house.connect(who, **headers)


@pytest_twisted.ensureDeferred
async def test_a_page_of_the_same_origin_may_connect(make_house: MakeHouse) -> None:
    house, destination = await make_house()
    viewer = await house.connect(Origin="http://ours")
    viewer.say("send_user_data", user_id=destination.user_id, **USER)
    await viewer.expect("send_logs")


@pytest_twisted.ensureDeferred
async def test_an_account_has_a_bounded_number_of_viewers(make_house: MakeHouse) -> None:
    house, _ = await make_house(max_viewers=2)
    first = await house.connect()
    await house.connect()
    assert "429" in await house.connect()
    assert not isinstance(await house.connect("stranger"), str)
    await first.leave()
    await until(lambda: house.hub.may_connect(house.accounts["owner"]), "room for another")


@pytest_twisted.ensureDeferred
async def test_listeners_are_told_of_the_first_viewer_and_of_the_last(make_house: MakeHouse) -> None:
    house, destination = await make_house()
    one, other = await house.connect(), await house.connect()
    for viewer in (one, other):
        viewer.say("send_user_data", user_id=destination.user_id, **USER)
        await viewer.expect("send_logs")
    assert house.listener.sent == [Watch(destination.user_id)]
    assert len(house.hub.connected_users[destination.user_id]) == 2
    await one.leave()
    await other.leave()
    await until(lambda: not house.hub.connected_users, "nobody left")
    assert house.listener.sent == [Watch(destination.user_id), Unwatch(destination.user_id)]


@pytest_twisted.ensureDeferred
async def test_every_viewer_of_a_destination_gets_its_events_and_nobody_else(make_house: MakeHouse) -> None:
    house, destination = await make_house()
    ((foreign, _),) = await house.store.destinations_of(house.accounts["stranger"].id)
    one, other, stranger = await house.connect(), await house.connect(), await house.connect("stranger")
    for viewer, target in ((one, destination), (other, destination), (stranger, foreign)):
        viewer.say("send_user_data", user_id=target.user_id, **USER)
        await viewer.expect("send_logs")
    await house.ingest(destination, "mine")
    await house.ingest(foreign, "theirs")
    for viewer, text in ((one, "mine"), (other, "mine"), (stranger, "theirs")):
        await until(viewer.live, "a live event")
        assert viewer.live() == [text]


@pytest_twisted.ensureDeferred
async def test_a_foreign_user_id_is_forbidden_in_the_same_words_as_an_unknown_one(make_house: MakeHouse) -> None:
    house, destination = await make_house()
    stranger = await house.connect("stranger")
    stranger.say("send_user_data", user_id=destination.user_id, **USER)
    stranger.say("send_user_data", user_id="nowhere:1", **USER)
    assert await stranger.expect("error") == await stranger.expect("error", 2)
    assert house.listener.sent == []


@pytest_twisted.ensureDeferred
async def test_a_binary_frame_is_refused_and_the_connection_stays(make_house: MakeHouse) -> None:
    house, destination = await make_house()
    viewer = await house.connect()
    viewer.sendMessage(b'{"event": "get_logs"}', isBinary=True)
    assert (await viewer.expect("error"))["code"] == "not_json"
    viewer.say("send_user_data", user_id=destination.user_id, **USER)
    await viewer.expect("send_logs")


@pytest_twisted.ensureDeferred
async def test_a_message_beyond_the_limit_is_refused_and_closes_with_1009(make_house: MakeHouse) -> None:
    house, _ = await make_house(max_frame_bytes=2000)
    viewer = await house.connect()
    viewer.say("send_user_data", user_id="x" * 3000)
    assert (await viewer.expect("error"))["code"] == "frame_too_large"
    await viewer.gone
    assert viewer.close_code == 1009


@pytest_twisted.ensureDeferred
async def test_what_is_sent_may_be_larger_than_what_is_accepted(make_house: MakeHouse) -> None:
    house, destination = await make_house(max_frame_bytes=2000)
    await house.ingest(destination, "x" * 50_000)
    viewer = await house.connect()
    viewer.say("send_user_data", user_id=destination.user_id, **USER)
    data = await viewer.expect("send_logs")
    assert len(data["events"][0]["message"]) == 50_000


@pytest_twisted.ensureDeferred
async def test_stopping_closes_every_viewer_with_1001(make_house: MakeHouse) -> None:
    house, _ = await make_house()
    viewers = [await house.connect() for _ in range(3)]
    await house.hub.stopService()
    for viewer in viewers:
        await viewer.gone
        assert viewer.close_code == 1001
    assert "429" in await house.connect()


@pytest_twisted.ensureDeferred
async def test_a_session_that_ended_is_noticed_and_closed(make_house: MakeHouse) -> None:
    house, _ = await make_house(times=Times(session=0.05))
    viewer = await house.connect()
    del house.accounts["owner"]
    await viewer.gone
    assert viewer.close_code == 4401


async def _member(house: House, dsn: str, destination: Destination) -> Any:
    """The stranger's viewer of the owner's destination, as a member."""
    stranger = house.accounts["stranger"].id
    execute(dsn, f"INSERT INTO membership VALUES ({stranger}, {destination.id}, 'member')")
    member = await house.connect("stranger")
    member.say("send_user_data", user_id=destination.user_id, **USER)
    await member.expect("send_logs")
    return member


@pytest_twisted.ensureDeferred
async def test_a_former_member_is_closed_and_nobody_else(make_house: MakeHouse, dsn: str) -> None:
    house, destination = await make_house()
    member = await _member(house, dsn, destination)
    ((foreign, _),) = (
        each for each in await house.store.destinations_of(house.accounts["stranger"].id) if each[1] == "owner"
    )
    own, owner, idle = await house.connect("stranger"), await house.connect(), await house.connect("stranger")
    own.say("send_user_data", user_id=foreign.user_id, **USER)
    owner.say("send_user_data", user_id=destination.user_id, **USER)
    for viewer in (own, owner):
        await viewer.expect("send_logs")
    execute(dsn, "DELETE FROM membership WHERE role = 'member'")
    for account in house.accounts.values():
        house.hub.recheck(account.id)
    await member.gone
    assert member.close_code == 4403
    await house.ingest(destination, "for its owner")
    await house.ingest(foreign, "for the stranger")
    await until(lambda: owner.live() == ["for its owner"], "the owner still sees events")
    await until(lambda: own.live() == ["for the stranger"], "the stranger still sees its own destination")
    assert idle.close_code is None, "a viewer that watches nothing may stay"
    assert "for its owner" not in member.live()


@pytest_twisted.ensureDeferred
async def test_what_is_no_longer_readable_is_noticed_by_itself(make_house: MakeHouse, dsn: str) -> None:
    house, destination = await make_house(times=Times(session=0.05))
    member = await _member(house, dsn, destination)
    execute(dsn, "DELETE FROM membership WHERE role = 'member'")
    await member.gone
    assert member.close_code == 4403


@pytest.mark.parametrize("event", ["get_logs", "resume_live_update"])
@pytest_twisted.ensureDeferred
async def test_history_is_not_read_for_a_former_member(make_house: MakeHouse, dsn: str, event: str) -> None:
    house, destination = await make_house(times=Times(readable=0.0))
    await house.ingest(destination, *map(str, range(20)))
    member = await _member(house, dsn, destination)
    member.say("get_logs")
    await member.expect("send_logs", 2)
    execute(dsn, "DELETE FROM membership WHERE role = 'member'")
    member.say(event)
    await member.gone
    assert member.close_code == 4403
    assert [name for name, _ in member.received] == ["send_logs", "send_logs"]


@pytest_twisted.ensureDeferred
async def test_a_destination_that_took_over_an_address_is_not_shown_to_earlier_viewers(
    make_house: MakeHouse, dsn: str
) -> None:
    house, destination = await make_house()
    viewer = await house.connect()
    viewer.say("send_user_data", user_id=destination.user_id, **USER)
    await viewer.expect("send_logs")
    execute(dsn, f"UPDATE destination SET port = 7 WHERE id = {destination.id}")
    house.hub.recheck(house.accounts["owner"].id)
    await viewer.gone
    assert viewer.close_code == 4403


@pytest_twisted.ensureDeferred
async def test_a_viewer_of_a_closed_destination_is_shown_nothing_of_a_later_one_of_that_address(
    make_house: MakeHouse, dsn: str
) -> None:
    house, destination = await make_house()
    await house.ingest(destination, "before it was closed")
    viewer = await house.connect()
    viewer.say("send_user_data", user_id=destination.user_id, **USER)
    await viewer.expect("send_logs")
    await house.store.close_destination(house.accounts["owner"].id, destination.id)
    house.hub.recheck(house.accounts["owner"].id)
    await until(lambda: destination.user_id not in house.hub.connected_users, "nobody watches the address")
    execute(dsn, f"UPDATE destination SET port = 7 WHERE id = {destination.id}")
    _, later = await house.store.register(
        "l@example.com", "hash", "UTC", "h", range(destination.port, destination.port + 1), only_first=False
    )
    assert later.user_id == destination.user_id
    await house.ingest(later, "of another account")
    viewer.say("get_logs")
    await viewer.expect("send_logs", 2)
    assert viewer.live() == []
    assert viewer.close_code is None, "its history is still shown"


@pytest_twisted.ensureDeferred
async def test_a_viewer_that_asks_by_a_former_name_watches_until_it_goes(make_house: MakeHouse, dsn: str) -> None:
    house, destination = await make_house()
    execute(dsn, f"UPDATE destination SET host = 'new', former_hosts = ARRAY[host] WHERE id = {destination.id}")
    viewer = await house.connect()
    viewer.say("send_user_data", user_id=destination.user_id, **USER)
    await viewer.expect("send_logs")
    assert list(house.hub.connected_users) == [f"new:{destination.port}"]
    viewer.transport.loseConnection()
    await viewer.gone
    await until(lambda: not house.hub.connected_users, "nobody watches")


@pytest_twisted.ensureDeferred
async def test_a_closed_destination_is_still_shown(make_house: MakeHouse) -> None:
    house, destination = await make_house()
    await house.ingest(destination, "before")
    viewer = await house.connect()
    viewer.say("send_user_data", user_id=destination.user_id, **USER)
    await viewer.expect("send_logs")
    assert await house.store.close_destination(house.accounts["owner"].id, destination.id)
    house.hub.recheck(house.accounts["owner"].id)
    viewer.say("resume_live_update")
    assert [each["message"] for each in (await viewer.expect("send_logs", 2))["events"]] == ["before"]


@pytest_twisted.ensureDeferred
async def test_a_reader_that_does_not_read_is_told_of_the_gap_and_can_fill_it(make_house: MakeHouse) -> None:
    house, destination = await make_house(viewer_queue_events=100)
    slow, quick = await house.connect(), await house.connect()
    for viewer in (slow, quick):
        viewer.say("send_user_data", user_id=destination.user_id, logs_portion="1000", batch=True)
        await viewer.expect("send_logs")
    (connection,) = [
        each for each in house.hub.connected_users[destination.user_id] if each.socket.peer.endswith(_port_of(slow))
    ]
    slow.transport.pauseProducing()
    expected, sent = [], 0
    text = "x" * 5000
    while not connection.session.statistics().skipped:
        texts = [f"{number} {text}" for number in range(sent, sent + 60)]
        expected += texts
        sent += 60
        await house.ingest(destination, *texts)
        wanted = len(expected)
        await until(lambda wanted=wanted: len(quick.live()) == wanted, "the quick reader is not held up", 20)
        assert connection.session.statistics().queued <= 100
    slow.transport.resumeProducing()
    await slow.expect("live_gap")
    await house.ingest(destination, "after the gap")
    await until(lambda: "after the gap" in slow.live(), "live goes on", 20)
    # The kernel's buffers may have made room in between: then there were several gaps.
    gaps = [data for name, data in slow.received if name == "live_gap"]
    filled: list[str] = []
    for gap in gaps:
        after, before = int(gap["from"]) - 1, int(gap["to"]) + 1
        answers = len([name for name, _ in slow.received if name == "send_logs"])
        slow.say("get_logs", after=str(after), before=str(before))
        data = await slow.expect("send_logs", answers + 1)
        assert len(data["events"]) == gap["skipped"]
        filled += [event["message"] for event in data["events"]]
    live = slow.live()
    assert live == [text for text in [*expected, "after the gap"] if text in set(live)], "in order"
    assert sorted(live + filled) == sorted([*expected, "after the gap"]), "nothing is missing, nothing comes twice"


@pytest_twisted.ensureDeferred
async def test_a_reader_that_asks_and_never_reads_costs_a_bounded_amount(make_house: MakeHouse) -> None:
    house, destination = await make_house()
    for _ in range(3):
        await house.ingest(destination, *("x" * 10_000 for _ in range(100)))
    greedy, other = await house.connect(), await house.connect()
    for viewer in (greedy, other):
        viewer.say("send_user_data", user_id=destination.user_id, logs_portion="100")
        await viewer.expect("send_logs")
    (connection,) = [
        each for each in house.hub.connected_users[destination.user_id] if each.socket.peer.endswith(_port_of(greedy))
    ]
    greedy.transport.pauseProducing()
    newest = (await other.expect("send_logs"))["events"][-1]["id"]
    for _ in range(2000):
        greedy.say("get_logs", before=newest)
    await until(lambda: connection.socket.is_full, "a full socket")
    await turns(200)
    waiting = sum(map(len, connection.socket.transport._tempDataBuffer)) + len(connection.socket.transport.dataBuffer)
    assert waiting < 4_000_000, "a few answers at most"
    other.say("get_logs")
    await other.expect("send_logs", 2)
    greedy.transport.resumeProducing()
    await greedy.expect("send_logs", 5)
    greedy.transport.abortConnection()
    await greedy.gone


def _port_of(client: Any) -> str:
    return f":{client.transport.getHost().port}"


@pytest_twisted.ensureDeferred
async def test_viewers_of_a_destination_are_told_that_its_marks_changed(
    make_house: MakeHouse,
) -> None:
    house, destination = await make_house()
    wide, plain, elsewhere = [await house.connect() for _ in range(3)]
    wide.say("send_user_data", user_id=destination.user_id, batch=True, **USER)
    plain.say("send_user_data", user_id=destination.user_id, **USER)
    for viewer in (wide, plain):
        await viewer.expect("send_logs")
    house.hub.marks_changed(destination.id + 1)
    house.hub.marks_changed(destination.id)
    assert await wide.expect("marks_changed") == {}
    await turns(20)
    told = [[name for name, _ in viewer.received].count("marks_changed") for viewer in (wide, plain, elsewhere)]
    assert told == [1, 0, 0]
