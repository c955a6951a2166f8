"""Real senders of datagrams, on the number of the TCP port: one message each, in order on loopback."""

from __future__ import annotations

import re
import socket
import subprocess
from pathlib import Path

import pytest

from tests.fixtures.programs import loggen, program
from tests.fixtures.running import PplProcess, eventually
from tests.fixtures.watching import Viewer
from tests.peers.rsyslogd import LINES, rsyslog
from tests.peers.test_logger import LINES as TYPED
from tests.peers.test_remote_syslog2 import packet

pytestmark = pytest.mark.peer


@pytest.mark.parametrize("form", ["--rfc3164", "--rfc5424"])
def test_every_line_of_logger_arrives(module_ppl: PplProcess, form: str) -> None:
    who = module_ppl.register()
    command = [
        program("logger"), "--server", "127.0.0.1", "--port", str(who.port), "--udp", form,
        "--priority", "local0.err", "--tag", "myapp", "--id=4711",
    ]  # fmt: skip
    with Viewer(module_ppl.url, who) as viewer:
        viewer.identify(batch=True)
        subprocess.run(command, input="".join(f"{line}\n" for line in TYPED).encode(), check=True, timeout=30)
        seen = viewer.live(len(TYPED))
    assert [event["message"] for event in seen] == TYPED
    assert {(event["file_name"], event["severity"], event["procid"]) for event in seen} == {("myapp", "err", "4711")}
    assert module_ppl.messages(who.port) == TYPED


def test_every_line_of_rsyslog_arrives(module_ppl: PplProcess, short_directory: Path) -> None:
    who = module_ppl.register()
    action = (
        f'type="omfwd" target="127.0.0.1" port="{who.port}" protocol="udp" template="RSYSLOG_SyslogProtocol23Format"'
    )
    with Viewer(module_ppl.url, who) as viewer, rsyslog(short_directory, action) as sender:
        viewer.identify(batch=True)
        sender.write(LINES)
        seen = viewer.live(len(LINES))
    assert [event["message"] for event in seen] == LINES
    assert {event["sender_ip"] for event in seen} == {"127.0.0.1"}
    assert module_ppl.messages(who.port) == LINES


def test_every_number_of_loggen_arrives_in_order(module_ppl: PplProcess) -> None:
    who = module_ppl.register()
    path, environment = loggen()
    command = [
        path, "--inet", "--dgram", "--quiet", "--rate", "5000", "--number", "2000", "--interval", "60",
        "--size", "300", "127.0.0.1", str(who.port),
    ]  # fmt: skip
    with Viewer(module_ppl.url, who) as viewer:
        viewer.identify(batch=True)
        subprocess.run(command, env=environment, check=True, timeout=60, capture_output=True)
        seen = viewer.live(2000)
    for texts in (module_ppl.messages(who.port), [event["message"] for event in seen]):
        numbers = [int(found[1]) for text in texts if (found := re.search(r"seq: (\d+), thread: ", text))]
        assert numbers == list(range(2000))


@pytest.mark.parametrize("token", [None, "abc123"])
def test_a_datagram_of_remote_syslog2_arrives(module_ppl: PplProcess, token: str | None) -> None:
    who = module_ppl.register()
    # Over UDP it sends no newline, and cuts at 1024 bytes, here in the middle of a character.
    long = packet("é" * 900, "file.log", token).removesuffix(b"\n")[:1024]
    long = long if long.endswith("é".encode()[:1]) else long[:-1]
    with (
        Viewer(module_ppl.url, who) as viewer,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        viewer.identify()
        for datagram in (packet("hello", "file.log", token).removesuffix(b"\n"), long):
            sender.sendto(datagram, ("127.0.0.1", who.port))
        first, second = viewer.live(2)
    assert first["message"] == "hello"
    assert re.fullmatch("é+\N{REPLACEMENT CHARACTER}", second["message"])
    for event in (first, second):
        assert (event["hostname"], event["file_name"]) == ("web-01", "file.log")
        assert event.get("structured_data", "") == (f"[{token}@41058]" if token else "")
    assert module_ppl.messages(who.port) == [first["message"], second["message"]]


def test_an_encrypted_destination_takes_no_datagrams(module_ppl: PplProcess) -> None:
    who = module_ppl.register()
    module_ppl.set_transport(who, "tls")
    command = [program("logger"), "--server", "127.0.0.1", "--port", str(who.port), "--udp", "refused"]
    subprocess.run(command, check=True, timeout=30)
    module_ppl.set_transport(who, "either")
    subprocess.run([*command[:-1], "taken"], check=True, timeout=30)
    eventually(lambda: module_ppl.messages(who.port) == ["taken"], "what was sent when it was taken again")
