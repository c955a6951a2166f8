"""The protocol page's link, statement by statement: each side of Ppl against the other side written from the page."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.linking import FoundingListener, FoundingServer
from tests.fixtures.running import PplProcess, Registered, eventually
from tests.fixtures.watching import Viewer, messages

pytestmark = [pytest.mark.long, pytest.mark.beside]

LINE = b"<165>1 2016-10-06T21:59:59.123456Z web-01 somefile.log 77 ID47 - some logs...\n"


@pytest.fixture
def server(dsn: str, short_directory: Path) -> Iterator[PplProcess]:
    """Only the server process."""
    ppl = PplProcess(dsn, short_directory, "two")
    try:
        ppl.start_role("server")
        ppl.wait_until_ready()
        yield ppl
    finally:
        ppl.stop()


@pytest.fixture
def registered(dsn: str, short_directory: Path) -> Iterator[PplProcess]:
    """Ppl with one registered destination (``known``), and no process running."""
    ppl = PplProcess(dsn, short_directory, "two")
    try:
        ppl.start_role("server")
        ppl.wait_until_ready()
        ppl.known = ppl.register(time_zone="+02.00")
        ppl.stop("server")
        yield ppl
    finally:
        ppl.stop()


@pytest.fixture
def founding(registered: PplProcess) -> Iterator[FoundingServer]:
    """What the listener connects to. It is there first: a listener that finds no server tries again ever later."""
    with FoundingServer(registered.link_port) as server:
        yield server


@pytest.fixture
def listener(registered: PplProcess, founding: FoundingServer) -> PplProcess:
    """A listener process with one registered destination, connected to ``founding``."""
    registered.start_role("listener")
    registered.wait_until_ready()
    founding.linked()
    return registered


def add_destination(ppl: PplProcess, index: int) -> int:
    """Add a destination to the database without telling any process; gives its port."""
    port = ppl.ports[index]
    ppl.rows(
        "INSERT INTO destination (host, port, time_zone, created_at) VALUES (%s, %s, %s, 0) RETURNING id",
        "127.0.0.1",
        port,
        "+02.00",
    )
    return port


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


# listener → server


def test_new_logs_is_the_stored_event_without_an_own_id_field_needed(
    listener: PplProcess, founding: FoundingServer
) -> None:
    listener.send(listener.known.port, LINE)
    data = founding.expect("new_logs")
    assert {name: data[name] for name in ("created_at", "user_id", "sender_ip", "file_name", "message")} == {
        "created_at": "2016-10-06 23:59:59",
        "user_id": listener.known.user_id,
        "sender_ip": "127.0.0.1",
        "file_name": "somefile.log",
        "message": "some logs...",
    }
    assert data["hostname"] == "web-01"
    assert data["severity"] == "notice"


def test_new_logs_is_sent_after_the_commit(listener: PplProcess, founding: FoundingServer) -> None:
    listener.send(listener.known.port, LINE * 300)
    for event in founding.events(300):
        assert listener.rows("SELECT count(*) FROM event WHERE id = %s", int(event["id"])) == [(1,)]


def test_the_server_accepts_one_or_many_events_in_a_frame(server: PplProcess) -> None:
    with FoundingListener(server) as listener:
        who = register(server, listener)
        with Viewer(server.url, who) as viewer:
            viewer.identify()
            assert listener.expect("watch") == {"user_id": who.user_id}
            listener.say("new_logs", **event(who, 1_700_000_000_000_001, "one"))
            assert [each["message"] for each in viewer.live(1)] == ["one"]
            many = [event(who, 1_700_000_000_000_002 + number, f"many {number}") for number in range(3)]
            listener.say("new_logs", events=many)
            assert [each["message"] for each in viewer.live(3)] == ["many 0", "many 1", "many 2"]


def test_the_server_forwards_only_to_viewers_that_watch_live(server: PplProcess) -> None:
    with FoundingListener(server) as listener:
        who = register(server, listener)
        with Viewer(server.url, who) as paused, Viewer(server.url, who) as live:
            paused.identify()
            live.identify()
            paused.send("pause_live_update")
            paused.expect_nothing()
            listener.say("new_logs", **event(who, 1_700_000_000_000_001, "one"))
            live.live(1)
            paused.expect_nothing()


def event(who: Registered, id_: int, message: str) -> dict[str, str]:
    return {
        "created_at": "2016-10-06 23:59:59",
        "user_id": who.user_id,
        "sender_ip": "127.0.0.1",
        "file_name": "somefile.log",
        "message": message,
        "id": str(id_),
        "time": "2016-10-06T21:59:59.000000Z",
    }


def register(server: PplProcess, listener: FoundingListener) -> Registered:
    """Register while ``listener`` answers that it opened the port."""
    with ThreadPoolExecutor(1) as pool:
        registering: Future[Registered] = pool.submit(server.register, None, "+02.00")
        opened = listener.expect("start_new_server")
        listener.say("server_started", host=opened["host"], port=opened["port"])
        return registering.result(20)


# server → listener


def test_start_new_server_is_sent_after_a_registration_and_the_page_waits_for_it(server: PplProcess) -> None:
    with FoundingListener(server) as listener, ThreadPoolExecutor(1) as pool:
        registering = pool.submit(server.register, None, "+02.00")
        data = listener.expect("start_new_server")
        assert data == {"timeZone": "+02.00", "host": "127.0.0.1", "port": server.ports[0]}
        assert type(data["port"]) is int
        assert not registering.done(), "the page is shown when the port is open"
        listener.say("server_started", host=data["host"], port=data["port"])
        assert registering.result(20).port == server.ports[0]


def test_the_listener_opens_the_servers_of_all_registered_clients_at_start(registered: PplProcess) -> None:
    registered.start_role("listener")
    registered.wait_until_ready()
    assert is_open(registered.known.port), "also while there is no server to connect to"


def test_the_listener_opens_a_new_server_at_once(listener: PplProcess, founding: FoundingServer) -> None:
    port = add_destination(listener, 3)
    founding.say("start_new_server", timeZone="+02.00", host="127.0.0.1", port=port)
    assert founding.expect("server_started") == {"host": "127.0.0.1", "port": port}
    assert is_open(port)


def test_after_a_loss_of_the_link_both_sides_reconcile(listener: PplProcess, founding: FoundingServer) -> None:
    port = add_destination(listener, 3)
    founding.hang_up()
    eventually(lambda: is_open(port), "the port of a destination nobody announced")


def test_stop_server_closes_the_port(listener: PplProcess, founding: FoundingServer) -> None:
    founding.say("stop_server", host="127.0.0.1", port=listener.known.port)
    eventually(lambda: not is_open(listener.known.port), "a closed port")


def test_a_port_that_cannot_be_bound_is_reported(listener: PplProcess, founding: FoundingServer) -> None:
    with socket.socket() as taken:
        port = add_destination(listener, 3)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        founding.say("start_new_server", timeZone="+02.00", host="127.0.0.1", port=port)
        failed = founding.expect("server_failed")
        assert (failed["host"], failed["port"]) == ("127.0.0.1", port)
        assert failed["reason"]


def test_a_listener_told_to_watch_sends_only_what_is_watched(listener: PplProcess, founding: FoundingServer) -> None:
    founding.say("watch", user_id="127.0.0.1:1")
    assert founding.expect("watching") == {"user_id": "127.0.0.1:1"}
    listener.send(listener.known.port, LINE)
    eventually(lambda: listener.count(listener.known.port) == 1, "one row")
    founding.say("watch", user_id=listener.known.user_id)
    assert founding.expect("watching") == {"user_id": listener.known.user_id}, "no new_logs came before"
    listener.send(listener.known.port, LINE)
    founding.expect("new_logs")
    founding.say("unwatch", user_id=listener.known.user_id)
    founding.say("watch", user_id="127.0.0.1:2")
    founding.expect("watching")
    listener.send(listener.known.port, LINE)
    eventually(lambda: listener.count(listener.known.port) == 3, "three rows")
    assert founding.heard_nothing()


def test_the_shared_secret_is_shown_and_a_wrong_one_refused(
    listener: PplProcess, founding: FoundingServer, server: PplProcess
) -> None:
    from websockets.exceptions import InvalidStatus

    assert founding.authorizations == [f"Bearer {listener.link_secret}"]
    for wrong in ("", "x" * 32, server.link_secret[:-1]):
        with pytest.raises(InvalidStatus) as refused:
            FoundingListener(server, wrong)
        assert refused.value.response.status_code == 401


@pytest.mark.parametrize(
    "frame",
    [
        {"event": "new_logs", "data": {"events": "all"}},
        {"event": "new_logs", "data": {"events": [{"user_id": 7}]}},
        {"event": "drop", "data": {}},
        {"event": "server_started", "data": {"host": 1}},
    ],
)
def test_a_bad_message_costs_only_itself(server: PplProcess, frame: dict[str, Any]) -> None:
    with FoundingListener(server) as listener:
        listener.say(frame["event"], **frame["data"])
        assert listener.expect("error")["code"]
        who = register(server, listener)
        with Viewer(server.url, who) as viewer:
            assert messages(viewer.identify()) == []
