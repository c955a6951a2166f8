"""twistd's log file is bounded, and there is none if twistd logs elsewhere."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from twisted.logger import Logger

from ppl.services.log_file import bounded_observer, log_path
from tests.fixtures.running import TWISTD, PplProcess, free_ports


def test_a_log_without_end_fills_a_bounded_number_of_files(tmp_path: Path) -> None:
    log = Logger(observer=bounded_observer(tmp_path / "ppl.log", file_bytes=1000, full_files=3))
    for number in range(500):
        log.info("line {number}", number=number)
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["ppl.log", "ppl.log.1", "ppl.log.2", "ppl.log.3"]
    assert all(path.stat().st_size < 1200 for path in tmp_path.iterdir())
    assert "line 499" in (tmp_path / "ppl.log").read_text()


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"logfile": "/var/log/ppl.log", "nodaemon": 1}, Path("/var/log/ppl.log")),
        ({"logfile": None, "nodaemon": 0}, Path("twistd.log").absolute()),
        ({"logfile": None, "nodaemon": 1}, None),
        ({"logfile": "-", "nodaemon": 1}, None),
        ({"logfile": "ppl.log", "syslog": 1}, None),
        ({"logfile": "ppl.log", "logger": "a.logger"}, None),
        (None, None),
    ],
)
def test_where_twistd_logs(options: Any, path: Path | None) -> None:
    assert log_path(options) == path


def test_twistd_logs_to_it(ppl_process: PplProcess, short_directory: Path) -> None:
    log = short_directory / "own.log"
    # The port is taken, so that Ppl ends by itself.
    free = {"PPL_DATABASE": "", "PPL_DATA_DIR": str(short_directory / "own"), "PPL_PORTS": f"{free_ports(1)[0]}-29999"}
    ended = subprocess.run(
        [TWISTD, "--nodaemon", "--pidfile=", f"--logfile={log}", "ppl"],
        env={**ppl_process.environment, **free},
        cwd=short_directory, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert ended.returncode == 1
    assert "This is Ppl" in log.read_text()
    assert "--http: " in log.read_text()
