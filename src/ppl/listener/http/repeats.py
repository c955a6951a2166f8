"""What is sent again: a body such as a logplex frame, or a line with a key, is stored once.

All of it is in memory and bounded: what was sent very long ago is stored again. The keys of lines are also stored with
the lines, so that those that were stored shortly before a start are known (:class:`KnownLines`).
"""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_left, bisect_right
from collections import OrderedDict, defaultdict
from collections.abc import Awaitable, Callable, Iterator

import attrs
from twisted.internet.defer import Deferred, DeferredList

from ppl.http.uploads import UploadReply
from ppl.listener.http.work_turns import WorkTurns
from ppl.model import PART_NUMBERS, UploadKeys
from ppl.sources.kinds import LineKey

_MOST_FRAMES = 10_000
_MOST_CHANNELS = 10_000

#: Most series of keys, most ranges of numbers in one of them, and in all together.
_MOST_SERIES, _MOST_RANGES, _MOST_OF_ALL = 10_000, 50_000, 200_000

#: The series into which digests are divided.
_DIGEST_SERIES = 4096


class SeenFrames:
    """Recent frames, by destination and id, such as ``Logplex-Frame-Id``; of those that are stored, the oldest go.

    Args:
        most: frames that are remembered once they are stored. Those being stored are bounded by the uploads under way.
    """

    def __init__(self, most: int = _MOST_FRAMES) -> None:
        self._most = most
        self._stored: OrderedDict[tuple[int, str], UploadReply] = OrderedDict()
        # The repeats that wait for the answer of a frame.
        self._waiting: dict[tuple[int, str], list[Deferred[UploadReply]]] = {}

    async def once(self, frame: tuple[int, str], store: Callable[[], Deferred[UploadReply]]) -> UploadReply:
        """The answer of ``store``; for a frame that was stored, or is being stored, the answer of the first.

        Raises:
            Exception: what ``store`` raised; those that wait for its answer get the same.
        """
        stored = self._stored.get(frame)
        if stored is not None:
            return stored
        if frame in self._waiting:
            answer: Deferred[UploadReply] = Deferred()
            self._waiting[frame].append(answer)
            return await answer
        self._waiting[frame] = []
        try:
            reply = await store()
        except Exception as error:
            for each in self._waiting.pop(frame):
                each.errback(error)
            raise
        self._stored[frame] = reply
        if len(self._stored) > self._most:
            self._stored.popitem(last=False)
        for each in self._waiting.pop(frame):
            each.callback(reply)
        return reply


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

    def add_all(self, first: int, last: int) -> None:
        """Add the numbers from ``first`` to ``last``, below 2⁶⁴."""
        begins, ends = self._begins, self._ends
        # The ranges that touch or overlap the new one become one with it.
        low, high = bisect_left(ends, max(first - 1, 0)), bisect_right(begins, last + 1)
        if low < high:
            first, last = min(first, begins[low]), max(last, ends[high - 1])
        begins[low:high], ends[low:high] = array("Q", [first]), array("Q", [last])
        if len(begins) > self._most:
            del begins[0], ends[0]

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
        self._series: OrderedDict[tuple[int, str | int], Ranges] = OrderedDict()
        self._ranges = 0

    def has(self, destination_id: int, series: str) -> bool:
        """Whether any number of ``series`` is known."""
        return (destination_id, series) in self._series

    def add(self, destination_id: int, key: LineKey) -> bool:
        """Add the key of a line; gives whether it is new."""
        series, number = key
        known = self._of(destination_id, series, number)
        before = len(known)
        is_new = known.add(number if series else number // _DIGEST_SERIES)
        self._count(len(known) - before)
        return is_new

    def add_all(self, destination_id: int, series: str, first: int, last: int) -> None:
        """Add the keys of ``series`` from ``first`` to ``last``."""
        known = self._of(destination_id, series, first)
        before = len(known)
        known.add_all(first, last)
        self._count(len(known) - before)

    def _of(self, destination_id: int, series: str, number: int) -> Ranges:
        # Many short series of digests: of what is forgotten, all of it is old.
        name = (destination_id, series or number % _DIGEST_SERIES)
        known = self._series.get(name)
        if known is None:
            known = self._series[name] = Ranges()
        else:
            self._series.move_to_end(name)
        return known

    def _count(self, more: int) -> None:
        self._ranges += more
        while len(self._series) > _MOST_SERIES or (self._ranges > _MOST_OF_ALL and len(self._series) > 1):
            _, oldest = self._series.popitem(last=False)
            self._ranges -= len(oldest)


class Commits:
    """Submissions that the writer has not committed yet."""

    def __init__(self) -> None:
        self._open: set[Deferred[None]] = set()

    def begin(self) -> Callable[[], None]:
        """Add a submission; gives what must be called when it is committed."""
        commit: Deferred[None] = Deferred()
        self._open.add(commit)

        def committed() -> None:
            self._open.discard(commit)
            commit.callback(None)

        return committed

    async def all(self) -> None:
        """Return when all submissions of now are committed."""
        await DeferredList([*self._open])


class KnownLines:
    """What the lines of all uploads with keys of one kind share.

    Args:
        read: gives the keys that were stored with a destination's lines.
        turns: the turns in which they are read.

    Attributes:
        seen: their keys.
        commits: their submissions, by destination.
    """

    def __init__(self, read: Callable[[int], Awaitable[UploadKeys]], turns: WorkTurns) -> None:
        self._read, self._turns = read, turns
        # By destination: what waits for its stored keys, ``None`` once they are here.
        self._waiting: dict[int, list[Deferred[None]] | None] = {}
        self.seen = SeenLines()
        self.commits: defaultdict[int, Commits] = defaultdict(Commits)

    def is_recalled(self, destination_id: int) -> bool:
        """Whether the keys that were stored before the start are known."""
        return self._waiting.get(destination_id, ()) is None

    async def recall(self, destination_id: int) -> None:
        """Return when the keys that were stored before the start are known.

        Raises:
            StoreUnavailable: the database cannot be reached; the next call tries again.
            StatementTimeout: it takes too long.
        """
        while not self.is_recalled(destination_id):
            waiting = self._waiting.get(destination_id)
            if waiting is not None:
                mine: Deferred[None] = Deferred()
                waiting.append(mine)
                await mine
                continue
            waiting = self._waiting[destination_id] = []
            try:
                await self._add_stored(destination_id)
            except BaseException:
                del self._waiting[destination_id]
                raise
            else:
                self._waiting[destination_id] = None
            finally:
                # After a failure each of them tries by itself.
                for each in waiting:
                    each.callback(None)

    async def _add_stored(self, destination_id: int) -> None:
        stored = await self._read(destination_id)
        await self._turns.turn()
        for (series, part), seen in stored.numbers.items():
            for first, last in _runs(seen):
                self.seen.add_all(destination_id, series, part * PART_NUMBERS + first, part * PART_NUMBERS + last)
            if self._turns.is_over:
                await self._turns.turn()
        for (digest,) in struct.iter_unpack("<Q", stored.digests):
            self.seen.add(destination_id, ("", digest))
            if self._turns.is_over:
                await self._turns.turn()


def _runs(seen: int) -> Iterator[tuple[int, int]]:
    """The first and last of the bits that stand side by side in ``seen``, from the right."""
    at = 0
    while seen:
        skipped = (seen & -seen).bit_length() - 1
        seen >>= skipped
        length = (~seen & (seen + 1)).bit_length() - 1
        yield at + skipped, at + skipped + length - 1
        seen >>= length
        at += skipped + length


@attrs.define(eq=False)
class NewKeys:
    """The keys of lines that are handed to the writer together.

    Attributes:
        kind: see :class:`~ppl.model.UploadKeys`.
        kept: µs for which they are remembered.
    """

    kind: str
    kept: int
    _numbers: dict[tuple[str, int], int] = attrs.Factory(dict)
    _digests: list[int] = attrs.Factory(list)

    def add(self, key: LineKey) -> None:
        """Add the key of a line."""
        series, number = key
        if not series:
            self._digests.append(number)
            return
        place = series, number // PART_NUMBERS
        self._numbers[place] = self._numbers.get(place, 0) | 1 << number % PART_NUMBERS

    def add_all(self, series: str, first: int, last: int) -> None:
        """Add the keys of ``series`` from ``first`` to ``last``."""
        for part in range(first // PART_NUMBERS, last // PART_NUMBERS + 1):
            low = max(first - part * PART_NUMBERS, 0)
            high = min(last - part * PART_NUMBERS, PART_NUMBERS - 1)
            seen = (1 << high + 1) - (1 << low)
            self._numbers[series, part] = self._numbers.get((series, part), 0) | seen

    def taken(self) -> UploadKeys | None:
        """What was added, which is then forgotten; ``None`` if that is nothing."""
        if not self._numbers and not self._digests:
            return None
        digests = struct.pack(f"<{len(self._digests)}Q", *self._digests)
        keys = UploadKeys(self.kind, self.kept, self._numbers, digests)
        self._numbers, self._digests = {}, []
        return keys


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
