"""End to end in both forms: who may send to a destination, while another destination takes everything."""

from __future__ import annotations

import json
import socket
from contextlib import suppress

from tests.fixtures.restricting import (
    OUTSIDE,
    change,
    send_relp,
    send_tcp,
    send_tls,
    send_udp,
    upload,
)
from tests.fixtures.running import PplProcess, Registered, eventually


def stored(ppl: PplProcess, who: Registered, *expected: str) -> None:
    """Until exactly ``expected`` are stored, in whatever order."""
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
    assert f"{first.user_id}: senders outside its networks are refused" in ppl_forms.text()
    # It still holds after a restart, and not any more once it is taken back.
    ppl_forms.stop()
    ppl_forms.start()
    send_tcp(first.port, b"outside again\n", OUTSIDE)
    change(ppl_forms, first, "networks", networks="")
    send_tcp(first.port, b"outside at last\n", OUTSIDE)
    stored(ppl_forms, first, *kept, *(f"inside {way}" for way in ways), "outside at last")
