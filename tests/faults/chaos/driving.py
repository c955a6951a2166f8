"""Lets faults happen in an order that a seed determines, and waits after each until every client has recovered."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.faults.chaos.checking import judge_log
from tests.faults.chaos.faults import LONG_FAULTS, STARTS_WITHIN, STOPS_WITHIN, Fault, Installation, end_all, possible
from tests.faults.chaos.giving_up import GivingUp
from tests.faults.chaos.link import LinkProxy
from tests.faults.chaos.scene import Scene, cast
from tests.faults.conftest import embedded_ppl
from tests.faults.disk import may_mount, small_disk
from tests.faults.tally import Measured
from tests.fixtures.running import Form

#: How often a fault happens before every client has recovered from the one before.
AT_ONCE = 0.25

#: A run of at least this many seconds includes faults that take minutes.
LONG_SECONDS = 300.0

#: How often a new client registers.
NEWCOMER = 0.1

#: The most destinations at the beginning is one of these.
MOST = (6, 9, 20)


def settings(rng: random.Random) -> dict[str, str]:
    """Random settings of Ppl, from narrow to wide."""
    return {
        "PPL_SLOT_SECONDS": str(rng.choice((2, 60, 3600))),
        "PPL_QUEUE_BYTES": str(rng.choice((1 << 16, 1 << 20, 1 << 23, 1 << 26))),
        "PPL_VIEWER_QUEUE_EVENTS": str(rng.choice((100, 1_000, 20_000))),
        "PPL_POOL_SIZE": str(rng.choice((2, 4, 8))),
        "PPL_PARTIAL_SECONDS": str(rng.choice((4, 300))),
        # A leak of viewers would soon be noticed.
        "PPL_MAX_VIEWERS": "40",
    }


@contextmanager
def installation(directory: Path, form: Form, rng: random.Random, megabytes: int) -> Iterator[Installation]:
    """A running Ppl; killed at the end if it was not stopped.

    Args:
        directory: for this Ppl alone.
        form: in how many processes it runs.
        rng: decides its settings.
        megabytes: size of its disk, where a small one can be mounted; 0: no small disk.
    """
    with ExitStack() as stack:
        has_small_disk = bool(megabytes) and may_mount()
        if has_small_disk:
            stack.enter_context(small_disk(directory / "data", megabytes))
        ppl = embedded_ppl(directory, form, settings(rng))
        link = None
        if form == "two":
            link = LinkProxy(ppl.link_port)
            stack.callback(link.close)
            ppl.link_through = link.port
        giving_up = GivingUp(ppl, random.Random(rng.random()))
        there = Installation(ppl, directory, random.Random(rng.random()), giving_up, link, has_small_disk)
        stack.callback(end_all, there)
        ppl.start(STARTS_WITHIN)
        yield there


class Drive:
    """One run.

    Args:
        there: a running installation for this run alone.
        rng: decides the clients and the faults.
        measured: takes the summary.
    """

    def __init__(self, there: Installation, rng: random.Random, measured: Measured) -> None:
        self.scene = Scene(there.ppl, random.Random(rng.random()))
        # Connections are abandoned on the accounts of the scene.
        there.giving_up.accounts, there.giving_up.tokens = self.scene.accounts, self.scene.tokens
        self._there, self._rng, self._measured = there, rng, measured
        self._began = time.monotonic()
        self._longest = 0.0

    def say(self, sentence: str) -> None:
        """Print ``sentence``, which pytest shows when the test fails."""
        print(f"{time.monotonic() - self._began:7.1f} s  {sentence}", flush=True)

    def run(self, faults: Iterator[Fault]) -> None:
        """Start clients, let ``faults`` happen, stop, and compare; raises ``AssertionError`` for broken promises."""
        for senders, viewers in cast(self._rng, self._rng.choice(MOST)):
            self.say(f"{', '.join(senders)}; watched by {', '.join(['Watching', *viewers])}")
            self.scene.enter(senders, viewers)
        self._there.giving_up.start()
        try:
            self.play(faults)
        finally:
            self._there.giving_up.give_up()

    def play(self, faults: Iterator[Fault]) -> None:
        """Do the same with the clients that are there; opens no connections to abandon."""
        try:
            self._settle("the beginning")
            happened = [self._let_happen(fault) for fault in faults]
            self._settle("the last fault")
            self._there.giving_up.give_up()
            self.scene.finish()
            wrong = self._judge()
        except BaseException:
            self.scene.give_up()
            raise
        self._report(happened)
        assert not wrong, "\n".join(wrong)

    def _let_happen(self, fault: Fault) -> str:
        if self._rng.random() < NEWCOMER:
            self._settle("before a newcomer")
            self.say("a newcomer")
            self.scene.enter(["relptrickle"], ["Founding"])
        self.say(fault.__name__)
        fault(self._there)
        if self._rng.random() >= AT_ONCE:
            self._settle(fault.__name__)
        return fault.__name__

    def _settle(self, after: str) -> None:
        took = self.scene.settle(after)
        self._longest = max(self._longest, took)
        self.say(f"everybody got on {took:.1f} s after {after}")

    def _judge(self) -> list[str]:
        wrong = self.scene.judge(self._there.restarts)
        self.say("stored and seen is compared")
        self._there.stop(None, signal.SIGTERM, STOPS_WITHIN)
        return [*wrong, *judge_log(self._there.ppl.text(), [sender.name for sender in self.scene.senders])]

    def _report(self, happened: Sequence[str]) -> None:
        scene = self.scene
        lines = sum(sender.sent for sender in scene.senders)
        events = sum(len(seen.ids) for viewer in scene.viewers for seen in viewer.views)
        gaps = sum(len(seen.gaps) for viewer in scene.viewers for seen in viewer.views)
        self._measured(
            f"{len(happened)} faults, {len(scene.destinations)} destinations, {len(scene.senders)} senders,"
            f" {len(scene.viewers)} viewers; {lines} lines sent, {events} events seen over"
            f" {sum(viewer.connections for viewer in scene.viewers)} connections with {gaps} gaps;"
            f" {self._there.giving_up.count} connections given up; got on within {self._longest:.1f} s,"
            f" stopped within {max(self._there.stops):.1f} s"
        )


def shuffled(there: Installation, rng: random.Random, seconds: float) -> Iterator[Fault]:
    """Every possible fault in a random order, and again in another, for about ``seconds``.

    Faults that take minutes are included only if ``seconds`` leaves room for them.
    """
    ends = time.monotonic() + seconds
    deck = [*possible(there), *(LONG_FAULTS if seconds >= LONG_SECONDS else ())]
    while True:
        for fault in rng.sample(deck, len(deck)):
            if time.monotonic() > ends:
                return
            yield fault
