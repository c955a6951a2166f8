"""Uploads that are being read share the reactor's turns, one after the other."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from twisted.internet.defer import Deferred

from ppl.listener.http import work_turns
from ppl.listener.http.work_turns import WorkTurns


class Turns:
    """A reactor of which each turn is made by hand; what is asked for in one happens in the next."""

    def __init__(self) -> None:
        self.calls: list[Callable[[], None]] = []

    def callLater(self, seconds: float, call: Callable[[], None]) -> object:
        assert seconds == 0
        self.calls.append(call)
        return call

    def pass_by(self) -> None:
        calls, self.calls = self.calls, []
        for call in calls:
            call()


def begin(turns: WorkTurns, name: str, pieces: int, done: list[str], is_slow: bool) -> None:
    async def work() -> None:
        await turns.turn()
        for _ in range(pieces):
            done.append(name)
            if is_slow or turns.is_over:
                await turns.turn()

    Deferred.fromCoroutine(work())


def test_who_works_for_long_waits_for_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    reactor, done = Turns(), list[str]()
    turns = WorkTurns(reactor)
    monkeypatch.setattr(work_turns, "WORK_SECONDS", 0.0)
    begin(turns, "a", 3, done, is_slow=True)
    begin(turns, "b", 2, done, is_slow=True)
    assert done == [], "nothing in the turn that asks"
    reactor.pass_by()
    assert done == ["a"], "one piece that takes all of a turn"
    for _ in range(6):
        reactor.pass_by()
    assert done == ["a", "b", "a", "b", "a"]
    assert not reactor.calls, "nothing goes on when nothing is to be done"


def test_who_works_for_a_moment_shares_a_turn_and_asks_for_the_next() -> None:
    reactor, done = Turns(), list[str]()
    turns = WorkTurns(reactor)
    begin(turns, "a", 2, done, is_slow=True)
    begin(turns, "b", 1, done, is_slow=True)
    reactor.pass_by()
    assert done == ["a", "b"]
    reactor.pass_by()
    assert done == ["a", "b", "a"]
