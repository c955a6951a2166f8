"""The page's snippets, taken from the page and run by the real programs."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import OpenPage
from tests.browser.looking import until_shown
from tests.fixtures.programs import end, program, syslog_ng
from tests.fixtures.running import PplProcess, eventually
from tests.peers.rsyslogd import needs

CLIPBOARD = ["clipboard-read", "clipboard-write"]

pytestmark = [pytest.mark.browser, pytest.mark.peer, pytest.mark.long, pytest.mark.beside]


def choose(page: Page, name: str, way: str) -> dict[str, str]:
    """The texts that the Copy buttons of a sender put into the clipboard, by the labels beside the buttons."""
    page.get_by_role("tab", name=name, exact=True).click()
    if page.locator("#way").is_visible():
        page.locator("#way").select_option(way)
    assert page.locator("#way").input_value() == way
    copied = {}
    for block in page.locator("#snippet figure").all():
        page.evaluate("() => navigator.clipboard.writeText('')")
        block.get_by_role("button", name="Copy").click()
        text = eventually(lambda: page.evaluate("() => navigator.clipboard.readText()"), "the copy")
        copied[block.locator("figcaption").inner_text()] = text
    assert copied
    return copied


def stored(ppl: PplProcess, port: int, count: int) -> bool:
    """Whether exactly ``count`` lines are stored."""
    return len(ppl.messages(port)) == count


def is_file(label: str) -> bool:
    """Whether a block is the content of a file, rather than a command."""
    return label.startswith("/")


def snippet(page: Page, name: str, way: str, directory: Path) -> str:
    """The configuration for a sender, after fetching the certificate that it trusts, as the page says."""
    blocks = choose(page, name, way)
    trusted = directory / "ppl.pem"
    for text in blocks.values():
        if text.startswith("openssl "):
            command = text.replace("sudo tee /etc/ssl/ppl.pem", f"tee {trusted}")
            subprocess.run(["bash", "-c", command], check=True, timeout=20, capture_output=True)
            assert trusted.read_text().startswith("-----BEGIN CERTIFICATE-----")
    (configuration,) = (text for label, text in blocks.items() if is_file(label))
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
    page = open_page(ppl_process, who, permissions=CLIPBOARD)
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
    page = open_page(ppl_process, who, permissions=CLIPBOARD)
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
    who = ppl_process.register()
    page = open_page(ppl_process, who, permissions=CLIPBOARD)
    file = short_directory / "in.log"
    file.touch()
    source = f'file("{file}" follow-freq(0.1) flags(no-parse))'
    command = syslog_ng(short_directory, source, snippet(page, "syslog-ng", way, short_directory))
    run_and_write(command, short_directory, file, lambda: until_shown(page, "hello from the snippet"))


@pytest.mark.parametrize("transport", ["either", "tls"])
def test_every_command_is_one_that_a_shell_takes(ppl_process: PplProcess, open_page: OpenPage, transport: str) -> None:
    who = ppl_process.register()
    if transport != "either":
        ppl_process.set_transport(who, transport)
    page = open_page(ppl_process, who, permissions=CLIPBOARD)
    for sender in page.get_by_role("tab").all_inner_texts():
        page.get_by_role("tab", name=sender, exact=True).click()
        for way in page.locator("#way option").all_inner_texts():
            for label, text in choose(page, sender, way).items():
                assert not text.startswith(("$", "#")), (sender, way, label)
                assert text == text.strip()
                assert "{" not in text.replace("{{.Name}}", "").replace("{ ", "").replace("${", "") or is_file(label)
                if not is_file(label) and sender != "Python":
                    subprocess.run(["bash", "-n", "-c", text], check=True, timeout=20)


@pytest.mark.parametrize("way", ["TCP", "TLS"])
def test_the_netcat_snippets_work(ppl_process: PplProcess, open_page: OpenPage, way: str) -> None:
    program({"TCP": "nc", "TLS": "openssl"}[way])
    who = ppl_process.register()
    page = open_page(ppl_process, who, permissions=CLIPBOARD)
    commands = list(choose(page, "netcat", way).values())
    for command in commands:
        subprocess.run(["bash", "-c", command], check=True, timeout=20, capture_output=True)
    eventually(lambda: len(ppl_process.messages(who.port)) == len(commands), "the lines")
    assert all(each.startswith("hello") for each in ppl_process.messages(who.port))
    assert len(commands) == {"TCP": 2, "TLS": 1}[way]


@pytest.mark.parametrize("way", ["TCP", "UDP"])
def test_the_python_snippets_keep_records_apart_and_their_severities(
    ppl_process: PplProcess, open_page: OpenPage, way: str
) -> None:
    who = ppl_process.register()
    page = open_page(ppl_process, who, permissions=CLIPBOARD)
    (code,) = choose(page, "Python", way).values()
    more = (
        "\ntry:\n    1 / 0\nexcept ZeroDivisionError:\n    logging.exception('it failed')"
        "\nlogging.warning('after it')\nlogging.error('and once more')\n"
    )
    subprocess.run([sys.executable, "-c", code + more], check=True, timeout=20)
    eventually(lambda: "and once more" in ppl_process.messages(who.port), "the lines")
    stored = ppl_process.rows(
        "SELECT message, file_name, severity FROM event JOIN destination d ON d.id = destination_id"
        " WHERE port = %s ORDER BY event.id",
        who.port,
    )
    (failed,) = (each for each in stored if each[0].startswith("it failed"))
    assert failed[1:] == ("myapp", 3)
    assert failed[0].endswith("ZeroDivisionError: division by zero")
    assert stored == [
        ("hello from Python", "myapp", 4),
        failed,
        ("after it", "myapp", 4),
        ("and once more", "myapp", 3),
    ]


@pytest.mark.parametrize("way", ["TCP", "TLS", "RELP", "RELP over TLS"])
def test_the_rsyslog_snippets_change_nothing_of_a_message(
    ppl_process: PplProcess, open_page: OpenPage, short_directory: Path, way: str
) -> None:
    for module in {"TLS": ["lmnsd_gtls"], "TCP": []}.get(way, ["omrelp"]):
        needs(module)
    who = ppl_process.register()
    page = open_page(ppl_process, who, permissions=CLIPBOARD)
    configuration = snippet(page, "rsyslog", way, short_directory)
    for count, escapes in ((4, "on"), (8, "off")):
        file = short_directory / f"{escapes}.conf"
        file.write_text(
            f'global(workDirectory="{short_directory}" parser.escapeControlCharactersOnReceive="{escapes}")\n'
            'module(load="imuxsock" SysSock.Use="off")\n'
            f'input(type="imuxsock" Socket="{short_directory}/{escapes}")\n'
            f"{configuration}\n"
        )
        command = [program("rsyslogd"), "-n", "-f", str(file), "-i", str(short_directory / f"{escapes}.pid")]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            eventually((short_directory / escapes).exists, "rsyslog's socket")
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
                log.connect(str(short_directory / escapes))
                for text in (
                    f"postfix/smtpd[123]: hello {escapes}",
                    f"kernel: two\nlines {escapes}",
                    f"a-very-long-tag-of-more-than-thirty-two-characters[7]: long {escapes}",
                    f"app:  an indented line {escapes}",
                ):
                    log.send(f"<22>Nov 30 01:02:03 {text}".encode())
            eventually(partial(stored, ppl_process, who.port, count), "the lines")
        finally:
            end(process)
    rows = ppl_process.rows(
        "SELECT message, file_name, procid, severity, structured_data FROM event"
        " JOIN destination d ON d.id = destination_id WHERE port = %s ORDER BY event.id",
        who.port,
    )
    assert rows == [
        found
        for escapes, newline in (("on", "#012"), ("off", "\n"))
        for found in (
            (f"hello {escapes}", "postfix/smtpd", "123", 6, ""),
            (f"two{newline}lines {escapes}", "kernel", "", 6, ""),
            (f"long {escapes}", "a-very-long-tag-of-more-than-thirty-two-characters", "7", 6, ""),
            (f" an indented line {escapes}", "app", "", 6, ""),
        )
    ]


@pytest.mark.parametrize(
    ("transport", "senders", "ways"),
    [
        (
            "either",
            ["netcat", "remote_syslog2", "rsyslog", "syslog-ng", "Docker", "systemd-journald", "Python"],
            ["TCP", "TLS", "RELP"],
        ),
        (
            "tls",
            ["netcat", "remote_syslog2", "rsyslog", "syslog-ng", "Docker", "systemd-journald"],
            ["TLS", "RELP over TLS"],
        ),
        (
            "plain",
            ["netcat", "remote_syslog2", "rsyslog", "syslog-ng", "Docker", "systemd-journald", "Python"],
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
    page = open_page(ppl_process, who, permissions=CLIPBOARD)
    page.get_by_role("tab", name="rsyslog", exact=True).click()
    assert page.get_by_role("tab").all_inner_texts() == senders
    offered = page.locator("#way").locator("option").all_inner_texts()
    assert offered[: len(ways)] == ways
    # The chosen way is kept for the next sender, if that supports it.
    choose(page, "rsyslog", ways[-1])
    choose(page, "rsyslog", ways[0] if transport != "either" else "TLS")
    page.get_by_role("tab", name="Docker", exact=True).click()
    expected = "tcp://" if transport == "plain" else "tcp+tls://"
    assert f"syslog-address={expected}{who.host}:{who.port}" in page.locator("#snippet pre").last.inner_text()
