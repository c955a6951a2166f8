"""A long run of everything at once without any fault: nothing is lost, memory stays flat, the log has no errors.

``PPL_TEST_SOAK_SECONDS`` is its length: by default four minutes, so that ``make test-long`` stays bearable.
"""

from __future__ import annotations

import os
import ssl
import statistics
import threading
import time

import pytest

from tests.faults.lines import LineSender
from tests.faults.soaking import END, ComingAndGoing, Datagrams, Shaking, Wanderer, Watcher
from tests.faults.tally import Measured, tallies
from tests.fixtures.draining import DrainSender
from tests.fixtures.relp import WINDOW, RelpSender
from tests.fixtures.running import PplProcess

SECONDS = float(os.environ.get("PPL_TEST_SOAK_SECONDS", "240"))
#: KiB a minute. Garbage of closed connections waits for the cycle collector: at most some 25 MiB at a time.
STEEPEST = 4_000

pytestmark = [pytest.mark.long, pytest.mark.beside, pytest.mark.timeout(SECONDS + 240)]


def trusting() -> ssl.SSLContext:
    """A TLS context that accepts the certificate that Ppl made for itself."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def test_a_soak(ppl: PplProcess, measured: Measured) -> None:
    who = ppl.register()
    tls = trusting()
    relp = [RelpSender(who, "relp", rate=300), RelpSender(who, "relp-tls", rate=150, tls=tls)]
    http = DrainSender(ppl.drain_port, ppl.create_drain(who), "http", WINDOW, rate=100)
    lines = [
        ComingAndGoing("tcp", lambda name: LineSender(who, name, 400), 15),
        ComingAndGoing("tls", lambda name: LineSender(who, name, 150, tls), 20),
    ]
    udp = Datagrams(who, 50)
    watchers = [Watcher("faithful", ppl.url, who, SECONDS * 2), Watcher("returning", ppl.url, who, 7)]
    others = [Shaking(relp, 5), Wanderer(ppl.url, who)]
    for part in (*watchers, *relp, http, *lines, udp, *others):
        part.start()
    samples = sample_memory(ppl)
    for part in (*others, udp, *lines, *relp, http):
        part.finish()
    ppl.send(who.port, b"<13>1 - h app - - - %s\n" % END.encode())
    for watcher in watchers:
        watcher.finish()
        measured(f"{watcher.name}: {watcher.seen} seen, {watcher.gaps} gaps")

    plain = [sender for kind in lines for sender in kind.senders]
    for found in tallies(ppl, who, [*plain, udp], measured):
        assert (found.lost, found.doubled, found.in_order) == (0, 0, True)
    acknowledged = [*relp, http]
    for sender, found in zip(acknowledged, tallies(ppl, who, acknowledged, measured), strict=True):
        assert found.lost == 0
        assert found.doubled <= sender.most_doubled
    stored = ppl.messages(who.port)
    assert [watcher.seen for watcher in watchers] == [len(stored)] * 2

    settled = samples[len(samples) // 3 :]
    slope = statistics.linear_regression(*zip(*settled, strict=True)).slope
    tenths = " ".join(f"{samples[len(samples) * tenth // 10][1] / 1024:.1f}" for tenth in range(10))
    measured(f"{len(stored)} events in {SECONDS:g} s; MiB resident at each tenth: {tenths}; {slope:+.0f} KiB a minute")
    assert slope < STEEPEST
    complaints = [line for line in ppl.text().splitlines() if "#error" in line or "#critical" in line]
    assert complaints == []
    assert "Traceback" not in ppl.text()


def sample_memory(ppl: PplProcess) -> list[tuple[float, float]]:
    """Samples of time in minutes and memory in KiB, taken as long as the soak lasts."""
    began = time.monotonic()
    samples: list[tuple[float, float]] = []
    while time.monotonic() - began < SECONDS:
        samples.append(((time.monotonic() - began) / 60, float(ppl.memory())))
        threading.Event().wait(1)
    return samples
