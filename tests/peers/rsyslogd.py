"""A real rsyslogd that follows a file and forwards its lines."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs

from tests.fixtures.programs import end, missing, program

# A queue that is full for two seconds loses lines (queue.timeoutEnqueue): this one never is.
_CONFIGURATION = """
global(workDirectory="{directory}" maxMessageSize="128k")
module(load="imfile" mode="inotify")
{above}
input(type="imfile" File="{file}" Tag="nginx-access:" Severity="warning" Facility="local3")
local3.* action({action} queue.type="linkedList" queue.size="100000"
                action.resumeRetryCount="-1" action.resumeInterval="1")
"""

_MODULES = tuple(Path("/usr/lib").glob("*/rsyslog"))

#: Lines that a careless sender or receiver would change.
LINES = [
    'GET /index.html?q=a%20b HTTP/1.1" 200 "Mozilla/5.0 (X11; Linux x86_64)"',
    "  leading and trailing blanks  ",
    "<13>1 a line that looks like syslog",
    "Ünïcödé ✓ 日本語 🎉",
    'json {"a": [1, "b\\\\n", "\\"quoted\\""], "c": {}}',
    "tab\tand {braces} 'quotes' \\backslash",
    "x" * 9000,
    *[f"line {number}" for number in range(500)],
]


@attrs.frozen
class Rsyslog:
    """One that runs.

    Attributes:
        file: what it follows.
        out: what it says goes here.
    """

    file: Path
    out: Path

    def write(self, lines: Iterable[str]) -> None:
        """Append to the followed file."""
        with self.file.open("a", encoding="utf-8") as log:
            log.write("".join(f"{line}\n" for line in lines))

    def said(self) -> str:
        """What it said so far."""
        return self.out.read_text("utf-8", "replace")


def needs(module: str) -> None:
    """Skip, or fail under CI, where rsyslog's ``module`` is not installed; a driver's name begins with ``lmnsd_``."""
    program("rsyslogd")
    if not any((directory / f"{module}.so").exists() for directory in _MODULES):
        missing(f"rsyslog's {module}")


@contextmanager
def rsyslog(directory: Path, action: str, above: str = "") -> Iterator[Rsyslog]:
    """rsyslogd with an ``action`` (its parameters) for the lines of a file, and more configuration ``above``."""
    running = Rsyslog(directory / "access.log", directory / "rsyslog.out")
    running.file.touch()
    configuration = directory / "rsyslog.conf"
    configuration.write_text(_CONFIGURATION.format(directory=directory, file=running.file, action=action, above=above))
    with running.out.open("wb") as out:
        process = subprocess.Popen(
            [program("rsyslogd"), "-n", "-f", str(configuration), "-i", str(directory / "rsyslog.pid")],
            stdout=out,
            stderr=out,
        )
    try:
        yield running
    finally:
        # With lines that it cannot deliver it does not always end by itself.
        end(process)
