"""What may happen to an installation; each fault ends as soon as it is over, not when all have got on."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import attrs

from tests.faults.chaos.giving_up import GivingUp
from tests.faults.chaos.link import LinkProxy
from tests.faults.disk import filled, use_up_the_wal
from tests.faults.postgresql import backend_under, children, freeze, no_recovery, postmaster, signal_all, thaw
from tests.fixtures.running import PplProcess

#: Seconds within which Ppl stops, and starts.
STOPS_WITHIN, STARTS_WITHIN = 20.0, 90.0

#: The same beside a PostgreSQL that does not answer.
STOPS_BESIDE_FROZEN_WITHIN = 100.0


@attrs.define
class Installation:
    """Ppl and what is about it.

    Attributes:
        ppl: its processes.
        directory: where its data are.
        rng: how long, how much.
        giving_up: gives connections up.
        link: before the server's link, of two processes.
        small_disk: whether the data are on a disk that may be filled.
        restarts: how often what receives was stopped or killed.
        stops: seconds of each stop.
    """

    ppl: PplProcess
    directory: Path
    rng: random.Random
    giving_up: GivingUp
    link: LinkProxy | None
    small_disk: bool
    restarts: int = 0
    stops: list[float] = attrs.Factory(list)

    @property
    def data(self) -> Path:
        """Where PostgreSQL's files are, somewhere below."""
        return self.directory / "data"

    def stop(self, role: str | None, number: int, seconds: float) -> None:
        """End every process of Ppl, or one of two; fails the test if one takes longer than ``seconds``."""
        began = time.monotonic()
        self.restarts += role != "server"
        self.ppl.stop(role, number, seconds)
        self.stops.append(time.monotonic() - began)

    def last(self, least: float, most: float) -> None:
        """As long as a fault lasts, nothing tells that it is time to end it."""
        threading.Event().wait(self.rng.uniform(least, most))


Fault = Callable[[Installation], None]


def backend_killed(there: Installation) -> None:
    """One process that serves a connection; PostgreSQL then ends all of them."""
    signal_all([backend_under(there.directory)], signal.SIGKILL)


def backends_killed(there: Installation) -> None:
    """One after the other, as soon as there is one again, for some seconds."""
    ends = time.monotonic() + there.rng.uniform(3, 4)
    while time.monotonic() < ends:
        backend_killed(there)


def backend_terminated(there: Installation) -> None:
    """One connection is ended, as an administrator does it."""
    signal_all([backend_under(there.directory)], signal.SIGTERM)


def postgresql_stopped(there: Installation) -> None:
    """In order, or at once."""
    signal_all([postmaster(there.directory)], there.rng.choice((signal.SIGINT, signal.SIGQUIT)))


def postgresql_killed(there: Installation) -> None:
    """The postmaster alone, or with all its children."""
    pid = postmaster(there.directory)
    signal_all([pid, *(children(pid) if there.rng.random() < 0.5 else [])], signal.SIGKILL)


def postgresql_frozen(there: Installation) -> None:
    """For some seconds."""
    _freeze(there, 2, 8)


def postgresql_frozen_for_long(there: Installation) -> None:
    """Until some statements are given up, or all of them."""
    _freeze(there, 28, 50)


def _freeze(there: Installation, least: float, most: float) -> None:
    frozen = freeze(there.directory)
    try:
        there.last(least, most)
    finally:
        thaw(frozen)


def recovery_aborted(there: Installation) -> None:
    """A backend is killed, and then what recovers from that."""
    with no_recovery(there.directory):
        signal_all([backend_under(there.directory)], signal.SIGKILL)


def disk_full(there: Installation) -> None:
    """To the last byte, so that PostgreSQL ends, or with a little left, so that tables do not grow."""
    leave = there.rng.choice((0, 20 << 10, 200 << 10))
    with filled(there.data, leave):
        if not leave:
            use_up_the_wal(there.ppl.dsn)
        there.last(2, 5)


def ppl_killed(there: Installation) -> None:
    """Every process of Ppl, or one of two."""
    _restart(there, there.rng.choice((None, *there.ppl.roles)), signal.SIGKILL, STOPS_WITHIN)


def ppl_stopped(there: Installation) -> None:
    """The same in order."""
    _restart(there, there.rng.choice((None, *there.ppl.roles)), signal.SIGTERM, STOPS_WITHIN)


def ppl_stopped_beside_a_frozen_postgresql(there: Installation) -> None:
    """PostgreSQL does not answer, which goes on beyond the stop."""
    frozen = freeze(there.directory)
    try:
        there.stop(None, signal.SIGTERM, STOPS_BESIDE_FROZEN_WITHIN)
    finally:
        thaw(frozen)
    there.ppl.start(STARTS_WITHIN)


def _restart(there: Installation, role: str | None, number: int, seconds: float) -> None:
    there.stop(role, number, seconds)
    there.last(0, 1)
    there.ppl.start(STARTS_WITHIN)


def ppl_suspended(there: Installation) -> None:
    """As a machine that sleeps."""
    role = there.rng.choice(there.ppl.roles)
    there.ppl.send_signal(signal.SIGSTOP, role)
    try:
        there.last(1, 6)
    finally:
        there.ppl.send_signal(signal.SIGCONT, role)


def many_given_up(there: Installation) -> None:
    """Many connections, one right after the other."""
    for _ in range(60):
        there.giving_up.give_one_up()


def link_cut(there: Installation) -> None:
    """Once, or refused for a while."""
    assert there.link is not None
    there.link.refuses = there.rng.random() < 0.5
    there.link.cut()
    if there.link.refuses:
        there.last(1, 4)
        there.link.refuses = False


def link_frozen(there: Installation) -> None:
    """Nothing comes through, and nothing ends."""
    assert there.link is not None
    there.link.flows.clear()
    there.last(1, 6)
    there.link.flows.set()


#: What may happen to every installation.
FAULTS: tuple[Fault, ...] = (
    backend_killed,
    backends_killed,
    backend_terminated,
    postgresql_stopped,
    postgresql_killed,
    postgresql_frozen,
    recovery_aborted,
    ppl_killed,
    ppl_stopped,
    ppl_suspended,
    many_given_up,
)


#: What takes minutes.
LONG_FAULTS: tuple[Fault, ...] = (ppl_stopped_beside_a_frozen_postgresql, postgresql_frozen_for_long)


def possible(there: Installation) -> tuple[Fault, ...]:
    """What may happen to this one."""
    return (
        *FAULTS,
        *((link_cut, link_frozen) if there.link is not None else ()),
        *((disk_full,) if there.small_disk else ()),
    )


def end_all(there: Installation) -> None:
    """Kill everything, after a failure."""
    with suppress(BaseException):
        there.ppl.send_signal(signal.SIGCONT)
        there.ppl.kill()
