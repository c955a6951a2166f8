"""PostgreSQL's disk is full: senders wait, and continue when there is room; nothing is lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.conftest import embedded_ppl
from tests.faults.disk import filled, small_disk, use_up_the_wal
from tests.faults.load import Way, load, progress, relp
from tests.faults.tally import Measured, tallies
from tests.fixtures.running import PplProcess, eventually

pytestmark = [pytest.mark.long, pytest.mark.beside, pytest.mark.timeout(300)]


@pytest.fixture
def ppl(short_directory: Path) -> Iterator[PplProcess]:
    """Ppl with its data on a disk of half a gigabyte."""
    with small_disk(short_directory / "data", 500):
        running = embedded_ppl(short_directory)
        try:
            running.start()
            yield running
        finally:
            running.stop()


def test_a_full_disk_holds_senders_back_and_loses_nothing(
    ppl: PplProcess, short_directory: Path, way: Way, measured: Measured
) -> None:
    who = ppl.register()
    with load(way(ppl, who)) as senders:
        # First filled to the last byte, so that PostgreSQL cannot even write its write-ahead log and ends; then with a
        # little left, so that tables cannot grow.
        for leave in (0, 20 << 10, 200 << 10):
            progress(senders)
            said_before = len(ppl.text())
            with filled(short_directory / "data", leave):
                if not leave:
                    use_up_the_wal(ppl.dsn)
                    eventually(lambda: "PostgreSQL ended" in ppl.text()[said_before:], "the end of PostgreSQL", 60)  # noqa: B023
                # Once it has ended, uploads are refused before anything waits to be stored.
                said = ["cannot be stored now"] if way is relp else ["cannot be stored now", "PostgreSQL ended"]
                eventually(lambda: any(each in ppl.text()[said_before:] for each in said), "a line of log about it", 60)  # noqa: B023
                # Meanwhile Ppl retries again and again.
                threading.Event().wait(4)
        progress(senders)
    for found in tallies(ppl, who, senders, measured):
        assert (found.lost, found.doubled, found.in_order) == (0, 0, True)
    assert "Traceback" not in ppl.text()
