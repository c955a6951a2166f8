"""Hands the pieces of an upload to the writer, when it has room, and knows when all of them are committed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import compress

import attrs
from twisted.internet.defer import Deferred

from ppl.listener.http.refusals import STOPPING, UploadUnavailable
from ppl.listener.http.repeats import Commits, KnownLines, NewKeys
from ppl.listener.http.work_turns import WorkTurns
from ppl.listener.intake import Intake
from ppl.model import Destination, Lines
from ppl.sources.bodies import PIECE_LINES
from ppl.sources.kinds import Piece, Taken

#: Bytes of an upload that are gathered before the writer gets them, at most; as lines they are :data:`PIECE_LINES`. A
#: transaction for each stream of a body, or each of its turns, would cost more than to store the lines.
_GATHERED_BYTES = 512 * 1024


class Gate:
    """The drain as a :class:`~ppl.listener.writing.writer.Source`: shut while the writer's queue is full.

    Attributes:
        shut: whether it is shut.
        is_running: whether the drain takes uploads; if not, nobody waits until a shut gate opens.
    """

    def __init__(self) -> None:
        self.shut = False
        self.is_running = False
        self._waiting: list[Deferred[None]] = []

    def pause(self) -> None:
        """See :class:`~ppl.listener.writing.writer.Source`."""
        self.shut = True

    def resume(self) -> None:
        """See :class:`~ppl.listener.writing.writer.Source`."""
        self.shut = False
        self.wake()

    def wake(self) -> None:
        """Wake all waiting uploads, so that they look again."""
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(None)

    async def passed(self) -> None:
        """Return when the gate is open.

        Raises:
            UploadUnavailable: it is shut, and the drain stops.
        """
        if self.shut and self.is_running:
            opened: Deferred[None] = Deferred()
            self._waiting.append(opened)
            await opened
        if self.shut:
            raise UploadUnavailable(STOPPING)


@attrs.define(eq=False)
class Handover:
    """The pieces of one upload on their way.

    Attributes:
        destination: where they go.
        sender_ip: the address they came from.
        intake: takes them.
        gate: shut while the writer's queue is full.
        known: which lines with keys were handed over before.
        keys: the keys of lines that the writer has not got yet.
        body_id: what the body is recognised by when it is sent again, so that its lines have their numbers in it as
            keys; ``""``: nothing.
        turns: the turns in which bodies are read.
        count: lines so far, with those that were known.
        refused: records that could not be read so far.
    """

    destination: Destination
    sender_ip: str
    intake: Intake
    gate: Gate
    known: KnownLines
    keys: NewKeys
    body_id: str
    turns: WorkTurns
    count: int = 0
    refused: int = 0
    _items: list[bytes] = attrs.Factory(list)
    _commits: Commits = attrs.Factory(Commits)
    _has_repeats: bool = False
    # Lines that wait for others, and their bytes; what to call when those with keys are committed.
    _gathered: list[Lines] = attrs.Factory(list)
    _bytes: int = 0
    _keyed: Callable[[], None] | None = None
    # Whether some of the body was handed over by an upload before this one; ``None``: that has not been looked up.
    _is_known: bool | None = None

    async def give(self, pieces: Iterator[Piece]) -> None:
        """Hand all of ``pieces`` over, without the lines that were handed over before.

        If reading them fails, those that came before are handed over all the same.

        Raises:
            UploadUnavailable: the drain stops, and the writer has no room.
            StoreUnavailable: the keys that were stored before the start cannot be read.
            StatementTimeout: the same.
        """
        destination_id = self.destination.id
        try:
            for piece in pieces:
                await self.gate.passed()
                if self._has_keys(piece) and not self.known.is_recalled(destination_id):
                    await self.known.recall(destination_id)
                self._take(piece)
                if self.turns.is_over:
                    await self.turns.turn()
        finally:
            self._submit()

    def _has_keys(self, piece: Piece) -> bool:
        return bool(piece.keys or self.body_id)

    def _take(self, piece: Piece) -> None:
        lines = self._new(piece) if self._has_keys(piece) else piece.lines
        self.count += len(piece.lines)
        self.refused += piece.refused
        if piece.items:
            self._items.append(piece.items)
        # What is left out costs nothing.
        size = piece.size if lines is piece.lines else piece.size * len(lines) // len(piece.lines)
        self.intake.meters.of(self.destination).take_whole(len(lines), size)
        if not lines:
            return
        if self._has_keys(piece) and self._keyed is None:
            # Another upload may find one of them known before the writer has it.
            self._keyed = self.known.commits[self.destination.id].begin()
        self._gathered.append(lines)
        self._bytes += size
        if self._bytes >= _GATHERED_BYTES or sum(map(len, self._gathered)) >= PIECE_LINES:
            self._submit()

    def _submit(self) -> None:
        """Give the writer what was gathered."""
        if not self._gathered:
            return
        committed = self._commits.begin()
        if self._keyed is not None:
            committed = _both(committed, self._keyed)
        lines, size, keys = Lines.joined(self._gathered), self._bytes, self.keys.taken()
        self._gathered, self._bytes, self._keyed = [], 0, None
        self.intake.writer.submit(self.destination, self.sender_ip, lines, size, self.gate, committed, keys)

    def _new(self, piece: Piece) -> Lines:
        """The lines of ``piece`` that were not handed over before; all of them are known from now on."""
        keys, seen, destination_id = piece.keys, self.known.seen, self.destination.id
        if self.body_id:
            first, last = self.count, self.count + len(piece.lines) - 1
            if self._is_known is None:
                self._is_known = seen.has(destination_id, self.body_id)
            if not self._is_known:
                if first <= last:
                    seen.add_all(destination_id, self.body_id, first, last)
                    self.keys.add_all(self.body_id, first, last)
                return piece.lines
            keys = [(self.body_id, number) for number in range(first, last + 1)]
        is_new = [key is None or seen.add(destination_id, key) for key in keys]
        for key in compress(keys, is_new):
            if key is not None:
                self.keys.add(key)
        if all(is_new):
            return piece.lines
        self._has_repeats = True
        return Lines.of_rows(list(compress(piece.lines.rows(), is_new)))

    async def committed(self) -> Taken:
        """Return when all that was handed over is committed, by this upload or by one before it."""
        await self._commits.all()
        if self._has_repeats:
            await self.known.commits[self.destination.id].all()
        return Taken(self.count, self.refused, tuple(self._items))


def _both(first: Callable[[], None], second: Callable[[], None]) -> Callable[[], None]:
    def call() -> None:
        first()
        second()

    return call
