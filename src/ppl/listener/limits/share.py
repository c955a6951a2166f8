"""One destination's share of the listener: of each turn of the reactor, and of the room in the writer's queue.

Whatever its senders do, other destinations wait for no more than this share and one read. Within it the connections of
the destination take turns.
"""

from __future__ import annotations

from collections import deque
from time import perf_counter
from typing import Any, Protocol

from twisted.internet.interfaces import IDelayedCall

#: Seconds of one turn of the reactor for what one destination's connections bring.
TURN_SECONDS = 0.005

#: Bytes that one destination may submit while the writer's queue is full, and all together: who sends little waits for
#: nobody's flood.
MOST_BORROWED, RESERVE_BYTES = 32 << 10, 8 << 20


class Reserve:
    """The room beyond the queue, one for all shares."""

    def __init__(self) -> None:
        self.bytes = RESERVE_BYTES


class Reader(Protocol):
    """A connection that reads when it may.

    Attributes:
        round: the last in which it read; the share's own note.
    """

    round: int

    def pause(self) -> None:
        """Read no more, until :meth:`resume`."""

    def resume(self) -> None:
        """Read on."""

    def go_on(self) -> None:
        """Do a further part of what was read already."""


class Share:
    """Of one destination; a :class:`~ppl.listener.writing.writer.Source` for all its connections together.

    Attributes:
        offered: bytes of what is submitted next.

    Args:
        reactor: its turns.
        reserve: of all shares.
    """

    def __init__(self, reactor: Any, reserve: Reserve) -> None:
        self.offered = 0
        self._reactor = reactor
        self._reserve, self._borrowed = reserve, 0
        self._spent = 0.0
        self._is_spent = False
        # In a round each connection reads once, if there are some that could not in the turn before.
        self._round = 1
        self._has_left_out = self._is_contended = False
        self._going_on: deque[Reader] = deque()
        self._next_turn: IDelayedCall | None = None
        # Set while the writer's queue is full, and who has wanted to read since then.
        self._is_full = False
        self._held: set[Reader] = set()

    def may_read(self, reader: Reader) -> bool:
        """Whether ``reader``, for which something has come, may read it now; if not, it is asked again."""
        if self.holds(reader):
            return False
        if self._is_spent or (self._is_contended and reader.round == self._round):
            if reader.round != self._round:
                self._has_left_out = True
            return False
        reader.round = self._round
        return True

    def holds(self, reader: Reader) -> bool:
        """Whether the writer's queue is full; then ``reader`` is paused until it has room."""
        if self._is_full:
            self._held.add(reader)
            reader.pause()
        return self._is_full

    def spend(self, seconds: float) -> None:
        """So long took a read and what followed from it."""
        self._spent += seconds
        if self._spent > TURN_SECONDS and not self._is_spent:
            self._is_spent = True
            self._wake()

    def later(self, reader: Reader) -> None:
        """Let ``reader`` go on in a turn to come."""
        self._going_on.append(reader)
        self._wake()

    def forget(self, reader: Reader) -> None:
        """``reader`` has ended."""
        self._held.discard(reader)

    def stop(self) -> None:
        """The last reader has ended."""
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
        """The writer's queue is full, with what was submitted."""
        borrowed = self._borrowed + self.offered
        if borrowed > MOST_BORROWED or self.offered > self._reserve.bytes:
            self._is_full = True
        else:
            self._borrowed = borrowed
            self._reserve.bytes -= self.offered

    def resume(self) -> None:
        """It has room again."""
        self._is_full = False
        self._give_back()
        held, self._held = self._held, set()
        for reader in held:
            reader.resume()

    def _give_back(self) -> None:
        self._reserve.bytes += self._borrowed
        self._borrowed = 0
