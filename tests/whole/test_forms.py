"""End to end in one process and in two: from a sender's line to a viewer, through restarts and lost links."""

from __future__ import annotations

import signal
import socket
import threading
from pathlib import Path

import pytest

from tests.fixtures.running import PplProcess, eventually
from tests.fixtures.watching import Viewer, messages

pytestmark = [pytest.mark.long, pytest.mark.beside]


def line(number: int) -> bytes:
    return b"<13>1 - host app - - - line %d\n" % number


def texts(*numbers: int) -> list[str]:
    return [f"line {number}" for number in numbers]


def test_a_line_goes_from_a_sender_to_a_viewer(shared_ppl: PplProcess) -> None:
    who = shared_ppl.register()
    with Viewer(shared_ppl.url, who) as viewer:
        assert viewer.identify() == {"events": [], "isOldestEventReached": "true"}
        shared_ppl.send(who.port, line(1))
        assert [event["message"] for event in viewer.live(1)] == texts(1)
    with Viewer(shared_ppl.url, who) as viewer:
        assert messages(viewer.identify()) == texts(1)


def test_the_port_is_open_when_the_registration_has_answered(shared_ppl: PplProcess) -> None:
    for _ in range(3):
        who = shared_ppl.register()
        with socket.create_connection((who.host, who.port), timeout=5):
            pass


def test_two_clients_see_only_their_own(shared_ppl: PplProcess) -> None:
    one, other = shared_ppl.register(), shared_ppl.register()
    with Viewer(shared_ppl.url, one) as first, Viewer(shared_ppl.url, other) as second:
        first.identify()
        second.identify()
        shared_ppl.send(one.port, line(1))
        shared_ppl.send(other.port, line(2))
        assert [event["message"] for event in first.live(1)] == texts(1)
        assert [event["message"] for event in second.live(1)] == texts(2)
        first.expect_nothing()
        second.expect_nothing()


def test_a_viewer_that_reconnects_after_a_restart_misses_nothing(ppl_forms: PplProcess) -> None:
    who = ppl_forms.register()
    with Viewer(ppl_forms.url, who) as viewer:
        viewer.identify()
        ppl_forms.send(who.port, line(0))
        (seen,) = viewer.live(1)
    ppl_forms.kill()
    ppl_forms.start()
    ppl_forms.send(who.port, b"".join(map(line, range(1, 300))))
    eventually(lambda: ppl_forms.count(who.port) == 300, "300 rows")
    with Viewer(ppl_forms.url, who) as viewer:
        got = messages(viewer.identify(since=seen["id"]))
        while len(got) < 299:
            got += messages(viewer.expect("send_logs"))
        ppl_forms.send(who.port, line(300))
        got += [event["message"] for event in viewer.live(1)]
    assert got == texts(*range(1, 301))


def test_a_lost_link_costs_a_live_viewer_neither_gap_nor_duplicate(dsn: str, short_directory: Path) -> None:
    ppl = PplProcess(dsn, short_directory, "two")
    try:
        ppl.start()
        who = ppl.register()
        with Viewer(ppl.url, who) as viewer:
            viewer.identify()
            sending = threading.Thread(target=_send_slowly, args=(ppl, who.port, 3000))
            sending.start()
            seen = viewer.live(300)
            # The listener loses its link (and its process) in the middle of a flow, and is started again.
            sending.join()
            eventually(lambda: ppl.count(who.port) == 3000, "3,000 rows")
            ppl.stop("listener", signal.SIGTERM)
            ppl.start_role("listener")
            eventually(lambda: _is_open(who.port), "the port again")
            ppl.send(who.port, b"".join(map(line, range(3000, 3100))))
            seen += viewer.live(2800)
        assert [event["message"] for event in seen] == texts(*range(3100))
    finally:
        ppl.stop()


def test_lines_stored_while_the_server_is_away_are_there_when_it_returns(dsn: str, short_directory: Path) -> None:
    ppl = PplProcess(dsn, short_directory, "two")
    try:
        ppl.start()
        who = ppl.register()
        ppl.kill("server")
        ppl.send(who.port, b"".join(map(line, range(50))))
        eventually(lambda: ppl.count(who.port) == 50, "50 rows without a server")
        ppl.start()
        with Viewer(ppl.url, who) as viewer:
            assert messages(viewer.identify()) == texts(*range(50))
            eventually(lambda: "A link to a server is open" in ppl.text(), "the link again")
            ppl.send(who.port, line(50))
            assert [event["message"] for event in viewer.live(1)] == texts(50)
    finally:
        ppl.stop()


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_an_orderly_stop_stores_every_line_taken_off_the_socket(ppl_forms: PplProcess, end: int) -> None:
    who = ppl_forms.register()
    count = 20_000
    with socket.create_connection(("127.0.0.1", who.port)) as connection:
        connection.sendall(b"".join(map(line, range(count))))
        eventually(lambda: ppl_forms.count(who.port) > 0, "the first rows")
        ppl_forms.stop(number=end)
    stored = ppl_forms.messages(who.port)
    # The stop may have cut the last line in two.
    assert stored[:-1] == texts(*range(len(stored) - 1)), "in order and without a gap, as far as lines were read"


def _send_slowly(ppl: PplProcess, port: int, count: int) -> None:
    for first in range(0, count, 10):
        ppl.send(port, b"".join(map(line, range(first, first + 10))))


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
