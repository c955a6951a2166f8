"""A port closes: senders are told, what they had sent is kept, and none of them holds it up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.interfaces import IHalfCloseableProtocol
from twisted.internet.protocol import Protocol
from zope.interface import implementer

from ppl.listener.intake import ConnectionTimeouts
from ppl.listener.tls import Certificates, self_signed
from ppl.services.clock import wall_clock
from tests.listener.conftest import MakeDestination, MakeReceiving
from tests.listener.receiving import GatedStore, connect, messages
from tests.listener.sockets.test_receiver import OPEN, count, opened, secured
from tests.waiting import until


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    made = Certificates(lambda: self_signed(tmp_path, "localhost"), wall_clock)
    made.startService()
    return made


#: Long enough that no connection is aborted: each ends in order.
PATIENT = ConnectionTimeouts(closing=600.0)


@implementer(IHalfCloseableProtocol)
class Writer(Protocol):
    """A sender that notices the end and may still write."""

    is_told = is_gone = False

    def readConnectionLost(self) -> None:
        self.is_told = True

    def writeConnectionLost(self) -> None:
        """Twisted: this side has ended."""

    def connectionLost(self, reason: object = None) -> None:
        self.is_gone = True


async def writer(port: int) -> Any:
    return await connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", port), Writer())


@pytest_twisted.ensureDeferred
async def test_a_sender_is_told_and_what_it_writes_until_its_own_end_is_kept(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    receiving = await make_receiving(store, timeouts=PATIENT)
    destination = await opened(store, receiving, await make_destination())
    begun, new = [await writer(destination.port) for _ in range(2)]
    begun.transport.write(b"one\ntw")
    await until(lambda: count(receiving) == 1, "the first line")
    await until(lambda: len(receiving.intake_of(destination).connections) == 2, "both connections")
    closing = receiving.close(destination)
    await until(lambda: begun.is_told and new.is_told, "both told")
    assert not closing.called
    begun.transport.write(b"o\nthree\n")
    new.transport.write(b"four")
    await until(lambda: count(receiving) == 3, "what came after the end")
    for each in (begun, new):
        each.transport.loseConnection()
    await closing
    await until(lambda: count(receiving) == 4, "the line cut off by the end")
    assert sorted(await messages(store, destination)) == ["four", "one", "three", "two"]


@pytest_twisted.ensureDeferred
async def test_what_the_kernel_holds_when_the_port_closes_is_read(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    receiving = await make_receiving(store, timeouts=PATIENT)
    destination = await opened(store, receiving, await make_destination())
    sender = await writer(destination.port)
    await until(lambda: receiving.intake_of(destination).connections, "the connection")
    (connection,) = receiving.intake_of(destination).connections
    connection.hold("a test")
    sender.transport.write(b"".join(b"line %d\n" % number for number in range(20_000)))
    sender.transport.loseConnection()
    closing = receiving.close(destination)
    connection.let_go("a test")
    await closing
    await until(lambda: count(receiving) == 20_000, "every line")


@pytest.mark.parametrize("has_sent", [True, False])
@pytest_twisted.ensureDeferred
async def test_a_sender_that_never_reads_holds_nothing_up(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving, has_sent: bool
) -> None:
    receiving = await make_receiving(store, timeouts=PATIENT)
    destination = await opened(store, receiving, await make_destination())
    sender = await writer(destination.port)
    if has_sent:
        sender.transport.write(b"kept\n")
        await until(lambda: count(receiving) == 1, "its line")
    await until(lambda: receiving.intake_of(destination).connections, "the connection")
    await receiving.close(destination)
    sender.transport.loseConnection()
    await until(lambda: sender.is_gone)


@pytest_twisted.ensureDeferred
async def test_a_tls_sender_that_never_reads_holds_nothing_up_and_what_it_writes_meanwhile_is_kept(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving, certificates: Certificates
) -> None:
    receiving = await make_receiving(store, certificates, timeouts=PATIENT)
    destination = await opened(store, receiving, await make_destination())
    deaf = await secured(destination.port)
    deaf.transport.write(b"one\n")
    await until(lambda: count(receiving) == 1, "its line")
    deaf.transport.pauseProducing()
    closing = receiving.close(destination)
    deaf.transport.write(b"two\n")
    await closing
    deaf.transport.resumeProducing()
    await deaf.gone
    await until(lambda: count(receiving) == 2, "both lines")
    assert await messages(store, destination) == ["one", "two"]


@pytest_twisted.ensureDeferred
async def test_a_tls_handshake_that_is_not_finished_holds_nothing_up(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving, certificates: Certificates
) -> None:
    receiving = await make_receiving(store, certificates, timeouts=PATIENT)
    destination = await opened(store, receiving, await make_destination())
    sender = await connect(destination.port)
    sender.transport.write(b"\x16\x03\x01\x02\x00")
    await until(lambda: receiving.intake_of(destination).connections, "the connection")
    (connection,) = receiving.intake_of(destination).connections
    await until(lambda: connection.is_secure, "a handshake that is begun")
    await receiving.close(destination)
    await sender.gone


@pytest.mark.parametrize("is_secure", [False, True])
@pytest_twisted.ensureDeferred
async def test_a_relp_client_that_closes_when_it_is_told_is_gone_at_once(
    store: Any,
    make_destination: MakeDestination,
    make_receiving: MakeReceiving,
    certificates: Certificates,
    is_secure: bool,
) -> None:
    gated = GatedStore(store)
    receiving = await make_receiving(gated, certificates, timeouts=PATIENT)
    destination = await opened(store, receiving, await make_destination())
    gated.shut = True
    sender = await (secured if is_secure else connect)(destination.port)
    sender.transport.write(OPEN + b"2 syslog 3 one\n")
    await until(lambda: gated.batches, "the line in flight")
    closing = receiving.close(destination)
    sender.transport.write(b"3 syslog 3 two\n")
    gated.open()
    await until(lambda: sender.data.endswith(b"2 rsp 6 200 OK\n0 serverclose 0\n"), "the hint")
    sender.transport.loseConnection()
    await closing
    await sender.gone
    assert await messages(store, destination) == ["one"]


@pytest_twisted.ensureDeferred
async def test_a_flood_is_read_on_for_a_moment_only_and_no_more_than_there_is_room_for(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    gated = GatedStore(store)
    receiving = await make_receiving(gated, timeouts=PATIENT, queue_bytes=1_000_000)
    destination = await opened(store, receiving, await make_destination())
    gated.shut = True
    sender = await writer(destination.port)
    sender.transport.write(b"x" * 99 + b"\n")
    await until(lambda: receiving.writer.waiting_events, "the first line")
    closing = receiving.close(destination)
    sender.transport.write((b"x" * 99 + b"\n") * 300_000)
    await closing
    assert receiving.writer.waiting_bytes < 5_000_000
    sender.transport.abortConnection()
    await until(lambda: sender.is_gone)
    gated.open()
