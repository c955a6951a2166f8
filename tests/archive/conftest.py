"""An archiver does not look for five seconds whether ingest is busy, in tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from ppl.archive import archiver
from ppl.archive.directory import DirectoryPlace


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archiver, "_LOOK_SECONDS", 0.001)


@pytest.fixture
def place(tmp_path: Path) -> DirectoryPlace:
    return DirectoryPlace(tmp_path / "archive")
