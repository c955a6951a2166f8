"""Ppl on its embedded PostgreSQL, in one process; :mod:`.tally` counts what the faults have cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from ppl.store.embedded.server import EmbeddedPostgres
from tests.faults.load import Way, http, relp
from tests.faults.tally import Measured
from tests.fixtures.running import Form, PplProcess


def embedded_ppl(directory: Path, form: Form = "one", settings: Mapping[str, str] | None = None) -> PplProcess:
    """Ppl on a PostgreSQL of its own under ``directory``, not yet started; ``settings`` are environment variables."""
    dsn = EmbeddedPostgres(None, directory / "data").dsn
    return PplProcess(dsn, directory, form, {**(settings or {}), "PPL_DATABASE": ""})


@pytest.fixture
def ppl(short_directory: Path) -> Iterator[PplProcess]:
    """Ppl on its embedded PostgreSQL, running."""
    running = embedded_ppl(short_directory)
    try:
        running.start()
        yield running
    finally:
        running.stop()


@pytest.fixture
def measured(record_property: Callable[[str, object], None]) -> Measured:
    """Adds a sentence with figures to the summary at the end of the run."""
    return lambda sentence: record_property("measured", sentence)


@pytest.fixture(params=[relp, http], ids=lambda way: way.__name__)
def way(request: pytest.FixtureRequest) -> Way:
    """Each way of sending that has acknowledgements."""
    found: Way = request.param
    return found
