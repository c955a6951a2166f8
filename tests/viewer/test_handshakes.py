"""Handshakes that a client gives up, or adds to, while the store is asked for its account: nothing of them is left."""

from __future__ import annotations

import base64
import socket
import struct
from contextlib import suppress
from typing import Any, cast

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock, deferLater

from ppl.errors import StoreUnavailable
from ppl.model import Account
from ppl.viewer.places import Guest, Places
from tests.viewer.conftest import MakeHouse
from tests.viewer.watching import House
from tests.waiting import turns, until


def handshake(house: House, who: str = "owner") -> bytes:
    key = base64.b64encode(bytes(16)).decode()
    return (
        f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{house.port.getHost().port}\r\nAuthorization: {who}\r\n"
        f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
    ).encode()


def knock(house: House) -> socket.socket:
    """A socket that has sent its handshake."""
    client = socket.create_connection(("127.0.0.1", house.port.getHost().port))
    client.sendall(handshake(house))
    return client


def give_up(client: socket.socket, how: str) -> None:
    if how == "RST":
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


class Answers:
    """Holds back the store's answers to who opens a WebSocket, until a test releases them."""

    def __init__(self, house: House) -> None:
        self.held: list[Deferred[None]] = []
        house.before_answer = self._answer

    async def _answer(self) -> None:
        answer: Deferred[None] = Deferred()
        self.held.append(answer)
        await answer


def connections(house: House) -> int:
    """Number of connections that the server's factory counts."""
    return int(house.factory.countConnections)


@pytest.mark.parametrize("how", ["RST", "FIN"])
@pytest_twisted.ensureDeferred
async def test_an_answer_that_comes_after_the_client_is_gone_opens_nothing(make_house: MakeHouse, how: str) -> None:
    house, _ = await make_house(max_viewers=1)
    answers = Answers(house)
    client = knock(house)
    await until(lambda: answers.held, "the store is asked")
    give_up(client, how)
    await until(lambda: connections(house) == 0, "the connection is gone")
    answers.held.pop().callback(None)
    assert house.hub.may_connect(house.accounts["owner"])
    house.before_answer = None
    viewer = await house.connect()
    assert "429" in await house.connect()
    await house.hub.stopService()
    await viewer.gone


@pytest_twisted.ensureDeferred
async def test_a_client_that_is_gone_is_not_logged_and_one_that_is_refused_is(
    make_house: MakeHouse, logged: list[str]
) -> None:
    house, _ = await make_house(max_viewers=1)
    answers = Answers(house)
    client = knock(house)
    await until(lambda: answers.held, "the store is asked")
    give_up(client, "RST")
    await until(lambda: connections(house) == 0, "the connection is gone")
    answers.held.pop().callback(None)
    house.before_answer = None
    viewer = await house.connect()
    assert "429" in await house.connect()
    reasons = {line for line in logged if line.startswith("127.0.0.1: a viewer's WebSocket was refused")}
    assert any("Too many WebSockets" in reason for reason in reasons)
    assert not any("gone" in reason for reason in reasons)
    await house.hub.stopService()
    await viewer.gone


@pytest_twisted.ensureDeferred
async def test_a_handshake_that_fails_at_the_store_leaves_no_place_taken(make_house: MakeHouse) -> None:
    house, _ = await make_house(max_viewers=1)
    answers = Answers(house)
    client = knock(house)
    await until(lambda: answers.held, "the store is asked")
    give_up(client, "RST")
    await until(lambda: connections(house) == 0, "the connection is gone")
    answers.held.pop().errback(StoreUnavailable("away"))
    house.before_answer = None
    assert not isinstance(await house.connect(), str)


@pytest_twisted.ensureDeferred
async def test_handshakes_answered_at_once_count_each_other(make_house: MakeHouse) -> None:
    house, _ = await make_house(max_viewers=3)
    answers = Answers(house)
    clients = [knock(house) for _ in range(10)]
    await until(lambda: len(answers.held) == 10, "ten handshakes under way")
    for answer in answers.held:
        answer.callback(None)
    await turns()
    heard = [client.recv(4096).split()[1] for client in clients]
    assert (heard.count(b"101"), heard.count(b"429")) == (3, 7)
    for client in clients:
        client.close()
    await until(lambda: house.hub.may_connect(house.accounts["owner"]), "their places are free")


@pytest_twisted.ensureDeferred
async def test_more_given_up_handshakes_than_an_account_has_places_cost_none(
    make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch, nothing_left_behind: list[str]
) -> None:
    house, _ = await make_house(max_viewers=5)
    house.factory.setProtocolOptions(autoPingInterval=1, autoPingTimeout=1)

    async def later() -> None:
        await deferLater(reactor, 0.002)

    house.before_answer = later
    for number in range(60):
        client = knock(house)
        if delay := (0.0, 0.001, 0.002, 0.004)[number % 4]:
            await deferLater(reactor, delay)
        give_up(client, "RST" if number % 3 else "FIN")
    await until(lambda: connections(house) == 0, "all connections are gone")
    # Autobahn would ping what it believed to be open.
    await deferLater(reactor, 3)
    assert not nothing_left_behind
    for _ in range(5):
        assert not isinstance(await house.connect(), str)
    assert "429" in await house.connect()


@pytest_twisted.ensureDeferred
async def test_a_second_handshake_on_the_same_connection_is_not_answered(make_house: MakeHouse) -> None:
    house, _ = await make_house()
    answers = Answers(house)
    client = knock(house)
    await until(lambda: answers.held, "the store is asked")
    client.sendall(handshake(house))
    await turns(20)
    (answer,) = answers.held
    answer.callback(None)
    await until(lambda: connections(house) == 0, "it is not a frame and ends the connection")
    assert client.recv(4096).count(b"101 Switching") == 1
    client.close()
    assert house.hub.may_connect(house.accounts["owner"])
    await house.hub.stopService()


@pytest_twisted.ensureDeferred
async def test_what_comes_with_the_handshake_waits_for_its_answer_up_to_a_bound(make_house: MakeHouse) -> None:
    house, _ = await make_house(max_frame_bytes=2000)
    answers = Answers(house)
    early, flood = knock(house), knock(house)
    await until(lambda: len(answers.held) == 2, "the store is asked")
    early.sendall(_masked(b'{"event": "get_logs"}'))
    flood.sendall(bytes(3000))
    await until(lambda: connections(house) == 1, "the flood is cut off")
    for answer in answers.held:
        answer.callback(None)
    said = await _said(early, b"not_identified")
    assert said.startswith(b"HTTP/1.1 101")
    for client in (early, flood):
        client.close()


def _masked(payload: bytes) -> bytes:
    """A text frame under a mask of zeros."""
    return bytes((0x81, 0x80 | len(payload))) + bytes(4) + payload


async def _said(client: socket.socket, wanted: bytes) -> bytes:
    client.setblocking(False)
    heard = b""

    def hear() -> bool:
        nonlocal heard
        with suppress(BlockingIOError):
            heard += client.recv(4096)
        return wanted in heard

    await until(hear, f"{wanted!r}")
    return heard


@pytest_twisted.ensureDeferred
async def test_a_place_is_given_back_once(make_house: MakeHouse) -> None:
    house, _ = await make_house(max_viewers=2)
    account = house.accounts["owner"]
    guest: Any = None
    first, second = house.hub.admit(account, guest), house.hub.admit(account, guest)
    assert first is not None
    assert second is not None
    assert house.hub.admit(account, guest) is None
    first.give_back()
    first.give_back()
    third = house.hub.admit(account, guest)
    assert third is not None
    assert house.hub.admit(account, guest) is None
    for place in (second, third):
        place.give_back()


@pytest_twisted.ensureDeferred
async def test_an_internal_error_is_not_told_to_the_client(
    make_house: MakeHouse, nothing_left_behind: list[str]
) -> None:
    house, _ = await make_house()

    async def fail() -> None:
        raise RuntimeError("a secret of the server")

    house.before_answer = fail
    refused = await house.connect()
    assert "500" in refused
    assert "secret" not in refused
    (logged,) = nothing_left_behind
    assert "a secret of the server" in logged
    nothing_left_behind.clear()


@pytest_twisted.ensureDeferred
async def test_two_may_wait_until_all_places_are_free() -> None:
    clock, places, guest = Clock(), Places(2), cast(Guest, None)
    place = places.take(Account(1, "o@example.com", "UTC"), guest)
    assert place is not None
    short, long = (Deferred.fromCoroutine(places.wait_until_free(clock, seconds)) for seconds in (1, 5))
    clock.advance(2)
    assert (await short, long.called) == (False, False)
    place.give_back()
    assert await long
    assert clock.getDelayedCalls() == []


@pytest_twisted.ensureDeferred
async def test_repeated_refusals_are_logged_once_for_each_kind(make_house: MakeHouse, logged: list[str]) -> None:
    house, _ = await make_house(max_viewers=1)
    viewer = await house.connect()
    for _ in range(5):
        assert "429" in await house.connect()
        assert "401" in await house.connect("nobody")
    assert sum("a viewer's WebSocket was refused" in line for line in logged) == 1
    viewer.sendFrame(opcode=1, payload=b"x", rsv=7)
    await viewer.gone
    for _ in range(3):
        viewer = await house.connect()
        viewer.sendFrame(opcode=1, payload=b"x", rsv=7)
        await viewer.gone
    assert sum("was closed because of what its client sent" in line for line in logged) == 1
