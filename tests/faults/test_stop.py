"""A stop ends, whatever PostgreSQL does, and logs what it waits for."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.faults.postgresql import children, freeze, postmaster
from tests.faults.tally import Measured
from tests.fixtures.running import PplProcess, eventually

pytestmark = [pytest.mark.long, pytest.mark.beside, pytest.mark.timeout(300)]

#: Seconds that the units in deploy/ allow for a stop.
ALLOWED = 120


def is_alive(pid: int) -> bool:
    """Whether the process runs; a zombie, whose end its parent has not noted yet, does not."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def test_a_stop_beside_a_frozen_postgresql_ends(ppl: PplProcess, short_directory: Path, measured: Measured) -> None:
    who = ppl.register()
    ppl.send(who.port, b"<13>1 - h app - - - before\n")
    eventually(lambda: ppl.count(who.port) == 1, "a stored line")
    frozen = freeze(short_directory)
    ppl.send(who.port, b"<13>1 - h app - - - while it is frozen\n")
    began = time.monotonic()
    ppl.stop(seconds=ALLOWED)
    measured(f"stopped beside a frozen PostgreSQL in {time.monotonic() - began:.0f} s")
    assert "Still stopping: the writer of received lines has not ended after 5 s" in ppl.text()
    assert "lines are lost" in ppl.text()
    assert not [pid for pid in frozen if is_alive(pid)]
    ppl.start()
    assert children(postmaster(short_directory))
    assert ppl.messages(who.port) == ["before"]
