"""Real rsyslog reads a file and forwards it with omfwd, in its formats and both framings."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fixtures.running import PplProcess, eventually
from tests.fixtures.watching import Viewer
from tests.peers.programs import program

pytestmark = pytest.mark.peer

CONFIGURATION = """
global(workDirectory="{directory}" maxMessageSize="128k")
module(load="imfile" mode="inotify")
input(type="imfile" File="{file}" Tag="nginx-access:" Severity="warning" Facility="local3")
local3.* action(type="omfwd" target="127.0.0.1" port="{port}" protocol="tcp" TCP_Framing="{framing}"
                template="{template}" queue.type="linkedList" action.resumeRetryCount="-1" action.resumeInterval="1")
"""

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


@contextmanager
def rsyslog(ppl: PplProcess, directory: Path, port: int, framing: str, template: str) -> Iterator[Path]:
    """rsyslogd running; gives the file it follows."""
    file = directory / "access.log"
    file.touch()
    configuration = directory / "rsyslog.conf"
    configuration.write_text(
        CONFIGURATION.format(directory=directory, file=file, port=port, framing=framing, template=template)
    )
    with (directory / "rsyslog.out").open("wb") as out:
        process = subprocess.Popen(
            [program("rsyslogd"), "-n", "-f", str(configuration), "-i", str(directory / "rsyslog.pid")],
            stdout=out,
            stderr=out,
        )
    try:
        yield file
    finally:
        process.terminate()
        process.wait(20)


@pytest.mark.parametrize("framing", ["traditional", "octet-counted"])
@pytest.mark.parametrize(
    "template", ["RSYSLOG_SyslogProtocol23Format", "RSYSLOG_ForwardFormat", "RSYSLOG_TraditionalForwardFormat"]
)
def test_every_line_of_a_followed_file_arrives_whole(
    ppl_process: PplProcess, short_directory: Path, framing: str, template: str
) -> None:
    who = ppl_process.register()
    # The older formats put a blank before the text only where it has none, so one leading blank cannot be told.
    lines = [line if template.endswith("23Format") else line.lstrip() for line in LINES]
    with (
        Viewer(ppl_process.url, who) as viewer,
        rsyslog(ppl_process, short_directory, who.port, framing, template) as file,
    ):
        viewer.identify(batch=True)
        with file.open("a", encoding="utf-8") as log:
            log.write("".join(f"{line}\n" for line in lines))
        seen = viewer.live(len(lines))
    assert [event["message"] for event in seen] == lines
    assert {(event["severity"], event["facility"], event["file_name"]) for event in seen} == {
        ("warning", "local3", "nginx-access")
    }
    assert ppl_process.messages(who.port) == lines


def test_lines_wait_in_rsyslog_while_ppl_is_down(ppl_process: PplProcess, short_directory: Path) -> None:
    who = ppl_process.register()
    with rsyslog(ppl_process, short_directory, who.port, "octet-counted", "RSYSLOG_SyslogProtocol23Format") as file:
        with file.open("a") as log:
            log.write("before\n")
        eventually(lambda: ppl_process.messages(who.port) == ["before"], "the first line")
        ppl_process.stop()
        with file.open("a") as log:
            # The first line after a close may be lost in rsyslog's socket buffer: plain TCP knows no better.
            log.write("probe\n")
            log.flush()
            log.write("".join(f"after {number}\n" for number in range(100)))
        ppl_process.start()
        eventually(lambda: "after 99" in ppl_process.messages(who.port), "the lines written meanwhile", 60)
    stored = ppl_process.messages(who.port)
    assert [line for line in stored if line.startswith("after")] == [f"after {number}" for number in range(100)]
