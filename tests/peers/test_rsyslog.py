"""Real rsyslog reads a file and forwards it with omfwd, in its formats and both framings."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fixtures.running import PplProcess, eventually
from tests.fixtures.watching import Viewer
from tests.peers.rsyslogd import LINES, rsyslog

pytestmark = pytest.mark.peer


def omfwd(port: int, framing: str, template: str) -> str:
    return f'type="omfwd" target="127.0.0.1" port="{port}" protocol="tcp" TCP_Framing="{framing}" template="{template}"'


@pytest.mark.parametrize("framing", ["traditional", "octet-counted"])
@pytest.mark.parametrize(
    "template", ["RSYSLOG_SyslogProtocol23Format", "RSYSLOG_ForwardFormat", "RSYSLOG_TraditionalForwardFormat"]
)
def test_every_line_of_a_followed_file_arrives_whole(
    module_ppl: PplProcess, short_directory: Path, framing: str, template: str
) -> None:
    who = module_ppl.register()
    # The older formats put a blank before the text only where it has none, so one leading blank cannot be told.
    lines = [line if template.endswith("23Format") else line.lstrip() for line in LINES]
    with (
        Viewer(module_ppl.url, who) as viewer,
        rsyslog(short_directory, omfwd(who.port, framing, template)) as sender,
    ):
        viewer.identify(batch=True)
        sender.write(lines)
        seen = viewer.live(len(lines))
    assert [event["message"] for event in seen] == lines
    assert {(event["severity"], event["facility"], event["file_name"]) for event in seen} == {
        ("warning", "local3", "nginx-access")
    }
    assert module_ppl.messages(who.port) == lines


def test_lines_wait_in_rsyslog_while_ppl_is_down(ppl_process: PplProcess, short_directory: Path) -> None:
    who = ppl_process.register()
    action = omfwd(who.port, "octet-counted", "RSYSLOG_SyslogProtocol23Format")
    with rsyslog(short_directory, action) as sender:
        sender.write(["before"])
        eventually(lambda: ppl_process.messages(who.port) == ["before"], "the first line")
        ppl_process.stop()
        # The first line after a close may be lost in rsyslog's socket buffer: plain TCP knows no better.
        sender.write(["probe"])
        sender.write(f"after {number}" for number in range(100))
        ppl_process.start()
        eventually(lambda: "after 99" in ppl_process.messages(who.port), "the lines written meanwhile", 60)
    stored = ppl_process.messages(who.port)
    assert [line for line in stored if line.startswith("after")] == [f"after {number}" for number in range(100)]
