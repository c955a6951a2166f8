"""Bytes an event of packed frames and their index, how fast they are made and read, and what searches open for nothing.

Run ``python -m benchmarks.packing`` from the project's root. It packs the lines of :mod:`benchmarks.lines` in this
process, without a database, and compares the bytes with those of the same lines in frames without a dictionary. Then it
asks the index for texts that occur nowhere, and for parts of lines.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.lines import site_rows
from benchmarks.running import percentile, verdict
from ppl.packed.dictionary import trained_dictionary
from ppl.packed.frame import OpenFrame, frame_ends, pack_frame
from ppl.packed.index import MOST_FRAMES, IndexBuilder, Needed, SegmentIndex, frames_that_may_have
from ppl.search.regex.folding import fold

#: Most bytes an event, everything counted, and least events a second (issue 15).
BYTES, RATE = 45, 60_000

#: Frames that the dictionary is trained on.
_SAMPLE = 300


def opened_for(text: str, index: SegmentIndex) -> tuple[int, float]:
    """How many frames may have ``text``, and the seconds to know."""
    start = time.perf_counter()
    found = frames_that_may_have(Needed.of([{fold(text)}]), index.frames, index.frames_with)
    return found.bit_count(), time.perf_counter() - start


def print_asked(rows: Sequence[tuple[Any, ...]], indexes: Sequence[SegmentIndex], count: int) -> None:
    """Print what the index says for each kind of text."""
    draw = random.Random(2)

    def part() -> str:
        message = draw.choice(rows)[4]
        begin = draw.randrange(max(1, len(message) - 16))
        return str(message[begin : begin + 16])

    kinds: dict[str, Callable[[], str]] = {
        "ten digits, nowhere": lambda: f"{draw.randrange(10**9, 10**10)}",
        "twelve hex digits, nowhere": lambda: f"{draw.getrandbits(48):012x}",
        "an address, nowhere": lambda: ".".join(str(draw.randrange(1, 255)) for _ in range(4)),
        "a word, nowhere": lambda: "".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=9)),
        "sixteen characters of a line": part,
    }
    frames = sum(index.frames for index in indexes)
    print(f"{'searched':30} {'frames opened, of ' + str(frames):>30} {'ms in the index, p50 and p95':>30}")
    for name, make in kinds.items():
        texts = [make() for _ in range(count)]
        found = [[opened_for(text, index) for index in indexes] for text in texts]
        opened = sum(number for each in found for number, _ in each) / count
        taken = [sum(seconds for _, seconds in each) * 1000 for each in found]
        p50, p95 = percentile(taken, 50), percentile(taken, 95)
        print(f"{name:30} {opened:22,.1f} ({opened / frames:.2%}) {p50:15.2f} {p95:10.2f}")


def main() -> None:
    """Parse the arguments, pack, print the bytes, the rates and what searches open."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=500_000)
    parser.add_argument("--searches", type=int, default=100, help="of each kind")
    arguments = parser.parse_args()
    rows = site_rows(arguments.lines)
    count = len(rows)
    start = time.perf_counter()
    ends = list(frame_ends([len(row[4]) for row in rows]))
    frames = [rows[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]
    dictionary = trained_dictionary(frames[:: max(1, len(frames) // _SAMPLE)])
    packed = [pack_frame(1, each, dictionary) for each in frames]
    framed = time.perf_counter()
    opened = [OpenFrame(1, each, dictionary) for each in packed]
    read = time.perf_counter()
    builder, indexes = IndexBuilder(), []
    for each in opened:
        builder.add(each.words)
        if builder.frames == MOST_FRAMES:
            indexes.append(builder.finish())
    if builder.frames:
        indexes.append(builder.finish())
    indexed = time.perf_counter()
    plain = sum(len(pack_frame(1, each)) for each in frames)
    in_frames = sum(map(len, packed))
    in_index = sum(len(chunk) for index in indexes for chunk in index.chunks.values())
    in_dictionary = len(dictionary.dict_content) if dictionary else 0
    print(f"{count:,} events in {len(frames):,} frames")
    print(f"frames: {in_frames / count:.1f} bytes an event; without a dictionary {plain / count:.1f}")
    print(f"index: {in_index / count:.1f} bytes an event; dictionary: {in_dictionary / count:.1f}")
    size = (in_frames + in_index + in_dictionary) / count
    print(f"together: {size:.1f} bytes an event; {verdict(size, BYTES, 'bytes')}")
    rate = count / (indexed - read + framed - start)
    print(f"packed and indexed: {rate:,.0f} events/s; {verdict(rate, RATE, 'events/s', is_least=True)}")
    print(f"opened: {count / (read - framed):,.0f} events/s")
    start = time.perf_counter()
    assert [row for each in opened for row in each.rows()] == rows
    print(f"made into events: {count / (time.perf_counter() - start):,.0f} events/s")
    print_asked(rows, indexes, arguments.searches)


if __name__ == "__main__":
    main()
