"""A destination's share of turns, which its connections use in turn, and of a full queue, which lets little pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ppl.listener.limits.turn_share import MOST_BORROWED, RESERVE_BYTES, TURN_SECONDS, Reserve, Share


class Reactor:
    """Runs delayed calls in the next turn, as a real reactor does; ``task.Clock`` would run them in the same turn."""

    def __init__(self) -> None:
        self.calls: list[Callable[[], None]] = []

    def callLater(self, seconds: float, call: Callable[[], None]) -> Reactor:
        self.calls.append(call)
        return self

    def cancel(self) -> None:
        self.calls.clear()

    def turn(self) -> None:
        calls, self.calls = self.calls, []
        for call in calls:
            call()


class Reader:
    def __init__(self) -> None:
        self.round = 0
        self.reads = self.parts = 0
        self.held = False

    def pause(self) -> None:
        self.held = True

    def resume(self) -> None:
        self.held = False

    def go_on(self) -> None:
        self.parts += 1


def turn(share: Share, reactor: Reactor, readers: Iterable[Reader], seconds: float = TURN_SECONDS / 2) -> None:
    """The reactor asks each reader, always in the same order, and then its timers are due."""
    for reader in readers:
        if not reader.held and share.may_read(reader):
            reader.reads += 1
            share.spend(seconds)
    reactor.turn()


def test_one_turn_has_an_end_and_every_connection_has_its_turn() -> None:
    reactor = Reactor()
    share, readers = Share(reactor, Reserve()), [Reader() for _ in range(100)]
    turn(share, reactor, readers)
    assert sum(reader.reads for reader in readers) == 3, "what passes the share is the last"
    for _ in range(100 * 20 // 3):
        turn(share, reactor, readers)
    reads = [reader.reads for reader in readers]
    assert min(reads) >= 10
    assert max(reads) - min(reads) <= 1


def test_a_share_that_is_not_used_up_holds_nobody() -> None:
    reactor = Reactor()
    share, reader = Share(reactor, Reserve()), Reader()
    for _ in range(1000):
        turn(share, reactor, [reader, reader], TURN_SECONDS / 1000)
    assert reader.reads >= 1990


def test_those_left_out_that_end_leave_no_one_waiting() -> None:
    reactor = Reactor()
    share, first, second = Share(reactor, Reserve()), Reader(), Reader()
    turn(share, reactor, [first, second], TURN_SECONDS * 2)
    assert (first.reads, second.reads) == (1, 0)
    for _ in range(3):
        turn(share, reactor, [first], TURN_SECONDS * 2)
    assert first.reads == 3, "one turn was kept for the one that had waited"
    reactor.turn()
    assert reactor.calls == []


def test_further_parts_of_one_read_are_done_within_the_share() -> None:
    reactor = Reactor()
    share, reader = Share(reactor, Reserve()), Reader()
    share.later(reader)
    share.later(reader)
    reactor.turn()
    assert reader.parts == 2
    share.later(reader)
    share.stop()
    reactor.turn()
    assert reader.parts == 2


def test_a_full_queue_holds_who_sends_much_before_they_read_and_lets_little_through() -> None:
    reactor, reserve = Reactor(), Reserve()
    loud, quiet = Share(reactor, reserve), Share(reactor, reserve)
    readers = [Reader() for _ in range(3)]
    loud.offered, quiet.offered = MOST_BORROWED + 1, 800
    loud.pause()
    quiet.pause()
    assert not any(loud.may_read(reader) for reader in readers)
    assert all(reader.held for reader in readers)
    reader = Reader()
    for _ in range(MOST_BORROWED // 800 - 1):
        assert quiet.may_read(reader)
        quiet.pause()
    quiet.pause()
    assert not quiet.may_read(reader), "not for ever"
    loud.resume()
    quiet.resume()
    assert not any(reader.held for reader in readers)
    assert reserve.bytes == RESERVE_BYTES


def test_the_reserve_has_an_end_whatever_the_number_of_destinations() -> None:
    reserve = Reserve()
    shares = [Share(Reactor(), reserve) for _ in range(1000)]
    for share in shares:
        share.offered = MOST_BORROWED
        share.pause()
    assert sum(share.may_read(Reader()) for share in shares) == RESERVE_BYTES // MOST_BORROWED
    for share in shares:
        share.stop()
    assert reserve.bytes == RESERVE_BYTES
