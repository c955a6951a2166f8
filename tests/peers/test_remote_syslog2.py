"""What remote_syslog2 writes, byte for byte (Go, not packaged anywhere we may install from): its own packet form.

From its public source: ``<PRI>1 RFC3339 HOST TAG - - - TEXT`` newline-terminated, the token as structured data,
newlines in the text turned into blanks, HOST and TAG cleaned of blanks, at most 99,990 bytes. Over TLS the same; over
UDP (``test_udp.py``) without the newline and at most 1024 bytes.
"""

from __future__ import annotations

import socket
import ssl
from datetime import datetime, timedelta, timezone

from tests.fixtures.running import PplProcess
from tests.fixtures.watching import Viewer

EAST = timezone(timedelta(hours=2))


def packet(text: str, tag: str, token: str | None = None, moment: datetime | None = None) -> bytes:
    moment = moment or datetime.now(EAST)
    data = f"[{token}@41058]" if token else "-"
    line = f"<13>1 {moment.isoformat(timespec='microseconds')} web-01 {tag} - - {data} {text}"
    return line.encode()[:99_990] + b"\n"


def test_its_lines_arrive_with_time_host_and_file_name(module_ppl: PplProcess) -> None:
    who = module_ppl.register(time_zone="+02.00")
    moment = datetime(2026, 11, 23, 12, 0, 0, 123456, EAST)
    texts = ["text", "", "Ünïcödé ✓", "with <13>1 and [brackets]", "x" * 90_000]
    with Viewer(module_ppl.url, who) as viewer:
        viewer.identify()
        module_ppl.send(who.port, b"".join(packet(text, "file.log", moment=moment) for text in texts))
        seen = viewer.live(len(texts))
    assert [event["message"] for event in seen] == texts
    assert module_ppl.messages(who.port) == texts
    for event in seen:
        assert event["created_at"] == "2026-11-23 12:00:00"
        assert event["time"] == "2026-11-23T10:00:00.123456Z"
        assert (event["hostname"], event["file_name"]) == ("web-01", "file.log")
        assert (event["facility"], event["severity"]) == ("user", "notice")


def test_its_token_is_structured_data_and_not_text(module_ppl: PplProcess) -> None:
    who = module_ppl.register()
    with Viewer(module_ppl.url, who) as viewer:
        viewer.identify()
        module_ppl.send(who.port, packet("hello", "file.log", token="abc123"))
        (event,) = viewer.live(1)
    assert (event["message"], event["structured_data"]) == ("hello", "[abc123@41058]")


def test_one_connection_follows_many_files_for_long(module_ppl: PplProcess) -> None:
    who = module_ppl.register()
    expected = []
    with Viewer(module_ppl.url, who) as viewer, socket.create_connection(("127.0.0.1", who.port)) as connection:
        viewer.identify()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for number in range(30):
            tag = f"file{number % 3}.log"
            # Each write is a segment of its own, and some cut a line in two.
            data = packet(f"line {number}", tag)
            connection.sendall(data[:40])
            connection.sendall(data[40:])
            expected.append((tag, f"line {number}"))
        seen = viewer.live(30)
    assert [(event["file_name"], event["message"]) for event in seen] == expected


def test_it_verifies_the_certificate_it_was_given_and_sends_over_tls(module_ppl: PplProcess) -> None:
    who = module_ppl.register()
    module_ppl.set_transport(who, "tls")
    # As Go does, by the certificate's alternative names alone.
    context = ssl.create_default_context(cafile=module_ppl.certificate)
    context.hostname_checks_common_name = False
    texts = [f"line {number}" for number in range(100)]
    with (
        Viewer(module_ppl.url, who) as viewer,
        socket.create_connection(("127.0.0.1", who.port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
    ):
        viewer.identify(batch=True)
        for text in texts:
            connection.sendall(packet(text, "file.log", token="abc123"))
        seen = viewer.live(len(texts))
    assert [event["message"] for event in seen] == texts
    assert {(event["file_name"], event["structured_data"]) for event in seen} == {("file.log", "[abc123@41058]")}
    assert module_ppl.messages(who.port) == texts
