"""``python -m tests.fuzz TARGET CORPUS [-max_total_time=SECONDS …]``: a target, a directory, libFuzzer's options."""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["ppl.sources"]):
    from tests.fuzz.targets import SEEDS, TARGETS


def main() -> None:
    """Runs until something fails, or the time is over."""
    if len(sys.argv) < 3 or sys.argv[1] not in TARGETS:
        sys.exit(f"python -m tests.fuzz {{{','.join(TARGETS)}}} CORPUS [-max_total_time=SECONDS …]")
    name, corpus = sys.argv.pop(1), Path(sys.argv[1])
    corpus.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(SEEDS[name]):
        (corpus / f"seed{number}").write_bytes(data)
    atheris.Setup(sys.argv, TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
