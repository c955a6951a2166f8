"""The writer with a store that fails in every way and many destinations: hypothesis looks for a bad sequence.

Whatever happens in whatever order: the writer never stands still, never reorders a destination, never stores an event
twice, never announces or acknowledges what is not committed, and a stop ends.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from itertools import count
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from ppl.listener.writing.queue import EXPRESS_EVENTS
from ppl.listener.writing.writer import BatchEvents, Writer
from ppl.model import Destination, Events
from tests.listener.receiving import Held, lines
from tests.listener.told_store import DESTINATIONS, ToldStore, texts

#: What the test itself provokes; every other error in the log is a fault.
EXPECTED = ("Events cannot be stored now", "Two listeners write", "Stopped while PostgreSQL is away")


class WriterMachine(RuleBasedStateMachine):
    """Submits, lets calls of the store end as they like, and lets time pass."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.wall = 1_790_000_000_000_000
        self.store = ToldStore()
        self.numbers: dict[int, Any] = defaultdict(count)
        self.submitted: dict[int, list[str]] = defaultdict(list)
        self.announced: dict[int, list[str]] = defaultdict(list)
        self.acknowledged: list[int] = []
        self.submissions = 0
        self.sources = [Held() for _ in DESTINATIONS]
        few = BatchEvents(most=8, least=4, ahead=3)
        self.writer = Writer(self.store, self._announce, self.clock, self._wall_clock, 200_000, few)  # type: ignore[arg-type]
        self.stopping: Deferred[None] | None = None

    def _wall_clock(self) -> int:
        self.wall += 1
        return self.wall

    def _announce(self, events: Events) -> None:
        stored = self.store.rows[events.destination.id]
        for id_, text in texts(events):
            assert stored.get(id_) == text, "only what is committed is announced"
            self.announced[events.destination.id].append(text)

    @initialize(failures=st.integers(0, 3))
    def start(self, failures: int) -> None:
        starting = self.writer.startService()
        for _ in range(failures):
            self.store.end(0, "timeout")
            self.clock.advance(10)
        self.store.end(0, "ok")
        assert starting.called

    @rule(
        which=st.integers(0, len(DESTINATIONS) - 1),
        number=st.sampled_from([1, 1, 2, 5, EXPRESS_EVENTS + 1]),
    )
    def submit(self, which: int, number: int) -> None:
        if self.sources[which].held:
            return
        destination = DESTINATIONS[which]
        new = [f"{destination.id} {next(self.numbers[destination.id])}" for _ in range(number)]
        self.submitted[destination.id] += new
        acknowledge = self._acknowledgement(destination, new)
        self.writer.submit(destination, "192.0.2.1", lines(*new), 10 * number, self.sources[which], acknowledge)
        self.submissions += 1

    def _acknowledgement(self, destination: Destination, new: list[str]) -> Callable[[], None]:
        def acknowledge() -> None:
            assert set(new) <= set(self.store.rows[destination.id].values()), "acknowledged is committed"
            self.acknowledged.append(destination.id)

        return acknowledge

    @precondition(lambda self: self.store.calls)
    @rule(which=st.integers(0, 9), how=st.sampled_from(["ok", "ok", "ok", "away", "timeout", "error", "reply lost"]))
    def end_a_call(self, which: int, how: str) -> None:
        self.store.end(which % len(self.store.calls), how)

    @precondition(lambda self: self.store.calls)
    @rule()
    def postgresql_restarts(self) -> None:
        """Everything under way fails in the same moment."""
        for _ in range(len(self.store.calls)):
            self.store.end(0, "away")

    @rule(seconds=st.sampled_from([0.01, 0.2, 1.0, 6.0, 60.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(hours=st.sampled_from([-1, 1]))
    def the_wall_clock_leaps(self, hours: int) -> None:
        self.wall += hours * 3_600_000_000

    @rule(which=st.integers(0, len(DESTINATIONS) - 1))
    def another_listener_takes_ids(self, which: int) -> None:
        rows = self.store.rows[DESTINATIONS[which].id]
        first = max([self.wall, *rows]) + 1
        rows.update({first + offset: f"foreign {first + offset}" for offset in range(3)})

    @invariant()
    def each_destination_is_in_order_and_nothing_is_doubled(self) -> None:
        for destination, submitted in self.submitted.items():
            rows = self.store.rows[destination]
            stored = [rows[id_] for id_ in sorted(rows) if not rows[id_].startswith("foreign")]
            assert stored == submitted[: len(stored)]
            assert self.announced[destination] == submitted[: len(self.announced[destination])]

    def teardown(self) -> None:
        """Once the store answers again, everything is stored and a stop ends."""
        if not self.writer.running:
            return
        stopping = self.writer.stopService()
        for _ in range(1_000):
            while self.store.calls:
                self.store.end(0, "ok")
            if stopping.called:
                break
            self.clock.advance(1)
        assert stopping.called, "the stop ends"
        assert self.announced == self.submitted, "nothing stands still"
        assert len(self.acknowledged) == self.submissions
        assert (self.writer.waiting_events, self.writer.waiting_bytes) == (0, 0)
        assert not any(source.held for source in self.sources)
        assert self.clock.getDelayedCalls() == []


def test_no_order_of_failures_stops_reorders_doubles_or_loses_anything(nothing_left_behind: list[str]) -> None:
    run_state_machine_as_test(
        WriterMachine,
        settings=settings(
            max_examples=150,
            stateful_step_count=60,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
    assert [said for said in nothing_left_behind if not said.startswith(EXPECTED)] == []
    nothing_left_behind.clear()
