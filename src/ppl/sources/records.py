"""Gathers the records of a body into pieces, and bounds what they share: helpers of the protocols' readers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterator
from typing import Any, TypeVar

import attrs

from ppl.model import Lines, Row
from ppl.sources.bodies import PIECE_BYTES, PIECE_LINES, BodyUnreadable
from ppl.sources.kinds import LineKey, Piece
from ppl.sources.pace import Pace

#: Bytes that copies of shared texts may have: for each byte of the body, and in addition. A resource of 3 KB in each
#: record of 100 bytes stays below that.
_COPIES_OF_BODY = 32
_COPIES = 1_048_576

#: A piece without lines: the body goes on, and others may have a turn.
TURN = Piece(Lines.of_rows(()), 0)


@attrs.define
class Copies:
    """Bounds the copies of a text that many records share, such as labels: a small body could grow without an end.

    Attributes:
        left: bytes that further copies may have.
    """

    left: int

    @classmethod
    def of_body(cls, size: int) -> Copies:
        """The bound for a body of ``size`` bytes."""
        return cls(size * _COPIES_OF_BODY + _COPIES)

    def take(self, size: int, count: int) -> bool:
        """Whether there may be ``count`` further copies of ``size`` bytes, which then count."""
        if size * count > self.left:
            return False
        self.left -= size * count
        return True


@attrs.define
class RowPieces:
    """Rows on their way into pieces.

    Attributes:
        rows: those that wait.
        size: their bytes.
        keys: the keys of those that wait; rows at the end may be missing.
        refused: records that could not be taken.
    """

    rows: list[Row] = attrs.Factory(list)
    size: int = 0
    refused: int = 0
    keys: list[LineKey | None] = attrs.Factory(list)
    _pace: Pace = attrs.field(factory=Pace, init=False)

    def add(self, row: Row | None, size: int, key: LineKey | None = None) -> Iterator[Piece]:
        """Add a row of about ``size`` bytes (``None``: only its bytes); gives a piece when it is full."""
        if row is not None and key is not None:
            self.keys += [*self._missing_keys(), key]
        if self.is_full_with(row, size):
            yield from self.rest()

    def is_full_with(self, row: Row | None, size: int) -> bool:
        """Add a row as :meth:`add` does; whether the piece is full, so that :meth:`rest` must be taken."""
        if row is not None:
            self.rows.append(row)
        self.size += size
        return self.size >= PIECE_BYTES or len(self.rows) >= PIECE_LINES

    def refuse(self, count: int = 1) -> None:
        """Count records that cannot be taken."""
        self.refused += count

    def rest(self, refused: int = 0) -> Iterator[Piece]:
        """What is left, with so many records more that could not be taken."""
        self.refused += refused
        if self.rows or self.size or self.refused:
            keys = [*self.keys, *self._missing_keys()] if self.keys else []
            piece = Piece(Lines.of_rows(self.rows), self.size, self.refused, keys=keys)
            self.rows, self.size, self.refused, self.keys = [], 0, 0, []
            yield piece

    def turn(self) -> Iterator[Piece]:
        """What is left, or nothing but a turn for others, if the last turn was a few milliseconds ago."""
        if self._pace.is_due():
            if self.rows or self.size or self.refused:
                yield from self.rest()
            else:
                yield TURN

    def _missing_keys(self) -> list[None]:
        return [None] * (len(self.rows) - len(self.keys))


_Result = TypeVar("_Result")


def with_turns(work: Generator[object, None, _Result]) -> Generator[Piece, None, _Result]:
    """The result of ``work``, with a turn for others wherever it stops."""
    while True:
        try:
            next(work)
        except StopIteration as done:
            result: _Result = done.value
            return result
        yield TURN


def as_far_as_readable(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """``pieces`` up to where the body cannot be read on; the rest counts as one record that is refused.

    Raises:
        BodyUnreadable: no line came before.
    """
    has_lines = False
    try:
        for piece in pieces:
            has_lines = has_lines or len(piece.lines) > 0
            yield piece
    except BodyUnreadable:
        if not has_lines:
            raise
        yield Piece(Lines.of_rows(()), 0, refused=1)


def told_apart(
    values: dict[str, Any], renamed: Callable[[str], str], others: Collection[str], used: set[str]
) -> dict[str, Any]:
    """``values``; a name that ``others`` have too is another one, with a number if that is used as well.

    Args:
        values: by their names.
        renamed: makes another name.
        others: the names from which they are told apart.
        used: all names that are used; those that are given are added.
    """
    made = {}
    for key, value in values.items():
        name = key
        if key in others:
            name, number = renamed(key), 0
            while name in used:
                number += 1
                name = f"{renamed(key)}#{number}"
            used.add(name)
        made[name] = value
    return made
