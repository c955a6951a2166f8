"""Frames of viewers are rationed: a flood waits in its own sockets, and nobody else waits for it."""

from __future__ import annotations

import json
from typing import Any

import pytest_twisted
from twisted.internet import reactor
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from ppl.access.throttle import Rate
from ppl.live import sieve
from ppl.viewer.rations import ACCOUNT_RATE, FRAME_BYTES, SOCKET_RATE, Ration, Rations
from tests.viewer.conftest import MakeHouse
from tests.viewer.test_handshakes import connections, knock
from tests.waiting import turns, until

UNKNOWN = json.dumps({"event": "x"}).encode()
MASKED = bytes((0x81, 0x80 | len(UNKNOWN))) + bytes(4) + UNKNOWN


class Waiting:
    """A reader with frames of ``size`` bytes; handling one takes ``seconds`` of the clock."""

    def __init__(self, clock: Clock, frames: int, size: int = 10, seconds: float = 0.0) -> None:
        self.frames, self.handled, self.rests = frames, 0, 0
        self.failures: list[Failure] = []
        self._clock, self._size, self._seconds = clock, size, seconds

    def handle_frame(self) -> int:
        if self.handled == self.frames:
            return 0
        self.handled += 1
        self._clock.rightNow += self._seconds
        return self._size

    def all_handled(self) -> None:
        self.rests += 1

    def frame_failed(self, failure: Failure) -> None:
        self.failures.append(failure)


def rationed(clock: Clock, *readers: Waiting, account: int | None = None) -> list[Ration]:
    """Rations of ``readers``, of one account or each of its own."""
    rations = Rations(clock)
    given = [rations.of(number if account is None else account, reader) for number, reader in enumerate(readers)]
    for ration in given:
        ration.ask()
        ration.ask()
    return given


def pump(clock: Clock, seconds: float = 0.0) -> None:
    """Turns of the reactor until nothing is due."""
    clock.advance(seconds)
    for _ in range(100_000):
        due = [call for call in clock.getDelayedCalls() if call.getTime() <= clock.seconds()]
        if not due:
            return
        clock.advance(0)


def test_few_frames_are_handled_at_once_and_then_more_is_read() -> None:
    clock = Clock()
    reader = Waiting(clock, 5)
    rationed(clock, reader)
    assert reader.handled == 0, "asking takes no time"
    pump(clock)
    assert (reader.handled, reader.rests) == (5, 1)
    assert clock.getDelayedCalls() == []


def test_a_flood_is_handled_at_its_rate() -> None:
    clock = Clock()
    reader = Waiting(clock, 100_000)
    (ration,) = rationed(clock, reader)
    pump(clock)
    assert reader.handled == SOCKET_RATE.burst
    for _ in range(10):
        pump(clock, 1.0)
    assert reader.handled <= SOCKET_RATE.burst + 10 / SOCKET_RATE.seconds + 1
    assert reader.handled >= 5 / SOCKET_RATE.seconds
    assert reader.rests == 0, "nothing more is read"
    ration.end()
    pump(clock)
    assert clock.getDelayedCalls() == []


def test_the_sockets_of_one_account_share_a_rate() -> None:
    clock = Clock()
    readers = [Waiting(clock, 1000) for _ in range(20)]
    given = rationed(clock, *readers, account=7)
    pump(clock)
    assert sum(reader.handled for reader in readers) == ACCOUNT_RATE.burst
    assert {reader.handled for reader in readers} == {ACCOUNT_RATE.burst // len(readers)}, "in rotation"
    for ration in given:
        ration.end()
    pump(clock)
    assert clock.getDelayedCalls() == []


def test_another_account_is_served_while_one_floods() -> None:
    clock = Clock()
    flooding = [Waiting(clock, 1000, seconds=0.001) for _ in range(5)]
    quiet = Waiting(clock, 1)
    rations = Rations(clock)
    for reader in flooding:
        rations.of(1, reader).ask()
    rations.of(2, quiet).ask()
    for _ in range(2):
        clock.advance(sieve.SLICE_SECONDS)
    assert quiet.handled == 1
    assert sum(reader.handled for reader in flooding) <= 20
    rations.stop()


def test_a_turn_ends_when_its_time_is_over_and_as_much_time_goes_to_everything_else() -> None:
    clock = Clock()
    reader = Waiting(clock, 50, seconds=0.001)
    rationed(clock, reader)
    clock.advance(0)
    assert 1 <= reader.handled <= 1 + sieve.SLICE_SECONDS / 0.001
    (rest,) = clock.getDelayedCalls()
    assert rest.getTime() - clock.seconds() >= sieve.SLICE_SECONDS
    rest.cancel()


def test_a_long_frame_counts_as_several() -> None:
    clock = Clock()
    reader = Waiting(clock, 1000, size=9 * FRAME_BYTES)
    (ration,) = rationed(clock, reader)
    pump(clock)
    assert reader.handled == SOCKET_RATE.burst // 10
    ration.end()
    pump(clock)


def test_an_internal_error_ends_it() -> None:
    clock = Clock()
    reader = Waiting(clock, 5)
    reader.handle_frame = lambda: 1 // 0  # type: ignore[method-assign]
    rationed(clock, reader)
    pump(clock)
    (failure,) = reader.failures
    assert failure.check(ZeroDivisionError)


class Flood:
    """A client that sends unknown events as fast as they are taken, and throws the answers away."""

    def __init__(self, client: Any) -> None:
        self.client = client
        client.onMessage = lambda payload, isBinary: None
        client.transport.registerProducer(self, False)

    def resumeProducing(self) -> None:
        self.client.transport.write(MASKED * 2000)

    def stopProducing(self) -> None:
        pass


@pytest_twisted.ensureDeferred
async def test_floods_of_one_account_do_not_hold_up_the_line_of_another(make_house: MakeHouse) -> None:
    house, _ = await make_house()
    ((foreign, _),) = await house.store.destinations_of(house.accounts["stranger"].id)
    quiet = await house.connect("stranger")
    quiet.say("send_user_data", user_id=foreign.user_id)
    await quiet.expect("send_logs")
    servers = [place.guest for place in house.hub.places if place.account is house.accounts["stranger"]]
    floods = [await house.connect() for _ in range(5)]
    flooded: list[Any] = [place.guest for place in house.hub.places if place.guest not in servers]
    for client in floods:
        Flood(client)

    def handled() -> int:
        return sum(each.trafficStats.incomingWebSocketFrames for each in flooded)

    await until(lambda: handled() >= ACCOUNT_RATE.burst // 2, "the flood is there")
    events = await house.store_events(foreign, ["a line"])
    before, began = handled(), reactor.seconds()
    house.listener.announce(events)
    await until(quiet.live, "the line of the other account")
    assert quiet.live() == ["a line"]
    allowed = ACCOUNT_RATE.burst + (reactor.seconds() - began) / ACCOUNT_RATE.seconds
    assert handled() - before <= allowed, "no more frames are handled than the account may send"
    for client in floods:
        client.transport.abortConnection()
        await client.gone


@pytest_twisted.ensureDeferred
async def test_every_frame_of_a_flood_is_answered_in_the_end(make_house: MakeHouse) -> None:
    house, destination = await make_house()
    house.hub.rations = Rations(reactor, Rate(burst=300, seconds=0.001))
    viewer = await house.connect()
    viewer.transport.write(MASKED * 700)
    viewer.say("send_user_data", user_id=destination.user_id)
    await viewer.expect("send_logs")
    assert [name for name, _ in viewer.received] == ["error"] * 700 + ["send_logs"]


@pytest_twisted.ensureDeferred
async def test_what_does_not_come_in_whole_frames_is_put_together(make_house: MakeHouse) -> None:
    house, _ = await make_house()
    viewer = await house.connect()
    for octet in MASKED * 3:
        viewer.transport.write(bytes((octet,)))
        await turns(1)
    await viewer.expect("error", 3)


@pytest_twisted.ensureDeferred
async def test_a_flooding_viewer_that_leaves_gives_its_place_back(make_house: MakeHouse) -> None:
    house, _ = await make_house(max_viewers=1)
    client = knock(house)
    await until(lambda: not house.hub.may_connect(house.accounts["owner"]), "it is open")
    client.setblocking(False)
    sent = client.send(MASKED * 50_000)
    assert sent > SOCKET_RATE.burst * len(MASKED)
    (place,) = house.hub.places
    server: Any = place.guest
    await until(lambda: server.ration is not None and server.ration.is_used_up, "its ration is used up")
    assert server.transport not in reactor.getReaders(), "no more is read"
    server.abort()
    await until(lambda: connections(house) == 0, "it is gone")
    client.close()
    assert house.hub.may_connect(house.accounts["owner"])
    await house.hub.stopService()
