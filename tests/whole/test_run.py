"""Ppl as ``make run`` starts it: on its embedded PostgreSQL, stopped with Ctrl-C, started again."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ppl.store.embedded.server import EmbeddedPostgres
from ppl.version import version
from tests.fixtures.running import ROOT, TWISTD, PplProcess, eventually, free_ports, running
from tests.fixtures.watching import Viewer, messages


@pytest.fixture
def embedded_ppl(short_directory: Path) -> Iterator[PplProcess]:
    """Ppl with no database given, as a new user starts it; not yet started."""
    dsn = EmbeddedPostgres(None, short_directory / "data").dsn
    ppl = PplProcess(dsn, short_directory, "one", {"PPL_DATABASE": ""})
    yield ppl
    ppl.stop()


def processes_with(text: str) -> list[str]:
    """The command lines of all processes whose command line contains ``text``."""
    found = []
    for directory in Path("/proc").iterdir():
        if directory.name.isdigit() and int(directory.name) != os.getpid():
            try:
                command = (directory / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            except OSError:
                continue
            if text in command:
                found.append(command)
    return found


def test_the_first_start_says_what_to_open_what_to_send_and_where_data_lives(
    embedded_ppl: PplProcess, short_directory: Path
) -> None:
    embedded_ppl.start()
    eventually(lambda: "Data lives in" in embedded_ppl.text(), "the last of three lines")
    said = embedded_ppl.text()
    assert f"Open http://localhost:{embedded_ppl.http_port}/" in said
    assert f"nc -w 1 127.0.0.1 {embedded_ppl.ports[0]}" in said
    assert f"Data lives in {short_directory / 'data'}" in said


def test_ctrl_c_stops_everything_and_a_second_start_finds_the_old_data(
    embedded_ppl: PplProcess, short_directory: Path
) -> None:
    embedded_ppl.start()
    who = embedded_ppl.register()
    embedded_ppl.send(who.port, b"<13>1 - host app - - - kept over the restart\n")
    eventually(lambda: embedded_ppl.count(who.port) == 1, "one row")
    embedded_ppl.stop(number=signal.SIGINT)
    assert processes_with(str(short_directory)) == [], "PostgreSQL has stopped too"
    embedded_ppl.start()
    with Viewer(embedded_ppl.url, who) as viewer:
        assert messages(viewer.identify()) == ["kept over the restart"]
        embedded_ppl.send(who.port, b"<13>1 - host app - - - after it\n")
        (event,) = viewer.live(1)
        assert event["message"] == "after it"


def test_a_restart_after_kill_9_goes_on(embedded_ppl: PplProcess) -> None:
    embedded_ppl.start()
    who = embedded_ppl.register()
    embedded_ppl.kill()
    embedded_ppl.start()
    with Viewer(embedded_ppl.url, who) as viewer:
        viewer.identify()
        embedded_ppl.send(who.port, b"<13>1 - host app - - - after it\n")
        viewer.live(1)


def test_an_http_port_in_use_stops_the_start_with_one_sentence(ppl_process: PplProcess, short_directory: Path) -> None:
    second = subprocess.run(
        [TWISTD, "--nodaemon", "--pidfile=", "ppl", "--http", f"tcp:{ppl_process.http_port}:interface=127.0.0.1"],
        env={**ppl_process.environment, "PPL_HTTP": ""},
        cwd=short_directory,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert second.returncode == 1
    assert f"--http: tcp:{ppl_process.http_port}" in second.stdout
    assert "Traceback" not in second.stdout + second.stderr


@pytest.mark.parametrize(
    "failure",
    [
        "end_with_failure(reactor)",
        "reactor.callWhenRunning(end_with_failure, reactor)",
        "reactor.callWhenRunning(reactor.stop); reactor.callWhenRunning(end_with_failure, reactor)",
        "reactor.addSystemEventTrigger('before', 'shutdown', end_with_failure, reactor);"
        " reactor.callWhenRunning(reactor.stop)",
    ],
)
def test_a_failed_start_ends_the_process_whether_it_runs_or_not_or_is_being_stopped(failure: str) -> None:
    ended = subprocess.run(
        [
            sys.executable, "-c",
            f"from twisted.internet import reactor; from ppl.service import end_with_failure; {failure}; reactor.run()",
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (1, "")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--ports", "9-1"], "--ports: '9-1' is wrong, it must be a range such as 20000-29999, from 1 to 65535."),
        (["--nonsense", "3"], "option --nonsense not recognized"),
        (["something"], "'something' is not an option; see twistd ppl --help."),
        (["--role", "server", "--data-dir", "/dev/null/x"], "--link-secret: /dev/null/x/link-secret cannot be used"),
    ],
)
def test_a_wrong_option_is_one_sentence_and_nothing_else(
    short_directory: Path, arguments: list[str], sentence: str
) -> None:
    refused = subprocess.run(
        [TWISTD, "--nodaemon", "--pidfile=", "ppl", *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")])},
        cwd=short_directory, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    said = [line for line in (refused.stdout + refused.stderr).splitlines() if "UnixAppLogger" not in line]
    assert refused.returncode == 1
    assert len(said) == 1, said
    assert said[0].startswith(f"ppl: {sentence}")


@pytest.mark.parametrize("wrong", ["--http", "--data-dir"])
def test_a_daemon_that_cannot_start_tells_its_starter(
    ppl_process: PplProcess, short_directory: Path, wrong: str
) -> None:
    (short_directory / "file").write_text("")
    value = {"--http": f"tcp:{ppl_process.http_port}:interface=127.0.0.1", "--data-dir": str(short_directory / "file")}
    free = {"PPL_DATABASE": "", "PPL_HTTP": f"tcp:{free_ports(1)[0]}:interface=127.0.0.1"}
    started = subprocess.run(
        [TWISTD, f"--pidfile={short_directory}/pid", f"--logfile={short_directory}/log", "ppl", wrong, value[wrong]],
        env={**ppl_process.environment, **free},
        cwd=short_directory, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert started.returncode == 1
    assert started.stderr.startswith(f"ppl: {wrong}: ")
    assert "Traceback" not in started.stderr
    assert not (short_directory / "pid").exists()


def test_the_log_has_the_version_and_unknown_variables_and_no_monitoring(dsn: str, short_directory: Path) -> None:
    ppl = PplProcess(dsn, short_directory, environment={"PPL_RETENTION_DAY": "3"})
    for _ in running(ppl):
        for path in ("/healthz", "/login", "/static/x/app.css"):
            with suppress(urllib.error.HTTPError):
                urllib.request.urlopen(ppl.url + path, timeout=20).read()
        eventually(lambda: "/login" in ppl.text(), "a line of the access log")
        assert f"This is Ppl {version()}, role all" in ppl.text()
        said = "PPL_RETENTION_DAY is not an option of Ppl and is ignored; did you mean PPL_RETENTION_DAYS?"
        assert said in ppl.text()
        assert "/healthz" not in ppl.text()
        assert "/static" not in ppl.text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_further_signals_while_it_stops_change_nothing(ppl_process: PplProcess, number: int) -> None:
    pid = ppl_process.pid
    for _ in range(3):
        os.kill(pid, number)
    ppl_process.stop()
    text = ppl_process.text()
    assert "Traceback" not in text
    assert "ReactorNotRunning" not in text
    assert "Server Shut Down." in text


def test_beyond_this_machine_the_log_shows_the_link_of_the_first_registration(dsn: str, short_directory: Path) -> None:
    environment = {"PPL_REGISTRATION": "first", "PPL_PUBLIC_URL": "http://logs.example.com"}
    ppl = PplProcess(dsn, short_directory, environment=environment)
    try:
        ppl.start()
        link = re.search(r"Ppl is ready\. Open http://logs\.example\.com/(register\?setup=[\w-]{43})\n", ppl.text())
        assert link, ppl.text()
        with urllib.request.urlopen(f"{ppl.url}/{link[1]}", timeout=10) as page:
            assert b'name="setup"' in page.read()
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(f"{ppl.url}/register", timeout=10)
    finally:
        ppl.stop()
