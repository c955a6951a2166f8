"""The targets hold: on what they begin with, on what hypothesis makes of that, and for a while of a real run."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fixtures.running import ROOT
from tests.fuzz.targets import SEEDS, TARGETS


@pytest.mark.parametrize("target", TARGETS)
def test_it_holds_for_what_the_fuzzer_begins_with(target: str) -> None:
    for data in SEEDS[target]:
        for position in range(len(data)):
            TARGETS[target](data[:position])
            TARGETS[target](data[position:])
        TARGETS[target](data)


@pytest.mark.parametrize("target", TARGETS)
def test_it_holds_for_pieces_of_them_in_any_order(target: str) -> None:
    pieces = st.one_of(
        st.sampled_from(SEEDS[target]),
        st.builds(
            lambda data, at, to: data[at:to], st.sampled_from(SEEDS[target]), st.integers(0, 9), st.integers(1, 40)
        ),
        st.binary(max_size=4),
    )

    @settings(max_examples=150)
    @given(st.lists(pieces, max_size=6).map(b"".join))
    def holds(data: bytes) -> None:
        TARGETS[target](data)

    holds()


@pytest.mark.long
@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris is not installed: make fuzz does")
@pytest.mark.parametrize("target", TARGETS)
def test_the_fuzzer_finds_nothing(target: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.fuzz", target, str(tmp_path), "-max_total_time=25", "-max_len=400"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-4000:]
