"""Senders of every kind, each to one destination; each outlives every fault and knows which lines may be lost."""

from __future__ import annotations

import random
import ssl
from collections.abc import Callable
from typing import Protocol

from tests.faults.lines import LineSender
from tests.faults.soaking import Datagrams, Part
from tests.fixtures.draining import DrainSender
from tests.fixtures.relp import WINDOW, RelpSender
from tests.fixtures.running import PplProcess, Registered


class Sender(Protocol):
    """A sender of lines ``<name> <number>``, counted from 0.

    Attributes:
        name: first word of its lines.
        sent: number of the next line.
        error: the exception that ended it.
    """

    name: str
    error: BaseException | None

    @property
    def sent(self) -> int:
        """Number of the next line."""

    def start(self) -> None:
        """Begin."""

    def finish(self) -> None:
        """Send no more, and wait for the acknowledgement of all that was sent, where there is one."""

    def give_up(self) -> None:
        """End without waiting for anything."""


class Reconnecting(Part):
    """Sends plain lines over one connection after the other; each begins with the first line that none has begun.

    Args:
        connect: makes a connection whose lines begin with that number.
        stays: seconds for which a connection lasts if nothing breaks it.

    Attributes:
        connections: all connections, in order.
        whole: those that the sender closed in order.
    """

    def __init__(self, name: str, connect: Callable[[int], LineSender], stays: float) -> None:
        super().__init__(name)
        self.connections: list[LineSender] = []
        self.whole: list[LineSender] = []
        self._connect, self._stays = connect, stays
        self._given_up = False

    @property
    def sent(self) -> int:
        """Number of the next line."""
        return self.connections[-1].begun if self.connections else 0

    def act(self) -> None:
        """Connect again and again."""
        while not self.finishing.is_set():
            try:
                connection = self._connect(self.sent)
            except OSError:
                self.finishing.wait(0.1)
                continue
            self.connections.append(connection)
            connection.start()
            self._stay(connection)

    def _stay(self, connection: LineSender) -> None:
        waited = 0.0
        while waited < self._stays and connection.is_alive() and not self.finishing.wait(0.1):
            waited += 0.1
        if self._given_up:
            connection.abandon()
            return
        try:
            connection.finish()
        except OSError:
            connection.ended = True
        if not connection.ended:
            self.whole.append(connection)

    def give_up(self) -> None:
        """End without waiting for anything."""
        self._given_up = True
        self.finishing.set()


class Dropping(Datagrams):
    """Sends datagrams, which may be lost."""

    def give_up(self) -> None:
        """Send no more."""
        self.finishing.set()


Maker = Callable[[PplProcess, Registered, str, random.Random], Sender]


def trusting() -> ssl.SSLContext:
    """A TLS context that accepts the certificate that Ppl made for itself."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _lines(low: int, high: int, tls: bool = False) -> Maker:
    def make(ppl: PplProcess, who: Registered, name: str, rng: random.Random) -> Sender:
        rate, context = rng.uniform(low, high), trusting() if tls else None
        return Reconnecting(name, lambda first: LineSender(who, name, rate, context, first), rng.uniform(10, 40))

    return make


def _relp(low: int, high: int, window: int = WINDOW, tls: bool = False) -> Maker:
    def make(ppl: PplProcess, who: Registered, name: str, rng: random.Random) -> Sender:
        return RelpSender(who, name, window, rng.uniform(low, high), trusting() if tls else None)

    return make


def _http(ppl: PplProcess, who: Registered, name: str, rng: random.Random) -> Sender:
    return DrainSender(ppl.drain_port, ppl.create_drain(who), name, WINDOW, rng.uniform(50, 300))


def _udp(ppl: PplProcess, who: Registered, name: str, rng: random.Random) -> Sender:
    return Dropping(who, rng.uniform(10, 50), name)


#: Senders of many lines a second; at most two at a time, to spare the machine.
FLOODS: dict[str, Maker] = {"flood": _lines(1_000, 3_000), "relpflood": _relp(1_000, 2_000, window=1_000)}

#: Senders of few lines a second.
QUIET: dict[str, Maker] = {"trickle": _lines(3, 20), "relptrickle": _relp(3, 20)}

#: Senders of some lines a second.
USUAL: dict[str, Maker] = {
    "relp": _relp(100, 500),
    "relptls": _relp(50, 200, tls=True),
    "http": _http,
    "tls": _lines(50, 300, tls=True),
    "udp": _udp,
}
