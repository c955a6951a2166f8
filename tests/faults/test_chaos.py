"""Several clients at once, and faults in random order: every sender recovers, nothing is lost, no viewer misses a line.

``PPL_TEST_CHAOS_SEED`` and ``PPL_TEST_CHAOS_SECONDS`` set another seed and length, as ``make chaos`` does.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.faults.chaos.driving import Drive, installation, shuffled
from tests.faults.chaos.faults import backends_killed
from tests.faults.tally import Measured
from tests.fixtures.running import Form

SECONDS = float(os.environ.get("PPL_TEST_CHAOS_SECONDS", "60"))
SEED = os.environ.get("PPL_TEST_CHAOS_SEED")
SEEDS = [int(SEED)] if SEED else [1, 2]


@pytest.mark.long
@pytest.mark.beside
@pytest.mark.timeout(180)
def test_killed_backends_beside_a_flood_and_a_quiet_client(short_directory: Path, measured: Measured) -> None:
    """PostgreSQL ends every connection at the same moment: each client's lines wait, and each client recovers."""
    rng = random.Random(0)
    with installation(short_directory, "one", rng, 0) as there:
        drive = Drive(there, rng, measured)
        for senders in (["flood"], ["relp"], ["trickle"], ["relptrickle"], ["trickle"]):
            drive.scene.enter(senders, [])
        drive.play(iter([backends_killed] * 2))


@pytest.mark.long
@pytest.mark.beside
@pytest.mark.timeout(SECONDS * 4 + 400)
@pytest.mark.parametrize("form", ["one", "two"])
@pytest.mark.parametrize("seed", SEEDS)
def test_many_clients_and_random_faults(form: Form, seed: int, short_directory: Path, measured: Measured) -> None:
    rng = random.Random(f"{seed} {form}")
    print(f"PPL_TEST_CHAOS_SEED={seed}")
    with installation(short_directory, form, rng, int(600 + SECONDS * 5)) as there:
        drive = Drive(there, rng, measured)
        drive.run(shuffled(there, random.Random(rng.random()), SECONDS))
