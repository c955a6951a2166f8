"""Counts numbered lines: how many were lost, how many doubled, whether they are in order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Protocol

import attrs

from tests.fixtures.running import PplProcess, Registered

#: Adds a sentence to the summary of the run; the fixture ``measured``.
Measured = Callable[[str], None]


class Numbered(Protocol):
    """A sender of lines ``<name> <number>``, counted from 0."""

    name: str
    sent: int


@attrs.frozen
class Tally:
    """The count of one sender's lines.

    Attributes:
        sent: lines that should be stored.
        lost: lines that are not stored.
        doubled: stored copies beyond the first of each line.
        in_order: whether the first copies are in the order in which they were sent.
    """

    sent: int
    lost: int
    doubled: int
    in_order: bool


def tally(numbers: Iterable[int], sent: int) -> Tally:
    """Count the stored ``numbers`` (in the order of their ids) of lines 0 to ``sent`` - 1."""
    stored = list(numbers)
    first = list(dict.fromkeys(stored))
    return Tally(sent, len(set(range(sent)) - set(first)), len(stored) - len(first), first == sorted(first))


def tallies(ppl: PplProcess, who: Registered, senders: Iterable[Numbered], measured: Measured) -> list[Tally]:
    """Count what is stored of each sender's lines, and report it."""
    stored = defaultdict(list)
    for message in ppl.messages(who.port):
        name, number = message.split()
        stored[name].append(int(number))
    counted = []
    for sender in senders:
        found = tally(stored[sender.name], sender.sent)
        counted.append(found)
        measured(f"{sender.name}: {found.sent} sent, {found.lost} lost, {found.doubled} doubled")
    return counted
