"""What is sent again: a body such as a logplex frame, or a line with a key, is stored once.

All of it is in memory and bounded: what was sent very long ago, or before Ppl started, is stored again.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable

import attrs
from twisted.internet.defer import Deferred

from ppl.http.uploads import UploadReply
from ppl.sources.kinds import LineKey

_MOST_FRAMES = 10_000
_MOST_CHANNELS = 10_000

#: Most series of keys, most ranges of numbers in one of them, and in all together.
_MOST_SERIES, _MOST_RANGES, _MOST_OF_ALL = 10_000, 50_000, 200_000


@attrs.define(eq=False)
class _Frame:
    """A body with an id: its answer once it is stored, and the repeats that wait for it."""

    stored: UploadReply | None = None
    waiting: list[Deferred[UploadReply]] = attrs.Factory(list)


class SeenFrames:
    """Recent frames, by destination and id, such as ``Logplex-Frame-Id``; the oldest are forgotten."""

    def __init__(self) -> None:
        self._frames: OrderedDict[tuple[int, str], _Frame] = OrderedDict()

    async def once(self, frame: tuple[int, str], store: Callable[[], Deferred[UploadReply]]) -> UploadReply:
        """The answer of ``store``; for a frame that was stored, or is being stored, the answer of the first."""
        known = self._frames.get(frame)
        if known is not None:
            if known.stored is not None:
                return known.stored
            answer: Deferred[UploadReply] = Deferred()
            known.waiting.append(answer)
            return await answer
        mine = self._frames[frame] = _Frame()
        if len(self._frames) > _MOST_FRAMES:
            self._frames.popitem(last=False)
        try:
            mine.stored = await store()
        except Exception as error:
            self._frames.pop(frame, None)
            for each in mine.waiting:
                each.errback(error)
            raise
        for each in mine.waiting:
            each.callback(mine.stored)
        return mine.stored


class Ranges:
    """A set of numbers, in which those that follow one another cost no memory; beyond a limit the lowest are left out.

    Args:
        most: ranges that are kept.
    """

    def __init__(self, most: int = _MOST_RANGES) -> None:
        self._most = most
        # The first numbers of the ranges, ascending, and their last ones.
        self._begins, self._ends = array("Q"), array("Q")

    def __len__(self) -> int:
        """How many ranges there are."""
        return len(self._begins)

    def add(self, number: int) -> bool:
        """Add ``number``, below 2⁶⁴; gives whether it was missing."""
        begins, ends = self._begins, self._ends
        at = bisect_right(begins, number)
        if at and number <= ends[at - 1]:
            return False
        follows = at > 0 and ends[at - 1] + 1 == number
        precedes = at < len(begins) and begins[at] == number + 1
        if follows and precedes:
            ends[at - 1] = ends[at]
            del begins[at], ends[at]
        elif follows:
            ends[at - 1] = number
        elif precedes:
            begins[at] = number
        else:
            begins.insert(at, number)
            ends.insert(at, number)
            if len(begins) > self._most:
                del begins[0], ends[0]
        return True


class SeenLines:
    """The keys of lines that were handed to the writer, by destination; the oldest are forgotten."""

    def __init__(self) -> None:
        self._series: OrderedDict[tuple[int, str], Ranges] = OrderedDict()
        self._ranges = 0

    def add(self, destination_id: int, key: LineKey) -> bool:
        """Add the key of a line; gives whether it is new."""
        name, number = key
        known = self._series.get((destination_id, name))
        if known is None:
            known = self._series[destination_id, name] = Ranges()
        else:
            self._series.move_to_end((destination_id, name))
        before = len(known)
        is_new = known.add(number)
        self._ranges += len(known) - before
        while len(self._series) > _MOST_SERIES or (self._ranges > _MOST_OF_ALL and len(self._series) > 1):
            _, oldest = self._series.popitem(last=False)
            self._ranges -= len(oldest)
        return is_new


class ChannelCounts:
    """How many uploads of each channel of a destination are stored; the channels used longest ago are forgotten."""

    def __init__(self) -> None:
        self._counts: OrderedDict[tuple[int, str], int] = OrderedDict()

    def stored(self, destination_id: int, channel: str) -> int:
        """Count an upload that is stored; gives how many of its channel were before."""
        name = (destination_id, channel)
        before = self._counts.pop(name, 0)
        self._counts[name] = before + 1
        if len(self._counts) > _MOST_CHANNELS:
            self._counts.popitem(last=False)
        return before

    def count(self, destination_id: int, channel: str) -> int:
        """How many uploads of a channel are stored."""
        return self._counts.get((destination_id, channel), 0)
