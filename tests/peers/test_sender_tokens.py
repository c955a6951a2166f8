"""The page's snippets for senders with a token, run by the real programs."""

from __future__ import annotations

import html
import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.chaos.link import LinkProxy
from tests.fixtures.programs import in_background, program, syslog_ng
from tests.fixtures.restricting import change
from tests.fixtures.running import PplProcess, Registered, eventually
from tests.peers.rsyslogd import needs, rsyslog

pytestmark = [pytest.mark.peer, pytest.mark.long, pytest.mark.beside]


def with_a_token(ppl: PplProcess) -> tuple[Registered, str, dict[str, str]]:
    """A destination that asks for a token, the token, and what the page says to its senders."""
    who = ppl.register()
    page = change(ppl, who, "sender-tokens")
    shown = re.search(r'id="new-sender-token">(\w{26})<', page)
    assert shown
    found = re.findall(r"<figcaption>([\w-]+): [^<]*</figcaption>\s*<pre><code>(.*?)</code>", page, re.DOTALL)
    return who, shown[1], {sender: html.unescape(text) for sender, text in found if shown[1] in text}


class _Refusals(LinkProxy):
    """A relay before a port that counts the lines that are refused over RELP."""

    count = 0

    def forwarded(self, data: bytes) -> None:
        self.count += data.count(b" 500 not taken\n")


def test_shell_and_python(ppl_process: PplProcess) -> None:
    program("nc")
    who, token, snippets = with_a_token(ppl_process)
    assert set(snippets) == {"netcat", "logger", "rsyslog", "syslog-ng", "remote_syslog2", "Python"}
    ppl_process.send(who.port, b"forged\n")
    for sender in ("netcat", "logger"):
        subprocess.run(["bash", "-c", snippets[sender]], check=True, timeout=20, capture_output=True)
    subprocess.run([sys.executable, "-c", snippets["Python"]], check=True, timeout=20)
    eventually(lambda: ppl_process.count(who.port) == 3, "the three lines")
    rows = set(ppl_process.rows("SELECT message, file_name, structured_data FROM event"))
    assert ("hello from Python", "myapp", "") in rows
    assert any(each[:2] == ("hello", "myapp") and "timeQuality" in each[2] for each in rows)
    assert any(message.startswith("hello from ") and not name for message, name, _ in rows)
    assert token not in str(rows)


def test_rsyslog(ppl_process: PplProcess, short_directory: Path) -> None:
    needs("imfile")
    who, _, snippets = with_a_token(ppl_process)
    file = short_directory / "in.log"
    file.touch()
    configuration = short_directory / "rsyslog.conf"
    configuration.write_text(
        f'global(workDirectory="{short_directory}")\nmodule(load="imfile" mode="inotify")\n'
        f'input(type="imfile" File="{file}" Tag="myapp:")\n{snippets["rsyslog"]}\n'
    )
    command = [program("rsyslogd"), "-n", "-f", str(configuration), "-i", str(short_directory / "pid")]
    with in_background(command):
        with file.open("a") as log:
            log.write("hello from the snippet\n")
        eventually(lambda: "hello from the snippet" in ppl_process.messages(who.port), "the line", 30)
    assert ppl_process.rows("SELECT file_name, structured_data FROM event WHERE message ~ 'snippet'") == [("myapp", "")]


def test_syslog_ng(ppl_process: PplProcess, short_directory: Path) -> None:
    who, _, snippets = with_a_token(ppl_process)
    file = short_directory / "in.log"
    file.touch()
    source = f'file("{file}" follow-freq(0.1) flags(no-parse))'
    with in_background(syslog_ng(short_directory, source, snippets["syslog-ng"])):
        with file.open("a") as log:
            log.write("hello from the snippet\n")
        eventually(lambda: ppl_process.messages(who.port) == ["hello from the snippet"], "the line", 30)


def test_rsyslog_over_relp_goes_on_after_lines_that_are_refused(ppl_process: PplProcess, short_directory: Path) -> None:
    needs("omrelp")
    who, token, _ = with_a_token(ppl_process)
    above = """module(load="omrelp")
template(name="Some" type="string" string="<%PRI%>1 %TIMESTAMP:::date-rfc3339% h app - - - %msg%")
"""
    # librelp reads an answer when it sends the next line. At a refusal it connects anew, and it repeats lines whose
    # answers came behind the refusal: here none does, for the next line is written when both answers have been sent.
    relay = _Refusals(who.port)
    action = f'type="omrelp" target="127.0.0.1" port="{relay.port}" template="Some"'
    with closing(relay), rsyslog(short_directory, action, above) as sender:
        for number in range(1, 6):
            sender.write([f"{token} mine {number}", f"forged {number}"])
            eventually(lambda number=number: relay.count == number, "a refusal", 60)
    said = f"each once, in order\n{sender.said()}\n{ppl_process.text()[-6000:]}"
    assert ppl_process.messages(who.port) == [f"mine {number}" for number in range(1, 6)], said
    assert "peer sent error response" in sender.said()
