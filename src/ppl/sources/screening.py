"""Selects the lines of a read that are taken: columns without the others, and which messages were refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import attrs

from ppl.model import Lines
from ppl.sources.framing import Frames

#: Positions of the messages of a read that were not taken and never will be.
Refused = frozenset[int]

NONE_REFUSED: Refused = frozenset()

#: Called with the refused messages once all others are durable.
Committed = Callable[[Refused], None]


def first_of(lines: Lines, count: int) -> Lines:
    """The first ``count`` of ``lines``."""
    return Lines(*(column[:count] for column in attrs.astuple(lines, recurse=False)))


def refused_of(frames: Frames, lines: Iterable[int]) -> Refused:
    """Positions of the messages of ``frames`` that became ``lines`` (positions too); empty messages are no lines."""
    positions = [position for position, message in enumerate(frames.messages) if message]
    return frozenset(positions[line] for line in lines) if positions else NONE_REFUSED


def left_out(count: int, wrong: Sequence[int], taken: int) -> Sequence[int]:
    """Which of ``count`` lines are left out: those at ``wrong`` positions, and all but the first ``taken`` others."""
    without = set(wrong)
    others = [position for position in range(count) if position not in without]
    return [*wrong, *others[taken:]]
