"""The page's snippets, taken from the page and run by the real programs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import OpenPage
from tests.browser.looking import until_shown
from tests.fixtures.programs import missing, program
from tests.fixtures.running import PplProcess, eventually
from tests.peers.rsyslogd import needs

pytestmark = [pytest.mark.browser, pytest.mark.peer]


def choose(page: Page, name: str, way: str) -> str:
    """All that the page shows for a sender over what is chosen."""
    page.get_by_role("tab", name=name, exact=True).click()
    page.locator("#way").select_option(way)
    return page.locator("#snippet pre").inner_text()


def snippet(page: Page, name: str, way: str, directory: Path) -> str:
    """The configuration for a sender, without the comments and the commands to type; what it trusts is fetched."""
    lines = choose(page, name, way).splitlines()
    trusted = directory / "ppl.pem"
    for line in lines:
        if line.startswith("$ openssl "):
            command = line.removeprefix("$ ").replace("sudo tee /etc/ssl/ppl.pem", f"tee {trusted}")
            subprocess.run(["bash", "-c", command], check=True, timeout=20, capture_output=True)
            assert trusted.read_text().startswith("-----BEGIN CERTIFICATE-----")
    configuration = "\n".join(line for line in lines if not line.startswith(("#", "$")))
    return configuration.replace("/etc/ssl/ppl.pem", str(trusted))


def run_and_write(command: list[str], directory: Path, file: Path, seen: Callable[[], None]) -> None:
    """Run a sender that follows ``file``, write a line to it, and wait until it is ``seen``."""
    with (directory / "out").open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)
    try:
        with file.open("a") as log:
            log.write("hello from the snippet\n")
        seen()
    finally:
        process.terminate()
        process.wait(20)


@pytest.mark.parametrize("way", ["TCP", "TLS", "RELP", "RELP over TLS"])
def test_the_rsyslog_snippets_work(
    ppl_process: PplProcess, open_page: OpenPage, short_directory: Path, way: str
) -> None:
    for module in {"TLS": ["lmnsd_gtls"], "TCP": []}.get(way, ["omrelp"]):
        needs(module)
    who = ppl_process.register()
    page = open_page(ppl_process, who)
    file = short_directory / "in.log"
    file.touch()
    configuration = short_directory / "rsyslog.conf"
    configuration.write_text(
        f'global(workDirectory="{short_directory}")\nmodule(load="imfile" mode="inotify")\n'
        f'input(type="imfile" File="{file}" Tag="app:")\n{snippet(page, "rsyslog", way, short_directory)}\n'
    )
    command = [program("rsyslogd"), "-n", "-f", str(configuration), "-i", str(short_directory / "pid")]
    run_and_write(command, short_directory, file, lambda: until_shown(page, "hello from the snippet"))


@pytest.mark.parametrize("way", ["TCP", "TLS", "RELP", "RELP over TLS"])
def test_rsyslogd_understands_the_journald_snippets(
    ppl_process: PplProcess, open_page: OpenPage, short_directory: Path, way: str
) -> None:
    for module in {"TLS": ["imjournal", "lmnsd_gtls"], "TCP": ["imjournal"]}.get(way, ["imjournal", "omrelp"]):
        needs(module)
    who = ppl_process.register()
    page = open_page(ppl_process, who)
    configuration = short_directory / "rsyslog.conf"
    configuration.write_text(snippet(page, "systemd-journald", way, short_directory) + "\n")
    command = [program("rsyslogd"), "-N1", "-f", str(configuration)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr
    assert "error" not in done.stderr.lower(), done.stderr


@pytest.mark.parametrize("way", ["TCP", "TLS"])
def test_the_syslog_ng_snippets_work(
    ppl_process: PplProcess, open_page: OpenPage, short_directory: Path, way: str
) -> None:
    root = os.environ.get("PPL_TEST_SYSLOG_NG")
    if root is None:
        missing("syslog-ng")
    who = ppl_process.register()
    page = open_page(ppl_process, who)
    libraries = Path(str(root)) / "usr/lib/syslog-ng"
    (modules,) = {path.parent for path in libraries.rglob("libafsocket.so")}
    file = short_directory / "in.log"
    file.touch()
    configuration = short_directory / "syslog-ng.conf"
    configuration.write_text(
        f"@version: {modules.name}\n"
        f'source s_src {{ file("{file}" follow-freq(0.1) flags(no-parse)); }};\n'
        f"{snippet(page, 'syslog-ng', way, short_directory)}\n"
    )
    command = [
        "env", f"LD_LIBRARY_PATH={libraries}", f"{root}/usr/sbin/syslog-ng", "-F", "--no-caps",
        f"--module-path={modules}", "-f", str(configuration), "-R", str(short_directory / "persist"),
        "-p", str(short_directory / "pid"), "-c", str(short_directory / "control"),
    ]  # fmt: skip
    run_and_write(command, short_directory, file, lambda: until_shown(page, "hello from the snippet"))


@pytest.mark.parametrize("way", ["TCP", "TLS"])
def test_the_netcat_snippets_work(ppl_process: PplProcess, open_page: OpenPage, way: str) -> None:
    program({"TCP": "nc", "TLS": "openssl"}[way])
    who = ppl_process.register()
    page = open_page(ppl_process, who)
    command = choose(page, "netcat", way).splitlines()[0].removeprefix("$ ")
    subprocess.run(["bash", "-c", command], check=True, timeout=20, capture_output=True)
    (message,) = eventually(lambda: ppl_process.messages(who.port), "the line")
    assert message.startswith("hello from ")


def test_the_python_snippet_works(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who = ppl_process.register()
    page = open_page(ppl_process, who)
    page.get_by_role("tab", name="Python", exact=True).click()
    subprocess.run([sys.executable, "-c", page.locator("#snippet pre").inner_text()], check=True, timeout=20)
    eventually(lambda: ppl_process.messages(who.port) == ["hello from Python"], "the line")


@pytest.mark.parametrize(
    ("transport", "senders", "ways"),
    [
        (
            "either",
            ["remote_syslog2", "rsyslog", "syslog-ng", "Docker", "systemd-journald", "Python", "netcat"],
            ["TCP", "TLS", "RELP"],
        ),
        (
            "tls",
            ["remote_syslog2", "rsyslog", "syslog-ng", "Docker", "systemd-journald", "netcat"],
            ["TLS", "RELP over TLS"],
        ),
        (
            "plain",
            ["remote_syslog2", "rsyslog", "syslog-ng", "Docker", "systemd-journald", "Python", "netcat"],
            ["TCP", "RELP"],
        ),
    ],
)
def test_what_the_destination_does_not_take_is_not_offered(
    ppl_process: PplProcess, open_page: OpenPage, transport: str, senders: list[str], ways: list[str]
) -> None:
    who = ppl_process.register()
    if transport != "either":
        ppl_process.set_transport(who, transport)
    page = open_page(ppl_process, who)
    page.get_by_role("tab", name="rsyslog", exact=True).click()
    assert page.get_by_role("tab").all_inner_texts() == senders
    offered = page.locator("#way").locator("option").all_inner_texts()
    assert offered[: len(ways)] == ways
    # It stays chosen from one sender to the next that can.
    choose(page, "rsyslog", ways[-1])
    choose(page, "rsyslog", ways[0] if transport != "either" else "TLS")
    page.get_by_role("tab", name="Docker", exact=True).click()
    expected = "tcp://" if transport == "plain" else "tcp+tls://"
    assert f"syslog-address={expected}{who.host}:{who.port}" in page.locator("#snippet pre").inner_text()
