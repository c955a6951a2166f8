"""The index of a segment, up to 1,024 frames: for each key, in which of the frames it occurs.

:class:`IndexBuilder` takes the texts of frame after frame and gives the index in chunks, each of which has the keys of
one residue. A search reads only the chunks of its own keys (:func:`chunk_of`), and :func:`frames_that_may_have` tells
in which frames all of them occur: a set of frames is an ``int`` with bit n for frame n. Where it is empty, nothing has
to be opened.

The form of a chunk, version 1: one byte, 1; CRC-32 of the rest, four bytes; then zstd of:

- how many keys the chunk has, two bytes;
- for each, in ascending order, its number within the chunk (the key divided by the number of chunks), two bytes; then
  how many frames have it, two bytes;
- for each key in few frames, the distance of each of these frames to the one before it, less one: a byte each, or 255
  and, after all these bytes, the distance in two bytes;
- for each key in more frames, a bitmap of all frames. A key in nearly all frames has neither.

Numbers are planes (:mod:`ppl.packed.numbers`); bitmaps begin with the lowest bit.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import pairwise
from typing import Any
from zlib import crc32

import attrs

from ppl.packed.frame import FrameDamaged
from ppl.packed.keys import KEY_BITS, KeyFinder, keys_of
from ppl.packed.numbers import from_planes, in_planes
from ppl.search.colours import without_colours
from ppl.search.regex.folding import fold
from ppl.zstandard import zstd

#: Most frames of a segment: chunks of about two kilobytes, each of which a search reads in one go.
_FRAME_BITS = 10
MOST_FRAMES = 1 << _FRAME_BITS

#: With fewer chunks, the number of a key within its chunk would need more than two bytes.
_LEAST_CHUNKS = 8

#: Most keys that a search looks up for one text: more read more and rule out little.
MOST_KEYS = 16

#: A key in fewer than one of so many frames is written as distances; in more than this part of them, not at all.
_FEW, _EVERYWHERE = 12, 0.8

_LEVEL = 6
_HEAD = struct.Struct("<BI")
_VERSION = 1
_FAR = 255


def _is_few(count: Any, frames: int) -> Any:
    """Whether a key of ``count`` frames, or each of an array of counts, is written as distances."""
    return count * _FEW < frames


def _is_everywhere(count: Any, frames: int) -> Any:
    """Whether a key of ``count`` frames, or each of an array of counts, is not written at all."""
    return count > frames * _EVERYWHERE


@attrs.frozen
class SegmentIndex:
    """The index of a segment.

    Attributes:
        frames: how many frames it has.
        chunks: number of a chunk → its bytes; a chunk without keys is left out.
        chunk_count: how many chunks there may be; see :func:`chunk_of`.
    """

    frames: int
    chunks: dict[int, bytes]
    chunk_count: int

    def frames_with(self, key: int) -> int:
        """The set of frames that have ``key``.

        Raises:
            FrameDamaged: its chunk is damaged.
        """
        chunk = self.chunks.get(chunk_of(key, self.chunk_count))
        return 0 if chunk is None else IndexChunk(chunk, self.frames, self.chunk_count).frames_with(key)


def chunk_of(key: int, chunk_count: int) -> int:
    """The number of the chunk that has ``key`` in an index of so many chunks."""
    return key % chunk_count


def index_text(words: str) -> bytes:
    """The texts of a frame (:attr:`ppl.packed.frame.OpenFrame.words`) as they are searched: folded, without colours."""
    return fold(without_colours(words)).encode("utf-8", "surrogatepass")


class IndexBuilder:
    """Builds the index of a segment."""

    def __init__(self) -> None:
        import numpy as np

        self._np: Any = np
        self._finder = KeyFinder()
        self._found: list[Any] = []

    @property
    def frames(self) -> int:
        """How many frames were added."""
        return len(self._found)

    def add(self, words: str) -> None:
        """Add the next frame, at most :data:`MOST_FRAMES`; ``words`` are its texts, separated by NUL."""
        self._found.append(self._finder.keys(index_text(words)))

    def finish(self) -> SegmentIndex:
        """The index; the builder is empty then."""
        np, found, self._found = self._np, self._found, []
        count = len(found)
        chunk_count = min(MOST_FRAMES, max(_LEAST_CHUNKS, 1 << max(0, count - 1).bit_length()))
        bits = chunk_count.bit_length() - 1
        keys = np.concatenate([*found, np.zeros(0, np.uint32)])
        frames = np.repeat(np.arange(count, dtype=np.uint32), [len(each) for each in found])
        # By chunk, then by number within the chunk, then by frame: in 32 bits, which are sorted twice as fast as 64.
        width = np.uint32(KEY_BITS - bits)
        keys = (keys & np.uint32(chunk_count - 1)) << width | keys >> np.uint32(bits)
        pairs = np.sort(keys << np.uint32(_FRAME_BITS) | frames)
        ends = np.arange(1, chunk_count, dtype=np.uint32) << (width + np.uint32(_FRAME_BITS))
        begins = [0, *np.searchsorted(pairs, ends).tolist(), len(pairs)]
        numbers = (pairs >> np.uint32(_FRAME_BITS)) & ((np.uint32(1) << width) - np.uint32(1))
        places = (pairs & np.uint32(MOST_FRAMES - 1)).astype(np.int64)
        chunks = {
            chunk: self._chunk(numbers[begin:end], places[begin:end], count)
            for chunk, (begin, end) in enumerate(pairwise(begins))
            if begin < end
        }
        return SegmentIndex(count, chunks, chunk_count)

    def _chunk(self, keys: Any, places: Any, frames: int) -> bytes:
        np = self._np
        firsts = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))
        counts = np.diff(np.concatenate((firsts, [len(keys)])))
        is_few, is_everywhere = _is_few(counts, frames), _is_everywhere(counts, frames)
        steps = places - np.concatenate(([0], places[:-1])) - 1
        steps[firsts] = places[firsts]
        steps = steps[np.repeat(is_few, counts)]
        many = np.flatnonzero(~is_few & ~is_everywhere)
        bits = np.zeros((len(many), -(-frames // 8) * 8), np.bool_)
        row = np.full(len(firsts), -1)
        row[many] = np.arange(len(many))
        rows = np.repeat(row, counts)
        bits[rows[rows >= 0], places[rows >= 0]] = True
        data = b"".join(
            [
                len(firsts).to_bytes(2, "little"),
                in_planes(keys[firsts].tolist(), 2),
                in_planes(counts.tolist(), 2),
                np.minimum(steps, _FAR).astype(np.uint8).tobytes(),
                in_planes(steps[steps >= _FAR].tolist(), 2),
                np.packbits(bits, axis=1, bitorder="little").tobytes(),
            ]
        )
        rest = zstd.compress(data, _LEVEL)
        return _HEAD.pack(_VERSION, crc32(rest)) + rest


class IndexChunk:
    """One chunk, opened.

    Args:
        data: its bytes.
        frames: how many frames its segment has.
        chunk_count: how many chunks the index of the segment may have.

    Raises:
        FrameDamaged: it was changed, cut off, or made by a later version.
    """

    def __init__(self, data: bytes, frames: int, chunk_count: int) -> None:
        if len(data) < _HEAD.size:
            raise FrameDamaged(f"a part of an index of {len(data)} bytes is cut off")
        version, checksum = _HEAD.unpack_from(data)
        rest = memoryview(data)[_HEAD.size :]
        if version != _VERSION:
            raise FrameDamaged(f"an index has form {version}, which this version of Ppl does not know")
        if crc32(rest) != checksum:
            raise FrameDamaged("the checksum of a part of an index is wrong")
        try:
            self._data = zstd.decompress(rest)
        except zstd.ZstdError as error:
            raise FrameDamaged(f"a part of an index cannot be unpacked: {error}") from error
        self._frames, self._chunk_count = frames, chunk_count
        count = int.from_bytes(self._data[:2], "little")
        self._keys = from_planes(self._data[2 : 2 + 2 * count], 2)
        self._counts = from_planes(self._data[2 + 2 * count : 2 + 4 * count], 2)
        self._at = 2 + 4 * count

    def frames_with(self, key: int) -> int:
        """The set of frames that have ``key``."""
        number = key // self._chunk_count
        place = bisect_left(self._keys, number)
        if place == len(self._keys) or self._keys[place] != number:
            return 0
        count = self._counts[place]
        frames = self._frames
        if _is_everywhere(count, frames):
            return (1 << frames) - 1
        steps = sum(each for each in self._counts if _is_few(each, frames))
        before = self._counts[:place]
        if _is_few(count, frames):
            return self._from_steps(sum(each for each in before if _is_few(each, frames)), count, steps)
        size = -(-frames // 8)
        far = self._data.count(_FAR, self._at, self._at + steps)
        many = sum(not _is_few(each, frames) and not _is_everywhere(each, frames) for each in before)
        at = self._at + steps + 2 * far + many * size
        return int.from_bytes(self._data[at : at + size], "little")

    def _from_steps(self, skipped: int, count: int, steps: int) -> int:
        data, at = self._data, self._at
        begin = at + skipped
        own = data[begin : begin + count]
        if _FAR in own:
            total = data.count(_FAR, at, at + steps)
            far = iter(from_planes(data[at + steps : at + steps + 2 * total], 2)[data.count(_FAR, at, begin) :])
            distances: Iterable[int] = [next(far) if step == _FAR else step for step in own]
        else:
            distances = own
        found, place = 0, -1
        for distance in distances:
            place += distance + 1
            found |= 1 << place
        return found


@attrs.frozen
class Needed:
    """What a search needs of an index: of each group, one text at least must occur.

    Attributes:
        groups: for each group, for each of its texts, the keys that a frame with this text has.
    """

    groups: tuple[tuple[tuple[int, ...], ...], ...]

    @classmethod
    def of(cls, literals: Iterable[Collection[str]]) -> Needed:
        """What the literals of a query need (:func:`ppl.search.literals.literals`), folded."""
        groups = [
            tuple(tuple(_some(keys_of(text.encode("utf-8", "surrogatepass")))) for text in group) for group in literals
        ]
        # A text of one or two characters rules nothing out, and so neither does its group.
        return cls(tuple(group for group in groups if all(group)))

    @property
    def keys(self) -> frozenset[int]:
        """All keys, whose chunks are to be read."""
        return frozenset(key for group in self.groups for keys in group for key in keys)


def _some(keys: Sequence[int]) -> Sequence[int]:
    """At most :data:`MOST_KEYS` of ``keys``: the first half of these from the beginning, the others from all over."""
    if len(keys) <= MOST_KEYS:
        return keys
    half = MOST_KEYS // 2
    rest = keys[half:]
    return [*keys[:half], *(rest[number * len(rest) // half] for number in range(half))]


def frames_that_may_have(needed: Needed, frames: int, frames_with: Callable[[int], int]) -> int:
    """The set of frames in which everything needed may occur.

    Args:
        needed: what must occur.
        frames: how many frames the segment has.
        frames_with: gives the set of frames that have a key.
    """
    found = (1 << frames) - 1
    for group in needed.groups:
        either = 0
        for keys in group:
            every = found
            for key in keys:
                every &= frames_with(key)
                if not every:
                    break
            either |= every
        found &= either
        if not found:
            break
    return found
