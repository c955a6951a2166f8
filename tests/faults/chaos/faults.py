"""Faults of an installation; each returns as soon as the fault is over, not when every client has recovered."""

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

#: Seconds within which Ppl stops and starts.
STOPS_WITHIN, STARTS_WITHIN = 20.0, 90.0

#: Seconds within which Ppl stops while PostgreSQL does not answer.
STOPS_BESIDE_FROZEN_WITHIN = 100.0


@attrs.define
class Installation:
    """Ppl and its surroundings.

    Attributes:
        ppl: its processes.
        directory: where its data are.
        rng: decides how long and how much.
        giving_up: opens connections and abandons them.
        link: proxy before the server's link, where there are two processes.
        small_disk: whether the data are on a disk that may be filled.
        restarts: how often the receiving process was stopped or killed.
        stops: seconds that each stop took.
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
        """The data directory, with PostgreSQL's files below it."""
        return self.directory / "data"

    def stop(self, role: str | None, number: int, seconds: float) -> None:
        """Stop every process of Ppl, or one of two; fails the test if one takes longer than ``seconds``."""
        began = time.monotonic()
        self.restarts += role != "server"
        self.ppl.stop(role, number, seconds)
        self.stops.append(time.monotonic() - began)

    def last(self, least: float, most: float) -> None:
        """Wait for a random time: nothing tells when a fault has lasted long enough."""
        threading.Event().wait(self.rng.uniform(least, most))


Fault = Callable[[Installation], None]


def backend_killed(there: Installation) -> None:
    """Kill one backend; PostgreSQL then ends every connection."""
    signal_all([backend_under(there.directory)], signal.SIGKILL)


def backends_killed(there: Installation) -> None:
    """Kill backends for some seconds, each as soon as there is one again."""
    ends = time.monotonic() + there.rng.uniform(3, 4)
    while time.monotonic() < ends:
        backend_killed(there)


def backend_terminated(there: Installation) -> None:
    """End one connection, as an administrator does it."""
    signal_all([backend_under(there.directory)], signal.SIGTERM)


def postgresql_stopped(there: Installation) -> None:
    """Shut PostgreSQL down, fast or immediately."""
    signal_all([postmaster(there.directory)], there.rng.choice((signal.SIGINT, signal.SIGQUIT)))


def postgresql_killed(there: Installation) -> None:
    """Kill the postmaster alone, or with all its children."""
    pid = postmaster(there.directory)
    signal_all([pid, *(children(pid) if there.rng.random() < 0.5 else [])], signal.SIGKILL)


def postgresql_frozen(there: Installation) -> None:
    """Freeze PostgreSQL for some seconds."""
    _freeze(there, 2, 8)


def postgresql_frozen_for_long(there: Installation) -> None:
    """Freeze PostgreSQL until some statements time out, or all of them."""
    _freeze(there, 28, 50)


def _freeze(there: Installation, least: float, most: float) -> None:
    frozen = freeze(there.directory)
    try:
        there.last(least, most)
    finally:
        thaw(frozen)


def recovery_aborted(there: Installation) -> None:
    """Kill a backend, and then the startup process that recovers from it."""
    with no_recovery(there.directory):
        signal_all([backend_under(there.directory)], signal.SIGKILL)


def disk_full(there: Installation) -> None:
    """Fill the disk to the last byte, so that PostgreSQL ends, or leave a little, so that tables cannot grow."""
    leave = there.rng.choice((0, 20 << 10, 200 << 10))
    with filled(there.data, leave):
        if not leave:
            use_up_the_wal(there.ppl.dsn)
        there.last(2, 5)


def ppl_killed(there: Installation) -> None:
    """Kill every process of Ppl, or one of two."""
    _restart(there, there.rng.choice((None, *there.ppl.roles)), signal.SIGKILL, STOPS_WITHIN)


def ppl_stopped(there: Installation) -> None:
    """Stop every process of Ppl in order, or one of two."""
    _restart(there, there.rng.choice((None, *there.ppl.roles)), signal.SIGTERM, STOPS_WITHIN)


def ppl_stopped_beside_a_frozen_postgresql(there: Installation) -> None:
    """Stop Ppl while PostgreSQL is frozen and stays so beyond the stop."""
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
    """Suspend a process of Ppl, as a machine that sleeps does."""
    role = there.rng.choice(there.ppl.roles)
    there.ppl.send_signal(signal.SIGSTOP, role)
    try:
        there.last(1, 6)
    finally:
        there.ppl.send_signal(signal.SIGCONT, role)


def many_given_up(there: Installation) -> None:
    """Open and abandon many connections, one right after the other."""
    for _ in range(60):
        there.giving_up.give_one_up()


def link_cut(there: Installation) -> None:
    """Cut the link once, or cut it and refuse it for a while."""
    assert there.link is not None
    there.link.refuses = there.rng.random() < 0.5
    there.link.cut()
    if there.link.refuses:
        there.last(1, 4)
        there.link.refuses = False


def link_frozen(there: Installation) -> None:
    """Freeze the link: nothing passes, and no connection ends."""
    assert there.link is not None
    there.link.flows.clear()
    there.last(1, 6)
    there.link.flows.set()


#: Faults that are possible in every installation.
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


#: Faults that take minutes.
LONG_FAULTS: tuple[Fault, ...] = (ppl_stopped_beside_a_frozen_postgresql, postgresql_frozen_for_long)


def possible(there: Installation) -> tuple[Fault, ...]:
    """The faults that are possible in this installation."""
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
