"""Every command and configuration of the documents is run, or its comment says why it is not."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import pytest
from psycopg2.extensions import parse_dsn

from ppl.search.query import parse
from tests.documents.blocks import Block, blocks
from tests.fixtures.database import as_administrator, execute
from tests.fixtures.programs import in_background, missing, program, syslog_ng
from tests.fixtures.running import (
    ROOT,
    PplProcess,
    Registered,
    eventually,
    free_ports,
)

pytestmark = pytest.mark.peer

BLOCKS = blocks()


@attrs.frozen
class Surroundings:
    """What a block is run in.

    Attributes:
        ppl: a running Ppl.
        who: an account on it.
        directory: a directory of the test's own.
        token: a drain token of ``who``.
    """

    ppl: PplProcess
    who: Registered
    directory: Path
    token: str

    def filled(self, text: str) -> str:
        """``text`` with the names in the documents replaced by those of this test."""
        ports = free_ports(2)
        for shown, here in (
            # The destination, its uploads and the certificate to trust.
            ("https://logs.example.com/logs/TOKEN", f"http://127.0.0.1:{self.ppl.drain_port}/logs/{self.token}"),
            ("logs.example.com", "127.0.0.1"),
            ("localhost 20000", f"127.0.0.1 {self.who.port}"),
            ("20000", str(self.who.port)),
            ("openssl x509 > /etc/ssl/ppl.pem", f"openssl x509 > {self.directory}/ppl.pem"),
            ("/etc/ssl/ppl.pem", str(self.ppl.certificate)),
            ("@app.log", f"@{self.directory}/app.log"),
            # A database; the link between two processes.
            ("postgresql://ppl@db.example.com/ppl", f"'{self.ppl.dsn}'"),
            ("10.0.0.1", "127.0.0.1"),
            ("8081", str(ports[0])),
            ("PPL_LINK_SECRET=…", "PPL_LINK_SECRET=0123456789abcdef"),
            ("PASSWORD '…'", "PASSWORD 'secret'"),
            ("PASSWORD='…'", "PASSWORD='secret'"),
            # Paths and addresses that a test may not use.
            ("--listen-interface 0.0.0.0", "--listen-interface 127.0.0.1"),
            ("--data-dir /var/lib/ppl", f"--data-dir {self.directory}/data"),
            ("/srv/ppl-archive", f"{self.directory}/archive"),
            ("/etc/systemd", f"{self.directory}/systemd"),
            ("/etc/ppl", f"{self.directory}/etc"),
            ("-o ppl ", ""),
            # The virtual environment exists already, and data goes where the test looks.
            ("make run", f"make --old-file=.venv/.run run DATA={self.directory}/data"),
            # The test's own database instead of the embedded one.
            ("-h /var/lib/ppl/run -U postgres -d ppl", f"-h {parse_dsn(self.ppl.dsn)['host']} -U postgres -d @"),
            ("-d @", "-d " + parse_dsn(self.ppl.dsn)["dbname"]),
            ("you@example.com", self.who.email),
            ("reader=grafana", f"reader=reader_{os.getpid()}"),
            ("$__timeFrom()", "'2026-01-01'"),
            ("$__timeTo()", "'2026-12-31'"),
            ("ROLE ppl ", f"ROLE docs_{os.getpid()} "),
            ("DATABASE ppl OWNER ppl", f"DATABASE docs_{os.getpid()} OWNER docs_{os.getpid()}"),
        ):
            text = text.replace(shown, here)
        return text

    @property
    def environment(self) -> dict[str, str]:
        """Environment of commands: the programs of this virtual environment are found."""
        return {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")]),
        }

    def stored(self) -> list[str]:
        """The messages that ``who`` received."""
        return self.ppl.messages(self.who.port)


@pytest.fixture
def here(module_ppl: PplProcess, short_directory: Path) -> Surroundings:
    """Surroundings with an account of the test's own."""
    who = module_ppl.register()
    return Surroundings(module_ppl, who, short_directory, module_ppl.create_drain(who))


def _shell(text: str, here: Surroundings) -> None:
    lineage = here.directory / "lineage"
    lineage.mkdir()
    for name in ("fullchain.pem", "privkey.pem"):
        (lineage / name).write_text("x")
    (here.directory / "app.log").write_text("a line of a file\n")
    (here.directory / "systemd/system").mkdir(parents=True)
    for command in re.findall(r"\b(nc|logger|openssl|curl)\b", text):
        program(command)
    done = subprocess.run(
        ["bash", "-euc", here.filled(text)],
        cwd=ROOT,
        env={**here.environment, "RENEWED_LINEAGE": str(lineage)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _line(text: str, here: Surroundings) -> None:
    _shell(text, here)
    commands = [each for each in text.splitlines() if each.strip()]
    eventually(lambda: len(here.stored()) == len(commands), f"a line of each of {commands}")


def _is_ready(process: subprocess.Popen[bytes], log: Path) -> bool:
    said = log.read_text("utf-8", "replace")
    assert process.poll() is None, said
    return "is ready" in said


def _service(text: str, here: Surroundings) -> None:
    """Run each command until it is ready, beside those before it; then end all of them."""
    ports = free_ports(20)
    environment = {
        **here.environment,
        "PPL_DATA_DIR": str(here.directory / "data"),
        "PPL_HTTP": f"tcp:{ports[0]}:interface=127.0.0.1",
        "PPL_PORTS": f"{ports[1]}-{ports[-1]}",
    }
    if "--archive" in text:
        environment["PPL_DATABASE"] = here.ppl.dsn
    *before, _ = setup = [each for each in here.filled(text).splitlines() if each.startswith("export ")] or [""]
    del before
    started: list[subprocess.Popen[bytes]] = []
    try:
        for number, command in enumerate(here.filled(text).splitlines()):
            if command in setup or not command.strip():
                continue
            log = here.directory / f"{number}.log"
            with log.open("wb") as out:
                started.append(
                    subprocess.Popen(
                        ["bash", "-c", "\n".join([*setup, command])],
                        cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                        start_new_session=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
                    )
                )  # fmt: skip
            eventually(partial(_is_ready, started[-1], log), f"{command} ready", 120)
    finally:
        for process in reversed(started):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
            process.wait(60)
        for log in sorted(here.directory.glob("*.log")):
            sys.stdout.write(log.read_text("utf-8", "replace"))
    if "--archive" in text:
        here.ppl.rows("DELETE FROM archiving")


def _send_to(path: Path) -> None:
    eventually(path.exists, "the sender's socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.connect(str(path))
        log.send(b"<11>Nov 30 01:02:03 app[7]: a line of the sender")


def _rsyslog_configuration(text: str, here: Surroundings) -> Path:
    for module in re.findall(r'load="(\w+)"', text) + (["lmnsd_gtls"] if "gtls" in text else []):
        if not any((each / f"{module}.so").exists() for each in Path("/usr/lib").glob("*/rsyslog")):
            missing(f"rsyslog's {module}")
    if 'template="Ppl"' in text and "template(name" not in text:
        (template,) = {
            line for block in BLOCKS for line in block.text.splitlines() if line.startswith('template(name="Ppl"')
        }
        text = f"{template}\n{text}"
    path = here.directory / "rsyslog.conf"
    path.write_text(
        f'global(workDirectory="{here.directory}")\nmodule(load="imuxsock" SysSock.Use="off")\n'
        f'input(type="imuxsock" Socket="{here.directory}/log")\n{here.filled(text)}\n'
    )
    checked = subprocess.run([program("rsyslogd"), "-N1", "-f", str(path)], capture_output=True, text=True, timeout=30)
    assert checked.returncode == 0, checked.stderr
    assert "error" not in checked.stderr, checked.stderr
    return path


def _rsyslog(text: str, here: Surroundings) -> None:
    path = _rsyslog_configuration(text, here)
    command = [program("rsyslogd"), "-n", "-f", str(path), "-i", str(here.directory / "pid")]
    with in_background(command):
        _send_to(here.directory / "log")
        eventually(lambda: here.stored() == ["a line of the sender"], "the line", 40)


def _syslog_ng(text: str, here: Surroundings) -> None:
    log = here.directory / "log"
    with in_background(syslog_ng(here.directory, f'unix-dgram("{log}")', here.filled(text))):
        _send_to(log)
        eventually(lambda: here.stored() == ["a line of the sender"], "the line", 40)


def _python(text: str, here: Surroundings) -> None:
    code = here.filled(text) + '\nlogging.error("a line of Python")\n'
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)
    eventually(lambda: here.stored() == ["a line of Python"], "the line")


def _sql(text: str, here: Surroundings) -> None:
    here.ppl.rows(here.filled(text).replace("%", "%%"))


def _superuser(text: str, here: Surroundings) -> None:
    administrator = as_administrator(here.ppl.dsn)
    for statement in here.filled(text).split(";\n"):
        execute(administrator, statement)
    execute(administrator, f"DROP DATABASE docs_{os.getpid()}")
    execute(administrator, f"DROP ROLE docs_{os.getpid()}")


def _json(text: str, here: Surroundings) -> None:
    assert isinstance(json.loads(text), dict)


def _search(text: str, here: Surroundings) -> None:
    for line in text.splitlines():
        parse(line, UTC, time.time_ns() // 1000)


#: rsyslog's short form of forwarding, with which a setting is tried.
_FORWARD = "*.* @@logs.example.com:20000"

RUNNERS: dict[str, Callable[[str, Surroundings], None]] = {
    "command": _shell,
    "line": _line,
    "service": _service,
    "rsyslog": _rsyslog,
    "rsyslog-setting": lambda text, here: _rsyslog(f"{text}\n{_FORWARD}", here),
    "syslog-ng": _syslog_ng,
    "python": _python,
    "sql": _sql,
    "superuser": _superuser,
    "json": _json,
    "search": _search,
}
"""The runners by the word after ``run:``; each line of a ``line`` block is a command that makes an event."""


def test_every_block_is_run_or_says_why_not() -> None:
    assert len(BLOCKS) > 40
    assert [str(each) for each in BLOCKS if each.how not in RUNNERS and not each.why] == []


def _marks(block: Block, quick: list[Block]) -> list[pytest.MarkDecorator]:
    if block.how != "service":
        return []
    return [pytest.mark.timeout(400), *([] if block in quick else [pytest.mark.long, pytest.mark.beside])]


def _cases() -> list[Any]:
    """The blocks to run; of those that start Ppl, all but the first are long tests."""
    services = [each for each in BLOCKS if each.how == "service"]
    return [pytest.param(each, marks=_marks(each, services[:1]), id=str(each)) for each in BLOCKS if each.how]


@pytest.mark.parametrize("block", _cases())
def test_a_block_works(block: Block, here: Surroundings) -> None:
    RUNNERS[block.how](block.text, here)
