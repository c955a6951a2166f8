"""The page's snippets for senders that show a certificate, run by the real programs."""

from __future__ import annotations

import html
import re
import subprocess
from pathlib import Path

import pytest

from tests.fixtures.programs import in_background, program, syslog_ng
from tests.fixtures.restricting import change
from tests.fixtures.running import PplProcess, Registered, eventually
from tests.peers.rsyslogd import needs

pytestmark = [pytest.mark.peer, pytest.mark.long, pytest.mark.beside]


def asking(ppl: PplProcess, directory: Path) -> tuple[Registered, dict[str, str]]:
    """A destination that knows a certificate made as the page says, and its snippets with the files made so."""
    who = ppl.register()
    page = ppl.page(who, "/settings")
    found = re.findall(r"<figcaption>([\w-]+[^:<]*): ([^<]*)</figcaption>\s*<pre><code>(.*?)</code>", page, re.DOTALL)
    made = {f"{sender}: {label}": html.unescape(text) for sender, label, text in found}
    (command,) = (text for label, text in made.items() if "Make a certificate" in label)
    subprocess.run(["bash", "-c", command], cwd=directory, check=True, timeout=30, capture_output=True)
    change(ppl, who, "certificates", certificates=(directory / "sender.pem").read_text())
    files = {"/etc/ssl/sender": str(directory / "sender"), "/etc/ssl/ppl.pem": str(ppl.certificate)}
    filled = {}
    for label, text in made.items():
        for file, own in files.items():
            text = text.replace(file, own)
        if str(directory) in text:
            filled[label.partition(":")[0]] = text
    return who, filled


def test_openssl(ppl_process: PplProcess, short_directory: Path) -> None:
    who, snippets = asking(ppl_process, short_directory)
    assert set(snippets) == {"openssl", "rsyslog over TLS", "rsyslog, RELP over TLS", "syslog-ng", "Docker"}
    without = re.sub(r"-cert \S+ -key \S+", "", snippets["openssl"])
    subprocess.run(["bash", "-c", without], timeout=30, capture_output=True)
    subprocess.run(["bash", "-c", snippets["openssl"]], check=True, timeout=30, capture_output=True)
    eventually(lambda: ppl_process.count(who.port) == 1, "the one line")
    eventually(lambda: "peer did not return a certificate" in ppl_process.text(), "why the other was refused")
    subprocess.run(["bash", "-n", "-c", snippets["Docker"]], check=True, timeout=20)


@pytest.mark.parametrize("way", ["rsyslog over TLS", "rsyslog, RELP over TLS"])
def test_rsyslog(ppl_process: PplProcess, short_directory: Path, way: str) -> None:
    needs("omrelp" if "RELP" in way else "lmnsd_gtls")
    who, snippets = asking(ppl_process, short_directory)
    without = re.sub(r'(DefaultNetstreamDriver(Cert|Key)File|tls\.my(Cert|PrivKey))="[^"]*"', "", snippets[way])
    for name, text in (("without", without), ("with", snippets[way])):
        assert (name == "with") == (text == snippets[way])
        file = short_directory / f"{name}.log"
        file.write_text(f"hello {name}\n")
        configuration = short_directory / f"{name}.conf"
        configuration.write_text(
            f'global(workDirectory="{short_directory}")\nmodule(load="imfile" mode="inotify")\n'
            f'input(type="imfile" File="{file}" Tag="myapp:")\n{text}\n'
        )
        command = [program("rsyslogd"), "-n", "-f", str(configuration), "-i", str(short_directory / "pid")]
        with in_background(command):
            if name == "without":
                eventually(lambda: "client certificate that it knows" in ppl_process.text(), "the refusal", 30)
            else:
                eventually(lambda: "hello with" in ppl_process.messages(who.port), "the line", 30)
    assert ppl_process.messages(who.port) == ["hello with"]


def test_syslog_ng(ppl_process: PplProcess, short_directory: Path) -> None:
    who, snippets = asking(ppl_process, short_directory)
    file = short_directory / "in.log"
    file.touch()
    source = f'file("{file}" follow-freq(0.1) flags(no-parse))'
    with in_background(syslog_ng(short_directory, source, snippets["syslog-ng"])):
        with file.open("a") as log:
            log.write("hello from the snippet\n")
        eventually(lambda: ppl_process.messages(who.port) == ["hello from the snippet"], "the line", 30)
