"""Notifications to systemd, and listening sockets that survive a restart."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.task import Clock

from ppl.errors import StatementTimeout, StoreUnavailable
from ppl.services.sockets import Sockets, inherited_from
from ppl.services.systemd import Manager, Watchdog, manager_from
from tests.fixtures.running import PplProcess, eventually, free_ports
from tests.fixtures.systemd import ServiceManager, listening

TCP, UDP = socket.SOCK_STREAM, socket.SOCK_DGRAM


@pytest.fixture(params=["a path", "an abstract name"])
def systemd(request: pytest.FixtureRequest, short_directory: Path) -> Iterator[ServiceManager]:
    address = f"@ppl-test-{secrets.token_hex(8)}" if request.param == "an abstract name" else None
    with ServiceManager(short_directory, address) as manager:
        yield manager


def test_the_service_manager_is_notified_at_a_path_or_an_abstract_name(systemd: ServiceManager) -> None:
    environment = {"NOTIFY_SOCKET": systemd.address, "WATCHDOG_USEC": "20000000", "WATCHDOG_PID": str(os.getpid())}
    manager = manager_from(environment)
    assert (manager.watchdog_seconds, environment) == (20.0, {})
    manager.tell("READY=1")
    eventually(lambda: systemd.messages == ["READY=1"], "the message")


def test_without_a_service_manager_nothing_is_sent_and_another_process_watchdog_is_not_ours() -> None:
    manager_from({}).tell("READY=1")
    assert manager_from({"WATCHDOG_USEC": "20000000", "WATCHDOG_PID": "1"}).watchdog_seconds == 0


def test_a_service_manager_that_is_not_there_harms_nobody() -> None:
    Manager("/nonexistent/notify").tell("READY=1")


class Asked:
    """A store that answers when the test lets it."""

    def __init__(self) -> None:
        self.waiting: list[Deferred[int]] = []

    def __call__(self) -> Awaitable[int]:
        self.waiting.append(Deferred())
        return self.waiting[-1]


def test_the_watchdog_is_fed_only_while_the_store_answers_or_reports_an_outage(
    short_directory: Path, nothing_left_behind: list[str]
) -> None:
    clock, asked = Clock(), Asked()
    with ServiceManager(short_directory) as systemd:
        watchdog = Watchdog(Manager(systemd.address, 20.0), asked, clock)
        watchdog.startService()
        fed = 0
        for answer in (1, StoreUnavailable("away"), StatementTimeout("slow"), 1):
            outcome = asked.waiting.pop()
            if isinstance(answer, Exception):
                outcome.errback(answer)
            else:
                outcome.callback(answer)
            fed += 1
            eventually(lambda fed=fed: systemd.said("WATCHDOG=1") == fed, "a sign of life")
            clock.advance(5)
        asked.waiting.pop().errback(ValueError("an error of its own"))
        clock.advance(5)
        clock.advance(60)
        assert len(asked.waiting) == 1, "one question at a time"
        watchdog.stopService()
        asked.waiting.pop().callback(1)
        assert not clock.getDelayedCalls()
        eventually(lambda: systemd.said("WATCHDOG=1") == fed + 1, "the last")
    assert len(nothing_left_behind) == 1
    assert "watchdog" in nothing_left_behind.pop()


def test_new_sockets_are_given_to_be_kept_and_removed_when_nothing_shall_listen(short_directory: Path) -> None:
    port = free_ports(1)[0]
    with ServiceManager(short_directory) as systemd:
        sockets = Sockets(Manager(systemd.address))
        for kind in (TCP, UDP):
            sockets.open(kind, port, "127.0.0.1").close()
        eventually(lambda: set(systemd.kept) == {f"ppl-tcp-{port}", f"ppl-udp-{port}"}, "both kept")
        with socket.create_connection(("127.0.0.1", port)):
            pass  # it listens all the same
        sockets.open(TCP, port, "127.0.0.1").close()  # another that serves the same port
        sockets.release(TCP, port)
        sockets.release(UDP, port)
        eventually(lambda: not systemd.kept, "none kept")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


#: A program that listens on the ports of its arguments, with the service manager at the first, and ends.
AN_EARLIER_LIFE = """
import socket, sys
from ppl.services.sockets import Sockets
from ppl.services.systemd import Manager

sockets = Sockets(Manager(sys.argv[1]))
for port in sys.argv[2:]:
    sockets.open(socket.SOCK_STREAM, int(port), "127.0.0.1")
"""


def test_kept_sockets_are_used_again_unless_they_are_bound_elsewhere_or_unwanted(short_directory: Path) -> None:
    same, elsewhere, unwanted = free_ports(3)
    with ServiceManager(short_directory) as systemd:
        command = [sys.executable, "-c", AN_EARLIER_LIFE, systemd.address, *map(str, (same, elsewhere, unwanted))]
        subprocess.run(command, check=True, timeout=60)
        eventually(lambda: len(systemd.kept) == 3, "all kept")
        inherited = [(each.dup(), name) for name, each in systemd.kept.items()]
        after = Sockets(Manager(systemd.address), inherited)
        with after.open(TCP, same, "127.0.0.1") as listens:
            waited = socket.create_connection(("127.0.0.1", same))
            listens.setblocking(True)
            listens.accept()[0].close()
            waited.close()
        eventually(lambda: systemd.said("FDSTORE=1") == 3, "what is kept is not given again")
        with pytest.raises(CannotListenError):  # a port and any other is the machine's, not ours
            after.open(TCP, elsewhere, "192.0.2.1")
        after.settle()
        eventually(lambda: set(systemd.kept) == {f"ppl-tcp-{same}"}, "only what is listened on")


def test_a_socket_of_a_unit_is_found_by_its_port_and_an_unused_one_is_logged(
    logged: list[str],
) -> None:
    wanted, unwanted = free_ports(2)
    with listening(wanted) as one, listening(unwanted) as other:
        sockets = Sockets(Manager(), [(one, "clients"), (other, "a-mistake")])
        with sockets.open(TCP, wanted, "0.0.0.0") as found:
            assert found.getsockname() == ("127.0.0.1", wanted)
        sockets.settle()
    (sentence,) = logged
    assert f"a-mistake (tcp port {unwanted})" in sentence


def test_sockets_meant_for_another_process_are_not_taken() -> None:
    assert list(inherited_from({"LISTEN_PID": "1", "LISTEN_FDS": "1", "LISTEN_FDNAMES": "x"})) == []


@pytest.fixture
def managed(dsn: str, short_directory: Path) -> Iterator[Callable[[], PplProcess]]:
    """Ppl under a service manager that keeps what it is given; not yet started."""
    with ServiceManager(short_directory) as systemd:
        ppl = PplProcess(dsn, short_directory)
        ppl.manager = systemd
        yield lambda: ppl
        ppl.stop()


def test_connections_requests_and_datagrams_wait_while_ppl_restarts(managed: Callable[[], PplProcess]) -> None:
    ppl = managed()
    systemd = ppl.manager
    assert systemd is not None
    # The site's socket comes from a socket unit; clients' ports come with registrations.
    systemd.given["site"] = listening(ppl.http_port)
    ppl.start()
    eventually(lambda: systemd.said("READY=1"), "that it is ready")
    who = ppl.register()
    eventually(lambda: {f"ppl-tcp-{who.port}", f"ppl-udp-{who.port}"} <= set(systemd.kept), "kept sockets")
    ppl.stop()
    assert systemd.said("STOPPING=1") == 1
    with socket.create_connection(("127.0.0.1", who.port)) as sender:
        sender.sendall(b"<13>1 - h app - - - over TCP\n")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"<13>1 - h app - - - over UDP", ("127.0.0.1", who.port))
    with socket.create_connection(("127.0.0.1", ppl.http_port), timeout=60) as browser:
        browser.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        ppl.start()
        assert b"200 OK" in browser.recv(4096)
    eventually(lambda: sorted(ppl.messages(who.port)) == ["over TCP", "over UDP"], "what waited")
    assert urllib.request.urlopen(ppl.url + "/healthz", timeout=10).read().startswith(b"ok ")
    assert "Traceback" not in ppl.text()
