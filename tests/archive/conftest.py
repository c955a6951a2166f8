"""The place of the archives in most tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from ppl.archive.directory import DirectoryPlace


@pytest.fixture
def place(tmp_path: Path) -> DirectoryPlace:
    return DirectoryPlace(tmp_path / "archive")
