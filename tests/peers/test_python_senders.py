"""Logging packages of PyPI, configured as ``docs/senders.rst`` says: each record is an event of its own, and right."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.programs import in_background
from tests.fixtures.running import PplProcess, eventually

pytestmark = [pytest.mark.peer, pytest.mark.long, pytest.mark.beside]

STANDARD = """
import logging, logging.handlers, socket
handler = logging.handlers.SysLogHandler(("127.0.0.1", PORT), socktype=socket.KIND)
handler.ident = "myapp: "
log = logging.getLogger()
log.addHandler(handler)
"""
RFC5424 = """
import logging, socket
from rfc5424logging import Rfc5424SysLogHandler
handler = Rfc5424SysLogHandler(("127.0.0.1", PORT), socktype=socket.KIND, appname="myapp", hostname="web1"TLS)
log = logging.getLogger()
log.addHandler(handler)
"""
LOGURU = """
from logging.handlers import SysLogHandler
from loguru import logger as log
log.remove()
log.add(SysLogHandler(("127.0.0.1", PORT)), format="myapp: {message}")
"""
RECORDS = """
log.error("it broke: ✓")
try:
    1 / 0
except ZeroDivisionError:
    log.exception("a traceback")
log.warning("and again")
"""


def _events(ppl: PplProcess, port: int) -> list[tuple[str, str, int]]:
    """The message, program and severity of each event."""
    return ppl.rows(
        "SELECT message, file_name, severity FROM event JOIN destination d ON d.id = destination_id"
        " WHERE port = %s ORDER BY event.id",
        port,
    )  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("setup", "newline"),
    [
        (STANDARD.replace("KIND", "SOCK_DGRAM"), "\n"),
        (STANDARD.replace("KIND", "SOCK_STREAM"), "\n"),
        (RFC5424.replace("KIND", "SOCK_DGRAM").replace("TLS", ""), "\n"),
        # Over TCP this handler writes a newline as a backslash and an n.
        (RFC5424.replace("KIND", "SOCK_STREAM").replace("TLS", ""), "\\n"),
        (RFC5424.replace("KIND", "SOCK_STREAM").replace("TLS", ', tls_enable=True, tls_ca_bundle="PEM"'), "\\n"),
        (LOGURU, "\n"),
    ],
    ids=["SysLogHandler UDP", "SysLogHandler TCP", "rfc5424 UDP", "rfc5424 TCP", "rfc5424 TLS", "loguru"],
)
def test_each_record_is_an_event_with_its_severity(module_ppl: PplProcess, setup: str, newline: str) -> None:
    who = module_ppl.register()
    code = (setup + RECORDS).replace("PORT", str(who.port)).replace("PEM", str(module_ppl.certificate))
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    eventually(lambda: "and again" in module_ppl.messages(who.port), "the events")
    events = _events(module_ppl, who.port)
    assert [event[1:] for event in events] == [("myapp", 3), ("myapp", 3), ("myapp", 4)]
    texts = [text for text, _, _ in events]
    assert (texts[0], texts[2]) == ("it broke: ✓", "and again")
    assert texts[1].startswith(f"a traceback{newline}Traceback (most recent call last):{newline}")
    assert "ZeroDivisionError: division by zero" in texts[1]


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
def test_each_record_of_gunicorn_is_an_event(module_ppl: PplProcess, short_directory: Path, protocol: str) -> None:
    who = module_ppl.register()
    (short_directory / "app.py").write_text(
        "def app(environ, start):\n    start('200 OK', [])\n    return [b'hello']\n", "utf-8"
    )
    command = [
        sys.executable, "-m", "gunicorn", "--bind", f"unix:{short_directory}/socket", "--chdir", str(short_directory),
        "--log-syslog", "--log-syslog-to", f"{protocol}://127.0.0.1:{who.port}", "--log-syslog-prefix", "myapp",
        "app:app",
    ]  # fmt: skip
    with in_background(command):
        eventually(lambda: any("Booting worker" in text for text in module_ppl.messages(who.port)), "a worker", 30)
    eventually(lambda: any("Shutting down" in text for text in module_ppl.messages(who.port)), "its end")
    assert {event[1:] for event in _events(module_ppl, who.port)} == {("gunicorn.myapp.error", 6)}
