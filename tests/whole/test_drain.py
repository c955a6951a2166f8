"""The drain of a whole Ppl, in one process and in two, with uploads by real programs."""

from __future__ import annotations

import gzip
import http.client
import json
import signal
import socket
import ssl
import subprocess
import threading
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from shutil import which

import pytest

from ppl.listener.tls import self_signed
from tests.fixtures.running import PplProcess, eventually
from tests.fixtures.watching import Viewer


def post(ppl: PplProcess, token: str, body: bytes, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    """Make one upload on a connection of its own; returns status and body of the answer."""
    with closing(http.client.HTTPConnection("127.0.0.1", ppl.drain_port, timeout=30)) as connection:
        connection.request("POST", f"/logs/{token}", body, headers or {})
        response = connection.getresponse()
        return response.status, response.read()


def test_lines_come_by_http_and_are_seen_live(ppl_forms: PplProcess) -> None:
    who = ppl_forms.register()
    token = ppl_forms.create_drain(who)
    with Viewer(ppl_forms.url, who) as viewer:
        viewer.identify()
        assert post(ppl_forms, token, b"one\ntwo") == (200, b'{"lines": 2}')
        assert ppl_forms.messages(who.port) == ["one", "two"], "stored before the upload is answered"
        assert [event["message"] for event in viewer.live(2)] == ["one", "two"]
    events = "\n".join(json.dumps({"msg": f"event {number}", "level": "info"}) for number in range(50_000))
    headers = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
    assert post(ppl_forms, token, gzip.compress(events.encode()), headers) == (200, b'{"lines": 50000}')
    assert ppl_forms.count(who.port) == 50_002
    assert post(ppl_forms, "x" * 43, b"x")[0] == 404
    ppl_forms.rows("DELETE FROM drain RETURNING id")
    assert post(ppl_forms, token, b"x")[0] == 404
    ppl_forms.stop()
    assert token not in ppl_forms.text(), "the token is in no log"
    assert "/logs/..." in ppl_forms.text()


def test_a_stop_under_load_loses_nothing_that_was_answered(ppl_forms: PplProcess) -> None:
    who = ppl_forms.register()
    token = ppl_forms.create_drain(who)
    answered: list[str] = []
    statuses: set[int] = set()

    def send(sender: int) -> None:
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", ppl_forms.drain_port, timeout=30)) as connection:
                for number in range(100_000):
                    lines = [f"{sender} {number} {line}" for line in range(20)]
                    connection.request("POST", f"/logs/{token}", "\n".join(lines).encode())
                    response = connection.getresponse()
                    response.read()
                    statuses.add(response.status)
                    if response.status != 200:
                        return
                    answered.extend(lines)
        except (OSError, http.client.HTTPException):
            pass  # the port is closed

    senders = [threading.Thread(target=send, args=(number,)) for number in range(4)]
    for sender in senders:
        sender.start()
    eventually(lambda: len(answered) > 400, "uploads under way")
    ppl_forms.send_signal(signal.SIGTERM, ppl_forms.roles[-1])
    for sender in senders:
        sender.join()
    ppl_forms.stop()
    assert statuses <= {200, 503}
    stored = ppl_forms.messages(who.port)
    assert set(answered) <= set(stored)
    assert len(stored) == len(set(stored))
    unanswered = set(stored) - set(answered)
    assert not unanswered, "every upload whose lines are stored was answered"


@pytest.mark.skipif(which("curl") is None, reason="curl is not installed")
def test_curl_sends_a_file_as_the_page_says(ppl_process: PplProcess) -> None:
    who = ppl_process.register()
    url = f"http://127.0.0.1:{ppl_process.drain_port}/logs/{ppl_process.create_drain(who)}"
    said = subprocess.run(
        ["curl", "-sS", "--data-binary", "@-", url],
        input=b"x" * 60_000 + b"\n" + b"y" * 2_000_000,
        capture_output=True,
        check=True,
    )
    assert said.stdout == b'{"lines": 2}'
    first, second = ppl_process.messages(who.port)
    assert first == "x" * 60_000
    assert second.endswith("y [cut by Ppl at 100000 bytes]")
    refused = subprocess.run(
        ["curl", "-sS", "-w", " %{http_code}", "--data-binary", "@-", url], input=bytes(17_000_000), capture_output=True
    )
    assert refused.stdout.endswith(b" 413"), refused
    assert b'"too_large"' in refused.stdout


@pytest.mark.skipif(which("curl") is None, reason="curl is not installed")
def test_the_drain_speaks_tls_of_its_own(dsn: str, short_directory: Path) -> None:
    certificate, key = self_signed(short_directory / "tls", "localhost")
    ppl = PplProcess(dsn, short_directory, "two")
    ppl.environment["PPL_DRAIN"] = f"ssl:{ppl.drain_port}:interface=127.0.0.1:privateKey={key}:certKey={certificate}"
    try:
        ppl.start()
        who = ppl.register()
        url = f"https://localhost:{ppl.drain_port}/logs/{ppl.create_drain(who)}"
        body = b"\n".join(b"line %d" % number for number in range(300_000))
        command = ["curl", "-sS", "--cacert", str(certificate), "-w", " %{http_code}", "--data-binary", "@-", url]
        assert subprocess.run(command, input=body, capture_output=True).stdout == b'{"lines": 300000} 200'
        assert subprocess.run(command, input=bytes(17_000_000), capture_output=True).stdout.endswith(b" 413")
        assert ppl.count(who.port) == 300_000
    finally:
        ppl.stop()


@pytest.mark.parametrize("kind", ["tcp", "ssl"])
def test_an_address_has_a_bounded_number_of_connections_to_the_drains_own_endpoint(
    dsn: str, short_directory: Path, kind: str
) -> None:
    certificate, key = self_signed(short_directory / "tls", "localhost")
    ppl = PplProcess(dsn, short_directory, "two", {"PPL_MAX_CONNECTIONS_PER_ADDRESS": "3", "PPL_TRUSTED_PROXIES": ""})
    trusted, files = (certificate, f":privateKey={key}:certKey={certificate}") if kind == "ssl" else (None, "")
    ppl.environment["PPL_DRAIN"] = f"{kind}:{ppl.drain_port}:interface=127.0.0.1{files}"
    try:
        ppl.start()
        token = ppl.create_drain(ppl.register())
        with ExitStack() as stack:
            silent = [stack.enter_context(_connected(ppl, trusted)) for _ in range(3)]
            assert _is_served(ppl, trusted, token), "a connection that never sent anything gives way"
            with suppress(ConnectionError):
                assert not silent[0].recv(1)
        with ExitStack() as stack:
            idle: list[socket.socket] = []
            for _ in range(3):
                idle.append(stack.enter_context(_connected(ppl, trusted)))
                # Asked before the next is opened: connections that never sent anything give way. With the first answer
                # the ends of the connections above are noticed too.
                assert b" 200 " in _ask(idle[-1], token)
            with pytest.raises((ConnectionError, ssl.SSLError)):
                # The new connection is closed at once, during the handshake or before the answer.
                _ask(stack.enter_context(_connected(ppl, trusted)), token)
            assert b" 200 " in _ask(idle[0], token), "an accepted connection is served"
            idle[1].close()
            eventually(lambda: _is_served(ppl, trusted, token), "room for another connection")
        assert ppl.text().count("it has 3 connections; more are refused (--max-connections-per-address)") == 1
    finally:
        ppl.stop()


def _connected(ppl: PplProcess, certificate: Path | None) -> socket.socket:
    plain = socket.create_connection(("127.0.0.1", ppl.drain_port), timeout=30)
    if certificate is None:
        return plain
    return ssl.create_default_context(cafile=str(certificate)).wrap_socket(plain, server_hostname="localhost")


def _ask(connection: socket.socket, token: str) -> bytes:
    connection.sendall(f"POST /logs/{token} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx".encode())
    answer = connection.recv(4096)
    if not answer:
        raise ConnectionResetError("it was closed")
    return answer


def _is_served(ppl: PplProcess, certificate: Path | None, token: str) -> bool:
    try:
        with _connected(ppl, certificate) as connection:
            return b" 200 " in _ask(connection, token)
    except OSError:
        return False
