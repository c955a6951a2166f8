"""Long runs with faults: real processes, real signals, every line counted at the end. Run by ``make test-long``."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ppl.store.embedded import EmbeddedPostgres
from tests.fixtures.running import PplProcess, Registered, eventually
from tests.fixtures.watching import Viewer

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

SECONDS = 40
RATE = 500


@pytest.fixture
def ppl(short_directory: Path) -> Iterator[PplProcess]:
    """Ppl on its embedded PostgreSQL."""
    dsn = EmbeddedPostgres(None, short_directory / "data").dsn
    running = PplProcess(dsn, short_directory, "one", {"PPL_DATABASE": ""})
    try:
        running.start()
        yield running
    finally:
        running.stop()


class Sender(threading.Thread):
    """Writes numbered lines over one connection, ``RATE`` a second."""

    def __init__(self, who: Registered) -> None:
        super().__init__()
        self._who = who
        self.sent = 0

    def run(self) -> None:
        began = time.monotonic()
        with socket.create_connection((self._who.host, self._who.port)) as connection:
            while time.monotonic() - began < SECONDS:
                due = int((time.monotonic() - began) * RATE)
                data = b"".join(b"<13>1 - h app - - - %d\n" % number for number in range(self.sent, due))
                if data:
                    connection.sendall(data)
                self.sent = max(self.sent, due)
                # The rate of the sender is what is tested; nothing is waited for.
                threading.Event().wait(0.01)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(4096):
                pass


def postmaster(directory: Path) -> int:
    """The process id of Ppl's PostgreSQL."""
    for each in Path("/proc").iterdir():
        if each.name.isdigit():
            try:
                command = (each / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if command[0].endswith(b"/postgres") and any(str(directory).encode() in word for word in command):
                return int(each.name)
    return 0


def signal_all(pids: tuple[int, ...], number: int) -> None:
    """Send a signal to those that still run: PostgreSQL's workers come and go."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def test_no_line_is_lost_or_doubled_when_postgresql_is_killed_again_and_again(
    ppl: PplProcess, short_directory: Path
) -> None:
    who = ppl.register()
    with Viewer(ppl.url, who) as viewer:
        viewer.identify(batch=True)
        sender = Sender(who)
        sender.start()
        seen: list[int] = []
        kills = 0
        next_kill = time.monotonic() + 6
        while sender.is_alive() or len(seen) < sender.sent:
            if len(seen) < sender.sent:
                seen += [int(event["message"]) for event in viewer.live_now(40)]
            else:
                sender.join(0.01)  # nothing can come before it has sent more
            if sender.is_alive() and time.monotonic() > next_kill:
                next_kill = time.monotonic() + 8
                killed = eventually(lambda: postmaster(short_directory), "a running PostgreSQL")
                os.kill(killed, signal.SIGKILL)
                kills += 1
        sender.join()
    stored = [int(message) for message in ppl.messages(who.port)]
    assert kills >= 3
    assert stored == list(range(sender.sent)), "every line, once, in order"
    assert seen == stored, "and so the viewer saw them"


def test_a_frozen_postgresql_holds_lines_back_and_loses_none(ppl: PplProcess, short_directory: Path) -> None:
    who = ppl.register()
    sender = Sender(who)
    sender.start()
    eventually(lambda: ppl.count(who.port) > RATE, "the first lines")
    group = eventually(lambda: postmaster(short_directory), "a running PostgreSQL")
    children = [int(pid) for pid in Path(f"/proc/{group}/task/{group}/children").read_text().split()]
    signal_all((group, *children), signal.SIGSTOP)
    # As long as it lasts, nothing answers; longer than a statement's patience would be another test.
    threading.Event().wait(10)
    signal_all((group, *children), signal.SIGCONT)
    sender.join()
    eventually(lambda: ppl.count(who.port) >= sender.sent, "every line", 60)
    assert [int(message) for message in ppl.messages(who.port)] == list(range(sender.sent))
