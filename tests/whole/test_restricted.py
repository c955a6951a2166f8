"""End to end in both forms: which senders a destination accepts, while another destination accepts all."""

from __future__ import annotations

import json
import re
import socket
from contextlib import suppress
from pathlib import Path

import pytest

from tests.fixtures.authority import Authority, self_signed
from tests.fixtures.restricting import (
    OUTSIDE,
    change,
    change_once_linked,
    send_relp,
    send_tcp,
    send_tls,
    send_udp,
    trusting_any,
    upload,
)
from tests.fixtures.running import PplProcess, Registered, eventually

pytestmark = [pytest.mark.long, pytest.mark.beside]


def stored(ppl: PplProcess, who: Registered, *expected: str) -> None:
    """Wait until exactly ``expected`` are stored, in whatever order."""
    eventually(lambda: sorted(ppl.messages(who.port)) == sorted(expected), f"{expected} and nothing else")


def test_only_the_networks_of_a_destination_may_send_to_it(ppl_forms: PplProcess) -> None:
    first, second = ppl_forms.register(), ppl_forms.register()
    tokens = {who: ppl_forms.create_drain(who) for who in (first, second)}
    with (
        socket.create_connection(("127.0.0.1", first.port), 10, (OUTSIDE, 0)) as outside,
        socket.create_connection(("127.0.0.1", first.port), 10) as inside,
    ):
        outside.sendall(b"outside at first\n")
        inside.sendall(b"inside at first\n")
        stored(ppl_forms, first, "outside at first", "inside at first")
        change(ppl_forms, first, "networks", networks="127.0.0.1\n10.0.0.0/8")
        with suppress(ConnectionResetError):
            assert outside.recv(1) == b"", "an open connection from outside ends"
        inside.sendall(b"inside still\n")
        stored(ppl_forms, first, "outside at first", "inside at first", "inside still")
    kept = ppl_forms.messages(first.port)
    for who in (first, second):
        for address, place in ((OUTSIDE, b"outside"), ("127.0.0.1", b"inside")):
            send_tcp(who.port, place + b" tcp\n", address)
            send_tls(who.port, place + b" tls\n", address)
            send_udp(who.port, place + b" udp", address)
            answers = send_relp(who.port, [place + b" relp"], address)
            status, _, body = upload(ppl_forms, tokens[who], place + b" http", address)
            is_taken = (who, address) != (first, OUTSIDE)
            assert answers == ([b"200 OK"] if is_taken else [])
            assert status == (200 if is_taken else 403), body
            if not is_taken:
                assert json.loads(body)["error"]["code"] == "address_not_allowed"
    ways = ("tcp", "tls", "udp", "relp", "http")
    stored(ppl_forms, first, *kept, *(f"inside {way}" for way in ways))
    stored(ppl_forms, second, *(f"{place} {way}" for place in ("inside", "outside") for way in ways))
    assert f"{first.user_id}: refusing {OUTSIDE}: outside the allowed networks (Settings, Senders)" in ppl_forms.text()
    assert f"{first.user_id}: refusing uploads from {OUTSIDE}: outside the allowed networks" in ppl_forms.text()
    # The restriction still holds after a restart, and ends when it is removed.
    ppl_forms.stop()
    ppl_forms.start()
    send_tcp(first.port, b"outside again\n", OUTSIDE)
    change_once_linked(ppl_forms, first, "networks", networks="")
    send_tcp(first.port, b"outside at last\n", OUTSIDE)
    stored(ppl_forms, first, *kept, *(f"inside {way}" for way in ways), "outside at last")


def new_token(ppl: PplProcess, who: Registered) -> str:
    """A new sender token, created on the settings page."""
    shown = re.search(r'id="new-sender-token">(\w{26})<', change(ppl, who, "sender-tokens"))
    assert shown, "the new token is shown once"
    return shown[1]


def test_only_lines_with_the_token_of_a_destination_are_taken(ppl_forms: PplProcess) -> None:
    first, second = ppl_forms.register(), ppl_forms.register()
    drain = ppl_forms.create_drain(first)
    token = new_token(ppl_forms, first)
    head = "<13>1 - h app - -"
    for who in (first, second):
        for way, send in (("tcp", send_tcp), ("tls", send_tls), ("udp", send_udp)):
            for form in (f"{head} [{token}@41058] sd {way}", f"{head} - {token} first {way}", f"{token} plain {way}"):
                send(who.port, f"{form}\n".encode())
            send(who.port, f"{head} - forged {way}\n".encode())
            send(who.port, f"{head} [{'x' * 26}@41058] forged {way}\n".encode())
    lines = [f"{head} - {token} relp 1", f"{head} - forged relp", "", f"{head} [{token}@41058] relp 2", "forged relp"]
    encoded = [line.encode() for line in lines]
    over_tls = send_relp(first.port, encoded, tls=trusting_any())
    assert send_relp(first.port, encoded) == over_tls == [
        b"200 OK", b"500 not taken", b"200 OK", b"200 OK", b"500 not taken",
    ]  # fmt: skip
    assert send_relp(second.port, encoded) == [b"200 OK"] * 5, "another destination needs no token"
    assert send_relp(first.port, [b"forged relp"] * 150).count(b"200 OK") == 0
    assert upload(ppl_forms, drain, b"http")[0] == 200, "uploads have tokens of their own"
    ways = ("tcp", "tls", "udp")
    expected = [f"{form} {way}" for form in ("sd", "first", "plain") for way in ways]
    stored(ppl_forms, first, *expected, *["relp 1", "relp 2"] * 2, "http")
    eventually(lambda: ppl_forms.count(second.port) == 5 * len(ways) + 4, "all lines of the other destination")
    rows = "SELECT * FROM event JOIN destination d ON d.id = destination_id WHERE port = %s AND event::text ~ %s"
    assert ppl_forms.rows(rows, first.port, token) == [], "the token is not stored with the lines"
    # A second token beside the first, then only the second.
    other = new_token(ppl_forms, first)
    send_tcp(first.port, f"{token} both 1\n{other} both 2\n".encode())
    form = re.search(r'action="(/settings/\S+/sender-tokens/\d+/delete)"', ppl_forms.page(first, "/settings"))
    assert form, "a form to revoke the first token"
    eventually(lambda: "both 2" in ppl_forms.messages(first.port), "lines with both tokens")
    ppl_forms.submit(first, form[1])
    send_tcp(first.port, f"{token} revoked\n{other} rotated\n".encode())
    eventually(lambda: "rotated" in ppl_forms.messages(first.port), "the line with the other token")
    assert "revoked" not in ppl_forms.messages(first.port)
    ppl_forms.stop()
    log = ppl_forms.text()
    assert re.search(rf"{first.user_id}: dropping lines from 127\.0\.0\.\d+ that lack the token", log)
    assert "100 lines in a row did not carry the destination's token; connection closed" in log
    assert token not in log
    assert other not in log
    own = [each for each in ppl_forms.messages(first.port) if "dropped: they lack this destination's token" in each]
    assert len(own) == 1


def test_only_senders_with_a_certificate_that_is_known_are_taken(ppl_forms: PplProcess, short_directory: Path) -> None:
    directory = short_directory / "senders"
    directory.mkdir()
    authority, another = Authority(directory, "authority"), Authority(directory, "another")
    signed, foreign = authority.sign("signed"), another.sign("foreign")
    own = self_signed(directory, "own")
    first, second = ppl_forms.register(), ppl_forms.register()
    drain = ppl_forms.create_drain(first)
    page = change(ppl_forms, first, "certificates", certificates=authority.pem + Path(own[0]).read_text())
    assert "CN=authority, valid to" in page
    for who in (first, second):
        send_tcp(who.port, b"plain\n")
        send_udp(who.port, b"datagram")
        send_relp(who.port, [b"plain relp"])
        send_tls(who.port, b"without\n")
        send_tls(who.port, b"foreign\n", certificate=foreign)
    known = []
    for name, certificate in (("signed", signed), ("own", own)):
        assert send_tls(first.port, f"{name}\n".encode(), certificate=certificate)
        assert send_relp(first.port, [f"{name} relp".encode()], tls=trusting_any(certificate)) == [b"200 OK"]
        known += [name, f"{name} relp"]
    assert send_relp(first.port, [b"no relp"], tls=trusting_any()) == []
    assert send_relp(first.port, [b"no relp"], tls=trusting_any(foreign)) == []
    assert upload(ppl_forms, drain, b"http")[0] == 200, "uploads have tokens of their own"
    stored(ppl_forms, first, *known, "http")
    stored(ppl_forms, second, "plain", "datagram", "plain relp", "without", "foreign")
    log = ppl_forms.text()
    assert "this destination takes senders only with a client certificate that it knows (peer did not return" in log
    assert "it does not speak TLS, which this destination requires" in log
    # The authority is replaced; open connections end.
    context = trusting_any(signed)
    with socket.create_connection(("127.0.0.1", first.port), 10) as plain, context.wrap_socket(plain) as connection:
        connection.sendall(b"before\n")
        stored(ppl_forms, first, *known, "http", "before")
        change(ppl_forms, first, "certificates", certificates=another.pem)
        with suppress(OSError):
            assert connection.recv(1) == b""
    send_tls(first.port, b"no more\n", certificate=signed)
    assert send_tls(first.port, b"the other\n", certificate=foreign)
    stored(ppl_forms, first, *known, "http", "before", "the other")
    change(ppl_forms, first, "certificates", certificates="")
    send_tcp(first.port, b"plain again\n")
    stored(ppl_forms, first, *known, "http", "before", "the other", "plain again")
