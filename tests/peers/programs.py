"""The real senders: where they are, and what it means when one is missing."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest


def program(name: str) -> str:
    """The path of an installed program; without it the test is skipped, under CI it fails."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if path is None:
        missing(name)
    return str(path)


def missing(name: str) -> None:
    """Skip, or fail where everything must be installed."""
    if os.environ.get("CI"):
        pytest.fail(f"{name} is not installed, and under CI every sender must be")
    pytest.skip(f"{name} is not installed")


def loggen() -> tuple[str, dict[str, str]]:
    """syslog-ng's ``loggen`` and the environment it runs in.

    ``PPL_TEST_SYSLOG_NG`` names a directory into which Debian's ``syslog-ng-core`` was unpacked (it conflicts with
    rsyslog as an installed package); else an installed one is taken.
    """
    root = os.environ.get("PPL_TEST_SYSLOG_NG")
    if root is None:
        return program("loggen"), dict(os.environ)
    path = Path(root) / "usr/bin/loggen"
    if not path.exists():
        missing("loggen")
    libraries = Path(root) / "usr/lib/syslog-ng"
    return str(path), {**os.environ, "SYSLOGNG_PREFIX": str(Path(root) / "usr"), "LD_LIBRARY_PATH": str(libraries)}
