"""Hostile senders against a real Ppl: memory is bounded, others' lines arrive, the log has one line for a burst."""

from __future__ import annotations

import multiprocessing
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.fixtures.hostile import ATTACKS, SITE_ATTACKS, attack_from
from tests.fixtures.running import PplProcess, Registered, eventually, temporary_directory

pytestmark = pytest.mark.timeout(110)

SECONDS = 2.5
MOST_MEGABYTES = 300
#: Several times less than the attack would take up without a limit.
PARTIAL_BYTES = 16 << 20

#: The attacks that the quick suite runs.
SHORT = (
    "a line without end",
    "RELP data beyond the limit",
    "half lines of 99 KB",
    "lines of one byte",
    "pipelined requests",
)

#: What the log says of an attack; the other attacks break no limit.
SAID = {
    "RELP data beyond the limit": "it does not speak RELP",
    "TLS garbage": "its TLS handshake failed",
    "1,000 connects a second": "too often (--max-connects-per-second)",
    "5,000 connections": "more are refused (--max-connections)",
    "half lines of 99 KB": "(--partial-bytes)",
}


@pytest.fixture(scope="module")
def ppl(module_dsn: str) -> Iterator[PplProcess]:
    with temporary_directory() as directory:
        running = PplProcess(
            module_dsn,
            directory,
            "one",
            {"PPL_PARTIAL_BYTES": str(PARTIAL_BYTES), "PPL_MAX_CONNECTIONS_PER_ADDRESS": "1000"},
        )
        try:
            running.start()
            yield running
        finally:
            running.stop()


def resident(pid: int) -> int:
    """Resident memory in MB."""
    return int(Path(f"/proc/{pid}/status").read_text("ascii").split("VmRSS:")[1].split()[0]) // 1024


def said(ppl: PplProcess, since: int) -> list[str]:
    return re.findall(r"Admission#warn\] (.*)", ppl.text()[since:])


def attacking(name: str, ppl: PplProcess, attacked: Registered, seconds: float = SECONDS) -> multiprocessing.Process:
    """Start an attack from an address of its own, whose limits no other attack has used up."""
    address = f"127.0.1.{1 + list(ATTACKS).index(name)}"
    port = ppl.http_port if name in SITE_ATTACKS else attacked.port
    arguments = (address, name, attacked.host, port, seconds)
    attacker = multiprocessing.Process(target=attack_from, args=arguments)
    attacker.start()
    return attacker


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in SHORT else pytest.mark.long) for name in ATTACKS]
)
def test_an_attack_costs_nobody_else_anything(ppl: PplProcess, name: str) -> None:
    quiet, attacked = ppl.register(), ppl.register()
    since = len(ppl.text())
    attacker = attacking(name, ppl, attacked)
    most = 0
    sent: list[str] = []
    with socket.create_connection((quiet.host, quiet.port)) as sender:
        while attacker.is_alive():
            sent.append(f"line {len(sent)}")
            sender.sendall(f"<13>1 - h a - - - {sent[-1]}\n".encode())
            most = max(most, resident(ppl.pid))
            attacker.join(0.05)
    eventually(lambda: ppl.count(quiet.port) >= len(sent), "every line of the quiet client", 60)
    assert ppl.messages(quiet.port) == sent
    assert most < MOST_MEGABYTES
    assert "Traceback" not in ppl.text()[since:]
    expected = SAID.get(name)
    if expected is None:
        return
    about = eventually(lambda: [each for each in said(ppl, since) if expected in each], "a line of log")
    assert len(about) == 1, "one line of log for a burst"


@pytest.mark.parametrize("name", SITE_ATTACKS)
def test_a_line_arrives_while_strangers_ask_the_site_for_much(ppl: PplProcess, name: str) -> None:
    quiet = ppl.register()
    attacker = attacking(name, ppl, quiet, seconds=90)
    try:
        ppl.send(quiet.port, b"<13>1 - h a - - - meanwhile\n")
        eventually(lambda: ppl.count(quiet.port) == 1, "the line, stored", 60)
        assert attacker.is_alive()
    finally:
        attacker.kill()
        attacker.join()


@pytest.mark.long
def test_the_attacked_destination_still_receives_lines(ppl: PplProcess) -> None:
    attacked: Registered = ppl.register()
    attacker = attacking("200 connections at full speed", ppl, attacked)
    with socket.create_connection((attacked.host, attacked.port)) as sender:
        sender.sendall(b"<13>1 - h a - - - through it all\n")
        while attacker.is_alive():
            attacker.join(0.1)
    eventually(
        lambda: ppl.rows(
            "SELECT 1 FROM event JOIN destination ON destination.id = destination_id"
            " WHERE port = %s AND message = 'through it all'",
            attacked.port,
        ),
        "its line",
        60,
    )


def test_a_site_full_of_strangers_lets_senders_in(module_dsn: str) -> None:
    with temporary_directory() as directory:
        few = {"PPL_MAX_HTTP_CONNECTIONS": "50", "PPL_TRUSTED_PROXIES": ""}
        ppl = PplProcess(module_dsn, directory, "one", few)
        try:
            ppl.start()
            quiet = ppl.register()
            with ExitStack() as stack:
                for number in range(200):
                    place = socket.create_connection(
                        ("127.0.0.1", ppl.http_port), source_address=(f"127.0.2.{number % 4}", 0)
                    )
                    stack.enter_context(place).sendall(b"POST /login HTTP/1.1\r\nContent-Length: 9\r\n\r\n")
                ppl.send(quiet.port, b"<13>1 - h a - - - all the same\n")
                eventually(lambda: ppl.count(quiet.port) == 1, "its line")
                ppl.page(quiet, "/settings")
                assert open_connections(ppl) <= 50
        finally:
            ppl.stop()


def open_connections(ppl: PplProcess) -> int:
    """Connections to the site that Ppl has open (``st`` 01 of proc_net_tcp(5))."""
    rows = (line.split() for line in Path(f"/proc/{ppl.pid}/net/tcp").read_text("ascii").splitlines()[1:])
    inodes = {row[9] for row in rows if row[1].endswith(f":{ppl.http_port:04X}") and row[3] == "01"}
    held = {str(link.readlink()) for link in Path(f"/proc/{ppl.pid}/fd").iterdir() if link.is_symlink()}
    return len({f"socket:[{inode}]" for inode in inodes} & held)
