"""Viewers that close without reading, or do not close at all: their connections end, their places come free."""

from __future__ import annotations

import socket
import ssl
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.logger import globalLogPublisher

from ppl.model import Destination
from ppl.viewer.protocol import ViewerProtocol
from ppl.viewer.times import Times
from tests.viewer.conftest import MakeHouse
from tests.viewer.test_handshakes import connections, handshake
from tests.viewer.watching import House
from tests.waiting import until

over_both = pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])


async def stuck(house: House, destination: Destination) -> tuple[Any, ViewerProtocol]:
    """A viewer that does not read, and for which the server holds bytes that the kernel does not take."""
    viewer = await house.connect()
    viewer.closeHandshakeTimeout = 0
    viewer.say("send_user_data", user_id=destination.user_id)
    await viewer.expect("send_logs")
    server = next(
        each.socket
        for each in house.hub.connected_users[destination.user_id]
        if each.socket.peer.endswith(f":{viewer.transport.getHost().port}")
    )
    viewer.transport.pauseProducing()
    # Otherwise the kernel's buffers would grow and take everything.
    below(server).socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16_384)
    sent = []
    send = server.send_octets
    server.send_octets = lambda octets: (sent.append(octets), send(octets))
    while not waiting(server):
        sent.clear()
        await house.ingest(destination, "x" * 20_000)
        # Several lines at once would fill the transport.
        await until(lambda: sent, "the line is pushed")
        before = 0
        # The kernel takes the line little by little, until the other side's buffer is full too.
        while waiting(server) != before:
            before = waiting(server)
            await deferLater(reactor, 0.05)
    assert not server.is_full, "the server still reads from it"
    return viewer, server


def below(server: Any) -> Any:
    """The TCP connection of ``server``, also below TLS."""
    return getattr(server.transport, "transport", server.transport)


def waiting(server: Any) -> int:
    """Number of bytes that the server holds for the viewer."""
    transport = below(server)
    return len(transport.dataBuffer) - transport.offset + int(transport._tempDataLen)


#: Timeouts of less than a second, so that the tests are quick.
SOON: dict[str, Any] = {"times": Times(closing=0.5), "dropping_seconds": 0.5}


@over_both
@pytest_twisted.ensureDeferred
async def test_a_viewer_that_says_close_and_does_not_read_gives_its_place_back(
    make_house: MakeHouse, secure: bool
) -> None:
    house, destination = await make_house(secure=secure, max_viewers=1, **SOON)
    viewer, server = await stuck(house, destination)
    viewer.sendClose()
    await until(lambda: server.state == server.STATE_CLOSED, "its Close is read")
    assert waiting(server)
    assert "429" in await house.connect()
    await until(lambda: house.hub.may_connect(house.accounts["owner"]), "its place is free")
    other = await house.connect()
    await other.leave()
    viewer.transport.abortConnection()
    await viewer.gone


@over_both
@pytest_twisted.ensureDeferred
async def test_a_stop_cuts_off_a_stuck_viewer_and_closes_others_in_order(make_house: MakeHouse, secure: bool) -> None:
    said: list[str] = []

    def observe(event: Any) -> None:
        said.append(str(event.get("log_format")).format(**event) if "cut off" in str(event.get("log_format")) else "")

    # Only the hub's timeout is short; the connection's own takes longer.
    house, destination = await make_house(secure=secure, times=Times(closing=0.5))
    viewer, server = await stuck(house, destination)
    reading = await house.connect("stranger")
    viewer.sendClose()
    await until(lambda: server.state == server.STATE_CLOSED, "its Close is read")
    globalLogPublisher.addObserver(observe)
    await house.hub.stopService()
    globalLogPublisher.removeObserver(observe)
    assert "The WebSockets of 1 viewers did not close in time and are cut off" in said
    await reading.gone
    assert reading.close_code == 1001
    viewer.transport.abortConnection()
    await viewer.gone


@over_both
@pytest_twisted.ensureDeferred
async def test_a_viewer_that_never_answers_the_servers_close_is_cut_off(make_house: MakeHouse, secure: bool) -> None:
    house, destination = await make_house(secure=secure, max_viewers=1)
    viewer, server = await stuck(house, destination)
    server.close(4401, "the session has ended")
    await until(lambda: house.hub.may_connect(house.accounts["owner"]), "its place is free")
    viewer.transport.abortConnection()
    await viewer.gone


@over_both
@pytest_twisted.ensureDeferred
async def test_a_viewer_that_breaks_the_protocol_again_while_it_closes_ends_too(
    make_house: MakeHouse, secure: bool
) -> None:
    house, destination = await make_house(secure=secure, max_viewers=1, **SOON)
    viewer, server = await stuck(house, destination)
    for _ in range(2):
        viewer.sendFrame(opcode=3, payload=b"there is no such opcode")
    await until(lambda: server.state == server.STATE_CLOSED, "it is dropped")
    assert waiting(server)
    await until(lambda: house.hub.may_connect(house.accounts["owner"]), "its place is free")
    viewer.transport.abortConnection()
    await viewer.gone


@pytest_twisted.ensureDeferred
async def test_a_refused_client_that_says_no_goodbye_over_tls_is_dropped(make_house: MakeHouse) -> None:
    house, _ = await make_house(secure=True, **SOON)
    client = await deferToThread(_refused, house)
    await until(lambda: connections(house) == 0, "the connection is gone")
    client.close()


def _refused(house: House) -> ssl.SSLSocket:
    """A TLS connection that was answered 401 and stays open on this side."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    client = context.wrap_socket(socket.create_connection(("127.0.0.1", house.port.getHost().port)))
    client.sendall(handshake(house, "nobody"))
    assert b" 401 " in client.recv(4096)
    return client


@over_both
@pytest_twisted.ensureDeferred
async def test_a_viewer_that_answers_no_ping_is_cut_off(
    make_house: MakeHouse, secure: bool, nothing_left_behind: list[str]
) -> None:
    house, _ = await make_house(secure=secure, max_viewers=1)
    house.factory.setProtocolOptions(autoPingInterval=1, autoPingTimeout=1)
    viewer = await house.connect()
    viewer.onPing = lambda payload: None
    await viewer.gone
    assert house.hub.may_connect(house.accounts["owner"])
    assert not nothing_left_behind
