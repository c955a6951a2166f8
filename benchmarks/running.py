"""Runs a Ppl with its embedded PostgreSQL for a benchmark, reads its memory, and sums up figures as text."""

from __future__ import annotations

import shutil
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ppl.store.embedded.server import EmbeddedPostgres
from tests.fixtures.running import PplProcess, Registered


@contextmanager
def running_ppl(**environment: str) -> Iterator[tuple[PplProcess, Registered]]:
    """Run Ppl in one process on an embedded PostgreSQL in a temporary directory, with one account.

    ``environment`` adds ``PPL_…`` variables.
    """
    directory = Path(tempfile.mkdtemp(prefix="ppl-bench-"))
    directory.chmod(0o755)
    dsn = EmbeddedPostgres(None, directory / "data").dsn
    ppl = PplProcess(dsn, directory, "one", {"PPL_DATABASE": "", **environment})
    try:
        ppl.start()
        yield ppl, ppl.register()
    finally:
        ppl.stop()
        shutil.rmtree(directory, ignore_errors=True)


def resident(pid: int, field: str = "VmRSS") -> float:
    """The resident memory of a process in MB (10^6 bytes); with ``VmHWM``, the highest so far."""
    for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0]) * 1024 / 1e6
    raise LookupError(f"{field} of {pid}")


def verdict(value: float, bar: float, unit: str, *, is_least: bool = False) -> str:
    """Whether ``value`` keeps ``bar``, its upper (or, with ``is_least``, lower) bound, as text."""
    is_kept = value >= bar if is_least else value <= bar
    return f"the bar of {bar:g} {unit}: {'kept' if is_kept else 'MISSED'}"


def percentile(values: Sequence[float], percent: float) -> float:
    """The value below which ``percent`` of ``values`` lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def spread(values: Sequence[float], form: str = "{:,.0f}") -> str:
    """Median, minimum and maximum as text."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{form.format(middle)} ({form.format(low)} to {form.format(high)})"
