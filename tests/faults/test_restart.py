"""An orderly restart under a real sender of plain lines, which have no acknowledgement: no line is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.lines import LineSender
from tests.faults.tally import Measured, tallies
from tests.fixtures.running import PplProcess, eventually
from tests.fixtures.systemd import ServiceManager
from tests.peers.rsyslogd import Rsyslog, rsyslog

pytestmark = [pytest.mark.long, pytest.mark.beside, pytest.mark.peer, pytest.mark.timeout(300)]

RATE = 2_000
RESTARTS = 3
SECONDS = 2.0


class Program(threading.Thread):
    """Writes numbered lines to the file that rsyslog follows, ``RATE`` a second, until :meth:`finish`.

    Attributes:
        name: the lines' first word.
        sent: lines written.
    """

    def __init__(self, sender: Rsyslog) -> None:
        super().__init__(name="line")
        self.sent = 0
        self._sender = sender
        self._finishing = threading.Event()

    def run(self) -> None:
        """Write lines; the body of the thread."""
        began = time.monotonic()
        while not self._finishing.wait(0.01):
            due = int((time.monotonic() - began) * RATE)
            self._sender.write(f"{self.name} {number}" for number in range(self.sent, due))
            self.sent = due

    def finish(self) -> None:
        """Write no more."""
        self._finishing.set()
        self.join()


@pytest.fixture(params=["systemd keeps the sockets", "ports are closed meanwhile"])
def ppl(request: pytest.FixtureRequest, dsn: str, short_directory: Path) -> Iterator[PplProcess]:
    """Ppl, not yet started."""
    running = PplProcess(dsn, short_directory)
    with ServiceManager(short_directory) as systemd:
        if request.param.startswith("systemd"):
            running.manager = systemd
        yield running
        running.stop()


@pytest.mark.parametrize("framing", ["traditional", "octet-counted"])
def test_rsyslog_loses_no_line_over_three_restarts(
    ppl: PplProcess, short_directory: Path, measured: Measured, framing: str
) -> None:
    ppl.start()
    who, other = ppl.register(), ppl.register()
    action = (
        f'type="omfwd" target="127.0.0.1" port="{who.port}" protocol="tcp" TCP_Framing="{framing}"'
        ' template="RSYSLOG_SyslogProtocol23Format"'
    )
    with rsyslog(short_directory, action) as sender:
        program = Program(sender)
        program.start()
        try:
            for _ in range(RESTARTS):
                before = ppl.count(who.port)
                eventually(lambda before=before: ppl.count(who.port) > before + RATE * SECONDS / 2, "a flow", 60)
                # Another client's flood makes sure that some lines have arrived and are not read yet.
                flood = LineSender(other, "flood", None)
                flood.start()
                eventually(lambda flood=flood: flood.sent > 20_000, "a flood")
                ppl.stop()
                flood.abandon()
                ppl.start()
            before = ppl.count(who.port)
            eventually(lambda: ppl.count(who.port) > before + RATE, "a flow", 60)
        finally:
            program.finish()
        last = f"{program.name} {program.sent - 1}"
        eventually(lambda: ppl.messages(who.port)[-1] == last, "the last line", 60)
    (found,) = tallies(ppl, who, [program], measured)
    assert (found.lost, found.doubled, found.in_order) == (0, 0, True)
    assert "Traceback" not in ppl.text()
