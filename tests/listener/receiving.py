"""A listener's parts over a real store and real sockets, in the reactor of the test."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Any

import attrs
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from ppl.access.quota import Quota
from ppl.listener.intake import ConnectionTimeouts, DestinationIntake, Intake
from ppl.listener.limits.admission import Admission, Limits
from ppl.listener.limits.losses import Losses
from ppl.listener.limits.meters import Meters
from ppl.listener.limits.partial_input import Unfinished
from ppl.listener.sockets.ports import Ports
from ppl.listener.tls import Certificates
from ppl.listener.writing.writer import BatchEvents, Writer
from ppl.model import Destination, Events, Lines
from ppl.services.clock import steady_clock, wall_clock
from ppl.store.interface import Store


class GatedStore:
    """The real store behind a gate: ``append`` waits while it is shut, and raises each of ``errors`` once.

    ``batches`` has the number of events of each call, ``given`` the ids of their destinations.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: list[Deferred[None]] = []
        self.shut = False
        self.errors: list[Exception] = []
        self.batches: list[int] = []
        self.given: list[set[int]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def append(self, batch: Sequence[Events], after: Deferred[None] | None = None) -> None:
        self.batches.append(sum(map(len, batch)))
        self.given.append({events.destination.id for events in batch})
        if self.shut:
            gate: Deferred[None] = Deferred()
            self._waiting.append(gate)
            await gate
        if self.errors:
            raise self.errors.pop(0)
        await self._store.append(batch, after)

    def let_one_through(self, which: int = 0) -> None:
        """Let one of the waiting calls go on: the one that came first, or the one after ``which`` others."""
        self._waiting.pop(which).callback(None)

    def open(self) -> None:
        self.shut = False
        waiting, self._waiting = self._waiting, []
        for gate in waiting:
            gate.callback(None)


class Held:
    """A source that only notes whether it is held."""

    def __init__(self) -> None:
        self.held = False

    def pause(self) -> None:
        self.held = True

    def resume(self) -> None:
        self.held = False


def lines(*texts: str) -> Lines:
    count = len(texts)
    empty = [""] * count
    return Lines([None] * count, [1] * count, [5] * count, empty, ["app"] * count, empty, empty, empty, texts)


async def messages(store: Store, destination: Destination) -> list[str]:
    """The stored messages, in the order of their ids."""
    found: list[str] = []
    after = 0
    while True:
        page = await store.newer(destination.id, after, 1000)
        found += [event.message for event in page.events]
        if page.complete:
            return found
        after = page.events[-1].id


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


LIMITS = Limits(
    max_line_bytes=1000, max_connections=100, max_connections_per_address=1000, max_connects_per_second=1000
)


def intake(store: Store, writer: Writer, certificates: Certificates | None = None, **limits: Any) -> Intake:
    """An intake into ``writer``, with counts in ``store`` and limits that tests can reach."""
    timeouts = limits.pop("timeouts", ConnectionTimeouts())
    unfinished = Unfinished(limits.pop("partial_bytes", 1 << 26), limits.pop("partial_seconds", 300), reactor)
    quota = Quota(limits.pop("max_lines_per_second", None), limits.pop("max_bytes_per_day", None))
    meters = Meters(store, writer, reactor, wall_clock, steady_clock, quota)
    admission = Admission(attrs.evolve(LIMITS, **limits), wall_clock)
    return Intake(writer, wall_clock, admission, Losses(reactor), unfinished, meters, certificates, timeouts)


class Receiving:
    """Running ports and a writer; keeps what was announced and reported."""

    def __init__(self, store: Any, certificates: Certificates | None = None, **limits: Any) -> None:
        self.announced: list[Events] = []
        self.reported: list[tuple[int, str | None]] = []
        queue_bytes, few = limits.pop("queue_bytes", 1 << 25), limits.pop("batch_events", BatchEvents())
        self.writer = Writer(store, self.announced.append, reactor, wall_clock, queue_bytes, few)
        most_files, sockets = limits.pop("most_files", 100_000), limits.pop("sockets", None)
        self.intake = intake(store, self.writer, certificates, **limits)
        self.ports = Ports(reactor, "127.0.0.1", self.intake, most_files, self._report, sockets)

    def _report(self, destination: Destination, reason: str | None) -> None:
        self.reported.append((destination.port, reason))

    def intake_of(self, destination: Destination) -> DestinationIntake:
        found = self.ports.intake_of(destination)
        assert found is not None
        return found

    def close(self, destination: Destination) -> Deferred[None]:
        """Close its port; fires when it is closed."""
        return Deferred.fromCoroutine(self.ports.close(destination))

    async def stop(self) -> None:
        await self.ports.close_all()
        await self.writer.stopService()


class _Sender(Protocol):
    def __init__(self) -> None:
        self.gone: Deferred[None] = Deferred()
        self.data = b""

    def dataReceived(self, data: bytes) -> None:
        self.data += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.gone.callback(None)


async def connect(port: int) -> Any:
    """A sender's connection: ``transport``, ``data`` that came back, and ``gone``."""
    factory = Factory.forProtocol(_Sender)
    factory.noisy = False
    return await TCP4ClientEndpoint(reactor, "127.0.0.1", port).connect(factory)


async def send(port: int, data: bytes) -> None:
    """Send and close."""
    sender = await connect(port)
    sender.transport.write(data)
    sender.transport.loseConnection()
    await sender.gone
