"""A site's share of the reactor's turns: bounded work in each, addresses and their connections one after the other."""

from __future__ import annotations

from collections.abc import Callable

from ppl.services.turns import TURN_SECONDS, Turns


class Reactor:
    """A reactor that makes delayed calls in its next turn, and whose clock advances only with work."""

    def __init__(self) -> None:
        self.calls: list[Callable[[], None]] = []
        self.now = 0.0

    def callLater(self, seconds: float, call: Callable[[], None]) -> Reactor:
        self.calls.append(call)
        return self

    def seconds(self) -> float:
        return self.now

    def turn(self) -> None:
        calls, self.calls = self.calls, []
        for call in calls:
            call()


def working(reactor: Reactor, done: list[str], name: str, part: float) -> Callable[[], None]:
    """Work that takes ``part`` of a turn's time."""

    def work() -> None:
        done.append(name)
        reactor.now += TURN_SECONDS * part

    return work


def test_a_turn_has_an_end_and_what_waits_is_done_in_the_next_ones() -> None:
    reactor, done = Reactor(), []
    turns = Turns(reactor, reactor.seconds)
    for number in range(10):
        turns.later("a", working(reactor, done, str(number), 0.4))
    for each in (3, 6, 9, 10):
        reactor.turn()
        assert len(done) == each
    assert done == [str(number) for number in range(10)]
    assert len(reactor.calls) == 1, "one more turn, which finds nothing"
    reactor.turn()
    assert reactor.calls == []


def test_all_work_in_a_turn_counts_towards_its_time_and_nested_work_only_once() -> None:
    reactor, done = Reactor(), []
    turns = Turns(reactor, reactor.seconds)
    turns.do(lambda: turns.do(working(reactor, done, "within", 0.6)))
    assert not turns.is_spent
    turns.do(working(reactor, done, "beside", 0.6))
    assert turns.is_spent
    reactor.turn()
    assert not turns.is_spent


def test_another_address_waits_for_only_one_of_an_addresss_many_connections() -> None:
    reactor, done = Reactor(), []
    turns = Turns(reactor, reactor.seconds)
    for _ in range(100):
        turns.later("many", working(reactor, done, "many", 2))
    turns.later("one", working(reactor, done, "one", 2))
    for _ in range(2):
        reactor.turn()
    assert done == ["many", "one"]


def test_work_queued_during_a_turn_is_not_done_in_that_turn() -> None:
    reactor, done = Reactor(), []
    turns = Turns(reactor, reactor.seconds)

    def again() -> None:
        done.append("again")
        turns.later("a", again)

    turns.later("a", again)
    for each in range(1, 5):
        reactor.turn()
        assert len(done) == each


def test_work_that_fails_is_logged_and_does_not_stop_the_rest(nothing_left_behind: list[str]) -> None:
    reactor, done = Reactor(), []
    turns = Turns(reactor, reactor.seconds)
    turns.later("a", lambda: 1 // 0)
    turns.later("a", working(reactor, done, "next", 0.1))
    reactor.turn()
    assert done == ["next"]
    assert "ZeroDivisionError" in nothing_left_behind.pop()
