"""One destination's share of the listener: of each turn of the reactor, and of the room in the writer's queue.

Whatever the senders of one destination do, the others wait for no more than this share and one read. Within the share,
the connections of the destination take turns.
"""

from __future__ import annotations

from collections import deque
from time import perf_counter
from typing import Any, Protocol

from twisted.internet.interfaces import IDelayedCall

#: Seconds of one turn of the reactor that the connections of one destination may use.
TURN_SECONDS = 0.005

#: Bytes that one destination, and all together, may submit while the writer's queue is full: a destination that sends
#: little must not wait for another's flood.
MOST_BORROWED, RESERVE_BYTES = 32 << 10, 8 << 20


class Reserve:
    """The room beyond the writer's queue, common to all shares."""

    def __init__(self) -> None:
        self.bytes = RESERVE_BYTES


class SharedReader(Protocol):
    """A connection that reads when its share allows.

    Attributes:
        round: the last round in which it read; set by the share.
    """

    round: int

    def pause(self) -> None:
        """Stop reading until :meth:`resume`."""

    def resume(self) -> None:
        """Resume reading."""

    def go_on(self) -> None:
        """Process another part of what was already read."""


class Share:
    """The share of one destination; one :class:`~ppl.listener.writing.writer.Source` for all its connections.

    Attributes:
        offered: bytes of the next submission.

    Args:
        reactor: gives turns.
        reserve: the reserve that all shares have in common.
    """

    def __init__(self, reactor: Any, reserve: Reserve) -> None:
        self.offered = 0
        self._reactor = reactor
        self._reserve, self._borrowed = reserve, 0
        self._spent = 0.0
        self._is_spent = False
        # While some connections could not read in the turn before, each reads only once in a round.
        self._round = 1
        self._has_left_out = self._is_contended = False
        self._going_on: deque[SharedReader] = deque()
        self._next_turn: IDelayedCall | None = None
        # Whether the writer's queue is full, and the readers that have wanted to read since then.
        self._is_full = False
        self._held: set[SharedReader] = set()

    def may_read(self, reader: SharedReader) -> bool:
        """Whether ``reader`` may read now. If not, the reactor asks again next turn, or once a full queue has room."""
        if self.holds(reader):
            return False
        if self._is_spent or (self._is_contended and reader.round == self._round):
            if reader.round != self._round:
                self._has_left_out = True
            return False
        reader.round = self._round
        return True

    def holds(self, reader: SharedReader) -> bool:
        """Whether the writer's queue is full; if so, ``reader`` is paused until the queue has room."""
        if self._is_full:
            self._held.add(reader)
            reader.pause()
        return self._is_full

    def spend(self, seconds: float) -> None:
        """Count the ``seconds`` that a read and its processing took."""
        self._spent += seconds
        if self._spent > TURN_SECONDS and not self._is_spent:
            self._is_spent = True
            self._wake()

    def later(self, reader: SharedReader) -> None:
        """Let ``reader`` go on in a later turn."""
        self._going_on.append(reader)
        self._wake()

    def forget(self, reader: SharedReader) -> None:
        """Forget ``reader``, which has ended."""
        self._held.discard(reader)

    def stop(self) -> None:
        """Stop the timer and return borrowed room: the last reader has ended."""
        self._give_back()
        if self._next_turn is not None:
            self._next_turn.cancel()
            self._next_turn = None

    def _wake(self) -> None:
        if self._next_turn is None:
            self._next_turn = self._reactor.callLater(0, self._turn)

    def _turn(self) -> None:
        self._next_turn = None
        self._spent, self._is_spent = 0.0, False
        self._is_contended, self._has_left_out = self._has_left_out, False
        if not self._is_contended:
            self._round += 1
        for _ in range(len(self._going_on)):
            if self._is_spent:
                break
            began = perf_counter()
            self._going_on.popleft().go_on()
            self.spend(perf_counter() - began)
        if self._is_contended or self._going_on:
            self._wake()

    # Source

    def pause(self) -> None:
        """The writer's queue is full after the last submission."""
        borrowed = self._borrowed + self.offered
        if borrowed > MOST_BORROWED or self.offered > self._reserve.bytes:
            self._is_full = True
        else:
            self._borrowed = borrowed
            self._reserve.bytes -= self.offered

    def resume(self) -> None:
        """The writer's queue has room again."""
        self._is_full = False
        self._give_back()
        held, self._held = self._held, set()
        for reader in held:
            reader.resume()

    def _give_back(self) -> None:
        self._reserve.bytes += self._borrowed
        self._borrowed = 0
