"""A dictionary for the frames of one destination: what its events have in common is then kept once, and not in each."""

from __future__ import annotations

from collections.abc import Sequence

from ppl.packed.frame import EventRow, frame_columns
from ppl.zstandard import zstd

#: Bytes of a dictionary, and of the frames that it is trained on: a hundred times as many, as zstd's authors advise.
_BYTES, _TRAINED_ON = 112_640, 12_000_000

#: A smaller part of all bytes than this is what a dictionary may take.
_MOST_PART = 0.02


def trained_dictionary(frames: Sequence[Sequence[EventRow]]) -> zstd.ZstdDict | None:
    """Train a dictionary on the events of some frames; ``None`` if they are too few to gain from one.

    Args:
        frames: the rows of frames, from all over the time that the dictionary is for.
    """
    columns = [frame_columns(rows) for rows in frames]
    total = sum(map(len, columns))
    # Some from all over the time, rather than the first.
    chosen = columns[:: 1 + total // _TRAINED_ON]
    size = min(_BYTES, int(total * _MOST_PART))
    if len(chosen) < 8 or size < 1024:
        return None
    try:
        return zstd.train_dict(chosen, size)
    except zstd.ZstdError:
        return None  # they have too little in common
