"""End to end in both forms: the transport that an owner sets on the settings page applies to the port at once."""

from __future__ import annotations

import json
import re
import socket
import ssl
import urllib.request

import pytest

from tests.fixtures.running import PplProcess, Registered, eventually
from tests.fixtures.watching import Viewer


def send_over_tls(port: int, data: bytes) -> None:
    """As ``PplProcess.send``, over TLS, with any certificate."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
        context.wrap_socket(plain) as connection,
    ):
        connection.sendall(data)
        connection.unwrap()


def send_datagram(port: int, data: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(data, ("127.0.0.1", port))


def test_what_the_owner_decides_holds_at_once(ppl_forms: PplProcess) -> None:
    who = ppl_forms.register()
    with (
        Viewer(ppl_forms.url, who) as viewer,
        socket.create_connection(("127.0.0.1", who.port), timeout=10) as connection,
    ):
        viewer.identify()
        connection.sendall(b"plain at first\n")
        assert [event["message"] for event in viewer.live(1)] == ["plain at first"]
        ppl_forms.set_transport(who, "tls")
        assert connection.recv(1) == b"", "the open connection has ended"
        ppl_forms.send(who.port, b"plain, refused\n")
        send_datagram(who.port, b"a datagram, refused")
        send_over_tls(who.port, b"encrypted\n")
        assert [event["message"] for event in viewer.live(1)] == ["encrypted"]
        ppl_forms.set_transport(who, "plain")
        with pytest.raises((ssl.SSLError, ConnectionError)):
            send_over_tls(who.port, b"encrypted, refused\n")
        ppl_forms.send(who.port, b"plain again\n")
        assert [event["message"] for event in viewer.live(1)] == ["plain again"]
        send_datagram(who.port, b"a datagram again")
        assert [event["message"] for event in viewer.live(1)] == ["a datagram again"]
    assert ppl_forms.messages(who.port) == ["plain at first", "encrypted", "plain again", "a datagram again"]


def test_the_transport_still_applies_after_a_restart_and_to_test_lines(ppl_forms: PplProcess) -> None:
    who = ppl_forms.register()
    ppl_forms.set_transport(who, "tls")
    ppl_forms.stop()
    ppl_forms.start()
    ppl_forms.send(who.port, b"plain, refused\n")
    assert ask_for_a_test_line(ppl_forms, who) == 200
    (message,) = eventually(lambda: ppl_forms.messages(who.port), "the test line")
    assert message == f"A test line from Ppl itself: {who.user_id} receives."


def ask_for_a_test_line(ppl: PplProcess, who: Registered) -> int:
    token = re.search(r'name="csrf_token"\s+value="([^"]+)"', ppl.page(who, "/settings"))
    assert token
    headers = {
        "Cookie": who.cookie_header, "Origin": ppl.url, "X-CSRF-Token": token[1], "Content-Type": "application/json",
    }  # fmt: skip
    body = json.dumps({"user_id": who.user_id}).encode()
    with urllib.request.urlopen(
        urllib.request.Request(ppl.url + "/api/test-line", body, headers), timeout=20
    ) as answer:
        return int(answer.status)
