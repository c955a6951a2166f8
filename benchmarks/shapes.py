"""Durable rows per second over TCP of short lines and of other framings, against usual lines, in the same run.

Run ``python -m benchmarks.shapes`` from the project's root. In each round every shape, a PRI and text without a header,
is sent into a running Ppl, in turns, until its last line is committed. The ratios are of the medians, to lines of 150
bytes that end with LF; a shape that is far below meets a limit that is not meant for it.
"""

from __future__ import annotations

import argparse
import statistics

from benchmarks.ingest import ingest, until_ppl_stored
from benchmarks.running import running_ppl, spread
from tests.fixtures.database import as_administrator, execute

#: Name → the bytes of a line without its end, and the end; ``#``: the line is counted.
SHAPES: dict[str, tuple[int, bytes]] = {
    "150 bytes, LF": (150, b"\n"),
    "60 bytes, LF": (60, b"\n"),
    "30 bytes, LF": (30, b"\n"),
    "16 bytes, LF": (16, b"\n"),
    "30 bytes, CR LF": (30, b"\r\n"),
    "150 bytes, LF NUL": (150, b"\n\0"),
    "150 bytes, NUL": (150, b"\0"),
    "30 bytes, NUL": (30, b"\0"),
    "150 bytes, counted": (150, b"#"),
    "30 bytes, counted": (30, b"#"),
}


def stream(count: int, size: int, end: bytes) -> bytes:
    """``count`` lines of ``size`` bytes each, numbered, in their framing."""
    each = (b"<134>" + b"%x" % number for number in range(count))
    lines = [line.ljust(size, b" ") if size < 20 else line + b" " + b"x" * (size - len(line) - 1) for line in each]
    if end == b"#":
        return b"".join(b"%d %s" % (len(line), line) for line in lines)
    return b"".join(line + end for line in lines)


def main() -> None:
    """Parse the arguments, run the rounds, print each shape's rate and ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    count = arguments.lines
    rates: dict[str, list[float]] = {name: [] for name in SHAPES}
    with running_ppl() as (ppl, who):
        administrator = as_administrator(ppl.dsn, "ppl")
        # The first round only warms up.
        for number in range(arguments.rounds + 1):
            for name, (size, end) in SHAPES.items():
                execute(administrator, "TRUNCATE event, event_count")
                execute(administrator, "CHECKPOINT")
                data = stream(count, size, end)
                rate = ingest(who.port, [data], count, lambda: until_ppl_stored(ppl.dsn, count))
                if number:
                    rates[name].append(rate)
    usual = statistics.median(next(iter(rates.values())))
    for name, found in rates.items():
        print(f"{name:20} {spread(found):>28} rows/s {statistics.median(found) / usual:6.2f}")


if __name__ == "__main__":
    main()
