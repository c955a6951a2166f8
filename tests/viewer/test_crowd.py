"""Many viewers of one destination over real WebSockets: what they share; each still gets exactly its events."""

from __future__ import annotations

import socket
from typing import Any

import attrs
import pytest_twisted

from ppl.viewer.protocol import ViewerProtocol
from tests.viewer.conftest import MakeHouse
from tests.viewer.watching import House
from tests.waiting import until

HERE, THERE = "192.0.2.1", "192.0.2.2"


@pytest_twisted.ensureDeferred
async def test_viewers_in_step_are_sent_the_very_same_octets(make_house: MakeHouse) -> None:
    house, destination = await make_house()
    sent: dict[ViewerProtocol, list[bytes]] = {}

    class Recorded(ViewerProtocol):
        def send_octets(self, octets: bytes) -> None:
            if b'"live_update_logs"' in octets:
                sent.setdefault(self, []).append(octets)
            super().send_octets(octets)

    house.factory.protocol = Recorded
    for batch in (True, False):
        sent.clear()
        viewers = [await house.connect() for _ in range(5)]
        for viewer in viewers:
            viewer.say("send_user_data", user_id=destination.user_id, logs_portion="1", batch=batch)
            await viewer.expect("send_logs")
        for number in range(10):
            await house.ingest(destination, f"{batch} {number}", f"{batch} {number} too")
        for viewer in viewers:
            await until(lambda viewer=viewer: len(viewer.live()) == 20, "every event")
            assert viewer.live() == viewers[0].live()
        assert len(sent) == 5
        for octets in zip(*sent.values(), strict=True):
            assert len(set(map(id, octets))) == 1, "made once"
        for viewer in viewers:
            await viewer.leave()


@pytest_twisted.ensureDeferred
async def test_each_of_a_mixed_crowd_gets_exactly_its_events(make_house: MakeHouse) -> None:
    house, destination = await make_house(viewer_queue_events=50)
    owner = house.accounts["owner"]
    house.accounts["elsewhere"] = attrs.evolve(owner, time_zone="+05:30")
    crowd: dict[str, Any] = {}

    async def join(name: str, who: str = "owner", **fields: Any) -> None:
        crowd[name] = await house.connect(who)
        crowd[name].say("send_user_data", **{"user_id": destination.user_id, "logs_portion": "1000", **fields})
        await crowd[name].expect("send_logs")

    await join("all", batch=True)
    await join("all too", batch=True)
    await join("single")
    await join("here", batch=True, watched_ip=HERE)
    await join("there", batch=True, watched_ip=THERE)
    await join("single there", watched_ip=THERE)
    await join("nobody", batch=True, watched_ip="192.0.2.3")
    await join("elsewhere", "elsewhere", batch=True)
    await join("paused", batch=True)
    await join("slow", batch=True)
    crowd["paused"].say("pause_live_update")
    await until(lambda: any(each.session.is_paused for each in house.hub.connected_users[destination.user_id]), "pause")
    _stop_reading(house, destination.user_id, crowd["slow"])

    here: list[str] = []
    there: list[str] = []
    everything: list[str] = []
    for number in range(60):
        for texts, sender_ip in ((here, HERE), (there, THERE)):
            new = [f"{sender_ip} {number} {index} " + "x" * 2000 for index in range(3)]
            texts += new
            everything += new
            await house.ingest(destination, *new, sender_ip=sender_ip)
        if number == 30:
            await join("midway", batch=True)
            await join("single midway")

    expected = {"here": here, "there": there, "single there": there}
    for name in ("all", "all too", "single", "elsewhere", *expected):
        wanted = expected.get(name, everything)
        await until(lambda name=name, wanted=wanted: len(crowd[name].live()) >= len(wanted), name, 20)
        assert crowd[name].live() == wanted, name
    for name in ("midway", "single midway"):
        viewer = crowd[name]
        shown = [each["message"] for each in (await viewer.expect("send_logs"))["events"]]
        await until(lambda viewer=viewer, shown=shown: len(shown + viewer.live()) >= len(everything), name, 20)
        assert shown + viewer.live() == everything, name
    assert crowd["nobody"].live() == crowd["paused"].live() == []
    assert [name for name, _ in crowd["nobody"].received] == ["send_logs"]
    counts = [int(data["new"]) for name, data in crowd["paused"].received if name == "paused_count"]
    assert counts == sorted(counts)

    times = {name: _events(crowd[name])[0]["created_at"] for name in ("all", "elsewhere")}
    assert times["all"] != times["elsewhere"], "each in its own zone"
    assert _events(crowd["all"])[0]["time"] == _events(crowd["elsewhere"])[0]["time"]

    crowd["paused"].say("resume_live_update")
    view = await crowd["paused"].expect("send_logs", 2)
    assert [each["message"] for each in view["events"]] == everything
    crowd["slow"].transport.resumeProducing()
    await house.ingest(destination, "the last")
    await until(lambda: "the last" in crowd["slow"].live(), "the slow one goes on", 20)
    await until(lambda: "the last" in crowd["paused"].live(), "the paused one goes on")
    seen = crowd["slow"].live()
    gaps = sum(data["skipped"] for name, data in crowd["slow"].received if name == "live_gap")
    assert seen == [text for text in [*everything, "the last"] if text in set(seen)], "in order, none twice"
    assert gaps, "it was slow"
    assert len(seen) + gaps == len(everything) + 1, "what is missing was told"


@pytest_twisted.ensureDeferred
async def test_an_internal_error_closes_one_viewer_and_costs_the_others_nothing(
    make_house: MakeHouse, nothing_left_behind: list[str]
) -> None:
    house, destination = await make_house()
    viewers = [await house.connect() for _ in range(3)]
    for viewer in viewers:
        viewer.say("send_user_data", user_id=destination.user_id, logs_portion="1", batch=True)
        await viewer.expect("send_logs")
    bad = next(iter(house.hub.connected_users[destination.user_id])).session

    def breaks(batch: Any) -> Any:
        raise RuntimeError("broken")

    bad.live = breaks
    await house.ingest(destination, "one")
    await until(lambda: sum(viewer.live() == ["one"] for viewer in viewers) == 2, "the others have it")
    await until(lambda: [viewer.close_code for viewer in viewers if viewer.close_code] == [1011], "closed")
    (logged,) = nothing_left_behind
    assert "broken" in logged
    nothing_left_behind.clear()


def _stop_reading(house: House, user_id: str, viewer: Any) -> None:
    """Read no more, with little room in the kernel's buffers."""
    port = f":{viewer.transport.getHost().port}"
    (protocol,) = [each.socket for each in house.hub.connected_users[user_id] if each.socket.peer.endswith(port)]
    protocol.transport.getHandle().setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    viewer.transport.getHandle().setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    viewer.transport.pauseProducing()


def _events(viewer: Any) -> list[dict[str, str]]:
    """What came live, in ``batch`` form."""
    return [each for name, data in viewer.received if name == "live_update_logs" for each in data["events"]]
