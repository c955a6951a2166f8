"""Senders that wait for acknowledgements lose nothing, whatever is killed; what is stored twice was sent twice."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.load import Way, load, progress, under_load
from tests.faults.postgresql import backend, children, postmaster, signal_all
from tests.faults.tally import Measured, tallies
from tests.fixtures.running import PplProcess

pytestmark = [pytest.mark.long, pytest.mark.beside, pytest.mark.timeout(300)]

KILLS = 5


def restart(ppl: PplProcess, number: int) -> Callable[[], None]:
    """A fault: end Ppl by that signal and start it again."""

    def fault() -> None:
        ppl.stop(number=number)
        ppl.start()

    return fault


def test_ppl_killed_again_and_again(ppl_forms: PplProcess, way: Way, measured: Measured) -> None:
    under_load(ppl_forms, way, [restart(ppl_forms, signal.SIGKILL)] * KILLS, measured)


def test_ppl_and_its_postgresql_killed_again_and_again(ppl: PplProcess, way: Way, measured: Measured) -> None:
    under_load(ppl, way, [restart(ppl, signal.SIGKILL)] * KILLS, measured)


def test_postgresql_killed_again_and_again(
    ppl: PplProcess, short_directory: Path, way: Way, measured: Measured
) -> None:
    def kill(find: Callable[[int], list[int]]) -> Callable[[], None]:
        return lambda: signal_all(find(postmaster(short_directory)), signal.SIGKILL)

    server = kill(lambda pid: [pid])
    everything = kill(lambda pid: [pid, *children(pid)])
    # After the death of one backend PostgreSQL itself ends every other connection and recovers.
    one_backend = kill(lambda pid: [backend(pid)])
    under_load(ppl, way, [server, everything, one_backend, server, one_backend], measured)


def test_ppl_and_postgresql_restarted(ppl: PplProcess, short_directory: Path, way: Way, measured: Measured) -> None:
    def restart_postgresql(number: int) -> Callable[[], None]:
        return lambda: signal_all([postmaster(short_directory)], number)

    fast, immediate = restart_postgresql(signal.SIGINT), restart_postgresql(signal.SIGQUIT)
    stop = restart(ppl, signal.SIGTERM)
    under_load(ppl, way, [stop, fast, stop, immediate, stop], measured)


@pytest.mark.parametrize("ppl_forms", ["two"], indirect=True)
def test_the_link_cut_by_the_death_of_the_server_or_silent(ppl_forms: PplProcess, way: Way, measured: Measured) -> None:
    """The listener goes on storing, whatever happens to the server; senders do not even notice."""
    ppl = ppl_forms

    def death() -> None:
        ppl.kill("server")
        ppl.start_role("server")
        ppl.wait_until_ready()

    def silence() -> None:
        ppl.send_signal(signal.SIGSTOP, "server")
        # Meanwhile the listener's side of the link fills up.
        threading.Event().wait(8)
        ppl.send_signal(signal.SIGCONT, "server")

    who = ppl.register()
    with load(way(ppl, who)) as senders:
        for fault in (death, silence, death, silence, death):
            progress(senders)
            fault()
        progress(senders)
    for sender, found in zip(senders, tallies(ppl, who, senders, measured), strict=True):
        assert (found.lost, found.doubled, found.in_order) == (0, 0, True)
        assert sender.interrupted == 0
    assert "Traceback" not in ppl.text()
